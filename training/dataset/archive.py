"""A zip that is written picture by picture, survives being killed, and takes its name when it is whole.

Beside the target lie ``.NAME.partial``, which grows, and ``.NAME.journal``, a JSON line a picture. After a kill the
journal is believed as far as the pictures that it names are whole in the file.
"""

import json
import os
import struct
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

from explorer.errors import DatasetError
from explorer.project.atomic import write_atomically

__all__ = ["GrowingZip", "Record"]

Record = dict[str, Any]
"""What the journal holds of a picture; ``members`` are its files in the zip."""

_LOCAL = struct.Struct("<4s5H3I2H")
_SIGNATURE = b"PK\x03\x04"
_DATE = (1980, 1, 1, 0, 0, 0)


class GrowingZip:
    """A zip of stored files; `records` are those of an earlier, unfinished try.

    Args:
        target: The name that it takes in the end.
        fingerprint: Of source and options: with another one nothing is taken over.
    """

    def __init__(self, target: Path, fingerprint: str) -> None:
        self.target = target
        self.partial = target.with_name(f".{target.name}.partial")
        self.journal_path = target.with_name(f".{target.name}.journal")
        self.records: list[Record] = []
        infos, end = self._recover(fingerprint)
        lines = [json.dumps({"fingerprint": fingerprint}), *(json.dumps(record) for record in self.records)]
        write_atomically(self.journal_path, ("\n".join(lines) + "\n").encode())
        self._file = open(self.partial, "r+b" if end else "w+b")  # noqa: SIM115 - closed in `close`
        self._file.truncate(end)
        self._file.seek(end)
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)
        self._zip.filelist.extend(infos)
        self._zip.NameToInfo.update({info.filename: info for info in infos})
        self._journal = open(self.journal_path, "a", encoding="utf-8")  # noqa: SIM115 - closed in `close`

    def __enter__(self) -> "GrowingZip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, record: Record, contents: list[bytes]) -> None:
        """Append the files of one picture, and what is known of it."""
        for name, content in zip(record["members"], contents, strict=True):
            self._write(name, content)
        self._file.flush()
        self._journal.write(json.dumps(record) + "\n")
        self._journal.flush()

    def finish(self, description: bytes) -> None:
        """Add ``dataset.json``, force everything to disk and take the name."""
        self._write("dataset.json", description)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        self.partial.replace(self.target)
        self.journal_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the files; what is not finished stays for the next try."""
        # Without its directory, which only `finish` writes: the next try reads the pictures one by one.
        self._zip.fp = None
        for file in (self._file, self._journal):
            try:
                file.close()
            except OSError:
                # Of a full disk, once more: what did not arrive is missing from the journal too.
                continue

    def _write(self, name: str, content: bytes) -> None:
        info = zipfile.ZipInfo(name, _DATE)
        info.external_attr = 0o644 << 16
        self._zip.writestr(info, content)

    def _recover(self, fingerprint: str) -> tuple[list[zipfile.ZipInfo], int]:
        """The whole pictures of an earlier try with the same fingerprint, and where they end."""
        if not (self.partial.exists() and self.journal_path.exists()):
            return [], 0
        lines = _journal_lines(self.journal_path)
        if not lines or lines[0].get("fingerprint") != fingerprint:
            return [], 0
        whole = _whole_members(self.partial)
        infos: list[zipfile.ZipInfo] = []
        end = 0
        for record in lines[1:]:
            names = record.get("members")
            if not isinstance(names, list) or any(name not in whole for name in names):
                break
            self.records.append(record)
            for name in names:
                info, end = whole[name]
                infos.append(info)
        return infos, end


def _journal_lines(path: Path) -> list[Record]:
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            # The last line, cut short.
            break
        if not isinstance(line, dict):
            break
        lines.append(line)
    return lines


def _whole_members(path: Path) -> dict[str, tuple[zipfile.ZipInfo, int]]:
    """Files of an unfinished zip whose checksum is right, and where each ends."""
    found: dict[str, tuple[zipfile.ZipInfo, int]] = {}
    with open(path, "rb") as file:
        while len(head := file.read(_LOCAL.size)) == _LOCAL.size:
            start = file.tell() - _LOCAL.size
            signature, _, flags, _, _, _, crc, size, _, name_size, extra_size = _LOCAL.unpack(head)
            if signature != _SIGNATURE:
                break
            name = file.read(name_size).decode("ascii", errors="replace")
            file.seek(extra_size, os.SEEK_CUR)
            content = file.read(size)
            if len(content) != size or zlib.crc32(content) != crc:
                break
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr, info.header_offset, info.flag_bits = 0o644 << 16, start, flags
            info.CRC, info.file_size, info.compress_size = crc, size, size
            found[name] = (info, file.tell())
    return found


def no_room(error: OSError, target: Path) -> DatasetError:
    """What to say when the disk is full."""
    return DatasetError(
        f"there is no room for {target.name} in {target.parent} ({error.strerror}): free some and give the same "
        "command again, it goes on where it stopped"
    )
