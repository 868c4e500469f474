import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.settings import Settings, SettingsStore, decode, encode, load_settings

SETTINGS = st.builds(
    Settings,
    scale=st.none() | st.sampled_from([1.0, 1.5, 2.0]),
    width_px=st.integers(200, 8000),
    background=st.sampled_from(["dark", "mid", "light", "checker"]),
    recent=st.lists(st.text(max_size=8), max_size=12).map(tuple),
    previews=st.booleans(),
    precision=st.sampled_from(["float32", "bfloat16", "float16"]),
)


@given(SETTINGS)
def test_settings_come_back_as_they_were_written(settings: Settings) -> None:
    assert decode(encode(settings)) == settings


def test_settings_of_an_older_version_keep_what_they_say_and_default_the_rest() -> None:
    assert decode('{"version": 1, "sampling": "smooth"}') == Settings(sampling="smooth")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"version": 1, "scale": 40}', "scale"),
        ('{"version": 1, "precision": "float64"}', "precision"),
        ('{"version": 1, "width_px": true}', "width_px"),
        ('{"version": 2}', "newer"),
    ],
)
def test_what_cannot_be_used_is_kept_aside_and_told(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    settings, told = load_settings(path)
    assert settings == Settings()
    assert problem in told
    assert (tmp_path / "settings-kept.json").read_text() == text
    assert not path.exists()


def test_changes_are_in_the_file_at_once_and_nothing_is_written_without_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    store = SettingsStore(path)
    store.change(previews=True)
    assert not path.exists()
    store.change(previews=False)
    assert json.loads(path.read_text())["previews"] is False
    assert load_settings(path) == (dataclasses.replace(Settings(), previews=False), "")


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SettingsStore(tmp_path / "file" / "settings.json")
    assert "damaged" not in store.take_problem()
    store.change(tour_seen=True)
    assert "cannot be remembered" in store.take_problem()
    store.change(tour_seen=False)
    assert store.take_problem() == ""
