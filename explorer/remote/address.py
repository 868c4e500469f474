"""What a person means by an address: a file on the web, or a repository of the Hugging Face hub.

``https://host/path/model.pkl``, ``http://...``, ``hf://owner/name/path/in/repository``, ``hf://owner/name`` and plain
``owner/name``, the last two for the one model of a repository. ``@revision`` may stand behind the name, and
``#sha256=HEX`` at the end of any of them: what comes must then have that hash.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from explorer.errors import CheckpointError

__all__ = ["Address", "hub_endpoint", "parse_address"]

HUB = "https://huggingface.co"
# As huggingface_hub names it, for mirrors.
HUB_VARIABLE = "HF_ENDPOINT"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_HASH = re.compile(r"sha256=([0-9a-fA-F]{64})")
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPOSITORY = re.compile(rf"({_PART}/{_PART})(?:@([A-Za-z0-9._-]{{1,100}}))?")
# A name that ends like this is a file of this machine that is not there, not a repository.
_FILE_ENDINGS = {
    ".pkl", ".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".onnx", ".xml", ".latent", ".png", ".jpg", ".zip",
}  # fmt: skip
MAX_ADDRESS = 4096


@dataclass(frozen=True, slots=True)
class Address:
    """One file on another machine."""

    url: str
    """Where it is fetched from; empty while the file of a repository is still to be chosen."""
    name: str
    """The file's name, or the repository's while no file is chosen."""
    sha256: str | None = None
    """The hash that it must have, 64 lower-case hexadecimal digits; ``None`` where nobody said."""
    repository: str = ""
    """``owner/name`` on the hub."""
    revision: str = "main"
    """Branch, tag or commit of the repository."""

    @property
    def shown(self) -> str:
        """The address for a person and for files, without what may be secret in it: a password, a query."""
        if not self.url:
            return f"hf://{self.repository}"
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def file(self, path: str) -> "Address":
        """A file of this repository.

        Raises:
            CheckpointError: The path leaves the repository.
        """
        parts = path.split("/")
        if not path or any(part in ("", ".", "..") for part in parts) or "\\" in path:
            raise CheckpointError(f"{path[:80]!r} is no file of the repository {self.repository}: check the address")
        url = f"{hub_endpoint()}/{self.repository}/resolve/{quote(self.revision, safe='')}/{quote(path)}"
        return Address(url, parts[-1], self.sha256, self.repository, self.revision)


def hub_endpoint() -> str:
    """The hub, or the mirror that the environment names."""
    return (os.environ.get(HUB_VARIABLE) or HUB).rstrip("/")


def parse_address(text: str) -> Address | None:
    """What a person means, or ``None`` where it is a path on this machine.

    Raises:
        CheckpointError: It is an address of a kind that is not fetched, or incomplete.
    """
    text = text.strip()
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _plain_repository(text)
    if len(text) > MAX_ADDRESS or any(ord(letter) < 32 for letter in text):
        raise CheckpointError("this address is too long, or holds control characters: check it")
    where, _, fragment = text.partition("#")
    sha256 = _hash(fragment) if fragment else None
    kind = scheme[1].lower()
    if kind == "hf":
        return _hub(where.removeprefix(scheme[0]), sha256)
    if kind not in ("http", "https"):
        raise CheckpointError(f"{kind}:// cannot be opened: give an address that starts with https:// or hf://")
    try:
        parts = urlsplit(where)
        host = parts.hostname
    except ValueError as error:
        raise CheckpointError(f"this is no address: {error}") from None
    if not host:
        raise CheckpointError(f"{where[:80]!r} names no machine: an address reads https://machine/path/model.pkl")
    return Address(where, _file_name(parts.path), sha256)


def _hash(fragment: str) -> str:
    match = _HASH.fullmatch(fragment)
    if match is None:
        raise CheckpointError("behind # an address can only have sha256= and 64 hexadecimal digits")
    return match[1].lower()


def _plain_repository(text: str) -> Address | None:
    match = _REPOSITORY.fullmatch(text)
    if match is None or Path(text).suffix.lower() in _FILE_ENDINGS:
        return None
    # A folder of that name, or one that it would lie in: a person means this machine.
    if os.path.exists(text) or os.path.exists(text.partition("/")[0]):
        return None
    return Address("", match[1].rpartition("/")[2], None, match[1], match[2] or "main")


def _hub(rest: str, sha256: str | None) -> Address:
    pieces = rest.strip("/").split("/", 2)
    match = _REPOSITORY.fullmatch("/".join(pieces[:2]))
    if match is None:
        raise CheckpointError(
            f"'hf://{rest[:80]}' names no repository: it reads hf://owner/name/file, or hf://owner/name"
        )
    repository = Address("", match[1].rpartition("/")[2], sha256, match[1], match[2] or "main")
    return repository.file(pieces[2]) if len(pieces) == 3 else repository


def _file_name(path: str) -> str:
    """The last part of a path as a plain name that every file system takes."""
    name = re.sub(r"[^A-Za-z0-9._ ()+-]", "_", unquote(path.rstrip("/").rpartition("/")[2]))
    name = name.strip(". ")[-120:] or "model"
    # Names that the cache uses itself.
    return f"model-{name}" if name in ("about.json", "part.json", "lock") or name.endswith(".part") else name
