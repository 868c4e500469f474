"""The models at hand: the open one, those that stay in memory, where they came from and where they compute."""

from collections import OrderedDict

from explorer.session.compute import Compute
from explorer.session.job import Job
from explorer.session.loader import Opening
from explorer.session.opening import OpenModel
from explorer.state import CheckpointRef

__all__ = ["Models"]

# Models that stay in memory, so that undoing the opening of one is immediate.
_KEPT = 2


class Models:
    """What is open and what else is in memory. For one thread.

    Args:
        compute: Where models compute.
    """

    def __init__(self, compute: Compute) -> None:
        self.open: OpenModel | None = None
        """The model that draws; ``None`` before one is open."""
        self.kept: OrderedDict[str, OpenModel] = OrderedDict()
        """Those in memory by their hash, the open one last."""
        self.recent: tuple[str, ...] = ()
        """Where models were opened from, the newest first."""
        self.wanted = compute
        """Where a model that is loaded now computes."""
        self._moving: Job | None = None

    @property
    def compute(self) -> Compute:
        """Where the open model computes, or the next one will."""
        return self.wanted if self.open is None else self.open.compute

    def use(self, model: OpenModel) -> None:
        """Let a model draw from now on."""
        self.open = model
        self.kept[model.reference.sha256] = model
        self.kept.move_to_end(model.reference.sha256)
        self.recent = tuple(dict.fromkeys((model.reference.hint, *self.recent)))
        while len(self.kept) > _KEPT:
            self.kept.popitem(last=False)

    def forget(self, reference: CheckpointRef) -> None:
        """Let go of one that another took the place of, whose file may be gone soon."""
        self.kept.pop(reference.sha256, None)
        self.recent = tuple(source for source in self.recent if source != reference.hint)

    def unload(self) -> None:
        """Let go of all that is in memory."""
        self.open = None
        self.kept.clear()

    def move_to(self, compute: Compute) -> Opening | None:
        """How the open model is loaded anew elsewhere; ``None`` when it is there already, or none is open."""
        if compute == self.compute:
            return None
        self.wanted = compute
        self.kept.clear()
        if self.open is None:
            return None
        self._moving = Job(f"Load {self.open.name} in {compute.precision}")
        return Opening(self._moving, self.open.reference, again=True)

    def take_moved(self) -> None:
        """Go back to where the open model is, should it not have come to where it was moved."""
        if self._moving is not None and self._moving.done:
            if self._moving.error is not None:
                self.wanted = self.compute
            self._moving = None
