"""Records of the published discriminators of Projected GAN, StyleGAN-XL and StyleGAN-T, from their layout alone.

Every number follows from its dotted name, so that the published code, filled by `numbers`, is the same network:
its scores of the pictures that `pictures` makes are ``tests/golden/discriminators.npz`` (see the README beside it).
"""

import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from explorer.checkpoints.record import ModuleRecord
from explorer.generators.efficientnet import BLOCKS

VISION = {"width": 48, "depth": 12, "heads": 4}
READOUT = (12, 16, 20, 24)
# Blocks of EfficientNet-lite0 in each stage, and stages in each of the four lists.
STAGES = (1, 2, 2, 3, 3, 4, 1)
LISTS = ((0, 1), (2,), (3, 4), (5, 6))
WIDTHS = {128: 64, 64: 64, 32: 128, 16: 256, 8: 512}
CLASSES = 7


def number(name: str, shape: Iterable[int]) -> Tensor:
    """The tensor of that name."""
    shape = tuple(shape)
    leaf = name.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    x = np.random.RandomState(zlib.crc32(name.encode())).randn(*shape).astype(np.float32)
    if leaf == "weight_u":
        x /= np.linalg.norm(x)
    elif leaf in ("running_var", "stored_var"):
        x = 1 + 0.5 * np.tanh(x)
    elif len(shape) > 1:
        x *= np.float32(np.sqrt(1.5 / np.prod(shape[1:])))
    else:
        x = 0.1 * x + (leaf == "weight")
    return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))


def numbers(shapes: Mapping[str, Iterable[int]]) -> dict[str, Tensor]:
    """The tensors of those names."""
    found = {name: number(name, shape) for name, shape in shapes.items()}
    for name in shapes:
        if name.endswith("weight_v"):
            # Half a step of power iteration, so that weights are divided by something of their size.
            start = name.removesuffix("weight_v")
            weight, left = found[f"{start}weight_orig"], found[f"{start}weight_u"]
            matrix = (weight if len(weight) == len(left) else weight.transpose(0, 1)).flatten(1)
            found[name] = F.normalize(matrix.T @ left, dim=0)
    return found


def pictures(size: int, count: int = 2) -> Tensor:
    return torch.from_numpy(np.tanh(np.random.RandomState(size).randn(count, 3, size, size)).astype(np.float32))


def filled(record: ModuleRecord) -> ModuleRecord:
    """The same record with every number in its place."""
    found = numbers({name: tensor.shape for name, tensor in record.state_dict().items()})
    for name, part in record.modules():
        for table in (part.parameters, part.buffers):
            for key in table:
                table[key] = found[f"{name}.{key}" if name else key]
    return record


def projected_gan(*, conditional: bool = False, separable: bool = False) -> ModuleRecord:
    network = _projection(_lite(), (24, 40, 112, 320))
    heads = _heads(separable=separable, labels="linear" if conditional else None)
    told = {"diffaug": True, "interp224": True}
    children = {
        "feature_network": network,
        "discriminator": ModuleRecord("MultiScaleD", children={"mini_discs": heads}),
    }
    return filled(ModuleRecord("ProjectedDiscriminator", told, children=children))


def stylegan_xl(*, conditional: bool = False) -> ModuleRecord:
    names = ("deit_base_distilled_patch16_224", "tf_efficientnet_lite0")
    colours = ({"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}, {"mean": [0.5] * 3, "std": [0.5] * 3})
    networks, judges = ModuleRecord("ModuleDict"), ModuleRecord("ModuleDict")
    for name, normal in zip(names, colours, strict=True):
        seen = name.startswith("deit")
        network = _projection(_deit(), READOUT) if seen else _projection(_lite(), (24, 40, 112, 320))
        network.attributes["normstats"] = normal
        networks.children[name] = network
        heads = _heads(separable=False, labels="fully connected" if conditional else None)
        judges.children[name] = ModuleRecord("MultiScaleD", children={"mini_discs": heads})
    told = {"backbones": list(names), "diffaug": True, "interp224": True}
    children = {"feature_networks": networks, "discriminators": judges}
    return filled(ModuleRecord("ProjectedDiscriminator", told, children=children))


def stylegan_t(*, c_dim: int) -> ModuleRecord:
    width = VISION["width"]
    wrapped = ModuleRecord("Module", children={"model": vision(tokens=1, newer=True)})
    dino = ModuleRecord("DINO", {"img_resolution": 224, "embed_dim": width}, children={"model": wrapped})
    heads = ModuleRecord("ModuleDict")
    for i in range(5):
        told = {"channels": width, "c_dim": c_dim, "cmap_dim": 64}
        near, wide = _line(width, 1), ModuleRecord("ResidualBlock", children={"fn": _line(width, 9)})
        head = ModuleRecord("DiscHead", told, children={"main": listed([near, wide])})
        if c_dim:
            head.children["cmapper"] = _connected(c_dim, 64, "linear")
        head.children["cls"] = spectral((64 if c_dim else 1, width, 1), bias=True)
        heads.children[str(i)] = head
    told = {"c_dim": c_dim, "diffaug": True, "p_crop": 0.5}
    return filled(ModuleRecord("ProjectedDiscriminator", told, children={"dino": dino, "heads": heads}))


def vision(*, tokens: int, newer: bool = False) -> ModuleRecord:
    width, grid = VISION["width"], 14
    own = {"cls_token": torch.zeros(1, 1, width), "pos_embed": torch.zeros(1, tokens + grid**2, width)}
    if tokens > 1:
        own["dist_token"] = torch.zeros(1, 1, width)
    blocks = []
    for _ in range(VISION["depth"]):
        attention = {"qkv": linear(width, 3 * width), "proj": linear(width, width)}
        layers = {"fc1": linear(width, 4 * width), "act": ModuleRecord("GELU"), "fc2": linear(4 * width, width)}
        children = {
            "norm1": norm("LayerNorm", width, eps=1e-6),
            "attn": ModuleRecord("Attention", {"num_heads": VISION["heads"]}, children=attention),
            "norm2": norm("LayerNorm", width, eps=1e-6),
            "mlp": ModuleRecord("Mlp", children=layers),
        }
        if newer:
            children |= {name: ModuleRecord("Identity") for name in ("ls1", "ls2", "drop_path1", "drop_path2")}
        blocks.append(ModuleRecord("Block", children=children))
    patches = ModuleRecord("PatchEmbed", children={"proj": conv((width, 3, 16, 16), stride=16, bias=True)})
    children = {"patch_embed": patches, "blocks": listed(blocks), "norm": norm("LayerNorm", width, eps=1e-6)}
    return ModuleRecord("VisionTransformer", parameters=own, children=children)


def _deit() -> ModuleRecord:
    layers: dict[str, ModuleRecord] = {"model": vision(tokens=2)}
    changes = {
        0: conv((READOUT[0], READOUT[0], 4, 4), stride=4, bias=True, transposed=True),
        1: conv((READOUT[1], READOUT[1], 2, 2), stride=2, bias=True, transposed=True),
        3: conv((READOUT[3], READOUT[3], 3, 3), stride=2, padding=1, bias=True),
    }
    for i, width in enumerate(READOUT):
        parts = [ModuleRecord("Slice", {"start_index": 2}), ModuleRecord("Transpose"), ModuleRecord("Unflatten")]
        parts.append(conv((width, VISION["width"], 1, 1), bias=True))
        layers[f"layer{i + 1}"] = listed(parts + ([changes[i]] if i in changes else []))
    return ModuleRecord("Module", children=layers)


def _lite() -> ModuleRecord:
    blocks = iter(BLOCKS)
    stages = []
    for count in STAGES:
        stages.append(listed([_block(next(blocks)) for _ in range(count)]))
    first = [conv((32, 3, 3, 3), stride=2), norm("BatchNorm2d", 32, eps=1e-3), ModuleRecord("ReLU6")]
    lists = {}
    for i, members in enumerate(LISTS):
        lists[f"layer{i}"] = listed((first if i == 0 else []) + [stages[k] for k in members])
    return ModuleRecord("Module", children=lists)


def _block(block) -> ModuleRecord:
    wide = block.inputs * block.expansion
    depthwise = conv((wide, 1, block.kernel, block.kernel), stride=block.stride, groups=wide)
    children = {"se": ModuleRecord("Identity"), "act1": ModuleRecord("ReLU6")}
    if block.expansion == 1:
        children |= {"conv_dw": depthwise, "bn1": norm("BatchNorm2d", wide, eps=1e-3)}
        children |= {
            "conv_pw": conv((block.outputs, wide, 1, 1)),
            "bn2": norm("BatchNorm2d", block.outputs, eps=1e-3),
        }
        return ModuleRecord("DepthwiseSeparableConv", children=children)
    children |= {"conv_pw": conv((wide, block.inputs, 1, 1)), "bn1": norm("BatchNorm2d", wide, eps=1e-3)}
    children |= {"conv_dw": depthwise, "bn2": norm("BatchNorm2d", wide, eps=1e-3), "act2": ModuleRecord("ReLU6")}
    children |= {"conv_pwl": conv((block.outputs, wide, 1, 1)), "bn3": norm("BatchNorm2d", block.outputs, eps=1e-3)}
    return ModuleRecord("InvertedResidual", children=children)


def _projection(pretrained: ModuleRecord, seen: tuple[int, ...], width: int = 8) -> ModuleRecord:
    scratch = ModuleRecord("Module")
    channels = [width << i for i in range(4)]
    for i, (before, after) in enumerate(zip(seen, channels, strict=True)):
        scratch.children[f"layer{i}_ccm"] = conv((after, before, 1, 1), bias=True)
    for i, before in enumerate(channels):
        mix = {"out_conv": conv((max(before // 2, width), before, 1, 1), bias=True)}
        scratch.children[f"layer{i}_csm"] = ModuleRecord("FeatureFusionBlock", {"align_corners": True}, children=mix)
    told = {"proj_type": 2, "cout": width, "expand": True}
    return ModuleRecord("F_RandomProj", told, children={"pretrained": pretrained, "scratch": scratch})


def _heads(*, separable: bool, labels: str | None, width: int = 8) -> ModuleRecord:
    heads = ModuleRecord("ModuleDict")
    for i, side in enumerate((128, 64, 32, 16)):
        before, halvings = max((width << i) // 2, width), []
        while side > 8:
            side //= 2
            halvings.append(_halving(before, WIDTHS[side], separable=separable))
            before = WIDTHS[side]
        if labels is None:
            halvings.append(spectral((1, before, 4, 4)))
            heads.children[str(i)] = ModuleRecord("SingleDisc", children={"main": listed(halvings)})
            continue
        head = ModuleRecord("SingleDiscCond", {"cmap_dim": 64}, children={"main": listed(halvings)})
        head.children["cls"] = spectral((64, before, 4, 4))
        table = torch.zeros(CLASSES, 20)
        head.children["embed"] = ModuleRecord("Embedding", {"num_embeddings": CLASSES}, {"weight": table})
        leaky = ModuleRecord("LeakyReLU", {"negative_slope": 0.2})
        project = listed([linear(20, 64), leaky]) if labels == "linear" else _connected(20, 64, "lrelu")
        head.children["embed_proj"] = project
        heads.children[str(i)] = head
    return heads


def _halving(before: int, after: int, *, separable: bool) -> ModuleRecord:
    if separable:
        each = spectral((before, 1, 3, 3), padding=1, groups=before)
        parts = {"depthwise": each, "pointwise": spectral((after, before, 1, 1))}
        first = ModuleRecord("SeparableConv2d", children=parts)
    else:
        first = spectral((after, before, 4, 4), stride=2, padding=1, bias=True)
    leaky = ModuleRecord("LeakyReLU", {"negative_slope": 0.2})
    return ModuleRecord("DownBlock", children={"main": listed([first, norm("BatchNorm2d", after, eps=1e-5), leaky])})


def _line(width: int, kernel: int) -> ModuleRecord:
    line = spectral((width, width, kernel), padding=kernel // 2, bias=True)
    line.attributes["padding_mode"] = "circular"
    local = ModuleRecord("BatchNormLocal", {"virtual_bs": 8, "eps": 1e-5}, _scaled(width))
    return listed([line, local, ModuleRecord("LeakyReLU", {"negative_slope": 0.2})])


def conv(
    shape: tuple[int, ...], *, stride: int = 1, padding: int = 0, groups: int = 1, bias=False, transposed=False
) -> ModuleRecord:
    axes = len(shape) - 2
    told = {"stride": (stride,) * axes, "padding": (padding,) * axes, "dilation": (1,) * axes, "groups": groups}
    told |= {"padding_mode": "zeros", "transposed": transposed, "kernel_size": shape[2:]}
    own = {"weight": torch.zeros(shape)} | ({"bias": torch.zeros(shape[0])} if bias else {})
    return ModuleRecord(f"Conv{axes}d", told, own)


def spectral(shape: tuple[int, ...], **options: object) -> ModuleRecord:
    layer = conv(shape, **options)
    layer.parameters["weight_orig"] = layer.parameters.pop("weight")
    layer.buffers = {"weight_u": torch.zeros(shape[0]), "weight_v": torch.zeros(int(np.prod(shape[1:])))}
    return layer


def linear(before: int, after: int) -> ModuleRecord:
    return ModuleRecord("Linear", parameters={"weight": torch.zeros(after, before), "bias": torch.zeros(after)})


def _connected(before: int, after: int, activation: str) -> ModuleRecord:
    layer = linear(before, after)
    layer.class_name = "FullyConnectedLayer"
    layer.attributes = {"in_features": before, "out_features": after, "activation": activation}
    layer.attributes |= {"weight_gain": before**-0.5, "bias_gain": 1.0}
    return layer


def _scaled(width: int) -> dict[str, Tensor]:
    return {"weight": torch.zeros(width), "bias": torch.zeros(width)}


def norm(kind: str, width: int, *, eps: float) -> ModuleRecord:
    running = {"running_mean": torch.zeros(width), "running_var": torch.zeros(width)}
    buffers = running | {"num_batches_tracked": torch.zeros(())} if kind == "BatchNorm2d" else {}
    return ModuleRecord(kind, {"eps": eps}, _scaled(width), buffers)


def listed(parts: list[ModuleRecord]) -> ModuleRecord:
    return ModuleRecord("Sequential", children={str(i): part for i, part in enumerate(parts)})
