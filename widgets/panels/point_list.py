"""The saved points one below the other, each with its picture and what can be done with it."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from explorer.state import EditState, Point
from widgets.atlas import Tile
from widgets.controls import Kit, on_release, show_value, tooltip
from widgets.point_edits import moved, renamed
from widgets.thumbnails import ThumbnailFeed

__all__ = ["PointList"]

_TILE_PX = 58


class PointList:
    """Rows that are made when first needed and hidden when not.

    Args:
        kit: Look and session.
        delete: Called with the index of a point that is to go.
    """

    def __init__(self, kit: Kit, delete: Callable[[int], None]) -> None:
        self._kit = kit
        self._delete = delete
        self._feed = ThumbnailFeed(kit.session, kit.atlas, name="Pictures of points")
        self._tiles: list[Tile] = []
        self._points: tuple[Point, ...] = ()
        self._fitted: tuple[EditState, ...] = ()
        self.left_out: frozenset[Point] = frozenset()
        """Points that are not on the path."""

    def build(self) -> None:
        """Make the place for rows."""
        with dpg.child_window(tag="point_list", border=False):
            pass

    def show(self, points: tuple[Point, ...], fitted: tuple[EditState, ...]) -> None:
        """Show these points; ``fitted`` is what the open model makes of each."""
        self._points, self._fitted = points, fitted
        while len(self._tiles) < len(points):
            self._add_row(len(self._tiles))
        for row in range(len(self._tiles)):
            shown = row < len(points)
            if dpg.is_item_shown(f"point_row_{row}") != shown:
                dpg.configure_item(f"point_row_{row}", show=shown)
            if shown:
                show_value(f"point_name_{row}", points[row].name)
                show_value(f"point_on_{row}", points[row] not in self.left_out)
        self._feed.want(fitted)
        self.mark(self._kit.session.state)

    def mark(self, state: EditState) -> None:
        """Mark the point that this state is."""
        for tile, fitted in zip(self._tiles, self._fitted, strict=False):
            tile.show(fitted, chosen=fitted == state)

    def poll(self) -> bool:
        """Take in pictures that came."""
        came = self._feed.poll()
        redrawn = [tile.poll() for tile in self._tiles[: len(self._points)]]
        return came or any(redrawn)

    def _add_row(self, row: int) -> None:
        look = self._kit.look

        def recall() -> None:
            self._kit.session.recall(self._points[row])

        with dpg.group(tag=f"point_row_{row}", horizontal=True, parent="point_list"):
            tile = Tile(look, self._kit.atlas, size_px=(_TILE_PX, _TILE_PX), tag=f"point_tile_{row}", click=recall)
            with dpg.group():
                dpg.add_input_text(tag=f"point_name_{row}", width=-1)
                with dpg.group(horizontal=True):
                    dpg.add_checkbox(tag=f"point_on_{row}", label="path", user_data=row, callback=self._tick)
                    for name, label, by in (("up", "↑", -1), ("down", "↓", 1)):
                        dpg.add_button(
                            tag=f"point_{name}_{row}",
                            label=label,
                            width=look.px(26),
                            user_data=(row, by),
                            callback=self._move,
                        )
                    dpg.add_button(
                        tag=f"point_drop_{row}",
                        label="×",
                        width=look.px(26),
                        callback=lambda: self._delete(row),
                    )
        on_release(f"point_name_{row}", lambda: self._rename(row))
        tooltip(look, tile.frame, "Click to go there.")
        tooltip(look, f"point_on_{row}", "Whether the path leads through it.")
        tooltip(look, f"point_up_{row}", "Earlier on the path")
        tooltip(look, f"point_down_{row}", "Later on the path")
        tooltip(look, f"point_drop_{row}", "Delete")
        self._tiles.append(tile)

    def _rename(self, row: int) -> None:
        before = self._points[row]
        points = renamed(self._kit.session.points, row, dpg.get_value(f"point_name_{row}"))
        if before in self.left_out:
            self.left_out = self.left_out - {before} | {points[row]}
        self._kit.session.points = points
        show_value(f"point_name_{row}", points[row].name)

    def _move(self, _sender: int | str, _value: object, where: tuple[int, int]) -> None:
        self._kit.session.points = moved(self._kit.session.points, *where)

    def _tick(self, _sender: int | str, on: bool, row: int) -> None:
        point = self._points[row]
        self.left_out = self.left_out - {point} if on else self.left_out | {point}
