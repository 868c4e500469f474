from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.direction_book import NAME_LENGTH, DirectionBook, Entry, decode, encode

ENTRIES = st.builds(
    Entry,
    st.text(max_size=NAME_LENGTH),
    st.none() | st.sets(st.integers(0, 40)).map(lambda rows: tuple(sorted(rows))),
)
PLACES = st.tuples(st.sampled_from(["pca", "axis"]), st.integers(0, 1000))
BOOKS = st.dictionaries(
    st.text("0123456789abcdef", min_size=1), st.dictionaries(PLACES, ENTRIES, max_size=4), max_size=3
)


@settings(max_examples=30)
@given(BOOKS)
def test_a_book_reads_back_equal(book: dict) -> None:
    assert decode(encode(book)) == book


def test_what_is_kept_is_there_at_the_next_start_for_that_model_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings" / "directions.json"
    book = DirectionBook(path)
    assert book.find("a", "pca", 3) is None
    book.keep("a", "pca", 3, Entry("smile", (0, 1)))
    book.keep("a", "axis", 1, Entry("", (4,)))
    book.keep("a", "pca", 1, Entry("age"))
    again = DirectionBook(path)
    assert again.find("a", "pca", 3) == Entry("smile", (0, 1))
    assert again.find("b", "pca", 3) is None
    assert again.named("a") == (("pca", 1), ("pca", 3))
    assert again.take_problem() == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 2, "models": {}}',
        '{"version": 1, "models": []}',
        '{"version": 1, "models": {"a": []}}',
        '{"version": 1, "models": {"a": {"pca": {"name": "", "layers": null}}}}',
        '{"version": 1, "models": {"a": {"pca/-1": {"name": "", "layers": null}}}}',
        '{"version": 1, "models": {"a": {"cat/1": {"name": "", "layers": null}}}}',
        '{"version": 1, "models": {"a": {"pca/1": {"name": 3, "layers": null}}}}',
        '{"version": 1, "models": {"a": {"pca/1": {"name": "", "layers": [true]}}}}',
        '{"version": 1, "models": {"a": {"pca/1": {"name": "", "layers": [-1]}}}}',
        '{"version": 1, "models": {"a": {"pca/1": "smile"}}}',
    ],
)
def test_a_damaged_file_is_kept_aside_and_told_of_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "directions.json"
    path.write_text(text)
    book = DirectionBook(path)
    assert "kept as directions-kept.json" in book.take_problem()
    assert book.take_problem() == ""
    assert path.with_name("directions-kept.json").read_text() == text
    book.keep("a", "pca", 0, Entry("smile"))
    assert DirectionBook(path).find("a", "pca", 0) == Entry("smile")


def test_a_file_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("in the way")
    book = DirectionBook(tmp_path / "directions.json")
    book.keep("a", "pca", 0, Entry("smile"))
    assert book.take_problem() == ""
    blocked = DirectionBook(tmp_path / "settings" / "directions.json")
    blocked.take_problem()
    blocked.keep("a", "pca", 0, Entry("smile"))
    assert "cannot be remembered" in blocked.take_problem()
