"""Projects: one file that holds everything but the model."""

from explorer.project.blobs import BlobStore
from explorer.project.bundled import DEFAULT_BUNDLED, BundledModel, bundled_models, find_bundled
from explorer.project.project_file import Project, autosave, load_project, looks_like_project, save_project

__all__ = [
    "DEFAULT_BUNDLED",
    "BlobStore",
    "BundledModel",
    "Project",
    "autosave",
    "bundled_models",
    "find_bundled",
    "load_project",
    "looks_like_project",
    "save_project",
]
