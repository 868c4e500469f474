"""A server on this machine whose answers are told beforehand; it counts what it is asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Page:
    """What is at one path."""

    content: bytes = b""
    etag: str | None = '"1"'
    stop_after: int | None = None
    """Close the connection after so many bytes of the body, once."""
    length: int | str | None = "true"
    """What Content-Length says; ``None`` says nothing."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    ranges: bool = True
    wrong_range: bool = False
    gate: threading.Event | None = None
    """Half of the body waits for it."""


class Server:
    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def page(self, path: str, content: bytes = b"", **options: Any) -> str:
        self.pages[path] = Page(content, **options)
        return self.url + path


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            server.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
            page = server.pages.get(self.path.partition("?")[0], Page(status=404, etag=None))
            answer(self, page)
            self.close_connection = True

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=lambda: httpd.serve_forever(poll_interval=0.01))
    thread.start()
    server.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def answer(handler: BaseHTTPRequestHandler, page: Page) -> None:
    start, status = _start(handler.headers, page)
    handler.send_response(status)
    if page.etag:
        handler.send_header("ETag", page.etag)
    for name, value in page.headers.items():
        handler.send_header(name, value)
    body = page.content[start:] if status in (200, 206) else b""
    if status == 206:
        shown = start + 1 if page.wrong_range else start
        handler.send_header("Content-Range", f"bytes {shown}-{len(page.content) - 1}/{len(page.content)}")
    if page.length is not None:
        handler.send_header("Content-Length", str(len(body) if page.length == "true" else page.length))
    else:
        handler.send_header("Connection", "close")
    handler.end_headers()
    _body(handler.wfile.write, page, body)


def _start(headers: Any, page: Page) -> tuple[int, int]:
    if page.status != 200:
        return 0, page.status
    if page.etag and headers.get("If-None-Match") == page.etag:
        return 0, 304
    wanted = headers.get("Range", "")
    if not wanted.startswith("bytes=") or not page.ranges or headers.get("If-Range") != page.etag:
        return 0, 200
    start = int(wanted.removeprefix("bytes=").rstrip("-"))
    return (start, 206) if start < len(page.content) else (0, 416)


def _body(write: Callable[[bytes], object], page: Page, body: bytes) -> None:
    try:
        if page.endless:
            while True:
                write(b"\0" * 65536)
        if page.stop_after is not None:
            body, page.stop_after = body[: page.stop_after], None
        if page.gate is not None:
            write(body[: len(body) // 2])
            page.gate.wait()
            body = body[len(body) // 2 :]
        write(body)
    except OSError:
        pass  # The other side has heard enough.
