"""What a run tells: JSON lines that any program can follow, and TensorBoard's files where they are wanted."""

import json
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.errors import CheckpointError
from training.state import TrainingState

__all__ = ["RunLog", "tensorboard_writer"]


@dataclass(slots=True)
class RunLog:
    """Averages what the phases report and writes a line now and then. Never stops a run: a full disk loses lines."""

    path: Path
    state: TrainingState
    board: Any = None
    """A writer of `tensorboard_writer`, or ``None``."""
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    since_s: float = field(default_factory=time.monotonic)
    shown_at: int = -1

    def __post_init__(self) -> None:
        self.shown_at = self.state.shown

    @property
    def shown_since(self) -> int:
        """Pictures since the last line."""
        return self.state.shown - self.shown_at

    def add(self, report: Mapping[str, Tensor]) -> None:
        """Take one step's values in."""
        for name, values in report.items():
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + values.float().mean().item(), count + 1)

    def flush_step(self) -> dict[str, float]:
        """Write the averages since the last time, and return them."""
        state, config = self.state, self.state.config
        seconds = max(time.monotonic() - self.since_s, 1e-9)
        means = {name: round(total / count, 5) for name, (total, count) in self.sums.items()}
        values = {
            "pictures_per_s": round(self.shown_since / seconds, 2),
            "s_per_kimg": round(seconds * 1000 / max(self.shown_since, 1), 3),
            "g_lr": state.generator_adam.param_groups[0]["lr"],
            "d_lr": state.discriminator_adam.param_groups[0]["lr"],
            **({} if config.augment == "none" else {"augment_p": round(state.augment_p, 6)}),
            **({"ada_sign": round(state.ada_mean_sign, 4)} if config.augment == "ada" else {}),
            **({"blur_sigma": round(config.sigma(state.shown), 3)} if config.blur_sigma > 0 else {}),
            **means,
        }
        self.line(event="step", step=state.step, shown=state.shown, **values)
        self.sums, self.since_s, self.shown_at = {}, time.monotonic(), state.shown
        return values

    def message(self, text: str, *, kind: str) -> None:
        """Tell a person something, in the log and on stderr."""
        self.line(event="message", kind=kind, shown=self.state.shown, text=text)
        print(f"training: {text}", file=sys.stderr, flush=True)

    def line(self, **values: object) -> None:
        """Write one object as one line, at once."""
        text = json.dumps({name: _finite(value) for name, value in values.items()})
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            print(f"training: {self.path.name} cannot be written ({error.strerror}): {text}", file=sys.stderr)
        if self.board is not None:
            for name, value in values.items():
                if isinstance(value, float):
                    self.board.add_scalar(f"{values['event']}/{name}", value, self.state.shown)


def _finite(value: object) -> object:
    # JSON has no word for them.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def tensorboard_writer(folder: Path) -> Any:
    """A writer of TensorBoard's event files in ``folder``.

    Raises:
        CheckpointError: The package is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise CheckpointError("--tensorboard needs the package: pip install 'latent-explorer[tensorboard]'") from error
    return SummaryWriter(str(folder))
