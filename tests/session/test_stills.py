from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.errors import StateError
from explorer.session import Session
from explorer.state import CheckpointRef, Mix, SeedPad, Slider
from main import cli, run
from tests.models import write_stylegan2

WAIT_S = 60


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return write_stylegan2(folder / "one.safetensors"), write_stylegan2(folder / "two.safetensors", c_dim=3)


@pytest.fixture
def session(models: tuple[Path, Path]) -> Iterator[Session]:
    session = Session(threads=1, compile_kernels=False)
    session.open(models[0])
    assert session.wait(WAIT_S)
    yield session
    session.close()


def test_a_still_is_the_command_lines_picture_of_that_state(session: Session, tmp_path: Path) -> None:
    edited = replace(session.state, sliders=(Slider("pca", 1, 2.5),), mixing=(Mix(SeedPad(4, 0), (1, 2)),))
    session.edit(edited, "Edit")
    session.save_project(tmp_path / "edited.latent")
    session.undo()
    still = session.still(edited)
    assert session.wait(WAIT_S)

    assert run(cli, ["render", str(tmp_path / "edited.latent"), "--out", str(tmp_path)]) == 0
    assert still.pixels is not None
    assert np.array_equal(still.pixels, np.asarray(Image.open(tmp_path / "edited.png")))


def test_a_still_leaves_what_is_shown_alone(session: Session) -> None:
    before = session.state, session.last_request, session.history
    session.still(replace(session.state, latent=SeedPad(3, 0)))
    assert session.wait(WAIT_S)

    assert (session.state, session.last_request, session.history) == before


def test_a_still_is_made_by_the_model_of_its_state(session: Session, models: tuple[Path, Path]) -> None:
    state = session.state
    assert session.wait(WAIT_S)
    shown = session.newest_frame()
    session.open(models[1])
    assert session.wait(WAIT_S)
    still = session.still(state)
    assert session.wait(WAIT_S)

    assert session.state.checkpoint != state.checkpoint
    assert shown is not None
    assert still.pixels is not None
    assert np.array_equal(still.pixels, shown.pixels)


def test_a_state_whose_model_is_gone_says_what_to_do(session: Session) -> None:
    gone = replace(session.state, checkpoint=CheckpointRef("0" * 64, "stylegan2", "/models/cats.pkl"))

    with pytest.raises(StateError, match=r"cats\.pkl.*not in memory.*go there once"):
        session.still(gone)


def test_a_cancelled_still_has_no_pixels(session: Session) -> None:
    still = session.still(replace(session.state, latent=SeedPad(3, 0)))
    still.job.cancel()
    assert session.wait(WAIT_S)

    assert still.job.done
    assert still.pixels is None
