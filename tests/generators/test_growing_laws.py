import dataclasses
import json

import pytest
import torch
import torch.nn.functional as F

import explorer
from explorer import Noise
from explorer.errors import CheckpointError, StateError
from explorer.generators import lightweight, progan, stylegan1
from explorer.generators.growing import grow_picture, upsample_nearest
from explorer.generators.growing_discriminator import GrowingConfig, GrowingDiscriminator, smooth
from explorer.generators.growing_layers import ScaledConv
from tests.tolerances import DOUBLE

SMALL = {"resolution": 32, "channels": (8, 8, 6, 4)}
STYLEGAN1 = stylegan1.GeneratorConfig(**SMALL, z_dim=10, w_dim=12, mapping_layers=2)
PROGAN = progan.GeneratorConfig(**SMALL, z_dim=10)
LIGHT = lightweight.GeneratorConfig(**SMALL, first_channels=8, w_dim=12, mapping_layers=2)
MODULES = {
    stylegan1.GeneratorConfig: stylegan1.Generator,
    progan.GeneratorConfig: progan.Generator,
    lightweight.GeneratorConfig: lightweight.Generator,
}


def made(config, seed=0):
    """A network of which every number counts."""
    network = MODULES[type(config)](config) if type(config) in MODULES else GrowingDiscriminator(config)
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = 100.0 if name.startswith("mapping.fc") and name.endswith("weight") else 1.0
            scale = 0.3 if type(config) is lightweight.GeneratorConfig else scale
            parameter.copy_(torch.randn(parameter.shape, generator=stream) * scale)
    return network.eval().requires_grad_(False)


def latent(g, count=2, seed=1):
    stream = torch.Generator().manual_seed(seed)
    c = torch.eye(max(g.spec.c_dim, 1))[[0] * count] if g.spec.c_dim else None
    return g.map(torch.randn(count, g.spec.z_dim, generator=stream), c)


def picture(g, w, **options):
    return g.synthesize(g.style(explorer.broadcast(w, g.spec.num_ws)), **options)


def lod_of(config, lod, **more):
    return dataclasses.replace(config, lod=lod, **more)


def same_weights(config, other):
    """A network of `config` with the weights of `other` that it has a place for."""
    network = MODULES[type(config)](config)
    own = network.state_dict()
    network.load_state_dict({name: tensor for name, tensor in other.state_dict().items() if name in own})
    return network.eval().requires_grad_(False)


def test_a_folded_doubling_is_the_plain_one_with_its_taps_turned_around():
    plain = ScaledConv(3, 5, up=True).double()
    folded = ScaledConv(3, 5, up=True, folded=True).double()
    with torch.no_grad():
        folded.weight.copy_(plain.weight.flip([2, 3]))
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    torch.testing.assert_close(folded(x), plain(x), **DOUBLE.kwargs)


def test_a_folded_halving_is_the_plain_one():
    config = GrowingConfig(**SMALL, dense_features=8, smoothing=(1.0, 2.0, 1.0))
    plain = made(config).double()
    folded = GrowingDiscriminator(dataclasses.replace(config, fused_from=8)).double()
    folded.load_state_dict(plain.state_dict())
    image = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(folded(image), plain(image), **DOUBLE.kwargs)


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
def test_smoothing_keeps_the_size_and_puts_the_odd_sample_at_the_end(taps):
    kernel = torch.rand(taps, taps, dtype=torch.float64)
    x = torch.randn(1, 2, 9, 8, dtype=torch.float64)
    padded = F.pad(x, [(taps - 1) // 2, taps // 2, (taps - 1) // 2, taps // 2])
    expected = F.conv2d(padded, kernel.expand(2, 1, taps, taps), groups=2)
    torch.testing.assert_close(smooth(x, kernel), expected, **DOUBLE.kwargs)


@pytest.mark.parametrize("config", [STYLEGAN1, PROGAN], ids=["stylegan1", "progan"])
def test_a_grown_network_shows_its_last_colours_alone(config):
    g = made(config)
    alone = same_weights(dataclasses.replace(config, grows=False), g)
    w = latent(g)
    assert torch.equal(picture(alone, w), picture(g, w))
    assert torch.equal(picture(g, w, until="b32.torgb"), picture(g, w))


@pytest.mark.parametrize("config", [STYLEGAN1, PROGAN], ids=["stylegan1", "progan"])
@pytest.mark.parametrize("lod", [1, 2, 3])
def test_a_network_with_doublings_missing_shows_an_earlier_blocks_colours(config, lod):
    g = made(lod_of(config, float(lod)))
    w = latent(g)
    expected = picture(g, w, until=f"b{32 >> lod}.torgb")
    for _ in range(lod):
        expected = upsample_nearest(expected)
    torch.testing.assert_close(picture(g, w), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("config", [STYLEGAN1, PROGAN], ids=["stylegan1", "progan"])
def test_fractions_blend_the_pictures_of_two_levels(config):
    g = made(config)
    w = latent(g)
    pictures = {lod: picture(same_weights(lod_of(config, lod), g), w) for lod in (1.0, 1.25, 2.0)}
    expected = pictures[1.0] * 0.75 + pictures[2.0] * 0.25
    torch.testing.assert_close(pictures[1.25], expected, rtol=1e-5, atol=1e-5)


def test_discriminators_fade_between_levels_and_ignore_what_is_not_grown():
    config = GrowingConfig(**SMALL, dense_features=8)
    d = made(config)

    def at(lod):
        other = GrowingDiscriminator(dataclasses.replace(config, lod=lod))
        other.load_state_dict(d.state_dict())
        return other

    image = torch.randn(4, 3, 32, 32)
    detail = image + torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(16, 16)
    with torch.no_grad():
        assert not torch.allclose(d(image), d(detail))
        # What averages out within two pixels is not seen before the last doubling.
        torch.testing.assert_close(at(1.0)(image), at(1.0)(detail), rtol=1e-4, atol=1e-4)
        assert not torch.allclose(at(0.5)(image), d(image))


def test_no_picture_is_made_that_nothing_needs():
    def refuse():
        raise AssertionError

    assert grow_picture(None, refuse, lod=0.0, level=1) is None
    assert grow_picture(None, refuse, lod=1.0, level=2) is None
    before = torch.ones(1, 1, 2, 2)
    assert torch.equal(grow_picture(before, refuse, lod=1.0, level=0), torch.ones(1, 1, 4, 4))


OPTIONS = [
    {},
    {"const_input": False},
    {"use_styles": False},
    {"use_styles": False, "const_input": False, "use_noise": False},
    {"use_noise": False},
    {"pixel_norm": True, "instance_norm": False},
    {"smoothing": None, "fused_from": None},
    {"smoothing": (1.0, 1.0), "fused_from": 8},
    {"smoothing": tuple(1.0 for _ in range(9))},
    {"activation": "relu", "mapping_activation": "relu", "normalize_latents": False},
    {"c_dim": 3},
    {"c_dim": 3, "embed_features": 5, "layer_features": 7},
    {"w_avg_beta": None},
    {"grows": False},
    {"img_channels": 1},
    {"lod": 2.5},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_of_stylegan_renders_and_saves(tmp_path, options):
    config = dataclasses.replace(STYLEGAN1, **options)
    _check_saved(tmp_path, config)


@pytest.mark.parametrize(
    "options",
    [{}, {"c_dim": 4}, {"fused_from": None}, {"normalize_latents": False, "pixel_norm": False}, {"lod": 1.5}],
    ids=str,
)
def test_every_option_of_progan_renders_and_saves(tmp_path, options):
    _check_saved(tmp_path, dataclasses.replace(PROGAN, **options))


@pytest.mark.parametrize("options", [{}, {"attention": (0, 3)}, {"const_input": False}, {"img_channels": 4}], ids=str)
def test_every_option_of_the_light_network_renders_and_saves(tmp_path, options):
    _check_saved(tmp_path, dataclasses.replace(LIGHT, **options))


def _check_saved(tmp_path, config):
    assert type(config).from_json(json.loads(json.dumps(dataclasses.asdict(config)))) == config
    g = made(config)
    w = latent(g)
    image = picture(g, w)
    assert image.shape == (2, g.spec.img_channels, *g.spec.resolution)
    assert image.isfinite().all()
    assert not torch.equal(image[0], image[1]) or not getattr(config, "use_styles", True)
    s = g.style(explorer.broadcast(w, g.spec.num_ws))
    assert [part.shape[1] for part in s] == [layer.style_dim for layer in g.spec.layers]
    for name in g.spec.activations:
        assert g.synthesize(s, until=name).isfinite().all(), name
    explorer.save_checkpoint(explorer.checkpoints.CheckpointParts(g), tmp_path / "a.safetensors")
    again = explorer.open_checkpoint(tmp_path / "a.safetensors")
    assert again.spec == g.spec
    assert torch.equal(picture(again.generator, w), image)


@pytest.mark.parametrize("config", [STYLEGAN1, PROGAN, LIGHT], ids=["stylegan1", "progan", "light"])
def test_prefixes_resume_to_the_same_picture_and_batches_do_not_mix(config):
    g = made(config)
    w = latent(g)
    s = g.style(explorer.broadcast(w, g.spec.num_ws))
    for noise in (Noise(), Noise("random", seed=4), Noise("none"), Noise(strength=0.5)):
        whole = g.synthesize(s, noise=noise)
        for step in g.steps(s, noise=noise):
            assert torch.equal(g.synthesize(s, noise=noise, start=step), whole)
    one = g.synthesize([part[:1] for part in s])
    torch.testing.assert_close(one, g.synthesize(s)[:1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", [STYLEGAN1, PROGAN, LIGHT], ids=["stylegan1", "progan", "light"])
def test_pictures_have_gradients_to_styles_and_weights(config):
    g = made(config).requires_grad_(True)
    w = latent(g).detach().requires_grad_()
    picture(g, w).square().sum().backward()
    assert w.grad.abs().sum() > 0
    idle = [name for name, parameter in g.synthesis.named_parameters() if parameter.grad is None]
    assert all(name.startswith(("b4.torgb", "b8.torgb", "b16.torgb")) for name in idle)


@pytest.mark.parametrize("config", [STYLEGAN1, PROGAN, LIGHT], ids=["stylegan1", "progan", "light"])
def test_what_a_model_cannot_take_is_refused_in_words(config):
    g = made(config)
    w_plus = explorer.broadcast(latent(g), g.spec.num_ws)
    with pytest.raises(StateError, match="w_plus"):
        g.style(w_plus[:, :, :-1])
    with pytest.raises(StateError, match="z"):
        g.map(torch.zeros(1, 3))
    s = g.style(w_plus)
    with pytest.raises(StateError, match="layers"):
        g.synthesize(s[:-1])
    with pytest.raises(StateError, match="style of"):
        g.synthesize([s[0][:, 1:], *s[1:]])
    with pytest.raises(StateError, match="no layer"):
        g.synthesize(s, until="b4")
    with pytest.raises(StateError, match="turned or shifted"):
        g.synthesize(s, transform=torch.diag(torch.tensor([1.0, 2.0, 1.0])))
    last = list(g.steps(s))[-1]
    with pytest.raises(StateError, match="already stands"):
        g.synthesize(s, start=last, until=g.spec.layers[0].name)


def test_labels_are_needed_and_must_fit():
    for config in (dataclasses.replace(STYLEGAN1, c_dim=3), dataclasses.replace(PROGAN, c_dim=3)):
        g = made(config)
        for c in (None, torch.zeros(1, 2)):
            with pytest.raises(StateError):
                g.map(torch.zeros(1, 10), c)
    d = made(GrowingConfig(**SMALL, dense_features=4, c_dim=3))
    for c in (None, torch.zeros(2, 2)):
        with pytest.raises(StateError, match="labels"):
            d(torch.zeros(2, 3, 32, 32), c)
    with pytest.raises(StateError, match="picture"):
        d(torch.zeros(2, 3, 16, 16), torch.zeros(2, 3))


@pytest.mark.parametrize(
    "options",
    [{"resolution": 24}, {"channels": (4, 4)}, {"lod": 4.0}, {"lod": -0.5}, {"grows": False, "lod": 1.0}],
    ids=str,
)
def test_shapes_that_contradict_each_other_are_refused(options):
    for config in (STYLEGAN1, PROGAN, GrowingConfig(**SMALL, dense_features=4)):
        with pytest.raises(CheckpointError):
            dataclasses.replace(config, **options)


def test_centre_of_w_moves_towards_a_batch():
    g = made(STYLEGAN1)
    w = g.map(torch.randn(8, 10), update_emas=True)
    torch.testing.assert_close(g.w_avg()[0], w.mean(dim=0) * 0.005)
