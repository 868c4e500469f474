"""One picture from its file's bytes to the pixels of the data set."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps

from explorer.errors import DatasetError
from training.dataset.options import Options
from training.dataset.sources import Item

__all__ = ["MAX_PIXELS", "BadPictureError", "Opened", "encode", "open_picture", "prepare", "size_of"]

MAX_PIXELS = 100_000_000
_ORIENTATION = 274
_TURNED = (5, 6, 7, 8)
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile)


class BadPictureError(Exception):
    """A picture that is skipped: ``kind`` for programs, the message for people."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture upright in 8 bits: grey, RGB or RGBA."""

    image: Image.Image
    notes: tuple[str, ...]
    """What was changed, for the report: ``turned upright``, ``CMYK``, ``16 bits``, ``first of 12 frames``."""


def size_of(item: Item) -> tuple[int, int]:
    """Height and width as a person sees it, from the file's head.

    Raises:
        BadPictureError: It is none.
    """
    with _reading(item) as image:
        width, height = image.size
        turned = _turn(image) in _TURNED
    return (width, height) if turned else (height, width)


def open_picture(item: Item) -> Opened:
    """Decode a picture.

    Raises:
        BadPictureError: It is damaged, of no known format, or too large.
    """
    with _reading(item) as image:
        try:
            image.load()
            return _upright(image)
        except _UNREADABLE as error:
            raise BadPictureError("unreadable", f"damaged: {error}") from error


def _reading(item: Item) -> Image.Image:
    try:
        content = item.read()
        image = content if isinstance(content, Image.Image) else Image.open(io.BytesIO(content))
    except DatasetError as error:
        raise BadPictureError("unreadable", str(error)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPictureError("unreadable", f"more than {MAX_PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
        raise BadPictureError("unreadable", "no picture of a known format") from error
    except _UNREADABLE as error:
        raise BadPictureError("unreadable", f"damaged: {error}") from error
    if image.width * image.height > MAX_PIXELS:
        raise BadPictureError("unreadable", f"{image.width} x {image.height}: more than {MAX_PIXELS:,} pixels")
    return image


def _turn(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (*_UNREADABLE, TypeError, KeyError):
        # Cameras write strange tags: the picture itself is still good.
        return 1


def _upright(image: Image.Image) -> Opened:
    notes = []
    if (count := getattr(image, "n_frames", 1)) > 1:
        notes.append(f"first of {count} frames")
    mode, profile = image.mode, image.info.get("icc_profile")
    if _turn(image) in range(2, 9):
        image = ImageOps.exif_transpose(image)
        notes.append("turned upright")
    if mode in ("I", "F") or mode.startswith("I;16"):
        image = _eight_bits(image)
        notes.append("16 bits" if mode.startswith("I") else "floating point")
    elif mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        notes.append(mode)
    if profile:
        image, managed = _to_srgb(image, profile)
        notes += ["colours to sRGB"] if managed else []
    transparent = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    wanted = "RGBA" if transparent else "L" if image.mode in ("L", "1") else "RGB"
    return Opened(image.convert(wanted) if image.mode != wanted else image.copy(), tuple(notes))


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    # Floating point pictures run to 1 or to 255, and do not say which.
    most = 65535 if image.mode != "F" else 1 if np.nanmax(values, initial=0) <= 1 else 255
    values = values * (255 / most)
    return Image.fromarray(np.nan_to_num(values).clip(0, 255).round().astype(np.uint8), "L")


def _to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, bool]:
    if image.mode not in ("RGB", "CMYK"):
        return image, False
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return image, False
        turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A broken profile says nothing: the numbers are taken as they are.
        return image, False
    return (image, False) if turned is None else (turned, True)


def prepare(opened: Opened, options: Options, size: tuple[int, int]) -> np.ndarray:
    """The pixels of the data set, uint8 ``[H, W, C]``.

    Raises:
        BadPictureError: It is smaller than asked for, and options do not allow to enlarge it.
    """
    image = opened.image
    height, width = size
    scale_x, scale_y = width / image.width, height / image.height
    needed = {"crop": max(scale_x, scale_y), "pad": min(scale_x, scale_y), "fit": max(scale_x, scale_y)}[options.how]
    if needed > 1 and not options.enlarge:
        raise BadPictureError("small", f"{image.width} x {image.height} pixels, too small for {width} x {height}")
    if options.colour != "rgba":
        image = _on_background(image, options.background)
    image = image.convert({"rgb": "RGB", "grey": "L", "rgba": "RGBA"}[options.colour])
    if options.how == "crop":
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    elif options.how == "fit":
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=None)
    else:
        image = _padded(image, (width, height), options)
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _on_background(image: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    if image.mode != "RGBA":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, (*colour, 255)), image).convert("RGB")


def _padded(image: Image.Image, size: tuple[int, int], options: Options) -> Image.Image:
    inner = ImageOps.contain(image, size, Image.Resampling.LANCZOS)
    colour = Image.new("RGB", (1, 1), options.background)
    if options.colour == "rgba":
        # Bars of a transparent picture are transparent.
        colour = Image.new("RGBA", (1, 1), (*options.background, 0))
    sheet = Image.new(image.mode, size, colour.convert(image.mode).getpixel((0, 0)))
    sheet.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
    return sheet


def encode(pixels: np.ndarray, format: str) -> bytes:
    """A picture file of uint8 ``[H, W, C]``, the same bytes for the same pixels."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    buffer = io.BytesIO()
    if format == "png":
        image.save(buffer, "PNG", compress_level=6)
    elif format == "jpg":
        image.save(buffer, "JPEG", quality=95, subsampling=0)
    else:
        image.save(buffer, "WEBP", quality=95, method=4)
    return buffer.getvalue()
