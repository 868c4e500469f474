"""Latent Explorer: ``python main.py [FILE]`` opens the window, ``python main.py VERB`` works without one."""

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from explorer.commands.display import why_no_display
from explorer.commands.errors import run
from explorer.errors import ExplorerError
from explorer.process import TRAINER_SPIN, prepare_process

__all__ = ["main"]

# Each verb lives in the module of its name and is loaded when it is needed.
_VERBS = ("render", "mix", "project", "info", "convert", "models")
_WINDOW = "window"
_TRAIN = "train"
# Those of the trainer, a program of its own, are loaded for their verb alone.
_TRAINERS = {"dataset": "training.dataset.command", "metrics": "training.metrics.command"}


class _Verbs(click.Group):
    """The verbs; anything else in the first place is a file to open in the window."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_VERBS, *_TRAINERS, _TRAIN, _WINDOW]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _VERBS:
            command: click.Command = getattr(import_module(f"explorer.commands.{cmd_name}"), cmd_name)
            return command
        if cmd_name in _TRAINERS:
            trainer: click.Command = getattr(import_module(_TRAINERS[cmd_name]), cmd_name)
            return trainer
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.list_commands(ctx) and not args[0].startswith("-")):
            args = [_WINDOW, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Verbs, options_metavar="", subcommand_metavar="[FILE] | VERB ...")
@click.version_option(package_name="latent-explorer")
def cli() -> None:
    """Explore the latent space of the StyleGAN family.

    With a checkpoint or a project, or with nothing at all, opens the window; the verbs work without one.
    """


@cli.command(_WINDOW, short_help="Open the window (also without a verb).")
@click.argument("file", required=False)
@click.option("--scale", type=click.FloatRange(0.5, 4), help="Size of everything; as the desktop says without it.")
@click.option("--size", type=(click.IntRange(900), click.IntRange(600)), default=None, hidden=True)
@click.option("--float-texture", is_flag=True, hidden=True)
@click.option("--test-channel", is_flag=True, hidden=True)
def window(
    file: str | None, scale: float | None, size: tuple[int, int] | None, float_texture: bool, test_channel: bool
) -> None:
    """Open the window on a checkpoint, a project or an address; without one on the model of the program."""
    from pathlib import Path

    from explorer.remote import parse_address

    if file is not None and not file.startswith("bundled:") and not Path(file).exists() and parse_address(file) is None:
        raise click.UsageError(f"{file!r} is neither a file nor one of the verbs {', '.join(_VERBS)}")
    if reason := why_no_display():
        raise ExplorerError(reason)
    app = import_module("widgets.app")
    app.run(
        file,
        options=app.Options(scale=scale, size_px=size, zero_copy=not float_texture, test_channel=test_channel),
    )


@cli.command(
    _TRAIN, add_help_option=False, context_settings={"ignore_unknown_options": True}, options_metavar="DATA OUT [...]"
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
def train(arguments: tuple[str, ...]) -> int:
    """Train a model on a zip of pictures, or go on with a run; --help lists every setting."""
    # The trainer is a program of its own, loaded for this verb alone.
    begin = import_module("training.command").main
    name = f"main.py {_TRAIN}"
    # As --help writes it: RUN --data ZIP, in any order.
    if "--data" in arguments:
        return int(begin(list(arguments), prog=name))
    if len(arguments) < 2 or arguments[0].startswith("-") or arguments[1].startswith("-"):
        if "--help" in arguments:
            return int(begin(["--help"], prog=name))
        raise click.UsageError("name the data set and the run's folder: main.py train DATA.zip OUT [--preset auto ...]")
    data, out, *options = arguments
    return int(begin([out, "--data", data, *options], prog=name))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave the process."""
    given = sys.argv[1:] if arguments is None else arguments
    prepare_process(spin=TRAINER_SPIN if list(given[:1]) == [_TRAIN] else None)
    sys.exit(run(cli, given, name="main.py"))


if __name__ == "__main__":
    main()
