"""What follows the convolution of a layer: demodulation, noise, bias and activation."""

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.ops.act import Act, slope_of
from explorer.ops.activations import ACTIVATIONS, COMPILED, bias_act
from explorer.ops.dispatch import choose, numba_lacks
from explorer.ops.geometry import channels_last

# Fewer channels next to one another than these leave vectors empty.
NUMBA_FROM_CHANNELS = 16
# Below this many samples the call to the compiled loops costs more than it saves.
NUMBA_FROM_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True)
class Epilogue:
    """What a layer does with the result of its convolution: bias, activation, gain, clamp, as `bias_act` does."""

    bias: Tensor | None = None
    """``[O]``."""
    act: str = "linear"
    """One of `ACTIVATIONS`."""
    gain: float | None = None
    """Factor after the activation; its own when None."""
    clamp: float | None = None
    """Largest magnitude; unlimited when None."""

    @property
    def lacks(self) -> str | None:
        """What keeps compiled paths from it: None if nothing does."""
        if self.act in COMPILED and (self.gain is None or self.gain > 0):
            return None
        return f"the activation {self.act} with gain {self.gain}"

    @property
    def compiled(self) -> Act:
        """The same as compiled loops and kernels take it."""
        kind = ACTIVATIONS[self.act]
        gain = kind.gain if self.gain is None else self.gain
        return Act(gain, slope_of(self.act, kind.alpha), self.clamp)


def layer_end(y: Tensor, scale: Tensor | None, noise: Tensor | None, epilogue: Epilogue | None) -> Tensor:
    """``act(y * scale + noise + bias)``.

    Args:
        y: ``[N, C, H, W]``.
        scale: ``[N, C]``; 1 when None.
        noise: Broadcast to the result; 0 when None.
        epilogue: Bias and activation; neither when None.
    """
    path = choose(
        "layer_end", y, None, lacks=_lacks(y, noise, epilogue), pays=lambda: _pays(y), cuda_lacks="one pass over it"
    )
    if path != "numba":
        return plain_end(y, scale, noise, epilogue)
    from explorer.ops import numba_ends

    end = epilogue or Epilogue()

    def plain(y: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None) -> Tensor:
        return plain_end(y, scale, noise, Epilogue(bias, end.act, end.gain, end.clamp), impl="torch")

    return numba_ends.end_channels_last(y, scale, noise, end.bias, act=end.compiled, differentiable=plain)


def plain_end(
    y: Tensor,
    scale: Tensor | None,
    noise: Tensor | None,
    epilogue: Epilogue | None,
    *,
    impl: str | None = None,
) -> Tensor:
    """`layer_end` by torch; ``impl`` is the activation's path."""
    if scale is not None:
        scale = scale.to(y.dtype)[:, :, None, None]
        y = y * scale if noise is None else torch.addcmul(noise.to(y.dtype), y, scale)
    elif noise is not None:
        y = y + noise.to(y.dtype)
    if epilogue is None:
        return y
    return bias_act(y, epilogue.bias, act=epilogue.act, gain=epilogue.gain, clamp=epilogue.clamp, impl=impl)


def _lacks(y: Tensor, noise: Tensor | None, epilogue: Epilogue | None) -> str | None:
    if (lack := numba_lacks(y)) is not None:
        return lack
    if not channels_last(y):
        return "channels that lie apart"
    if noise is not None and not (noise.ndim == 2 or (noise.ndim == 4 and noise.shape[1] == 1)):
        return f"noise of shape {list(noise.shape)}"
    return None if epilogue is None else epilogue.lacks


def _pays(y: Tensor) -> bool:
    return y.shape[1] >= NUMBA_FROM_CHANNELS and y.numel() >= NUMBA_FROM_SAMPLES
