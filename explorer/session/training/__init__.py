"""Training, seen from the window: runs that are started and watched, data sets and costs that are asked for.

The trainer is a program of its own. Nothing here imports it: it is started as a process that outlives the window,
and what it does is read from the folder that it writes.
"""

from explorer.session.training.cost import Cost
from explorer.session.training.log import Curve, Told
from explorer.session.training.making import Health, Making, free_zip
from explorer.session.training.plan import PRESETS, TrainingPlan, free_folder, model_file, split_options
from explorer.session.training.report import DatasetReport, holds_pictures
from explorer.session.training.run import TrainingRun, is_run
from explorer.session.training.training import Asked, Training
from explorer.session.training.view import Grids, RunView, Status

__all__ = [
    "PRESETS",
    "Asked",
    "Cost",
    "Curve",
    "DatasetReport",
    "Grids",
    "Health",
    "Making",
    "RunView",
    "Status",
    "Told",
    "Training",
    "TrainingPlan",
    "TrainingRun",
    "free_folder",
    "free_zip",
    "holds_pictures",
    "is_run",
    "model_file",
    "split_options",
]
