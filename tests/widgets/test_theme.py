"""What is written can be read: contrast by WCAG 2.2."""

import pytest

from widgets.theme import Colour, Palette

_P = Palette()
_AA = 4.5


def luminance(colour: Colour) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["backdrop", "panel", "raised", "field", "field_hover", "grab", "accent_dim"])
def test_text_can_be_read_on_every_ground_that_it_stands_on(ground: str) -> None:
    assert contrast(_P.text, getattr(_P, ground)) >= _AA


@pytest.mark.parametrize("words", ["quiet", "accent", "error"])
@pytest.mark.parametrize("ground", ["backdrop", "panel", "raised"])
def test_captions_links_and_errors_can_be_read_on_panels(words: str, ground: str) -> None:
    assert contrast(getattr(_P, words), getattr(_P, ground)) >= _AA


def test_hints_can_be_read_in_fields() -> None:
    assert contrast(_P.quiet, _P.field) >= _AA
    assert contrast(_P.quiet, _P.field_hover) >= _AA
