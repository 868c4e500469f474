"""Published R3GAN snapshots: options and weights out of the records of their modules.

The published modules say little of themselves, so shapes of tensors decide, and what they do say is checked.
Parameters are renamed to ours. Stages that were trained in half precision run in single precision here.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from explorer.checkpoints.filter_taps import taps_of
from explorer.checkpoints.published_fields import Fields, agreed
from explorer.checkpoints.published_stylegan3 import agree
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.config import config_from_json
from explorer.generators.r3gan import Generator
from explorer.generators.r3gan_config import MAX_BLOCKS, MAX_STAGES, DiscriminatorConfig, GeneratorConfig
from explorer.generators.r3gan_discriminator import Discriminator
from explorer.ops import setup_filter

__all__ = ["is_discriminator", "is_generator", "read_discriminator", "read_generator"]

_CONVOLUTIONS = (("LinearLayer1", "widen"), ("LinearLayer2", "middle"), ("LinearLayer3", "narrow"))
_BIASES = (("NonLinearity1", "widen_bias"), ("NonLinearity2", "middle_bias"))


def is_generator(record: ModuleRecord) -> bool:
    """Whether this is an R3GAN generator: stages of layers, and one layer that makes the colours."""
    model = record.children.get("Model")
    return model is not None and {"MainLayers", "AggregationLayer"} <= model.children.keys()


def is_discriminator(record: ModuleRecord) -> bool:
    """Whether this is an R3GAN discriminator: stages of layers, and one layer that takes the colours."""
    model = record.children.get("Model")
    return model is not None and {"MainLayers", "ExtractionLayer"} <= model.children.keys()


def read_generator(record: ModuleRecord) -> Generator:
    """Build the generator from the record's tensors.

    Raises:
        CheckpointError: A part is missing, or options and tensors contradict each other.
    """
    root = Fields(record, "G")
    model = root.child("Model")
    stages, found = _stages(model), _Found()
    basis = stages[0][0]
    width, height, across = basis.shape("Basis", axes=3)
    found.tensors["synthesis.b4.basis.features"] = basis.tensor("Basis")
    found.take_linear(basis.child("LinearLayer"), "synthesis.b4.basis.weight")
    for i, layers in enumerate(stages):
        name = f"synthesis.b{4 << i}"
        if i > 0:
            width = found.take_resampling(layers[0], f"{name}.up", width)
        found.take_blocks(layers[1:], name, width)
    colours = found.take_conv(model.child("AggregationLayer"), "synthesis.torgb")
    options = {
        **found.options(),
        "base_size": [height, across],
        "img_channels": colours.shape[0],
        "z_dim": root.whole("z_dim"),
        **found.condition(model, "mapping.weight"),
    }
    config = config_from_json(GeneratorConfig, options)
    agree(root, img_resolution=config.picture_size[1], c_dim=config.c_dim)
    return Generator.from_tensors(config, found.checked())


def read_discriminator(record: ModuleRecord) -> Discriminator:
    """Build the discriminator from the record's tensors.

    Raises:
        CheckpointError: As `read_generator`.
    """
    model = Fields(record, "D").child("Model")
    stages, found = _stages(model), _Found()
    colours = found.take_conv(model.child("ExtractionLayer"), "fromrgb")
    width = colours.shape[0]
    for i, layers in zip(reversed(range(len(stages))), stages, strict=True):
        name = f"b{4 << i}"
        found.take_blocks(layers[:-1], name, width)
        if i > 0:
            width = found.take_resampling(layers[-1], f"{name}.down", width)
    found.shapes.reverse()
    basis = stages[-1][-1]
    features = basis.child("Basis")
    _, within, height, across = features.shape("weight", axes=4)
    if within != 1:
        raise CheckpointError(f"this snapshot's {features.name} should see every feature alone: it is damaged")
    agree(features, groups=width, stride=[1, 1], padding=[0, 0], dilation=[1, 1])
    found.tensors["b4.basis.features"] = features.tensor("weight")[:, 0]
    found.take_linear(basis.child("LinearLayer"), "b4.basis.weight")
    options = {
        **found.options(),
        "base_size": [height, across],
        "img_channels": colours.shape[1],
        **found.condition(model, "embedding"),
    }
    config = config_from_json(DiscriminatorConfig, options)
    return Discriminator.from_tensors(config, found.checked())


def _stages(model: Fields) -> list[list[Fields]]:
    """Every stage's layers, in order: residual blocks, and one change of size at one end."""
    listed = model.child("MainLayers")
    count = len(listed.record.children)
    if not 1 <= count <= MAX_STAGES:
        raise CheckpointError(f"this snapshot's {listed.name} has {count} stages, and can have 1 to {MAX_STAGES}")
    stages = []
    for i in range(count):
        layers = listed.child(str(i)).child("Layers")
        number = len(layers.record.children)
        if not 1 <= number <= MAX_BLOCKS + 1:
            raise CheckpointError(f"this snapshot's {layers.name} has {number} layers: it is damaged")
        stages.append([layers.child(str(k)) for k in range(number)])
    return stages


@dataclass(slots=True)
class _Found:
    """What was read so far, under our names."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    shapes: list[dict[str, int]] = field(default_factory=list)
    """One for each size, in the order in which they were met."""
    kernels: list[int] = field(default_factory=list)
    taps: list[object] = field(default_factory=list)

    def take_conv(self, part: Fields, name: str, *, groups: int = 1) -> Tensor:
        """A convolution's weight, which must keep the size and have no bias."""
        layer = part.child("Layer")
        _, _, size, across = layer.shape("weight", axes=4)
        if size != across or size % 2 == 0 or "bias" in layer.record.parameters:
            raise CheckpointError(f"this snapshot's {layer.name} is no convolution that R3GAN has: refused")
        around = [size // 2] * 2
        agree(layer, groups=groups, stride=[1, 1], padding=around, dilation=[1, 1], padding_mode="zeros")
        self.tensors[f"{name}.weight"] = layer.tensor("weight")
        return layer.tensor("weight")

    def take_linear(self, layer: Fields, name: str) -> Tensor:
        """A linear layer's weight, which must have no bias."""
        layer.shape("weight", axes=2)
        if "bias" in layer.record.parameters:
            raise CheckpointError(f"this snapshot's {layer.name} has a bias, which R3GAN does not: refused")
        self.tensors[name] = layer.tensor("weight")
        return layer.tensor("weight")

    def take_resampling(self, part: Fields, name: str, width: int) -> int:
        """A change of size, whose convolution is only there where the number of features changes; the new number."""
        kernel = part.child("Resampler").tensor("Kernel")
        taps = taps_of(kernel)
        self.taps.append(taps)
        self.tensors[f"{name}.resample_filter"] = setup_filter(taps)
        if not part.has("LinearLayer"):
            return width
        return self.take_conv(part.child("LinearLayer"), f"{name}.conv").shape[0]

    def take_blocks(self, blocks: list[Fields], name: str, width: int) -> None:
        """The residual blocks of a size, which must be alike."""
        shapes = []
        for i, block in enumerate(blocks):
            middle = block.child("LinearLayer2").child("Layer")
            wide, within, kernel, _ = middle.shape("weight", axes=4)
            if not within or wide % within or wide % width:
                raise CheckpointError(f"this snapshot's {block.name} has convolutions that do not fit: it is damaged")
            groups = wide // within
            shapes.append((groups, wide // width))
            self.kernels.append(kernel)
            for theirs, ours in _CONVOLUTIONS:
                count = groups if ours == "middle" else 1
                self.take_conv(block.child(theirs), f"{name}.block{i}.{ours}", groups=count)
            for theirs, ours in _BIASES:
                self.tensors[f"{name}.block{i}.{ours}"] = block.child(theirs).tensor("Bias")
        groups, expansion = agreed(f"{name} shape", shapes) if shapes else (1, 1)
        self.shapes.append({"channels": width, "blocks": len(blocks), "groups": groups, "expansion": expansion})

    def options(self) -> dict[str, object]:
        """Fields of the configuration that both networks have."""
        options: dict[str, object] = {
            key: [shape[key] for shape in self.shapes] for key in ("channels", "blocks", "groups", "expansion")
        }
        if self.kernels:
            options["kernel_size"] = agreed("kernel size", self.kernels)
        if self.taps:
            options["resample_filter"] = agreed("filter", self.taps)
        return options

    def condition(self, model: Fields, name: str) -> dict[str, int]:
        """The classes and their embedding's length, where there are classes."""
        if not model.has("EmbeddingLayer"):
            return {}
        width, classes = self.take_linear(model.child("EmbeddingLayer"), name).shape
        return {"c_dim": classes, "embed_dim": width}

    def checked(self) -> dict[str, Tensor]:
        """The tensors.

        Raises:
            CheckpointError: One holds values that are not numbers.
        """
        for name, tensor in self.tensors.items():
            if not bool(torch.isfinite(tensor).all()):
                raise CheckpointError(f"this snapshot's {name} holds values that are not numbers: it is damaged")
        return self.tensors
