from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.session import Session, Sheet
from explorer.state import EditState, Mix, SeedPad, SheetPlan, Stored, Truncation
from main import cli, run
from tests.models import GOLDEN, write_stylegan2

WAIT_S = 60
NETS = GOLDEN / "nets"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stylegan2(tmp_path_factory.mktemp("models") / "plain.safetensors", c_dim=3)


@pytest.fixture
def session(model: Path) -> Iterator[Session]:
    session = Session(threads=1, compile_kernels=False)
    session.open(model)
    assert session.wait(WAIT_S)
    yield session
    session.close()


def mixed(session: Session) -> EditState:
    return replace(session.state, mixing=(Mix(SeedPad(4, 0), (1, 3)),))


def test_a_sheet_is_the_command_lines_pixel_for_pixel(session: Session, model: Path, tmp_path: Path) -> None:
    plan, base = SheetPlan((1, 2), (105, 6), (0, 3)), replace(session.state, truncation=Truncation(0.4))
    sheet = session.mixing_sheet(plan, base)
    assert not sheet.is_complete
    assert session.wait(WAIT_S)
    path = tmp_path / "sheet.png"
    arguments = ["mix", str(model), "--rows", "1-2", "--cols", "105,6", "--layers", "0,3", "--psi", "0.4"]

    assert run(cli, [*arguments, "--out", str(path)]) == 0
    assert sheet.is_complete
    assert np.array_equal(sheet.pixels(), np.asarray(Image.open(path)))


def test_a_sheet_leaves_the_state_and_its_picture_alone(session: Session) -> None:
    before = session.state, session.last_request
    session.mixing_sheet(SheetPlan((1,), (2,), (0,)))
    assert session.wait(WAIT_S)

    assert (session.state, session.last_request) == before


def test_a_cancelled_sheet_keeps_the_cells_that_it_has(session: Session) -> None:
    sheet = session.mixing_sheet(SheetPlan(tuple(range(40)), tuple(range(40)), (0,)))
    sheet.job.cancel()
    assert session.wait(WAIT_S)

    assert sheet.job.done
    assert not sheet.is_complete


def test_a_picture_is_answered_while_a_sheet_is_made(session: Session) -> None:
    sheet: Sheet = session.mixing_sheet(SheetPlan(tuple(range(30)), tuple(range(30)), (0,)))
    session.newest_frame()
    session.preview(replace(session.state, latent=SeedPad(8, 0)))
    assert session.wait_for_frame(WAIT_S)
    frame = session.newest_frame()

    assert frame is not None
    assert frame.state.latent == SeedPad(8, 0)
    assert not sheet.job.done
    sheet.job.cancel()


def test_keeping_a_mix_is_one_step_and_the_same_picture(session: Session) -> None:
    session.edit(mixed(session), "Mix")
    assert session.wait(WAIT_S)
    before = session.newest_frame()
    assert session.keep_mix() is not None
    assert session.wait(WAIT_S)
    after = session.newest_frame()

    assert session.history.current.label == "Keep the mix"
    assert session.state.mixing == ()
    assert isinstance(session.state.latent, Stored)
    assert before is not None
    assert after is not None
    assert np.array_equal(before.pixels, after.pixels)
    assert session.undo()
    assert session.state == before.state


def test_keeping_what_was_changed_meanwhile_does_nothing(session: Session) -> None:
    session.edit(mixed(session), "Mix")
    job = session.keep_mix()
    assert job is not None
    session.edit(replace(session.state, latent=SeedPad(5, 0)), "Seed 5")
    assert job.wait(WAIT_S)
    session.newest_frame()

    assert session.history.current.label == "Seed 5"


def test_there_is_nothing_to_keep_without_a_mix(session: Session) -> None:
    assert session.keep_mix() is None
    session.edit(replace(session.state, mixing=(Mix(SeedPad(4, 0), ()),)), "Source")
    assert session.keep_mix() is None
