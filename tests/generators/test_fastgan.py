from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.checkpoints import save_checkpoint
from explorer.checkpoints.published_fastgan import NOISE_NOTE
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators import fastgan as network
from explorer.rendering import restrict
from explorer.state import EditState, Mix, Noise, SeedPad, Transform, Truncation
from tests.checkpoints.fastgan_records import CLASSES, Z_DIM, fastgan
from tests.checkpoints.networks import fastgan_generator
from tests.checkpoints.pickle_writer import PickleWriter
from tests.checkpoints.published_writer import module
from tests.tolerances import NETS

PICTURES = Path(__file__).parents[1] / "golden" / "fastgan" / "pictures.npz"
KNOWN = {
    "fastgan": {"resolution": 64},
    "fastgan_lite": {"resolution": 128, "lite": True},
    "fastgan_classes": {"resolution": 128, "conditional": True},
    "fastgan_lite_classes": {"resolution": 128, "lite": True, "conditional": True},
}


def opened(folder: Path, record: ModuleRecord) -> explorer.Checkpoint:
    path = folder / "snapshot.pkl"
    with open(path, "wb") as file:
        PickleWriter(file).dump({"G": None, "D": None, "G_ema": module(record, plain_class=True)})
    return explorer.open_checkpoint(path)


def inputs(c_dim: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    z = torch.from_numpy(np.random.RandomState(3).randn(2, Z_DIM).astype(np.float32))
    return z, torch.eye(CLASSES)[[1, 4]] if c_dim else None


def picture(g, z, c=None, **options):
    return g.synthesize(g.style(explorer.broadcast(g.map(z, c), 1)), **options)


@pytest.mark.parametrize("name", KNOWN)
def test_pictures_are_the_published_code_s(tmp_path, name):
    checkpoint = opened(tmp_path, fastgan(**KNOWN[name]))
    z, c = inputs(checkpoint.spec.c_dim)
    with np.load(PICTURES) as known:
        wanted = {
            mode: torch.from_numpy(known[f"{name}/{mode}"]) for mode in ("none", "random") if f"{name}/{mode}" in known
        }
    step = checkpoint.spec.resolution[0] // 32
    for mode, image in wanted.items():
        ours = picture(checkpoint.generator, z, c, noise=Noise(mode, seed=5))[:, :, ::step, ::step]
        torch.testing.assert_close(ours, image, **NETS.kwargs)
    assert checkpoint.spec.family == "fastgan"
    assert checkpoint.info.notes == (() if "lite" in name else (NOISE_NOTE,))


def test_it_is_saved_and_opened_again_bit_for_bit(tmp_path):
    first = opened(tmp_path, fastgan(**KNOWN["fastgan_classes"]))
    save_checkpoint(first, tmp_path / "again.safetensors")
    again = explorer.open_checkpoint(tmp_path / "again.safetensors")
    z, c = inputs(CLASSES)
    assert again.spec == first.spec
    assert torch.equal(picture(again.generator, z, c), picture(first.generator, z, c))


@pytest.mark.parametrize("lite", [False, True])
def test_layers_resume_where_they_stopped(lite):
    g = fastgan_generator(lite=lite, c_dim=2, embed_dim=3)
    s = g.style(explorer.broadcast(g.map(torch.randn(2, 4), torch.eye(2)), 1))
    steps = list(g.steps(s, noise=Noise("random", seed=1)))
    assert [g.spec.layers[step.index].name for step in steps] == list(g.spec.activations[:-1])
    for step in steps[:-1]:
        *_, last = g.steps(s, noise=Noise("random", seed=1), start=step)
        assert torch.equal(last.image, steps[-1].image)


def test_small_features_weigh_large_ones():
    g = fastgan_generator()
    s = g.style(torch.randn(1, 1, 4))
    before = g.synthesize(s)
    with torch.no_grad():
        g.synthesis.b64.excite.weigh.zero_()
    plain = g.synthesize(s, until="b64.conv1")
    assert not torch.allclose(before, g.synthesize(s))
    with torch.no_grad():
        # Sigmoid of nothing is a half.
        g.synthesis.b64.excite.weigh.fill_(1e9)
        g.synthesis.b64.excite.see.abs_()
        s = [torch.ones_like(part) for part in s]
        g.synthesis.b4.conv0.weight.abs_()
        whole = g.synthesize(s, until="b64.conv1")
        g.synthesis.b64.excite.weigh.zero_()
        torch.testing.assert_close(g.synthesize(s, until="b64.conv1"), whole / 2)
    assert plain.shape == whole.shape


def test_only_the_direction_of_a_latent_counts():
    g = fastgan_generator()
    z = torch.randn(1, 4)
    torch.testing.assert_close(picture(g, 3 * z), picture(g, z), **NETS.kwargs)


def test_classes_blend():
    g = fastgan_generator(c_dim=2, embed_dim=3)
    z = torch.randn(1, 4)
    one, two, between = (picture(g, z, torch.tensor([c])) for c in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5]))
    assert not torch.allclose(one, two)
    assert not torch.allclose(between, one)


def test_what_it_cannot_do_is_left_out_and_said():
    spec = fastgan_generator(lite=True).spec
    state = EditState(
        mixing=(Mix(SeedPad(1, 0), (0,)),),
        truncation=Truncation(0.5),
        transform=Transform(rotate_deg=10),
        noise=Noise("random", seed=3),
    )
    kept, notes = restrict(state, spec)
    assert kept == EditState()
    assert len(notes) == 4


def test_impossible_options_are_refused():
    for options in ({"resolution": 96}, {"resolution": 32}, {"channels": (8,)}, {"c_dim": 3}, {"z_dim": 0}):
        standard = {"resolution": 64, "channels": (8, 8, 8, 8, 8), "z_dim": 4}
        with pytest.raises(CheckpointError):
            network.GeneratorConfig(**{**standard, **options})


def stretched(record: ModuleRecord) -> None:
    record.children["synthesis"].children["feat_16"].children["1"].attributes["stride"] = (2, 2)


def rearranged(record: ModuleRecord) -> None:
    listed = record.children["synthesis"].children["feat_16"].children
    listed["2"], listed["3"] = listed["3"], listed["2"]


def shortened(record: ModuleRecord) -> None:
    layer = record.children["synthesis"].children["feat_8"].children["1"]
    layer.buffers["weight_v"] = torch.zeros(3)


def infinite(record: ModuleRecord) -> None:
    record.children["synthesis"].children["to_big"].parameters["bias"] = torch.full((3,), torch.nan)


@pytest.mark.parametrize("spoil", [stretched, rearranged, shortened, infinite])
def test_a_damaged_one_is_refused(tmp_path, spoil):
    record = fastgan(resolution=64)
    spoil(record)
    with pytest.raises(CheckpointError):
        opened(tmp_path, record)


@pytest.mark.parametrize("side", [32, 96, 1 << 13, 1 << 40])
def test_a_side_that_no_generator_has_is_refused_before_noise_is_drawn(tmp_path, monkeypatch, side):
    record = fastgan(resolution=64)
    record.attributes["img_resolution"] = side

    def drawn(*sides: int, **_: object) -> None:
        pytest.fail(f"noise of {sides} was drawn")

    monkeypatch.setattr(torch, "randn", drawn)
    with pytest.raises(CheckpointError, match=f"resolution is {side}"):
        opened(tmp_path, record)
