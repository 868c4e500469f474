"""Write our networks as the published software would have pickled them, from the layout alone."""

from dataclasses import asdict
from typing import BinaryIO

import numpy as np
import torch
from torch import nn

from explorer.checkpoints.record import ModuleRecord
from explorer.generators import stylegan2, stylegan3, stylegan_t, stylegan_xl
from explorer.generators.linear import EqualizedLinear
from tests.checkpoints.pickle_writer import Call, Global, NewObject, PickleWriter, ordered_dict
from tests.generators.published_records import record_of_discriminator, record_of_generator
from tests.generators.stylegan_t_records import record_of_stylegan_t

HOOKS = ("_backward_hooks", "_forward_hooks", "_forward_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks")
NEWER_HOOKS = ("_backward_pre_hooks", "_forward_hooks_with_kwargs", "_state_dict_pre_hooks")


def write_snapshot(
    file: BinaryIO,
    *,
    generator: nn.Module | None,
    discriminator: nn.Module | None = None,
    average: nn.Module | None = None,
    old: bool = False,
    plain_classes: bool = False,
) -> None:
    """A whole snapshot.

    Args:
        file: Where to.
        generator: Entry ``G``.
        discriminator: Entry ``D``.
        average: Entry ``G_ema``.
        old: Protocol 3, numpy's old names and the short module state.
        plain_classes: By class reference instead of the persistence wrapper.
    """
    networks = {"G": generator, "D": discriminator, "G_ema": average}
    options = {"class_name": "training.dataset.ImageFolderDataset", "path": "/data/example.zip", "xflip": True}
    snapshot = {
        name: None if network is None else module(record_of(network), old=old, plain_class=plain_classes)
        for name, network in networks.items()
    }
    snapshot |= {"augment_pipe": None, "training_set_kwargs": NewObject(Global("dnnlib.util", "EasyDict"), options)}
    writer = PickleWriter(file, protocol=3 if old else 4, numpy_package="numpy.core" if old else "numpy._core")
    writer.dump(snapshot)


def module(record: ModuleRecord, *, old: bool = False, plain_class: bool = False) -> Call | NewObject:
    """One module and all below it."""
    hooks = HOOKS if old else HOOKS + NEWER_HOOKS
    parameters = {name: _parameter(tensor) for name, tensor in record.parameters.items()}
    below = {
        name: None if child is None else module(child, old=old, plain_class=plain_class)
        for name, child in record.children.items()
    }
    state = {
        "training": False,
        "_parameters": parameters,
        "_buffers": dict(record.buffers),
        "_non_persistent_buffers_set": set(),
        **{name: ordered_dict() for name in hooks},
        "_modules": below,
        **record.attributes,
    }
    if plain_class:
        return NewObject(Global("training.networks", record.class_name), state=state)
    wrapped = {
        "type": "class",
        "version": 6,
        "module_src": "# source elided",
        "class_name": record.class_name,
        "state": state,
    }
    return Call(Global("torch_utils.persistence", "_reconstruct_persistent_obj"), (wrapped,))


def _parameter(tensor: torch.Tensor) -> Call:
    return Call(Global("torch._utils", "_rebuild_parameter"), (tensor.detach(), False, ordered_dict()))


def record_of(network: nn.Module) -> ModuleRecord:
    """A network of ours as a record with the published attributes."""
    if isinstance(network, stylegan2.Generator):
        return record_of_generator(network)
    if isinstance(network, stylegan3.Generator):
        return _stylegan3_record(network, "", network)
    if isinstance(network, stylegan_t.Generator):
        return record_of_stylegan_t(network, text_encoder=True)
    return record_of_discriminator(network)


def _stylegan3_record(network: stylegan3.Generator, name: str, part: nn.Module) -> ModuleRecord:
    class_name, attributes = _stylegan3_part(network, name, part)
    record = ModuleRecord(class_name, attributes, dict(part.named_parameters(recurse=False)), dict(part._buffers))
    for key, child in part.named_children():
        record.children[key] = _stylegan3_record(network, f"{name}.{key}" if name else key, child)
    if name == "synthesis.input":
        record.buffers["transform"] = torch.eye(3)
    return record


def _stylegan3_part(network: stylegan3.Generator, name: str, part: nn.Module) -> tuple[str, dict[str, object]]:
    config = network.config
    common = {"w_dim": config.w_dim, "num_ws": network.spec.num_ws, "img_channels": config.img_channels}
    common["img_resolution"] = config.resolution
    if name == "":
        return "Generator", {**common, "z_dim": config.z_dim, "c_dim": config.c_dim}
    if isinstance(part, EqualizedLinear):
        shape = {"in_features": part.weight.shape[1], "out_features": part.weight.shape[0]}
        gains = {"weight_gain": part.weight_gain, "bias_gain": part.bias_gain}
        return "FullyConnectedLayer", {**shape, **gains, "activation": part.activation}
    if isinstance(part, stylegan_xl.ClassEmbedding):
        rows, width = part.weight.shape
        return "Embedding", {"num_embeddings": rows, "embedding_dim": width, "padding_idx": None, "max_norm": None}
    if name == "mapping":
        attributes = {key: getattr(part, key) for key in ("z_dim", "c_dim", "w_dim", "w_avg_beta")}
        return "MappingNetwork", {**attributes, "num_layers": part.layers}
    if name == "synthesis":
        names = [layer.name for layer in config.layers]
        return "SynthesisNetwork", {**common, "output_scale": config.output_scale, "layer_names": names}
    plan = {"w_dim": config.w_dim, **asdict(part.plan)}
    for key in plan.keys() & {"size", "in_size", "out_size"}:
        plan[key] = np.array([plan[key], plan[key]])
    if name == "synthesis.input":
        return "SynthesisInput", plan
    plan.pop("name")
    plan |= {"up_factor": part.plan.up_factor, "down_factor": part.plan.down_factor}
    return "SynthesisLayer", {**plan, "padding": [*part.plan.padding, *part.plan.padding]}
