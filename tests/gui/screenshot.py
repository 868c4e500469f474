"""Pictures of every panel and dialog, from the real window on a virtual display.

    python -m tests.gui.screenshot shots                          everything, on screens of three sizes
    python -m tests.gui.screenshot shots --size small --only noise,sheet
    python -m tests.gui.screenshot --guide docs/images            the pictures of the guide and the README

What is seen, and how it gets there, is in scenes/. The guide's pictures are cut out of a window at scale 2 and
reduced to few colours, so that all of them together are small.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import chain, groupby
from pathlib import Path

from PIL import Image

from tests.benchmarks.latency import virtual_display
from tests.gui.driver import App
from tests.gui.scenes import SCENES
from tests.gui.stage import NETS, Scene, Shot, Stage
from widgets.theme import Palette

_COLOURS = 256


@dataclass(frozen=True)
class Size:
    """A screen."""

    width: int
    """In its own pixels."""
    height: int
    """In its own pixels."""
    scale: float
    """Of everything in the window."""


SIZES = {"small": Size(1280, 800, 1), "wide": Size(1920, 1080, 1), "4k": Size(3840, 2160, 2)}
_GUIDE = Size(2560, 1840, 2)


def play(size: Size, scenes: Sequence[Scene], learned: Path) -> Iterator[tuple[Shot, Image.Image, App]]:
    """Play scenes one after the other; those in a row that need the same start share an app.

    Args:
        size: Of the screen.
        scenes: To be played, in this order.
        learned: Where what a projection learns of a model is kept from one app to the next.

    Yields:
        What there is to see, the screen, and the app that shows it.
    """
    for (model, first_start, after_crash), group in groupby(
        scenes, key=lambda scene: (scene.model, scene.first_start, scene.after_crash)
    ):
        with (
            virtual_display(size.width, size.height) as display,
            tempfile.TemporaryDirectory(prefix="toons-") as folder,
        ):
            settings = Path(folder) / "settings"
            (settings / "latent-explorer").mkdir(parents=True)
            (settings / "latent-explorer" / "projection").symlink_to(learned)
            window = (str(round(size.width / size.scale)), str(round(size.height / size.scale)))
            given = [NETS / f"{model}.pkl"] if model else []
            arguments = (*given, "--scale", str(size.scale), "--size", *window)
            if after_crash:
                before = App(display, settings, *arguments)
                before.drag_slider("w0", 0.5, 0.7)
                before.settle(10)
                before.kill()
            app = App(display, settings, *arguments, first_start=first_start)
            try:
                for scene in group:
                    for shot in scene.play(Stage(app, Path(folder), size.scale)):
                        yield shot, Image.fromarray(app.screen()), app
                app.quit()
            finally:
                app.kill()


def survey(target: Path, sizes: Sequence[str], scenes: Sequence[Scene], learned: Path) -> None:
    """Write whole screens, ``NAME-SIZE.png``."""
    for name in sizes:
        for shot, screen, _ in play(SIZES[name], scenes, learned):
            screen.save(target / f"{shot.name}-{name}.png")
            print(f"{shot.name}-{name}.png", flush=True)


def few_colours(screen: Image.Image) -> Image.Image:
    """The same with 256 colours: those of the window exactly, the others by how much there is of them."""
    own = astuple(Palette())
    others = screen.quantize(_COLOURS - len(own), method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*chain.from_iterable(own), *others[: 3 * (_COLOURS - len(own))]])
    return screen.quantize(palette=palette, dither=Image.Dither.NONE)


def guide(target: Path, scenes: Sequence[Scene], learned: Path) -> None:
    """Write the pictures of the guide, ``panel-NAME.png``, and the README's ``window.png``."""
    for shot, screen, app in play(_GUIDE, scenes, learned):
        if not shot.guide:
            continue
        name = "window.png"
        if shot.area is not None:
            left, top, width, height = app.rect(shot.area)
            if shot.height_px is not None:
                height = min(height, shot.height_px * _GUIDE.scale)
            screen = screen.crop((round(left), round(top), round(left + width), round(top + height)))
            name = f"panel-{shot.name}.png"
        few_colours(screen).save(target / name, optimize=True)
        print(f"{name}: {(target / name).stat().st_size / 1000:.0f} kB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="folder of the pictures")
    parser.add_argument("--guide", action="store_true", help="those of the guide instead of whole screens")
    parser.add_argument("--size", choices=SIZES, action="append", help="every one without it")
    parser.add_argument("--only", help="scenes, separated by commas")
    parser.add_argument("--learned", type=Path, help="keeps what projection learns of a model for the next time")
    given = parser.parse_args()
    wanted = set(given.only.split(",")) if given.only else {scene.name for scene in SCENES}
    if unknown := wanted - {scene.name for scene in SCENES}:
        parser.error(f"there is no scene {', '.join(sorted(unknown))}")
    scenes = [scene for scene in SCENES if scene.name in wanted]
    given.target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        learned = (given.learned or Path(folder)).absolute()
        learned.mkdir(parents=True, exist_ok=True)
        if given.guide:
            guide(given.target, scenes, learned)
        else:
            survey(given.target, given.size or tuple(SIZES), scenes, learned)


if __name__ == "__main__":
    main()
