"""What the app remembers for a person beside the layout: one small JSON file in the platform's place for settings."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

from explorer.project.atomic import write_atomically
from widgets.picture import Background, Sampling

__all__ = ["RECENT", "Settings", "SettingsStore", "SliderCount", "decode", "encode", "load_settings"]

VERSION = 1
RECENT = 12
"""How many models are remembered."""
SliderCount = Literal[10, 20, 40, 80]
"""How many W sliders may be shown at once."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is remembered, with what holds before anybody chose."""

    scale: float | None = None
    """Pixels on screen for one of the design; found out when ``None``."""
    width_px: int = 1280
    """Of the window, in pixels of the design."""
    height_px: int = 800
    """Of the window, in pixels of the design."""
    sampling: Sampling = "auto"
    """How the picture is enlarged."""
    background: Background = "dark"
    """What is around it."""
    recent: tuple[str, ...] = ()
    """Where models were opened from, the newest first."""
    runs_folder: str = ""
    """Where the browser of training runs looks; nowhere when empty."""
    datasets: tuple[str, ...] = ()
    """What was trained on, the newest first."""
    training_runs: tuple[str, ...] = ()
    """Folders of runs, the newest first."""
    training_run: str = ""
    """The folder of the run that is shown; empty while none is."""
    tour_seen: bool = False
    """Whether the hints of the first start were seen or skipped."""
    slider_count: SliderCount = 10
    """How many W sliders are shown at once."""
    keyboard: bool = False
    """Whether Tab and arrow keys go from control to control."""
    previews: bool = True
    """Whether a coarse picture may come first while something moves."""
    compiled: bool = True
    """Whether compiled kernels may serve."""
    device: str = "cpu"
    """Where models compute."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of the synthesis."""


class SettingsStore:
    """The settings of this process and their file.

    Args:
        path: Of the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        """Of the file."""
        self._broken = False
        self.settings, self._problem = load_settings(path)

    def take_problem(self) -> str:
        """What a person should be told about the file, once; empty when nothing is wrong."""
        problem, self._problem = self._problem, ""
        return problem

    def change(self, **values: object) -> None:
        """Set some, and write the file."""
        changed = dataclasses.replace(self.settings, **values)  # type: ignore[arg-type]
        if changed == self.settings:
            return
        self.settings = changed
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, encode(changed).encode())
        except OSError as error:
            if not self._broken:
                self._broken = True
                self._problem = f"Settings cannot be remembered, {self.path}: {error.strerror or error}"


def load_settings(path: Path) -> tuple[Settings, str]:
    """The settings in a file, and what was wrong with it, in words; empty when nothing was.

    A file that cannot be read, or that a newer version wrote, is kept aside under another name.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, UnicodeDecodeError) as error:
        return Settings(), _kept_aside(path, f"cannot be read ({error})")
    try:
        return decode(text), ""
    except ValueError as error:
        return Settings(), _kept_aside(path, str(error))


def _kept_aside(path: Path, problem: str) -> str:
    aside = path.with_name(f"{path.stem}-kept{path.suffix}")
    try:
        path.replace(aside)
    except OSError:
        return f"The settings {problem}: the app starts with its own, {path} stays as it is."
    return f"The settings {problem}: the app starts with its own, the old file is kept as {aside.name}."


def encode(settings: Settings) -> str:
    """As JSON, one setting a line."""
    return json.dumps({"version": VERSION, **dataclasses.asdict(settings)}, indent=1) + "\n"


def decode(text: str) -> Settings:
    """The settings that `encode` wrote; those that are missing are as before anybody chose.

    Raises:
        ValueError: It is no JSON object, of a newer version, or a setting has a value that it cannot have.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ValueError("are damaged") from error
    if not isinstance(values, dict) or type(values.get("version")) is not int:
        raise ValueError("are damaged")
    if values["version"] > VERSION:
        raise ValueError(f"were written by a newer version of the app ({values['version']})")
    hints = get_type_hints(Settings)
    known = {name: _checked(name, values[name], hint) for name, hint in hints.items() if name in values}
    return Settings(**known)  # type: ignore[arg-type]


def _checked(name: str, value: object, hint: object) -> object:
    """A value of the type that a field has."""
    if get_origin(hint) is Literal and value in get_args(hint):
        return value
    if hint == tuple[str, ...] and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)[:RECENT]
    if name == "scale" and (value is None or (type(value) in (int, float) and 0.5 <= value <= 4)):  # type: ignore[operator]
        return value
    if hint is int and type(value) is int and 200 <= value <= 20_000:
        return value
    if hint in (bool, str) and type(value) is hint:
        return value
    raise ValueError(f"are damaged ({name} cannot be {value!r})")
