"""Five hints at the first start, each beside what it is about; never again unless asked for."""

import dearpygui.dearpygui as dpg

from widgets.controls import Kit, heading
from widgets.layout import Place
from widgets.settings import SettingsStore

__all__ = ["HINTS", "Tour"]

_WINDOW = "tour"
_WIDTH_PX = 300
_GAP_PX = 16

HINTS: tuple[tuple[Place, str, str], ...] = (
    (
        Place.PICTURE,
        "Drag the picture",
        "You walk through the seeds of the model. The wheel zooms, the middle button pans.",
    ),
    (
        Place.TRUNCATION,
        "Psi",
        "Pulls the picture towards the model's mean: calmer, but less varied. 1 leaves it alone.",
    ),
    (Place.SLIDERS, "W sliders", "Each moves along one direction in which this model's pictures differ most."),
    (Place.MIXING, "Style mixing", "Takes the coarse or the fine styles from a second seed, layer by layer."),
    (Place.HISTORY, "Nothing is lost", "Every step can be undone and is kept through a crash. Ctrl+S saves a project."),
)


class Tour:
    """Shows the hints in turn. It blocks nothing: everything can be used while a hint stands there."""

    def __init__(self, kit: Kit, store: SettingsStore) -> None:
        self._look = kit.look
        self._store = store
        self._step: int | None = None
        self._built: int | None = None

    @property
    def step(self) -> int | None:
        """Which hint is shown, from 0; ``None`` for none."""
        return self._step

    def begin(self) -> None:
        """Show the first hint."""
        self._step = 0

    def end(self) -> None:
        """Stop, for good."""
        self._step = None
        self._store.change(tour_seen=True)

    def poll(self) -> bool:
        """Keep the hint beside its panel; true when another one is shown than before."""
        changed = self._built != self._step
        if changed:
            self._built = self._step
            if dpg.does_item_exist(_WINDOW):
                dpg.delete_item(_WINDOW)
            if self._step is not None:
                self._build(self._step)
        if self._step is not None:
            self._stay_beside(HINTS[self._step][0])
        return changed

    def _next(self) -> None:
        assert self._step is not None
        if self._step + 1 == len(HINTS):
            self.end()
        else:
            self._step += 1

    def _build(self, step: int) -> None:
        look = self._look
        place, title, text = HINTS[step]
        if place is not Place.PICTURE:
            dpg.focus_item(int(place))
        with dpg.window(
            tag=_WINDOW,
            no_title_bar=True,
            no_resize=True,
            no_move=True,
            no_docking=True,
            no_saved_settings=True,
            autosize=True,
            min_size=(look.px(_WIDTH_PX), 10),
        ):
            heading(look, title)
            dpg.add_text(text, wrap=look.px(_WIDTH_PX - 24))
            dpg.add_spacer(height=look.px(4))
            last = step + 1 == len(HINTS)
            with dpg.group(horizontal=True):
                dpg.add_button(
                    label="Done" if last else "Next", tag="tour_next", width=look.px(80), callback=lambda: self._next()
                )
                if not last:
                    dpg.add_button(label="Skip", tag="tour_skip", width=look.px(70), callback=lambda: self.end())
                dpg.add_text(f"{step + 1} of {len(HINTS)}", color=(*look.palette.quiet, 255))
        dpg.bind_item_theme(_WINDOW, look.notice)
        dpg.bind_item_theme("tour_next", look.primary)

    def _stay_beside(self, place: Place) -> None:
        """Towards the middle from a panel at the side, inside the picture otherwise."""
        gap = self._look.px(_GAP_PX)
        left, top = dpg.get_item_pos(int(place))
        width, height = dpg.get_item_width(int(place)), dpg.get_item_height(int(place))
        own_width, own_height = dpg.get_item_rect_size(_WINDOW)
        if place is Place.PICTURE:
            x, y = left + (width - own_width) / 2, top + gap
        else:
            is_left = left + width / 2 < dpg.get_viewport_client_width() / 2
            x = left + width + gap if is_left else left - own_width - gap
            y = top + min(gap, max(0, height - own_height))
        y = min(y, dpg.get_viewport_client_height() - own_height - gap)
        dpg.set_item_pos(_WINDOW, [round(x), round(y)])
