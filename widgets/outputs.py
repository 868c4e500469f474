"""Words for what is shown instead of the plain picture, and the channels that it shows."""

from explorer.state import GeneratorSpec, Output

__all__ = ["channels_of", "output_words", "shown_channels"]

_LAYER_CHANNELS = 3


def channels_of(output: Output, spec: GeneratorSpec) -> int:
    """How many channels there are to show; of the picture where no layer of that name exists."""
    return spec.activation_shape(output.layer)[0] if output.layer in spec.activations else spec.img_channels


def shown_channels(output: Output, spec: GeneratorSpec) -> tuple[int, int]:
    """The first channel shown and how many, as the output stage chooses them."""
    there = channels_of(output, spec)
    wanted = output.sel_channels
    if wanted is None:
        plain = output.layer in (None, spec.activations[-1]) and there <= 4
        wanted = there if plain else _LAYER_CHANNELS
    count = wanted if wanted <= there else 1
    return min(output.base_channel, there - count), count


def output_words(output: Output, spec: GeneratorSpec) -> str:
    """What is shown, in a line; empty for the plain picture."""
    if output == Output():
        return ""
    parts = []
    if output.noise_only and spec.has_noise:
        parts.append("what noise adds")
    if output.layer in spec.activations[:-1]:
        parts.append(f"layer {output.layer}" if not parts else f"in layer {output.layer}")
    first, count = shown_channels(output, spec)
    if count < channels_of(output, spec):
        parts.append(f"channel {first}" if count == 1 else f"channels {first}–{first + count - 1}")
    if output.scale_db:
        parts.append(f"{output.scale_db:+g} dB")
    if output.normalize:
        parts.append("normalised")
    if output.spectrum is not None:
        parts.append("with its spectrum" if parts else "the picture with its spectrum")
    if output.untransform and spec.has_transform:
        parts.append("transform undone")
    words = ", ".join(parts) or "the picture, with its numbers"
    return words[0].upper() + words[1:]
