"""What surrounds the shown picture: the open model, what computes it, and what else is made of it in the background."""

import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.session.background import Background
from explorer.session.compiling import Compiling
from explorer.session.compute import Choice, Compute, choices
from explorer.session.document import Document
from explorer.session.encoding import Encoding
from explorer.session.entering import fitted_to
from explorer.session.job import Job
from explorer.session.message import Level, Message
from explorer.session.models import Models
from explorer.session.opening import OpenModel
from explorer.session.performance import Performance, measured
from explorer.session.sheets import Sheet
from explorer.session.stills import Still, still_of
from explorer.session.thumbnails import Thumbnails
from explorer.session.worker import Worker
from explorer.state import EditState, GeneratorSpec, SheetPlan

if TYPE_CHECKING:
    from explorer.rendering.equivariance import Equivariance
    from explorer.rendering.text_finding import FoundEncoder

__all__ = ["Workbench"]


class Workbench(Document):
    """A document and the tools for it. Nothing here changes what is shown; see `Session` for that.

    Args:
        threads: Threads for computing; all cores but one when ``None``.
        compile_kernels: Compile the faster kernels in the background once a model is open, then use them.
        recovery: Where every committed step is written down, so that a crash loses none; nowhere when ``None``.
        compute: Where models compute.
    """

    def __init__(self, *, threads: int | None, compile_kernels: bool, recovery: Path | None, compute: Compute) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._changed = threading.Condition()
        super().__init__(recovery, report=self._report)
        self._models = Models(compute)
        self._encoding = Encoding(report=self._report, changed=self._notify)
        self._worker = Worker(threads=threads, report=self._report, changed=self._notify)
        self._compiling = Compiling(self._worker, wanted=compile_kernels, report=self._report, changed=self._notify)
        self._background = Background(self._worker, report=self._report, changed=self._notify)

    @property
    def _model(self) -> OpenModel | None:
        return self._models.open

    @property
    def spec(self) -> GeneratorSpec | None:
        """The open model's shape; ``None`` before one is open."""
        return None if self._model is None else self._model.spec

    @property
    def model_name(self) -> str:
        """The open model's name for a person; empty before one is open."""
        return "" if self._model is None else self._model.name

    @property
    def info(self) -> Mapping[str, object]:
        """What the open model's file says about itself."""
        return {} if self._model is None else self._model.info

    @property
    def direction_count(self) -> int | None:
        """How many principal directions there are; ``None`` until they are found."""
        return None if self._model is None else self._model.renderer.direction_count

    @property
    def compute(self) -> Compute:
        """Where the open model computes, or the next one will."""
        return self._models.compute

    def computes_on(self) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
        """Devices and precisions to choose from, those with reasons that this machine cannot do. Needs torch."""
        return choices(self.compute.device)

    @property
    def previews(self) -> bool:
        """Whether an early, coarse picture may come before a slow one."""
        return self._worker.previews

    @previews.setter
    def previews(self, on: bool) -> None:
        self._worker.previews = on

    @property
    def compiled(self) -> bool:
        """Whether compiled kernels serve, or will once they are compiled."""
        return self._compiling.wanted

    def use_compiled(self, on: bool) -> None:
        """Let compiled kernels serve, or torch alone, from the next picture on."""
        self._compiling.want(on)

    @property
    def computing(self) -> tuple[object, ...]:
        """What else a picture depends on: those of the same state made under another value may differ by a level."""
        return self.compute, self._compiling.switches

    def performance(self) -> Performance:
        """What it computes with, and how much memory it takes, now."""
        models, worker = self._models, self._worker
        return measured(models.kept.values(), self.compute, threads=worker.threads, kernels=self._compiling.words)

    def fitted(self, state: EditState) -> EditState:
        """A state as the open model can show it, silently without what it cannot do; itself before one is open."""
        return self._fitted(state)[0]

    def _fitted(self, state: EditState) -> tuple[EditState, tuple[str, ...]]:
        state = replace(state, checkpoint=self.state.checkpoint)
        return (state, ()) if self._model is None else fitted_to(self._model, state, self._blobs)

    def find_centres(self) -> Job | None:
        """Find the clusters' centres in the background, so that no picture waits for them; ``None`` when they are."""
        return self._background.find_centres(self._model)

    def thumbnails(self, states: Sequence[EditState], *, side_px: int = 96, name: str = "Thumbnails") -> Thumbnails:
        """Make small pictures of states in the background, without disturbing what is shown.

        Args:
            states: Of the open model; others stay empty.
            side_px: Length of each picture's longer side; the model's own for a sheet of full pictures.
            name: What the job is called.

        Raises:
            StateError: No model is open.
        """
        return self._background.thumbnails(self._model, states, side_px=side_px, name=name)

    def still(self, state: EditState, *, name: str = "Render the picture") -> Still:
        """Make the full picture of a state in the background, by the model that it belongs to.

        Raises:
            StateError: That model is not in memory.
        """
        made = still_of(state, self._models.kept, self._blobs, name=name)
        self._background.run(made.job, made.steps)
        return made

    def mixing_sheet(self, plan: SheetPlan, base: EditState | None = None) -> Sheet:
        """Make a sheet of style mixtures in the background; its pixels are those of the command line's.

        Args:
            plan: Which seeds and layers.
            base: Everything but the latent and the mixing; the shown state when ``None``.

        Raises:
            StateError: No model is open.
        """
        return self._background.mixing_sheet(self._model, plan, self.state if base is None else base)

    @property
    def text_encoder(self) -> "FoundEncoder | None":
        """What the open model's prompts are encoded with, or why they cannot be; ``None`` before a model is open."""
        return None if self._model is None else self._model.renderer.texts.found

    def use_text_folder(self, folder: str | Path) -> Job | None:
        """Encode prompts of the open model with the encoder in a folder, and remember it; read in the background.

        ``None`` on a model that is not steered by a text.
        """
        if self._model is None or not self._model.spec.text:
            return None
        texts, kind = self._model.renderer.texts, self._model.spec.text_encoder
        return self._background.add(self._encoding.use_folder(texts, kind, Path(folder)))

    def find_text_encoder(self) -> Job | None:
        """Look anew for what encodes the open model's prompts, as after something was installed.

        ``None`` on a model that is not steered by a text.
        """
        if self._model is None or not self._model.spec.text:
            return None
        return self._background.add(self._encoding.look_again(self._model.renderer.texts))

    def measure_equivariance(self, *, samples: int = 8) -> Job | None:
        """Measure in the background how well pictures follow when they are moved; see `equivariance`.

        ``None`` on a model that cannot move its picture.
        """
        return self._background.measure_equivariance(self._model, samples=samples, psi=self.state.truncation.psi)

    @property
    def equivariance(self) -> "Equivariance | None":
        """What `measure_equivariance` has found so far on the open model; ``None`` before."""
        return self._background.equivariance

    def _report(self, level: Level, text: str) -> None:
        self._messages.put(Message(level, text))

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
