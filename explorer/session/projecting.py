"""Projecting a photo in the background: previewed live, paused, stopped with the best kept, one step in the end."""

from collections.abc import Generator as Steps
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import StateError
from explorer.project import BlobStore
from explorer.projection.plan import Plan
from explorer.session.job import Job
from explorer.session.mailbox import Mailbox
from explorer.session.opening import OpenModel
from explorer.state import EditState, Point, Prompt

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from explorer.features import FeatureNetwork
    from explorer.projection.bank import Bank
    from explorer.projection.found import Progress
    from explorer.projection.photo import Crop, Photo

__all__ = ["Learning", "Projecting", "label_of"]

# A preview costs a picture, and the search waits for it.
_PREVIEWS_S = 0.15
_KEPT_EVERY_S = 4.0
_LONGEST_CURVE = 20_000


class Projecting:
    """A search for one photo. What a person sees of it is safe to read from any thread.

    Args:
        photo: What is looked for.
        plan: Where, and for how long.
        base: Names the model and its condition.
        model: Which is to show it.
        crop: Which part of the photo; the middle when ``None``.
        mask: ``[h, w]`` over the whole photo: 0 is covered, 1 counts; all counts when ``None``.
        network: A person's own feature network; the bundled one when ``None``.
        face: Whether its largest face, where there is one, is turned upright and cut out first; see `aligned`.
        folder: Where banks are kept; the platform's place when ``None``.
    """

    def __init__(
        self,
        photo: "Photo",
        plan: Plan,
        base: EditState,
        model: OpenModel,
        *,
        crop: "Crop | None" = None,
        mask: "npt.NDArray[np.floating] | None" = None,
        network: Path | None = None,
        face: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.job = Job(f"Project {photo.name}")
        """How far it is; another one after `resume`. Cancelling it stops with the best kept."""
        self.photo = photo
        """What is looked for."""
        self.plan = plan
        """Where, and for how long."""
        self.stage = "Waiting"
        """What is being done, for a person."""
        self.losses: tuple[float, ...] = ()
        """The best loss after each step."""
        self.progress: Progress | None = None
        """The newest step; ``None`` before the first guess."""
        self.paused = False
        """Whether it waits for `Session.resume_projection`."""
        self.model: OpenModel | None = model
        """Which is to show it; ``None`` after `release`."""
        self.base = base
        """Names the model and its condition."""
        self._crop, self._mask, self._network, self._face, self._folder = crop, mask, network, face, folder
        self._running: Iterator[float] | None = None
        self._newest: Mailbox[Progress] = Mailbox()
        self._shown_s = self._kept_s = 0.0

    @property
    def done(self) -> bool:
        """Whether it ended or was stopped; not while it is paused."""
        return self.job.done and not self.paused

    @property
    def point(self) -> str:
        """What the point is called that keeps the result."""
        return self.photo.name

    def pause(self) -> None:
        """Halt after the step in work."""
        self.paused = True

    def resume(self) -> Job:
        """A job that goes on where it was paused."""
        self.paused = False
        self.job = Job(self.job.name)
        return self.job

    def stop(self) -> None:
        """End after the step in work; the best so far stays."""
        self.paused = False
        self.job.cancel()

    def steps(self) -> Iterator[float]:
        """Search on until it is over or paused; yields the share done, 0 to 1. For the render thread."""
        if self._running is None:
            assert self.model is not None
            self._running = self._search(self.model)
        for share in self._running:
            yield share
            if self.paused:
                return

    def release(self) -> None:
        """Let go of the model, once it is done: what a person sees of the search stays."""
        self.model = self._running = None

    def take_shown(self, now_s: float, blobs: BlobStore) -> EditState | None:
        """A state of the best so far, if it is time to show one."""
        if now_s - self._shown_s < _PREVIEWS_S and not self.job.done:
            return None
        newest = self._newest.take()
        if newest is None:
            return None
        self._shown_s = now_s
        return newest.found.state(self.base, blobs)

    def due_to_keep(self, now_s: float) -> bool:
        """Whether the best so far should be written down again, in case the program ends suddenly."""
        if self.progress is None or now_s - self._kept_s < _KEPT_EVERY_S:
            return False
        self._kept_s = now_s
        return True

    def kept(self, points: tuple[Point, ...], state: EditState, *, unfinished: bool) -> tuple[Point, ...]:
        """The points with this one, in place of an unfinished one of the same photo."""
        so_far = f"{self.point} (so far)"
        others = tuple(point for point in points if point.name != so_far)
        return (*others, Point(so_far if unfinished else self.point, state))

    def _search(self, model: OpenModel) -> Iterator[float]:
        from explorer.features import bundled_features, load_features
        from explorer.projection.faces import aligned
        from explorer.projection.search import project
        from explorer.projection.target import make_target

        generator = model.renderer.generator
        device = generator.w_avg().device
        photo = (aligned(self.photo) if self._face else None) or self.photo
        target = make_target(photo, model.spec, crop=self._crop, mask=self._mask).to(device)
        features: FeatureNetwork
        if self._network is None:
            features = bundled_features(device=device)
        else:
            features = load_features(self._network, device=device)
        self.stage = "Learning the model"
        bank: Bank = yield from self._learned(model)
        for step in project(generator, target, self.plan, bank, features):
            self.stage = step.stage
            self.progress = step
            self.losses = (*self.losses[-_LONGEST_CURVE:], step.best)
            self._newest.put(step)
            yield step.share

    def _learned(self, model: OpenModel) -> Steps[float, None, "Bank"]:
        """The model's bank; a small one, of a second, when a person waits and there is none."""
        from explorer.projection.bank import QUICK_S, quick_count
        from explorer.projection.cache import cached_bank_steps, has_bank

        generator, sha256 = model.renderer.generator, model.reference.sha256
        label, count = label_of(self.base, model), self.plan.samples
        within_s = None
        kept = has_bank(sha256, label=label, count=count, folder=self._folder)
        if count is None and self.plan.time_s is not None and not kept:
            count, within_s = quick_count(model.spec), QUICK_S
        return (
            yield from cached_bank_steps(
                generator, model=sha256, label=label, count=count, within_s=within_s, folder=self._folder
            )
        )


class Learning:
    """Makes a model's bank while nothing else is to be done, so that it is there when a photo is looked for.

    Args:
        base: Names the condition of the model.
        model: To learn.
        folder: Where banks are kept; the platform's place when ``None``.
    """

    def __init__(self, base: EditState, model: OpenModel, *, folder: Path | None = None) -> None:
        self.job = Job("Learn the model")
        """How far it is."""
        self.model = model
        """To learn."""
        self._base, self._folder = base, folder

    def is_of(self, base: EditState, model: OpenModel) -> bool:
        """Whether it learns that model under that condition."""
        return self.model is model and self._base.condition == base.condition

    def steps(self) -> Iterator[float]:
        """A few pictures at a time; yields the share done, 0 to 1. For the render thread."""
        from explorer.projection.cache import cached_bank_steps

        yield from cached_bank_steps(
            self.model.renderer.generator,
            model=self.model.reference.sha256,
            label=label_of(self._base, self.model),
            folder=self._folder,
        )


def label_of(base: EditState, model: OpenModel) -> "Tensor | None":
    """The label that a condition asks for; ``None`` where each sample draws a class of its own."""
    from explorer.rendering.latents import label
    from explorer.state import NoCondition

    condition, spec = base.condition, model.spec
    if isinstance(condition, NoCondition) or spec.c_dim == 0:
        return None
    if isinstance(condition, Prompt):
        if not spec.text:
            raise StateError("the model is not steered by a text: take the prompt away")
        return model.renderer.texts.label(condition)
    return label(condition, 0, spec)
