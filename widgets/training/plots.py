"""Four plots of a run that is being trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from explorer.session.training import RunView
from widgets.theme import Colour, Look
from widgets.training.words import metric_in_words

__all__ = ["Plots"]

_ORANGE: Colour = (224, 155, 88)
_GREEN: Colour = (122, 190, 130)


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    label: str
    colour: Colour


class Plots:
    """Losses, metric, augmentation and speed over the pictures shown."""

    def __init__(self, look: Look) -> None:
        self._look = look
        accent = look.palette.accent
        self._plots: dict[str, tuple[_Line, ...]] = {
            "loss": (_Line("g_loss", "generator", accent), _Line("d_loss", "discriminator", _ORANGE)),
            "metric": (_Line("", "", _GREEN),),
            "ada": (_Line("augment_p", "p", accent), _Line("ada_sign", "sign of real", _ORANGE)),
            "speed": (_Line("s_per_kimg", "", accent),),
        }
        self._drawn: dict[str, object] = {}
        self._size = (0, 0)

    def build(self) -> None:
        """Make the plots."""
        titles = {"loss": "Losses", "metric": "Metric", "ada": "Augmentation", "speed": "Seconds per kimg"}
        theme = self._theme()
        for row in (("loss", "metric"), ("ada", "speed")):
            with dpg.group(horizontal=True):
                for name in row:
                    self._build_one(name, titles[name], theme)

    def _build_one(self, name: str, title: str, theme: int) -> None:
        tag = f"training_plot_{name}"
        lines = self._plots[name]
        with dpg.plot(
            label=title, tag=tag, width=200, height=120, no_menus=True, no_box_select=True, no_mouse_pos=True
        ):
            if len(lines) > 1:
                dpg.add_plot_legend(location=dpg.mvPlot_Location_NorthWest, horizontal=True)
            dpg.add_plot_axis(dpg.mvXAxis, auto_fit=True, no_highlight=True)
            with dpg.plot_axis(dpg.mvYAxis, auto_fit=True, no_highlight=True):
                for place, line in enumerate(lines):
                    series = f"training_line_{name}_{place}"
                    dpg.add_line_series([], [], tag=series, label=line.label)
                    dpg.bind_item_theme(series, self._line_theme(line.colour))
        dpg.bind_item_theme(tag, theme)

    def set_size(self, width: int, height: int) -> None:
        """Of all four together, in pixels on screen."""
        gap_x, gap_y = self._look.px(8), self._look.px(6)
        size = ((width - gap_x) // 2, (height - gap_y) // 2)
        if size != self._size:
            self._size = size
            for name in self._plots:
                dpg.configure_item(f"training_plot_{name}", width=size[0], height=size[1])

    def show(self, view: RunView) -> None:
        """Draw what is new."""
        for name, lines in self._plots.items():
            for place, line in enumerate(lines):
                key = view.metric if name == "metric" else line.name
                curve = view.curves.get(key)
                if curve is self._drawn.get(f"{name}{place}"):
                    continue
                self._drawn[f"{name}{place}"] = curve
                xs: Sequence[float] = [] if curve is None else curve.kimg.tolist()
                ys: Sequence[float] = [] if curve is None else curve.values.tolist()
                dpg.set_value(f"training_line_{name}_{place}", [xs, ys])
        dpg.set_item_label("training_plot_metric", metric_in_words(view.metric))
        augments = "augment_p" in view.curves
        dpg.set_item_label("training_plot_ada", "Augmentation" if augments or not view.curves else "No augmentation")

    def _theme(self) -> int:
        palette = self._look.palette
        with dpg.theme() as theme, dpg.theme_component(dpg.mvPlot):
            for target, colour in (
                (dpg.mvPlotCol_FrameBg, palette.panel),
                (dpg.mvPlotCol_PlotBg, palette.backdrop),
                (dpg.mvPlotCol_PlotBorder, palette.line),
                (dpg.mvPlotCol_LegendText, palette.quiet),
                (dpg.mvPlotCol_TitleText, palette.quiet),
                (dpg.mvPlotCol_AxisText, palette.quiet),
                (dpg.mvPlotCol_AxisGrid, palette.line),
            ):
                dpg.add_theme_color(target, (*colour, 255), category=dpg.mvThemeCat_Plots)
            for target in (dpg.mvPlotCol_LegendBg, dpg.mvPlotCol_LegendBorder):
                # Curves behind it stay seen.
                dpg.add_theme_color(target, (0, 0, 0, 0), category=dpg.mvThemeCat_Plots)
            px = self._look.px
            for target, size in (
                (dpg.mvPlotStyleVar_PlotPadding, (px(4), px(4))),
                (dpg.mvPlotStyleVar_LabelPadding, (px(4), px(3))),
                (dpg.mvPlotStyleVar_LegendPadding, (px(4), px(4))),
                (dpg.mvPlotStyleVar_FitPadding, (0.02, 0.08)),
            ):
                dpg.add_theme_style(target, *size, category=dpg.mvThemeCat_Plots)
        return int(theme)

    def _line_theme(self, colour: Colour) -> int:
        with dpg.theme() as theme, dpg.theme_component(dpg.mvLineSeries):
            dpg.add_theme_color(dpg.mvPlotCol_Line, (*colour, 255), category=dpg.mvThemeCat_Plots)
            dpg.add_theme_style(dpg.mvPlotStyleVar_LineWeight, 1.5 * self._look.scale, category=dpg.mvThemeCat_Plots)
        return int(theme)
