"""Asking a server: redirects followed by hand, bytes as they come, and every failure in words.

Only http and https are spoken, a redirect never leads from https to http, and nothing is unpacked on the way.
"""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urljoin, urlsplit

import httpx

from explorer.errors import CheckpointError

__all__ = ["FAULTS", "Answer", "ask", "client", "in_words"]

MAX_REDIRECTS = 5
CONNECT_S, READ_S = 8.0, 20.0
_LOOK_S = 0.2
FAULTS = (httpx.TransportError, httpx.StreamError)

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    response: httpx.Response
    """Open; `httpx.Response.iter_raw` gives its bytes."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """Headers of the redirects on the way, lower case; the hub tells a file's hash and size there."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def etag(self) -> str:
        """The server's name for this version of the file; empty where it has none that is strict."""
        tag = self.response.headers.get("etag", "")
        return "" if tag.startswith("W/") else tag[:200]

    @property
    def length(self) -> int | None:
        """Bytes that follow, as far as the server says."""
        text = self.response.headers.get("content-length", "")
        return int(text) if re.fullmatch(r"\d{1,18}", text) else None

    @property
    def sha256(self) -> str | None:
        """The hash that the hub knows the file by."""
        tag = self.seen.get("x-linked-etag", "").strip('"').lower()
        return tag if re.fullmatch(r"[0-9a-f]{64}", tag) else None


def client() -> httpx.Client:
    """A connection pool with bounded waits; proxies are the environment's."""
    from importlib.metadata import version

    return httpx.Client(
        follow_redirects=False,
        verify=_trusted(),
        timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
        # Packed bytes could unpack to any length, and could not be resumed.
        headers={"accept-encoding": "identity", "user-agent": f"latent-explorer/{version('latent-explorer')}"},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; reading them takes a while."""
    return httpx.create_ssl_context()


@contextmanager
def ask(
    connection: httpx.Client,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Answer]:
    """Ask for a file, through at most `MAX_REDIRECTS` redirects. Once `cancelled`, the bytes end with an error.

    Raises:
        CheckpointError: A redirect leads nowhere, round in circles, or to another kind of address.
        httpx.TransportError: The server could not be reached, or broke off.
    """
    seen: dict[str, str] = {}
    for _ in range(MAX_REDIRECTS + 1):
        try:
            response = connection.send(connection.build_request("GET", url, headers=dict(headers or {})), stream=True)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise CheckpointError(f"{urlsplit(url).hostname} leads to what is no web address: {error}") from error
        try:
            if response.status_code not in _REDIRECTS:
                with _ended_when(cancelled, response):
                    yield Answer(response, seen)
                return
            seen |= {key: value for key, value in response.headers.items() if key.startswith("x-linked-")}
            url = _next(url, response.headers.get("location", ""))
        finally:
            response.close()
    raise CheckpointError(f"{urlsplit(url).hostname} leads from one address to the next without end: refused")


@contextmanager
def _ended_when(cancelled: Callable[[], bool], response: httpx.Response) -> Iterator[None]:
    """Wake whoever waits for bytes of a server that sends none."""
    ended = threading.Event()
    stream = response.extensions.get("network_stream")
    line = stream.get_extra_info("socket") if stream is not None else None

    def watch() -> None:
        while not ended.wait(_LOOK_S):
            if cancelled():
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
                return

    watcher = threading.Thread(target=watch, name="download watch", daemon=True)
    if line is not None:
        watcher.start()
    try:
        yield
    finally:
        ended.set()
        if line is not None:
            watcher.join()


def _next(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
    except ValueError:
        parts, target = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname or not location:
        raise CheckpointError(f"{urlsplit(url).hostname} leads to {location[:80]!r}, which is no web address: refused")
    if urlsplit(url).scheme == "https" and parts.scheme == "http":
        raise CheckpointError(
            f"{urlsplit(url).hostname} leads from https to http, where anybody may change the file: refused"
        )
    return target


def in_words(error: Exception) -> str:
    """What went wrong on the way, for a person."""
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({str(error)[:120] or 'refused'})"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy refused ({str(error)[:120]})"
    return (str(error) or type(error).__name__).splitlines()[0][:160]
