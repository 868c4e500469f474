from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.project.text_folders import keep_text_folder, text_folders
from explorer.rendering import Renderer
from explorer.session import Session
from explorer.state import Prompt
from explorer.text import SENTENCES
from tests.models import open_checkpoint, write_stylegan2, write_stylegan_t

FOLDERS = Path(__file__).parents[1] / "text" / "folders"
WAIT_S = 60


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "settings"
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *args, **kwargs: str(folder))
    return folder


@pytest.fixture
def session(settings: Path, tmp_path: Path) -> Iterator[Session]:
    made = Session(threads=1, compile_kernels=False)
    made.open(write_stylegan_t(tmp_path / "texts.safetensors", c_dim=24, kind=SENTENCES))
    assert made.wait(WAIT_S)
    yield made
    made.close()


def prompted(session: Session, text: str) -> None:
    session.edit(replace(session.state, condition=Prompt(((text, 1.0),))), "Prompt")


def test_the_picture_of_a_prompt_comes_once_its_texts_are_encoded(session: Session, tmp_path: Path) -> None:
    assert session.use_text_folder(FOLDERS / "sentences") is not None
    assert session.wait(WAIT_S)
    asked = session.last_request

    prompted(session, "a cat")
    # Nothing is asked of the render thread before the job is done.
    assert session.last_request == asked
    assert session.wait(WAIT_S)

    frame = session.newest_frame()
    assert frame is not None
    renderer = Renderer(open_checkpoint(tmp_path / "texts.safetensors"))
    renderer.texts.use_folder(FOLDERS / "sentences")
    assert np.array_equal(frame.pixels, renderer.frame(session.state).pixels)
    assert frame.state is session.state


def test_a_prompt_that_cannot_be_encoded_is_left_out_and_says_why_once(session: Session, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    keep_text_folder(SENTENCES, empty)
    session.newest_frame()
    session.messages()

    prompted(session, "a cat")
    assert session.wait(WAIT_S)
    frame = session.newest_frame()
    assert frame is not None
    assert frame.dropped == ("text: none was given, so the picture is made for an empty one",)
    prompted(session, "a dog")
    assert session.wait(WAIT_S)
    (message,) = session.messages()
    assert message.level == "error"
    assert "config.json" in message.text
    session.use_text_folder(FOLDERS / "sentences")
    assert session.wait(WAIT_S)
    frame = session.newest_frame()
    assert frame is not None
    assert frame.state.condition == Prompt((("a dog", 1.0),))


def test_a_folder_that_turned_out_usable_is_remembered(session: Session, settings: Path, tmp_path: Path) -> None:
    assert session.text_encoder is not None
    session.use_text_folder(tmp_path)
    assert session.wait(WAIT_S)
    assert text_folders() == {}
    session.use_text_folder(FOLDERS / "sentences")
    assert session.wait(WAIT_S)
    assert text_folders() == {SENTENCES: FOLDERS / "sentences"}
    assert session.text_encoder.source == str(FOLDERS / "sentences")


def test_settings_that_cannot_be_read_are_as_if_there_were_none(settings: Path) -> None:
    settings.mkdir()
    for content in (b"{", b"[1]", b"\xff", b'{"clip": 3}'):
        (settings / "text-encoders.json").write_bytes(content)
        assert text_folders() == {}


def test_a_model_without_texts_has_no_use_for_a_folder(session: Session, tmp_path: Path) -> None:
    session.open(write_stylegan2(tmp_path / "plain.safetensors"))
    assert session.wait(WAIT_S)
    assert session.use_text_folder(FOLDERS / "sentences") is None
    assert session.text_encoder is not None
    assert "not steered by a text" in session.text_encoder.reason
