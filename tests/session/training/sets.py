"""Small data sets, good and bad, and a run that a test can afford."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["OPTIONS", "SAMPLE", "encoded", "write_zip"]

SAMPLE = Path(__file__).parents[3] / "assets" / "datasets" / "toons-sample.zip"
OPTIONS = (
    "--z-dim=8", "--w-dim=8", "--channel-base=128", "--channel-max=8", "--batch=4", "--holdout=20", "--log-kimg=0.004",
    "--snapshot-kimg=0.02", "--metric-pictures=8",
)  # fmt: skip


def encoded(size: tuple[int, int] = (16, 16), *, seed: int = 0, mode: str = "RGB", kind: str = "PNG") -> bytes:
    width, height = size
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels, mode).save(buffer, kind)
    return buffer.getvalue()


def write_zip(path: Path, pictures: Sequence[bytes], **description: object) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, picture in enumerate(pictures):
            archive.writestr(f"{number:04d}.png", picture)
        if description:
            archive.writestr("dataset.json", json.dumps(description))
    return path
