import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.checkpoints import open_checkpoint
from explorer.errors import StateError
from explorer.rendering import Renderer
from explorer.session import Frame, Session
from explorer.state import BlobRef, ClassMix, EditState, Mix, Noise, SeedPad, Slider, Stored, Transform, Truncation
from tests.models import write_stylegan2, write_stylegan3

WAIT_S = 60


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "plain": write_stylegan2(folder / "plain.safetensors"),
        "classes": write_stylegan2(folder / "classes.safetensors", seed=1, c_dim=3, resolution=16, w_dim=16),
        "stylegan3": write_stylegan3(folder / "third.safetensors"),
    }


@pytest.fixture
def start() -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def begin(source: Path | None = None) -> Session:
        sessions.append(Session(threads=1, compile_kernels=False))
        if source is not None:
            sessions[-1].open(source)
            assert sessions[-1].wait(WAIT_S)
        return sessions[-1]

    yield begin
    for session in sessions:
        session.close()


def settled(session: Session) -> Frame:
    assert session.wait(WAIT_S)
    frame = session.newest_frame()
    assert frame is not None
    return frame


def texts(session: Session) -> list[str]:
    return [f"{message.level}: {message.text}" for message in session.messages()]


def test_before_a_model_is_open_nothing_is_shown_and_nothing_fails(start: Callable[..., Session]) -> None:
    session = start()
    session.edit(replace(session.state, truncation=Truncation(0.5)), "psi")

    assert session.spec is None
    assert session.newest_frame() is None
    assert not session.is_rendering
    assert session.undo()


def test_opening_a_model_shows_seed_zero_at_psi_seven_tenths(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["plain"])
    frame = settled(session)

    assert session.spec is not None
    assert session.spec.family == "stylegan2"
    assert session.model_name == "plain"
    assert session.info["sha256"] == session.state.checkpoint.sha256
    assert session.state == EditState(checkpoint=session.state.checkpoint, truncation=Truncation(0.7))
    assert frame.state is session.state
    assert not session.can_undo
    assert not session.is_dirty
    assert session.direction_count == session.spec.w_dim
    assert texts(session) == []
    assert session.jobs == ()


def test_the_picture_is_the_one_that_a_fresh_renderer_makes(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["plain"])
    rows = session.spec.num_ws
    states = [
        replace(session.state, latent=SeedPad(3.5, 0.25)),
        replace(session.state, sliders=(Slider("pca", 0, 2.0), Slider("axis", 2, 1.0, (1, 2)))),
        replace(session.state, mixing=(Mix(SeedPad(8, 0), (rows - 1,)),), noise=Noise("random", 3)),
    ]
    checkpoint = open_checkpoint(files["plain"])

    for state in states:
        session.preview(state)
        assert np.array_equal(settled(session).pixels, explorer.render(state, checkpoint).pixels)


def test_a_drag_is_one_step(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    before = session.state
    for x in range(1, 30):
        session.preview(replace(session.state, latent=SeedPad(x / 10, 0)))
    session.commit("Drag")

    assert [node.label for node in session.history.nodes] == ["Open plain", "Drag"]
    assert session.undo()
    assert session.state is before
    assert not session.undo()


def test_a_drag_that_ends_where_it_began_is_no_step(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    before = session.state
    session.preview(replace(before, latent=SeedPad(4, 0)))
    session.preview(replace(before))
    session.commit("Drag")

    assert session.state is before
    assert len(session.history.nodes) == 1


def test_undo_restores_the_exact_state_and_picture_and_redo_goes_forward(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["plain"])
    first = settled(session)
    session.edit(replace(session.state, latent=SeedPad(4, 0)), "Seed")
    second = settled(session)

    assert session.undo()
    assert session.state is first.state
    assert np.array_equal(settled(session).pixels, first.pixels)
    assert session.redo()
    assert session.state is second.state
    assert np.array_equal(settled(session).pixels, second.pixels)
    assert not session.redo()


def test_undo_in_the_middle_of_a_drag_loses_nothing(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    dragged = replace(session.state, latent=SeedPad(4, 0))
    session.preview(dragged)

    assert session.can_undo
    assert session.undo()
    assert session.redo()
    assert session.state == dragged


def test_frames_say_which_request_they_answer_and_are_given_once(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["plain"])
    settled(session)
    session.preview(replace(session.state, latent=SeedPad(4, 0)))
    frame = settled(session)

    assert frame.request == session.last_request
    assert frame.timings.requested_s <= frame.timings.started_s <= frame.timings.finished_s
    assert session.newest_frame() is None


def test_a_file_that_cannot_be_opened_leaves_everything_as_it_was(
    start: Callable[..., Session], files: dict[str, Path], tmp_path: Path
) -> None:
    session = start(files["plain"])
    state, history = session.state, session.history
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(99))
    for source in (tmp_path / "photo.jpg", tmp_path / "missing.pkl", "bundled:nothing", tmp_path):
        job = session.open(source)
        assert session.wait(WAIT_S)

        assert job.done
        assert job.error
        assert texts(session) == [f"error: {job.error}"]
        assert session.model_name == "plain"
        assert session.state is state
        assert session.history is history


def test_the_newest_of_two_files_being_opened_wins(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start()
    session.open(files["plain"])
    session.open(files["stylegan3"])
    frame = settled(session)

    assert session.model_name == "third"
    assert frame.pixels.shape[:2] == session.spec.resolution


def test_opening_another_model_keeps_what_fits_and_tells_what_was_dropped(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["classes"])
    last = session.spec.num_ws - 1
    edited = replace(
        session.state,
        latent=SeedPad(5, 0),
        condition=ClassMix(((1, 1.0),)),
        sliders=(Slider("pca", 1, 1.0),),
        mixing=(Mix(SeedPad(1, 0), (0, last)),),
        noise=Noise("random", 2),
    )
    session.edit(edited, "Edit all")
    session.open(files["stylegan3"])
    frame = settled(session)

    assert session.state.latent == edited.latent
    assert session.state.truncation == edited.truncation
    assert session.state.sliders == edited.sliders
    assert session.state.condition != edited.condition
    assert session.state.noise == Noise()
    assert frame.dropped == ()
    assert [text.split(" for ")[1].split(":")[0] for text in texts(session)] == ["classes", "noise"]


def test_undo_goes_back_to_the_model_that_was_open(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    first = settled(session)
    session.open(files["stylegan3"])
    settled(session)
    session.edit(replace(session.state, transform=Transform(0.1, 0, 20)), "Turn")

    assert session.undo()
    assert session.undo()
    assert session.model_name == "plain"
    assert np.array_equal(settled(session).pixels, first.pixels)


def test_undo_reopens_a_model_that_is_no_longer_in_memory(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["plain"])
    first = settled(session)
    for name in ("stylegan3", "classes"):
        session.open(files[name])
        settled(session)

    assert session.jump(0)
    assert session.model_name == "classes"
    assert np.array_equal(settled(session).pixels, first.pixels)
    assert session.model_name == "plain"
    assert session.state is first.state


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


def test_directions_found_in_steps_are_those_found_at_once(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["classes"])
    stepped = session._model.renderer.directions
    at_once = Renderer(open_checkpoint(files["classes"])).directions

    assert stepped.components.equal(at_once.components)
    assert stepped.deviations.equal(at_once.deviations)


def test_a_session_closes_while_it_opens_and_renders(files: dict[str, Path]) -> None:
    session = Session(threads=1, compile_kernels=False)
    session.open(files["plain"])
    assert session.wait(WAIT_S)
    for x in range(50):
        session.preview(replace(session.state, latent=SeedPad(x, 0)))
    session.open(files["stylegan3"])
    session.close()

    assert all(not thread.is_alive() for thread in session._loader._threads)


def test_compiled_kernels_change_the_picture_between_two_pictures(files: dict[str, Path]) -> None:
    from explorer import ops

    before = ops.kernel_status().policy
    session = Session(threads=1)
    try:
        session.open(files["plain"])
        frame = settled(session)
        assert frame.request == session.last_request
        assert ops.kernel_status().policy == "auto"
        assert np.array_equal(frame.pixels, explorer.render(session.state, open_checkpoint(files["plain"])).pixels)
    finally:
        session.close()
        ops.use(before)


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


def test_centres_are_found_in_the_background_once(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    job = session.find_centres()

    assert job is not None
    assert session.wait(WAIT_S)
    assert job.done
    assert session.find_centres() is None


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


def test_equivariance_is_measured_in_the_background(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["stylegan3"])
    job = session.measure_equivariance(samples=2)
    assert job is not None
    assert session.wait(WAIT_S)
    session.messages()

    assert session.equivariance is not None
    assert session.equivariance.share == 1
    session.open(files["plain"])
    assert session.wait(WAIT_S)
    assert session.equivariance is None
    assert session.measure_equivariance() is None


def test_thumbnails_come_in_the_background_and_leave_the_picture_alone(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["plain"])
    shown = settled(session)
    states = [replace(session.state, latent=SeedPad(seed, 0)) for seed in range(4)]
    other = replace(states[0], checkpoint=replace(states[0].checkpoint, sha256="0" * 64))
    missing = replace(states[0], latent=Stored("w", BlobRef("1" * 64)))
    small = session.thumbnails([*states, other, missing], side_px=8)
    whole = session.thumbnails(states, side_px=32)
    assert session.wait(WAIT_S)

    assert [None if picture is None else picture.shape for picture in small.pictures] == [(8, 8, 3)] * 4 + [None] * 2
    assert small.job.error is None
    assert texts(session) == []
    for state, picture in zip(states, whole.pictures, strict=True):
        assert np.array_equal(picture, explorer.render(state, open_checkpoint(files["plain"])).pixels)
    session.preview(replace(session.state, noise=Noise("none")))
    session.preview(replace(session.state, noise=Noise("const")))
    assert np.array_equal(settled(session).pixels, shown.pixels)


def test_cancelled_thumbnails_stop(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    made = session.thumbnails([session.state] * 500, side_px=16)
    made.job.cancel()
    assert session.wait(WAIT_S)

    assert made.job.done
    assert made.pictures[-1] is None


def test_without_a_model_there_are_no_thumbnails(start: Callable[..., Session]) -> None:
    with pytest.raises(StateError, match="open one first"):
        start().thumbnails([EditState()])


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
