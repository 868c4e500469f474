"""What every family of generators offers, and the value that a half-done synthesis is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from explorer.state import GeneratorSpec, Noise

__all__ = ["Generator", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """A synthesis stopped after a layer: what is needed to go on, and nothing else.

    It depends on ``s[: index + 1]``, the noise and the transform alone, so it can be kept and
    resumed from while those stay the same.
    """

    index: int
    """The last layer done, an index into ``spec.layers``."""
    x: Tensor | None
    """Features, ``[N, C, H, W]``."""
    image: Tensor | None
    """The picture so far where the architecture builds one as it goes (StyleGAN2 skip), ``[N, C, h, w]``."""
    shortcut: Tensor | None = None
    """The branch around a half-done block that the block's last layer adds (StyleGAN2 resnet), ``[N, C, h, w]``."""


class Generator(Protocol):
    """A generator of any family. Differentiable, any batch size."""

    spec: GeneratorSpec

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Latents ``[N, z_dim]`` and labels ``[N, c_dim]`` (or ``None``) to styles ``[N, w_dim]``."""

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """The centre of W, ``[1, w_dim]`` or ``[N, w_dim]`` where it depends on the label."""

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """``[N, num_ws, w_dim]`` to one style vector ``[N, C_l]`` for each of ``spec.layers``."""

    def steps(
        self, s: Sequence[Tensor], *, noise: Noise = ..., transform: Tensor | None = None, start: Step | None = None
    ) -> Iterator[Step]:
        """Run layer by layer, after ``start``; the last step's picture is the output.

        The caller may stop between layers, keep any step and resume from it later.
        """

    def synthesize(
        self,
        s: Sequence[Tensor],
        *,
        noise: Noise = ...,
        transform: Tensor | None = None,
        start: Step | None = None,
        until: str | None = None,
    ) -> Tensor:
        """The picture ``[N, C, H, W]``, about -1 to 1; or the activations named ``until``.

        Args:
            s: From `style`.
            noise: Which noise maps; ignored where the family has none.
            transform: The user's matrix ``[3, 3]``; ``None`` is the identity. Its inverse goes into the input layer.
            start: Resume after this step instead of from the input.
            until: A name of ``spec.activations``.
        """
