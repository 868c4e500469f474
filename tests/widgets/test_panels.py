from pathlib import Path

import pytest

from explorer.state import GeneratorSpec, LayerSpec
from widgets.file_browser import listing
from widgets.mixes import bands
from widgets.panels.classes import class_labels


def spec(family: str, sizes: list[int], **options: object) -> GeneratorSpec:
    layers = tuple(LayerSpec(f"L{row}", row, 8, 8, (size, size), True) for row, size in enumerate(sizes))
    fields: dict[str, object] = {
        "family": family,
        "variant": "skip",
        "resolution": (sizes[-1], sizes[-1]),
        "img_channels": 3,
        "z_dim": 8,
        "w_dim": 8,
        "c_dim": 0,
        "num_ws": len(sizes),
        "layers": layers,
        "activations": ("output",),
        "has_noise": True,
        "has_transform": False,
    }
    return GeneratorSpec(**{**fields, **options})  # type: ignore[arg-type]


def test_bands_cut_stylegan2_by_size_and_stylegan3_in_thirds() -> None:
    assert bands(spec("stylegan2", [4, 8, 8, 16, 16, 32, 32, 64, 64])) == ((0, 1, 2), (3, 4, 5, 6), (7, 8))
    assert bands(spec("stylegan3", [36] * 9)) == ((0, 1, 2), (3, 4, 5), (6, 7, 8))


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3"])
@pytest.mark.parametrize("rows", [1, 2, 7, 16])
def test_bands_cover_every_row_once(family: str, rows: int) -> None:
    sizes = [4 * 2 ** (row // 2) for row in range(rows)]
    assert sum(bands(spec(family, sizes)), ()) == tuple(range(rows))


def test_classes_are_listed_by_name_where_it_is_known() -> None:
    names = ("cat", "cat")
    assert class_labels(spec("stylegan2", [4], c_dim=3, class_names=names)) == ("0: cat", "1: cat", "Class 2")


def test_a_listing_has_folders_and_the_kinds_of_files_that_are_asked_for(tmp_path: Path) -> None:
    for name in ("b.pkl", "A.PKL", "c.txt", ".hidden.pkl"):
        (tmp_path / name).touch()
    (tmp_path / "folder.pkl").mkdir()
    folders, files = listing(tmp_path, (".pkl",))
    assert [path.name for path in folders] == ["folder.pkl"]
    assert [path.name for path in files] == ["A.PKL", "b.pkl"]
    assert [path.name for path in listing(tmp_path, None)[1]] == ["A.PKL", "b.pkl", "c.txt"]
