"""The compiled end of a layer for channels-last pictures, against torch in float64."""

import pytest
import torch
from torch import Tensor

from explorer import ops
from explorer.ops import numba_ends
from explorer.ops.act import NO_ACT
from explorer.ops.ends import Epilogue, layer_end, plain_end
from tests.tolerances import OPS_REFERENCE

# Less than a block of pixels, several blocks and a part; one sample and more.
SHAPES = [(3, 5, 4, 7), (1, 17, 33, 40), (2, 32, 24, 24)]


def tensors(shape: tuple[int, ...], noise: str) -> dict[str, Tensor | None]:
    generator = torch.Generator().manual_seed(sum(shape))
    n, c, h, w = shape
    maps = {"own": (n, 1, h, w), "shared": (h, w), "none": None}[noise]
    return {
        "y": torch.randn(shape, generator=generator).to(memory_format=torch.channels_last),
        "scale": torch.randn(n, c, generator=generator),
        "noise": None if maps is None else torch.randn(maps, generator=generator),
        "bias": torch.randn(c, generator=generator),
    }


def compiled(epilogue: Epilogue, y: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None) -> Tensor:
    def plain(y: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None) -> Tensor:
        return plain_end(y, scale, noise, Epilogue(bias, epilogue.act, epilogue.gain, epilogue.clamp), impl="torch")

    return numba_ends.end_channels_last(y, scale, noise, bias, act=epilogue.compiled, differentiable=plain)


def derivatives(run, inputs: dict[str, Tensor | None], *, second: bool) -> tuple[Tensor, ...]:
    given = {name: None if t is None else t.clone().requires_grad_() for name, t in inputs.items()}
    leaves = [t for t in given.values() if t is not None]
    out = run(**given)
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(out.dtype)
    loss = (out.square() * weights).sum()
    first = torch.autograd.grad(loss, leaves, create_graph=second)
    if not second:
        return out, *first
    return torch.autograd.grad(sum(g.square().sum() for g in first), leaves)


@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("noise", ["own", "shared", "none"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_derivatives_agree_with_torch_in_float64(shape, noise, second):
    for epilogue in (Epilogue(act="lrelu", gain=1.3, clamp=0.9), Epilogue(act="relu"), Epilogue(act="linear")):
        inputs = tensors(shape, noise)
        actual = derivatives(lambda e=epilogue, **given: compiled(e, **given), inputs, second=second)
        double = {name: None if t is None else t.double() for name, t in inputs.items()}
        expected = derivatives(
            lambda y, scale, noise, bias, e=epilogue: plain_end(
                y, scale, noise, Epilogue(bias, e.act, e.gain, e.clamp), impl="torch"
            ),
            double,
            second=second,
        )
        for a, b in zip(actual, expected, strict=True):
            size = max(1.0, float(b.detach().abs().max()))
            torch.testing.assert_close(a.detach().double() / size, b.detach() / size, **OPS_REFERENCE.kwargs)


def test_a_style_of_zero_has_a_gradient():
    y = torch.ones(1, 4, 8, 8).to(memory_format=torch.channels_last)
    scale = torch.zeros(1, 4, requires_grad=True)
    out = numba_ends.end_channels_last(y, scale, None, None, act=NO_ACT, differentiable=lambda y, *_: y)
    out.sum().backward()
    assert torch.equal(scale.grad, torch.full((1, 4), 64.0))


def test_sums_do_not_depend_on_the_number_of_threads():
    before = torch.get_num_threads()
    found = []
    inputs = tensors((4, 64, 48, 48), "own")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(derivatives(lambda **given: compiled(Epilogue(act="lrelu"), **given), inputs, second=False))
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_it_serves_channels_last_layers_whose_weights_learn_and_no_others():
    weight = torch.randn(16, 16, 3, 3, requires_grad=True)
    styles, end = torch.ones(2, 16), Epilogue(torch.zeros(16), "lrelu")

    def served(x: Tensor) -> set[str]:
        ops.take_served()
        ops.modulated_conv2d(x, weight, styles, padding=1, epilogue=end)
        layer_end(x, None, None, end)
        return {entry.path for entry in ops.take_served() if entry.operation == "layer_end"}

    x = torch.randn(2, 16, 64, 64)
    ops.warm_up()
    ops.use("auto")
    try:
        assert served(x.to(memory_format=torch.channels_last)) == {"numba"}
        assert served(x) == {"torch"}
    finally:
        ops.use("torch")
