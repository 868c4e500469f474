"""Small StyleGAN2 networks with random weights, every value of which changes the result."""

import torch
from torch import nn

from explorer.generators.stylegan2 import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

SMALL = {"resolution": 16, "channel_base": 128, "channel_max": 12}

SMOOTH = (1.0, 2.0, 3.0, 4.0, 4.0, 3.0, 2.0, 1.0)

GENERATORS = {
    "skip": {},
    "resnet": {"architecture": "resnet"},
    "plain": {"architecture": "orig"},
    "smallest": {"resolution": 4},
    "conditional": {"c_dim": 3, "embed_features": 5, "layer_features": 7, "mapping_layers": 3},
    "labels alone": {"c_dim": 3, "z_dim": 0},
    "one mapping layer": {"mapping_layers": 1, "lr_multiplier": 0.3, "mapping_activation": "tanh"},
    "no average": {"w_avg_beta": None},
    "no noise": {"use_noise": False},
    "clamped": {"conv_clamp": 0.5},
    "clamped resnet": {"conv_clamp": 0.5, "architecture": "resnet"},
    "odd filter": {"resample_filter": (1.0, 2.0, 1.0)},
    "long filter": {"resample_filter": (1.0, 2.0, 3.0, 5.0, 6.0, 6.0, 5.0, 3.0, 2.0, 1.0), "architecture": "resnet"},
    "matrix filter": {"resample_filter": ((1.0, 2.0, 0.0), (0.5, 4.0, 1.0), (0.0, 2.0, 1.0))},
    "wide matrix filter": {"resample_filter": tuple(tuple(a * b for b in SMOOTH) for a in SMOOTH)},
    "no filter": {"resample_filter": (1.0,)},
    "swish": {"activation": "swish", "mapping_activation": "relu"},
    "pointwise": {"kernel_size": 1, "img_channels": 1},
    "five taps": {"kernel_size": 5, "img_channels": 4},
}

DISCRIMINATORS = {
    "resnet": {},
    "skip": {"architecture": "skip", "conv_clamp": 0.5},
    "plain": {"architecture": "orig", "img_channels": 4},
    "conditional": {"c_dim": 3, "cmap_dim": 5, "mapping_layers": 2, "layer_features": 6, "embed_features": 4},
    "frozen": {"freeze_layers": 5},
    "no deviation": {"mbstd_num_channels": 0},
    "whole batch": {"mbstd_group_size": None, "mbstd_num_channels": 2},
    "other activations": {"activation": "relu", "epilogue_activation": "swish"},
    "long filter": {"resample_filter": (1.0, 2.0, 3.0, 5.0, 6.0, 6.0, 5.0, 3.0, 2.0, 1.0)},
}


def generator(name: str) -> Generator:
    options = {**SMALL, "z_dim": 8, "w_dim": 10, **GENERATORS[name]}
    return shaken(Generator(GeneratorConfig.standard(**options)))


def discriminator(name: str) -> Discriminator:
    return shaken(Discriminator(DiscriminatorConfig.standard(**{**SMALL, **DISCRIMINATORS[name]})))


def shaken(network: nn.Module) -> nn.Module:
    stream = torch.Generator().manual_seed(7)
    for name, value in network.state_dict().items():
        if name.endswith("resample_filter"):
            continue
        drawn = torch.randn(value.shape, generator=stream)
        # Weights keep their first scale; what starts at a constant moves away from it.
        if name.endswith(("bias", "noise_strength", "w_avg")):
            value.add_(drawn, alpha=0.2)
        else:
            value.copy_(drawn * value.std() if value.numel() > 1 else drawn)
    return network.eval().requires_grad_(False)


def inputs(network: nn.Module, count: int = 3) -> tuple[torch.Tensor, torch.Tensor | None]:
    stream = torch.Generator().manual_seed(11)
    z = torch.randn(count, getattr(network.config, "z_dim", 8), generator=stream)
    c_dim = network.config.c_dim
    return z, torch.rand(count, c_dim, generator=stream) if c_dim else None
