"""The mapping network of StyleGAN2 and StyleGAN3: from latents and labels to styles."""

import torch
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.linear import EqualizedLinear, normalize_second_moment

__all__ = ["MappingNetwork", "checked_input"]


class MappingNetwork(nn.Module):
    """z and a label, each normalised, through a stack of fully connected layers.

    Parameters are named as in the published state dicts: ``embed``, ``fc0``, ``fc1``, ..., ``w_avg``.
    Computes in float32 at least, whatever the weights are stored in: weights are stored a hundred
    times their size, and styles steer everything that follows.

    Args:
        z_dim: Length of the latent; 0 for a network of labels alone (the discriminator's).
        c_dim: Number of classes; 0 without labels.
        w_dim: Length of the style.
        layers: Number of fully connected layers.
        embed_features: Length of the label's embedding; `w_dim` when ``None``. Unused without labels.
        layer_features: Width between the layers; `w_dim` when ``None``.
        activation: After every layer.
        lr_multiplier: How much slower these layers learn than the rest.
        w_avg_beta: Decay of the running centre of W; ``None`` keeps no centre.

    Source: StyleGAN (Karras et al. 2019), section 2; StyleGAN2-ADA (Karras et al. 2020), appendix.
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
        w_avg_beta: float | None = 0.998,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim, self.layers = z_dim, c_dim, w_dim, layers
        self.w_avg_beta = w_avg_beta
        embedded = 0 if c_dim == 0 else w_dim if embed_features is None else embed_features
        hidden = w_dim if layer_features is None else layer_features
        if c_dim > 0:
            self.embed = EqualizedLinear(c_dim, embedded)
        features = [z_dim + embedded, *[hidden] * (layers - 1), w_dim]
        for i in range(layers):
            layer = EqualizedLinear(features[i], features[i + 1], activation=activation, lr_multiplier=lr_multiplier)
            self.add_module(f"fc{i}", layer)
        if w_avg_beta is not None:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor | None, c: Tensor | None = None, *, update_emas: bool = False) -> Tensor:
        """Map latents to styles.

        Args:
            z: Latents, ``[N, z_dim]``; ``None`` where `z_dim` is 0.
            c: Labels, ``[N, c_dim]``, one-hot or soft; needed exactly when `c_dim` is not 0.
            update_emas: Also move `w_avg` towards this batch.

        Returns:
            Styles, ``[N, w_dim]``.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        parts = []
        if self.z_dim > 0:
            parts.append(normalize_second_moment(checked_input("z", z, self.z_dim, stored=self._stored)))
        if self.c_dim > 0:
            label = checked_input("c", c, self.c_dim, stored=self._stored)
            parts.append(normalize_second_moment(self.embed(label)))
        if len(parts) == 2 and parts[0].shape[0] != parts[1].shape[0]:
            counts = f"{parts[0].shape[0]} latents and {parts[1].shape[0]} labels"
            raise StateError(f"there are {counts}: give as many of each")
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        for i in range(self.layers):
            x = self.get_submodule(f"fc{i}")(x)
        if update_emas and self.w_avg_beta is not None:
            self._move_average(x.detach())
        return x

    def _move_average(self, w: Tensor) -> None:
        mean = w.mean(dim=0).to(self.w_avg.dtype)
        self.w_avg.copy_(mean.lerp(self.w_avg, self.w_avg_beta))

    @property
    def _stored(self) -> torch.dtype:
        return self.fc0.weight.dtype if self.layers > 0 else torch.float32


def checked_input(name: str, value: Tensor | None, width: int, *, stored: torch.dtype) -> Tensor:
    """A mapping network's input ``[N, width]``, in float32 at least and in the type of the weights at least.

    Raises:
        StateError: It is missing, or of another shape.
    """
    if value is None:
        raise StateError(f"this model needs {name} of shape [N, {width}], and none was given")
    if value.ndim != 2 or value.shape[1] != width:
        raise StateError(f"{name} has shape {list(value.shape)}, and this model takes [N, {width}]")
    return value.to(torch.promote_types(torch.promote_types(value.dtype, stored), torch.float32))
