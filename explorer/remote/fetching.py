"""Fetching a file once: resumed where it broke off, checked, and renamed when it is whole.

A file on its way lies under another name with the server's name for its version beside it, so that a later try asks
for the rest of the same version only. What is longer than promised or allowed, or has another hash, is dropped.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import Cancelled, CheckpointError
from explorer.project.locking import try_lock
from explorer.remote.address import Address
from explorer.remote.cache import Known, Slot, slot_of

if TYPE_CHECKING:
    import httpx

    from explorer.remote.transport import Answer

__all__ = ["MAX_BYTES", "Progress", "fetch"]

MAX_BYTES = 16 << 30
# Tries in a row that bring nothing new.
MAX_FRUITLESS = 2
_CHUNK_BYTES = 1 << 20
# Left on the disk for everything else.
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is."""

    done: int
    """Bytes that are here."""
    total: int | None
    """Of so many; ``None`` where the server does not say."""

    @property
    def share(self) -> float | None:
        """0 to 1; ``None`` where it is not known."""
        return min(self.done / self.total, 1.0) if self.total else None


Told = Callable[[Progress], None]


def fetch(
    address: Address,
    *,
    folder: Path | None = None,
    progress: Told = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
    most_bytes: int = MAX_BYTES,
) -> Path:
    """The file of an address on this machine: from the cache, or fetched into it.

    A file that is in the cache is asked for again only in the sense that the server may say it changed; when the
    server cannot be reached, or the address names a hash, the one in the cache serves.

    Args:
        address: From `parse_address`; a repository without a file stands for its one model.
        folder: The cache; the platform's when ``None``.
        progress: Told now and then, from this thread.
        cancelled: Asked now and then.
        most_bytes: A larger file is refused.

    Raises:
        CheckpointError: The server cannot be reached or refuses, the file is too large, breaks off, or has another
            hash than it should.
        Cancelled: `cancelled` said so; what came so far stays for the next try.
    """
    from explorer.remote.transport import client

    with client() as connection:
        if not address.url:
            from explorer.remote.hub import only_model

            address = only_model(connection, address)
        slot = slot_of(address, folder)
        known = slot.known()
        if known is not None and address.sha256 == known.sha256:
            return slot.whole
        try:
            slot.folder.mkdir(parents=True, exist_ok=True)
            with open(slot.folder / "lock", "ab") as lock:
                if not try_lock(lock):
                    raise CheckpointError(f"{address.shown} is being downloaded by another window: wait until it is")
                return _Download(connection, address, slot, progress, cancelled, most_bytes).run()
        except OSError as error:
            raise CheckpointError(
                f"{address.shown} cannot be kept in {slot.folder} ({error.strerror or error}): free space there"
            ) from error


@dataclass(slots=True)
class _Download:
    """One file on its way."""

    connection: "httpx.Client"
    address: Address
    slot: Slot
    progress: Told
    cancelled: Callable[[], bool]
    most_bytes: int

    def run(self) -> Path:
        """Ask, again while that brings something new, and put the whole file in its place."""
        from explorer.remote.transport import FAULTS, in_words

        fruitless = 0
        while True:
            before = self._here()
            try:
                expected = self._ask()
                break
            except FAULTS as error:
                if self.cancelled():
                    raise Cancelled(f"the download of {self.address.shown} was given up") from error
                if (kept := self._kept_alone(error)) is not None:
                    return kept
                fruitless = 0 if self._here() > before else fruitless + 1
                if fruitless == MAX_FRUITLESS:
                    raise CheckpointError(self._broken_off(in_words(error))) from error
        return self.slot.whole if expected is None else self._finish(expected)

    def _here(self) -> int:
        """Bytes on their way that are of a version that can be asked for again."""
        if not Known.read(self.slot.about_part).etag:
            return 0
        return self.slot.part.stat().st_size if self.slot.part.exists() else 0

    def _kept_alone(self, error: Exception) -> Path | None:
        """What is in the cache, where the server does not answer at all."""
        import httpx

        return self.slot.whole if isinstance(error, httpx.ConnectError) and self.slot.known() is not None else None

    def _broken_off(self, why: str) -> str:
        here = self._here()
        if here:
            return f"{self.address.shown} broke off after {_size(here)}: {why}. Open it again to go on from there"
        return f"{self.address.shown} cannot be fetched: {why}. Check the address and the connection"

    def _ask(self) -> Known | None:
        """Fetch what is missing; what the server says of the whole file, or ``None`` where the cache has it.

        Raises:
            httpx.TransportError: The connection failed or broke off.
        """
        from explorer.remote.transport import ask

        known, on_its_way, here = self.slot.known(), Known.read(self.slot.about_part), self._here()
        if 0 < here == on_its_way.size:
            return on_its_way
        headers = {}
        if here:
            headers = {"range": f"bytes={here}-", "if-range": on_its_way.etag}
        elif known is not None and known.etag:
            headers = {"if-none-match": known.etag}
        with ask(self.connection, self.address.url, headers, cancelled=self.cancelled) as answer:
            if answer.status == 304 and known is not None:
                return None
            if answer.status == 416 and here:
                # The part is not of this file any more.
                self.slot.drop_part()
                return self._ask()
            _refuse_status(answer, self.address)
            start = here if answer.status == 206 else 0
            return self._receive(answer, start, on_its_way)

    def _receive(self, answer: "Answer", start: int, before: Known) -> Known | None:
        length = answer.length
        total = None if length is None else start + length
        if answer.status == 206:
            total = _total_of_range(answer, start, self.address)
        elif (known := self.slot.known()) is not None and known.sha256 == answer.sha256:
            return None
        if self.address.sha256 and answer.sha256 and self.address.sha256 != answer.sha256:
            raise CheckpointError(f"{self.address.shown} is not the file with the hash {self.address.sha256[:12]}…")
        self._refuse_size(total, start)
        sha256 = answer.sha256 or before.sha256 if start else answer.sha256
        etag = before.etag if start else answer.etag
        about = Known(self.address.shown, etag, total or 0, sha256 or "")
        about.write(self.slot.about_part)
        done = start
        with open(self.slot.part, "r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            self.progress(Progress(done, total))
            for chunk in answer.response.iter_raw():
                if self.cancelled():
                    raise Cancelled(f"the download of {self.address.shown} was given up")
                done += len(chunk)
                if done > (self.most_bytes if total is None else total):
                    file.close()
                    self.slot.drop_part()
                    raise CheckpointError(
                        f"{self.address.shown} goes on after {_size(total or self.most_bytes)}, where it should end: "
                        "refused"
                    )
                file.write(chunk)
                self.progress(Progress(done, total))
            file.flush()
            os.fsync(file.fileno())
        if total is not None and done < total:
            raise _broken(f"{_size(done)} of {_size(total)} came")
        return replace(about, size=done)

    def _refuse_size(self, total: int | None, start: int) -> None:
        if total is not None and total > self.most_bytes:
            self.slot.drop_part()
            raise CheckpointError(
                f"{self.address.shown} has {_size(total)}, and at most {_size(self.most_bytes)} are fetched"
            )
        free = shutil.disk_usage(self.slot.folder).free
        if total is not None and total - start > free - _SPARE_BYTES:
            raise CheckpointError(
                f"{self.address.shown} needs {_size(total - start)} more in {self.slot.folder}, and {_size(free)} are "
                "free: free space there"
            )

    def _finish(self, about: Known) -> Path:
        sha256 = _hash_of(self.slot.part, self.cancelled)
        for wanted in (self.address.sha256, about.sha256):
            if wanted and wanted != sha256:
                self.slot.drop_part()
                raise CheckpointError(
                    f"{self.address.shown} came damaged, or is another file than it should be: its sha256 is "
                    f"{sha256[:12]}… and should be {wanted[:12]}…. It was removed"
                )
        self.slot.about.unlink(missing_ok=True)
        os.replace(self.slot.part, self.slot.whole)
        replace(about, size=self.slot.whole.stat().st_size, sha256=sha256).write(self.slot.about)
        self.slot.about_part.unlink(missing_ok=True)
        return self.slot.whole


def _broken(why: str) -> Exception:
    import httpx

    return httpx.RemoteProtocolError(why)


def _refuse_status(answer: "Answer", address: Address) -> None:
    if answer.status in (200, 206):
        return
    why = {
        401: "it asks for an account: download the file in a browser, and open it from there",
        403: "it asks for an account, or refuses: download the file in a browser, and open it from there",
        404: "there is no such file: check the address",
        410: "the file was taken down",
        429: "it was asked too often: wait a while",
    }.get(answer.status, f"it answered {answer.status}: try again later")
    raise CheckpointError(f"{address.shown} cannot be fetched: {why}")


def _total_of_range(answer: "Answer", start: int, address: Address) -> int | None:
    """The whole file's length, out of ``bytes START-STOP/TOTAL``."""
    unit, _, rest = answer.response.headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    if unit != "bytes" or span.partition("-")[0] != str(start):
        raise CheckpointError(f"{address.shown} answers with another part of the file than was asked for: refused")
    return int(total) if total.isascii() and total.isdigit() and len(total) <= 18 else None


def _hash_of(path: Path, cancelled: Callable[[], bool]) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if cancelled():
                raise Cancelled("the download was given up")
            digest.update(chunk)
    return digest.hexdigest()


def _size(count: int) -> str:
    """Bytes in the unit that a person reads."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024  # type: ignore[assignment]
    return f"{count:.1f} GiB"
