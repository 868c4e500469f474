import json
from io import BytesIO

import pytest
import safetensors.torch
import torch

import explorer
from explorer.checkpoints.identity import sha256_of
from explorer.errors import CheckpointError
from explorer.generators import stylegan2, stylegan3, stylegan_xl
from explorer.generators.stylegan2_config import GeneratorConfig
from tests.checkpoints.networks import (
    discriminator,
    stylegan2_generator,
    stylegan3_generator,
    stylegan_t_generator,
    stylegan_xl_generator,
)
from tests.checkpoints.test_torch_files import saved
from tests.models import GOLDEN, write_stylegan2
from tests.tolerances import NETS

TURNED = ((0.0, -1.0, 0.1), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


def lively(generator):
    random = torch.Generator().manual_seed(1)
    for name, tensor in generator.state_dict().items():
        if name.endswith(("w_avg", "noise_strength")):
            tensor.copy_(torch.randn(tensor.shape, generator=random) * 0.3)
    return generator.requires_grad_(False)


MODELS = {
    "skip": stylegan2_generator,
    "classes": lambda: stylegan2_generator(c_dim=3, embed_features=5),
    "resnet": lambda: stylegan2_generator(architecture="resnet", img_channels=1),
    "plain": lambda: stylegan2_generator(architecture="orig", resolution=16, use_noise=False),
    "other filter": lambda: stylegan2_generator(resample_filter=(1.0, 1.0)),
    "stylegan3-t": stylegan3_generator,
    "stylegan3-r": lambda: stylegan3_generator(variant="r", c_dim=2),
    "stylegan3 of another size": lambda: stylegan3_generator(resolution=24, num_layers=6, img_channels=4),
}


def published(generator):
    """Every tensor under the name that the published program gives it."""
    tensors = {name: tensor.contiguous() for name, tensor in generator.state_dict().items()}
    if isinstance(generator, stylegan3.Generator):
        tensors["synthesis.input.transform"] = torch.eye(3)
    return tensors


def in_safetensors(tensors, metadata=None):
    return safetensors.torch.save(tensors, metadata)


def picture(g):
    z = torch.randn(2, g.spec.z_dim, generator=torch.Generator().manual_seed(5))
    c = torch.eye(g.spec.c_dim)[:2] if g.spec.c_dim else None
    return g.synthesize(g.style(explorer.broadcast(g.map(z, c), g.spec.num_ws)))


def opened(tmp_path, content, name="model.safetensors"):
    path = tmp_path / name
    path.write_bytes(content)
    return explorer.open_checkpoint(path)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["torch", "torch with others", "safetensors", "safetensors with prefix"])
def test_bare_weights_give_the_picture_of_their_network(tmp_path, name, kind):
    g = lively(MODELS[name]())
    tensors = published(g)
    content = {
        "torch": lambda: saved(tensors),
        "torch with others": lambda: saved({"G": published(MODELS[name]()), "G_ema": tensors, "step": 3}),
        "safetensors": lambda: in_safetensors(tensors, {"format": "pt"}),
        "safetensors with prefix": lambda: in_safetensors({f"G_ema.{key}": item for key, item in tensors.items()}),
    }[kind]()
    checkpoint = opened(tmp_path, content)
    assert checkpoint.info.format == "StyleGAN state dict"
    assert checkpoint.spec == g.spec
    assert torch.equal(picture(checkpoint.generator), picture(g))


@pytest.mark.parametrize("name", ["sg2_64_rgb", "sg2_32_cond3", "sg2_32_resnet", "sg3t_64", "sg3t_32_cond4", "sg3r_64"])
def test_the_published_networks_open_as_bare_weights_too(tmp_path, name):
    snapshot = explorer.open_checkpoint(GOLDEN / "nets" / f"{name}.pkl")
    clamp = getattr(snapshot.generator.config, "conv_clamp", 256.0)
    (tmp_path / "config.json").write_text(json.dumps({"synthesis_kwargs": {"conv_clamp": clamp}}))
    checkpoint = opened(tmp_path, in_safetensors(published(snapshot.generator)))
    assert torch.equal(picture(checkpoint.generator), picture(snapshot.generator))


@pytest.mark.parametrize(
    "name", ["stylegan-xl", "stylegan-xl without classes", "stylegan-xl radial", "stylegan-xl stem"]
)
def test_stages_of_stylegan_xl_are_found_again_from_names_and_filters(tmp_path, name):
    plain = {"channel_base": 256, "channel_max": 24}
    options = {"resolution": 16, "z_dim": 4, "w_dim": 8, "num_layers": 7, "embed_features": 4, **plain}
    classes = 0 if name == "without classes" else 3
    config = stylegan_xl.GeneratorConfig.standard(c_dim=classes, variant="r" if name == "radial" else "t", **options)
    if name != "the first stage alone":
        config = config.grown(head_layers=5, **plain)
        config = config.grown(up_factor=4, head_layers=4, **plain) if name == "several stages" else config
    torch.manual_seed(0)
    g = stylegan_xl.Generator(config).eval().requires_grad_(False)
    (tmp_path / "g.safetensors").write_bytes(in_safetensors({k: v.clone() for k, v in g.state_dict().items()}))
    read = explorer.open_checkpoint(tmp_path / "g.safetensors")
    assert read.spec == g.spec
    z, c = torch.randn(1, 4), torch.eye(3)[:1] if classes else None
    w = explorer.broadcast(g.map(z, c), g.spec.num_ws)
    assert torch.equal(read.generator.synthesize(read.generator.style(w)), g.synthesize(g.style(w)))


def test_stylegan_t_opens_from_bare_weights_and_what_they_do_not_tell_from_the_side(tmp_path):
    g = stylegan_t_generator()
    (tmp_path / "g.safetensors").write_bytes(in_safetensors({k: v.clone() for k, v in g.state_dict().items()}))
    (tmp_path / "config.json").write_text(json.dumps({"norm_groups": 4, "text_encoder": "clip"}))
    read = explorer.open_checkpoint(tmp_path / "g.safetensors")
    assert read.spec == g.spec
    assert read.generator.config.norm_groups == 4
    w = explorer.broadcast(g.map(torch.randn(1, 4), torch.randn(1, 3)), g.spec.num_ws)
    assert torch.equal(read.generator.synthesize(read.generator.style(w)), g.synthesize(g.style(w)))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(tmp_path / "g.safetensors")


def test_stages_that_nobody_published_are_refused_and_say_what_weights_do_not_tell(tmp_path):
    plan = {"resolution": 16, "z_dim": 4, "c_dim": 3, "num_layers": 5, "channel_base": 256, "channel_max": 24}
    config = stylegan_xl.GeneratorConfig.standard(**plan, first_cutoff=3.0)
    g = stylegan_xl.Generator(config)
    (tmp_path / "g.safetensors").write_bytes(in_safetensors({k: v.clone() for k, v in g.state_dict().items()}))
    with pytest.raises(CheckpointError, match=r"cutoffs and filter widths: open the snapshot"):
        explorer.open_checkpoint(tmp_path / "g.safetensors")


def test_stages_without_their_first_layer_are_refused_by_its_name(tmp_path):
    tensors = {k: v.clone() for k, v in stylegan_xl_generator().state_dict().items() if ".L0_" not in k}
    (tmp_path / "g.safetensors").write_bytes(in_safetensors(tensors))
    with pytest.raises(CheckpointError, match=r"begin at L1_\d+_\d+.*from L0_"):
        explorer.open_checkpoint(tmp_path / "g.safetensors")


def test_a_transform_in_the_file_moves_the_picture(tmp_path):
    g = lively(stylegan3_generator())
    tensors = {**published(g), "synthesis.input.transform": torch.tensor(TURNED)}
    moved = opened(tmp_path, in_safetensors(tensors)).generator
    torch.testing.assert_close(torch.tensor(moved.config.stored_transform), torch.tensor(TURNED), **NETS.kwargs)
    assert not torch.equal(picture(moved), picture(g))


def test_rosinalitys_weights_open_from_safetensors(tmp_path):
    path = GOLDEN / "formats" / "rosinality_64_converted.pt"
    snapshot = explorer.open_checkpoint(path)
    held = torch.load(path, weights_only=True)
    flat = {f"g_ema.{name}": tensor.contiguous() for name, tensor in held["g_ema"].items()}
    checkpoint = opened(tmp_path, in_safetensors({**flat, "latent_avg": held["latent_avg"]}))
    assert torch.equal(picture(checkpoint.generator), picture(snapshot.generator))
    bare = opened(tmp_path, in_safetensors({name.removeprefix("g_ema."): item for name, item in flat.items()}))
    assert torch.equal(picture(bare.generator), picture(snapshot.generator))


def test_what_weights_cannot_tell_is_taken_from_the_side_or_said(tmp_path):
    config = GeneratorConfig.standard(
        resolution=8, channel_base=64, channel_max=8, z_dim=8, w_dim=8, mapping_layers=2, lr_multiplier=0.05
    )
    torch.manual_seed(0)
    g = lively(stylegan2.Generator(config).eval())
    content = in_safetensors(published(g))
    (note,) = opened(tmp_path, content).info.notes
    assert "lr_multiplier" in note
    (tmp_path / "config.json").write_text(json.dumps({"mapping_kwargs": {"lr_multiplier": 0.05}, "conv_clamp": None}))
    checkpoint = opened(tmp_path, content)
    assert checkpoint.info.notes == ()
    assert torch.equal(picture(checkpoint.generator), picture(g))


@pytest.mark.parametrize("text", ["", "[", "[]", "[" * 100_000, "\0", '{"mapping_kwargs": 3}'])
def test_a_side_file_that_says_nothing_is_as_if_it_were_not_there(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert opened(tmp_path, in_safetensors(published(stylegan2_generator()))).spec.family == "stylegan2"


def test_a_side_file_that_lies_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"lr_multiplier": "x"}')
    with pytest.raises(CheckpointError, match="no number"):
        opened(tmp_path, in_safetensors(published(stylegan2_generator())))


SPOILED = {
    "a hole": lambda tensors: tensors.pop("synthesis.b8.conv1.weight"),
    "a stranger": lambda tensors: tensors.update(more=torch.zeros(2)),
    "another shape": lambda tensors: tensors.update({"mapping.fc1.weight": torch.zeros(3, 3)}),
    "whole numbers": lambda tensors: tensors.update({"mapping.fc1.weight": torch.zeros(8, 8, dtype=torch.int64)}),
    "no colours": lambda tensors: tensors.pop("synthesis.b8.torgb.weight"),
    "no axes": lambda tensors: tensors.update({"synthesis.b4.conv1.weight": torch.zeros([])}),
}


@pytest.mark.parametrize("spoil", SPOILED)
def test_weights_that_do_not_fit_are_refused_in_a_line(tmp_path, spoil):
    tensors = published(stylegan2_generator())
    SPOILED[spoil](tensors)
    with pytest.raises(CheckpointError) as error:
        opened(tmp_path, in_safetensors(tensors))
    assert "\n" not in str(error.value)


def test_a_plan_that_nobody_published_is_refused_and_says_what_to_open(tmp_path):
    g = stylegan3_generator(first_cutoff=3.0)
    with pytest.raises(CheckpointError, match=r"follow no published plan.*open the snapshot"):
        opened(tmp_path, in_safetensors(published(g)))


def test_a_discriminator_beside_it_is_left_and_said(tmp_path):
    tables = {"G_ema": published(stylegan2_generator()), "D": discriminator().state_dict()}
    checkpoint = opened(tmp_path, saved(tables))
    assert checkpoint.discriminator is None
    assert any("discriminator" in note for note in checkpoint.info.notes)


LAYOUTS = {
    "hub": "model.safetensors",
    "diffusers": "generator/diffusion_pytorch_model.safetensors",
    "older hub": "pytorch_model.bin",
    "only one": "something-else.pt",
    "averaged": "G_ema/weights.pth",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_as_hubs_keep_it_opens_as_its_weights(tmp_path, layout):
    g = lively(stylegan2_generator())
    path = tmp_path / LAYOUTS[layout]
    path.parent.mkdir(exist_ok=True)
    tensors = published(g)
    path.write_bytes(in_safetensors(tensors) if path.suffix == ".safetensors" else saved(tensors))
    (tmp_path / "README.md").write_text("# A model")
    (path.parent / "config.json").write_text('{"lr_multiplier": 0.01}')
    checkpoint = explorer.open_checkpoint(tmp_path)
    assert torch.equal(picture(checkpoint.generator), picture(g))
    assert sha256_of(tmp_path) == checkpoint.info.sha256


def test_our_own_file_in_a_folder_opens_and_several_are_not_guessed(tmp_path):
    write_stylegan2(tmp_path / "one.safetensors")
    assert explorer.open_checkpoint(tmp_path).info.format == "latent-explorer safetensors"
    write_stylegan2(tmp_path / "two.safetensors")
    with pytest.raises(CheckpointError, match="is a folder: open the checkpoint file inside it"):
        explorer.open_checkpoint(tmp_path)


def test_foreign_safetensors_that_lie_are_refused(tmp_path):
    content = in_safetensors(published(stylegan2_generator()))
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    first, second = [name for name in header if name != "__metadata__"][:2]

    def lying(change):
        spoiled = json.loads(json.dumps(header))
        change(spoiled)
        text = json.dumps(spoiled).encode()
        return len(text).to_bytes(8, "little") + text + content[8 + length :]

    lies = {
        "overlap": lambda h: h[second].update(data_offsets=h[first]["data_offsets"]),
        "dtype": lambda h: h[first].update(dtype="F8_E4M3"),
        "wider": lambda h: h[first].update(dtype="F64"),
        "shape": lambda h: h[first].update(shape=[2**40, 2**20]),
        "beyond": lambda h: h[first].update(data_offsets=[0, 2**47]),
        "negative": lambda h: h[first].update(data_offsets=[-4, 0]),
    }
    for change in lies.values():
        with pytest.raises(CheckpointError):
            opened(tmp_path, lying(change))
    for claimed in (len(content), 2**62, 40 << 20):
        with pytest.raises(CheckpointError):
            opened(tmp_path, claimed.to_bytes(8, "little") + content[8:])
    for part in range(1, 32):
        with pytest.raises(CheckpointError):
            opened(tmp_path, content[: len(content) * part // 32])


def test_a_reduction_beside_the_weights_is_refused(tmp_path):
    class Spawn:
        def __reduce__(self):
            return print, ("run",)

    out = BytesIO()
    torch.save({"G_ema": published(stylegan2_generator()), "more": Spawn()}, out)
    with pytest.raises(CheckpointError, match="nothing was run"):
        opened(tmp_path, out.getvalue(), "model.pt")
