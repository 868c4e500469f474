"""Projects, points and pictures: what a session is kept in, and how it comes back."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.session import Session
from explorer.state import ClassMix, Noise, SeedPad, Slider, Stored, Transform, Truncation
from tests.session.helpers import WAIT_S, settled, texts


def test_a_project_comes_back_with_its_picture_and_its_whole_history(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    session = start(files["plain"])
    session.edit(replace(session.state, latent=SeedPad(4, 0)), "Seed")
    session.undo()
    session.edit(replace(session.state, truncation=Truncation(0.3)), "Psi")
    session.preview(replace(session.state, truncation=Truncation(0.2)))
    pixels = settled(session).pixels
    assert session.is_dirty
    session.save_project(tmp_path / "a.latent")
    assert not session.is_dirty

    again = start(tmp_path / "a.latent")

    assert np.array_equal(settled(again).pixels, pixels)
    assert again.state == session.state
    assert again.history == session.history
    assert again.project_path == tmp_path / "a.latent"
    assert not again.is_dirty
    assert again.undo()
    assert again.is_dirty


def test_a_project_finds_its_model_beside_it_after_both_were_moved(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    model = Path(shutil.copy(files["plain"], tmp_path / "model.safetensors"))
    session = start(model)
    session.save_project(tmp_path / "a.latent")
    moved = tmp_path / "moved"
    moved.mkdir()
    model.rename(moved / model.name)
    (tmp_path / "a.latent").rename(moved / "a.latent")

    again = start(moved / "a.latent")

    assert again.spec is not None
    assert again.state.latent == session.state.latent
    assert texts(again) == []


def test_a_project_whose_model_is_gone_says_which_and_where(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    model = Path(shutil.copy(files["plain"], tmp_path / "model.safetensors"))
    session = start(model)
    session.save_project(tmp_path / "a.latent")
    model.unlink()
    session.open(tmp_path / "a.latent")
    assert session.wait(WAIT_S)
    # The model that is still open serves.
    assert texts(session) == []

    session = start()
    session.open(tmp_path / "a.latent")
    assert session.wait(WAIT_S)

    (text,) = texts(session)
    assert text.startswith("error: ")
    assert "model.safetensors" in text
    assert "put that file beside it" in text


def test_points_are_saved_with_the_project_and_come_back(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    session = start(files["plain"])
    session.edit(replace(session.state, latent=SeedPad(3, 0)), "Seed")
    there = session.state
    session.keep_point("there")
    assert session.is_dirty
    session.edit(replace(session.state, latent=SeedPad(8, 0)), "Seed")
    session.save_project(tmp_path / "a.latent")
    assert not session.is_dirty

    again = start(tmp_path / "a.latent")
    assert [point.name for point in again.points] == ["there"]
    assert not again.is_dirty
    assert again.recall(again.points[0])
    assert again.state == there
    assert again.undo()
    assert not again.recall(again.keep_point("here"))


def test_a_point_of_another_family_is_shown_as_far_as_the_model_can(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["stylegan3"])
    session.edit(replace(session.state, latent=SeedPad(5, 0), transform=Transform(0.1)), "Move")
    point = session.keep_point("moved")
    session.open(files["plain"])
    assert session.wait(WAIT_S)
    session.messages()

    assert session.recall(point) or session.state.latent == SeedPad(5, 0)
    assert session.state.transform == Transform()
    assert any("no place for" in text for text in texts(session))


def test_opening_a_picture_brings_its_state_back_as_one_step(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    session = start(files["plain"])
    blob = session._blobs.put(np.linspace(-1, 1, session.spec.w_dim))
    session.edit(replace(session.state, latent=Stored("w", blob), noise=Noise("random", 3)), "Edit")
    frame, wanted = settled(session), session.state
    session.save_picture(frame, tmp_path / "a.png")

    other = start(files["stylegan3"])
    other.open(tmp_path / "a.png")
    # The model is found by its hash wherever it was opened before.
    again = settled(other)
    assert texts(other) == []
    assert other.state == wanted
    assert np.array_equal(again.pixels, frame.pixels)
    assert other.undo()
    assert other.wait(WAIT_S)
    assert other.spec.family == "stylegan3"

    fresh = start(tmp_path / "a.png")
    assert fresh.state == wanted
    assert not fresh.is_dirty
    assert [node.label for node in fresh.history.nodes] == ["Open a.png"]


def test_a_pictures_model_is_found_where_models_were_before(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    model = Path(shutil.copy(files["plain"], tmp_path / "model.safetensors"))
    session = start(model)
    session.save_picture(settled(session), tmp_path / "a.png")
    moved = model.rename(tmp_path / "renamed.safetensors")

    lost = start()
    lost.open(tmp_path / "a.png")
    assert lost.wait(WAIT_S)
    (text,) = texts(lost)
    assert "made with model.safetensors" in text
    assert "open it first" in text
    assert lost.spec is None

    found = start()
    found.recent = (str(tmp_path / "none.pkl"), "//other/machine", str(moved))
    found.open(tmp_path / "a.png")
    assert found.wait(WAIT_S)
    assert texts(found) == []
    assert found.state.checkpoint.hint == str(moved)


def test_a_picture_without_a_recipe_changes_nothing(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    from explorer.project import save_picture

    save_picture(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.png")
    session = start(files["plain"])
    before = session.state
    session.open(tmp_path / "a.png")
    assert session.wait(WAIT_S)

    (text,) = texts(session)
    assert "without a recipe" in text
    assert session.state is before


def test_a_fitted_state_is_what_recalling_it_shows(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["classes"])
    session.edit(replace(session.state, condition=ClassMix(((2, 1.0),)), sliders=(Slider("axis", 15, 1.0),)), "edit")
    point = session.keep_point("here")
    assert session.fitted(point.state) == point.state
    session.open(files["plain"])
    assert session.wait(WAIT_S)
    texts(session)
    fitted = session.fitted(point.state)
    assert not texts(session)
    session.recall(point)
    assert session.state == fitted
    assert texts(session)
