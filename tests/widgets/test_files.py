"""What is asked before something that is opened takes the place of unsaved work."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.session import Session
from explorer.state import Truncation
from tests.models import write_stylegan2
from widgets import unsaved
from widgets.files import FileDialogs, is_project
from widgets.panels.library import public_now
from widgets.theme import Look

WAIT_S = 60


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(threads=1, compile_kernels=False)
    made.open(write_stylegan2(tmp_path / "first.safetensors"))
    assert made.wait(WAIT_S)
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    questions: list[str] = []

    def ask(_look: Look, tag: str, _title: str, _build: Callable[[], None]) -> None:
        questions.append(tag)

    monkeypatch.setattr(unsaved, "open_dialog", ask)
    return questions


def test_a_project_that_failed_is_tried_again_only_after_a_question(
    session: Session, asked: list[str], tmp_path: Path
) -> None:
    dialogs = FileDialogs(None, session, lambda level, text: None, lambda path: None)  # type: ignore[arg-type]
    path = tmp_path / "work.latent"
    session.save_project(path)
    saved = path.read_bytes()
    path.unlink()
    dialogs.open(path)
    assert session.wait(WAIT_S)
    assert session.failed_source == path
    path.write_bytes(saved)

    session.edit(replace(session.state, truncation=Truncation(0.25)), "Psi 0.25")
    work = session.history
    dialogs.open_again()
    assert asked == ["open_question"]
    assert session.wait(WAIT_S)
    assert session.history is work

    # With nothing to lose it opens at once.
    session.save_project(tmp_path / "other.latent")
    dialogs.open_again()
    assert session.wait(WAIT_S)
    assert (asked, session.project_path, session.failed_source) == (["open_question"], path, "")


def test_a_model_that_failed_is_tried_again_at_once(session: Session, asked: list[str], tmp_path: Path) -> None:
    dialogs = FileDialogs(None, session, lambda level, text: None, lambda path: None)  # type: ignore[arg-type]
    dialogs.open(tmp_path / "late.safetensors")
    assert session.wait(WAIT_S)
    session.edit(replace(session.state, truncation=Truncation(0.25)), "Psi 0.25")
    assert session.is_dirty
    write_stylegan2(tmp_path / "late.safetensors", seed=1)
    dialogs.open_again()
    assert session.wait(WAIT_S)
    assert (asked, session.model_name) == ([], "late")


def test_recovered_work_comes_as_a_whole_too() -> None:
    assert is_project(Path("work-1.journal"))
    assert is_project("https://machine/work.latent?x#sha256=0")
    assert not is_project("https://machine/model.pkl")


def test_a_pipe_is_never_waited_on(session: Session, tmp_path: Path) -> None:
    for name in ("pipe", "pipe.latent", "pipe.png"):
        pipe = tmp_path / name
        os.mkfifo(pipe)
        assert is_project(pipe) == (pipe.suffix == ".latent")
        session.messages()
        session.open(pipe)
        assert session.wait(WAIT_S)
        assert "is no file" in session.messages()[-1].text


def test_a_damaged_list_of_public_models_is_told_below_its_shelf(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *args, **kwargs: str(tmp_path))
    (tmp_path / "known-models.json").write_text('[{"name": 3}]')
    (shelf,) = public_now()
    assert "mend or remove" in shelf.note
    assert shelf.rows == ()
