"""Models on other machines: what an address means, and fetching it once into a cache. Names are loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.remote.address import Address, parse_address
    from explorer.remote.cache import cached_by_hash, downloaded
    from explorer.remote.fetching import Progress, fetch
    from explorer.remote.kept import Kept, installed_folder, kept_models

__all__ = [
    "Address",
    "Kept",
    "Progress",
    "cached_by_hash",
    "downloaded",
    "fetch",
    "installed_folder",
    "kept_models",
    "parse_address",
]

_HOME = {
    "Address": "address",
    "Kept": "kept",
    "Progress": "fetching",
    "cached_by_hash": "cache",
    "downloaded": "cache",
    "fetch": "fetching",
    "installed_folder": "kept",
    "kept_models": "kept",
    "parse_address": "address",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer.remote' has no attribute {name!r}")
    return getattr(import_module(f"explorer.remote.{_HOME[name]}"), name)
