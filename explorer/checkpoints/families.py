"""The families that this version can build, in one explicit table."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from explorer.errors import CheckpointError
from explorer.generators import (
    fastgan,
    growing_discriminator,
    lightweight,
    lightweight_config,
    lightweight_discriminator,
    mobile_stylegan,
    progan,
    projected_config,
    projected_discriminator,
    r3gan,
    r3gan_config,
    r3gan_discriminator,
    stylegan1,
    stylegan1_config,
    stylegan2,
    stylegan2_config,
    stylegan2_discriminator,
    stylegan3,
    stylegan_t,
    stylegan_t_discriminator,
    stylegan_xl,
    views_config,
    views_discriminator,
)
from explorer.generators.assign import build_from_tensors
from explorer.text import ClipConfig, ClipText

__all__ = ["DISCRIMINATORS", "GENERATORS", "TEXT_ENCODERS", "NetworkKind", "build", "describe"]


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """How to make one kind of network."""

    config: type[Any]
    """A frozen dataclass of options with ``from_json``."""
    module: Callable[[Any], nn.Module]
    """Takes the options."""


GENERATORS: Mapping[str, NetworkKind] = MappingProxyType(
    {
        "fastgan": NetworkKind(fastgan.GeneratorConfig, fastgan.Generator),
        "lightweight": NetworkKind(lightweight_config.GeneratorConfig, lightweight.Generator),
        "mobile_stylegan": NetworkKind(mobile_stylegan.GeneratorConfig, mobile_stylegan.Generator),
        "progan": NetworkKind(progan.GeneratorConfig, progan.Generator),
        "r3gan": NetworkKind(r3gan_config.GeneratorConfig, r3gan.Generator),
        "stylegan1": NetworkKind(stylegan1_config.GeneratorConfig, stylegan1.Generator),
        "stylegan2": NetworkKind(stylegan2_config.GeneratorConfig, stylegan2.Generator),
        "stylegan3": NetworkKind(stylegan3.GeneratorConfig, stylegan3.Generator),
        "stylegan_t": NetworkKind(stylegan_t.GeneratorConfig, stylegan_t.Generator),
        "stylegan_xl": NetworkKind(stylegan_xl.GeneratorConfig, stylegan_xl.Generator),
    }
)

# StyleGAN3 was trained with StyleGAN2's discriminator.
DISCRIMINATORS: Mapping[str, NetworkKind] = MappingProxyType(
    {
        "growing": NetworkKind(growing_discriminator.GrowingConfig, growing_discriminator.GrowingDiscriminator),
        "lightweight": NetworkKind(lightweight_config.DiscriminatorConfig, lightweight_discriminator.Discriminator),
        "projected": NetworkKind(projected_config.ProjectedConfig, projected_discriminator.ProjectedDiscriminator),
        "r3gan": NetworkKind(r3gan_config.DiscriminatorConfig, r3gan_discriminator.Discriminator),
        "stylegan2": NetworkKind(stylegan2_config.DiscriminatorConfig, stylegan2_discriminator.Discriminator),
        "stylegan_t": NetworkKind(
            stylegan_t_discriminator.TextDiscriminatorConfig, stylegan_t_discriminator.TextDiscriminator
        ),
        "views": NetworkKind(views_config.ViewsConfig, views_discriminator.ViewsDiscriminator),
    }
)

TEXT_ENCODERS: Mapping[str, NetworkKind] = MappingProxyType({"clip": NetworkKind(ClipConfig, ClipText)})


def describe(network: nn.Module, kinds: Mapping[str, NetworkKind]) -> dict[str, object]:
    """The family of a network and its options, as JSON data that `build` reads.

    Raises:
        CheckpointError: The network is of no family in the table.
    """
    for family, kind in kinds.items():
        # Exactly that type: one family's options can extend another's.
        if type(getattr(network, "config", None)) is kind.config:
            return {"family": family, "config": dataclasses.asdict(network.config)}
    raise CheckpointError(f"a {type(network).__name__} cannot be saved: only networks of {', '.join(kinds)} can")


def build(
    description: object, kinds: Mapping[str, NetworkKind], tensors: Mapping[str, Tensor], *, what: str
) -> nn.Module:
    """A network from what `describe` made and its tensors, which it takes over without a copy.

    Args:
        description: A mapping of ``family`` and ``config``, from a file.
        kinds: The table to look in.
        tensors: By name, as in the network's ``state_dict``.
        what: For messages: ``generator``.

    Raises:
        CheckpointError: The family is unknown, or options and tensors contradict each other.
    """
    if not isinstance(description, Mapping) or not isinstance(description.get("family"), str):
        raise CheckpointError(f"this file is damaged: its {what} is not described")
    family = description["family"]
    kind = kinds.get(family)
    if kind is None:
        raise CheckpointError(
            f"this file's {what} is of the family {family[:80]!r}, which this version does not know: "
            f"it knows {', '.join(kinds)}; update Latent Explorer"
        )
    try:
        config = kind.config.from_json(description.get("config"))
        return build_from_tensors(lambda: kind.module(config), tensors)
    except CheckpointError as error:
        raise CheckpointError(f"this file's {what} cannot be built: {error}") from error
