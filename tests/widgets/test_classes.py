from hypothesis import given
from hypothesis import strategies as st

from explorer.state import ClassMix, NoCondition
from widgets.panels.classes import matching, weight_of, with_class, without_class

LABELS = ("0: tabby cat", "1: Persian cat", "2: cattle dog", "Class 3")
INDEX = st.integers(0, 3)
WEIGHT = st.floats(0, 1)


@given(st.dictionaries(INDEX, WEIGHT, min_size=1), INDEX, WEIGHT)
def test_setting_one_weight_leaves_the_others_and_their_order(
    weights: dict[int, float], index: int, weight: float
) -> None:
    before = ClassMix(tuple(weights.items()))
    after = with_class(before, index, weight)
    assert weight_of(after, index) == weight
    assert [part for part in after.weights if part[0] != index] == [p for p in before.weights if p[0] != index]
    assert without_class(after, index) == without_class(before, index)


def test_a_mix_without_its_last_class_is_no_condition() -> None:
    assert without_class(with_class(NoCondition(), 2, 0.5), 2) == NoCondition()


def test_classes_are_found_by_any_words_and_by_number() -> None:
    assert matching(LABELS, "CAT per") == (LABELS[1],)
    assert matching(LABELS, "3") == (LABELS[3],)
    assert matching(LABELS, "") == LABELS
    assert matching(LABELS, "zebra") == ()
