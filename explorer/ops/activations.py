"""Bias, activation, gain and clamp in one operation."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.act import Act, slope_of
from explorer.ops.dispatch import choose, cuda_lacks, numba_lacks
from explorer.ops.geometry import channels_last


@dataclass(frozen=True, slots=True)
class Activation:
    """A non-linearity and the gain that keeps the variance of what passes it."""

    apply: Callable[[Tensor, float], Tensor]
    """``(x, alpha) -> y``; only the leaky ReLU reads alpha."""
    gain: float = 1.0
    alpha: float = 0.0


ACTIVATIONS = {
    "linear": Activation(lambda x, alpha: x),
    "relu": Activation(lambda x, alpha: F.relu(x), gain=math.sqrt(2)),
    "lrelu": Activation(lambda x, alpha: F.leaky_relu(x, alpha), gain=math.sqrt(2), alpha=0.2),
    "tanh": Activation(lambda x, alpha: torch.tanh(x)),
    "sigmoid": Activation(lambda x, alpha: torch.sigmoid(x)),
    "elu": Activation(lambda x, alpha: F.elu(x)),
    "selu": Activation(lambda x, alpha: F.selu(x)),
    "softplus": Activation(lambda x, alpha: F.softplus(x)),
    "swish": Activation(lambda x, alpha: F.silu(x), gain=math.sqrt(2)),
}

# All three are a leaky ReLU of some slope.
COMPILED = ("linear", "relu", "lrelu")
# Below this many samples the call to the compiled loops costs more than it saves.
NUMBA_FROM_SAMPLES = 1 << 16


def bias_act(
    x: Tensor,
    b: Tensor | None = None,
    *,
    dim: int = 1,
    act: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    impl: str | None = None,
) -> Tensor:
    """Compute ``clamp(activation(x + b) * gain)``.

    Args:
        x: Any shape, floating.
        b: ``[x.shape[dim]]``, added along ``dim``; None adds nothing.
        dim: Axis of the bias.
        act: linear, relu, lrelu, tanh, sigmoid, elu, selu, softplus or swish.
        alpha: Slope of lrelu below zero; 0.2 when None. Other activations have none.
        gain: Factor after the activation; the activation's own (square root of 2 for the rectifiers) when None.
        clamp: Largest magnitude of the result; unlimited when None.
        impl: Path to take, see `explorer.ops.dispatch`.

    Raises:
        ValueError: The activation does not exist, the bias does not fit, or the clamp is negative.
    """
    if act not in ACTIVATIONS:
        raise ValueError(f"act must be one of {', '.join(ACTIVATIONS)}; it is {act!r}")
    if clamp is not None and clamp < 0:
        raise ValueError(f"clamp must be 0 or more, or None for no limit; it is {clamp}")
    if b is not None and (b.ndim != 1 or b.shape[0] != x.shape[dim]):
        raise ValueError(f"the bias must have {x.shape[dim]} values for axis {dim}; its shape is {list(b.shape)}")
    spec = ACTIVATIONS[act]
    gain = spec.gain if gain is None else gain
    alpha = spec.alpha if alpha is None else alpha

    def plain(x: Tensor, b: Tensor | None) -> Tensor:
        return _bias_act(x, b, dim, spec, alpha, gain, clamp)

    lacks = {"lacks": _numba_lacks(x, act), "cuda_lacks": cuda_lacks(x)}
    path = choose("bias_act", x, impl, pays=lambda: _pays(x, b, dim), **lacks)
    if path == "reference":
        return plain(x.to(torch.float64), None if b is None else b.to(torch.float64)).to(x.dtype)
    if path == "numba" and channels_last(x) and dim in (1, -3) and gain > 0:
        from explorer.ops import numba_ends

        return numba_ends.end_channels_last(
            x, None, None, b, act=Act(gain, slope_of(act, alpha), clamp), differentiable=lambda x, s, n, b: plain(x, b)
        )
    if path == "numba":
        from explorer.ops import numba_path

        return numba_path.bias_lrelu(x, b, dim, Act(gain, slope_of(act, alpha), clamp), plain)
    if path == "cuda":
        from explorer.ops import cuda_path

        return cuda_path.bias_act(x, b, dim=dim, act=act, alpha=alpha, gain=gain, clamp=clamp, differentiable=plain)
    return plain(x, b)


def _numba_lacks(x: Tensor, act: str) -> str | None:
    return numba_lacks(x) if act in COMPILED else f"the activation {act}"


def _pays(x: Tensor, b: Tensor | None, dim: int) -> bool:
    # Samples that share a bias must make a run worth vectorising.
    return x.numel() >= NUMBA_FROM_SAMPLES and math.prod(x.shape[dim % x.ndim + 1 :]) >= 64


def _bias_act(
    x: Tensor, b: Tensor | None, dim: int, spec: Activation, alpha: float, gain: float, clamp: float | None
) -> Tensor:
    if b is not None:
        shape = [1] * x.ndim
        shape[dim] = -1
        x = x + b.to(x.dtype).reshape(shape)
    y = spec.apply(x, alpha)
    return gain_and_clamp(y, gain, clamp, owned=y is not x or b is not None)


def gain_and_clamp(x: Tensor, gain: float, clamp: float | None, *, owned: bool) -> Tensor:
    """Scale and limit; in place where nobody else holds ``x`` (``owned``) and no gradient needs it as it was."""
    in_place = owned and not x.requires_grad
    if gain != 1:
        x = x.mul_(gain) if in_place else x * gain
    if clamp is None:
        return x
    return x.clamp_(-clamp, clamp) if in_place else x.clamp(-clamp, clamp)
