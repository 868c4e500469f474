"""The look: one dark palette, one type family, one grid, everything multiplied by one scale factor."""

from dataclasses import dataclass
from pathlib import Path

import dearpygui.dearpygui as dpg

from widgets.places import asset

__all__ = ["Colour", "Look", "Palette", "apply_theme", "dock_colours", "dock_sizes"]

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours, 0 to 255: neutral greys, so that the surroundings do not tint how a picture is seen.

    ``text`` and ``quiet`` text stand out from every ground that they may stand on by 4.5:1, as WCAG 2.2 AA asks for.
    """

    backdrop: Colour = (18, 18, 18)
    """Behind the picture."""
    panel: Colour = (28, 28, 29)
    """Panels."""
    raised: Colour = (37, 37, 38)
    """Title bars, menus, tooltips."""
    field: Colour = (49, 49, 52)
    """Sliders, buttons, inputs."""
    field_hover: Colour = (62, 62, 66)
    """Under the mouse."""
    line: Colour = (60, 60, 62)
    """Separators and borders."""
    text: Colour = (226, 226, 228)
    """Ordinary text."""
    quiet: Colour = (172, 172, 177)
    """Captions and facts."""
    off: Colour = (106, 106, 110)
    """What cannot be used now."""
    accent: Colour = (82, 148, 206)
    """What the hand moves."""
    grab: Colour = (56, 103, 147)
    """The handle of a slider, and a button that matters under the mouse: dark enough for words on it."""
    accent_dim: Colour = (46, 88, 130)
    """What is chosen."""
    error: Colour = (236, 122, 108)
    """Errors."""


@dataclass(frozen=True, slots=True)
class Look:
    """Palette, fonts and scale: what every panel is built with."""

    palette: Palette
    """Colours."""
    scale: float
    """Pixels on screen for a pixel of the design; 2 on a 4K screen held near."""
    body: int
    """Font of ordinary text."""
    strong: int
    """Font of headings."""
    primary: int
    """Theme of the one button that matters most."""
    chosen: int
    """Theme of a toggle that is on."""
    flush: int
    """Theme of a window without padding."""
    even: int
    """Theme of a line of items of equal width."""
    status: int
    """Theme of the status line."""
    notice: int
    """Theme of a notice that stands before the panels."""
    docked: int
    """Theme of a docked panel: what the viewport is cleared with is its ground."""
    popup: int
    """Theme of a small window before the panels: with a border, since it has their colour."""

    def px(self, design_px: float) -> int:
        """Pixels on screen for pixels of the design."""
        return round(design_px * self.scale)


def apply_theme(scale: float = 1.0) -> Look:
    """Load the fonts, bind the theme, and return what panels need to look alike."""
    palette = Palette()
    with dpg.font_registry():
        body = _font("Inter-Regular.otf", round(15 * scale))
        strong = _font("Inter-SemiBold.otf", round(15 * scale))
    dpg.bind_font(body)
    dpg.bind_theme(_global_theme(palette, scale))
    return Look(
        palette=palette,
        scale=scale,
        body=body,
        strong=strong,
        primary=_button_theme(palette.accent_dim, palette.grab, palette.text),
        chosen=_button_theme(palette.accent_dim, palette.grab, palette.text),
        flush=_window_theme(palette.backdrop, (0, 0)),
        even=_even_theme(scale),
        status=_window_theme(palette.raised, (round(10 * scale), round(3 * scale))),
        notice=_notice_theme(palette),
        docked=_docked_theme(palette),
        popup=_popup_theme(palette),
    )


def _font(name: str, size_px: int) -> int:
    path: Path = asset("fonts", name)
    return int(dpg.add_font(str(path), size_px))


def _global_theme(palette: Palette, scale: float) -> int:
    with dpg.theme() as theme:
        with dpg.theme_component(dpg.mvAll):
            for target, colour in _colours(palette).items():
                dpg.add_theme_color(target, (*colour, 255), category=dpg.mvThemeCat_Core)
            for target, (x, y) in _styles().items():
                dpg.add_theme_style(target, x * scale, y * scale, category=dpg.mvThemeCat_Core)
        # A component for all kinds of items is not applied to disabled ones: each kind needs its own.
        for kind in _CAN_BE_OFF:
            with dpg.theme_component(kind, enabled_state=False):
                for target, colour in _colours_off(palette).items():
                    dpg.add_theme_color(target, (*colour, 255), category=dpg.mvThemeCat_Core)
    return int(theme)


_CAN_BE_OFF = (
    dpg.mvButton,
    dpg.mvCheckbox,
    dpg.mvCombo,
    dpg.mvDragFloat,
    dpg.mvInputDouble,
    dpg.mvInputInt,
    dpg.mvInputText,
    dpg.mvMenuItem,
    dpg.mvRadioButton,
    dpg.mvSliderFloat,
    dpg.mvSliderInt,
)


def _colours_off(p: Palette) -> dict[int, Colour]:
    return {
        dpg.mvThemeCol_Text: p.off,
        dpg.mvThemeCol_FrameBg: p.raised,
        dpg.mvThemeCol_FrameBgHovered: p.raised,
        dpg.mvThemeCol_FrameBgActive: p.raised,
        dpg.mvThemeCol_Button: p.raised,
        dpg.mvThemeCol_ButtonHovered: p.raised,
        dpg.mvThemeCol_ButtonActive: p.raised,
        dpg.mvThemeCol_SliderGrab: p.field_hover,
        dpg.mvThemeCol_SliderGrabActive: p.field_hover,
        dpg.mvThemeCol_CheckMark: p.off,
    }


def _colours(p: Palette) -> dict[int, Colour]:
    return {
        dpg.mvThemeCol_Text: p.text,
        dpg.mvThemeCol_TextDisabled: p.quiet,
        dpg.mvThemeCol_WindowBg: p.panel,
        dpg.mvThemeCol_ChildBg: p.panel,
        dpg.mvThemeCol_PopupBg: p.raised,
        dpg.mvThemeCol_Border: p.line,
        dpg.mvThemeCol_FrameBg: p.field,
        dpg.mvThemeCol_FrameBgHovered: p.field_hover,
        dpg.mvThemeCol_FrameBgActive: p.field_hover,
        dpg.mvThemeCol_TitleBg: p.raised,
        dpg.mvThemeCol_TitleBgActive: p.raised,
        dpg.mvThemeCol_TitleBgCollapsed: p.raised,
        dpg.mvThemeCol_MenuBarBg: p.raised,
        dpg.mvThemeCol_ScrollbarBg: p.panel,
        dpg.mvThemeCol_ScrollbarGrab: p.field,
        dpg.mvThemeCol_ScrollbarGrabHovered: p.field_hover,
        dpg.mvThemeCol_ScrollbarGrabActive: p.field_hover,
        dpg.mvThemeCol_CheckMark: p.accent,
        dpg.mvThemeCol_SliderGrab: p.grab,
        dpg.mvThemeCol_SliderGrabActive: p.grab,
        dpg.mvThemeCol_Button: p.field,
        dpg.mvThemeCol_ButtonHovered: p.field_hover,
        dpg.mvThemeCol_ButtonActive: p.accent_dim,
        dpg.mvThemeCol_Header: p.accent_dim,
        dpg.mvThemeCol_HeaderHovered: p.field_hover,
        dpg.mvThemeCol_HeaderActive: p.accent_dim,
        dpg.mvThemeCol_Separator: p.line,
        dpg.mvThemeCol_SeparatorHovered: p.accent_dim,
        dpg.mvThemeCol_SeparatorActive: p.accent,
        dpg.mvThemeCol_ResizeGrip: p.field,
        dpg.mvThemeCol_ResizeGripHovered: p.accent_dim,
        dpg.mvThemeCol_ResizeGripActive: p.accent,
        dpg.mvThemeCol_Tab: p.raised,
        dpg.mvThemeCol_TabHovered: p.field_hover,
        dpg.mvThemeCol_TabActive: p.panel,
        dpg.mvThemeCol_TabUnfocused: p.raised,
        dpg.mvThemeCol_TabUnfocusedActive: p.panel,
        dpg.mvThemeCol_DockingPreview: p.accent,
        dpg.mvThemeCol_DockingEmptyBg: p.backdrop,
        dpg.mvThemeCol_TextSelectedBg: p.accent_dim,
        dpg.mvThemeCol_TableHeaderBg: p.raised,
        dpg.mvThemeCol_TableBorderStrong: p.line,
        dpg.mvThemeCol_TableBorderLight: p.line,
        dpg.mvThemeCol_NavHighlight: p.accent,
    }


def dock_colours(palette: Palette) -> dict[int, tuple[int, int, int, int]]:
    """The colours of what Dear PyGui draws outside of every theme: tab bars and the gaps between docked windows.

    The ground under the docked windows is never seen, so it is not painted: without a graphics card, filling the
    window once costs as much as all its controls.
    """
    named = _colours(palette)
    outside = (
        dpg.mvThemeCol_TitleBg,
        dpg.mvThemeCol_TitleBgActive,
        dpg.mvThemeCol_TitleBgCollapsed,
        dpg.mvThemeCol_Separator,
        dpg.mvThemeCol_SeparatorHovered,
        dpg.mvThemeCol_SeparatorActive,
        dpg.mvThemeCol_DockingPreview,
        dpg.mvThemeCol_DockingEmptyBg,
    )
    return {dpg.mvThemeCol_WindowBg: (0, 0, 0, 0), **{target: (*named[target], 255) for target in outside}}


def dock_sizes(scale: float) -> dict[int, tuple[float, float]]:
    """The paddings of tab bars, scaled, as `dock_colours` are their colours."""
    outside = (dpg.mvStyleVar_FramePadding, dpg.mvStyleVar_ItemInnerSpacing)
    return {target: (_styles()[target][0] * scale, _styles()[target][1] * scale) for target in outside}


def _styles() -> dict[int, tuple[float, float]]:
    """Sizes of the design; a negative second value stays unused."""
    return {
        dpg.mvStyleVar_WindowPadding: (12, 10),
        dpg.mvStyleVar_FramePadding: (8, 4),
        dpg.mvStyleVar_ItemSpacing: (8, 6),
        dpg.mvStyleVar_ItemInnerSpacing: (6, 4),
        dpg.mvStyleVar_CellPadding: (4, 2),
        dpg.mvStyleVar_WindowRounding: (6, -1),
        dpg.mvStyleVar_ChildRounding: (4, -1),
        dpg.mvStyleVar_FrameRounding: (4, -1),
        dpg.mvStyleVar_PopupRounding: (6, -1),
        dpg.mvStyleVar_GrabRounding: (4, -1),
        dpg.mvStyleVar_TabRounding: (4, -1),
        dpg.mvStyleVar_ScrollbarRounding: (6, -1),
        dpg.mvStyleVar_ScrollbarSize: (11, -1),
        dpg.mvStyleVar_GrabMinSize: (9, -1),
        dpg.mvStyleVar_WindowBorderSize: (0, -1),
        dpg.mvStyleVar_PopupBorderSize: (1, -1),
        dpg.mvStyleVar_FrameBorderSize: (0, -1),
        dpg.mvStyleVar_TabBorderSize: (0, -1),
        dpg.mvStyleVar_IndentSpacing: (16, -1),
    }


def _button_theme(face: Colour, hover: Colour, text: Colour) -> int:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton):
        dpg.add_theme_color(dpg.mvThemeCol_Button, (*face, 255))
        dpg.add_theme_color(dpg.mvThemeCol_ButtonHovered, (*hover, 255))
        dpg.add_theme_color(dpg.mvThemeCol_ButtonActive, (*hover, 255))
        dpg.add_theme_color(dpg.mvThemeCol_Text, (*text, 255))
    return int(theme)


def _even_theme(scale: float) -> int:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvTable):
        # Half of what stands between other items on each side, and nothing above and below: one line has no neighbours.
        dpg.add_theme_style(dpg.mvStyleVar_CellPadding, _styles()[dpg.mvStyleVar_ItemSpacing][0] / 2 * scale, 0)
    return int(theme)


def _window_theme(colour: Colour, padding: tuple[int, int]) -> int:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvWindowAppItem):
        dpg.add_theme_color(dpg.mvThemeCol_WindowBg, (*colour, 255))
        dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, *padding)
    return int(theme)


def _docked_theme(palette: Palette) -> int:
    with dpg.theme() as theme:
        for kind, target in (
            (dpg.mvWindowAppItem, dpg.mvThemeCol_WindowBg),
            (dpg.mvChildWindow, dpg.mvThemeCol_ChildBg),
        ):
            with dpg.theme_component(kind):
                dpg.add_theme_color(target, (*palette.panel, 0))
    return int(theme)


def _popup_theme(palette: Palette) -> int:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvWindowAppItem):
        dpg.add_theme_color(dpg.mvThemeCol_Border, (*palette.field_hover, 255))
        dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 1)
    return int(theme)


def _notice_theme(palette: Palette) -> int:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvWindowAppItem):
        dpg.add_theme_color(dpg.mvThemeCol_WindowBg, (*palette.raised, 250))
        dpg.add_theme_color(dpg.mvThemeCol_Border, (*palette.field_hover, 255))
        dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 1)
    return int(theme)
