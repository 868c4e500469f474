"""``python main.py metrics MODEL DATA.zip``: FID, KID, precision and recall, PPL, EQ-T and EQ-R."""

import json
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["metrics"]


@click.command(short_help="Measure a model against pictures.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", metavar="DATA.zip", type=click.Path(path_type=Path))
@click.option("--metrics", "wanted", default="fid,kid,pr", show_default=True, help="Of fid,kid,pr,is,ppl,eq.")
@click.option(
    "--pictures", type=click.IntRange(4), default=5000, show_default=True, help="Generated; published: 50000."
)
@click.option("--paths", type=click.IntRange(2), default=1000, show_default=True, help="Of ppl; published: 50000.")
@click.option("--moves", type=click.IntRange(1), default=100, show_default=True, help="Of eq; published: 50000.")
@click.option("--last", type=click.IntRange(2), help="Compare with the last so many pictures, as those held out.")
@click.option("--psi", type=float, default=1.0, show_default=True, help="Truncation; published: 1.")
@click.option(
    "--network", type=click.Path(path_type=Path), help="A feature network by file; EfficientNet-lite0 without."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def metrics(
    model: Path, data: Path, wanted: str, pictures: int, paths: int, moves: int, last: int | None, psi: float,
    network: Path | None, seed: int, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Compare MODEL with the pictures of DATA.zip.

    The network that looks is part of each name: FID (EfficientNet-lite0) is not the FID of papers, which look through
    Inception. --network FILE takes another network's weights. What it sees of real pictures is kept in the user's
    cache.
    """
    from explorer.checkpoints import open_checkpoint
    from training.data import open_training_set
    from training.metrics.embedding import open_embedder
    from training.metrics.measure import Counts, measure

    began = time.monotonic()
    checkpoint = open_checkpoint(model, device=device)
    whole = open_training_set(data)
    real = whole if last is None else whole.split(min(last, len(whole.images) - 1))[1]
    embedder = open_embedder(network, device=device)
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    with _Bars() as bars:
        found = measure(
            checkpoint.generator, real, embedder, wanted=names, psi=psi, seed=seed, tell=bars.tell,
            counts=Counts(fakes=pictures, paths=paths, moves=moves),
        )  # fmt: skip
    if as_json:
        values = {metric.key: metric.value for metric in found}
        about = {
            "file": model.name,
            "model": checkpoint.info.sha256,
            "data": whole.name,
            "network": embedder.name,
            "psi": psi,
            "seed": seed,
        }
        details = {metric.key: {"name": metric.name, "of": metric.of, "spread": metric.spread} for metric in found}
        seconds = round(time.monotonic() - began, 1)
        click.echo(json.dumps({**values, "about": {**about, "seconds": seconds}, "details": details}))
        return
    width = max(len(metric.name) for metric in found)
    for metric in found:
        spread = "" if metric.spread is None else f" ± {metric.spread:.3g}"
        click.echo(f"{metric.name:{width}}  {metric.value:.4g}{spread}  of {metric.of}")


class _Bars:
    """A bar for each thing that takes time, on stderr."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self.tasks: dict[str, int] = {}

    def __enter__(self) -> "_Bars":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        if what not in self.tasks:
            self.tasks[what] = self.progress.add_task(what, total=total)
        self.progress.update(self.tasks[what], completed=done)  # type: ignore[arg-type]
