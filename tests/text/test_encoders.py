"""Encoders against the library transformers, whose results on small random networks are kept in ``folders``."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.checkpoints.text_folder import STANDARD_MERGES, read_byte_pairs, read_text_folder
from explorer.errors import CheckpointError
from explorer.text import CLIP, SENTENCES
from tests.tolerances import STYLES

FOLDERS = Path(__file__).parent / "folders"
EXPECTED = np.load(FOLDERS / "expected.npz")
TEXTS = EXPECTED["texts"].tolist()
ALL = ("clip_text", "clip_full", "sentences")


@pytest.fixture
def copied(tmp_path: Path):
    def copy(name: str) -> Path:
        return shutil.copytree(FOLDERS / name, tmp_path / name)

    return copy


@pytest.mark.parametrize("index", range(len(TEXTS)))
@pytest.mark.parametrize("name", ALL)
def test_a_text_is_cut_as_the_library_cuts_it(name: str, index: int) -> None:
    kind = "sentence_ids" if name == "sentences" else "ids"
    assert read_text_folder(FOLDERS / name).tokenize(TEXTS[index]) == EXPECTED[f"{kind}/{index}"].tolist()


@pytest.mark.parametrize("name", ALL)
def test_a_text_has_the_direction_that_the_library_gives_it(name: str) -> None:
    encoder = read_text_folder(FOLDERS / name)
    vectors = torch.stack([encoder.encode(text) for text in TEXTS])
    torch.testing.assert_close(vectors, torch.from_numpy(EXPECTED[name]), **STYLES.kwargs)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(TEXTS)))
    assert encoder.kind == (SENTENCES if name == "sentences" else CLIP)
    assert encoder.dim == vectors.shape[1]


def test_the_two_activations_of_clip_differ() -> None:
    encoder = read_text_folder(FOLDERS / "clip_full")
    before = encoder.encode(TEXTS[0])
    for layer in encoder.network.layers:
        layer.activation = "quick_gelu"
    assert (encoder.encode(TEXTS[0]) - before).abs().max() > 1e-4


def test_a_list_of_merges_alone_makes_the_standard_vocabulary(copied) -> None:
    folder = copied("clip_text")
    merges = (folder / "merges.txt").read_bytes()
    (folder / STANDARD_MERGES).write_bytes(gzip.compress(merges))
    (folder / "vocab.json").unlink()
    (folder / "merges.txt").unlink()
    tokenize = read_byte_pairs(folder, length=20)
    assert [tokenize(text) for text in TEXTS] == [EXPECTED[f"ids/{i}"].tolist() for i in range(len(TEXTS))]


def test_what_cannot_be_written_in_bytes_is_read_all_the_same() -> None:
    for name in ALL:
        assert torch.isfinite(read_text_folder(FOLDERS / name).encode("a \ud800 cat")).all()


def edited(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def lying_header(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def first(header: dict) -> dict:
    return next(value for name, value in header.items() if name != "__metadata__")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: first(header).update(shape=[1 << 40, 1 << 40]),
        lambda header: first(header).update(data_offsets=[0, 1 << 50]),
        lambda header: first(header).update(dtype="F128"),
        lambda header: header.pop(next(name for name in header if name.endswith("layer_norm1.bias"))),
        lambda header: header.update({"text_model.extra": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
    ],
    ids=["huge", "past the end", "unknown type", "gap", "left over"],
)
def test_weights_whose_header_lies_are_refused(copied, change) -> None:
    folder = copied("clip_text")
    lying_header(folder, change)
    with pytest.raises(CheckpointError):
        read_text_folder(folder)


def test_folders_that_hold_something_else_say_what_is_wrong(copied) -> None:
    folder = copied("clip_text")
    edited(folder, model_type="llama")
    with pytest.raises(CheckpointError, match="llama"):
        read_text_folder(folder)
    edited(folder, model_type="clip_text_model", num_attention_heads=7)
    with pytest.raises(CheckpointError, match="7 heads"):
        read_text_folder(folder)
    edited(folder, num_attention_heads=3, hidden_act="relu")
    with pytest.raises(CheckpointError, match="relu"):
        read_text_folder(folder)
    edited(folder, hidden_act="gelu")
    vocabulary = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**vocabulary, "large": 10_000}))
    with pytest.raises(CheckpointError, match="different models"):
        read_text_folder(folder)
    (folder / "vocab.json").write_text("{")
    with pytest.raises(CheckpointError, match="no JSON"):
        read_text_folder(folder)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_text_folder(folder / "nowhere")


def test_a_list_of_merges_that_unpacks_without_end_is_refused(copied) -> None:
    folder = copied("clip_text")
    (folder / STANDARD_MERGES).write_bytes(gzip.compress(bytes(100 << 20), compresslevel=1))
    with pytest.raises(CheckpointError, match="more than 64 MiB"):
        read_byte_pairs(folder, length=20)


def test_a_sentence_encoder_that_does_not_average_is_refused(copied) -> None:
    folder = copied("sentences")
    pooling = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    with pytest.raises(CheckpointError, match="average"):
        read_text_folder(folder)


def test_a_zip_that_would_run_code_is_refused_as_weights(copied) -> None:
    folder = copied("clip_full")

    class Hostile:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save({"text_projection.weight": Hostile()}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError):
        read_text_folder(folder)
