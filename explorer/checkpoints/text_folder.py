"""A text encoder out of a folder in the layout of the library transformers: CLIP's text half, or a sentence BERT.

``config.json`` says what it is, ``vocab.json`` and ``merges.txt`` or ``vocab.txt`` how texts are cut, and
``model.safetensors`` or ``pytorch_model.bin`` holds the numbers. Everything is read as data.
"""

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.checkpoints.state_dict import StateDict
from explorer.checkpoints.tensor_file import read_tensors
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.text import (
    CLIP,
    SENTENCES,
    BytePairs,
    ClipConfig,
    ClipText,
    SentenceConfig,
    SentenceNetwork,
    TextEncoder,
    WordPieces,
)
from explorer.text.byte_pairs import standard_vocabulary

__all__ = ["read_byte_pairs", "read_text_folder"]

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# OpenAI's list of merges, as the packages open_clip_torch and clip carry it.
STANDARD_MERGES = "bpe_simple_vocab_16e6.txt.gz"
STANDARD_COUNT = 49152 - 256 - 2
_MOST_BYTES = 64 << 20
_MOST_PIECES = 1 << 20
_DEFAULTS = {"heads": 8, "activation": "quick_gelu", "epsilon": 1e-5}


def read_text_folder(folder: Path) -> TextEncoder:
    """The encoder in a folder.

    Raises:
        CheckpointError: A file is missing, damaged or hostile, or the folder holds another kind of model.
    """
    config = _json(folder / "config.json", "a text encoder's folder has config.json, its vocabulary and its weights")
    kind = config.get("model_type")
    if kind in ("clip", "clip_text_model"):
        return _clip(folder, config)
    if kind == "bert":
        return _sentences(folder, config)
    raise CheckpointError(
        f"{folder} holds a model of the kind {str(kind)[:40]!r}: as text encoders, CLIP and all-MiniLM-L6-v2 are read"
    )


def read_byte_pairs(folder: Path, *, length: int) -> BytePairs:
    """CLIP's tokenizer out of a folder: ``vocab.json`` and ``merges.txt``, or OpenAI's list of merges alone.

    Args:
        folder: Where it lies.
        length: See `BytePairs`.

    Raises:
        CheckpointError: A file is missing or damaged.
    """
    packed = folder / STANDARD_MERGES
    merges = _merges(_unpacked(packed) if packed.exists() else _text(folder / "merges.txt"))
    if packed.exists():
        # The list goes on behind what CLIP uses.
        merges = merges[:STANDARD_COUNT]
    vocabulary_file = folder / "vocab.json"
    if not vocabulary_file.exists():
        return BytePairs(standard_vocabulary(merges), merges, length=length)
    vocabulary = _json(vocabulary_file, "")
    if not _is_vocabulary(vocabulary):
        raise CheckpointError(f"{vocabulary_file} is no table of pieces and their numbers: it is damaged")
    return BytePairs(vocabulary, merges, length=length)


def _clip(folder: Path, config: Mapping[str, Any]) -> TextEncoder:
    about = config.get("text_config", config)
    if not isinstance(about, Mapping):
        raise CheckpointError(f"{folder / 'config.json'} describes no text model: it is damaged")
    held = _weights(folder)
    tensors = _clip_tensors(held)
    options = {
        **_clip_sizes(tensors),
        "heads": about.get("num_attention_heads", _DEFAULTS["heads"]),
        "activation": about.get("hidden_act", _DEFAULTS["activation"]),
        "epsilon": about.get("layer_norm_eps", _DEFAULTS["epsilon"]),
    }
    network = build_from_tensors(lambda: ClipText(config_from_json(ClipConfig, options)), tensors)
    tokenizer = read_byte_pairs(folder, length=network.config.length)
    return TextEncoder(CLIP, str(folder), network.config.features, _fitting(tokenizer, network.config), network)


def _clip_tensors(held: StateDict) -> dict[str, Tensor]:
    held.drop(r"(vision_model|visual_projection)\..*|logit_scale|.*position_ids")
    text = held.below("text_model.") if "text_model.final_layer_norm.weight" in held else held
    tensors = {
        "tokens": text.take("embeddings.token_embedding.weight", axes=2),
        "places": text.take("embeddings.position_embedding.weight", axes=2),
        "norm.weight": text.take("final_layer_norm.weight", axes=1),
        "norm.bias": text.take("final_layer_norm.bias", axes=1),
    }
    if "text_projection.weight" not in held:
        raise CheckpointError("this CLIP has no text_projection: StyleGAN-T needs the model with its projection")
    tensors["projection.weight"] = held.take("text_projection.weight", axes=2)
    names = {"norm1": "layer_norm1", "norm2": "layer_norm2", "out": "self_attn.out_proj"}
    names |= {"wide": "mlp.fc1", "narrow": "mlp.fc2"}
    for i in range(text.count(r"encoder\.layers\.(\d+)\.layer_norm1\.weight")):
        layer = text.below(f"encoder.layers.{i}.")
        for part, axes in (("weight", 2), ("bias", 1)):
            joint = [layer.take(f"self_attn.{name}_proj.{part}", axes=axes) for name in "qkv"]
            tensors[f"layers.{i}.joint.{part}"] = torch.cat(joint)
            for ours, theirs in names.items():
                normal = ours.startswith("norm")
                tensors[f"layers.{i}.{ours}.{part}"] = layer.take(f"{theirs}.{part}", axes=1 if normal else axes)
        layer.finish()
    text.drop(r".*position_ids")
    text.finish()
    held.finish()
    return tensors


def _clip_sizes(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    layers = sum(name.endswith("norm1.bias") for name in tensors)
    return {
        "vocabulary": tensors["tokens"].shape[0],
        "length": tensors["places"].shape[0],
        "width": tensors["tokens"].shape[1],
        "hidden": tensors["layers.0.wide.bias"].shape[0],
        "layers": layers,
        "features": tensors["projection.weight"].shape[0],
    }


def _sentences(folder: Path, config: Mapping[str, Any]) -> TextEncoder:
    _check_pooling(folder)
    tensors = _sentence_tensors(_weights(folder))
    options = {
        "vocabulary": tensors["tokens"].shape[0],
        "places": tensors["places"].shape[0],
        "width": tensors["tokens"].shape[1],
        "hidden": tensors["layers.0.wide.bias"].shape[0],
        "layers": sum(name.endswith("wide.bias") for name in tensors),
        "heads": config.get("num_attention_heads"),
        "epsilon": config.get("layer_norm_eps", 1e-12),
    }
    if config.get("hidden_act", "gelu") != "gelu":
        raise CheckpointError(f"{folder} has an activation other than gelu: as a sentence BERT, it cannot be read")
    network = build_from_tensors(lambda: SentenceNetwork(config_from_json(SentenceConfig, options)), tensors)
    lines = _text(folder / "vocab.txt").split("\n")
    vocabulary = {piece.rstrip("\r"): number for number, piece in enumerate(lines) if piece}
    limit = folder / "sentence_bert_config.json"
    longest = _json(limit, "").get("max_seq_length") if limit.exists() else None
    places = network.config.places
    length = longest if type(longest) is int and 2 <= longest <= places else places
    tokenizer = _fitting(WordPieces(vocabulary, length=length), network.config)
    return TextEncoder(SENTENCES, str(folder), network.config.width, tokenizer, network)


def _check_pooling(folder: Path) -> None:
    """Refuse a model that takes one place, or the largest, where ours takes the mean."""
    path = folder / "1_Pooling" / "config.json"
    pooling = _json(path, "") if path.exists() else {"pooling_mode_mean_tokens": True}
    chosen = [name for name, value in pooling.items() if name.startswith("pooling_mode") and value is True]
    if chosen != ["pooling_mode_mean_tokens"]:
        raise CheckpointError(f"{path} does not average the places of a text: such a sentence encoder cannot be read")


def _sentence_tensors(held: StateDict) -> dict[str, Tensor]:
    held.drop(r"(bert\.)?pooler\..*|(bert\.)?embeddings\.position_ids|cls\..*")
    held = held.below("bert.") if "bert.embeddings.word_embeddings.weight" in held else held
    held.drop(r"pooler\..*|embeddings\.position_ids")
    tensors = {
        "tokens": held.take("embeddings.word_embeddings.weight", axes=2),
        "places": held.take("embeddings.position_embeddings.weight", axes=2),
        "segments": held.take("embeddings.token_type_embeddings.weight", axes=2),
        "norm.weight": held.take("embeddings.LayerNorm.weight", axes=1),
        "norm.bias": held.take("embeddings.LayerNorm.bias", axes=1),
    }
    names = {part: f"attention.self.{part}" for part in ("query", "key", "value")}
    names |= {"out": "attention.output.dense", "wide": "intermediate.dense", "narrow": "output.dense"}
    names |= {"norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm"}
    for i in range(held.count(r"encoder\.layer\.(\d+)\.output\.dense\.weight")):
        for ours, theirs in names.items():
            for part, axes in (("weight", 1 if ours.startswith("norm") else 2), ("bias", 1)):
                tensors[f"layers.{i}.{ours}.{part}"] = held.take(f"encoder.layer.{i}.{theirs}.{part}", axes=axes)
    held.finish()
    return tensors


def _fitting(tokenizer: Any, config: ClipConfig | SentenceConfig) -> Any:
    """The tokenizer, when every number that it may give is one of the network's."""
    if tokenizer.largest >= config.vocabulary:
        raise CheckpointError(
            f"this tokenizer counts to {tokenizer.largest}, and the network knows {config.vocabulary} pieces: "
            "they belong to different models"
        )
    return tokenizer


def _weights(folder: Path) -> StateDict:
    path = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(f"{folder} has no weights: {' or '.join(_WEIGHTS)} is looked for")
    return read_tensors(path, what="text encoder")


def _merges(text: str) -> list[tuple[str, str]]:
    lines = [line.split() for line in text.split("\n")]
    # The first line tells the version.
    pairs = [(line[0], line[1]) for line in lines[1:] if len(line) == 2]
    if not pairs or len(pairs) > _MOST_PIECES:
        raise CheckpointError("this tokenizer has no list of merges, or one without end: it is damaged")
    return pairs


def _is_vocabulary(value: Mapping[str, Any]) -> bool:
    return 0 < len(value) <= _MOST_PIECES and all(
        type(number) is int and 0 <= number < _MOST_PIECES for number in value.values()
    )


def _json(path: Path, hint: str) -> dict[str, Any]:
    try:
        value = json.loads(_text(path))
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path} is damaged: it is no JSON document") from None
    except CheckpointError as error:
        raise CheckpointError(f"{error}; {hint}" if hint else str(error)) from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} is damaged: it should be a JSON object")
    return value


def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    return _decoded(content, path)


def _unpacked(path: Path) -> str:
    try:
        # No more than the limit is ever unpacked, whatever the file says.
        with gzip.open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CheckpointError(f"{path} cannot be unpacked: {error}") from error
    return _decoded(content, path)


def _decoded(content: bytes, path: Path) -> str:
    if len(content) > _MOST_BYTES:
        raise CheckpointError(f"{path} has more than {_MOST_BYTES >> 20} MiB: it is no tokenizer's file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise CheckpointError(f"{path} is damaged: it is no text") from None
