"""Texts and their directions, for one model: each is encoded once and kept. Any thread may ask."""

import importlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from explorer.errors import CheckpointError, StateError
from explorer.rendering.cache import Recent
from explorer.rendering.text_finding import FoundEncoder, find_encoder
from explorer.state import Condition, GeneratorSpec, Prompt
from explorer.text import ClipText, TextEncoder

__all__ = ["Texts"]

_KEPT = 1024
# Below this, what is left of texts that point against each other is rounding.
_NOTHING = 1e-6


class Texts:
    """Encodes the texts of prompts with the model's encoder, which is loaded on first use.

    Args:
        spec: The model's.
        carried: The text encoder in the model's own file.
        folders: A person's own encoders, by their kind; read each time that an encoder is looked for.
    """

    def __init__(
        self, spec: GeneratorSpec, carried: ClipText | None, folders: Callable[[], Mapping[str, Path]] = dict
    ) -> None:
        self._spec = spec
        self._carried = carried
        self._folders = folders
        self._lock = threading.Lock()
        self._vectors: Recent[Tensor] = Recent(_KEPT)
        self._encoder: TextEncoder | None = None
        self._found: FoundEncoder | None = None
        self.version = 0
        """Counts up when another encoder is taken: what was made with the old one is stale."""

    @property
    def found(self) -> FoundEncoder:
        """Which encoder, or why none. Looks for files at the first call only."""
        if self._found is None:
            self._found = find_encoder(self._spec, self._carried, self._folders())
        return self._found

    def look_again(self) -> None:
        """Forget the encoder and what it made: a person chose another, or installed one."""
        # Else Python does not see a package that was installed since it last looked into the folder.
        importlib.invalidate_caches()
        with self._lock:
            self._found = self._encoder = None
            self._vectors.clear()
            self.version += 1

    def use_folder(self, folder: Path) -> None:
        """Take the encoder in a folder from now on.

        Raises:
            StateError: It cannot be read, or is of another model; then everything stays.
        """
        found = find_encoder(self._spec, self._carried, {self._spec.text_encoder: folder})
        encoder = self._load(found)
        with self._lock:
            self._found, self._encoder = found, encoder
            self._vectors.clear()
            self.version += 1

    def missing(self, condition: Condition) -> tuple[str, ...]:
        """The texts of a condition that are not encoded yet."""
        if not self._spec.text or not isinstance(condition, Prompt):
            return ()
        return tuple(dict.fromkeys(text for text, weight in condition.weights if weight and text not in self._vectors))

    def direction(self, text: str) -> Tensor:
        """A text's direction, ``[c_dim]``, of length 1.

        Raises:
            StateError: There is no encoder on this machine, it cannot be read, or it is of another model.
        """
        with self._lock:
            return self._vectors.get(text, lambda: self._ready().encode(text))

    def label(self, prompt: Prompt) -> Tensor:
        """What a prompt steers a model with, ``[1, c_dim]``: its texts' directions, added by weight, at length 1.

        A prompt of nothing, or whose texts cancel each other out, is no text at all: zeros.

        Raises:
            StateError: As `direction`.
        """
        parts = [(self.direction(text), weight) for text, weight in prompt.weights if weight]
        if len(parts) == 1 and parts[0][1] > 0:
            return parts[0][0][None]
        total = torch.zeros(self._spec.c_dim, dtype=torch.float64)
        for direction, weight in parts:
            total += direction.double() * weight
        length = total.norm()
        scale = sum(abs(weight) for _, weight in parts)
        return (total / length if length > _NOTHING * scale else torch.zeros_like(total)).float()[None]

    def _ready(self) -> TextEncoder:
        if self._encoder is None:
            self._encoder = self._load(self.found)
        return self._encoder

    def _load(self, found: FoundEncoder) -> TextEncoder:
        if found.load is None:
            raise StateError(found.reason)
        try:
            encoder = found.load()
        except CheckpointError as error:
            raise StateError(f"the text encoder in {found.source} cannot be read: {error}") from error
        if encoder.dim != self._spec.c_dim or encoder.kind != self._spec.text_encoder:
            raise StateError(
                f"the text encoder in {found.source} gives {encoder.dim} numbers ({encoder.kind}), and this model was "
                f"trained with {self._spec.c_dim} ({self._spec.text_encoder}): choose another folder"
            )
        return encoder
