"""Small pictures on the graphics card, many in one texture, found again by what they show.

A picture is put under a key, for most panels the `EditState` that it shows. When all places are taken, the one that
was looked at longest ago makes room: whoever still shows that key sees `Atlas.find` answer ``None`` and asks anew.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import dearpygui.dearpygui as dpg

from widgets.hands import hands_on
from widgets.texture import OpenGLTexture, Pixels, TextureUnavailableError, as_rgba
from widgets.theme import Look

__all__ = ["SIDE_PX", "Atlas", "Patch", "Slots", "Store", "Tile", "open_store"]

SIDE_PX = 128
"""The longest side of a picture, in pixels."""
_SLOTS_A_ROW = 16


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a texture, for `draw_image`, `add_image` and `add_image_button`."""

    texture: int
    """Dear PyGui's tag of the texture."""
    uv_min: tuple[float, float]
    """The top left corner, in widths and heights of the texture."""
    uv_max: tuple[float, float]
    """The bottom right corner."""
    size: tuple[int, int]
    """Width and height of the picture, in its own pixels."""

    def fit(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Where it goes in a box: left, top, width and height, with its own proportions, centred."""
        zoom = min(width / self.size[0], height / self.size[1])
        across, down = self.size[0] * zoom, self.size[1] * zoom
        return (width - across) / 2, (height - down) / 2, across, down


class Slots:
    """Which key is where. The key that was found or placed longest ago makes room for a new one.

    Args:
        count: How many there are, at least 1.
    """

    def __init__(self, count: int) -> None:
        self._free = list(range(count - 1, -1, -1))
        self._places: OrderedDict[Hashable, int] = OrderedDict()

    def find(self, key: Hashable) -> int | None:
        """Where a key is, which then counts as just used; ``None`` when it is nowhere."""
        if key in self._places:
            self._places.move_to_end(key)
        return self._places.get(key)

    def place(self, key: Hashable) -> int:
        """A place for a key: its own when it has one."""
        found = self.find(key)
        if found is not None:
            return found
        place = self._free.pop() if self._free else self._places.popitem(last=False)[1]
        self._places[key] = place
        return place

    def drop(self, key: Hashable) -> None:
        """Give a key's place back; nothing when it has none."""
        if key in self._places:
            self._free.append(self._places.pop(key))


class Store(Protocol):
    """Where the pixels lie."""

    count: int
    """How many pictures there is room for."""

    def write(self, slot: int, pixels: Pixels) -> Patch:
        """Put ``[h, w, C]`` bytes, no side above `SIDE_PX`, into a slot, over what is there."""


class GridStore:
    """One OpenGL texture in equal squares, written in place without a copy."""

    count = _SLOTS_A_ROW**2

    def __init__(self, texture: OpenGLTexture) -> None:
        self._texture = texture
        self._side = _SLOTS_A_ROW * SIDE_PX
        texture.reserve(self._side, self._side)

    def write(self, slot: int, pixels: Pixels) -> Patch:
        """Write one square."""
        left, top = slot % _SLOTS_A_ROW * SIDE_PX, slot // _SLOTS_A_ROW * SIDE_PX
        height, width = pixels.shape[:2]
        self._texture.write(left, top, pixels)
        # Half a pixel inside the border, so that interpolation takes in nothing of the neighbours.
        return Patch(
            self._texture.tag,
            ((left + 0.5) / self._side, (top + 0.5) / self._side),
            ((left + width - 0.5) / self._side, (top + height - 0.5) / self._side),
            (width, height),
        )

    def read_back(self, slot: int) -> Pixels:
        """The whole square, ``[SIDE_PX, SIDE_PX, 4]``. For tests: slow."""
        left, top = slot % _SLOTS_A_ROW * SIDE_PX, slot // _SLOTS_A_ROW * SIDE_PX
        return self._texture.read_back()[top : top + SIDE_PX, left : left + SIDE_PX]


class SingleStore:
    """A static texture for each picture: works wherever Dear PyGui does.

    Not one raw texture for all, which Dear PyGui would send to the card anew in every frame.
    """

    count = _SLOTS_A_ROW**2

    def __init__(self, registry: int | str) -> None:
        self._registry = registry
        self._tags: dict[int, int] = {}

    def write(self, slot: int, pixels: Pixels) -> Patch:
        """Make a new texture in the place of the old one."""
        if slot in self._tags:
            dpg.delete_item(self._tags.pop(slot))
        height, width = pixels.shape[:2]
        flat = (as_rgba(pixels).ravel() / 255).tolist()
        self._tags[slot] = int(dpg.add_static_texture(width, height, flat, parent=self._registry))
        return Patch(self._tags[slot], (0.0, 0.0), (1.0, 1.0), (width, height))


def open_store(registry: int | str, *, zero_copy: bool = True) -> Store:
    """The fastest store that works here. Renders one frame, so the viewport must be shown.

    Args:
        registry: A Dear PyGui texture registry.
        zero_copy: Allow the OpenGL path.
    """
    if zero_copy and sys.platform.startswith("linux"):
        try:
            return GridStore(OpenGLTexture(registry))
        except TextureUnavailableError:
            # A driver on which the texture cannot be found still shows small pictures, only slower.
            return SingleStore(registry)
    return SingleStore(registry)


class Atlas:
    """All small pictures of the window. Empty, and taking none, until it is given a store."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._slots = Slots(1)
        self._patches: dict[int, Patch] = {}
        self.version = 0
        """Counts up whenever a picture comes or goes."""

    def attach(self, store: Store) -> None:
        """Keep pictures there from now on."""
        self._store = store
        self._slots = Slots(store.count)

    @property
    def is_ready(self) -> bool:
        """Whether pictures can be put."""
        return self._store is not None

    def put(self, key: Hashable, pixels: Pixels) -> None:
        """Keep a picture under a key, in the place of what was there.

        Args:
            key: What it shows.
            pixels: ``[h, w, C]`` bytes, C being 1, 3 or 4, no side above `SIDE_PX`.

        Raises:
            ValueError: It is too large.
        """
        assert self._store is not None
        if not 0 < max(pixels.shape[:2]) <= SIDE_PX:
            raise ValueError(f"a picture of {list(pixels.shape)} does not fit a place of {SIDE_PX} x {SIDE_PX} pixels")
        slot = self._slots.place(key)
        self._patches[slot] = self._store.write(slot, pixels)
        self.version += 1

    def find(self, key: Hashable) -> Patch | None:
        """The picture under a key, which then counts as just used."""
        slot = self._slots.find(key)
        return None if slot is None else self._patches[slot]

    def drop(self, key: Hashable) -> None:
        """Forget a picture."""
        self._slots.drop(key)
        self.version += 1


class Tile:
    """A small picture of fixed size on screen, in its own proportions; a plain field while there is none.

    Args:
        look: Colours and scale.
        atlas: Where pictures are.
        size_px: Width and height, in pixels of the design.
        tag: Its name among the items.
        click: What a click does; the mouse is answered only when given.
    """

    def __init__(
        self,
        look: Look,
        atlas: Atlas,
        *,
        size_px: tuple[float, float],
        tag: int | str = 0,
        click: Callable[[], object] | None = None,
    ) -> None:
        self._look = look
        self._atlas = atlas
        self._size = (look.px(size_px[0]), look.px(size_px[1]))
        self._key: Hashable = None
        self._chosen = False
        self._looked = -1
        self._patch: Patch | None = None
        self._drawn: tuple[object, ...] = ()
        self._answers = click is not None
        with dpg.group() as frame:
            self.item: int | str = dpg.add_drawlist(tag=tag, width=self._size[0], height=self._size[1])
            """The drawing itself, as large as the tile."""
        self.frame: int | str = frame
        """What a tooltip can be given to: a drawing takes none."""
        if click is not None:
            with hands_on(self.item):
                dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=lambda: click())
        self._draw()

    def show(self, key: Hashable, *, chosen: bool = False) -> None:
        """Show the picture of a key, as soon as there is one; none for the key ``None``."""
        self._key = key
        self._chosen = chosen
        self._looked = -1
        self.poll()

    def poll(self) -> bool:
        """Take in what changed; once a frame while it may be seen. True when it is drawn anew."""
        if self._looked != self._atlas.version:
            self._looked = self._atlas.version
            self._patch = None if self._key is None else self._atlas.find(self._key)
        return self._draw()

    def _draw(self) -> bool:
        hovered = self._answers and bool(dpg.is_item_hovered(self.item))
        wanted = (self._patch, self._chosen, hovered)
        if wanted == self._drawn:
            return False
        self._drawn = wanted
        palette, (width, height) = self._look.palette, self._size
        rounding = self._look.px(4)
        dpg.delete_item(self.item, children_only=True)
        dpg.draw_rectangle(
            (0, 0),
            (width, height),
            fill=(*palette.raised, 255),
            color=(0, 0, 0, 0),
            rounding=rounding,
            parent=self.item,
        )
        if self._patch is not None:
            left, top, across, down = self._patch.fit(width, height)
            corners = ((left, top), (left + across, top + down))
            dpg.draw_image(
                self._patch.texture, *corners, uv_min=self._patch.uv_min, uv_max=self._patch.uv_max, parent=self.item
            )
        if self._chosen or hovered:
            colour = palette.accent if self._chosen else palette.quiet
            thick = self._look.px(2)
            dpg.draw_rectangle(
                (thick / 2, thick / 2),
                (width - thick / 2, height - thick / 2),
                color=(*colour, 255),
                thickness=thick,
                parent=self.item,
            )
        return True
