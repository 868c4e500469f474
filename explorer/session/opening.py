"""Opening what a person names: a checkpoint, a project or a bundled model. Runs in the background."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.checkpoints.identity import sha256_of
from explorer.errors import CheckpointError, ProjectFileError
from explorer.project import (
    Project,
    Recipe,
    bundled_models,
    find_bundled,
    load_project,
    looks_like_picture,
    looks_like_project,
    read_recipe,
)
from explorer.remote import Progress, cached_by_hash, fetch, parse_address
from explorer.session.compute import ON_PROCESSOR, Compute
from explorer.session.journal import looks_like_journal, read_journal
from explorer.state import CheckpointRef, EditState, GeneratorSpec

if TYPE_CHECKING:
    from explorer.rendering.renderer import Renderer

__all__ = ["BUNDLED", "OpenModel", "Opened", "find_model", "name_of", "open_model", "open_source"]

BUNDLED = "bundled:"


@dataclass(frozen=True, slots=True, eq=False)
class OpenModel:
    """A model that is ready to render."""

    reference: CheckpointRef
    """What states call it."""
    name: str
    """For a person."""
    spec: GeneratorSpec
    """Its shape."""
    info: dict[str, object]
    """What the file says about itself."""
    renderer: "Renderer"
    """For the render thread alone."""
    compute: Compute = ON_PROCESSOR
    """Where it computes."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """What came of opening."""

    model: OpenModel
    """The model, of the project or picture where it was one."""
    project: Project | None = None
    """The project, where it was one."""
    recipe: Recipe | None = None
    """What a picture was made from, where it was one."""
    project_path: Path | None = None
    """Where the project lies; ``None`` for recovered work that was never saved."""
    recovered: Path | None = None
    """The journal that the project was recovered from."""


def open_source(
    source: str | Path,
    *,
    recent: Sequence[str] = (),
    loaded: Mapping[str, OpenModel] | None = None,
    compute: Compute = ON_PROCESSOR,
    progress: Callable[[Progress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Opened:
    """Open a checkpoint, a ``.latent`` project, a picture with its recipe, ``bundled:NAME``, or an address of these.

    Args:
        source: What to open.
        recent: Where models were before: searched, by their hash, for the one of a project or picture.
        loaded: Models that are open, by their hash.
        compute: Where a model that is not open yet computes.
        progress: Told how far a download is.
        cancelled: Ends a download.

    Raises:
        CheckpointError: The file is missing or no model, there is no such bundled model, or it cannot be fetched.
        Cancelled: `cancelled` said so.
        ProjectFileError: The file is a project or picture that cannot be read, or whose model cannot be found.
    """
    if str(source).startswith(BUNDLED):
        return Opened(open_model(source, compute))
    if isinstance(source, str) and (address := parse_address(source)) is not None:
        path = fetch(address, progress=progress, cancelled=cancelled)
        opened = open_source(path, recent=recent, loaded=loaded, compute=compute)
        if opened.project is not None or opened.recipe is not None:
            # A project in the cache is not the place to save to.
            return replace(opened, project_path=None)
        reference = replace(opened.model.reference, hint=address.shown)
        return Opened(replace(opened.model, reference=reference))
    path = Path(source)
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        # A pipe or a device could be waited on for ever.
        raise CheckpointError(f"{path} is no file: choose a model, a project or a picture")
    if looks_like_project(path) or path.suffix == ".latent":
        project = load_project(path)
        return Opened(_model_of(project.state, path, recent, loaded or {}, compute), project, project_path=path)
    if looks_like_journal(path):
        project, saved_at = read_journal(path)
        model = _model_of(project.state, path, recent, loaded or {}, compute)
        return Opened(model, project, project_path=Path(saved_at) if saved_at else None, recovered=path)
    if looks_like_picture(path):
        recipe = read_recipe(path)
        return Opened(_model_of(recipe.state, path, recent, loaded or {}, compute), recipe=recipe)
    return Opened(open_model(source, compute))


def name_of(source: str | Path) -> str:
    """What a person calls a source, in a word."""
    if str(source).startswith(BUNDLED):
        return str(source).removeprefix(BUNDLED)
    if "://" in str(source):
        # Without a query, which may hold a secret.
        return str(source).partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2]
    return Path(source).name


def _model_of(
    state: EditState, path: Path, recent: Sequence[str], loaded: Mapping[str, OpenModel], compute: Compute
) -> OpenModel:
    if state.checkpoint is not None and state.checkpoint.sha256 in loaded:
        return loaded[state.checkpoint.sha256]
    return open_model(find_model(state, path, recent), compute)


def open_model(source: str | Path | CheckpointRef, compute: Compute = ON_PROCESSOR) -> OpenModel:
    """Open a checkpoint by its path, ``bundled:NAME`` or by the reference that a state holds.

    Raises:
        CheckpointError: The file is missing, no model, or not the one that the reference means.
        KernelUnavailable: This machine does not have the device.
    """
    from explorer.checkpoints import open_checkpoint
    from explorer.rendering.machine import set_precision
    from explorer.rendering.renderer import Renderer

    wanted = source if isinstance(source, CheckpointRef) else None
    hint = source.hint if isinstance(source, CheckpointRef) else str(source)
    if hint.startswith(BUNDLED):
        bundled = find_bundled(hint.removeprefix(BUNDLED))
        path, name = bundled.path, bundled.title
    elif wanted is not None and "://" in hint:
        kept = cached_by_hash(wanted.sha256)
        if kept is None:
            raise CheckpointError(f"{hint} is no longer kept on this machine: open that address again")
        path, name = kept, kept.stem
    else:
        path, name = Path(hint).absolute(), Path(hint).stem
        hint = str(path)
    # Nothing in a session judges a picture, and StyleGAN-XL's discriminators are larger than its generators.
    checkpoint = open_checkpoint(path, device=compute.device, keep_discriminator=False)
    if wanted is not None and checkpoint.info.sha256 != wanted.sha256:
        raise CheckpointError(f"{path} is no longer the model that was edited: put the old file back")
    if compute.precision != "float32":
        set_precision(checkpoint.generator, compute.precision)
    spec = checkpoint.spec
    reference = CheckpointRef(checkpoint.info.sha256, spec.family, hint)
    return OpenModel(reference, name, spec, checkpoint.info.to_json(), Renderer(checkpoint), compute)


def find_model(state: EditState, path: Path, recent: Sequence[str] = ()) -> CheckpointRef:
    """Where the model of a project or picture is now.

    It is looked for, by its hash, where it was, beside the file under the same name, among the bundled models and
    where models were before.

    Raises:
        ProjectFileError: The file names no model, or it is in none of these places.
    """
    reference = state.checkpoint
    if reference is None:
        raise ProjectFileError(f"{path} names no model: open a checkpoint first, then save again")
    bundled = [model for model in bundled_models() if sha256_of(model.path) == reference.sha256]
    if bundled:
        return replace(reference, hint=BUNDLED + bundled[0].name)
    if reference.hint.startswith(BUNDLED):
        # A newer version of the program may bundle a newer model of that name; opening it says so.
        return reference
    name = Path(reference.hint).name
    places = [_local(reference.hint), path.absolute().parent / name if name else None]
    # A file of the same name first, since hashing large files takes a while.
    places.append(cached_by_hash(reference.sha256))
    places += sorted(map(_local, recent), key=lambda place: place is None or place.name != name)
    for place in dict.fromkeys(places):
        if place is not None and sha256_of(place) == reference.sha256:
            return reference if "://" in reference.hint else replace(reference, hint=str(place))
    raise ProjectFileError(
        f"{path} was made with {name or 'a model'} (sha256 {reference.sha256[:12]}...), which is not at "
        f"{reference.hint or 'any known place'}: put that file beside it, or open it first"
    )


def _local(hint: str) -> Path | None:
    """The file that a hint means; ``None`` where looking would ask another machine."""
    if hint.startswith(("//", "\\\\", BUNDLED)) or not hint or "://" in hint:
        return None
    return Path.home() / hint[2:] if hint.startswith("~/") else Path(hint)
