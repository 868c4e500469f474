"""Weights in the forms that the compiled convolutions read, made once and kept as long as the weight is.

A form is remade when its weight was written to. Which form a weight gets is settled the first time that it is asked
for, so a picture does not depend on what was opened in between.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import psutil
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

# Winograd's form of a weight is four times as large as the weight: all of them together may take this share of memory.
MEMORY_SHARE = 1 / 8

# F(4 x 4, 3 x 3), see `explorer.ops.numba_conv_kernels`.
_SPREAD = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)


@dataclass(slots=True)
class _Entry:
    state: tuple[object, ...]
    forms: dict[str, Tensor] = field(default_factory=dict)
    spread: bool | None = None
    """Whether Winograd's form fitted when it was first asked for."""


class _Kept:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries = WeakTensorKeyDictionary()


_kept = _Kept()


def can_prepare(weight: Tensor) -> bool:
    """Whether a weight's changes can be told: inference tensors do not count them."""
    return not weight.is_inference()


def energy(weight: Tensor) -> Tensor:
    """Sum of squares over the kernel, ``[O, I]``."""
    return _form(weight, "energy", lambda w: w.square().sum([2, 3]))


def rows(weight: Tensor, *, back: bool) -> Tensor:
    """``[O, I * K * K]``; with ``back`` the convolution's transpose, ``[I, O * K * K]``."""
    return _form(weight, "rows back", lambda w: _turned(w).flatten(1).contiguous()) if back else weight.flatten(1)


def corners(weight: Tensor, *, flip: bool, back: bool) -> Tensor:
    """For up-sampling: ``[O * 9, I]``, the taps of an output together; with ``back`` ``[I, O * 9]``."""

    def make(w: Tensor) -> Tensor:
        w = w.flip([2, 3]) if flip else w
        return (w.permute(1, 0, 2, 3).flatten(1) if back else w.permute(0, 2, 3, 1).flatten(0, 2)).contiguous()

    return _form(weight, f"corners {flip} {back}", make)


def winograd(weight: Tensor, *, back: bool) -> Tensor | None:
    """``[36, O, I]`` of a kernel of 3 x 3, or ``[36, I, O]`` with ``back``; None where memory is short."""
    entry = _entry(weight)
    if entry.spread is None:
        wanted = 4 * weight.numel() * weight.element_size()
        entry.spread = wanted + memory() <= _bound()
    if not entry.spread:
        return None
    return _form(weight, f"winograd {back}", lambda w: _spread(_turned(w) if back else w))


def memory() -> int:
    """Bytes that prepared weights take."""
    with _kept.lock:
        entries = list(_kept.entries.values())
    return sum(form.numel() * form.element_size() for entry in entries for form in list(entry.forms.values()))


def _turned(weight: Tensor) -> Tensor:
    return weight.transpose(0, 1).flip([2, 3])


def _spread(weight: Tensor) -> Tensor:
    o, i = weight.shape[:2]
    g = torch.tensor(_SPREAD, dtype=torch.float64)
    both = torch.kron(g, g).to(weight.dtype)  # [36, 9]
    return (both @ weight.reshape(o * i, 9).T).reshape(36, o, i)


def _form(weight: Tensor, name: str, make: Callable[[Tensor], Tensor]) -> Tensor:
    entry = _entry(weight)
    form = entry.forms.get(name)
    if form is None:
        # An ordinary tensor, whoever asks first: the next one may need gradients.
        with torch.inference_mode(False), torch.no_grad():
            form = entry.forms[name] = make(weight.detach())
    return form


def _entry(weight: Tensor) -> _Entry:
    state = (weight._version, weight.data_ptr(), weight.dtype, weight.shape, weight.stride())
    with _kept.lock:
        entry = _kept.entries.get(weight)
        if entry is None or entry.state != state:
            entry = _kept.entries[weight] = _Entry(state)
    return entry


@lru_cache(maxsize=1)
def _bound() -> int:
    return int(psutil.virtual_memory().total * MEMORY_SHARE)
