"""What serves is named, and so is why nothing faster does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from explorer import ops
from explorer.session import Session
from explorer.state import Truncation
from tests.models import write_stylegan2

WAIT_S = 120


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(threads=1, compile_kernels=False)
    made.open(write_stylegan2(tmp_path / "first.safetensors"))
    assert made.wait(WAIT_S)
    yield made
    made.close()


def test_a_picture_tells_which_paths_made_it_and_what_is_kept_of_it(session: Session) -> None:
    frame = session.newest_frame()
    assert frame is not None
    used = frame.timings.kernels
    assert {use.operation for use in used} >= {"upfirdn2d", "bias_act"}
    assert {(use.path, use.why) for use in used} == {("torch", "compiled kernels are not in use")}
    assert all(use.calls > 0 for use in used)
    assert frame.timings.kept_bytes > frame.pixels.nbytes

    session.preview(replace(session.state, truncation=Truncation(0.2)))
    session.preview(replace(session.state, truncation=Truncation(0.7)))
    assert session.wait(WAIT_S)
    again = session.newest_frame()
    assert again is not None
    # It was made before, so nothing was computed for it.
    assert again.timings.kernels == ()


def test_a_reading_names_device_threads_kernels_and_memory(session: Session) -> None:
    reading = session.performance()
    assert (reading.compute.device, reading.threads) == ("cpu", 1)
    assert "switched off in Preferences" in reading.kernels
    weights = 4 * sum(
        part.numel()
        for part in (*session._model.renderer.generator.parameters(), *session._model.renderer.generator.buffers())
    )
    assert (reading.models, reading.model_bytes, reading.gpu_bytes) == (1, weights, None)
    assert reading.process_bytes > 50_000_000
    session.unload()
    assert (session.performance().models, session.performance().model_bytes) == (0, 0)


def test_kernels_that_cannot_be_compiled_say_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing() -> str:
        return "the compiled kernels need numba, which is not installed: pip install numba"

    monkeypatch.setattr("explorer.rendering.machine.compile_kernels", missing)
    session = Session(threads=1)
    try:
        assert "after the first picture" in session.performance().kernels
        session.open(write_stylegan2(tmp_path / "first.safetensors"))
        assert session.wait(WAIT_S)
        session.messages()
        assert session.wait(WAIT_S)
        assert session.performance().kernels.endswith("pip install numba")
    finally:
        session.close()


def test_what_keeps_the_compiled_path_away_is_told_for_each_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from explorer.ops import dispatch

    monkeypatch.setattr(dispatch._kernels, "policy", "auto")
    monkeypatch.setattr(dispatch._kernels, "compiled", True)
    ops.take_served()
    x = torch.zeros(1, 1, 4, 4)
    for lacks, pays in ((None, True), (None, False), ("torch.bfloat16", True)):
        dispatch.choose("upfirdn2d", x, None, lacks=lacks, pays=lambda pays=pays: pays)
    told = {(served.path, served.why) for served in ops.take_served()}
    assert told == {("numba", ""), ("torch", "too small to pay"), ("torch", "no compiled form for torch.bfloat16")}
    assert ops.take_served() == ()
