import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.state import ClassMix, NoCondition, Prompt
from tests.widgets.test_panels import spec
from widgets.panels.prompt import why_no_prompt
from widgets.prompts import added, removed, reweighted, reworded, shares, short, texts_of

WEIGHTS = st.lists(st.tuples(st.text(min_size=1), st.floats(-1, 1)), min_size=1, max_size=5).map(tuple)


@given(WEIGHTS)
def test_a_text_added_and_removed_leaves_the_others(weights: tuple[tuple[str, float], ...]) -> None:
    before = Prompt(weights)
    assert removed(added(before, " a  red\tcat "), len(weights)) == before
    assert texts_of(added(before, "a red cat"))[-1] == ("a red cat", 1.0)


@given(WEIGHTS, st.floats(-1, 1))
def test_words_and_weight_of_one_text_change_by_themselves(
    weights: tuple[tuple[str, float], ...], weight: float
) -> None:
    index = len(weights) - 1
    changed = reworded(reweighted(Prompt(weights), index, weight), index, "a dog")
    assert changed == Prompt((*weights[:index], ("a dog", weight)))


@given(WEIGHTS)
def test_shares_add_up_to_one_whatever_their_signs(weights: tuple[tuple[str, float], ...]) -> None:
    sizes = sum(map(abs, shares(Prompt(weights))))
    assert sizes == pytest.approx(1) or all(abs(weight) < 1e-300 for _, weight in weights)


def test_nothing_but_space_is_no_text() -> None:
    assert added(NoCondition(), " \n") == NoCondition()
    before = Prompt((("a cat", 1.0),))
    assert reworded(before, 0, "  ") == before


def test_the_last_text_taken_away_leaves_no_condition() -> None:
    assert removed(Prompt((("a cat", 0.5),)), 0) == NoCondition()
    assert texts_of(ClassMix(((1, 1.0),))) == ()


def test_a_long_text_is_cut_for_a_step() -> None:
    assert short("a cat") == "a cat"
    assert len(short("a very long text about a cat and a dog")) == 28


def test_other_families_say_why_they_take_no_text() -> None:
    assert why_no_prompt(spec("stylegan_t", [4], text=True, c_dim=8)) == ""
    assert "Latent panel" in why_no_prompt(spec("stylegan2", [4], c_dim=3))
    assert why_no_prompt(spec("stylegan2", [4])).startswith("This model is not steered by a text.")
