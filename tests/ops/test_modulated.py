"""Modulated convolutions: the compiled path against the reference, and what it must not change."""

import gc
import threading

import pytest
import torch

from explorer import ops
from explorer.errors import KernelUnavailable
from explorer.ops import prepared
from tests.ops.test_compiled import check

FOUR_TAPS = ops.setup_filter([1, 3, 3, 1])
SKEWED = ops.setup_filter([[1, 2, 2, 1], [2, 4, 4, 2], [3, 6, 6, 3], [1, 2, 2, 1]])
ROW = ops.setup_filter([1, 2, 4, 1], separable=True)
# One tile and a part, many tiles, a picture that is one block, one that is several; odd channels, batches.
SHAPES = [(1, 3, 5, 4, 7), (2, 17, 24, 25, 22), (1, 9, 5, 9, 13), (1, 40, 33, 16, 16), (1, 6, 4, 70, 131)]


def tensors(n: int, i: int, o: int, h: int, w: int, up: int = 1) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(n * i * o)
    x, s = torch.randn(n, i, h, w, generator=generator), torch.randn(n, i, generator=generator)
    noise, b = torch.randn(n, 1, h * up, w * up, generator=generator), torch.randn(o, generator=generator)
    return x, s, noise, b, torch.randn(o, i, 3, 3, generator=generator)


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("up", "f"), [(1, None), (2, FOUR_TAPS), (2, SKEWED), (2, ROW)], ids=["same size", "up", "up skewed", "up row"]
)
def test_a_layer_and_its_gradients_agree_with_the_reference(threads, shape, up, f):
    x, s, noise, b, weight = tensors(*shape, up=up)

    def layer(impl: str):
        def run(x, s, noise, b):
            epilogue = ops.Epilogue(b, "lrelu", gain=1.3, clamp=1.5)
            options = {"up": up, "padding": 1, "resample_filter": f, "flip_weight": up == 1}
            return ops.modulated_conv2d(x, weight, s, noise=noise, epilogue=epilogue, impl=impl, **options)

        return run

    check([layer(impl) for impl in ("numba", "reference")], x, s, noise, b)


@pytest.mark.parametrize("act", ["linear", "relu", "lrelu"])
@pytest.mark.parametrize("demodulate", [True, False])
def test_every_compiled_activation_agrees_with_the_reference(act, demodulate):
    x, s, _, b, weight = tensors(1, 5, 6, 8, 9)
    noise = torch.randn(8, 9, generator=torch.Generator().manual_seed(2))

    def layer(impl: str):
        return lambda x, s, b: ops.modulated_conv2d(
            x, weight / 7, s, noise=noise, padding=1, demodulate=demodulate, epilogue=ops.Epilogue(b, act), impl=impl
        )

    check([layer(impl) for impl in ("numba", "reference")], x, s, b)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_an_alias_free_layer_agrees_with_the_reference(shape, padding):
    x, s, _, _, weight = tensors(*shape)
    gain = torch.tensor(0.7)

    def layer(impl: str):
        return lambda x, s: ops.modulated_conv2d_alias_free(x, weight, s, padding=padding, input_gain=gain, impl=impl)

    check([layer(impl) for impl in ("numba", "reference")], x, s)


@pytest.mark.parametrize("up", [1, 2])
def test_second_derivatives_agree_with_the_reference(up):
    x, s, noise, b, weight = tensors(1, 4, 3, 6, 7, up=up)

    def penalty(impl: str) -> torch.Tensor:
        leaf = s.clone().requires_grad_()
        y = ops.modulated_conv2d(
            x, weight, leaf, noise=noise, up=up, padding=1, resample_filter=FOUR_TAPS, flip_weight=up == 1,
            epilogue=ops.Epilogue(b, "lrelu"), impl=impl,
        )  # fmt: skip
        (g,) = torch.autograd.grad(y.square().sum(), leaf, create_graph=True)
        return torch.autograd.grad(g.square().sum(), leaf)[0]

    expected = penalty("reference")
    torch.testing.assert_close(penalty("numba") / expected.abs().max(), expected / expected.abs().max())


@pytest.mark.parametrize("shape", [(1, 40, 33, 16, 16), (1, 6, 4, 70, 131)], ids=str)
def test_running_twice_is_bit_equal(threads, shape):
    x, s, _, _, weight = tensors(*shape)
    first, second = (ops.modulated_conv2d(x, weight, s, padding=1, impl="numba") for _ in range(2))
    assert torch.equal(first, second)


def test_a_picture_of_a_batch_is_that_picture_alone():
    x, s, _, _, weight = tensors(3, 6, 5, 20, 24)
    whole = ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
    torch.testing.assert_close(whole[1:2], ops.modulated_conv2d(x[1:2], weight, s[1:2], padding=1, impl="numba"))


def test_threads_that_compute_at_once_get_what_each_gets_alone(threads):
    x, s, _, _, weight = tensors(1, 24, 24, 40, 40)
    alone = ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
    found: list[torch.Tensor] = []

    def work() -> None:
        found.extend(ops.modulated_conv2d(x, weight, s, padding=1, impl="numba") for _ in range(3))

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 9
    for result in found:
        torch.testing.assert_close(result, alone)


def test_a_weight_that_was_written_to_is_prepared_anew():
    x, s, _, _, weight = tensors(1, 6, 5, 20, 24)
    before = ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
    weight.mul_(torch.arange(1.0, 6)[:, None, None, None]).sub_(0.1)
    after = ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, ops.modulated_conv2d(x, weight, s, padding=1, impl="torch"), rtol=1e-4, atol=1e-4)


def test_prepared_weights_go_with_the_weight():
    x, s, _, _, weight = tensors(1, 6, 5, 20, 24)
    gc.collect()
    before = prepared.memory()
    ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
    assert prepared.memory() > before
    del weight
    gc.collect()
    assert prepared.memory() == before


def test_without_memory_for_winograd_the_result_is_the_same(monkeypatch):
    monkeypatch.setattr(prepared, "_bound", lambda: 0)
    x, s, _, _, weight = tensors(1, 6, 5, 20, 24)
    y = ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
    assert prepared.winograd(weight, back=False) is None
    torch.testing.assert_close(y, ops.modulated_conv2d(x, weight, s, padding=1, impl="torch"), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"padding": 3}, "padding 3"),
        ({"up": 3, "padding": 1}, "up by 3"),
        ({"up": 2, "padding": 1, "resample_filter": ops.setup_filter([1, 2, 1])}, "four separable taps"),
        ({"padding": 1, "flip_weight": False}, "true convolutions"),
        ({"padding": 1, "epilogue": ops.Epilogue(act="swish")}, "swish"),
        ({"padding": 1, "noise": torch.zeros(1, 5, 8, 8)}, "noise of shape"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_compiled_path_lacks_is_said(change, reason):
    x, s, _, _, weight = tensors(1, 6, 5, 8, 8)
    with pytest.raises(KernelUnavailable, match=reason):
        ops.modulated_conv2d(x, weight, s, **change, impl="numba")


def test_weights_that_learn_stay_with_torch():
    x, s, _, _, weight = tensors(1, 6, 5, 8, 8)
    weight.requires_grad_()
    with pytest.raises(KernelUnavailable, match="weights that need a gradient"):
        ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
    with torch.no_grad():
        ops.modulated_conv2d(x, weight, s, padding=1, impl="numba")
