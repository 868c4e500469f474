"""A small curve of how long the last pictures took."""

from collections.abc import Sequence

import dearpygui.dearpygui as dpg

from widgets.performance_words import Latencies
from widgets.theme import Look

__all__ = ["LatencyPlot", "ceiling_of"]

_HEIGHT_PX = 96
_LEAST_MS = 20.0


class LatencyPlot:
    """Two curves from the left, the newest picture right: to the first pixels, and to the full picture."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def build(self) -> None:
        """Make the plot."""
        look = self._look
        with dpg.plot(
            tag="perf_plot",
            height=look.px(_HEIGHT_PX),
            width=-1,
            no_title=True,
            no_menus=True,
            no_box_select=True,
            no_mouse_pos=True,
            no_inputs=True,
        ):
            for axis, kind in (("perf_x", dpg.mvXAxis), ("perf_y", dpg.mvYAxis)):
                is_x = kind == dpg.mvXAxis
                dpg.add_plot_axis(
                    kind, tag=axis, no_gridlines=is_x, no_tick_marks=is_x, no_tick_labels=is_x, no_highlight=True
                )
            dpg.add_line_series([], [], tag="perf_full_line", parent="perf_y")
            dpg.add_line_series([], [], tag="perf_first_line", parent="perf_y")
        dpg.set_axis_limits("perf_x", 0, 119)
        dpg.bind_item_theme("perf_plot", _plot_theme(look))
        for line, colour in (("perf_full_line", look.palette.quiet), ("perf_first_line", look.palette.accent)):
            dpg.bind_item_theme(line, _line_theme(colour, look.scale))
        with dpg.group(horizontal=True):
            dpg.add_text("ms to the first pixels", color=(*look.palette.accent, 255))
            dpg.add_text("to the full picture", color=(*look.palette.quiet, 255))

    def show(self, latencies: Latencies) -> None:
        """Draw the curves."""
        for tag, values in (("perf_full_line", latencies.full), ("perf_first_line", latencies.first)):
            dpg.set_value(tag, [list(range(len(values))), list(values)])
        dpg.set_axis_limits("perf_y", 0, ceiling_of((*latencies.full, *latencies.first)))


def ceiling_of(values_ms: Sequence[float]) -> float:
    """How high the plot must be, in ms; one slow picture, as the first of a model, does not flatten all others."""
    if not values_ms:
        return _LEAST_MS
    usual = sorted(values_ms)[int(0.95 * (len(values_ms) - 1))]
    return max(_LEAST_MS, 1.15 * min(max(values_ms), 2 * usual))


def _plot_theme(look: Look) -> int:
    palette, clear = look.palette, (0, 0, 0, 0)
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        for target, colour in (
            (dpg.mvPlotCol_FrameBg, clear),
            (dpg.mvPlotCol_PlotBg, (*palette.backdrop, 255)),
            (dpg.mvPlotCol_PlotBorder, clear),
            (dpg.mvPlotCol_AxisText, (*palette.quiet, 255)),
            (dpg.mvPlotCol_AxisGrid, (*palette.field, 255)),
        ):
            dpg.add_theme_color(target, colour, category=dpg.mvThemeCat_Plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_PlotPadding, look.px(2), look.px(4), category=dpg.mvThemeCat_Plots)
    return int(theme)


def _line_theme(colour: tuple[int, int, int], scale: float) -> int:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvLineSeries):
        dpg.add_theme_color(dpg.mvPlotCol_Line, (*colour, 255), category=dpg.mvThemeCat_Plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_LineWeight, 1.5 * scale, category=dpg.mvThemeCat_Plots)
    return int(theme)
