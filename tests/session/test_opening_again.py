"""What failed can be tried again, a search can be stopped, and memory that runs out is told with a way out."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.checkpoints import open_checkpoint
from explorer.rendering.renderer import Renderer
from explorer.session import Session
from explorer.session import scanning as scanning_module
from explorer.session.opening import open_model
from explorer.state import Truncation
from tests.models import GOLDEN, write_stylegan2

WAIT_S = 60


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(threads=1, compile_kernels=False)
    made.open(write_stylegan2(tmp_path / "first.safetensors"))
    assert made.wait(WAIT_S)
    yield made
    made.close()


def test_what_failed_to_open_is_tried_again_once_it_is_there(session: Session, tmp_path: Path) -> None:
    late = tmp_path / "late.safetensors"
    assert session.failed_opening is None
    assert session.open_again() is None
    session.open(late)
    assert session.wait(WAIT_S)
    assert session.failed_opening is not None
    assert session.failed_opening.name == "Open late.safetensors"
    assert "does not exist" in str(session.failed_opening.error)
    assert session.model_name == "first"

    write_stylegan2(late, seed=1)
    assert session.open_again() is not None
    assert session.failed_opening is None
    assert session.wait(WAIT_S)
    assert session.model_name == "late"


def test_an_opening_that_was_given_up_or_let_be_is_none_that_failed(session: Session, tmp_path: Path) -> None:
    session.open(tmp_path / "nowhere.pkl")
    session.open(tmp_path / "first.safetensors")
    assert session.wait(WAIT_S)
    assert session.failed_opening is None
    session.open(tmp_path / "nowhere.pkl")
    assert session.wait(WAIT_S)
    session.forget_failed()
    assert session.open_again() is None


LACKS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:116] DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("lack", LACKS, ids=["python", "cuda", "torch"])
def test_a_picture_that_memory_lacks_for_is_told_with_a_way_out_and_the_next_one_comes(
    session: Session, monkeypatch: pytest.MonkeyPatch, lack: Exception
) -> None:
    shown = session.newest_frame()
    assert shown is not None
    session.messages()
    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "frame", _raising(lack))
        session.edit(replace(session.state, truncation=Truncation(0.1)), "Psi 0.1")
        assert session.wait(WAIT_S)
    # No frame comes, so the window keeps the one that it has.
    assert session.newest_frame() is None
    (message,) = session.messages()
    assert message.level == "error"
    assert "lower precision" in message.text
    assert "the last picture stays" in message.text

    session.undo()
    assert session.wait(WAIT_S)
    again = session.newest_frame()
    assert again is not None
    assert np.array_equal(again.pixels, shown.pixels)


def test_a_job_that_memory_lacks_for_says_so_and_the_next_job_runs(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.messages()
    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "thumbnail", _raising(MemoryError()))
        session.thumbnails([session.state])
        assert session.wait(WAIT_S)
    (message,) = session.messages()
    assert message.text.startswith("Thumbnails: there is not enough memory")
    made = session.thumbnails([session.state])
    assert session.wait(WAIT_S)
    assert made.job.error is None
    assert made.pictures[0] is not None


def test_a_model_that_memory_lacks_for_leaves_the_open_one_and_can_be_tried_again(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = write_stylegan2(tmp_path / "large.safetensors", seed=2)
    with monkeypatch.context() as patch:
        patch.setattr("explorer.checkpoints.open_checkpoint", _raising(MemoryError()))
        session.open(large)
        assert session.wait(WAIT_S)
    (message,) = session.messages()
    assert "not enough memory to open" in message.text
    assert "unload the open model" in message.text
    assert session.model_name == "first"
    session.open_again()
    assert session.wait(WAIT_S)
    assert session.model_name == "large"


def test_a_session_holds_no_discriminator_and_still_tells_that_the_file_has_one() -> None:
    path = GOLDEN / "nets" / "sg2_32_cond3.pkl"
    assert open_checkpoint(path).discriminator is not None
    model = open_model(path)
    assert model.renderer.checkpoint.discriminator is None
    assert "D" in model.info["entries"]


def test_a_folder_is_looked_through_beside_everything_else(session: Session, tmp_path: Path) -> None:
    scan = session.scan(tmp_path)
    assert scan.job in session.jobs or scan.job.done
    assert session.wait(WAIT_S)
    (run,) = scan.runs
    assert [model.path.name for model in run.models] == ["first.safetensors"]


def test_a_scan_stops_when_it_is_cancelled_with_what_it_found(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, go_on = threading.Event(), threading.Event()
    found = list(scanning_module.find_runs(tmp_path))

    def endless(_folder: Path) -> Iterator[object]:
        yield found[0]
        first.set()
        assert go_on.wait(WAIT_S)
        while True:
            yield None

    monkeypatch.setattr(scanning_module, "find_runs", endless)
    scan = session.scan(tmp_path)
    assert first.wait(WAIT_S)
    scan.job.cancel()
    go_on.set()
    assert session.wait(WAIT_S)
    assert scan.job.done
    assert len(scan.runs) == 1


def test_a_folder_that_cannot_be_read_is_told(session: Session, tmp_path: Path) -> None:
    session.messages()
    session.scan(tmp_path / "nowhere")
    assert session.wait(WAIT_S)
    (message,) = session.messages()
    assert "choose another folder" in message.text


def _raising(error: Exception):
    def fail(*_arguments: object, **_options: object) -> object:
        raise error

    return fail
