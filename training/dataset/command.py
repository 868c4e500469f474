"""``python main.py dataset SOURCE OUT.zip``: make a data set, or look at one."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from explorer.errors import DatasetError
from training.dataset.build import Event, Problem, build, examine
from training.dataset.options import COLOURS, FORMATS, HOWS, Options, parse_size
from training.dataset.report import Report

__all__ = ["dataset"]


@click.command(short_help="Make a data set for training, and say what is in it.")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", metavar="[OUT.zip]", type=click.Path(path_type=Path), required=False)
@click.option("--size", help="Side of a square, as 64, or width x height, as 192x256; as they are without it.")
@click.option("--how", type=click.Choice(HOWS), default="crop", show_default=True, help="Cut, stretch, or leave bars.")
@click.option("--colour", type=click.Choice(COLOURS), default="rgb", show_default=True, help="Channels.")
@click.option("--background", default="ffffff", show_default=True, help="Behind transparency and in bars, as rrggbb.")
@click.option("--labels", default="auto", show_default=True, help="auto (dataset.json), none, folders, or a CSV file.")
@click.option("--xflip", is_flag=True, help="Add mirror images.")
@click.option("--format", type=click.Choice(FORMATS), default="png", show_default=True, help="Of the pictures.")
@click.option("--enlarge", is_flag=True, help="Keep pictures that are smaller than the size.")
@click.option("--drop-duplicates", is_flag=True, help="Leave out pictures that look like an earlier one.")
@click.option("--every", type=click.IntRange(1), default=1, help="Of videos, one frame in so many.")
@click.option("--keep-order", is_flag=True, help="By name; mixed without it, the same each time.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the report goes; OUT.report.json without it.")
@click.option("--report-only", is_flag=True, help="Look and report; write no data set.")
@click.option("--json", "as_json", is_flag=True, help="Progress, problems and report as JSON lines on stdout.")
def dataset(
    source: Path, target: Path | None, report: Path | None, report_only: bool, as_json: bool, **options: Any
) -> int:
    """Turn SOURCE (a folder, a zip, a video, a picture) into OUT.zip for `train`, and report what is in it.

    Pictures that cannot be used are named and left out. Stopped or killed, the same command goes on.
    """
    if (target is None) != report_only:
        raise click.UsageError("name the zip to write, or give --report-only and no zip")
    screen = _Lines() if as_json else _Bar()
    try:
        with screen:
            wanted = _options(options)
            if target is None:
                found = examine(source, wanted, tell=screen.tell, report_path=report)
            else:
                found = build(source, target, wanted, tell=screen.tell, report_path=report)
    except DatasetError as error:
        if not as_json:
            raise
        screen.line(event="error", text=str(error))
        return 2
    screen.done(found)
    return 0


def _options(given: dict[str, Any]) -> Options:
    size, background = given.pop("size"), given.pop("background")
    try:
        colour = bytes.fromhex(background.removeprefix("#"))
    except ValueError:
        colour = b""
    if len(colour) != 3:
        raise DatasetError(f"'{background}' is no colour: give six digits, as ffffff")
    return Options(size=parse_size(size) if size else None, background=tuple(colour), **given)  # type: ignore[arg-type]


class _Lines:
    """For a program: a JSON object a line. Progress comes a hundred times at most."""

    def __init__(self) -> None:
        self.told = 0

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def tell(self, event: Event) -> None:
        if isinstance(event, Problem):
            self.line(event="problem", name=event.name, kind=event.kind, text=event.text)
        elif event.done == event.total or event.done >= self.told + max((event.total or 5000) // 100, 1):
            self.told = event.done
            self.line(event="progress", done=event.done, total=event.total)

    def done(self, report: Report) -> None:
        self.line(event="report", **report.to_dict())

    def line(self, **values: object) -> None:
        sys.stdout.write(json.dumps(values) + "\n")
        sys.stdout.flush()


class _Bar(_Lines):
    """For a person: a bar on stderr, and the report as text on stdout."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self.task = self.bar.add_task("pictures", total=None)

    def __enter__(self) -> "_Bar":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def tell(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.bar.update(self.task, completed=event.done, total=event.total)

    def done(self, report: Report) -> None:
        click.echo("\n".join(report.lines()))
