"""Run CUDA kernels on a processor: the text that NVRTC gets, compiled by g++ behind a small shim.

A block's threads are coroutines that switch at ``__syncthreads``: between two barriers they run one after another, so
a barrier that is missing lets the first thread read what no other has written yet. Arguments are checked against the
kernel's own signature, which no GPU does.
"""

import ctypes
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cuda.kernels.device import Argument, Kernel
from cuda.kernels.source import source_of

SHIM = Path(__file__).with_name("shim.h")
NUMBERS = {"int": np.int32, "long long": np.int64, "float": np.float32}
MEMORY = {
    "float": torch.float32,
    "Half": torch.float16,
    "Bfloat": torch.bfloat16,
    "unsigned char": torch.uint8,
    "unsigned": torch.uint8,
}


class HostDevice:
    """A `cuda.kernels.Device` whose memory is that of the processor."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: dict[Kernel, tuple[ctypes.CDLL, list[str]]] = {}
        self.launches: list[str] = []

    def launch(
        self, kernel: Kernel, grid: tuple[int, int, int], block: tuple[int, int], args: Sequence[Argument]
    ) -> None:
        assert min(*grid, *block) > 0
        assert max(grid[1:]) < 1 << 16
        assert block[0] * block[1] <= 1024
        if kernel not in self._built:
            self._built[kernel] = self._build(kernel)
        library, types = self._built[kernel]
        assert len(args) == len(types), f"{kernel.name} takes {len(types)} arguments, and got {len(args)}"
        values = [_checked(arg, kind, dict(kernel.fixed)) for arg, kind in zip(args, types, strict=True)]
        pointers = (ctypes.c_void_p * len(values))(*(value.ctypes.data for value in values))
        library.host_run(*(ctypes.c_uint(n) for n in (*grid, *block)), pointers)
        self.launches.append(kernel.name)

    def _build(self, kernel: Kernel) -> tuple[ctypes.CDLL, list[str]]:
        compiler = shutil.which("g++")
        assert compiler is not None, "these tests compile kernels for the processor: install g++"
        source = source_of(kernel.file)
        types = parameters(source, kernel.name)
        call = ", ".join(f"*({kind}*)a[{i}]" for i, kind in enumerate(types))
        body = source.split(f"__global__ void {kernel.name}(")[1].split('extern "C"')[0]
        waits = "true" if "__syncthreads" in body else "false"
        place = self._folder / f"{kernel.name}_{len(self._built)}"
        sizes = "unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by"
        text = (
            f'#include "{SHIM}"\n{source}\nstatic void call(void** a) {{ {kernel.name}({call}); }}\n'
            f'extern "C" void host_run({sizes}, void** a) {{ run_grid(gx, gy, gz, bx, by, {waits}, call, a); }}\n'
        )
        place.with_suffix(".cpp").write_text(text)
        command = [compiler, "-O1", "-std=c++17", "-shared", "-fPIC", "-w", *kernel.options, "-o"]
        subprocess.run([*command, place.with_suffix(".so"), place.with_suffix(".cpp")], check=True)
        return ctypes.CDLL(str(place.with_suffix(".so"))), types


def parameters(source: str, name: str) -> list[str]:
    """The types of a kernel's parameters."""
    found = re.search(rf"__global__ void {name}\(([^)]*)\)", source)
    assert found is not None
    return [re.sub(r"\s*\w+$", "", part.strip()).strip() for part in found[1].split(",")]


def _checked(arg: Argument, kind: str, fixed: dict[str, str | int]) -> np.ndarray:
    """The argument's bytes, after a look at whether it is what the kernel takes."""
    if not kind.endswith("*"):
        assert type(arg) is NUMBERS[kind], f"{arg!r} is not {kind}"
        return np.array([arg])
    if arg is None:
        return np.zeros(1, np.uintp)
    held = kind.removeprefix("const ").removesuffix("*").strip()
    assert isinstance(arg, torch.Tensor)
    assert arg.dtype == MEMORY[str(fixed["SCALAR"]) if held == "SCALAR" else held], f"{arg.dtype} is not {kind}"
    assert arg.is_contiguous()
    return np.array([arg.data_ptr()], np.uintp)
