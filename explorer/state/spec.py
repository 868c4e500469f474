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
    """``progan``, ``stylegan1``, ``stylegan2``, ``stylegan3``, ``stylegan_xl``, ``stylegan_t``, ``r3gan``,
    ``lightweight``, ``mobile_stylegan`` or ``fastgan``."""
    variant: str
    """``skip``, ``resnet`` or ``orig`` for StyleGAN2 and StyleGAN-T; ``t`` or ``r`` for StyleGAN3 and StyleGAN-XL;
    ``full`` or ``lite`` for FastGAN."""
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
    text_encoder: str = ""
    """What the model was trained with to read prompts: ``clip`` or ``all-minilm-l6-v2``; empty without texts."""
    has_truncation: bool = True
    """Whether W has a centre that styles can be pulled to."""

    def layers_of(self, row: int) -> tuple[LayerSpec, ...]:
        """The layers that one row of ``w_plus`` styles, in execution order."""
        return tuple(layer for layer in self.layers if layer.w_row == row and layer.style_dim)

    def activation_shape(self, name: str) -> tuple[int, int, int]:
        """Channels, height and width of what ``synthesize(until=name)`` gives.

        A layer's own name is that layer. Others are of a block: ``b16`` and ``b16:0`` its features, ``b16.skip`` what
        goes around them, ``b16:1`` and ``b16.torgb`` the picture so far; ``b16.conv1.norm`` is within a layer.

        Raises:
            ValueError: There is no activation of that name.
        """
        if name not in self.activations:
            raise ValueError(f"there is no layer {name!r}: use one of {', '.join(self.activations)}")
        if name == self.activations[-1]:
            return (self.img_channels, *self.resolution)
        layer = next((layer for layer in self.layers if name == layer.name), None)
        layer = layer or next((layer for layer in self.layers if name.startswith(f"{layer.name}.")), None)
        if layer is not None:
            return (layer.channels, *layer.size)
        block = name.partition(".")[0].partition(":")[0]
        features = [
            layer for layer in self.layers if layer.name.startswith(f"{block}.") and not _is_picture(layer.name)
        ]
        channels = self.img_channels if _is_picture(name) else features[-1].channels
        return (channels, *features[-1].size)


def _is_picture(name: str) -> bool:
    return name.endswith((".torgb", ":1"))
