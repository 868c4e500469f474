"""A machine without a GPU says so, and nothing stands in; with one, the kernels serve once they have been checked."""

import re

import pytest
import torch

import cuda.kernels
from explorer import ops
from explorer.errors import KernelUnavailable
from explorer.ops import cuda_path, dispatch


def test_tensors_on_the_processor_have_no_cuda_kernel():
    with pytest.raises(KernelUnavailable, match="this one is on cpu"):
        ops.bias_act(torch.zeros(1, 1, 2, 2), impl="cuda")


@pytest.mark.parametrize(
    ("version", "available", "cupy", "reason"),
    [
        (None, False, False, "built for processors only"),
        ("13.0", False, True, "torch finds none"),
        ("13.0", True, False, r"pip install -e '.\[cuda\]'"),
        ("13.0", True, True, None),
    ],
    ids=["no CUDA", "no GPU", "no CuPy", "all there"],
)
def test_the_reason_says_what_to_do(monkeypatch, version, available, cupy, reason):
    monkeypatch.setattr(torch.version, "cuda", version)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if cupy else None)
    found = cuda.kernels.why_unavailable()
    if reason is None:
        assert found is None
    else:
        assert re.search(reason, found or "")


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (lambda: ops.bias_act(torch.zeros(1, 1, 2, 2, dtype=torch.float64), impl="cuda"), "float64"),
        (lambda: ops.filtered_lrelu(torch.zeros(1, 1, 99, 99), fu=torch.ones(40), up=2, impl="cuda"), "40 taps"),
        (
            lambda: ops.upfirdn2d(torch.zeros(1, 1, 9, 9), torch.ones(4).requires_grad_(), impl="cuda"),
            "filters that need",
        ),
        (
            lambda: ops.modulated_conv2d_alias_free(
                torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 3, 3), torch.zeros(1, 1), impl="cuda"
            ),
            "this layer",
        ),
    ],
    ids=["type", "long filter", "learned filter", "no kernel"],
)
def test_what_a_kernel_lacks_is_said(run, reason):
    with pytest.raises(KernelUnavailable, match=reason):
        run()


def test_without_a_gpu_the_check_does_not_run(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    assert dispatch._check_cuda() == (False, cuda.kernels.why_unavailable())


def test_arguments_become_what_a_launch_takes():
    from cuda.kernels.device import _plain

    x = torch.zeros(3)
    assert _plain(x) == x.data_ptr()
    assert _plain(None) == 0


def test_filters_are_brought_over_once(place):
    f, x = ops.setup_filter([1, 3, 3, 1]), torch.zeros(1, 1, 4, 4, device=place.device)
    first = cuda_path.prepare_filter(f, x, flip=False, gain=1.0)
    assert cuda_path.prepare_filter(f, x, flip=False, gain=1.0) is first
    f.mul_(2)
    assert cuda_path.prepare_filter(f, x, flip=False, gain=1.0) is not first
