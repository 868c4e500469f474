"""Records of our own networks as the published code would have pickled them: attributes, names and idle filters."""

import math

import torch
from torch import nn

from explorer.checkpoints.record import ModuleRecord
from explorer.generators.linear import EqualizedLinear
from explorer.generators.stylegan2 import Discriminator, Generator
from explorer.ops import setup_filter


def record_of_generator(g: Generator) -> ModuleRecord:
    config = g.config
    same = {"w_dim": config.w_dim, "img_resolution": config.resolution, "img_channels": config.img_channels}
    same["num_ws"] = g.spec.num_ws
    root = ModuleRecord("Generator", attributes={"z_dim": config.z_dim, "c_dim": config.c_dim, **same})
    synthesis = ModuleRecord("SynthesisNetwork", attributes={**same, "num_fp16_res": 4})
    for name, block in g.synthesis.named_children():
        record = _own(block, "SynthesisBlock", architecture=config.architecture, w_dim=config.w_dim)
        record.buffers.setdefault("resample_filter", setup_filter(config.resample_filter))
        for key, layer in block.named_children():
            if key.startswith("conv"):
                told = {"activation": layer.activation, "use_noise": config.use_noise, "up": layer.up}
                told |= {"conv_clamp": layer.conv_clamp, "padding": config.kernel_size // 2, "act_gain": layer.gain}
                record.children[key] = _own(layer, "SynthesisLayer", **told)
                if record.children[key].buffers.get("resample_filter") is None:
                    record.children[key].buffers["resample_filter"] = setup_filter([1, 3, 3, 1])
            elif key == "torgb":
                record.children[key] = _own(layer, "ToRGBLayer", conv_clamp=layer.conv_clamp)
            else:
                record.children[key] = _own(layer, "Conv2dLayer", up=2, activation="linear", conv_clamp=None)
            if hasattr(layer, "affine"):
                record.children[key].children["affine"] = _linear(layer.affine)
        synthesis.children[name] = record
    mapping = _mapping(g.mapping, num_ws=g.spec.num_ws)
    root.children |= {"synthesis": synthesis, "mapping": mapping}
    return root


def record_of_discriminator(d: Discriminator) -> ModuleRecord:
    config = d.config
    root = ModuleRecord("Discriminator", attributes={"c_dim": config.c_dim, "img_resolution": config.resolution})
    root.attributes |= {"img_channels": config.img_channels}
    for name, block in d.named_children():
        if name == "mapping":
            root.children[name] = _mapping(block, num_ws=None)
            continue
        record = _own(block, "DiscriminatorBlock", architecture=config.architecture)
        for key, layer in block.named_children():
            if isinstance(layer, EqualizedLinear):
                record.children[key] = _linear(layer)
            else:
                told = {"activation": layer.activation, "conv_clamp": layer.conv_clamp, "down": layer.down}
                record.children[key] = _own(layer, "Conv2dLayer", **told)
        root.children[name] = record
    last = root.children["b4"]
    last.attributes |= {"cmap_dim": config.cmap_dim, "resolution": 4}
    if config.mbstd_num_channels:
        told = {"group_size": config.mbstd_group_size, "num_channels": config.mbstd_num_channels}
        last.children["mbstd"] = ModuleRecord("MinibatchStdLayer", attributes=told)
    else:
        last.attributes["mbstd"] = None
    return root


def _mapping(network: nn.Module, *, num_ws: int | None) -> ModuleRecord:
    told = {"z_dim": network.z_dim, "c_dim": network.c_dim, "w_dim": network.w_dim, "num_ws": num_ws}
    record = _own(network, "MappingNetwork", num_layers=network.layers, w_avg_beta=network.w_avg_beta, **told)
    record.children |= {name: _linear(layer) for name, layer in network.named_children()}
    return record


def _linear(layer: EqualizedLinear) -> ModuleRecord:
    out_features, in_features = layer.weight.shape
    gain = layer.bias_gain / math.sqrt(in_features)
    told = {"in_features": in_features, "out_features": out_features, "activation": layer.activation}
    return _own(layer, "FullyConnectedLayer", weight_gain=gain, bias_gain=layer.bias_gain, **told)


def _own(module: nn.Module, class_name: str, **attributes: object) -> ModuleRecord:
    """A record of the module's own tensors, without what is below it."""
    parameters = {name: value.detach() for name, value in module.named_parameters(recurse=False)}
    buffers = {name: value for name, value in module._buffers.items() if isinstance(value, torch.Tensor)}
    return ModuleRecord(class_name, {"training": False, **attributes}, parameters, buffers)
