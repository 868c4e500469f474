import pytest
import torch

from explorer.checkpoints import open_checkpoint, save_checkpoint
from explorer.checkpoints.identity import sha256_of
from explorer.errors import CheckpointError
from explorer.generators import mobile_stylegan
from explorer.generators.styles import broadcast
from explorer.state import Noise
from tests.checkpoints.openvino_writer import write_mobile
from tests.tolerances import IMAGE_SHARE


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    config = mobile_stylegan.GeneratorConfig(resolution=16, channels=(8, 8), w_dim=8, mapping_layers=2)
    network = mobile_stylegan.Generator(config).eval().requires_grad_(False)
    for name, tensor in network.state_dict().items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.3)
    return network


@pytest.fixture
def folder(generator, tmp_path):
    write_mobile(generator, tmp_path)
    return tmp_path


def picture(network, noise=None):
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    w_plus = broadcast(network.map(z), network.spec.num_ws)
    return network.synthesize(network.style(w_plus), noise=Noise() if noise is None else noise)


def close(first, second):
    torch.testing.assert_close(first, second, rtol=0, atol=IMAGE_SHARE * max(1.0, float(second.std())))


def test_the_graphs_become_the_network_that_they_were_written_from(generator, folder):
    checkpoint = open_checkpoint(folder)
    assert checkpoint.generator.config == generator.config
    assert (checkpoint.info.format, checkpoint.info.family) == ("OpenVINO model", "mobile_stylegan")
    assert checkpoint.info.default_psi == 0.5
    close(picture(checkpoint.generator), picture(generator))


@pytest.mark.parametrize("name", ["MappingNetwork.xml", "SynthesisNetwork.xml", "package"])
def test_either_graph_and_the_package_open_the_same_model(name, folder):
    whole = open_checkpoint(folder)
    if name == "package":
        data = folder / "package" / "data"
        data.mkdir(parents=True)
        for file in folder.glob("*Network.*"):
            file.rename(data / file.name)
    assert open_checkpoint(folder / name).info.sha256 == whole.info.sha256 == sha256_of(folder / name)


def test_the_numbers_beside_the_graph_decide_identity(folder):
    before = open_checkpoint(folder).info.sha256
    numbers = bytearray((folder / "SynthesisNetwork.bin").read_bytes())
    numbers[3] ^= 1
    (folder / "SynthesisNetwork.bin").write_bytes(numbers)
    assert open_checkpoint(folder).info.sha256 != before


def test_the_centre_of_w_is_the_mean_of_mapped_latents(folder):
    network = open_checkpoint(folder).generator
    z = torch.randn(20_000, 8, generator=torch.Generator().manual_seed(5))
    w = network.map(z)
    assert float((w.mean(dim=0) - network.w_avg()[0]).abs().max()) < 0.05 * float(w.std())


def test_it_is_saved_and_opened_as_our_own(folder, tmp_path):
    checkpoint = open_checkpoint(folder)
    save_checkpoint(checkpoint, tmp_path / "net.safetensors")
    again = open_checkpoint(tmp_path / "net.safetensors")
    assert torch.equal(picture(again.generator), picture(checkpoint.generator))


def test_a_synthesis_resumed_anywhere_ends_in_the_same_picture(generator):
    s = generator.style(broadcast(generator.map(torch.ones(1, 8)), generator.spec.num_ws))
    whole = generator.synthesize(s)
    for step in generator.steps(s):
        assert torch.equal(generator.synthesize(s, start=step), whole)
        name = generator.spec.layers[step.index].name
        held = step.x if step.image is None else step.image
        assert torch.equal(generator.synthesize(s, until=name), held)
        assert tuple(held.shape[2:]) == generator.spec.layers[step.index].size
        assert held.shape[1] == generator.spec.layers[step.index].channels


def test_noise_changes_the_picture_only_by_its_map(generator):
    plain, other = picture(generator, Noise("none")), picture(generator, Noise("random", seed=3))
    assert not torch.equal(plain, picture(generator))
    assert not torch.equal(other, picture(generator))
    assert torch.equal(other, picture(generator, Noise("random", seed=3)))


def test_bands_of_a_picture_keep_its_energy_and_means_fill_squares():
    x = torch.randn(2, 12, 5, 4, dtype=torch.float64)
    whole = mobile_stylegan.inverse_haar(x)
    torch.testing.assert_close(whole.square().sum(dim=[1, 2, 3]), x.square().sum(dim=[1, 2, 3]))
    x[:, 3:] = 0
    squares = x[:, :3].repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) / 2
    torch.testing.assert_close(mobile_stylegan.inverse_haar(x), squares)


def changed(folder, name, change):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))


BAD = {
    "entities": ("SynthesisNetwork.xml", lambda data: data.replace(b"<net", b'<!DOCTYPE net [<!ENTITY a "b">]><net')),
    "entities that multiply": (
        "MappingNetwork.xml",
        lambda data: (
            b'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
            + data.partition(b"?>")[2].replace(b"<layers>", b"<layers>&b;", 1)
        ),
    ),
    "nested without end": (
        "MappingNetwork.xml",
        lambda data: data.replace(b"<layers>", b"<layers>" + b"<a>" * 100_000 + b"</a>" * 100_000, 1),
    ),
    "more than any": ("MappingNetwork.xml", lambda data: data.replace(b"<layers>", b"<layers>" + b"<a/>" * 600_000, 1)),
    "hidden by an encoding": (
        "SynthesisNetwork.xml",
        lambda data: data.replace(b'"1.0"', b'"1.0" encoding="x"') + b"\xff",
    ),
    "another version": ("MappingNetwork.xml", lambda data: data.replace(b'version="10"', b'version="11"')),
    "cut off": ("SynthesisNetwork.xml", lambda data: data[: len(data) // 2]),
    "too few numbers": ("SynthesisNetwork.bin", lambda data: data[:-4]),
    "no numbers": ("MappingNetwork.bin", lambda data: b""),
    "an offset below zero": ("MappingNetwork.xml", lambda data: data.replace(b'offset="4"', b'offset="-4"')),
    "a huge shape": (
        "MappingNetwork.xml",
        lambda data: data.replace(b'shape="8, 8"', b'shape="999999, 999999, 999999"', 1),
    ),
    "another operation": ("SynthesisNetwork.xml", lambda data: data.replace(b'type="PReLU"', b'type="Sigmoid"')),
    "an edge from nowhere": ("SynthesisNetwork.xml", lambda data: data.replace(b'from-layer="5"', b'from-layer="x"')),
    "latents as they are": ("MappingNetwork.xml", lambda data: data.replace(b'type="Parameter"', b'type="Split"')),
    "not a number": ("SynthesisNetwork.bin", lambda data: data[:4] + b"\x00\x00\xc0\x7f" + data[8:]),
}


@pytest.mark.parametrize("trouble", BAD)
def test_a_damaged_or_hostile_model_is_refused_in_a_line(trouble, folder):
    name, change = BAD[trouble]
    before = (folder / name).read_bytes()
    changed(folder, name, change)
    assert (folder / name).read_bytes() != before
    with pytest.raises(CheckpointError) as error:
        open_checkpoint(folder)
    assert "\n" not in str(error.value)


def test_filters_that_are_not_haars_are_refused(generator, tmp_path):
    write_mobile(generator, tmp_path, wavelet=0.6)
    with pytest.raises(CheckpointError, match="Haar"):
        open_checkpoint(tmp_path)


def test_layers_in_a_circle_are_refused(folder):
    def circle(data):
        # The first edge into a reshape leads back from the reshape itself.
        start = data.index(b'type="Reshape"')
        identity = data[:start].rpartition(b'id="')[2].partition(b'"')[0]
        edge = b'to-layer="' + identity + b'" to-port="0"'
        head, _, tail = data.partition(edge)
        source = head.rpartition(b'from-layer="')
        return source[0] + b'from-layer="' + identity + b'"' + source[2].partition(b'"')[2] + edge + tail

    changed(folder, "MappingNetwork.xml", circle)
    with pytest.raises(CheckpointError):
        open_checkpoint(folder)


def test_a_missing_file_is_named(folder):
    (folder / "MappingNetwork.bin").unlink()
    with pytest.raises(CheckpointError, match=r"MappingNetwork\.bin"):
        open_checkpoint(folder)
