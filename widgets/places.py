"""Where files lie: what ships with the app, and what the app remembers for a person."""

from pathlib import Path

import platformdirs

__all__ = ["asset", "settings_folder"]


def asset(*parts: str) -> Path:
    """A file that ships with the app, such as ``asset("fonts", "Inter-Regular.otf")``."""
    return Path(__file__).resolve().parent.parent.joinpath("assets", *parts)


def settings_folder() -> Path:
    """The platform's place for this app's settings; made when missing."""
    return Path(platformdirs.user_config_dir("latent-explorer", appauthor=False, ensure_exists=True))
