"""All that a window needs, and nothing that draws."""

from explorer.rendering.frame import Frame, Timings
from explorer.session.compute import Choice, Compute
from explorer.session.job import Job
from explorer.session.message import Message
from explorer.session.performance import Performance
from explorer.session.projecting import Projecting
from explorer.session.recovery import Recoverable, recovery_folder
from explorer.session.scanning import Scan
from explorer.session.session import Session
from explorer.session.sheets import Sheet
from explorer.session.stills import Still
from explorer.session.thumbnails import Thumbnails

__all__ = [
    "Choice",
    "Compute",
    "Frame",
    "Job",
    "Message",
    "Performance",
    "Projecting",
    "Recoverable",
    "Scan",
    "Session",
    "Sheet",
    "Still",
    "Thumbnails",
    "Timings",
    "recovery_folder",
]
