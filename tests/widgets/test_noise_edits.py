from hypothesis import given
from hypothesis import strategies as st

from explorer.state import Noise, Output
from widgets.noise_edits import factor_of, with_factor, with_noise_only

NAMES = st.sampled_from(["b4.conv1", "b8.conv0", "b8.conv1"])
FACTORS = st.sampled_from([0.0, 0.5, 2.0])


@given(NAMES, FACTORS, NAMES, FACTORS)
def test_the_order_of_setting_layers_does_not_matter(a: str, x: float, b: str, y: float) -> None:
    if a != b:
        assert with_factor(with_factor(Noise(), a, x), b, y) == with_factor(with_factor(Noise(), b, y), a, x)


@given(NAMES, FACTORS)
def test_a_factor_back_at_one_leaves_nothing_behind(name: str, factor: float) -> None:
    there = with_factor(Noise("random", 3, 0.5), name, factor)

    assert factor_of(there, name) == factor
    assert with_factor(there, name, 1) == Noise("random", 3, 0.5)


def test_looking_at_noise_alone_and_back_leaves_the_output_as_it_was() -> None:
    for output in (Output(), Output("b16.conv1", 3, 1, 6.0)):
        alone = with_noise_only(output, True)

        assert alone.noise_only
        assert alone.scale_db > 0
        assert with_noise_only(alone, False) == output


def test_noise_alone_keeps_a_contrast_that_was_chosen() -> None:
    assert with_noise_only(Output(scale_db=6), True).scale_db == 6
