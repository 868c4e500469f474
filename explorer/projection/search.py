"""The search for a photo, as an iterator of steps: preview any, stop at any, keep the best.

Source: StyleGAN2 (Karras et al. 2020), appendix D; W+ from Image2StyleGAN (Abdal et al. 2019); StyleSpace (Wu et al.
2021); tuning the generator around a pivot (Roich et al. 2021). The coordinates, the first guess and the schedule are
ours: see docs/projection.md for what they gain.
"""

import math
import time
from collections.abc import Callable, Iterator
from collections.abc import Generator as Steps
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from explorer.features.network import FeatureNetwork
from explorer.generators.protocol import Generator
from explorer.projection.adam import Adam
from explorer.projection.bank import Bank
from explorer.projection.found import Progress
from explorer.projection.loss import Loss
from explorer.projection.noise import noise_penalty, normalised
from explorer.projection.placing import places
from explorer.projection.plan import DEFAULT_STEPS, Plan
from explorer.projection.target import Target
from explorer.projection.variables import Painter, Variables, joined
from explorer.rendering.tuning import split_noise

__all__ = ["project"]

# How fast each kind of variable moves at first, in its own unit.
_RATES = {"v": 0.03, "rows": 0.03, "place": 0.01, "styles": 0.05, "noise": 0.2, "weights": 0.003}
_WARM_UP, _SLOWEST = 0.05, 0.02
# What holds each kind near where it came from.
_PULLS = {"v": 1e-3, "rows": 2e-2, "styles": 1e-2}
# Under a mask the photo says less, and what samples look like must say more.
_MASKED_PULL = 1e-2
_NOISE_PULL = 30.0
_LOCALITY, _LOCALITY_EVERY = 10.0, 4
# Several starts compete in the first share of the first stage; those with a place have more ways to be wrong.
_STARTS, _RACE = 3, 0.15
_PLACED_STARTS, _PLACED_RACE = 12, 0.24
# After each so long part of the race the worse half of the attempts is given up.
_HALVINGS = 3
# Small steps: the first guess is good already, and is to become better at once.
_GUESS_STEPS, _GUESS_PACE = 8, 0.4
# How long single stages are, by how many there are.
_ENDS = {1: (1.0,), 2: (0.45, 1.0), 3: (0.3, 0.65, 1.0)}
_NAMES = {"w": "W", "w_plus": "W+", "style": "StyleSpace", "noise": "noise", "tune": "tuning"}


def project(
    generator: Generator,
    target: Target,
    plan: Plan,
    bank: Bank,
    features: FeatureNetwork,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Progress]:
    """Search for a photo; each step is a value, and the last one has the best that was found.

    Args:
        generator: The model; it is not changed.
        target: What is looked for, see `make_target`.
        plan: Where, and for how long.
        bank: Of the model.
        features: The network that judges.
        clock: In seconds; matters only to a plan with a time.
    """
    yield from _Search(generator, target, plan, bank, features, clock).run()


@dataclass(frozen=True, slots=True)
class _Stage:
    """A part of the search: what moves, and between which shares of the plan."""

    name: str
    moving: tuple[str, ...]
    begin: float
    end: float
    until: float
    """Where it stops; before ``end`` when another attempt goes on under the same schedule."""

    def pace(self, share: float) -> float:
        """What rates are multiplied by: up in an instant, then down as a cosine."""
        part = min(1.0, max(0.0, (share - self.begin) / max(1e-9, self.end - self.begin)))
        return max(_SLOWEST, min(1.0, part / _WARM_UP + 0.2) * (0.5 + 0.5 * math.cos(math.pi * part)))


class _Search:
    def __init__(
        self,
        generator: Generator,
        target: Target,
        plan: Plan,
        bank: Bank,
        features: FeatureNetwork,
        clock: Callable[[], float],
    ) -> None:
        self._target, self._plan, self._bank, self._features = target, plan, bank, features
        self._spec = generator.spec
        self._loss = Loss(target, features)
        self._painter = Painter(generator, bank.coordinates)
        self._clock, self._began_s, self._step = clock, clock(), 0
        self._random = torch.Generator().manual_seed(plan.seed)
        self._best_loss = math.inf
        self._best: Variables | None = None

    def run(self) -> Iterator[Progress]:
        """All stages, one after the other."""
        moves = self._plan.transform and self._spec.has_transform
        starts = (yield from self._placed()) if moves else self._upright()
        with torch.no_grad():
            self._keep(starts, self._loss(self._painter(starts)))
        yield self._progress("first guess", self._best_loss)
        first = ("v", "place") if moves else ("v",)
        best = self._best_so_far()
        yield from self._descend(_Stage("first guess", first, -1, 2, 1), best, most=_GUESS_STEPS)

        stages = self._stages()
        ends = _ENDS[len(stages)]
        race = ends[0] * (_PLACED_RACE if moves else _RACE)
        if len(starts.v) > 1:
            attempts = joined([self._best_so_far(), *(starts.one(index) for index in range(1, len(starts.v)))])
            rounds = _HALVINGS if moves else 1
            for index in range(rounds):
                stage = _Stage("W", first, 0, ends[0], race * (index + 1) / rounds)
                attempts = self._better_half((yield from self._descend(stage, attempts)))
        yield from self._descend(_Stage("W", first, 0, ends[0], ends[0]), self._best_so_far())
        for name, begin, end in zip(stages[1:], ends, ends[1:], strict=False):
            start, moving = self._opened(name, first)
            yield from self._descend(_Stage(_NAMES[name], moving, begin, end, end), start)

    def _stages(self) -> list[str]:
        wide = [self._plan.space] if self._plan.space != "w" else ["noise"] if self._has_noise else []
        return ["w", *wide, *(["tune"] if self._plan.tune else [])]

    @property
    def _has_noise(self) -> bool:
        return self._plan.noise and self._spec.has_noise

    def _upright(self) -> Variables:
        return self._sorted([Variables(self._bank.guesses(self._target, _STARTS))], _STARTS)

    def _placed(self) -> Steps[Progress, None, Variables]:
        """Try likely places; yields after each few and returns the best ones, the very best first."""
        tried: list[Variables] = []
        for batch in places(self._target, self._bank):
            tried.append(batch)
            yield self._look_at(batch)
        return self._sorted(tried, _PLACED_STARTS)

    def _look_at(self, batch: Variables) -> Progress:
        with torch.no_grad():
            losses = self._loss(self._painter(batch))
        self._keep(batch, losses)
        return self._progress("first guess", float(losses.min()))

    def _sorted(self, batches: list[Variables], count: int) -> Variables:
        with torch.no_grad():
            losses = torch.cat([self._loss(self._painter(batch)) for batch in batches])
        together = joined(batches)
        order = losses.argsort(stable=True)[:count]
        place = None if together.place is None else together.place[order]
        return Variables(together.v[order], place=place)

    def _opened(self, stage: str, first: tuple[str, ...]) -> tuple[Variables, tuple[str, ...]]:
        """Where a stage begins, and what moves in it."""
        best, painter = self._best_so_far(), self._painter
        if stage == "tune":
            return painter.with_weights(best, self._random), ("weights",)
        moving = first
        if stage == "w_plus":
            best, moving = painter.with_rows(best), (*moving, "rows")
        elif stage == "style":
            best, moving = painter.with_styles(best), (*moving, "styles")
        if self._has_noise:
            best, moving = painter.with_noise(best), (*moving, "noise")
        return best, moving

    def _better_half(self, attempts: Variables) -> Variables:
        return self._sorted([attempts], max(1, len(attempts.v) // 2))

    def _descend(self, stage: _Stage, start: Variables, *, most: int | None = None) -> Steps[Progress, None, Variables]:
        """Go down, all attempts at once; returns where they are then."""
        values = {name: value.detach().clone() for name, value in start.present().items()}
        moving = {name: values[name].requires_grad_(True) for name in stage.moving if name in values}
        optimiser = Adam(moving)
        taken = 0
        while self._share < stage.until and (most is None or taken < most):
            at = Variables(**values)
            with torch.enable_grad():
                losses = self._loss(self._painter(at))
                total = losses.sum() + self._pull(at, taken)
                slopes = torch.autograd.grad(total, list(moving.values()))
            losses = losses.detach()
            self._keep(at, losses)
            pace = _GUESS_PACE if most is not None else stage.pace(self._share)
            optimiser.step(slopes, {name: _RATES[name] * pace for name in moving})
            if "noise" in moving:
                with torch.no_grad():
                    moving["noise"].copy_(normalised(split_noise(self._module, moving["noise"]).values()))
            taken += 1
            self._step += 1
            yield self._progress(stage.name, float(losses.min()))
        return Variables(**{name: value.detach() for name, value in values.items()})

    def _pull(self, at: Variables, taken: int) -> Tensor:
        pulls = dict(_PULLS)
        if self._target.mask is not None:
            pulls["v"] = _MASKED_PULL
        total = at.v.new_zeros(())
        for name, strength in pulls.items():
            value = getattr(at, name)
            if value is not None and value.requires_grad:
                total = total + strength * value.square().flatten(1 if name != "styles" else 0).mean(dim=-1).sum()
        if at.noise is not None and at.noise.requires_grad:
            total = total + _NOISE_PULL * noise_penalty(split_noise(self._module, at.noise).values())
        if at.weights is not None and taken % _LOCALITY_EVERY == 0:
            total = total + _LOCALITY * self._drift(at)
        return total

    def _drift(self, at: Variables) -> Tensor:
        """How much the tuned model's picture of another point differs from the model's own.

        Source: pivotal tuning, section 3.3 "locality regularisation".
        """
        index = int(torch.randint(len(self._bank.v), (1,), generator=self._random))
        elsewhere = Variables(at.v.detach().lerp(self._bank.v[index][None], 0.5))
        with torch.no_grad():
            own = self._painter(elsewhere)
        return (self._painter(replace(elsewhere, weights=at.weights)) - own).square().mean()

    def _keep(self, at: Variables, losses: Tensor) -> None:
        index = int(losses.argmin())
        if float(losses[index]) < self._best_loss:
            self._best_loss = float(losses[index])
            self._best = at.one(index)

    def _best_so_far(self) -> Variables:
        assert self._best is not None
        return self._best

    def _progress(self, stage: str, loss: float) -> Progress:
        found = self._painter.found(self._best_so_far())
        return Progress(stage, self._step, self._share, loss, self._best_loss, found)

    @property
    def _share(self) -> float:
        if self._plan.time_s is not None:
            return min(1.0, (self._clock() - self._began_s) / self._plan.time_s)
        return min(1.0, self._step / (self._plan.steps or DEFAULT_STEPS))

    @property
    def _module(self) -> nn.Module:
        module = self._painter.generator
        assert isinstance(module, nn.Module)
        return module
