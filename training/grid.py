"""Sheets of pictures, to watch a run by."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast, truncate
from explorer.project.atomic import write_atomically
from explorer.state import Noise

__all__ = ["sample", "save_grid", "to_uint8"]


def sample(generator: Generator, seeds: range, *, psi: float = 1.0, batch: int = 32) -> Tensor:
    """Pictures of fixed latents, uint8 ``[N, C, H, W]``, with the stored noise; classes in turn.

    Args:
        generator: The model.
        seeds: One picture each.
        psi: Truncation.
        batch: Pictures at a time.
    """
    spec = generator.spec
    device = generator.w_avg().device
    rows = []
    for start in range(0, len(seeds), batch):
        part = seeds[start : start + batch]
        z = torch.from_numpy(np.stack([np.random.RandomState(seed).randn(spec.z_dim) for seed in part])).float()
        c = torch.eye(spec.c_dim)[torch.tensor([seed % spec.c_dim for seed in part])] if spec.c_dim else None
        with torch.inference_mode():
            c = None if c is None else c.to(device)
            w_plus = truncate(broadcast(generator.map(z.to(device), c), spec.num_ws), generator.w_avg(c), psi=psi)
            image = generator.synthesize(generator.style(w_plus), noise=Noise("const"))
        rows.append(to_uint8(image.float().cpu()))
    return torch.cat(rows)


def to_uint8(image: Tensor) -> Tensor:
    """-1 to 1 to bytes, as the published viewer rounds."""
    return (image * 127.5 + 128).clamp(0, 255).to(torch.uint8)


def save_grid(path: Path, images: Tensor, *, columns: int) -> None:
    """Write uint8 pictures ``[N, C, H, W]`` as one PNG, row by row, atomically.

    Raises:
        OSError: The disk is full or the folder missing; an older file is untouched.
    """
    count, channels, height, width = images.shape
    lines = -(-count // columns)
    sheet = np.zeros((lines * height, columns * width, channels), np.uint8)
    for i, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        y, x = i // columns * height, i % columns * width
        sheet[y : y + height, x : x + width] = image
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    encoded = io.BytesIO()
    Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet, mode).save(encoded, format="PNG")
    write_atomically(path, encoded.getvalue())
