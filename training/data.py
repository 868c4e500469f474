"""Pictures to train on: a zip with ``dataset.json``, and the order in which they are shown."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.errors import DatasetError

__all__ = ["Sampler", "TrainingSet", "open_training_set", "to_unit"]

_MAX_PIXELS = 4096 * 4096
_MAX_MEMBER_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Pictures of one size, held in memory."""

    name: str
    """What the data set calls itself, or its file's name."""
    images: Tensor
    """uint8, ``[N, C, H, W]``."""
    labels: Tensor | None
    """One-hot classes, float32 ``[N, c_dim]``; ``None`` where there are none."""
    attributes: tuple[dict[str, str], ...]
    """What is known of each picture, by name; empty where nothing is."""
    licence: str = ""
    """As the data set states it."""
    class_names: tuple[str, ...] = ()
    """One a class, where the data set knows them."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self.images.shape[2], self.images.shape[3]

    @property
    def c_dim(self) -> int:
        """Number of classes; 0 without labels."""
        return 0 if self.labels is None else self.labels.shape[1]

    def split(self, holdout: int) -> tuple["TrainingSet", "TrainingSet"]:
        """All but the last ``holdout`` pictures, and those.

        Raises:
            DatasetError: Nothing would be left to train on.
        """
        count = len(self.images) - holdout
        if count < 1:
            raise DatasetError(
                f"{self.name} has {len(self.images)} pictures and {holdout} are held out: hold out fewer"
            )
        return self._part(slice(0, count)), self._part(slice(count, None))

    def _part(self, rows: slice) -> "TrainingSet":
        labels = None if self.labels is None else self.labels[rows]
        return TrainingSet(self.name, self.images[rows], labels, self.attributes[rows], self.licence, self.class_names)


def open_training_set(path: str | Path) -> TrainingSet:
    """Read a zip of equally large pictures, in the order of their names.

    ``dataset.json`` may hold ``labels``, pairs of a file name and a class, ``class_names``, and ``images``, objects
    with ``file`` and ``attributes``. Which sizes a network can be built for is `training.sizes.base_of`'s matter.

    Raises:
        DatasetError: The file is not such a zip; says which picture is wrong and how.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path)
    except FileNotFoundError as error:
        raise DatasetError(f"there is no data set at {path}") from error
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise DatasetError(f"{path.name} is not a zip of pictures that can be read: {error}") from error


def _read(archive: zipfile.ZipFile, path: Path) -> TrainingSet:
    description = _description(archive, path)
    names = sorted(name for name in archive.namelist() if name.lower().endswith((".png", ".jpg", ".jpeg", ".webp")))
    if not names:
        raise DatasetError(f"{path.name} holds no pictures (.png, .jpg, .webp)")
    first = _picture(archive, names[0], path)
    height, width, channels = first.shape
    if min(height, width) < 4:
        raise DatasetError(f"{names[0]} in {path.name} is {width} x {height} pixels: training wants at least 4 x 4")
    images = np.empty((len(names), channels, height, width), np.uint8)
    for i, name in enumerate(names):
        picture = _picture(archive, name, path)
        if picture.shape != first.shape:
            raise DatasetError(f"{name} in {path.name} has shape {picture.shape}, and {names[0]} has {first.shape}")
        images[i] = picture.transpose(2, 0, 1)
    known = {entry.get("file"): entry.get("attributes") or {} for entry in description.get("images") or []}
    return TrainingSet(
        name=str(description.get("name") or path.stem),
        images=torch.from_numpy(images),
        labels=_labels(description.get("labels"), names, path),
        attributes=tuple(known.get(name, {}) for name in names),
        licence=str(description.get("licence") or ""),
        class_names=_class_names(description.get("class_names")),
    )


def _class_names(names: object) -> tuple[str, ...]:
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _description(archive: zipfile.ZipFile, path: Path) -> dict:
    if "dataset.json" not in archive.namelist():
        return {}
    try:
        description = json.loads(_member(archive, "dataset.json", path))
    except ValueError as error:
        raise DatasetError(f"dataset.json in {path.name} is not JSON: {error}") from error
    if not isinstance(description, dict):
        raise DatasetError(f"dataset.json in {path.name} holds a {type(description).__name__}, not an object")
    images = description.get("images") or []
    if not isinstance(images, list) or not all(isinstance(entry, dict) for entry in images):
        raise DatasetError(f"'images' in dataset.json of {path.name} is not a list of objects")
    return description


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    # The size in the directory is checked before memory is taken: a small zip can claim to hold gigabytes.
    size = archive.getinfo(name).file_size
    if size > _MAX_MEMBER_BYTES:
        raise DatasetError(f"{name} in {path.name} claims {size} bytes, and at most {_MAX_MEMBER_BYTES} are read")
    return archive.read(name)


def _picture(archive: zipfile.ZipFile, name: str, path: Path) -> np.ndarray:
    encoded = _member(archive, name, path)
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise DatasetError(
                    f"{name} in {path.name} is {image.width} x {image.height} pixels, which is too large"
                )
            mode = image.mode if image.mode in ("L", "RGB", "RGBA") else "RGB"
            pixels = np.asarray(image.convert(mode))
    except (OSError, SyntaxError, ValueError) as error:
        raise DatasetError(f"{name} in {path.name} is not a picture that can be read: {error}") from error
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _labels(pairs: object, names: list[str], path: Path) -> Tensor | None:
    if not pairs:
        return None
    try:
        classes = {str(name): int(label) for name, label in pairs}
    except (TypeError, ValueError) as error:
        raise DatasetError(f"'labels' in dataset.json of {path.name} are not pairs of a file and a class") from error
    if missing := [name for name in names if name not in classes]:
        raise DatasetError(f"{len(missing)} pictures of {path.name} have no label, the first is {missing[0]}")
    indices = torch.tensor([classes[name] for name in names])
    if indices.min() < 0 or indices.max() >= 100_000:
        raise DatasetError(
            f"classes of {path.name} run from {indices.min()} to {indices.max()}: they have to start at 0"
        )
    return torch.nn.functional.one_hot(indices).float()


@dataclass(slots=True)
class Sampler:
    """An endless shuffled order, every picture once in each pass.

    The order is a function of ``seed`` alone and ``position`` says how far it has been read, so the
    one number is all that a snapshot needs to hold.
    """

    count: int
    """Pictures to draw from."""
    seed: int
    """Which order."""
    position: int = 0
    """Draws so far."""

    def draw(self, batch: int) -> Tensor:
        """The next ``batch`` indices, int64 ``[batch]``."""
        drawn = torch.empty(batch, dtype=torch.int64)
        done = 0
        while done < batch:
            epoch, offset = divmod(self.position + done, self.count)
            take = min(batch - done, self.count - offset)
            drawn[done : done + take] = self._order(epoch)[offset : offset + take]
            done += take
        self.position += batch
        return drawn

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return torch.randperm(self.count, generator=generator)


def to_unit(images: Tensor) -> Tensor:
    """uint8 pictures to float32, -1 to 1."""
    return images.to(torch.float32) / 127.5 - 1
