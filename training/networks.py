"""The networks of a run: shaped by settings, data set and, where there is one, the model to start from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from explorer.checkpoints import Checkpoint
from explorer.features import bundled_features
from explorer.generators import stylegan2, stylegan3
from explorer.generators.projected_discriminator import ProjectedConfig, ProjectedDiscriminator
from training.config import ConfigError, TrainingConfig
from training.sizes import base_of

__all__ = ["Judge", "Model", "Shape", "Transfer", "build_networks", "shape_settings", "transfer"]

Model = stylegan2.Generator | stylegan3.Generator
Judge = stylegan2.Discriminator | ProjectedDiscriminator


@dataclass(frozen=True, slots=True)
class Shape:
    """What the data set asks of the networks."""

    size: tuple[int, int]
    """Height and width, in pixels."""
    img_channels: int
    """1 grey, 3 RGB, 4 RGBA."""
    c_dim: int
    """Number of classes."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What became of a model to start from."""

    taken: int
    """Tensors that fitted."""
    fresh: tuple[str, ...]
    """Names of those that start at random."""


def build_networks(config: TrainingConfig, shape: Shape, *, source: Checkpoint | None = None) -> tuple[Model, Judge]:
    """Networks with first weights drawn from ``config.seed``.

    Args:
        config: Settings of the run.
        shape: What the data set asks for.
        source: A model to start from, whose options are kept where data and settings leave them open.
    """
    resolution, base_size = base_of(shape.size)
    common: dict[str, Any] = {
        "img_channels": shape.img_channels,
        "c_dim": shape.c_dim,
        "channel_base": config.channel_base,
        "channel_max": config.channel_max,
    }
    options = stylegan2.DiscriminatorConfig.standard(
        **common,
        resolution=resolution,
        base_size=base_size,
        mbstd_group_size=config.mbstd_group,
        freeze_layers=config.freeze_d,
    )
    options = _like_source(options, source.discriminator if source else None)
    # First weights come from torch's global stream, which is put back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.is_stylegan2:
            generator: Model = _stylegan2(config, common, resolution, base_size, source)
        else:
            generator = _stylegan3(config, common, shape.size, source)
        judge = _projected(config, shape) if config.discriminator == "projected" else stylegan2.Discriminator(options)
        return generator, judge


def _projected(config: TrainingConfig, shape: Shape) -> ProjectedDiscriminator:
    """Heads at random on the frozen network that comes with the program, separable as published for StyleGAN2."""
    options = ProjectedConfig(
        picture_size=shape.size,
        img_channels=shape.img_channels,
        c_dim=shape.c_dim,
        separable=True,
        seen_side=config.projected_side,
    )
    return ProjectedDiscriminator(options).see_with(bundled_features())


def _stylegan2(
    config: TrainingConfig,
    common: Mapping[str, Any],
    resolution: int,
    base_size: tuple[int, int],
    source: Checkpoint | None,
) -> stylegan2.Generator:
    options = stylegan2.GeneratorConfig.standard(
        **common,
        resolution=resolution,
        base_size=base_size,
        z_dim=config.z_dim,
        w_dim=config.w_dim,
        mapping_layers=config.mapping_layers,
    )
    return stylegan2.Generator(_like_source(options, source.generator if source else None))


def _stylegan3(
    config: TrainingConfig, common: Mapping[str, Any], size: tuple[int, int], source: Checkpoint | None
) -> stylegan3.Generator:
    options = stylegan3.GeneratorConfig.standard(
        **common,
        resolution=max(size),
        variant=config.network.removeprefix("stylegan3-"),
        crop=None if size[0] == size[1] else size,
        z_dim=config.z_dim,
        w_dim=config.w_dim,
        mapping_layers=config.mapping_layers,
        num_layers=config.synthesis_layers,
        margin_size=config.margin,
        magnitude_ema_beta=config.magnitude_beta,
    )
    given = getattr(getattr(source, "generator", None), "config", None)
    same = type(given) is stylegan3.GeneratorConfig and given.resolution == options.resolution
    if same and given.variant == options.variant and given.img_channels == options.img_channels:
        # The plan is the model: another width or number of layers would leave nothing to start from.
        layers = tuple(replace(layer, magnitude_ema_beta=config.magnitude_beta) for layer in given.layers)
        options = replace(given, c_dim=options.c_dim, crop=options.crop, layers=layers, stored_transform=None)
    return stylegan3.Generator(options)


def _like_source(options: Any, network: nn.Module | None) -> Any:
    """A StyleGAN2 network's options with the source's widths, as far as its blocks go, and its architecture."""
    given = getattr(network, "config", None)
    if type(given) is not type(options):
        return options
    widths = (*given.channels, *options.channels[len(given.channels) :])[: len(options.channels)]
    kept = (
        "architecture",
        "activation",
        "resample_filter",
        "mapping_layers",
        "embed_features",
        "layer_features",
        "conv_clamp",
    )
    changes = {name: getattr(given, name) for name in kept if getattr(given, name) != "revised"}
    if getattr(options, "cmap_dim", 0):
        changes["cmap_dim"] = given.cmap_dim or widths[0]
    return replace(options, channels=widths, **changes)


def shape_settings(source: Checkpoint) -> dict[str, object]:
    """Settings that a model to start from decides.

    Raises:
        ConfigError: The model is of a family that cannot be trained here.
    """
    spec, config = source.generator.spec, source.generator.config
    if type(config) not in (stylegan2.GeneratorConfig, stylegan3.GeneratorConfig):
        raise ConfigError(
            f"{source.info.path.name} is a {spec.family}, and training goes on from StyleGAN2 and StyleGAN3 only"
        )
    network = "stylegan2" if spec.family == "stylegan2" else f"stylegan3-{spec.variant}"
    settings: dict[str, object] = {"network": network, "z_dim": spec.z_dim, "w_dim": spec.w_dim}
    settings["mapping_layers"] = config.mapping_layers
    if network != "stylegan2":
        settings |= {"pl_weight": 0.0, "style_mixing": 0.0, "synthesis_layers": len(config.layers) - 1}
    return settings


@torch.no_grad()
def transfer(target: nn.Module, tensors: Mapping[str, Tensor]) -> Transfer:
    """Copy every tensor that ``target`` has under the same name and shape.

    Args:
        target: Keeps its first weights where nothing fits.
        tensors: As in the source's state dict.
    """
    fresh = []
    state = target.state_dict()
    for name, tensor in state.items():
        given = tensors.get(name)
        if given is None or given.shape != tensor.shape:
            fresh.append(name)
        else:
            tensor.copy_(given)
    return Transfer(len(state) - len(fresh), tuple(fresh))
