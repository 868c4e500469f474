"""Animation: how seeds and saved points are played."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Motion
from widgets.controls import Kit, caption_row, even_row, heading, set_enabled, show_value, tooltip
from widgets.player import Player

__all__ = ["AnimationPanel"]

Mode = Literal["on", "loop", "bounce"]
Path = Literal["once", "loop", "bounce"]
Axis = Literal["seed_x", "seed_y"]

_MODES: tuple[tuple[Mode, str, str], ...] = (
    ("on", "Go on", "Never end."),
    ("loop", "Loop", "Jump back to the start after the span."),
    ("bounce", "Bounce", "Turn round after the span, and at the start."),
)
_PATHS: tuple[tuple[Path, str, str], ...] = (
    ("once", "Stay", "Stop at the last point."),
    ("loop", "Loop", "Go from the last point to the first."),
    ("bounce", "Back", "Go back the same way."),
)
_HEADING_PX = 78
_NOTE = "While it plays nothing is noted down; pausing makes one step of the history."
_SPEEDS: tuple[tuple[Axis, str, float, str, str], ...] = (
    ("seed_x", "Across", 5.0, "%.2f seeds/s", "How fast along a row of seeds; below 0 to the left."),
    ("seed_y", "Down", 5.0, "%.2f rows/s", "How fast from row to row; below 0 upwards."),
)


class AnimationPanel:
    """Speeds, spans and what happens at the end."""

    title = "Animation"

    def __init__(self, kit: Kit, player: Player) -> None:
        self._kit = kit
        self._player = player

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True, xoffset=look.px(_HEADING_PX)):
            heading(look, "Seeds")
            dpg.add_button(tag="play_seeds", label="Play", width=-1, callback=self._play_seeds)
        tooltip(look, "play_seeds", "Move over the plane of seeds. " + _NOTE)
        for axis, caption, limit, format, tip in _SPEEDS:
            with caption_row(look, caption, tip):
                self._slider(f"play_{axis}", (-limit, limit), format, self._speed_setter(axis))
            tooltip(look, f"play_{axis}", tip + " Ctrl+click to type a number.")
        with caption_row(look, "At the end", "What happens after the span."):
            self._choices("play_mode", _MODES, self._set_mode)
        with caption_row(look, "Span", "How far loop and bounce go, in seeds or rows."):
            self._slider("play_extent", (0.1, 50.0), "%.1f", self._set_extent)
        with dpg.group(horizontal=True, xoffset=look.px(_HEADING_PX)):
            heading(look, "Points")
            dpg.add_checkbox(tag="play_smooth", label="smooth", callback=self._set_smooth)
        tooltip(look, "play_smooth", "Slow down at each point.")
        with caption_row(look, "Time", "From one saved point to the next. The Points panel plays them."):
            self._slider("play_seconds", (0.2, 10.0), "%.1f s", self._set_seconds)
        with caption_row(look, "At the end", "What happens at the last point."):
            self._choices("play_path", _PATHS, self._set_path)
        self._show()

    def _slider(self, tag: str, limits: tuple[float, float], format: str, changed: object) -> None:
        dpg.add_slider_float(
            tag=tag,
            width=-1,
            min_value=limits[0],
            max_value=limits[1],
            clamped=True,
            format=format,
            callback=changed,
        )

    def _choices(self, tag: str, choices: tuple[tuple[str, str, str], ...], choose: object) -> None:
        look = self._kit.look
        with even_row(look, len(choices)):
            for value, label, _ in choices:
                dpg.add_button(tag=f"{tag}_{value}", label=label, width=-1, user_data=value, callback=choose)
        for value, _, tip in choices:
            tooltip(look, f"{tag}_{value}", tip)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Let seeds be played where there are any."""
        set_enabled(("play_seeds",), self._player.kind == "seeds" or self._player.can_move_seeds)

    def poll(self, now_s: float) -> bool:
        """Move on."""
        moved = self._player.poll(now_s)
        playing = self._player.kind == "seeds"
        if dpg.get_item_label("play_seeds") != ("Pause" if playing else "Play"):
            dpg.configure_item("play_seeds", label="Pause" if playing else "Play")
            dpg.bind_item_theme("play_seeds", self._kit.look.chosen if playing else 0)
        return moved

    @property
    def is_moving(self) -> bool:
        """Whether anything plays."""
        return bool(self._player.kind)

    def _show(self) -> None:
        settings, chosen = self._player.settings, self._kit.look.chosen
        for axis, *_ in _SPEEDS:
            show_value(f"play_{axis}", getattr(settings, axis).speed)
        show_value("play_extent", settings.seed_x.extent)
        show_value("play_seconds", settings.seconds_per_stop)
        show_value("play_smooth", settings.smooth)
        for mode, *_ in _MODES:
            dpg.bind_item_theme(f"play_mode_{mode}", chosen if mode == settings.seed_x.mode else 0)
        for path, *_ in _PATHS:
            dpg.bind_item_theme(f"play_path_{path}", chosen if path == settings.path else 0)
        set_enabled(("play_extent",), settings.seed_x.mode != "on")

    def _motions(self, change: "dict[str, object]") -> None:
        settings = self._player.settings
        x, y = replace(settings.seed_x, **change), replace(settings.seed_y, **change)  # type: ignore[arg-type]
        self._player.change(replace(settings, seed_x=x, seed_y=y))
        self._show()

    def _speed_setter(self, axis: Axis) -> Callable[[], None]:
        # Not a lambda with the axis as its default: Dear PyGui would fill in the sender.
        return lambda: self._set_speed(axis)

    def _set_speed(self, axis: Axis) -> None:
        settings, speed = self._player.settings, round(float(dpg.get_value(f"play_{axis}")), 2)
        motion: Motion = replace(getattr(settings, axis), speed=speed)
        changed = replace(settings, seed_x=motion) if axis == "seed_x" else replace(settings, seed_y=motion)
        self._player.change(changed)

    def _set_mode(self, _sender: int | str, _value: object, mode: Mode) -> None:
        self._motions({"mode": mode})

    def _set_extent(self, _sender: int | str, extent: float) -> None:
        self._motions({"extent": max(0.1, round(float(extent), 1))})

    def _set_seconds(self, _sender: int | str, seconds: float) -> None:
        self._player.change(replace(self._player.settings, seconds_per_stop=max(0.2, round(float(seconds), 1))))

    def _set_path(self, _sender: int | str, _value: object, path: Path) -> None:
        self._player.change(replace(self._player.settings, path=path))
        self._show()

    def _set_smooth(self, _sender: int | str, smooth: bool) -> None:
        self._player.change(replace(self._player.settings, smooth=smooth))

    def _play_seeds(self) -> None:
        if self._player.kind == "seeds":
            self._player.pause()
        else:
            self._player.play_seeds()
