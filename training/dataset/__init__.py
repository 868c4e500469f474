"""Making a data set: pictures of any kind become one zip that trainers read, with a report of what is in it."""

from training.dataset.build import Event, Problem, Progress, build, examine
from training.dataset.options import Options
from training.dataset.report import Report

__all__ = ["Event", "Options", "Problem", "Progress", "Report", "build", "examine"]
