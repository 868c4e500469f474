"""Every panel and dialog in a state worth looking at, brought there by hand, in the order in which they are played."""

from tests.gui.scenes import frame, kinds, panels, tasks
from tests.gui.stage import Scene

__all__ = ["SCENES"]

SCENES: tuple[Scene, ...] = (
    Scene(frame.tour, first_start=True),
    Scene(frame.start),
    Scene(panels.model),
    Scene(panels.latent),
    Scene(tasks.editing),
    Scene(panels.truncation),
    Scene(panels.noise),
    Scene(panels.sliders),
    Scene(panels.mixing),
    Scene(panels.points),
    Scene(panels.animation),
    Scene(panels.layers),
    Scene(panels.performance),
    Scene(tasks.history),
    Scene(tasks.sheet),
    Scene(kinds.greyed),
    Scene(tasks.projection),
    Scene(tasks.training),
    Scene(frame.menus),
    Scene(frame.presentation),
    Scene(frame.mistakes),
    Scene(kinds.equivariance, "sg3r_64"),
    Scene(kinds.classes, "sg3t_32_cond4"),
    Scene(kinds.prompt, "sgt_32"),
    Scene(frame.recovery, after_crash=True),
)
