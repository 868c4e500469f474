"""Kernels for NVIDIA GPUs: CUDA C that CuPy compiles when it is first needed, without nvcc or a C++ compiler.

`explorer.ops.cuda_path` decides what is launched; this package knows how. `device_for` gives the `Device` that
launches on the memory of a tensor, or raises KernelUnavailable with the reason.
"""

from cuda.kernels.device import Device, Kernel, device_for, why_unavailable
from cuda.kernels.source import scalar_name, source_of

__all__ = ["Device", "Kernel", "device_for", "scalar_name", "source_of", "why_unavailable"]
