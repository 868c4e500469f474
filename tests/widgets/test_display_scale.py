import pytest

from widgets.display_scale import scale_of


@pytest.mark.parametrize(
    ("environ", "resources", "dpi", "scale"),
    [
        ({}, "", 0, 1),
        ({"GDK_SCALE": "2"}, "Xft.dpi:\t96\n", 96, 2),
        ({"GDK_SCALE": "2", "GDK_DPI_SCALE": "0.75"}, "", 0, 1.5),
        ({"QT_SCALE_FACTOR": "1.3"}, "", 0, 1.25),
        ({}, "Xcursor.size:\t48\nXft.dpi:\t192\n", 96, 2),
        ({}, "", 110, 1),
        ({}, "", 218, 2.25),
        ({"GDK_SCALE": "nonsense"}, "Xft.dpi: 144", 0, 1.5),
        ({"GDK_SCALE": "9"}, "", 0, 4),
    ],
)
def test_the_scale_is_what_the_desktop_says(environ: dict[str, str], resources: str, dpi: float, scale: float) -> None:
    assert scale_of(environ, resources=resources, monitor_dpi=dpi) == scale
