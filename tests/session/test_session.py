"""What is shown and edited: opening models, dragging, undo, and the frames that answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import explorer
from explorer.checkpoints import open_checkpoint
from explorer.session import Session
from explorer.state import ClassMix, EditState, Mix, Noise, SeedPad, Slider, Transform, Truncation
from tests.session.helpers import WAIT_S, settled, texts


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
