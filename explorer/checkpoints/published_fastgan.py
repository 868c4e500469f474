"""Published generators of Projected GAN's light kind (FastGAN) out of the records of their modules.

Weights are divided by their stored singular values and batch norms become scale and shift, once. The published noise is
drawn anew for every picture and kept nowhere: maps are drawn here, the same ones every time.
"""

import torch
from torch import Tensor

from explorer.checkpoints.published_fields import Fields
from explorer.checkpoints.published_stylegan3 import agree
from explorer.checkpoints.published_vision import check_conv
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.fastgan import Generator
from explorer.generators.fastgan_config import EXCITED_BY, GeneratorConfig, check_resolution

__all__ = ["NOISE_NOTE", "is_generator", "read_generator"]

NOISE_NOTE = "The file holds no noise maps, since this network draws them anew for every picture: some were drawn."
_UP, _CONV, _NOISE = "Upsample", "Conv2d", "NoiseInjection"


def is_generator(record: ModuleRecord) -> bool:
    """Whether this is a FastGAN generator: a first layer, features of 8 x 8, and one layer that makes the colours."""
    synthesis = record.children.get("synthesis")
    return synthesis is not None and {"init", "feat_8", "to_big"} <= synthesis.children.keys()


def read_generator(record: ModuleRecord) -> Generator:
    """Build the generator from the record's tensors.

    Raises:
        CheckpointError: A part is missing, of another kind, or options and tensors contradict each other.
    """
    root = Fields(record, "G")
    synthesis, resolution = root.child("synthesis"), root.whole("img_resolution")
    # Before noise of that size is drawn.
    check_resolution(resolution)
    found = _Found()
    found.take_first(synthesis.child("init").child("init"))
    side = 8
    while side <= resolution:
        found.take_size(synthesis, side)
        side *= 2
    colours = synthesis.child("to_big")
    check_conv(colours, padding=[1, 1])
    found.tensors["synthesis.torgb.weight"] = _normal_weight(colours)
    found.tensors["synthesis.torgb.bias"] = colours.tensor("bias")
    classes = {}
    if synthesis.has("embed"):
        table = synthesis.child("embed")
        held, width = table.shape("weight", axes=2)
        c_dim = root.whole("c_dim")
        if not 1 <= c_dim <= held:
            raise CheckpointError(f"this snapshot's {table.name} has {held} rows for {c_dim} classes: it is damaged")
        classes = {"c_dim": c_dim, "embed_dim": width}
        found.tensors["mapping.weight"] = table.tensor("weight")[:c_dim]
    config = GeneratorConfig(
        resolution=resolution,
        channels=tuple(found.channels),
        z_dim=root.whole("z_dim"),
        img_channels=root.whole("img_channels"),
        lite=not found.noisy,
        **classes,
    )
    for name, tensor in found.tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"this snapshot's {name} holds values that are not numbers: it is damaged")
    return Generator.from_tensors(config, found.tensors)


class _Found:
    """What was read so far, under our names."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.channels: list[int] = []
        self.noisy = False
        self.stream = torch.Generator().manual_seed(0)

    def take_first(self, init: Fields) -> None:
        conv, norm = init.child("0"), init.child("1")
        check_conv(conv, transposed=True, output_padding=[0, 0])
        weight = _normal_weight(conv, transposed=True)
        if weight.shape[2:] != (4, 4):
            raise CheckpointError(f"this snapshot's {conv.name} should make 4 x 4 pixels: not supported")
        self.tensors["synthesis.b4.conv0.weight"] = weight
        self._take_norm("synthesis.b4.conv0", norm, width=weight.shape[1])
        self.channels.append(weight.shape[1] // 2)

    def take_size(self, synthesis: Fields, side: int) -> None:
        """The layers of a size, and what weighs its features."""
        name = f"synthesis.b{side}"
        for k, (conv, noise, norm) in enumerate(_layers(synthesis.child(f"feat_{side}"))):
            layer = f"{name}.conv{k}"
            check_conv(conv, padding=[1, 1])
            weight = _normal_weight(conv)
            self.tensors[f"{layer}.weight"] = weight
            if noise is not None:
                self.noisy = True
                self.tensors[f"{layer}.noise_strength"] = noise.tensor("weight").reshape(())
                self.tensors[f"{layer}.noise_const"] = torch.randn(side, side, generator=self.stream)
            self._take_norm(layer, norm, width=weight.shape[0])
            if k == 0:
                self.channels.append(weight.shape[0] // 2)
        if side in EXCITED_BY:
            main = synthesis.child(f"se_{side}").child("main")
            agree(main.child("0"), output_size=4)
            for conv in (main.child("1"), main.child("3")):
                check_conv(conv)
            self.tensors[f"{name}.excite.see"] = _normal_weight(main.child("1"))
            self.tensors[f"{name}.excite.weigh"] = _normal_weight(main.child("3")).flatten(1)

    def _take_norm(self, layer: str, norm: Fields, *, width: int) -> None:
        conditional = norm.record.class_name == "CCBN"
        start = "stored" if conditional else "running"
        mean, variance = (norm.tensor(f"{start}_{part}").double() for part in ("mean", "var"))
        scale = torch.rsqrt(variance + norm.number("eps"))
        if conditional:
            for theirs, ours in (("gain", "gain"), ("bias", "offset")):
                part = norm.child(theirs)
                self.tensors[f"{layer}.{ours}.weight"] = _normal_weight(part)
                self.tensors[f"{layer}.{ours}.bias"] = part.tensor("bias")
            shift = -mean * scale
        else:
            scale = scale * norm.tensor("weight").double()
            shift = norm.tensor("bias").double() - mean * scale
        if scale.shape != (width,) or width % 2:
            raise CheckpointError(f"this snapshot's {norm.name} does not fit its layer: it is damaged")
        self.tensors[f"{layer}.scale"], self.tensors[f"{layer}.shift"] = scale.float(), shift.float()


def _layers(block: Fields) -> list[tuple[Fields, Fields | None, Fields]]:
    """Convolution, noise and normalisation of each layer of a size."""
    if block.has("conv1"):
        noise = block.child("noise")
        return [(block.child(f"conv{k}"), noise, block.child(f"bn{k}")) for k in (1, 2)]
    if block.has("conv"):
        return [(block.child("conv"), None, block.child("bn"))]
    parts = [block.child(key) for key in block.record.children]
    kinds = [part.record.class_name for part in parts]
    small = [_UP, _CONV, "BatchNorm2d", "GLU"]
    large = [_UP, _CONV, _NOISE, "BatchNorm2d", "GLU", _CONV, _NOISE, "BatchNorm2d", "GLU"]
    if kinds == small:
        return [(parts[1], None, parts[2])]
    if kinds == large:
        return [(parts[1], parts[2], parts[3]), (parts[5], parts[6], parts[7])]
    raise CheckpointError(f"this snapshot's {block.name} has layers that FastGAN does not have: not supported")


def _normal_weight(layer: Fields, *, transposed: bool = False) -> Tensor:
    """A weight divided by the singular value that its stored vectors tell, or as it is where there are none."""
    if "weight_orig" not in layer.record.parameters:
        return layer.tensor("weight")
    weight = layer.tensor("weight_orig").double()
    matrix = (weight.transpose(0, 1) if transposed else weight).flatten(1)
    left, right = layer.tensor("weight_u").double(), layer.tensor("weight_v").double()
    if left.shape != matrix.shape[:1] or right.shape != matrix.shape[1:]:
        raise CheckpointError(f"this snapshot's {layer.name} does not fit its singular vectors: it is damaged")
    return (weight / torch.dot(left, matrix @ right)).float()
