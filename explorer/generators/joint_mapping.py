"""The mapping network of StyleGAN and StyleGAN2's first release: a label joins the latent, then both are normalised."""

import torch
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.linear import EqualizedLinear, normalize_second_moment
from explorer.generators.mapping import checked_input

__all__ = ["JointMappingNetwork"]


class JointMappingNetwork(nn.Module):
    """z beside a linear image of the label, normalised as one vector, through a stack of fully connected layers.

    Computes in float32 at least, as `explorer.generators.mapping.MappingNetwork` does.

    Args:
        z_dim: Length of the latent.
        c_dim: Number of classes; 0 without labels.
        w_dim: Length of the style.
        layers: Number of fully connected layers.
        embed_features: Length of the label's image; `z_dim` when ``None``. Unused without labels.
        layer_features: Width between the layers; `w_dim` when ``None``.
        activation: After every layer.
        lr_multiplier: How much slower these layers learn than the rest.
        w_avg_beta: Decay of the running centre of W; ``None`` keeps no centre.
        normalize: Whether the input is scaled to a mean square of 1.

    Source: StyleGAN (Karras et al. 2019), section 2; the label as released with it.
    """

    def __init__(
        self,
        *,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        layers: int,
        embed_features: int | None = None,
        layer_features: int | None = None,
        activation: str = "lrelu",
        lr_multiplier: float = 0.01,
        w_avg_beta: float | None = 0.995,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.layers = z_dim, c_dim, layers
        self.w_avg_beta, self.normalize = w_avg_beta, normalize
        joined = 0 if c_dim == 0 else z_dim if embed_features is None else embed_features
        hidden = w_dim if layer_features is None else layer_features
        if c_dim > 0:
            self.embed = nn.Parameter(torch.randn(c_dim, joined))
        features = [z_dim + joined, *[hidden] * (layers - 1), w_dim]
        for i in range(layers):
            layer = EqualizedLinear(features[i], features[i + 1], activation=activation, lr_multiplier=lr_multiplier)
            self.add_module(f"fc{i}", layer)
        if w_avg_beta is not None:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor | None, c: Tensor | None = None, *, update_emas: bool = False) -> Tensor:
        """Latents ``[N, z_dim]`` and labels ``[N, c_dim]`` to styles ``[N, w_dim]``.

        Args:
            z: Latents, standard normal.
            c: One-hot or soft; needed exactly when `c_dim` is not 0.
            update_emas: Also move `w_avg` towards this batch.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        stored = self.fc0.weight.dtype if self.layers > 0 else torch.float32
        x = checked_input("z", z, self.z_dim, stored=stored)
        if self.c_dim > 0:
            c = checked_input("c", c, self.c_dim, stored=stored)
            if c.shape[0] != x.shape[0]:
                raise StateError(f"there are {x.shape[0]} latents and {c.shape[0]} labels: give as many of each")
            x = torch.cat([x, c @ self.embed.to(c.dtype)], dim=1)
        if self.normalize:
            x = normalize_second_moment(x)
        for i in range(self.layers):
            x = self.get_submodule(f"fc{i}")(x)
        if update_emas and self.w_avg_beta is not None:
            mean = x.detach().mean(dim=0).to(self.w_avg.dtype)
            self.w_avg.copy_(mean.lerp(self.w_avg, self.w_avg_beta))
        return x
