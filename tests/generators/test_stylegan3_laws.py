import copy
import dataclasses
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer import Noise, StateError
from explorer.generators.stylegan3 import Generator, GeneratorConfig, invert_transform
from tests.generators.golden_checks import open_net
from tests.tolerances import DOUBLE, HALF, IMAGE_SHARE

EQUIVARIANCE = Path(__file__).parents[1] / "golden/equivariance/sg3t_64.npz"

OTHERS = {
    "no power of two": {"resolution": 20, "num_layers": 6},
    "four times denser": {"resolution": 16, "num_layers": 4, "lrelu_upsampling": 4, "filter_size": 4},
    "no denser": {"resolution": 16, "num_layers": 5, "lrelu_upsampling": 1, "margin_size": 3},
    "radial, RGBA": {"resolution": 16, "num_layers": 4, "variant": "r", "img_channels": 4},
    "wide kernel, grey, classes": {"resolution": 16, "num_layers": 4, "conv_kernel": 5, "img_channels": 1, "c_dim": 3},
    "nearly all critical": {"resolution": 16, "num_layers": 3, "num_critical": 2, "conv_clamp": None},
}


def small_generator(**options) -> Generator:
    torch.manual_seed(11)
    config = GeneratorConfig.standard(channel_base=128, channel_max=8, z_dim=6, w_dim=7, **options)
    return Generator(config).requires_grad_(False)


@cache
def published() -> Generator:
    return open_net("sg3t_64").g


@pytest.fixture
def w_plus() -> torch.Tensor:
    w = published().map(torch.randn(2, published().spec.z_dim, generator=torch.Generator().manual_seed(5)))
    return explorer.broadcast(w, published().spec.num_ws)


def moved(x: float = 0.0, y: float = 0.0, *, turn_deg: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    angle = math.radians(turn_deg)
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    return torch.tensor([[cos, -sin, x], [sin, cos, y], [0.0, 0.0, 1.0]], dtype=torch.float64)


def test_the_identity_changes_no_bit(w_plus):
    s = published().style(w_plus)
    assert torch.equal(published().synthesize(s), published().synthesize(s, transform=torch.eye(3)))


def test_noise_settings_change_nothing(w_plus):
    s = published().style(w_plus)
    assert torch.equal(published().synthesize(s), published().synthesize(s, noise=Noise("random", seed=3)))


def test_a_turn_and_its_inverse_cancel(w_plus):
    s = published().style(w_plus)
    there_and_back = moved(0.1, -0.2, turn_deg=33) @ torch.linalg.inv(moved(0.1, -0.2, turn_deg=33))
    difference = published().synthesize(s) - published().synthesize(s, transform=there_and_back)
    assert difference.abs().max() < IMAGE_SHARE


def test_shifting_by_whole_pixels_moves_the_picture():
    generator, golden = published(), np.load(EQUIVARIANCE)
    w = generator.map(torch.from_numpy(golden["z"]))
    s = generator.style(explorer.broadcast(w, generator.spec.num_ws))
    original, side = generator.synthesize(s), generator.spec.resolution[0]
    for trial in range(3):
        x, y = golden[f"int{trial}/t"].tolist()
        dx, dy = round(x * side), round(y * side)
        image = generator.synthesize(s, transform=moved(x, y))
        inside = (slice(max(dy, 0), side + min(dy, 0)), slice(max(dx, 0), side + min(dx, 0)))
        difference = (image - original.roll((dy, dx), (2, 3)))[..., inside[0], inside[1]]
        psnr_db = 10 * math.log10(4 / float(difference.square().mean()))
        assert abs(psnr_db - float(golden[f"int{trial}/psnr"])) < 0.1


def test_shifting_right_moves_features_right(w_plus):
    generator, side = published(), published().config.input.size
    s = generator.style(w_plus)
    step = 1 / generator.config.input.sampling_rate
    still = generator.synthesize(s, until="input")
    right = generator.synthesize(s, until="input", transform=moved(x=3 * step))
    down = generator.synthesize(s, until="input", transform=moved(y=2 * step))
    bound = IMAGE_SHARE * still.abs().max()
    assert (right[..., 3:] - still[..., : side - 3]).abs().max() < bound
    assert (down[..., 2:, :] - still[..., : side - 2, :]).abs().max() < bound


def test_a_quarter_turn_turns_the_features(w_plus):
    generator = published()
    s = generator.style(w_plus)
    still = generator.synthesize(s, until="input")
    # x points right and y down, so a positive angle turns clockwise on the screen.
    turned = generator.synthesize(s, until="input", transform=moved(turn_deg=90))
    assert (turned - still.rot90(-1, (2, 3))).abs().max() < IMAGE_SHARE * still.abs().max()


def test_shrinking_fades_what_the_grid_cannot_hold(w_plus):
    s = published().style(w_plus)
    features = published().synthesize(s, until="input", transform=moved(scale=1e-3))
    assert torch.equal(features, torch.zeros_like(features))


def test_a_transform_in_the_file_acts_before_the_users():
    options = {"resolution": 16, "num_layers": 4}
    plain = small_generator(**options)
    stored = invert_transform(moved(0.1, 0.05, turn_deg=20))
    config = dataclasses.replace(plain.config, stored_transform=tuple(map(tuple, stored.tolist())))
    baked = Generator.from_tensors(config, plain.state_dict())
    s = plain.style(torch.randn(1, plain.spec.num_ws, 7))
    user = moved(-0.2, 0.1, turn_deg=-5)
    alone = plain.synthesize(s, transform=moved(0.1, 0.05, turn_deg=20))
    both = plain.synthesize(s, transform=user @ moved(0.1, 0.05, turn_deg=20))
    torch.testing.assert_close(baked.synthesize(s), alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(baked.synthesize(s, transform=user), both, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", OTHERS)
def test_resuming_from_any_step_is_running_through(name):
    generator = small_generator(**OTHERS[name])
    spec = generator.spec
    s = generator.style(torch.randn(2, spec.num_ws, spec.w_dim))
    matrix = moved(0.1, turn_deg=10)
    steps = list(generator.steps(s, transform=matrix))
    assert [step.index for step in steps] == list(range(len(spec.layers)))
    image = generator.synthesize(s, transform=matrix)
    assert torch.equal(steps[-1].image, image)
    assert image.shape == (2, spec.img_channels, *spec.resolution)
    for step, layer in zip(steps, spec.layers, strict=True):
        assert step.x.shape == (2, layer.channels, *layer.size)
        assert torch.equal(step.x, generator.synthesize(s, transform=matrix, until=layer.name))
        assert torch.equal(generator.synthesize(s, start=step), image)
        assert torch.equal(generator.synthesize(s, start=step, until=layer.name), step.x)
        rest = list(generator.steps(s, start=step))
        assert [later.index for later in rest] == list(range(step.index + 1, len(spec.layers)))


@pytest.mark.parametrize("name", OTHERS)
def test_samples_of_a_batch_do_not_touch(name):
    generator = small_generator(**OTHERS[name]).double()
    s = generator.style(torch.randn(3, generator.spec.num_ws, generator.spec.w_dim, dtype=torch.float64))
    together = generator.synthesize(s)
    for i in range(3):
        alone = generator.synthesize([style[i : i + 1] for style in s])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", OTHERS)
def test_the_spec_describes_the_network(name):
    generator = small_generator(**OTHERS[name])
    spec = generator.spec
    s = generator.style(torch.zeros(1, spec.num_ws, spec.w_dim))
    assert [style.shape[1] for style in s] == [layer.style_dim for layer in spec.layers]
    assert [layer.w_row for layer in spec.layers] == list(range(spec.num_ws))
    assert spec.activations == (*(layer.name for layer in spec.layers), "output")
    assert (spec.has_transform, spec.has_noise) == (True, False)
    # A fresh style is neutral: upright, unshifted, every channel at 1.
    assert s[0].tolist() == [[1, 0, 0, 0]]
    assert all(torch.equal(style, torch.ones_like(style)) for style in s[1:])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_nearly_the_same_picture(dtype, w_plus):
    expected = published().synthesize(published().style(w_plus[:1]), transform=moved(0.1, turn_deg=5))
    halved = copy.deepcopy(published()).to(dtype)
    actual = halved.synthesize(halved.style(w_plus[:1]), transform=moved(0.1, turn_deg=5))
    assert actual.dtype == torch.float32
    assert (actual - expected).square().mean().sqrt() < HALF.rtol * expected.std()


def test_magnitudes_only_move_when_asked(w_plus):
    generator = copy.deepcopy(published())
    before = [buffer.clone() for buffer in generator.buffers()]
    generator.synthesize(generator.style(w_plus))
    generator.map(torch.randn(2, generator.spec.z_dim))
    assert all(torch.equal(a, b) for a, b in zip(before, generator.buffers(), strict=True))
    still = generator.synthesize(generator.style(w_plus))
    for _ in range(20):
        generator.synthesize(generator.style(w_plus), update_emas=True)
    assert not torch.equal(still, generator.synthesize(generator.style(w_plus)))


def test_the_picture_is_differentiable_in_the_transform():
    generator = small_generator(resolution=16, num_layers=2, num_critical=1).double()
    s = generator.style(torch.randn(1, generator.spec.num_ws, 7, dtype=torch.float64))
    matrix = moved(0.05, -0.02, turn_deg=8).requires_grad_()
    image = generator.synthesize(s, transform=matrix)
    direction = torch.tensor([[0.3, -0.2, 0.1], [0.2, 0.1, -0.4], [0.0, 0.0, 0.0]], dtype=torch.float64)
    weights = torch.randn(image.shape, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((image * weights).sum(), matrix)
    step = 1e-6
    ahead, behind = (generator.synthesize(s, transform=matrix.detach() + sign * step * direction) for sign in (1, -1))
    slope = ((ahead - behind) * weights).sum() / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-5, atol=DOUBLE.atol)


def test_no_gradient_is_kept_for_weights_that_ask_for_none(w_plus):
    assert not published().synthesize(published().style(w_plus)).requires_grad


@pytest.mark.parametrize(
    "matrix",
    [
        torch.zeros(3, 3),
        torch.tensor([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]]),
        torch.full([3, 3], math.nan),
        torch.eye(2),
        torch.eye(3).expand(3, 3, 3),
    ],
)
def test_a_transform_that_cannot_be_undone_is_refused_in_words(matrix, w_plus):
    with pytest.raises(StateError, match="transform"):
        published().synthesize(published().style(w_plus), transform=matrix)


def test_what_does_not_fit_is_refused_in_words(w_plus):
    generator = published()
    s = generator.style(w_plus)
    with pytest.raises(StateError, match="L99"):
        generator.synthesize(s, until="L99_4_4")
    with pytest.raises(StateError, match="16, 48"):
        generator.style(w_plus[:, :-1])
    with pytest.raises(StateError, match="15 entries"):
        generator.synthesize(s[:-1])
    with pytest.raises(StateError, match="L3_36_32"):
        generator.synthesize([*s[:4], s[4][:1], *s[5:]])
    with pytest.raises(StateError, match="already stands after"):
        generator.synthesize(s, start=list(generator.steps(s))[5], until="L1_36_32")
