"""Which public models are on this machine already: fetched whole, begun, or installed as a package."""

import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from explorer.errors import CheckpointError
from explorer.project import KnownModel
from explorer.remote.address import parse_address
from explorer.remote.cache import downloaded, slot_of

__all__ = ["Kept", "installed_folder", "kept_models"]

Kept = Literal["here", "begun", ""]

_PACKAGE = re.compile(r"pip:([A-Za-z0-9_-]+)")


def kept_models(models: Iterable[KnownModel], folder: Path | None = None) -> dict[str, Kept]:
    """How much of each model is here, by its address. Asks nobody.

    Args:
        models: From `explorer.project.known_models`.
        folder: The cache; the platform's when ``None``.
    """
    urls = tuple(known.url for known in downloaded(folder).values())
    return {model.address: _kept(model, urls, folder) for model in models}


def installed_folder(model: KnownModel) -> Path | None:
    """Where the package that holds a model lies; ``None`` where it is not installed, or the model is no package."""
    if model.opens:
        return None
    package = _PACKAGE.fullmatch(model.address)
    if package is None:
        return None
    try:
        # Found, not imported: nothing of the package runs. With a dot in its name, the part before that would.
        found = find_spec(package[1].replace("-", "_"))
    except ValueError:
        # Such as __main__, which is a module without a place.
        return None
    places = () if found is None else tuple(found.submodule_search_locations or ())
    return Path(places[0]) if places else None


def _kept(model: KnownModel, urls: tuple[str, ...], folder: Path | None) -> Kept:
    if not model.opens:
        return "here" if installed_folder(model) is not None else ""
    try:
        address = parse_address(model.address)
    except CheckpointError:
        return ""
    if address is None:
        return ""
    if address.url:
        slot = slot_of(address, folder)
        return "here" if slot.known() is not None else "begun" if slot.part.exists() else ""
    # Of a repository, any file will do: its one model.
    return "here" if any(f"/{address.repository}/resolve/" in url for url in urls) else ""
