"""Reading a photo, and cutting out of it what a model can show.

A picture that is far larger than any model is read small; sizes are looked at before anything is decoded.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from explorer.errors import PhotoError

__all__ = ["SUFFIXES", "Crop", "Photo", "centre_crop", "cut", "photo_of", "read_mask", "read_photo"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
"""How the names of photos end; what a file is follows from its content."""

_LARGEST_PIXELS = 20_000 * 20_000
# What fits is decoded whole; a larger one only where the format can be decoded small.
_WHOLE_PIXELS = 100_000_000
_KEPT_SIDE = 2048
_SMALLEST_SIDE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A picture as a person sees it."""

    pixels: npt.NDArray[np.uint8]
    """``[H, W, 4]``: upright, red, green, blue and alpha; the longer side is 2048 at most."""
    name: str
    """For a person."""
    notes: tuple[str, ...] = ()
    """What was done to it, in words."""

    @property
    def has_alpha(self) -> bool:
        """Whether some of it is transparent."""
        return bool((self.pixels[..., 3] < 255).any())


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a photo, in shares of its width and height; it may reach beyond the edges."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0):
            raise ValueError(f"a crop of {self.width} by {self.height} shows nothing: make it larger")


def read_photo(path: str | os.PathLike[str]) -> Photo:
    """Read a photo: turned upright, of an animation the first frame, 16 bits to 8, huge ones smaller.

    Raises:
        PhotoError: The file is missing, no picture, damaged or too large.
    """
    path = Path(path)
    _learn_heif()
    try:
        with _sizes_judged_here(), Image.open(path) as image:
            return _read(image, path.name)
    except FileNotFoundError:
        raise PhotoError(f"{path} does not exist") from None
    except UnidentifiedImageError:
        raise PhotoError(f"{path.name} is no picture: its content is {_content(path)}: choose a JPEG or PNG") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise PhotoError(f"{path.name} is damaged and cannot be read: {error}") from None


def photo_of(image: Image.Image, name: str) -> Photo:
    """A picture of Pillow, as from the clipboard, prepared as `read_photo` does.

    Raises:
        PhotoError: It is damaged, too large or too small.
    """
    try:
        return _read(image, name)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise PhotoError(f"{name} is damaged and cannot be read: {error}") from None


def _read(image: Image.Image, name: str) -> Photo:
    notes = []
    width, height = image.size
    if width * height > _LARGEST_PIXELS:
        raise PhotoError(f"{name} has {width} x {height} pixels: make it smaller first")
    if min(width, height) < _SMALLEST_SIDE:
        raise PhotoError(f"{name} has {width} x {height} pixels: too few to look for")
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"an animation of {getattr(image, 'n_frames', 1)} frames: the first is used")
        image.seek(0)
    # JPEG can be decoded at an eighth of its size, at a fraction of the cost.
    image.draft("RGB", (_KEPT_SIDE, _KEPT_SIDE))
    if image.size[0] * image.size[1] > _WHOLE_PIXELS:
        raise PhotoError(
            f"{name} has {width} x {height} pixels, which this format cannot give smaller: "
            "save it as a JPEG, or make it smaller first"
        )
    upright = ImageOps.exif_transpose(_eight_bits(image, notes))
    if max(upright.size) > _KEPT_SIDE:
        upright.thumbnail((_KEPT_SIDE, _KEPT_SIDE), Image.Resampling.LANCZOS)
    if upright.size != image.size and max(width, height) > _KEPT_SIDE:
        notes.append(f"{width} x {height} pixels: read at {upright.size[0]} x {upright.size[1]}")
    pixels = np.asarray(upright.convert("RGBA")).copy()
    return Photo(pixels, name, tuple(notes))


def _eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """Sixteen bits to eight by value; Pillow itself would cut them off."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    values = np.asarray(image).astype(np.float64)
    top = 65535.0 if values.max(initial=0) > 255 else 255.0
    notes.append("16 bits a channel: read as 8" if top > 255 else "read as 8 bits a channel")
    levels = (values.clip(0, top) * (255 / top)).round().astype(np.uint8)
    plain = Image.fromarray(levels)
    plain.getexif().update(image.getexif())
    return plain


def read_mask(path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """A mask from a picture, ``[H, W]``: 1 where white is, 0 where black or nothing is.

    Raises:
        PhotoError: As `read_photo`.
    """
    pixels = read_photo(path).pixels.astype(np.float32) / 255
    mask: npt.NDArray[np.float32] = pixels[..., :3].mean(axis=2) * pixels[..., 3]
    return mask


def centre_crop(photo_size: tuple[int, int], picture_size: tuple[int, int]) -> Crop:
    """The largest part in the middle that has the model's shape; both sizes are height and width."""
    (height, width), (wanted_h, wanted_w) = photo_size, picture_size
    scale = min(height / wanted_h, width / wanted_w)
    share_w, share_h = wanted_w * scale / width, wanted_h * scale / height
    return Crop((1 - share_w) / 2, (1 - share_h) / 2, share_w, share_h)


def cut(pixels: npt.NDArray[np.uint8], crop: Crop, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A part of a picture at the model's size; beyond the photo's edges everything is transparent black.

    Args:
        pixels: ``[H, W, 4]``.
        crop: Which part.
        size: Height and width of the result.
    """
    height, width = pixels.shape[:2]
    box = (
        crop.left * width,
        crop.top * height,
        (crop.left + crop.width) * width,
        (crop.top + crop.height) * height,
    )
    left, top = max(0, -int(np.floor(box[0]))), max(0, -int(np.floor(box[1])))
    right, bottom = max(0, int(np.ceil(box[2])) - width), max(0, int(np.ceil(box[3])) - height)
    # Transparent pixels keep their colours out of their neighbours': colours count by their alpha while shrinking.
    image = Image.fromarray(np.pad(pixels, ((top, bottom), (left, right), (0, 0)))).convert("RGBa")
    shifted = (box[0] + left, box[1] + top, box[2] + left, box[3] + top)
    shifted = (max(0, shifted[0]), max(0, shifted[1]), min(image.width, shifted[2]), min(image.height, shifted[3]))
    small = image.resize((size[1], size[0]), Image.Resampling.LANCZOS, box=shifted, reducing_gap=3.0)
    return np.asarray(small.convert("RGBA")).copy()


_limit = threading.Lock()


@contextlib.contextmanager
def _sizes_judged_here() -> Iterator[None]:
    """Pillow refuses by size what it could decode small; `_read` looks at sizes itself, before anything is decoded."""
    with _limit:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _learn_heif() -> None:
    """Let Pillow read HEIC, where the library for it is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return
    register_heif_opener()


def _content(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "empty"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1"):
        return "HEIC, which needs a library: pip install pillow-heif"
    return "text" if all(byte >= 32 or byte in b"\t\r\n" for byte in head) else "of no kind that is known"
