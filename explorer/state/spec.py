"""What a generator is, as plain data: enough to draw every panel without importing a framework."""

from dataclasses import dataclass

__all__ = ["GeneratorSpec", "LayerSpec"]


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One style-consuming layer of a synthesis network."""

    name: str
    """As the published viewer names it: ``b16.conv1``, ``b16.torgb``, ``L7_52_512``, ``input``."""
    w_row: int
    """The row of ``w_plus`` that styles this layer."""
    style_dim: int
    """Length of this layer's style vector ``s`` (StyleSpace)."""
    channels: int
    """Channels of the layer's output."""
    size: tuple[int, int]
    """Height and width of the layer's output, in pixels."""
    noisy: bool
    """Whether a noise map is added here."""


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """The shape of a generator and what it can do."""

    family: str
    """``progan``, ``stylegan1``, ``stylegan2``, ``stylegan3``, ``stylegan_xl``, ``stylegan_t``, ``lightweight`` or
    ``mobile_stylegan``."""
    variant: str
    """``skip``, ``resnet`` or ``orig`` for StyleGAN2 and StyleGAN-T; ``t`` or ``r`` for StyleGAN3 and StyleGAN-XL."""
    resolution: tuple[int, int]
    """Height and width of the picture, in pixels."""
    img_channels: int
    """1 grey, 3 RGB, 4 RGBA."""
    z_dim: int
    """Length of the input latent z."""
    w_dim: int
    """Length of one style w."""
    c_dim: int
    """Number of classes, or length of a text's embedding; 0 for an unconditional model."""
    num_ws: int
    """Rows of ``w_plus``."""
    layers: tuple[LayerSpec, ...]
    """In execution order, one for each entry of ``style()``."""
    activations: tuple[str, ...]
    """Every name that ``synthesize(until=)`` takes, in call order; the last is ``output``."""
    has_noise: bool
    """Whether noise maps exist."""
    has_transform: bool
    """Whether the input can be turned and shifted (StyleGAN3's Fourier features)."""
    class_names: tuple[str, ...] = ()
    """One a class, when the checkpoint knows them."""
    text: bool = False
    """Whether the condition is a text prompt."""
    has_truncation: bool = True
    """Whether W has a centre that styles can be pulled to."""
