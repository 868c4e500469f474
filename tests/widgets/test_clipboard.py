import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageGrab

from explorer.errors import PhotoError
from explorer.projection import Photo
from widgets.clipboard import Pasting, clipboard_photo, photo_path

Clipboard = Callable[[object], None]


@pytest.fixture
def clipboard(monkeypatch: pytest.MonkeyPatch) -> Clipboard:
    """Puts something there: what Pillow would say, or an error that it would raise."""

    def put(content: object) -> None:
        def grab() -> object:
            if isinstance(content, Exception):
                raise content
            return content

        monkeypatch.setattr(ImageGrab, "grabclipboard", grab)
        monkeypatch.setattr("widgets.clipboard._text", lambda: "4711")

    return put


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "my holiday.png"
    Image.new("RGB", (8, 6), (255, 0, 0)).save(path)
    return path


def test_a_picture_in_the_clipboard_is_a_photo(clipboard: Clipboard) -> None:
    clipboard(Image.new("RGBA", (8, 6), (0, 255, 0, 128)))
    pasted = clipboard_photo()
    assert isinstance(pasted, Photo)
    assert pasted.pixels.shape == (6, 8, 4)
    assert np.array_equal(pasted.pixels[0, 0], [0, 255, 0, 128])
    assert pasted.name == "Pasted photo"


def test_a_copied_file_its_path_and_its_address_are_taken_as_the_file(
    clipboard: Clipboard, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clipboard([str(photo.with_name("note.txt")), str(photo)])
    assert clipboard_photo() == photo
    clipboard(None)
    for text in (str(photo), f'"{photo}"\n', photo.as_uri(), f"copy\n{photo.as_uri()}"):
        monkeypatch.setattr("widgets.clipboard._text", lambda text=text: text)
        assert clipboard_photo() == photo


def test_what_is_no_photo_is_no_path_of_one(photo: Path) -> None:
    text = photo.with_suffix(".txt")
    text.touch()
    assert photo_path(["", "123", str(photo.with_name("none.png")), str(text), str(photo.parent)]) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no photo in the clipboard"),
        ([], "there is no photo in the clipboard"),
        (NotImplementedError("no tool"), "install xclip"),
        (ChildProcessError("xclip error"), "xclip error"),
        (Image.new("RGB", (2, 2)), "too few"),
    ],
)
def test_nothing_to_paste_is_said_in_words(clipboard: Clipboard, content: object, words: str) -> None:
    clipboard(content)
    with pytest.raises(PhotoError, match=words):
        clipboard_photo()


def test_pasting_waits_in_a_thread_and_gives_what_came_once(clipboard: Clipboard) -> None:
    clipboard(None)
    pasting = Pasting()
    assert pasting.take() is None
    pasting.begin()
    came, deadline = None, time.monotonic() + 10
    while came is None and time.monotonic() < deadline:
        came = pasting.take()
    assert isinstance(came, PhotoError)
    assert pasting.take() is None


def test_lines_that_are_no_path_are_passed_over(photo: Path) -> None:
    assert photo_path(["https://[x", "a" * 300 + ".png", "\0.png", str(photo)]) == photo


def test_what_nobody_expects_in_the_clipboard_is_told(clipboard: Clipboard) -> None:
    clipboard(RuntimeError("the owner is confused"))
    pasting = Pasting()
    pasting.begin()
    deadline = time.monotonic() + 30
    while (came := pasting.take()) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert isinstance(came, PhotoError)
    assert "the owner is confused" in str(came)


def test_an_owner_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    answers = threading.Event()
    monkeypatch.setattr("widgets.clipboard.clipboard_photo", lambda: answers.wait(60) and photo)
    monkeypatch.setattr("widgets.clipboard._PATIENCE_S", 0.0)
    pasting = Pasting()
    try:
        pasting.begin()
        time.sleep(0.01)
        pasting.begin()
        assert "does not answer" in str(pasting.take())
    finally:
        answers.set()
