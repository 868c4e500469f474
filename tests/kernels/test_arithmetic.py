"""The kernels' own text against the reference: value, gradient and second derivative, in every type."""

import math

import pytest
import torch

from explorer import ops
from explorer.ops import cuda_check, cuda_path
from explorer.ops.activations import ACTIVATIONS
from explorer.ops.filtered import CUDA_TAPS

# As a share of the largest value: rounding of what is stored; sums are float32 in all types.
SHARE = {torch.float32: 2e-5, torch.float16: 2e-2, torch.bfloat16: 8e-2}
TYPES = pytest.mark.parametrize("dtype", SHARE, ids=str)
LOW = ops.lowpass_filter(numtaps=12, cutoff=4, width=6, fs=40)
LONG = ops.lowpass_filter(numtaps=24, cutoff=4, width=6, fs=80)
DISC = ops.lowpass_filter(numtaps=12, cutoff=4, width=6, fs=40, radial=True)
SHORT = ops.setup_filter([1, 3, 3, 1])
UNEVEN = torch.randn(3, 5, generator=torch.Generator().manual_seed(9)) / 4


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def check(run, place, dtype: torch.dtype, *inputs: torch.Tensor) -> None:
    """``run(impl, *inputs)`` agrees with the reference in value and in every gradient."""
    found = []
    for impl in ("cuda", "reference"):
        leaves = [t.to(place.device, dtype).requires_grad_() for t in inputs]
        y = run(impl, *leaves)
        weights = randn(*y.shape, seed=1).to(place.device)
        found.append([y.detach(), *torch.autograd.grad((y.float() * weights).sum(), leaves)])
    for one, other in zip(*found, strict=True):
        assert one.dtype == other.dtype == dtype
        scale = float(other.float().abs().max())
        torch.testing.assert_close(one.float() / scale, other.float() / scale, rtol=0, atol=SHARE[dtype])


def at(place, f: torch.Tensor | None) -> torch.Tensor | None:
    return None if f is None else f.to(place.device)


@TYPES
@pytest.mark.parametrize(
    ("f", "options"),
    [
        (SHORT, {"up": 2, "pad": (2, 1, 2, 1), "gain": 4.0}),
        (LOW, {"down": 2, "pad": 5}),
        (UNEVEN, {"up": (3, 2), "down": (2, 3), "pad": (4, -2, 1, 3)}),
        (UNEVEN, {"up": 2, "pad": (-3, 2, 0, -4), "flip_filter": True}),
        (None, {"down": 3, "pad": 1}),
    ],
    ids=["doubling", "halving", "uneven", "cropped", "no filter"],
)
def test_resampling(place, dtype, f, options):
    check(lambda impl, x: ops.upfirdn2d(x, at(place, f), **options, impl=impl), place, dtype, randn(2, 3, 13, 37))


@TYPES
@pytest.mark.parametrize(
    ("fu", "fd", "options"),
    [
        (LOW, LOW, {"up": 2, "down": 2, "pad": (9, 8, 9, 8), "clamp": 0.6}),
        (LONG, LOW, {"up": 4, "down": 2, "pad": (-6, -9, -6, -9)}),
        (LOW, DISC, {"up": 2, "down": 2, "pad": (11, 10, 11, 10), "slope": 0.1}),
        (UNEVEN, UNEVEN, {"up": (1, 2), "down": (2, 1), "pad": (3, 2, 1, 4), "clamp": 0.9, "flip_filter": True}),
        (None, None, {"slope": 1.0, "gain": 1.0, "clamp": 0.5}),
    ],
    ids=["same size", "growing", "radial", "uneven", "no filters"],
)
def test_filtered_lrelu(place, dtype, fu, fd, options):
    # Wide enough for several tiles, the last one of them a part.
    check(
        lambda impl, x, b: ops.filtered_lrelu(x, fu=at(place, fu), fd=at(place, fd), b=b, **options, impl=impl),
        place,
        dtype,
        randn(1, 2, 18, 41),
        randn(2, seed=2) / 2,
    )


def test_planes_beyond_the_grid_are_computed_too(place, monkeypatch):
    monkeypatch.setattr(cuda_path, "MOST_BLOCKS_Z", 2)
    monkeypatch.setattr(cuda_path, "MOST_BLOCKS", 2)
    check(
        lambda impl, x: ops.bias_act(
            ops.upfirdn2d(
                ops.filtered_lrelu(x, fu=at(place, LOW), fd=at(place, LOW), up=2, down=2, pad=10, impl=impl),
                at(place, SHORT), up=2, pad=(2, 1, 2, 1), impl=impl,
            ), impl=impl,
        ),
        place, torch.float32, randn(2, 3, 9, 9),
    )  # fmt: skip


@TYPES
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_bias_act(place, dtype, act):
    # Away from the kinks, on whose two sides rounding would put a sample.
    x = randn(2, 5, 7)
    x = x + x.sign() * 0.1
    check(lambda impl, x: ops.bias_act(x, act=act, clamp=1.9, impl=impl), place, dtype, x)


@TYPES
def test_the_bias_goes_along_its_axis(place, dtype):
    check(lambda impl, x, b: ops.bias_act(x, b, dim=2, impl=impl), place, dtype, randn(2, 3, 4, 2), randn(4))


@TYPES
@pytest.mark.parametrize("up", [1, 2])
@pytest.mark.parametrize("noise", [None, (12, 10), (2, 1, 12, 10)], ids=["no noise", "one map", "a map each"])
def test_modulated_layer(place, dtype, up, noise):
    h, w = 12 // up, 10 // up
    weight = randn(4, 3, 3, 3, seed=5).to(place.device)
    field = None if noise is None else randn(*noise, seed=6).to(place.device)

    def layer(impl, x, s, b):
        return ops.modulated_conv2d(
            x, weight, s.float(), noise=field, up=up, padding=1, resample_filter=at(place, SHORT), flip_weight=up == 1,
            epilogue=ops.Epilogue(b, "lrelu", clamp=5.0), impl=impl,
        )  # fmt: skip

    check(layer, place, dtype, randn(2, 3, h, w), randn(2, 3, seed=7) + 2, randn(4, seed=8))


def test_a_layer_with_another_activation_or_none(place):
    weight = randn(4, 3, 3, 3, seed=5).to(place.device)
    for epilogue in (ops.Epilogue(act="swish", clamp=0.4), None):
        check(
            lambda impl, x, s, e=epilogue: ops.modulated_conv2d(x, weight, s, padding=1, epilogue=e, impl=impl),
            place, torch.float32, randn(1, 3, 6, 5), randn(1, 3, seed=7),
        )  # fmt: skip


def test_demodulation_without_gradients_is_one_kernel(place):
    energy, styles = randn(5, 300).square().to(place.device), randn(3, 300, seed=1).to(place.device)
    found = cuda_path.demodulate(energy, styles, epsilon=1e-8)
    torch.testing.assert_close(found, (styles.square() @ energy.T).rsqrt())


def test_second_derivatives_agree_with_the_reference(place):
    def penalty(impl: str) -> torch.Tensor:
        leaf = randn(1, 2, 9, 8).to(place.device).requires_grad_()
        b = torch.tensor([0.1, -0.2], device=place.device)
        y = ops.filtered_lrelu(
            leaf, fu=at(place, LOW), fd=at(place, LOW), b=b, up=2, down=2, pad=8, clamp=0.9, impl=impl
        )
        y = ops.bias_act(ops.upfirdn2d(y, at(place, SHORT), up=2, pad=4, impl=impl), act="swish", impl=impl)
        weight = randn(3, 2, 3, 3).to(place.device)
        y = ops.modulated_conv2d(y, weight, leaf.mean([2, 3]), epilogue=ops.Epilogue(act="lrelu"), impl=impl)
        (g,) = torch.autograd.grad(y.square().sum(), leaf, create_graph=True)
        return torch.autograd.grad(g.square().sum(), leaf)[0]

    expected = penalty("reference")
    scale = expected.abs().max()
    torch.testing.assert_close(penalty("cuda") / scale, expected / scale, rtol=0, atol=1e-4)


@TYPES
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_packing_gives_the_bytes_of_the_output_stage(place, dtype, channels):
    from explorer.rendering.output import pixels_of

    image = (randn(channels, 6, 7) * 0.8).to(place.device, dtype)
    found = cuda_path.pack_rgba(image).cpu()
    expected = torch.from_numpy(pixels_of(image[None]).copy())
    assert torch.equal(found[..., : max(channels, 3)], expected.expand(-1, -1, max(channels, 3)))
    if channels < 4:
        assert (found[..., 3] == 255).all()


@TYPES
def test_rounding_of_a_stored_value_is_torchs(place, dtype):
    values = torch.cat(
        [randn(4000) * 10.0**e for e in range(-9, 6)] + [torch.tensor([0.0, math.inf, -math.inf, math.nan])]
    )
    wide = values.to(place.device, dtype)
    # Times a factor, so that the product has more digits than the type holds.
    found = cuda_path.scale_planes(wide[None, None, None], torch.full((1, 1), 1.2345, device=place.device))
    expected = (wide.float() * 1.2345).to(dtype)
    torch.testing.assert_close(found[0, 0, 0], expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_value_halfway_between_two_goes_to_the_even_one(place, dtype):
    # Multiples of 1.5 of the last place of odd and of even neighbours: exact in float32, halfway in the type.
    steps = 1 + torch.arange(8.0) * torch.finfo(dtype).eps
    halfway = steps + torch.finfo(dtype).eps / 2
    found = cuda_path.scale_planes(
        torch.ones(1, 8, 1, 1, device=place.device, dtype=dtype), halfway[None].to(place.device)
    )
    assert torch.equal(found.flatten().cpu(), halfway.to(dtype))


def test_what_a_block_shares_fits_every_gpu():
    axis = cuda_path.Axis
    for taps in (1, 4, 12, 24, CUDA_TAPS):
        for factor in (1, 2, 4):
            up, down = axis(50, taps, factor, 1, 9, 9), axis(100, taps, 1, factor, 0, 0)
            for full in (False, True):
                x, y = cuda_path.tile_for((up, up), (down, down), up_full=full, down_full=full)
                assert x * factor % 4 == 0
                assert y >= 1


def test_the_check_before_the_kernels_serve_finds_them_right(place):
    assert cuda_check.disagreement(place.device) is None


def test_the_check_names_a_kernel_that_is_wrong(place, monkeypatch):
    right = cuda_path.bias_act
    monkeypatch.setattr(cuda_path, "bias_act", lambda *args, **options: right(*args, **options) * 1.01)
    assert "bias_act" in (cuda_check.disagreement(place.device) or "")
