"""Opening what a person names: a checkpoint, a project or a bundled model. Runs in the background."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import CheckpointError, ProjectFileError
from explorer.project import Project, find_bundled, load_project, looks_like_project
from explorer.state import CheckpointRef, GeneratorSpec

if TYPE_CHECKING:
    from explorer.rendering.renderer import Renderer

__all__ = ["BUNDLED", "OpenModel", "Opened", "find_model", "open_model", "open_source"]

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


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """What came of opening."""

    model: OpenModel
    """The model, of the project where it was one."""
    project: Project | None
    """The project, or ``None`` for a checkpoint."""


def open_source(source: str | Path) -> Opened:
    """Open a checkpoint, a ``.latent`` project or ``bundled:NAME``.

    Raises:
        CheckpointError: The file is missing or no model, or there is no such bundled model.
        ProjectFileError: The file is a project that cannot be read, or whose model cannot be found.
    """
    if not str(source).startswith(BUNDLED) and (looks_like_project(source) or Path(source).suffix == ".latent"):
        project = load_project(source)
        return Opened(open_model(find_model(project, Path(source))), project)
    return Opened(open_model(source), None)


def open_model(source: str | Path | CheckpointRef) -> OpenModel:
    """Open a checkpoint by its path, ``bundled:NAME`` or by the reference that a state holds.

    Raises:
        CheckpointError: The file is missing, no model, or not the one that the reference means.
    """
    from explorer.checkpoints import open_checkpoint
    from explorer.rendering.renderer import Renderer

    wanted = source if isinstance(source, CheckpointRef) else None
    hint = source.hint if isinstance(source, CheckpointRef) else str(source)
    if hint.startswith(BUNDLED):
        bundled = find_bundled(hint.removeprefix(BUNDLED))
        path, name = bundled.path, bundled.title
    else:
        path, name = Path(hint).absolute(), Path(hint).stem
        hint = str(path)
    checkpoint = open_checkpoint(path)
    if wanted is not None and checkpoint.info.sha256 != wanted.sha256:
        raise CheckpointError(f"{path} is no longer the model that was edited: put the old file back")
    spec = checkpoint.spec
    reference = CheckpointRef(checkpoint.info.sha256, spec.family, hint)
    return OpenModel(reference, name, spec, checkpoint.info.to_json(), Renderer(checkpoint))


def find_model(project: Project, path: Path) -> CheckpointRef:
    """Where the model of a project is now: where it was, or beside the project under the same name.

    Raises:
        ProjectFileError: The project has no model, or it is in neither place.
    """
    reference = project.state.checkpoint
    if reference is None:
        raise ProjectFileError(f"{path} names no model: open a checkpoint first, then save the project again")
    if reference.hint.startswith(BUNDLED):
        return reference
    for place in (Path(reference.hint), path.absolute().parent / Path(reference.hint).name):
        if place.is_file() and _sha256_of(place) == reference.sha256:
            return CheckpointRef(reference.sha256, reference.family, str(place))
    name = Path(reference.hint).name or "its model"
    raise ProjectFileError(
        f"{path} was made with {name} (sha256 {reference.sha256[:12]}...), which is not at {reference.hint}: "
        "put that file beside the project"
    )


def _sha256_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
