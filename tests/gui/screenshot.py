"""The picture of the window in the README: the bundled model after some drags.

python -m tests.gui.screenshot docs/images/window.png
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.benchmarks.latency import virtual_display
from tests.gui.driver import App


def main(target: Path) -> None:
    with virtual_display() as display, tempfile.TemporaryDirectory() as settings:
        app = App(display, Path(settings))
        left, top, _, _ = app.rect("seed_pad")
        app.drag((round(left + 60), round(top + 50)), (round(left + 158), round(top + 34)))
        app.drag_slider("w0", 0.5, 0.58)
        app.drag_slider("w2", 0.5, 0.42)
        app.click("mix_layer_7")
        app.click("mix_layer_8")
        app.picture_on_screen()
        app.settle(30)
        screen = app.screen()
        app.quit()
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(screen).save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
