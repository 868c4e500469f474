import json
import os
import sys

import pytest

from explorer.checkpoints.families import GENERATORS
from explorer.errors import CheckpointError
from explorer.project import known_models
from explorer.remote import cache, installed_folder, kept_models, parse_address
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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": 3}, "name of entry 2"),
        ({"address": None}, "address of entry 2"),
        ({"page": ["https://page"]}, "page of entry 2"),
        ({"resolution": [64, True]}, "resolution of entry 2"),
        ({"resolution": [64]}, "resolution of entry 2"),
        ({"resolution": "64"}, "resolution of entry 2"),
        ({"about_mb": "1"}, "about_mb of entry 2"),
        ({"more": 1}, "entry 2 has not just these"),
    ],
)
def test_a_wrong_value_in_a_list_is_named(tmp_path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        known_models(listed(tmp_path, ENTRY, {**ENTRY, **changes}))


def test_a_list_that_is_deep_or_large_or_no_file_is_said(tmp_path) -> None:
    path = tmp_path / "known.json"
    path.write_text("[" * 200_000)
    with pytest.raises(CheckpointError, match="nested too deeply"):
        known_models(path)
    path.write_text(json.dumps([ENTRY]) + " " * 2**20)
    with pytest.raises(CheckpointError, match="larger than"):
        known_models(path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(CheckpointError, match="it is no file"):
        known_models(tmp_path / "pipe.json")


def test_looking_for_a_package_runs_nothing_of_it(monkeypatch, tmp_path) -> None:
    (tmp_path / "loud").mkdir()
    (tmp_path / "loud" / "__init__.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "loud" / "inner.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    loud, inner, program, empty = (
        known_models(listed(tmp_path, {**ENTRY, "address": address}))[0]
        for address in ("pip:loud", "pip:loud.inner", "pip:__main__", "pip:")
    )
    assert installed_folder(loud) == tmp_path / "loud"
    assert installed_folder(inner) is installed_folder(empty) is None
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert installed_folder(program) is None


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


def listed(folder, *entries: dict[str, object]):
    path = folder / "known-models.json"
    path.write_text(json.dumps(entries))
    return path


ENTRY = {
    "name": "Ours",
    "family": "stylegan2",
    "resolution": [64, 32],
    "licence": "ours",
    "about_mb": 1,
    "address": "http://127.0.0.1:1/ours.pkl",
    "page": "https://ours",
}


def test_a_list_of_one_s_own_stands_before_the_public_one(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *args, **kwargs: str(tmp_path))
    before = known_models()
    listed(tmp_path, ENTRY)
    first, *rest = known_models()
    assert (first.name, first.resolution) == ("Ours", (64, 32))
    assert tuple(rest) == before
    (tmp_path / "known-models.json").write_text("{")
    with pytest.raises(CheckpointError, match="mend or remove"):
        known_models()


def test_what_is_here_is_known_without_a_connection(monkeypatch, tmp_path) -> None:
    whole, begun, never, hub = (
        known_models(listed(tmp_path, {**ENTRY, "address": address}))[0]
        for address in ("https://h/a.pkl", "https://h/b.pkl", "https://h/c.pkl", "hf://owner/one")
    )
    for address in ("https://h/a.pkl", "https://huggingface.co/owner/one/resolve/main/x.pkl"):
        slot = cache.slot_of(parse_address(address), tmp_path)
        slot.folder.mkdir()
        slot.whole.write_bytes(b"123")
        cache.Known(parse_address(address).shown, "", 3, "0" * 64).write(slot.about)
    slot = cache.slot_of(parse_address("https://h/b.pkl"), tmp_path)
    slot.folder.mkdir()
    slot.part.write_bytes(b"1")
    package, missing = (
        known_models(listed(tmp_path, {**ENTRY, "address": address}))[0]
        for address in ("pip:pytest", "pip:no-such-one")
    )
    kept = kept_models((whole, begun, never, hub, package, missing), tmp_path)
    assert list(kept.values()) == ["here", "begun", "", "here", "here", ""]
    assert installed_folder(whole) is installed_folder(missing) is None
    assert (installed_folder(package) / "__init__.py").exists()
