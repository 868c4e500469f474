"""Read the golden cases of single operations."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).resolve().parent.parent / "golden" / "ops"


@dataclass(frozen=True)
class Case:
    file: str
    number: int
    op: str
    options: dict[str, Any]
    arrays: dict[str, Tensor]

    def __str__(self) -> str:
        return f"{self.op}-{self.number}"


def cases(file: str) -> list[Case]:
    with np.load(FOLDER / f"{file}.npz") as stored:
        meta = json.loads(str(stored["meta_json"]))
        return [
            Case(
                file=file,
                number=entry["i"],
                op=entry["op"],
                options=entry["args"],
                arrays={name: torch.from_numpy(stored[f"{entry['i']:03d}/{name}"]) for name in entry["arrays"]},
            )
            for entry in meta
        ]


def renamed(options: dict[str, Any], **names: str) -> dict[str, Any]:
    """Options under our names; an empty name drops one."""
    return {names.get(key, key): value for key, value in options.items() if names.get(key, key)}
