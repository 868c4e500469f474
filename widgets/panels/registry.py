"""Which panel stands where: one line for each."""

from collections.abc import Callable
from dataclasses import dataclass

from widgets.controls import Kit
from widgets.files import FileDialogs
from widgets.layout import Place
from widgets.panels import Panel
from widgets.panels.animation import AnimationPanel
from widgets.panels.equivariance import EquivariancePanel
from widgets.panels.history import HistoryPanel
from widgets.panels.latent import LatentPanel
from widgets.panels.layers import LayersPanel
from widgets.panels.mixing import MixingPanel
from widgets.panels.model import ModelPanel
from widgets.panels.noise import NoisePanel
from widgets.panels.performance import PerformancePanel
from widgets.panels.points import PointsPanel
from widgets.panels.projection import ProjectionPanel
from widgets.panels.prompt import PromptPanel
from widgets.panels.sheet import SheetPanel
from widgets.panels.sliders import SlidersPanel
from widgets.panels.training import TrainingPanel
from widgets.panels.truncation import TruncationPanel
from widgets.picture import PictureView
from widgets.picture_wipe import PictureWipe
from widgets.player import Player
from widgets.settings import SettingsStore
from widgets.status import FrameRate

__all__ = ["Parts", "make_panels"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a panel may ask for beside its kit."""

    kit: Kit
    """Look and session."""
    dialogs: FileDialogs
    """The File menu's dialogs."""
    picture: PictureView
    """The picture in the middle: `PictureView.add_drag_mode`, its zoom, its overlay."""
    wipe: PictureWipe
    """Compares the picture in the middle with any other: `PictureWipe.show`."""
    say: Callable[[str, str], None]
    """Tells a person something: ``info``, ``warning`` or ``error``, and a sentence."""
    store: SettingsStore
    """What is remembered from one start to the next."""
    rate: FrameRate
    """How fast the window draws."""


def make_panels(parts: Parts) -> dict[Place, Panel]:
    """Every panel, by its place in the layout; the window builds, refreshes and polls them in this order."""
    kit, player = parts.kit, Player(parts.kit.session)
    return {
        Place.MODEL: ModelPanel(kit, parts.dialogs, parts.store),
        Place.HISTORY: HistoryPanel(kit, parts.wipe),
        Place.PERFORMANCE: PerformancePanel(kit, parts.rate),
        Place.LATENT: LatentPanel(kit, parts.picture, player),
        Place.POINTS: PointsPanel(kit, player),
        Place.PROMPT: PromptPanel(kit, parts.dialogs),
        Place.TRUNCATION: TruncationPanel(kit),
        Place.NOISE: NoisePanel(kit),
        Place.SLIDERS: SlidersPanel(kit, parts.store, parts.say),
        Place.LAYERS: LayersPanel(kit),
        Place.MIXING: MixingPanel(kit),
        Place.SHEET: SheetPanel(kit, parts.dialogs),
        Place.EQUIVARIANCE: EquivariancePanel(kit, parts.picture),
        Place.ANIMATION: AnimationPanel(kit, player),
        Place.PROJECTION: ProjectionPanel(kit, parts.dialogs, parts.wipe, parts.say),
        Place.TRAINING: TrainingPanel(kit, parts.dialogs, parts.say, parts.store),
    }
