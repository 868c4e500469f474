"""Projects: one file that holds everything but the model."""

from explorer.project.blobs import BlobStore
from explorer.project.bundled import DEFAULT_BUNDLED, BundledModel, bundled_models, find_bundled
from explorer.project.known import KnownModel, known_models
from explorer.project.project_file import Project, load_project, looks_like_project, save_project
from explorer.project.recipe import Recipe, looks_like_picture, read_recipe, save_picture

__all__ = [
    "DEFAULT_BUNDLED",
    "BlobStore",
    "BundledModel",
    "KnownModel",
    "Project",
    "Recipe",
    "bundled_models",
    "find_bundled",
    "known_models",
    "load_project",
    "looks_like_picture",
    "looks_like_project",
    "read_recipe",
    "save_picture",
    "save_project",
]
