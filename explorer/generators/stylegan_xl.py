"""StyleGAN-XL: StyleGAN3's layers for large, diverse data, steered by a class and grown in stages.

The label chooses a row of an embedding that the checkpoint carries (pretrained in the published models), and each
class has a centre of W of its own. Later stages cut off the last layers of a trained network, the stem, and put new
ones on top of it.

Source: StyleGAN-XL (Sauer et al. 2022), "StyleGAN-XL: Scaling StyleGAN to Large Diverse Datasets".
"""

import torch
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators import stylegan3
from explorer.generators.linear import EqualizedLinear, normalize_second_moment
from explorer.generators.mapping import checked_input
from explorer.generators.stylegan_xl_config import GeneratorConfig

__all__ = ["ClassMapping", "Generator", "GeneratorConfig"]


class ClassEmbedding(nn.Module):
    """One row of features for each class."""

    def __init__(self, classes: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, features))

    def forward(self, shares: Tensor) -> Tensor:
        """Shares of the classes ``[N, classes]`` to blended rows ``[N, features]``; one class gives its row exactly."""
        return shares @ self.weight.to(shares.dtype)


class ClassMapping(nn.Module):
    """z and the class's embedding, brought to z's length, each normalised, through a stack of layers.

    Parameters are named as in the published state dicts: ``embed``, ``embed_proj``, ``fc0``, ..., ``w_avg``.
    Computes in float32 at least.

    Args:
        config: Conditional, that is with classes.

    Source: StyleGAN-XL, section 3.1, "Class conditioning".
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, config.c_dim, config.w_dim
        self.layers, self.w_avg_beta = config.mapping_layers, config.w_avg_beta
        self.embed = ClassEmbedding(config.c_dim, config.embed_features)
        self.embed_proj = EqualizedLinear(config.embed_features, config.z_dim, activation="lrelu")
        for i in range(config.mapping_layers):
            width = 2 * config.z_dim if i == 0 else config.w_dim
            slow = config.mapping_lr_multiplier
            self.add_module(f"fc{i}", EqualizedLinear(width, config.w_dim, activation="lrelu", lr_multiplier=slow))
        self.register_buffer("w_avg", torch.zeros(config.c_dim, config.w_dim))

    def shares(self, c: Tensor | None) -> Tensor:
        """What each class contributes, ``[N, c_dim]``, adding up to 1; all alike where a label names no class.

        Raises:
            StateError: The label is missing, or its shape is not the model's.
        """
        c = checked_input("c", c, self.c_dim, stored=self.fc0.weight.dtype)
        total = c.sum(dim=1, keepdim=True)
        named = total > 0
        return torch.where(named, c / torch.where(named, total, 1), 1 / self.c_dim)

    def centre(self, c: Tensor | None) -> Tensor:
        """The centre of each label's class, or the blend of its classes' centres, ``[N, w_dim]``."""
        shares = self.shares(c)
        return (shares @ self.w_avg.to(shares.dtype)).to(self.w_avg.dtype)

    def forward(self, z: Tensor | None, c: Tensor | None = None, *, update_emas: bool = False) -> Tensor:
        """Map latents to styles.

        Args:
            z: Latents, ``[N, z_dim]``.
            c: Labels, ``[N, c_dim]``, one-hot; a soft label blends the rows of its classes.
            update_emas: Also move the centre of each sample's foremost class towards the sample.

        Returns:
            Styles, ``[N, w_dim]``.

        Raises:
            StateError: An input is missing, or of another shape.
        """
        z = checked_input("z", z, self.z_dim, stored=self.fc0.weight.dtype)
        shares = self.shares(c)
        if z.shape[0] != shares.shape[0]:
            raise StateError(f"there are {z.shape[0]} latents and {shares.shape[0]} labels: give as many of each")
        y = self.embed_proj(self.embed(shares))
        x = torch.cat([normalize_second_moment(z), normalize_second_moment(y).to(z.dtype)], dim=1)
        for i in range(self.layers):
            x = self.get_submodule(f"fc{i}")(x)
        if update_emas:
            self._move_centres(x.detach(), shares.argmax(dim=1))
        return x

    def _move_centres(self, w: Tensor, classes: Tensor) -> None:
        # One after the other, as two samples of a class both move its centre.
        for row, index in zip(w.to(self.w_avg.dtype), classes.tolist(), strict=True):
            self.w_avg[index] = row.lerp(self.w_avg[index], self.w_avg_beta)


class Generator(stylegan3.Generator):
    """StyleGAN-XL, configurations T and R, of any stage. Implements `explorer.generators.protocol.Generator`."""

    family = "stylegan_xl"

    def _new_mapping(self) -> nn.Module:
        # Without classes nothing is left of what sets the mapping apart.
        return ClassMapping(self.config) if self.config.c_dim > 0 else super()._new_mapping()

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """The centre of W of each label's class, ``[N, w_dim]``; a soft label blends centres.

        Args:
            c: Labels ``[N, c_dim]``; the mean of all classes' centres, ``[1, w_dim]``, when ``None``.

        Raises:
            StateError: The shape is not the model's.
        """
        if self.config.c_dim == 0:
            return super().w_avg(c)
        return self.mapping.w_avg.mean(dim=0, keepdim=True) if c is None else self.mapping.centre(c)
