"""``python -m training.export RUN OUT.safetensors``: the averaged generator of the newest snapshot, with its card."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer.checkpoints import CheckpointParts, open_checkpoint, save_checkpoint
from explorer.errors import CheckpointError, ExplorerError
from training.config import TrainingConfig
from training.data import TrainingSet, open_training_set
from training.grid import sample
from training.metrics.embedding import open_embedder
from training.metrics.measure import Counts, compare
from training.metrics.measure import measure as measure_model
from training.metrics.pixels import pixel_kid
from training.snapshot import newest_snapshot, snapshot_config

__all__ = ["card_markdown", "export", "main"]

METRIC_SEEDS = range(100_000, 100_500)
METRIC_NAME = "KID x 1000 (pixels at 16 x 16, held-out pictures)"
MOVES = 50
"""Samples of EQ-T and EQ-R."""


def export(
    source: Path,
    target: Path,
    *,
    card: Mapping[str, object],
    pictures: TrainingSet | None = None,
    features: bool = True,
    measured: Sequence[Path] = (),
    beside: Sequence[Path] = (),
) -> dict[str, object]:
    """Write a snapshot's averaged generator in half precision, and its card as Markdown beside it.

    What only training needs is left out.

    Args:
        source: A run's folder, or one of its snapshots.
        target: The file to write.
        card: Further entries of the card: ``name``, ``licence``, ``limits``, ...
        pictures: The data set of the run. Where it is given, generated pictures are compared with those held out.
        features: Also look through EfficientNet-lite0, and measure EQ-T and EQ-R.
        measured: What ``main.py metrics --json`` printed about this very snapshot: goes into the card's metrics.
        beside: The same about other models, to compare with: each under its file's name.

    Returns:
        The whole card.

    Raises:
        CheckpointError: There is no snapshot, it cannot be read or written, or the metrics are another model's.
    """
    path = newest_snapshot(source) if source.is_dir() else source
    if path is None:
        raise CheckpointError(f"{source} holds no snapshot: train first, or name another folder")
    checkpoint = open_checkpoint(path)
    found = {**checkpoint.info.card, **card}
    if pictures is not None:
        found["metrics"] = measure(path, pictures, snapshot_config(path), features=features)
    for report in measured:
        found["metrics"] = {**_metrics(found), **read_metrics(report, of_model=checkpoint.info.sha256)[1]}
    for report in beside:
        name, values = read_metrics(report)
        found[f"metrics of {name}, to compare"] = values
    # The long table last, where people read it.
    whole = {name: value for name, value in found.items() if name != "settings"}
    whole |= {name: value for name, value in found.items() if name == "settings"}
    save_checkpoint(CheckpointParts(checkpoint.generator), target, dtype="float16", card=whole)
    target.with_suffix(".md").write_text(card_markdown(whole, default_title=target.stem), encoding="utf-8")
    return whole


def _metrics(card: Mapping[str, object]) -> dict[str, object]:
    found = card.get("metrics")
    return dict(found) if isinstance(found, Mapping) else {}


def read_metrics(path: Path, *, of_model: str | None = None) -> tuple[str, dict[str, object]]:
    """What ``main.py metrics --json`` printed: the measured file's name, and values by the names that cards use.

    Args:
        path: The file that it was put into.
        of_model: SHA-256 of the model that they have to be of; any when ``None``.

    Raises:
        CheckpointError: The file is something else, or about another model.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        about, details = report["about"], report["details"]
        values = {f"{one['name']}, {one['of']}": round(float(report[key]), 2) for key, one in details.items()}
        name, model = str(about["file"]), str(about["model"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is not what main.py metrics --json prints: {error!r}") from error
    if of_model is not None and model != of_model:
        raise CheckpointError(f"{path.name} holds metrics of {name}, which is not the model that is exported")
    return name, values


def card_markdown(card: Mapping[str, object], *, default_title: str) -> str:
    """A card for people: its name as the heading, then one section or line an entry."""
    title, summary = card.get("name", default_title), card.get("summary")
    blocks = [f"# {title}"] + ([str(summary)] if summary else [])
    for name, value in card.items():
        if name in ("name", "summary"):
            continue
        heading = name.replace("_", " ").capitalize()
        if isinstance(value, Mapping):
            lines = "\n".join(f"| {key} | {entry} |" for key, entry in value.items())
            blocks.append(f"## {heading}\n\n| | |\n|-|-|\n{lines}")
        elif isinstance(value, list | tuple):
            blocks.append(f"## {heading}\n\n" + "\n".join(f"- {entry}" for entry in value))
        else:
            blocks.append(f"**{heading}**: {value}")
    return "\n\n".join(blocks) + "\n"


def measure(path: Path, pictures: TrainingSet, config: TrainingConfig, *, features: bool = True) -> dict[str, object]:
    """Distances to the held-out pictures, of generated pictures and, to compare, of as many trained-on ones."""
    trained_on, held_out = pictures.split(config.holdout)
    if len(held_out.images) < 2:
        return {}
    generator = open_checkpoint(path).generator
    fake = sample(generator, METRIC_SEEDS)
    value, spread = pixel_kid(fake, held_out.images)
    floor, _ = pixel_kid(trained_on.images[: len(METRIC_SEEDS)], held_out.images)
    found: dict[str, object] = {
        METRIC_NAME: round(value * 1000, 2),
        "its standard deviation over subsets": round(spread * 1000, 2),
        "the same for real pictures": round(floor * 1000, 2),
    }
    if features:
        embedder = open_embedder()
        seen = compare(embedder(held_out.images), embedder(fake), embedder, wanted=("kid", "fid"), subsets=20)
        counts = Counts(moves=MOVES)
        seen += measure_model(generator, pictures, embedder, wanted=("eq",), counts=counts)
        found |= {f"{metric.name}, {metric.of}": round(metric.value, 2) for metric in seen}
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 where the input was wrong."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("source", type=Path, metavar="RUN", help="folder of a run, or one of its snapshots")
    parser.add_argument("target", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--card", type=Path, metavar="JSON", help="further entries of the card, a JSON object")
    parser.add_argument("--data", type=Path, metavar="ZIP", help="the run's data set: adds metrics to the card")
    add = parser.add_argument
    add("--metrics", type=Path, nargs="+", default=[], metavar="JSON", help="of main.py metrics --json, for the card")
    add("--beside", type=Path, nargs="+", default=[], metavar="JSON", help="the same of other models, to compare with")
    options = parser.parse_args(arguments)
    try:
        card = _card(options.card)
        pictures = None if options.data is None else open_training_set(options.data)
        whole = export(
            options.source, options.target, card=card, pictures=pictures,
            measured=options.metrics, beside=options.beside,
        )  # fmt: skip
        print(json.dumps(whole, indent=2))
    except ExplorerError as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    return 0


def _card(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the card {path} cannot be read: {error}") from error
    if not isinstance(card, dict):
        raise CheckpointError(f"the card {path} holds a {type(card).__name__}, and has to be a JSON object")
    return card


if __name__ == "__main__":
    sys.exit(main())
