"""What must hold of the operations whatever the numbers."""

import pytest
import torch

from explorer import ops
from tests.tolerances import DOUBLE, HALF, OPS


def noise(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def test_up_sampling_keeps_the_brightness_of_a_flat_picture():
    y = ops.upsample2d(torch.full((1, 1, 16, 16), 0.3), ops.setup_filter([1, 3, 3, 1]))
    torch.testing.assert_close(y[:, :, 2:-2, 2:-2], torch.full((1, 1, 28, 28), 0.3), **OPS.kwargs)


def test_a_filter_and_its_outer_product_do_the_same():
    x, row = noise(2, 3, 12, 11), noise(9)
    options = {"up": 2, "down": 3, "pad": (3, 5, 4, 2)}
    torch.testing.assert_close(
        ops.upfirdn2d(x, row, **options), ops.upfirdn2d(x, torch.outer(row, row), **options), **OPS.kwargs
    )


def test_flipping_the_filter_is_flipping_its_taps():
    x, f = noise(1, 2, 9, 8), noise(3, 4)
    torch.testing.assert_close(ops.upfirdn2d(x, f, flip_filter=True), ops.upfirdn2d(x, f.flip([0, 1])), **OPS.kwargs)


def test_filters_of_eight_taps_or_more_stay_separable():
    assert ops.setup_filter([1.0] * 7).ndim == 2
    assert ops.setup_filter([1.0] * 8).ndim == 1


def test_radial_filters_of_odd_length_are_finite():
    f = ops.lowpass_filter(numtaps=7, cutoff=3.3, width=5, fs=16, radial=True)
    assert f.isfinite().all()
    torch.testing.assert_close(f, f.T)


def test_modulating_activations_equals_modulating_weights():
    # A batch of two goes by the activations, a batch of one this large by the weights.
    x, w, s, strength = noise(1, 4, 24, 24), noise(6, 4, 3, 3, seed=1), noise(1, 4, seed=2), noise(24, 24, seed=3)
    one = ops.modulated_conv2d(x, w, s, noise=strength, padding=1)
    two = ops.modulated_conv2d(x.repeat(2, 1, 1, 1), w, s.repeat(2, 1), noise=strength, padding=1)
    torch.testing.assert_close(one, two[:1], **OPS.kwargs)
    torch.testing.assert_close(one, two[1:], **OPS.kwargs)


def test_demodulation_undoes_any_factor_on_the_styles():
    x, w, s = noise(2, 4, 8, 8), noise(6, 4, 3, 3, seed=1), noise(2, 4, seed=2)
    torch.testing.assert_close(
        ops.modulated_conv2d(x, w, 7 * s, padding=1), ops.modulated_conv2d(x, w, s, padding=1), **OPS.kwargs
    )


def test_a_style_of_zeros_gives_zeros_and_not_nan():
    y = ops.modulated_conv2d(noise(1, 4, 8, 8), noise(6, 4, 3, 3), torch.zeros(1, 4), padding=1)
    assert torch.equal(y, torch.zeros_like(y))


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("operation", [ops.modulated_conv2d, ops.modulated_conv2d_alias_free])
def test_half_precision_survives_large_weights_and_styles(operation, batch):
    x, w, s = 50 * noise(batch, 64, 16, 16), 30 * noise(32, 64, 3, 3, seed=1), 2000 * noise(batch, 64, seed=2)
    expected = operation(x, w, s, padding=1)
    actual = operation(x.half(), w, s, padding=1)
    assert actual.dtype == torch.float16
    scale = expected.abs().max()
    torch.testing.assert_close(actual.float() / scale, expected / scale, **HALF.kwargs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_resampling_and_activation_keep_the_dtype(dtype):
    f = ops.setup_filter([1, 3, 3, 1])
    x = noise(1, 3, 9, 9)
    expected = ops.bias_act(ops.filtered_lrelu(x, fu=f, fd=f, up=2, down=2, pad=2), noise(3), act="swish")
    half = x.to(dtype)
    actual = ops.bias_act(ops.filtered_lrelu(half, fu=f, fd=f, up=2, down=2, pad=2), noise(3), act="swish")
    assert actual.dtype == dtype
    torch.testing.assert_close(actual.float(), expected, rtol=HALF.rtol, atol=2 * HALF.atol)


def test_operations_leave_their_inputs_alone():
    x, b = noise(1, 3, 8, 8), noise(3)
    kept = x.clone()
    with torch.no_grad():
        for act in ("linear", "lrelu", "relu"):
            ops.bias_act(x, b, act=act, gain=0.5, clamp=0.1)
            ops.bias_act(x, act=act, gain=0.5, clamp=0.1)
        ops.filtered_lrelu(x, slope=1.0, gain=0.5, clamp=0.1)
        ops.filtered_lrelu(x, b=b, gain=0.5, clamp=0.1)
    assert torch.equal(x, kept)


@pytest.mark.parametrize("factors", [(1, 1), (2, 1), (1, 2)])
def test_second_derivatives_of_modulated_convolutions_are_right(factors):
    up, down = factors
    f = torch.outer(*[torch.tensor([1.0, 3, 3, 1], dtype=torch.float64) / 8] * 2)
    x, w, s = (
        noise(*shape, dtype=torch.float64, seed=i) for i, shape in enumerate([(1, 2, 5, 4), (3, 2, 3, 3), (1, 2)])
    )
    inputs = [t.requires_grad_() for t in (x, w, s)]
    assert torch.autograd.gradgradcheck(
        lambda x, w, s: ops.modulated_conv2d(x, w, s, up=up, down=down, padding=1, resample_filter=f), inputs
    )


def test_double_precision_stays_double():
    x, f = noise(1, 2, 9, 8, dtype=torch.float64), noise(4, dtype=torch.float64)
    torch.testing.assert_close(
        ops.upfirdn2d(x, f, up=2, down=3, pad=4),
        ops.upfirdn2d(x, f, up=2, down=3, pad=4, impl="reference"),
        **DOUBLE.kwargs,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.upfirdn2d(torch.zeros(1, 4, 4), None), r"\[N, C, H, W\]"),
        (lambda: ops.upfirdn2d(torch.zeros(1, 1, 4, 4), torch.ones(9)), "nothing is left to filter"),
        (lambda: ops.upfirdn2d(torch.zeros(1, 1, 4, 4), None, up=0), "up must be"),
        (lambda: ops.upfirdn2d(torch.zeros(1, 1, 4, 4), None, pad=(1, 2, 3)), "padding must be"),
        (lambda: ops.filtered_lrelu(torch.zeros(1, 2, 4, 4), b=torch.zeros(3)), "bias must have 2 values"),
        (lambda: ops.filtered_lrelu(torch.zeros(1, 2, 4, 4), fd=torch.ones(8)), "after up-sampling is 4"),
        (lambda: ops.bias_act(torch.zeros(1, 2), act="gelu"), "act must be one of"),
        (lambda: ops.bias_act(torch.zeros(1, 2), clamp=-1.0), "clamp must be 0 or more"),
        (
            lambda: ops.modulated_conv2d(torch.zeros(1, 2, 4, 4), torch.zeros(1, 3, 1, 1), torch.zeros(1, 2)),
            "expected x",
        ),
        (lambda: ops.lowpass_filter(numtaps=8, cutoff=9, width=1, fs=16), "cutoff must lie"),
    ],
)
def test_arguments_that_cannot_work_are_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
