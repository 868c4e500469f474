"""Puts pictures into both kinds of store in a real window and says whether the card holds and shows them."""

import json
import sys

import dearpygui.dearpygui as dpg
import numpy as np

from widgets.atlas import SIDE_PX, GridStore, SingleStore, Store
from widgets.native import prefer_glx
from widgets.texture import OpenGLTexture


def main() -> None:
    prefer_glx()
    dpg.create_context()
    dpg.create_viewport(width=600, height=300, x_pos=0, y_pos=0)
    dpg.setup_dearpygui()
    dpg.show_viewport()
    textures = dpg.add_texture_registry()
    grid, single = GridStore(OpenGLTexture(textures)), SingleStore(textures)
    random = np.random.default_rng(0)
    shapes = [(SIDE_PX, SIDE_PX, 3), (64, SIDE_PX, 4), (96, 48, 1), (1, 1, 3)]
    pictures = [random.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    held = []
    for slot, picture in zip((0, 17, 255, 1), pictures, strict=True):
        grid.write(slot, picture)
        height, width = picture.shape[:2]
        held.append(bool(np.array_equal(grid.read_back(slot)[:height, :width, :1], picture[..., :1])))
    colours = [shown(store) for store in (grid, single)]
    print(json.dumps({"held": held, "colours": colours}))
    dpg.destroy_context()


def shown(store: Store) -> list[int]:
    """The colour that the middle of the window has when a plain picture is drawn over all of it."""
    store.write(3, np.full((8, 8, 3), 255, np.uint8))
    patch = store.write(3, np.full((8, 8, 3), (200, 100, 50), np.uint8))
    with dpg.viewport_drawlist() as drawn:
        dpg.draw_image(patch.texture, (0, 0), (600, 300), uv_min=patch.uv_min, uv_max=patch.uv_max)
    for _ in range(3):
        dpg.render_dearpygui_frame()
    from OpenGL import GL

    raw = GL.glReadPixels(300, 150, 1, 1, GL.GL_RGB, GL.GL_UNSIGNED_BYTE)
    dpg.delete_item(drawn)
    return list(np.frombuffer(raw, np.uint8).tolist())


if __name__ == "__main__":
    sys.exit(main())
