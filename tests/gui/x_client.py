"""What other programs on the desktop do to a window: its frame's close button, a file dropped from elsewhere."""

from pathlib import Path
from urllib.parse import quote

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import BadWindow
from Xlib.protocol import event
from Xlib.xobject.drawable import Window

__all__ = ["close_window", "drop_files"]

_XDND_VERSION = 5
_PATIENCE = 200


def close_window(display: str, pid: int, *, missing_ok: bool = False) -> None:
    """Ask the window of a process to close, as a window manager does."""
    connection = Display(display)
    window = _find_window(connection, pid)
    if window is None and not missing_ok:
        raise _no_window(connection, pid)
    if window is not None:
        _send(connection, window, "WM_PROTOCOLS", [connection.intern_atom("WM_DELETE_WINDOW"), X.CurrentTime, 0, 0, 0])
    connection.close()


def drop_files(display: str, pid: int, paths: list[Path]) -> None:
    """Drop files on the window of a process by the XDND protocol, version 5; returns when it took them."""
    connection = Display(display)
    screen = connection.screen()
    source = screen.root.create_window(0, 0, 1, 1, 0, screen.root_depth)
    target = _window_of(connection, pid)
    selection, uris = connection.intern_atom("XdndSelection"), connection.intern_atom("text/uri-list")
    source.set_selection_owner(selection, X.CurrentTime)
    action = connection.intern_atom("XdndActionCopy")
    _send(connection, target, "XdndEnter", [source.id, _XDND_VERSION << 24, uris, 0, 0])
    _send(connection, target, "XdndPosition", [source.id, 0, 300 << 16 | 300, X.CurrentTime, action])
    _wait_for(connection, "XdndStatus")
    _send(connection, target, "XdndDrop", [source.id, 0, X.CurrentTime, 0, 0])
    request = _wait_for(connection, None)
    listed = "".join(f"file://{quote(str(path))}\r\n" for path in paths).encode()
    request.requestor.change_property(request.property, request.target, 8, listed)
    answer = event.SelectionNotify(
        time=request.time,
        requestor=request.requestor,
        selection=request.selection,
        target=request.target,
        property=request.property,
    )
    request.requestor.send_event(answer)
    # Answered only when it was taken in: what is sent just before closing a connection may be lost.
    connection.sync()
    _wait_for(connection, "XdndFinished")
    connection.close()


def _window_of(connection: Display, pid: int) -> Window:
    window = _find_window(connection, pid)
    if window is None:
        raise _no_window(connection, pid)
    return window


def _no_window(connection: Display, pid: int) -> AssertionError:
    return AssertionError(f"no window of the process {pid} is on {connection.get_display_name()}")


def _find_window(connection: Display, pid: int) -> Window | None:
    property = connection.intern_atom("_NET_WM_PID")
    for window in connection.screen().root.query_tree().children:
        try:
            found = window.get_full_property(property, Xatom.CARDINAL)
            if found is not None and found.value[0] == pid and window.get_attributes().map_state == X.IsViewable:
                return window
        except BadWindow:
            # It went since the list was made, as tooltips and closing windows do.
            continue
    return None


def _send(connection: Display, window: Window, kind: str, numbers: list[int]) -> None:
    message = event.ClientMessage(window=window, client_type=connection.intern_atom(kind), data=(32, numbers))
    window.send_event(message)
    # Answered only when it was taken in: what is sent just before closing a connection may be lost.
    connection.sync()


def _wait_for(connection: Display, kind: str | None) -> event.SelectionRequest:
    """The next message of a kind, or request for what is dropped; others are passed over."""
    for _ in range(_PATIENCE):
        arrived = connection.next_event()
        if kind is None and arrived.type == X.SelectionRequest:
            return arrived
        if arrived.type == X.ClientMessage and arrived.client_type == connection.intern_atom(kind or "NONE"):
            return arrived
    raise AssertionError(f"the window does not answer with {kind or 'a request'}")
