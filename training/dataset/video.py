"""Frames of a video, read with PyAV where it is installed."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from explorer.errors import DatasetError

__all__ = ["VIDEOS", "frames"]

VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")


def frames(path: Path, every: int) -> Iterator[tuple[int, Image.Image]]:
    """Number and picture of one frame in ``every``, upright as a player would show it.

    Raises:
        DatasetError: PyAV is missing, or the file cannot be read (any more); frames before that were given.
    """
    try:
        import av
    except ImportError as error:
        raise DatasetError("reading videos needs a package: pip install 'latent-explorer[video]'") from error
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DatasetError(f"{path.name} has no pictures in it")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for number, frame in enumerate(container.decode(stream)):
                if number % every == 0:
                    picture: Image.Image = frame.to_image()
                    # Phones write pictures as the sensor lies and note how they were held.
                    yield number, picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
    except (av.FFmpegError, OSError) as error:
        raise DatasetError(f"{path.name} cannot be read as a video: {error}") from error
