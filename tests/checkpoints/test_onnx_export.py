import dataclasses

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from explorer.checkpoints import CheckpointParts, export_onnx, onnx_export
from explorer.errors import CheckpointError
from explorer.generators import lightweight, mobile_stylegan, progan, stylegan1, stylegan3
from explorer.generators.styles import broadcast, truncate
from main import main
from tests.checkpoints.networks import (
    fastgan_generator,
    r3gan_generator,
    stylegan2_generator,
    stylegan3_generator,
    stylegan_t_generator,
    stylegan_xl_generator,
)
from tests.models import GOLDEN
from tests.tolerances import IMAGE_SHARE


def progan_generator():
    torch.manual_seed(0)
    return progan.Generator(progan.GeneratorConfig(resolution=8, channels=(8, 8), z_dim=8)).eval()


def stylegan1_generator():
    torch.manual_seed(0)
    config = stylegan1.GeneratorConfig(resolution=16, channels=(8, 8, 8), z_dim=8, w_dim=8, mapping_layers=2, lod=0.5)
    return stylegan1.Generator(config).eval()


def lightweight_generator():
    torch.manual_seed(0)
    config = lightweight.GeneratorConfig(resolution=8, channels=(8, 8), first_channels=8, w_dim=8, attention=(1,))
    return lightweight.Generator(config).eval()


def turned(**options):
    quarter = ((0.0, -1.0, 0.1), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    config = dataclasses.replace(stylegan3_generator(**options).config, stored_transform=quarter)
    return stylegan3.Generator(config).eval()


def mobile_generator():
    torch.manual_seed(0)
    config = mobile_stylegan.GeneratorConfig(resolution=16, channels=(8, 8), w_dim=8, mapping_layers=2)
    return mobile_stylegan.Generator(config).eval()


MODELS = {
    "progan": progan_generator,
    "stylegan1": stylegan1_generator,
    "lightweight": lightweight_generator,
    "mobile_stylegan": mobile_generator,
    "fastgan": lambda: fastgan_generator(c_dim=2, embed_dim=3),
    "r3gan": lambda: r3gan_generator(c_dim=2, embed_dim=3),
    "stylegan2": lambda: stylegan2_generator(c_dim=2),
    "stylegan3-t": turned,
    "stylegan3-r": lambda: stylegan3_generator(variant="r"),
    "stylegan_xl": stylegan_xl_generator,
    "stylegan_t": stylegan_t_generator,
}


def lively(generator):
    """Numbers that begin at zero would hide what is left out."""
    random = torch.Generator().manual_seed(1)
    for name, tensor in generator.state_dict().items():
        if name.endswith(("w_avg", "x_avg", "noise_strength", "noise_weight")):
            tensor.copy_(torch.randn(tensor.shape, generator=random) * 0.3)
    return generator


@pytest.fixture(scope="module")
def exported(request, tmp_path_factory):
    generator = lively(MODELS[request.param]())
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    export_onnx(CheckpointParts(generator), path)
    return generator, path


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def inputs(spec, batch, psi):
    random = torch.Generator().manual_seed(batch)
    given = {"z": torch.randn(batch, spec.z_dim, generator=random)}
    if spec.c_dim > 0:
        given["c"] = torch.eye(spec.c_dim)[torch.arange(batch) % spec.c_dim]
    if spec.has_truncation:
        given["psi"] = torch.tensor(psi)
    return given


@pytest.mark.parametrize("exported", MODELS, indirect=True)
def test_another_runtime_makes_our_pictures(exported):
    generator, path = exported
    spec, run = generator.spec, session(path)
    assert onnx.load(path).opset_import[0].version == onnx_export.OPSET
    for batch, psi in ((1, 0.5), (3, 1.0)):
        given = inputs(spec, batch, psi)
        with torch.no_grad():
            w_plus = broadcast(generator.map(given["z"], given.get("c")), spec.num_ws)
            if spec.has_truncation:
                w_plus = truncate(w_plus, generator.w_avg(given.get("c")), psi=psi)
            ours = generator.synthesize(generator.style(w_plus)).numpy()
        assert [node.name for node in run.get_inputs()] == list(given)
        (theirs,) = run.run(["image"], {name: value.numpy() for name, value in given.items()})
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=IMAGE_SHARE * min(1.0, float(ours.std())))


@pytest.mark.parametrize("exported", ["stylegan2"], indirect=True)
def test_the_file_says_what_it_is_and_nothing_of_this_machine(exported):
    _, path = exported
    model = onnx.load(path)
    assert {entry.key: entry.value for entry in model.metadata_props}["family"] == "stylegan2"
    assert b"site-packages" not in path.read_bytes()
    assert b".py" not in path.read_bytes()


@pytest.mark.parametrize("exported", ["stylegan3-r"], indirect=True)
def test_writing_leaves_no_trace_in_the_model(exported):
    generator, _ = exported
    again = MODELS["stylegan3-r"]()
    again.load_state_dict(generator.state_dict())
    given = inputs(generator.spec, 1, 1.0)["z"]
    with torch.no_grad():
        pictures = [g.synthesize(g.style(broadcast(g.map(given), g.spec.num_ws))) for g in (generator, again)]
    assert type(pictures[0]) is torch.Tensor
    assert torch.equal(*pictures)


class Stubborn(torch.nn.Module):
    """What it does depends on the numbers that it is given."""

    def __init__(self):
        super().__init__()
        self.inner = stylegan2_generator()
        self.spec, self.style, self.w_avg = self.inner.spec, self.inner.style, self.inner.w_avg
        self.synthesize = self.inner.synthesize

    def map(self, z, c=None):
        return self.inner.map(z if bool((z > 0).any()) else -z)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [("package", "latent-explorer\\[onnx\\]"), ("size", "an ONNX file holds"), ("operation", "cannot be written")],
)
def test_what_cannot_be_written_is_said_in_a_line_and_leaves_the_old_file(trouble, said, tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"something")
    if trouble == "package":
        monkeypatch.setattr(onnx_export, "NEEDS", ("onnx", "no_such_package"))
    if trouble == "size":
        monkeypatch.setattr(onnx_export, "MAX_BYTES", 100)
    network = Stubborn() if trouble == "operation" else stylegan2_generator()
    with pytest.raises(CheckpointError, match=said) as error:
        export_onnx(CheckpointParts(network), path)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == b"something"
    assert list(tmp_path.iterdir()) == [path]


def test_convert_writes_onnx_by_the_ending(tmp_path, capsys):
    target = tmp_path / "net.onnx"
    with pytest.raises(SystemExit) as end:
        main(["convert", str(GOLDEN / "formats" / "progan_32.pkl"), str(target)])
    assert (end.value.code, *capsys.readouterr()) == (0, f"{target}\n", "")
    assert {entry.key for entry in onnx.load(target).metadata_props} >= {"family", "converted_from"}
