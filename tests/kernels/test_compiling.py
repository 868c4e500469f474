"""NVRTC, which needs neither a GPU nor a driver, compiles every kernel for every architecture that is promised."""

import ctypes
from importlib.metadata import files

import pytest

from cuda.kernels.source import COMPILER_OPTIONS, FILES, source_of

ARCHITECTURES = (75, 80, 86, 89, 90)
SCALARS = ("float", "Half", "Bfloat")
DOUBLING = {"UP_X": 2, "UP_Y": 2, "DOWN_X": 1, "DOWN_Y": 1, "TAPS_X": 4, "TAPS_Y": 4}
ALIAS_FREE = {
    "UP_X": 2, "UP_Y": 2, "DOWN_X": 2, "DOWN_Y": 2, "UP_TAPS_X": 12, "UP_TAPS_Y": 12, "DOWN_TAPS_X": 12,
    "DOWN_TAPS_Y": 12, "UP_FULL": 0, "DOWN_FULL": 0, "TILE_X": 32, "TILE_Y": 16,
}  # fmt: skip
RADIAL = {**ALIAS_FREE, "UP_X": 4, "UP_Y": 4, "UP_TAPS_X": 24, "UP_TAPS_Y": 24, "DOWN_FULL": 1}
FIXED = {
    "upfirdn2d": [DOUBLING],
    "filtered_lrelu": [{**shape, "MODE": mode} for shape in (ALIAS_FREE, RADIAL) for mode in (0, 1, 2)],
    "bias_act": [{"ACT": act} for act in range(9)],
    "modulation": [{}],
    "pack": [{}],
}


class Compiler:
    """The part of NVRTC that this needs."""

    def __init__(self) -> None:
        listed = files("nvidia-cuda-nvrtc") or []
        found = [str(file.locate()) for file in listed if file.name.startswith(("libnvrtc.so", "nvrtc64"))]
        assert found, "these tests need the package nvidia-cuda-nvrtc: pip install -e '.[test]'"
        self._library = ctypes.CDLL(found[0])

    def compile(self, source: str, options: list[str]) -> tuple[bytes, str]:
        """The machine code, and what the compiler says."""
        program = ctypes.c_void_p()
        self._call("CreateProgram", ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
        words = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        failed = self._library.nvrtcCompileProgram(program, len(options), words)
        log = self._text(program, "ProgramLog").rstrip(b"\0").decode()
        assert not failed, log
        code = self._text(program, "CUBIN")
        self._call("DestroyProgram", ctypes.byref(program))
        return code, log

    def _text(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"Get{what}Size", program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self._call(f"Get{what}", program, text)
        return text.raw

    def _call(self, name: str, *args: object) -> None:
        assert getattr(self._library, f"nvrtc{name}")(*args) == 0, name


@pytest.fixture(scope="module")
def compiler():
    return Compiler()


def test_every_source_file_is_compiled_here():
    assert set(FIXED) == set(FILES)


@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles_without_a_warning(compiler, architecture, file, scalar):
    # One type's variants together cover each architecture; all types and variants are compiled for the newest.
    variants = FIXED[file] if architecture == ARCHITECTURES[-1] else FIXED[file][:1]
    for fixed in variants:
        names = [f"-D{name}={value}" for name, value in {"SCALAR": scalar, **fixed}.items()]
        code, log = compiler.compile(
            source_of(file), [f"--gpu-architecture=sm_{architecture}", *COMPILER_OPTIONS, *names]
        )
        assert code.startswith(b"\x7fELF")
        assert not log.strip()


def test_an_error_in_a_kernel_is_told(compiler):
    with pytest.raises(AssertionError, match="undefined"):
        compiler.compile("__global__ void f() { g(); }", ["--gpu-architecture=sm_80"])
