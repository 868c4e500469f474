"""The fast paths against the float64 reference, forward and backward, over shapes, factors and paddings."""

import itertools
import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explorer import ops
from explorer.errors import KernelUnavailable
from tests.ops.golden import cases, renamed
from tests.tolerances import OPS_REFERENCE

SIZE = st.integers(1, 21)
FACTOR = st.tuples(st.integers(1, 4), st.integers(1, 4))
PAD = st.tuples(*[st.integers(-4, 9)] * 4)
PATHS = pytest.mark.parametrize("impl", ["torch", "numba"])


@st.composite
def filters(draw) -> torch.Tensor | None:
    kind = draw(st.sampled_from(["none", "separable", "full", "product", "mirrored"]))
    if kind == "none":
        return None
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    kw, kh = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    row, column = torch.randn(kw, generator=generator), torch.randn(kh, generator=generator)
    full = torch.randn(kh, kw, generator=generator)
    return {
        "separable": row,
        "full": full,
        "product": torch.outer(column, row),
        "mirrored": full + full.flip([0]),
    }[kind] / math.sqrt(kw * kh)


@st.composite
def pictures(draw) -> torch.Tensor:
    # Compiled loops work on several pictures at once, where there are as many: up to 16 of a batch's or a sample's.
    shape = (draw(st.integers(1, 2)), draw(st.sampled_from([1, 2, 3, 9, 16, 19])), draw(SIZE), draw(SIZE))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 999))))
    return x.to(memory_format=torch.channels_last) if draw(st.booleans()) else x


def check(run, *inputs: torch.Tensor) -> None:
    """``run(impl-dependent inputs)`` must agree with the reference in value and in every gradient."""
    fast, slow = run
    leaves = [[t.clone().requires_grad_() for t in inputs] for _ in range(2)]
    actual, expected = fast(*leaves[0]), slow(*leaves[1])
    torch.testing.assert_close(actual, expected, **OPS_REFERENCE.kwargs)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    gradients = [torch.autograd.grad((y * weights).sum(), x) for y, x in zip((actual, expected), leaves, strict=True)]
    for a, b in zip(*gradients, strict=True):
        scale = max(1.0, float(b.abs().max()))
        torch.testing.assert_close(a / scale, b / scale, **OPS_REFERENCE.kwargs)


@PATHS
@settings(max_examples=120, deadline=None)
@given(x=pictures(), f=filters(), up=FACTOR, down=FACTOR, pad=PAD, flip=st.booleans())
def test_resampling_agrees_with_the_reference(impl, x, f, up, down, pad, flip):
    options = {"up": up, "down": down, "pad": pad, "flip_filter": flip, "gain": 1.5}
    try:
        ops.upfirdn2d(x, f, **options, impl="reference")
    except ValueError:
        assume(False)
    check([lambda x, i=i: ops.upfirdn2d(x, f, **options, impl=i) for i in (impl, "reference")], x)


@PATHS
@settings(max_examples=120, deadline=None)
@given(
    x=pictures(),
    fu=filters(),
    fd=filters(),
    up=FACTOR,
    down=FACTOR,
    pad=PAD,
    clamp=st.sampled_from([None, 0.7]),
    slope=st.sampled_from([0.2, 1.0, 0.0]),
    flip=st.booleans(),
)
def test_filtered_lrelu_agrees_with_the_reference(impl, x, fu, fd, up, down, pad, clamp, slope, flip):
    options = {"fu": fu, "fd": fd, "up": up, "down": down, "pad": pad, "clamp": clamp, "slope": slope}
    b = torch.linspace(-0.5, 0.5, x.shape[1])
    try:
        ops.filtered_lrelu(x, b=b, **options, flip_filter=flip, impl="reference")
    except ValueError:
        assume(False)
    check(
        [
            lambda x, b, i=i: ops.filtered_lrelu(x, b=b, **options, flip_filter=flip, impl=i)
            for i in (impl, "reference")
        ],
        x,
        b,
    )


LAYERS = [case for case in cases("filtered_lrelu") if "layer" in case.options]


@PATHS
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case.options['layer']}-{case.options['radial']}")
def test_gradients_of_real_layers_agree_with_the_reference(impl, case):
    options = renamed(case.options, padding="pad", layer="", radial="")
    options |= {name: case.arrays.get(name) for name in ("fu", "fd")}
    check(
        [lambda x, b, i=i: ops.filtered_lrelu(x, b=b, **options, impl=i) for i in (impl, "reference")],
        case.arrays["x"],
        case.arrays["b"],
    )


@PATHS
@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(1, 7), min_size=2, max_size=4),
    dim=st.integers(0, 1),
    act=st.sampled_from(["linear", "relu", "lrelu"]),
    clamp=st.sampled_from([None, 0.6]),
    gain=st.sampled_from([None, 0.7]),
)
def test_bias_act_agrees_with_the_reference(impl, shape, dim, act, clamp, gain):
    generator = torch.Generator().manual_seed(sum(shape))
    x, b = torch.randn(shape, generator=generator), torch.randn(shape[dim], generator=generator)
    options = {"dim": dim, "act": act, "clamp": clamp, "gain": gain}
    check([lambda x, b, i=i: ops.bias_act(x, b, **options, impl=i) for i in (impl, "reference")], x, b)


@PATHS
def test_second_derivatives_agree_with_the_reference(impl):
    f = ops.setup_filter([1, 2, 3, 4, 5, 6, 7, 8], separable=True)
    x = torch.randn(1, 2, 9, 8, generator=torch.Generator().manual_seed(3))

    def penalty(path: str) -> torch.Tensor:
        leaf = x.clone().requires_grad_()
        y = ops.filtered_lrelu(leaf, fu=f, fd=f, b=torch.tensor([0.1, -0.2]), up=2, down=2, pad=8, clamp=0.9, impl=path)
        y = ops.bias_act(ops.upfirdn2d(y, f, up=2, pad=4, impl=path), act="lrelu", impl=path)
        (g,) = torch.autograd.grad(y.square().sum(), leaf, create_graph=True)
        return torch.autograd.grad(g.square().sum(), leaf)[0]

    expected = penalty("reference")
    scale = float(expected.abs().max())
    torch.testing.assert_close(penalty(impl) / scale, expected / scale, **OPS_REFERENCE.kwargs)


@PATHS
def test_running_twice_is_bit_equal_for_any_number_of_threads(impl):
    x = torch.randn(1, 40, 70, 64, generator=torch.Generator().manual_seed(0))
    f = ops.lowpass_filter(numtaps=12, cutoff=16, width=20, fs=128)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 1, 2, 3):
            torch.set_num_threads(threads)
            results.append(ops.filtered_lrelu(x, fu=f, fd=f, up=2, down=2, pad=10, clamp=1.0, impl=impl))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1])
    if impl == "numba":
        assert torch.equal(results[0], results[2])
        assert torch.equal(results[0], results[3])


@pytest.mark.parametrize("channels", [2, 20])
def test_a_value_that_is_no_number_spreads_only_as_far_as_the_filters(channels):
    f = ops.lowpass_filter(numtaps=12, cutoff=16, width=20, fs=128)
    x = torch.randn(1, channels, 40, 40, generator=torch.Generator().manual_seed(0))
    x[0, 0, 3, 3] = torch.nan
    options = {"fu": f, "fd": f, "up": 2, "down": 2, "pad": 11}
    expected = ops.filtered_lrelu(x, **options, impl="reference").isnan()
    assert torch.equal(ops.filtered_lrelu(x, **options, impl="numba").isnan(), expected)
    assert not expected[0, 1].any()


def test_pictures_and_gradients_may_come_in_different_orders():
    f = ops.lowpass_filter(numtaps=12, cutoff=16, width=20, fs=128)
    planes = torch.randn(2, 18, 20, 41, generator=torch.Generator().manual_seed(0))
    grad = torch.randn(2, 18, 20, 41, generator=torch.Generator().manual_seed(1))
    found = {}
    for x_order, grad_order in itertools.product((torch.contiguous_format, torch.channels_last), repeat=2):
        x = planes.clone(memory_format=x_order).requires_grad_()
        y = ops.filtered_lrelu(x, fu=f, fd=f, up=2, down=2, pad=(11, 10, 11, 10), clamp=1.0, impl="numba")
        assert y.is_contiguous(memory_format=x_order)
        found[x_order, grad_order] = torch.autograd.grad(y, x, grad.clone(memory_format=grad_order))[0]
        assert found[x_order, grad_order].is_contiguous(memory_format=x_order)
    first, *others = found.values()
    assert all(torch.equal(first, other) for other in others)


def test_a_batch_of_nothing_gives_nothing():
    y = ops.filtered_lrelu(torch.zeros(0, 3, 8, 8), impl="numba")
    assert y.shape == (0, 3, 8, 8)


def test_strides_of_the_input_do_not_matter():
    x = torch.randn(2, 3, 16, 17, generator=torch.Generator().manual_seed(0))
    f = ops.setup_filter([1, 3, 3, 1])
    turned = x.to(memory_format=torch.channels_last)
    for impl in ("torch", "numba"):
        torch.testing.assert_close(ops.upfirdn2d(turned, f, pad=2, impl=impl), ops.upfirdn2d(x, f, pad=2, impl=impl))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_compiled_loops_refuse_what_they_cannot_do(dtype):
    with pytest.raises(KernelUnavailable, match=str(dtype)):
        ops.upfirdn2d(torch.zeros(1, 1, 4, 4, dtype=dtype), None, impl="numba")


def test_a_search_can_follow_a_picture_on_the_compiled_path() -> None:
    from explorer.ops import modulated_conv2d, setup_filter

    x, weight, styles = torch.randn(1, 32, 32, 32), torch.randn(32, 32, 3, 3), torch.randn(1, 32)
    options = {"up": 2, "padding": 1, "resample_filter": setup_filter([1.0, 3.0, 3.0, 1.0]), "impl": "numba"}
    with torch.inference_mode():
        seen = modulated_conv2d(x, weight, styles, **options)
    wanted = styles.clone().requires_grad_(True)
    again = modulated_conv2d(x, weight, wanted, **options)
    again.square().sum().backward()
    assert torch.allclose(seen, again.detach(), atol=1e-4)
    assert torch.isfinite(wanted.grad).all()
