import json

import pytest

from explorer.checkpoints.families import GENERATORS
from explorer.errors import CheckpointError
from explorer.project import known_models
from explorer.remote import cache, parse_address
from main import main


def test_every_public_model_is_of_a_family_that_opens_and_has_an_address_and_a_licence() -> None:
    models = known_models()
    assert len(models) > 40
    assert {model.family for model in models} <= set(GENERATORS)
    for model in models:
        address = parse_address(model.address)
        assert (address is not None) == model.opens, model
        assert model.licence
        assert model.page.startswith("https://")
        assert min(model.resolution) >= 16
        assert model.about_mb is None or 1 < model.about_mb < 10_000
    assert len({model.address for model in models}) == len(models)
    assert len({model.name for model in models}) == len(models)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"name": "a"}]', '[{"resolution": 3}]'])
def test_a_damaged_list_is_said(tmp_path, text: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match="install again"):
        known_models(path)


def test_the_list_is_facts_alone() -> None:
    path = known_models.__globals__["_FILE"]
    fields = {"name", "family", "resolution", "licence", "about_mb", "address", "page"}
    assert all(entry.keys() == fields for entry in json.loads(path.read_text(encoding="utf-8")))


def run(capsys, *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code, *capsys.readouterr()


def test_the_verb_lists_them_without_a_connection(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "nothing")
    code, out, err = run(capsys, "models")
    assert (code, err) == (0, "")
    assert "bundled:toons64" in out
    assert "licence: NVIDIA Source Code License (non-commercial)" in out
    assert "Fetched before" not in out
    code, out, err = run(capsys, "models", "--family", "r3gan")
    assert (code, err, out.count("hf://brownvc/")) == (0, "", 5)
    assert "StyleGAN" not in out
    code, out, err = run(capsys, "models", "--family", "biggan")
    assert (code, out, err.count("\n")) == (2, "", 1)
