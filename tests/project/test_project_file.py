import contextlib
import hashlib
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import ProjectFileError
from explorer.project import BlobStore, Project, load_project, looks_like_project, save_project
from explorer.project.blobs import npy_bytes
from explorer.state import Blend, BlobRef, EditState, History, Mix, Point, SeedPad, Stored
from tests.state.strategies import histories, points, seed_latents, states


def full_project() -> Project:
    blobs = BlobStore()
    state = EditState(latent=Stored("w", blobs.put(np.arange(4.0))))
    mixed = replace(state, mixing=(Mix(Stored("w_plus", blobs.put(np.ones((2, 4), np.float32))), (1,)),))
    history = History.start(EditState()).commit(state, "project a photo").commit(mixed, "mix").undo()
    history = history.commit(replace(state, latent=SeedPad(3, 1)), "seed")
    return Project(replace(state, latent=SeedPad(3.5, 1)), history, blobs)


@given(states(seed_latents), histories(seed_latents), points(seed_latents))
@settings(deadline=None, max_examples=40)
def test_a_project_comes_back_equal(state: EditState, history: History, saved: tuple[Point, ...]) -> None:
    project = Project(state, history, points=saved)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.latent"
        save_project(project, path)

        assert load_project(path) == project


def test_the_arrays_of_saved_points_are_kept(tmp_path: Path) -> None:
    blobs = BlobStore()
    stored = Stored("w", blobs.put(np.arange(4.0)))
    point = Point("there", EditState(latent=Blend(((stored, 0.5), (SeedPad(), 0.5)))))
    save_project(Project(EditState(), History.start(EditState()), blobs, (point,)), tmp_path / "a.latent")

    opened = load_project(tmp_path / "a.latent")

    assert opened.points == (point,)
    assert opened.blobs.get(stored.blob).tolist() == [0, 1, 2, 3]


def test_a_project_of_the_first_version_opens(tmp_path: Path) -> None:
    project = Project(EditState(), History.start(EditState()))
    path = tmp_path / "a.latent"
    save_project(project, path)
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("project.json"))
    document["version"] = 1
    del document["points"]
    for state in (document["state"], document["history"]["nodes"][0]["state"]):
        del state["output"], state["transform"]["scale"], state["noise"]["layers"]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("project.json", json.dumps(document))

    assert load_project(path) == project


def test_a_project_of_the_second_version_opens_without_pins(tmp_path: Path) -> None:
    project = full_project()
    path = tmp_path / "a.latent"
    save_project(replace(project, history=project.history.pin(1)), path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(entries["project.json"])
    assert document["version"] == 4
    document["version"] = 2
    assert document["history"].pop("pinned") == [1]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**entries, "project.json": json.dumps(document)}.items():
            archive.writestr(name, content)

    assert load_project(path) == project


def test_arrays_come_back_equal_and_only_those_that_a_state_refers_to(tmp_path: Path) -> None:
    project = full_project()
    project.blobs.put(np.zeros(9))
    save_project(project, tmp_path / "a.latent")

    opened = load_project(tmp_path / "a.latent")

    assert opened == project
    assert len(opened.blobs) == 2
    latent = opened.history.nodes[1].state.latent
    assert isinstance(latent, Stored)
    assert opened.blobs.get(latent.blob).tolist() == [0, 1, 2, 3]


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_project(full_project(), tmp_path / name)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_arrays_are_ordinary_npy_files(tmp_path: Path) -> None:
    for array in (np.arange(3.0), np.ones((2, 3), np.float32), np.zeros((1, 2, 3))):
        assert np.array_equal(np.load(io.BytesIO(npy_bytes(array)), allow_pickle=False), array)


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.latent"
    save_project(Project(EditState(), History.start(EditState())), path)
    before = path.read_bytes()

    def full_disk(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("explorer.project.atomic.os.fsync", full_disk)
    with pytest.raises(ProjectFileError, match="No space left"):
        save_project(full_project(), path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_project_whose_array_is_missing_is_not_written(tmp_path: Path) -> None:
    state = EditState(latent=Stored("w", BlobRef("0" * 64)))

    with pytest.raises(ProjectFileError, match="not in the project"):
        save_project(Project(state, History.start(state)), tmp_path / "a.latent")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100), "JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (b"\x80\x04\x95" + bytes(100), "pickle"),
        (b"", "not a project"),
        (b"hello", "not a project"),
        (b"PK\x03\x04" + bytes(10), "damaged"),
    ],
)
def test_what_is_no_project_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.latent"
    path.write_bytes(content)

    with pytest.raises(ProjectFileError, match=words):
        load_project(path)
    assert not looks_like_project(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError, match="does not exist"):
        load_project(tmp_path / "none.latent")
    with pytest.raises(ProjectFileError, match="cannot be read"):
        load_project(tmp_path)


def test_a_project_cut_short_at_any_place_is_refused(tmp_path: Path) -> None:
    save_project(full_project(), tmp_path / "a.latent")
    content = (tmp_path / "a.latent").read_bytes()

    for end in range(0, len(content), 37):
        (tmp_path / "cut.latent").write_bytes(content[:end])
        with pytest.raises(ProjectFileError):
            load_project(tmp_path / "cut.latent")


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_a_changed_project_is_refused_or_read_but_never_crashes(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.latent"
        save_project(full_project(), path)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        with contextlib.suppress(ProjectFileError):
            load_project(path)


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def in_json(**values: object) -> Callable[[dict[str, bytes]], None]:
    def change(entries: dict[str, bytes]) -> None:
        entries["project.json"] = json.dumps(json.loads(entries["project.json"]) | values).encode()

    return change


def as_json(content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda entries: entries.update({"project.json": content})


def drop_blobs(entries: dict[str, bytes]) -> None:
    for name in [name for name in entries if name.startswith("blobs/")]:
        del entries[name]


def swap_blobs(entries: dict[str, bytes]) -> None:
    names = [name for name in entries if name.startswith("blobs/")]
    entries[names[0]], entries[names[1]] = entries[names[1]], entries[names[0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (in_json(version=5), r"newer Latent Explorer \(version 5\): update"),
        (in_json(version=0), "project version"),
        (in_json(version="1"), "project version"),
        (in_json(version=True), "project version"),
        (in_json(format="other"), "something else"),
        (in_json(code="print()"), "unknown field"),
        (in_json(state=None), "state"),
        (in_json(history=[]), "history"),
        (as_json(b"[]"), "something else"),
        (as_json(b"\xff\xfe"), "not valid"),
        (as_json(b'{"a": NaN}'), "not valid"),
        (as_json(b'{"a": ' + b"1" * 10_000 + b"}"), "not valid"),
        (as_json(b"[" * 200_000), "not valid"),
        (lambda entries: entries.pop("project.json"), "no project.json"),
        (drop_blobs, "lacks the array"),
        (swap_blobs, "not what it was"),
    ],
)
def test_a_project_that_does_not_hold_together_is_refused(
    tmp_path: Path, change: Callable[[dict[str, bytes]], None], words: str
) -> None:
    path = tmp_path / "a.latent"
    save_project(full_project(), path)
    repacked(path, change)

    with pytest.raises(ProjectFileError, match=words):
        load_project(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.latent"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("project.json", "w") as stream:
        for _ in range(300):
            stream.write(bytes(2**20))

    with pytest.raises(ProjectFileError, match="refused"):
        load_project(path)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.latent"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.json", bytes(2**24))
    content = path.read_bytes()
    # The size appears in the local header and in the directory.
    path.write_bytes(content.replace(struct.pack("<I", 2**24), struct.pack("<I", 100)))

    with pytest.raises(ProjectFileError):
        load_project(path)


def with_blob(path: Path, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    blobs = BlobStore()
    state = EditState(latent=Stored("w", blobs.put(np.ones(2))))
    save_project(Project(state, History.start(state), blobs), path)
    old = state.latent.blob.sha256

    def exchange(entries: dict[str, bytes]) -> None:
        entries["project.json"] = entries["project.json"].replace(old.encode(), digest.encode())
        entries[f"blobs/{digest}.npy"] = content

    repacked(path, exchange)


def npy_of(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy_of(np.array([print], dtype=object)), "plain array"),
        (npy_of(np.array([1, 2])), "plain array"),
        (npy_of(np.zeros(2, dtype=[("a", "<f4")])), "plain array"),
        (npy_of(np.float64(1)), "plain array"),
        (npy_of(np.array([np.nan])), "NaN"),
        (npy_bytes(np.ones(2)) + b"\0", "bytes"),
        (npy_bytes(np.ones(2)).replace(b"(2,)", b"(9,)"), "bytes"),
        (npy_bytes(np.ones(2)).replace(b"(2,), }        ", b"(999999999,), }"), "bytes"),
        (b"", "plain array"),
        (b"\x93NUMPY\x01\x00", "plain array"),
    ],
)
def test_a_blob_that_is_no_plain_array_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with_blob(tmp_path / "a.latent", content)

    with pytest.raises(ProjectFileError, match=words):
        load_project(tmp_path / "a.latent")


@pytest.mark.parametrize("array", [np.zeros(0), np.array(1.0), np.array([1]), np.array([np.inf]), np.zeros((1,) * 4)])
def test_an_array_that_could_not_be_read_back_is_not_kept(array: np.ndarray) -> None:
    store = BlobStore()

    if array.size:
        with pytest.raises(ProjectFileError, match="cannot be kept"):
            store.put(array)
    else:
        assert store.get(store.put(array)).shape == (0,)


def test_the_same_array_is_kept_once() -> None:
    store = BlobStore()

    assert store.put(np.ones(3)) == store.put(np.ones(3))
    assert len(store) == 1
