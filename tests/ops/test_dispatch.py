"""Which path serves, and that nothing stands in for a path that is missing."""

import subprocess
import sys

import pytest
import torch

from explorer import ops
from explorer.errors import KernelUnavailable
from explorer.ops import dispatch


@pytest.fixture
def policy():
    """Leaves the process as it was."""
    yield
    ops.use("torch")


def layer(**options) -> torch.Tensor:
    f = ops.lowpass_filter(numtaps=12, cutoff=16, width=20, fs=128)
    x = torch.randn(1, 8, 48, 48, generator=torch.Generator().manual_seed(0))
    return ops.filtered_lrelu(x, fu=f, fd=f, up=2, down=2, pad=10, **options)


def test_importing_the_operations_does_not_import_numba():
    code = "import sys, explorer.ops; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_torch_serves_until_the_compiled_kernels_are_asked_for(policy):
    ops.warm_up()
    assert torch.equal(layer(), layer(impl="torch"))
    assert ops.kernel_status().policy == "torch"


def test_compiled_kernels_serve_once_they_are_in_use(policy):
    ops.warm_up()
    ops.use("auto")
    assert torch.equal(layer(), layer(impl="numba"))
    assert not torch.equal(layer(), layer(impl="torch"))
    assert ops.kernel_status().compiled


def test_without_a_gpu_the_reason_says_why(policy, monkeypatch):
    ops.warm_up()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(dispatch._kernels, "cuda_reason", "none was found")
    assert "no GPU serves: none was found" in ops.use("auto").reason


def test_small_work_stays_with_torch(policy):
    ops.warm_up()
    ops.use("auto")
    x = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    f = ops.setup_filter([1, 3, 3, 1])
    assert torch.equal(ops.upfirdn2d(x, f, pad=2), ops.upfirdn2d(x, f, pad=2, impl="torch"))


def test_paths_agree_to_rounding(policy):
    torch.testing.assert_close(layer(impl="numba"), layer(impl="torch"))


def test_a_missing_kernel_is_said_rather_than_replaced():
    with pytest.raises(KernelUnavailable, match="need a tensor on an NVIDIA GPU"):
        layer(impl="cuda")


def test_an_unknown_path_is_refused():
    with pytest.raises(ValueError, match="impl must be one of"):
        layer(impl="fast")


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="policy must be one of"):
        ops.use("fast")
