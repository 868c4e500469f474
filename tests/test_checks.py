"""The checks that are no tests: one command, pytest, runs them too."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ["cuda", "explorer", "widgets", "training", "tests", "main.py"]
BIN = Path(sys.executable).parent
CHECKS = {
    "lint": [BIN / "ruff", "check", "--no-cache", *SOURCES],
    "format": [BIN / "ruff", "format", "--no-cache", "--check", *SOURCES],
    "types": [BIN / "mypy", "--no-incremental"],
    "imports": [BIN / "lint-imports", "--no-cache", "--no-logo"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_source_passes_the_check(name: str) -> None:
    done = subprocess.run(CHECKS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_folder_cuda_does_not_shadow_the_namespace_package_that_cupy_imports() -> None:
    assert not (ROOT / "cuda" / "__init__.py").exists()


def test_torch_is_pinned_exactly_and_torchvision_is_not_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + [name for group in project["optional-dependencies"].values() for name in group]

    assert "torch==2.13.0" in asked
    assert not [name for name in asked if "torchvision" in name]


def test_no_file_is_too_large_for_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sizes = {name: (ROOT / name).stat().st_size for name in listed.split("\0") if name and (ROOT / name).exists()}

    assert max(sizes.values()) < 30e6
    assert sum(sizes.values()) < 200e6
