import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from explorer.errors import ProjectFileError
from explorer.state import EditState, History, Mix, Point, SeedBlend, SeedPad, Slider
from explorer.state.serialize import (
    decode_history,
    decode_points,
    decode_state,
    encode_history,
    encode_points,
    encode_state,
)
from tests.state.strategies import histories, points, states

FULL = EditState(
    latent=SeedBlend(((3, 0.5), (4, 0.5))), sliders=(Slider("pca", 1, 2.0),), mixing=(Mix(SeedPad(1, 2), (0, 1)),)
)


@given(states())
@settings(deadline=None)
def test_a_state_comes_back_equal_through_json(state: EditState) -> None:
    assert decode_state(json.loads(json.dumps(encode_state(state), allow_nan=False))) == state


@given(histories())
@settings(deadline=None, max_examples=50)
def test_a_history_comes_back_equal_through_json(history: History) -> None:
    assert decode_history(json.loads(json.dumps(encode_history(history), allow_nan=False))) == history


@given(points())
@settings(deadline=None, max_examples=50)
def test_saved_points_come_back_equal_through_json(saved: tuple[Point, ...]) -> None:
    assert decode_points(json.loads(json.dumps(encode_points(saved), allow_nan=False))) == saved


def test_a_state_of_the_first_version_opens_with_everything_newer_neutral() -> None:
    document: Any = json.loads(json.dumps(encode_state(FULL)))
    del document["output"], document["transform"]["scale"], document["transform"]["shear"]
    del document["noise"]["layers"], document["truncation"]["centre"], document["sliders"][0]["name"]

    assert decode_state(document) == FULL


def set_to(*path: str | int, value: object) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_to("latent", "type", value="seed_cube"), "latent has the type 'seed_cube'"),
        (set_to("latent", "type", value="none"), "latent has the type 'none'"),
        (set_to("latent", "type", value=["seed_pad"]), "latent has the type a list"),
        (set_to("latent", value="seed 3"), "latent has the type None"),
        (set_to("latent", "weights", value=[[3]]), "expected 2"),
        (set_to("latent", "weights", value=[[3.5, 1]]), "whole number"),
        (set_to("latent", "weights", value={"3": 1}), "expected a list"),
        (set_to("latent", "weights", value=[[0, 0.0]] * 70000), "at most"),
        (set_to("truncation", "psi", value=float("nan")), "psi is nan"),
        (set_to("truncation", "psi", value=float("inf")), "psi is inf"),
        (set_to("truncation", "psi", value=10**400), "psi is 1000"),
        (set_to("truncation", "psi", value="1"), "psi is '1'"),
        (set_to("truncation", "psi", value=True), "psi is True"),
        (set_to("truncation", "psi", value=None), "psi is None"),
        (set_to("truncation", "cutoff", value=-1), "cutoff is -1"),
        (set_to("truncation", "cutoff", value=True), "cutoff is True"),
        (set_to("noise", "mode", value="loud"), "one of const, random, none"),
        (set_to("noise", "seed", value=2**63), "noise.seed"),
        (set_to("sliders", 0, "basis", value=3), "basis is 3"),
        (set_to("sliders", 0, "layers", value=[4096]), "4095"),
        (set_to("mixing", 0, "layers", value=None), "expected a list"),
        (set_to("mixing", value={}), "expected a list"),
        (set_to("output", "layer", value=4), "expected a text"),
        (set_to("output", "normalize", value=1), "true or false"),
        (set_to("output", "sel_channels", value=2), "choose 1, 3 or 4"),
        (set_to("output", "scale_db", value=201), "-200 to 200"),
        (set_to("output", "spectrum", value={"range_db": 0, "beta": 8, "all_channels": True}), "0.001"),
        (set_to("output", "spectrum", value={"range_db": 50, "beta": 99, "all_channels": True}), "0 to 80"),
        (set_to("truncation", "centre", value=16), "-1 to 15"),
        (set_to("noise", "layers", value=[["b4.conv1"]]), "expected 2"),
        (set_to("latent", value={"type": "blend", "weights": [[{"type": "blend", "weights": []}, 1]]}), "'blend'"),
        (set_to("checkpoint", value={"sha256": "xyz", "family": "", "hint": ""}), "64 hexadecimal digits"),
        (set_to("condition", "weights", value=[]), "unknown field 'weights'"),
        (set_to("python", value="import os"), "unknown field 'python'"),
    ],
)
def test_what_no_state_says_is_refused_in_words(change: Callable[[Any], None], words: str) -> None:
    document = json.loads(json.dumps(encode_state(FULL)))
    change(document)

    with pytest.raises(ProjectFileError) as refusal:
        decode_state(document)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("document", [None, 3, "state", [], {}, {"latent": {}}])
def test_what_is_no_state_at_all_is_refused(document: object) -> None:
    with pytest.raises(ProjectFileError):
        decode_state(document)


@pytest.mark.parametrize("field", ["checkpoint", "latent", "transform"])
def test_a_missing_field_is_named(field: str) -> None:
    document = encode_state(FULL)
    del document[field]

    with pytest.raises(ProjectFileError, match=f"lacks the field '{field}'"):
        decode_state(document)


@pytest.mark.parametrize(
    "change",
    [
        set_to("cursor", value=7),
        set_to("nodes", value=[]),
        set_to("nodes", 1, "parent", value=1),
        set_to("nodes", 1, "parent", value=None),
        set_to("nodes", 0, "id", value=4),
    ],
)
def test_a_history_that_is_no_tree_is_refused(change: Callable[[Any], None]) -> None:
    document = json.loads(json.dumps(encode_history(History.start(FULL).commit(EditState(), "clear"))))
    change(document)

    with pytest.raises(ProjectFileError, match="history"):
        decode_history(document)


def test_a_state_that_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(ProjectFileError, match="nan"):
        encode_state(replace(FULL, latent=SeedPad(float("nan"), 0)))
