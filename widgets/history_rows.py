"""The steps of a history drawn one below the other with the lines of their branches and a small picture each.

Only the rows in sight are drawn and have their pictures made, so thousands of steps cost no more than ten.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import History
from widgets.controls import Kit, show_value
from widgets.history_lanes import Edge, Lanes, path_of, rows_of
from widgets.pointer import Grip
from widgets.theme import Colour
from widgets.thumbnails import ThumbnailFeed
from widgets.words import fitting, width_of

__all__ = ["ROW_PX", "HistoryRows", "Part", "part_at", "rows_in_sight"]

ROW_PX = 42
"""Height of a row, in pixels of the design."""
BUTTON_PX = 24
"""Width of the star and of the split square at its end."""
_THUMB_PX = 36
_LANE_PX = 12
_LANES_PX = 72
_DOT_PX = 4
_CLICK_PX = 4
_SIDE_PX = 72
_LIST, _ROWS, _TIP = "history_list", "history_rows", "history_tip"

Part = Literal["step", "compare", "pin"]
_TIPS: dict[Part, str] = {
    "step": "Click to go there.",
    "compare": "Compare the picture with this step, or end that.",
    "pin": "Pin this step to find it again, or take the pin out.",
}


def rows_in_sight(count: int, row_px: float, scrolled: float, height: float) -> range:
    """Which of ``count`` rows are seen, whole or in part, in a list of some height that is scrolled so far."""
    first = max(0, int(scrolled // row_px))
    return range(min(first, count), min(count, max(first, int((scrolled + height) // row_px) + 1)))


def part_at(x: float, width: float, button: float) -> Part:
    """What of a row is at ``x``: its two buttons stand at the right end."""
    if x >= width - button:
        return "pin"
    return "compare" if x >= width - 2 * button else "step"


class HistoryRows:
    """The list. A click on a row, or on what stands at its end, calls ``act``.

    Args:
        kit: Look, session, small pictures.
        act: Called with a part of a row and the number of its step.
    """

    def __init__(self, kit: Kit, act: Callable[[Part, int], None]) -> None:
        self._kit = kit
        self._act = act
        self._feed = ThumbnailFeed(kit.session, kit.atlas, name="Pictures of steps", side_px=_SIDE_PX)
        self._lanes = Lanes()
        self._history: History | None = None
        self._rows: Sequence[int] = ()
        self._path: frozenset[int] = frozenset()
        self._pressed: tuple[Part, int] | None = None
        self._grip: Grip | None = None
        self._drawn: tuple[object, ...] = ()
        self.pinned_only = False
        """Whether only pinned steps are listed."""
        self.compared: int | None = None
        """The step that the picture is compared with."""

    def build(self) -> None:
        """Make the list, as high as there is room."""
        with dpg.child_window(tag=_LIST, border=False), dpg.group() as frame:
            dpg.add_drawlist(tag=_ROWS, width=10, height=10)
        with dpg.tooltip(frame, delay=0.6, hide_on_activity=True):
            dpg.add_text("", tag=_TIP, wrap=self._kit.look.px(300))
        self._grip = Grip(_ROWS)

    def show(self, history: History | None) -> None:
        """List the steps of a history; none before a model is open."""
        before, self._history = self._history, history
        if history is None:
            self._rows = ()
            return
        self._lanes.follow(history)
        self._path = path_of(history)
        self._rows = rows_of(history, pinned_only=self.pinned_only)
        dpg.configure_item(_ROWS, height=max(1, len(self._rows) * self._row))
        if before is None or before.cursor != history.cursor:
            self._reveal(history.cursor)

    def poll(self) -> bool:
        """Follow the hand and the wheel, and take in pictures; once a frame. True when it is drawn anew."""
        if not dpg.is_item_visible(_ROWS):
            return False
        seen = self._in_sight()
        history = self._history
        self._feed.want([history.nodes[self._rows[row]].state for row in seen] if history else ())
        came = self._feed.poll()
        under = self._under_mouse()
        self._follow_clicks(under)
        width = int(dpg.get_item_rect_size(_LIST)[0] - self._kit.look.px(14))
        drawn = (history, self._rows, seen, under, width, self.compared, self._kit.atlas.version)
        if drawn != self._drawn:
            self._drawn = drawn
            self._draw(seen, under, max(1, width))
            return True
        return came

    @property
    def _row(self) -> int:
        return self._kit.look.px(ROW_PX)

    def _in_sight(self) -> range:
        height = dpg.get_item_rect_size(_LIST)[1]
        return rows_in_sight(len(self._rows), self._row, dpg.get_y_scroll(_LIST), height)

    def _reveal(self, step: int) -> None:
        """Scroll until a step is seen."""
        if step not in self._rows:
            return
        top, height = self._rows.index(step) * self._row, dpg.get_item_rect_size(_LIST)[1]
        scrolled = dpg.get_y_scroll(_LIST)
        if top < scrolled or top + self._row > scrolled + height:
            dpg.set_y_scroll(_LIST, max(0.0, top - (height - self._row) / 2) if top else 0.0)

    def _under_mouse(self) -> tuple[Part, int] | None:
        """What the mouse is on."""
        if not dpg.is_item_hovered(_ROWS):
            return None
        mouse, corner = dpg.get_mouse_pos(local=False), dpg.get_item_rect_min(_ROWS)
        row = int((mouse[1] - corner[1]) // self._row)
        if not 0 <= row < len(self._rows):
            return None
        part = part_at(mouse[0] - corner[0], dpg.get_item_width(_ROWS), self._kit.look.px(BUTTON_PX))
        return part, self._rows[row]

    def _follow_clicks(self, under: tuple[Part, int] | None) -> None:
        drag = self._grip.poll() if self._grip is not None else None
        if drag is None:
            return
        if drag.began:
            self._pressed = under
        if drag.ended:
            if self._pressed is not None and under == self._pressed and self._is_click(drag.moved):
                self._act(*self._pressed)
            self._pressed = None

    def _is_click(self, moved: tuple[float, float]) -> bool:
        return max(map(abs, moved)) <= self._kit.look.px(_CLICK_PX)

    def _draw(self, seen: range, under: tuple[Part, int] | None, width: int) -> None:
        dpg.delete_item(_ROWS, children_only=True)
        if dpg.get_item_width(_ROWS) != width:
            dpg.configure_item(_ROWS, width=width)
        history = self._history
        if history is None or not seen:
            return
        if under is not None:
            node = history.nodes[under[1]]
            show_value(_TIP, f"Step {node.id + 1}, {node.label}\n{_TIPS[under[0]]}")
        hovered = None if under is None else under[1]
        for row in seen:
            self._draw_ground(row, hovered, width)
        if not self.pinned_only:
            self._draw_lines(self._rows[seen[0]], self._rows[seen[-1]])
        for row in seen:
            self._draw_row(row, under, width)

    def _draw_ground(self, row: int, hovered: int | None, width: int) -> None:
        assert self._history is not None
        palette, step = self._kit.look.palette, self._rows[row]
        if step != self._history.cursor and step != hovered:
            return
        colour = (*(palette.accent_dim if step == self._history.cursor else palette.field), 255)
        corners = (0, row * self._row), (width, (row + 1) * self._row)
        dpg.draw_rectangle(*corners, fill=colour, color=colour, rounding=self._kit.look.px(4), parent=_ROWS)

    def _draw_row(self, row: int, under: tuple[Part, int] | None, width: int) -> None:
        assert self._history is not None
        look, palette = self._kit.look, self._kit.look.palette
        node, top = self._history.nodes[self._rows[row]], row * self._row
        on_path = node.id in self._path
        left = self._lanes_width
        if not self.pinned_only:
            dot = (*(palette.text if node.id == self._history.cursor else self._colour(node.id)), 255)
            dpg.draw_circle(self._dot(node.id), look.px(_DOT_PX), fill=dot, color=dot, parent=_ROWS)
        self._draw_picture(row, left, top)
        text = left + look.px(_THUMB_PX + 9)
        marks = self._marks(node.id, under)
        room = width - text - look.px(BUTTON_PX) * (2 if "compare" in marks else 1 if marks else 0)
        current = node.id == self._history.cursor
        colour = palette.text if on_path else palette.quiet
        label, number = fitting(node.label, room, width_of), f"Step {node.id + 1}"
        dpg.draw_text((text, top + look.px(4)), label, size=look.px(15), color=(*colour, 255), parent=_ROWS)
        quiet = (*(palette.text if current else palette.quiet), 255)
        dpg.draw_text((text, top + look.px(22)), number, size=look.px(13), color=quiet, parent=_ROWS)
        for part, colour in marks.items():
            self._draw_mark(part, colour, top, width)

    def _draw_picture(self, row: int, left: float, top: float) -> None:
        assert self._history is not None
        look, side = self._kit.look, self._kit.look.px(_THUMB_PX)
        above = top + (self._row - side) / 2
        ground = (*look.palette.raised, 255)
        dpg.draw_rectangle((left, above), (left + side, above + side), fill=ground, color=ground, parent=_ROWS)
        patch = self._kit.atlas.find(self._history.nodes[self._rows[row]].state)
        if patch is not None:
            x, y, across, down = patch.fit(side, side)
            corners = (left + x, above + y), (left + x + across, above + y + down)
            dpg.draw_image(patch.texture, *corners, uv_min=patch.uv_min, uv_max=patch.uv_max, parent=_ROWS)

    def _marks(self, step: int, under: tuple[Part, int] | None) -> dict[Part, Colour]:
        """What stands at the end of a row, in which colour: what holds always, the rest under the mouse."""
        assert self._history is not None
        palette = self._kit.look.palette
        marks: dict[Part, Colour] = {}
        holding: dict[Part, bool] = {"compare": self.compared == step, "pin": step in self._history.pinned}
        for part, holds in holding.items():
            if holds or (under is not None and under[1] == step):
                marks[part] = palette.text if holds or under == (part, step) else palette.quiet
        return marks

    def _draw_mark(self, part: Part, colour: Colour, top: float, width: float) -> None:
        assert self._history is not None
        look, middle = self._kit.look, top + self._row / 2
        button = look.px(BUTTON_PX)
        step = self._rows[int(top // self._row)]
        if part == "pin":
            glyph, size = "★" if step in self._history.pinned else "☆", look.px(17)
            dpg.draw_text((width - button + 1, middle - size / 2), glyph, size=size, color=(*colour, 255), parent=_ROWS)
            return
        half, x = look.px(6), width - 1.5 * button
        full = (*colour, 255)
        dpg.draw_rectangle((x - half, middle - half), (x + half, middle + half), color=full, parent=_ROWS)
        dpg.draw_rectangle((x - half, middle - half), (x, middle + half), color=full, fill=full, parent=_ROWS)

    @property
    def _spacing(self) -> float:
        """Between two lanes: narrower the more there are, never so narrow that they cannot be told apart."""
        look = self._kit.look
        return max(look.px(4), min(look.px(_LANE_PX), look.px(_LANES_PX) / max(1, self._lanes.count)))

    @property
    def _lanes_width(self) -> float:
        if self.pinned_only:
            return float(self._kit.look.px(2))
        lanes = min(self._lanes.count, int(self._kit.look.px(_LANES_PX) // self._spacing))
        return lanes * self._spacing + self._kit.look.px(6)

    def _dot(self, step: int) -> tuple[float, float]:
        last = int(self._kit.look.px(_LANES_PX) // self._spacing) - 1
        row = len(self._rows) - 1 - step
        # Lanes beyond the last one share it.
        return (min(self._lanes[step], last) + 0.5) * self._spacing + self._kit.look.px(2), (row + 0.5) * self._row

    def _colour(self, step: int) -> Colour:
        return self._kit.look.palette.accent if step in self._path else self._kit.look.palette.off

    def _draw_lines(self, newest: int, oldest: int) -> None:
        edges = sorted(self._lanes.edges(newest, oldest), key=lambda edge: edge.child in self._path)
        for edge in edges:
            self._draw_line(edge, newest)

    def _draw_line(self, edge: Edge, newest: int) -> None:
        (x, y), (end_x, end_y) = self._dot(edge.child), self._dot(edge.parent)
        colour, thick = (*self._colour(edge.child), 255), self._kit.look.px(2)
        # Straight down in its own lane, then over to the parent's within one row.
        bend = end_y - self._row if x != end_x else end_y
        start = max(y, self._dot(newest)[1] - self._row)
        if bend > start:
            dpg.draw_line((x, start), (x, bend), color=colour, thickness=thick, parent=_ROWS)
        if x != end_x:
            half = bend + self._row / 2
            dpg.draw_bezier_cubic(
                (x, bend), (x, half), (end_x, half), (end_x, end_y), color=colour, thickness=thick, parent=_ROWS
            )
