"""A line of JSON in, a line of JSON out: how tests find things in the running app.

Started only by ``--test-channel``. It looks and never edits: hands are real, they come from the X server.
Every command is answered by one line; ``{"event": "ready"}`` comes first, by itself.

==========================  =====================================================================================
command                     answer
==========================  =====================================================================================
``rect tag``                ``rect``: left, top, width, height of an item, in pixels; of a menu's start only
``picture``                 ``rect`` of the picture itself, ``zoom``, ``crisp``, ``fitted``
``exists tag``              ``exists``, and whether it is ``shown``
``clipboard``               ``text``
``title``                   ``title`` of the window
``value tag``               ``value``, ``enabled``
``settle n``                after ``n`` frames in a row in which no job and no render was going on
``pass n``                  after ``n`` frames, whatever goes on: while an animation plays, nothing settles
``state``                   ``state`` as in project files, ``step`` (label), ``steps``, ``model``, ``dirty``
``presentation``            ``pid`` of the second window's process, null while it is closed
``notices``                 ``texts`` of the notices that are shown
``resources``               what the process holds, after collecting garbage: ``rss_bytes``, ``heap_bytes`` that are in
                            use, ``objects`` of Python, ``gl`` (those of each kind), ``items`` of Dear PyGui,
                            ``threads``, ``files``
``front tag``               brings a docked panel's tab to the front
``frame path``              writes the bytes of the newest frame; ``shape``
``wipe path``               writes the bytes of the picture that is compared with; ``shape`` (null while there is none),
                            ``share`` and ``flipped`` of the line
``card path``               writes the bytes that the graphics card holds; ``shape``
``log``                     since the last ``log``: ``shown`` frames as ``[requested, finished, shown]`` and ``ticks``,
                            the times of all window frames, in seconds of `time.perf_counter`; ``work``: whenever it
                            changed, since when which ``[time, [jobs]]`` go on
``quit``                    closes the window
==========================  =====================================================================================
"""

import json
import queue
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.state.serialize import encode_state
from widgets.resources import measure
from widgets.texture import Pixels

if TYPE_CHECKING:
    from explorer.session import Frame
    from widgets.window import Window

__all__ = ["TestingChannel"]

Answer = dict[str, object]

_LOGGED = 20_000
_WINDOWS = ("mvAppItemType::mvWindowAppItem", "mvAppItemType::mvChildWindow")


class TestingChannel:
    """Obeys one command after each frame.

    Args:
        window: The window to look into.
        commands: One JSON object a line, with ``op`` and its arguments.
        answers: Where answers go.
    """

    def __init__(self, window: "Window", commands: IO[str], answers: IO[str]) -> None:
        self._window = window
        self._answers = answers
        self._commands: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self._settling: int | None = None
        self._settle = 0
        self._frame: Frame | None = None
        self._shown: list[tuple[float, float, float]] = []
        self._ticks: list[float] = []
        self._work: list[tuple[float, list[str]]] = []
        self._jobs: list[str] = []
        self._ready = False
        threading.Thread(target=self._listen, args=(commands,), name="test channel", daemon=True).start()

    def after_frame(self) -> None:
        """Note the time and answer what was asked."""
        self._note()
        if not self._ready:
            self._ready = True
            self._say({"event": "ready"})
        if self._settling is not None:
            session = self._window.session
            if self._settle and (session.is_rendering or session.jobs):
                self._settling = self._settle
                return
            self._settling -= 1
            if self._settling > 0:
                return
            self._settling = None
            self._say({"ok": True})
        if not self._commands.empty():
            self._obey(self._commands.get())

    @property
    def hurries(self) -> bool:
        """Whether the next frame is wanted at once: only frames are waited for, nothing is being computed."""
        return self._settling is not None and not self._window.session.is_rendering

    def _listen(self, commands: IO[str]) -> None:
        for line in commands:
            self._commands.put(json.loads(line))
        # Whoever started the app is gone.
        self._commands.put({"op": "quit"})

    def _note(self) -> None:
        now_s = time.perf_counter()
        self._ticks.append(now_s)
        jobs = [job.name for job in self._window.session.jobs]
        if jobs != self._jobs:
            self._jobs = jobs
            self._work.append((now_s, jobs))
        del self._ticks[:-_LOGGED], self._shown[:-_LOGGED], self._work[:-_LOGGED]
        frame = self._window.frame
        if frame is not None and frame is not self._frame:
            self._frame = frame
            self._shown.append((frame.timings.requested_s, frame.timings.finished_s, now_s))

    def _say(self, answer: Answer) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    def _obey(self, command: dict[str, object]) -> None:
        op, tag = str(command["op"]), command.get("tag")
        if op == "quit":
            dpg.stop_dearpygui()
        elif op == "settle":
            self._settling = self._settle = int(str(command["n"]))
            return
        elif op == "pass":
            self._settling, self._settle = int(str(command["n"])), 0
            return
        self._say(self._answer(op, tag if isinstance(tag, int | str) else "", Path(str(command.get("path", "")))))

    def _answer(self, op: str, tag: int | str, path: Path) -> Answer:
        window = self._window
        if op == "exists":
            exists = bool(dpg.does_item_exist(tag))
            return {"exists": exists, "shown": exists and bool(dpg.is_item_shown(tag))}
        if tag and not dpg.does_item_exist(tag):
            return {"error": f"there is no item {tag!r}"}
        match op:
            case "rect":
                return {"rect": _rect(tag)}
            case "picture":
                rect = window.picture.rect_on_screen()
                picture = window.picture
                return {"rect": rect, "zoom": picture.zoom, "crisp": picture.is_crisp, "fitted": picture.is_fitted}
            case "value":
                return {"value": dpg.get_value(tag), "enabled": dpg.is_item_enabled(tag)}
            case "state":
                return self._state()
            case "presentation":
                return {"pid": window.second.pid}
            case "notices":
                return {"texts": window.toasts.texts}
            case "resources":
                return measure()
            case "clipboard":
                return {"text": dpg.get_clipboard_text()}
            case "title":
                return {"title": dpg.get_viewport_title()}
            case "front":
                dpg.focus_item(tag)
                return {"ok": True}
            case "frame":
                pixels = window.picture.pixels
                return self._write(path, pixels)
            case "wipe":
                wipe = window.wipe
                return {**self._write(path, wipe.pixels), "share": wipe.share, "flipped": wipe.is_flipped}
            case "card":
                return self._write(path, window.picture.read_back() if window.picture.pixels is not None else None)
            case "log":
                answer: Answer = {"shown": self._shown, "ticks": self._ticks, "work": self._work}
                self._shown, self._ticks, self._work = [], [], [(time.perf_counter(), self._jobs)]
                return answer
            case "quit":
                return {"ok": True}
        return {"error": f"unknown command {op!r}"}

    def _state(self) -> Answer:
        session = self._window.session
        return {
            "state": encode_state(session.state),
            "step": session.history.current.label,
            "steps": len(session.history.nodes),
            "model": session.model_name,
            "dirty": session.is_dirty,
        }

    def _write(self, path: Path, pixels: Pixels | None) -> Answer:
        if pixels is None:
            return {"shape": None}
        path.write_bytes(pixels.tobytes())
        return {"shape": list(pixels.shape)}


def _rect(tag: int | str) -> list[float]:
    """Left, top, width and height on screen."""
    state = dpg.get_item_state(tag)
    if "rect_min" in state:
        return [*state["rect_min"], *state["rect_size"]]
    if dpg.get_item_type(tag) in _WINDOWS:
        left, top = state["pos"]
        window = _window_around(tag)
        if window is not None:
            # Places inside a window count from its corner as if nothing were scrolled.
            x, y, _, _ = _rect(window)
            left, top = left + x - dpg.get_x_scroll(window), top + y - dpg.get_y_scroll(window)
        return [left, top, *state["rect_size"]]
    # Menus know only where they start, and their items that within the list that hangs below the bar.
    line = float(dpg.get_item_rect_size("status_model")[1])
    x, y = state["pos"]
    if dpg.get_item_type(tag) == "mvAppItemType::mvMenuItem":
        menu_x, menu_y = dpg.get_item_pos(dpg.get_item_parent(tag))
        x, y = x + menu_x, y + menu_y + line + 2 * (line / 3)
    return [x, y, 2 * line, line]


def _window_around(tag: int | str) -> int | str | None:
    """The window, docked or within another one, that an item is in; ``None`` for a window itself."""
    above = dpg.get_item_parent(tag)
    while above and dpg.get_item_type(above) not in _WINDOWS:
        above = dpg.get_item_parent(above)
    return above or None
