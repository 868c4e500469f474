"""The smallest networks that are whole, for files of a few hundred kilobytes."""

from io import BytesIO

import torch
from torch import nn

from explorer.generators import fastgan, r3gan, stylegan2, stylegan3, stylegan_t, stylegan_xl
from explorer.generators.stylegan2_config import DiscriminatorConfig, GeneratorConfig
from tests.checkpoints.published_writer import write_snapshot

SMALL = {"channel_base": 64, "channel_max": 8}


def stylegan2_generator(*, resolution: int = 8, **options: object) -> stylegan2.Generator:
    torch.manual_seed(0)
    few = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2}
    config = GeneratorConfig.standard(resolution=resolution, **{**SMALL, **few, **options})
    return stylegan2.Generator(config).eval()


def stylegan3_generator(*, resolution: int = 16, **options: object) -> stylegan3.Generator:
    torch.manual_seed(0)
    few = {"z_dim": 8, "w_dim": 8, "num_layers": 4, "channel_base": 256, "channel_max": 8}
    return stylegan3.Generator(stylegan3.GeneratorConfig.standard(resolution=resolution, **{**few, **options})).eval()


def stylegan_xl_generator(**options: object) -> stylegan_xl.Generator:
    torch.manual_seed(0)
    few = {"z_dim": 4, "w_dim": 8, "c_dim": 3, "embed_features": 4, "num_layers": 4, **SMALL}
    config = stylegan_xl.GeneratorConfig.standard(resolution=16, **{**few, **options})
    return stylegan_xl.Generator(config.grown(head_layers=3, **SMALL)).eval()


def stylegan_t_generator(*, resolution: int = 16, **options: object) -> stylegan_t.Generator:
    torch.manual_seed(0)
    few = {"z_dim": 4, "c_dim": 3, "norm_groups": 4, "res_blocks": 1, **SMALL}
    config = stylegan_t.GeneratorConfig.standard(resolution=resolution, **{**few, **options})
    return stylegan_t.Generator(config).eval()


def r3gan_generator(**options: object) -> r3gan.Generator:
    torch.manual_seed(0)
    few = {"channels": (8, 8), "groups": (2, 2), "blocks": 1, "z_dim": 4}
    generator = r3gan.Generator(r3gan.GeneratorConfig.standard(**{**few, **options}))
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            # Branches begin at nothing, which would hide them.
            if name.endswith("narrow.weight"):
                parameter.normal_(0, 0.2)
    return generator.eval()


def fastgan_generator(**options: object) -> fastgan.Generator:
    torch.manual_seed(0)
    few = {"resolution": 64, "channels": (8, 8, 6, 4, 4), "z_dim": 4}
    generator = fastgan.Generator(fastgan.GeneratorConfig(**{**few, **options}))
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            # Noise begins at nothing, which would hide it.
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    return generator.eval().requires_grad_(False)


def discriminator(*, resolution: int = 8, **options: object) -> nn.Module:
    torch.manual_seed(1)
    return stylegan2.Discriminator(DiscriminatorConfig.standard(resolution=resolution, **{**SMALL, **options})).eval()


def snapshot_bytes(generator: nn.Module, critic: nn.Module | None = None, **options: bool) -> bytes:
    """A published snapshot with the generator as ``G_ema`` alone."""
    out = BytesIO()
    write_snapshot(out, generator=None, average=generator, discriminator=critic, **options)
    return out.getvalue()
