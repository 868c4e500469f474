"""The command that makes a picture again, read back by the same parser that a shell would feed."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import explorer
from explorer.checkpoints import open_checkpoint
from explorer.commands.command_line import command_line, render_arguments
from explorer.commands.errors import run
from explorer.commands.picture import Changes
from explorer.commands.render import render
from explorer.errors import StateError
from explorer.state import (
    Blend,
    BlobRef,
    ClassMix,
    EditState,
    Mix,
    Noise,
    Output,
    Prompt,
    SeedBlend,
    SeedPad,
    Slider,
    Spectrum,
    Stored,
    Transform,
    Truncation,
)
from main import cli
from tests.models import write_stylegan2, write_stylegan3
from tests.state.strategies import numbers, seed_latents, states

BLENDS = st.builds(Blend, st.lists(st.tuples(seed_latents, numbers), min_size=1, max_size=3).map(tuple))


def parsed(arguments: list[str]) -> EditState:
    context = render.make_context("render", ["model", *arguments])
    values = {
        name: value
        for name, value in context.params.items()
        if name not in ("source", "folder", "seeds", "text_encoder", "precision", "compiled")
    }
    seeds = context.params["seeds"]
    state = Changes(**values).apply(EditState())
    return state if seeds is None else replace(state, latent=SeedBlend(((seeds[0], 1.0),)))


def as_shown(state: EditState) -> EditState:
    """Without what no picture shows."""
    return replace(state, checkpoint=None, sliders=tuple(replace(slider, name="") for slider in state.sliders))


@given(states(seed_latents) | states(seed_latents).flatmap(lambda s: BLENDS.map(lambda b: replace(s, latent=b))))
@settings(deadline=None, max_examples=300)
def test_parsing_the_command_gives_the_same_state(state: EditState) -> None:
    if isinstance(state.condition, ClassMix | Prompt) and not state.condition.weights:
        return
    words = shlex.split(command_line(state, "a model.pkl"))

    assert words[:4] == ["python", "main.py", "render", "a model.pkl"]
    assert parsed(words[4:]) == as_shown(state)


def test_a_plain_seed_reads_as_a_person_would_write_it() -> None:
    state = EditState(latent=SeedBlend(((7, 1.0),)), truncation=Truncation(0.7, 8))

    assert command_line(state, "face.pkl") == "python main.py render face.pkl --seeds=7 --psi=0.7 --cutoff=8"


@pytest.mark.parametrize(
    "state",
    [
        EditState(latent=Stored("w", BlobRef("0" * 64))),
        EditState(mixing=(Mix(Stored("w", BlobRef("0" * 64)), (1,)),)),
        EditState(latent=Blend(())),
        EditState(condition=ClassMix(())),
        EditState(condition=Prompt(())),
    ],
)
def test_what_words_cannot_say_names_the_project_or_asks_for_one(state: EditState) -> None:
    with pytest.raises(StateError, match="save a project"):
        render_arguments(state)
    assert command_line(state, "face.pkl", project="my face.latent") == "python main.py render 'my face.latent'"


STATES = {
    "2": EditState(
        condition=ClassMix(((1, 0.75), (2, 0.25))),
        latent=SeedPad(3.5, 0.25),
        sliders=(Slider("pca", 0, 1.5), Slider("axis", 2, -0.3, (0, 1, 2))),
        mixing=(Mix(SeedPad(9, 0), (1, 2), 0.5), Mix(SeedBlend(((4, 1.0),)), (3,))),
        truncation=Truncation(0.6, 5, 3),
        noise=Noise("random", 4, 0.8, (("b8.conv1", 2.0),)),
    ),
    "3": EditState(
        latent=Blend(((SeedPad(1, 0), 0.5), (SeedBlend(((8, 1.0),)), 0.5))),
        transform=Transform(-0.1, 0.05, 20, 1.2, 0.1),
        output=Output("L1_36_16", 2, 1, 6.0, True, Spectrum(80, 4, False), True),
    ),
}


@pytest.mark.parametrize("family", STATES)
def test_the_commands_picture_is_the_states(family: str, tmp_path: Path) -> None:
    write = write_stylegan2 if family == "2" else write_stylegan3
    path = write(tmp_path / "model.safetensors", **({"c_dim": 3} if family == "2" else {}))
    checkpoint = open_checkpoint(path)
    state = STATES[family]
    if family == "3":
        state = replace(state, output=replace(state.output, layer=checkpoint.spec.activations[2]))
    words = shlex.split(command_line(state, path))[2:]

    assert run(cli, [*words, "--out", str(tmp_path)]) == 0

    with Image.open(tmp_path / "picture.png") as picture:
        assert np.array_equal(np.asarray(picture), explorer.render(state, checkpoint).pixels)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--latent 3:x", "write it like 7"),
        ("--latent @3", "no latent"),
        ("--latent 99999999999999999999", "no latent"),
        ("--blend 7", "no part of a blend"),
        ("--slider pca/0", "pca/0/1.5"),
        ("--slider pca/0/nan", "no slider"),
        ("--slider pca/9999/1", "directions"),
        ("--mix 9", "9/4-7"),
        ("--mix 9/0-99999", "no mix"),
        ("--mix 9/70", "layers 0 to"),
        ("--class 2:", "no class"),
        ("--centre 16", "0 to 15"),
        ("--noise-layer b4.conv1", "no layer's strength"),
        ("--noise-layer nothing=2", "no noise there"),
        ("--layer nothing", "no layer of that name"),
        ("--channels 2", "1, 3 or 4"),
        ("--scale-db 300", "-200 to 200"),
        ("--spectrum-beta 99", "0 to 80"),
        ("--seeds 3 --latent 4", "exclude each other"),
        ("--scale 2", "can move their picture"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(
    arguments: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_stylegan2(tmp_path / "model.safetensors")

    assert run(cli, ["render", str(path), *arguments.split(), "--out", str(tmp_path)]) == 2

    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert words in shown


def test_a_rendered_picture_holds_its_recipe_and_is_made_again_from_it(tmp_path: Path) -> None:
    model = write_stylegan2(tmp_path / "model.safetensors")
    words = ["render", str(model), "--seeds", "3", "--psi", "0.6", "--noise", "random", "--layer", "b8.conv1"]
    assert run(cli, [*words, "--out", str(tmp_path / "first")]) == 0

    picture = tmp_path / "first" / "seed0003.png"
    assert run(cli, ["render", str(picture), "--out", str(tmp_path / "second")]) == 0
    assert run(cli, ["render", str(picture), "--layer", "output", "--out", str(tmp_path / "third")]) == 0

    again, whole = (tmp_path / folder / "seed0003.png" for folder in ("second", "third"))
    assert again.read_bytes() == picture.read_bytes()
    with Image.open(whole) as shown:
        assert shown.size == (32, 32)


def test_a_picture_from_elsewhere_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "photo.png")

    assert run(cli, ["render", str(tmp_path / "photo.png"), "--out", str(tmp_path)]) == 2
    assert "without a recipe" in capsys.readouterr().err
