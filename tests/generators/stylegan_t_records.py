"""Records of our StyleGAN-T networks as the published code would have pickled them."""

import math

import numpy as np
import torch
from torch import nn

from explorer.checkpoints.record import ModuleRecord
from explorer.generators.linear import EqualizedLinear
from explorer.generators.stylegan3 import FourierInput
from explorer.generators.stylegan_t import Generator
from explorer.generators.stylegan_t_layers import (
    GroupNorm,
    ResidualLayer,
    SecondOrderStyle,
    SynthesisBlock,
    SynthesisLayer,
    TextMapping,
    ToRGB,
)
from explorer.ops import setup_filter


def record_of_stylegan_t(g: Generator, *, text_encoder: bool = False) -> ModuleRecord:
    record = _record(g, g, "")
    if text_encoder:
        encoder = ModuleRecord("CLIP", {"txt_dim": g.spec.c_dim}, {"token_embedding": torch.zeros(3, 2)})
        record.children["mapping"].children["clip"] = encoder
    return record


def _record(g: Generator, part: nn.Module, name: str) -> ModuleRecord:
    class_name, attributes = _told(g, part, name)
    parameters = {key: value.detach() for key, value in part.named_parameters(recurse=False)}
    record = ModuleRecord(class_name, {"training": False, **attributes}, parameters, dict(part._buffers))
    for key, child in part.named_children():
        record.children[key] = _record(g, child, f"{name}.{key}" if name else key)
    if isinstance(part, SynthesisLayer | SynthesisBlock) and record.buffers.get("resample_filter") is None:
        record.buffers["resample_filter"] = setup_filter([1, 3, 3, 1])
    if isinstance(part, FourierInput):
        record.buffers["transform"] = torch.eye(3)
    return record


def _told(g: Generator, part: nn.Module, name: str) -> tuple[str, dict[str, object]]:
    config = g.config
    shape = {"w_dim": config.w_dim, "img_resolution": config.resolution, "img_channels": config.img_channels}
    if name == "":
        return "Generator", {**shape, "z_dim": config.z_dim, "c_dim": config.c_dim, "num_ws": g.spec.num_ws}
    if name == "synthesis":
        return "SynthesisNetwork", {**shape, "num_ws": g.spec.num_ws}
    if isinstance(part, TextMapping):
        told = {"z_dim": config.z_dim, "c_dim": config.c_dim, "w_dim": config.w_dim}
        return "MappingNetwork", {**told, "x_avg_beta": config.x_avg_beta}
    if isinstance(part, EqualizedLinear):
        out_features, in_features = part.weight.shape
        gains = {"weight_gain": part.weight_gain, "bias_gain": part.bias_gain, "activation": part.activation}
        return "FullyConnectedLayer", {"in_features": in_features, "out_features": out_features, **gains}
    if isinstance(part, FourierInput):
        sizes = {"channels": part.plan.channels, "size": np.array([part.plan.size] * 2)}
        return "SynthesisInput", {**sizes, "sampling_rate": part.plan.sampling_rate, "bandwidth": part.plan.bandwidth}
    if isinstance(part, SynthesisBlock):
        size = int(name.rpartition("b")[2])
        told = {"resolution": size, "is_last": size == config.resolution, "architecture": config.architecture}
        return "SynthesisBlock", {**told, "out_channels": part.convs1[0].weight.shape[0]}
    if isinstance(part, SynthesisLayer):
        told = {"up": part.up, "activation": part.activation, "conv_clamp": part.conv_clamp}
        told |= {"use_noise": config.use_noise, "padding": config.kernel_size // 2}
        return "SynthesisLayer", {**told, "residual": isinstance(part, ResidualLayer)}
    if isinstance(part, ToRGB):
        return "ToRGBLayer", {"conv_clamp": part.conv_clamp, "weight_gain": 1 / math.sqrt(part.weight.shape[1])}
    if isinstance(part, GroupNorm):
        return "GroupNorm32", {"num_groups": part.groups, "eps": part.epsilon, "affine": True}
    return {SecondOrderStyle: "StyleSplit", nn.ModuleList: "ModuleList"}.get(type(part), "MLP"), {}
