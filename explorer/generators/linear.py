"""Fully connected layers whose learning rate is equalised, and the normalisation that stands before them."""

import math

import torch
from torch import Tensor, nn

from explorer.ops import bias_act

__all__ = ["EqualizedLinear", "normalize_second_moment"]


class EqualizedLinear(nn.Module):
    """``activation(x @ (weight * gain).T + bias * lr_multiplier)``, gain = lr_multiplier / sqrt(in_features).

    Weights are stored with unit variance divided by the learning rate multiplier and scaled when they
    are used, so that one optimiser step moves every layer alike. Computes in the type of its input.

    Args:
        in_features: Length of the input.
        out_features: Length of the output.
        activation: A name that `explorer.ops.bias_act` knows.
        lr_multiplier: How much slower this layer learns.
        weight_init: Standard deviation of the first weights, as used.
        bias_init: First value of the biases, as used; one number, or one for each output.

    Source: ProGAN (Karras et al. 2018), section 4.1.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: str = "linear",
        lr_multiplier: float = 1.0,
        weight_init: float = 1.0,
        bias_init: float | Tensor = 0.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight_gain = lr_multiplier / math.sqrt(max(in_features, 1))
        self.bias_gain = lr_multiplier
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * (weight_init / lr_multiplier))
        first_bias = torch.as_tensor(bias_init, dtype=torch.float32).expand(out_features)
        self.bias = nn.Parameter(first_bias / lr_multiplier)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in_features]`` to ``[N, out_features]``."""
        # The gains ride along in the matrix product, so the scaled weight is never written to memory.
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        y = torch.addmm(bias, x, weight.t(), beta=self.bias_gain, alpha=self.weight_gain)
        return y if self.activation == "linear" else bias_act(y, act=self.activation)


def normalize_second_moment(x: Tensor, *, epsilon: float = 1e-8) -> Tensor:
    """Scale every row of ``[N, C]`` to a mean square of 1.

    Source: StyleGAN (Karras et al. 2019), pixel norm of the input latent.
    """
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + epsilon)
