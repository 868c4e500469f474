from explorer.checkpoints.families import GENERATORS
from tests.checkpoints.test_onnx_export import MODELS
from tests.families_table import BEGIN, COLUMNS, END, PAGE, TITLES, models, written


def test_the_page_says_of_every_family_what_the_code_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert (page.count(BEGIN), page.count(END)) == (1, 1)
    assert page == written(page), "write it anew with: python -m tests.families_table"


def test_every_family_is_on_the_page() -> None:
    assert models().keys() == GENERATORS.keys() == TITLES.keys()
    assert all(family == generator.spec.family for family, generator in models().items())
    assert {name.partition("-")[0] for name in MODELS} == set(GENERATORS), "each is exported to ONNX by a test"
    assert len(COLUMNS) == 10
