"""Small models of random weights, for tests that need one but do not care which."""

from functools import cache
from pathlib import Path

import torch
from torch import nn

from explorer.checkpoints import Checkpoint, CheckpointParts, open_checkpoint, save_checkpoint
from explorer.generators import stylegan2, stylegan3, stylegan_t
from explorer.generators.stylegan2_config import GeneratorConfig as Config2
from explorer.generators.stylegan3_config import GeneratorConfig as Config3
from explorer.generators.stylegan_t_config import GeneratorConfig as ConfigT
from explorer.text import ClipText

GOLDEN = Path(__file__).parent / "golden"


def write_stylegan2(path: Path, *, seed: int = 0, c_dim: int = 0, resolution: int = 32, w_dim: int = 24) -> Path:
    channels = {4: 16, 8: 16, 16: 12, 32: 8, 64: 8}
    config = Config2(
        resolution=resolution,
        channels=tuple(count for size, count in channels.items() if size <= resolution),
        z_dim=20,
        c_dim=c_dim,
        w_dim=w_dim,
        mapping_layers=2,
    )
    return _write(stylegan2.Generator(config), path, seed)


def write_stylegan3(path: Path, *, seed: int = 0) -> Path:
    config = Config3.standard(
        resolution=16, z_dim=20, w_dim=24, channel_base=128, channel_max=16, num_layers=4, margin_size=4
    )
    return _write(stylegan3.Generator(config), path, seed)


@cache
def golden(name: str) -> Checkpoint:
    return open_checkpoint(GOLDEN / "nets" / f"{name}.pkl")


def _write(generator: nn.Module, path: Path, seed: int) -> Path:
    # Every number matters: also those that start at zero, such as noise strengths and the centre of W.
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in generator.named_parameters():
            # The mapping's numbers are kept a hundred times larger than they act.
            scale = 100.0 if name.startswith("mapping.") and name.endswith("weight") else 1.0
            scale *= 0.1 if name.endswith("torgb.weight") else 1.0
            tensor.copy_(torch.randn(tensor.shape, generator=random) * scale)
        generator.get_submodule("mapping").w_avg.copy_(torch.randn(generator.spec.w_dim, generator=random) * 0.3)
    save_checkpoint(CheckpointParts(generator), path)
    return path


def write_stylegan_t(path: Path, *, c_dim: int, kind: str, carried: ClipText | None = None, seed: int = 0) -> Path:
    """A model that reads prompts with an encoder of that kind, which its file may carry."""
    torch.manual_seed(seed)
    config = ConfigT.standard(
        resolution=16, channel_base=512, channel_max=32, res_blocks=1, z_dim=12, c_dim=c_dim, text_encoder=kind
    )
    generator = stylegan_t.Generator(config)
    with torch.no_grad():
        generator.mapping.x_avg.normal_()
        for name, tensor in generator.named_parameters():
            if name.endswith("gamma"):
                tensor.normal_()
    save_checkpoint(CheckpointParts(generator, text_encoder=carried), path)
    return path
