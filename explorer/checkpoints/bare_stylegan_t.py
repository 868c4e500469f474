"""Bare weights of StyleGAN-T: options follow from names and shapes, and from ``config.json`` what these cannot tell."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from torch import Tensor

from explorer.checkpoints.filter_taps import taps_of
from explorer.checkpoints.published_text_encoder import PREFIX
from explorer.checkpoints.state_dict import StateDict
from explorer.errors import CheckpointError
from explorer.generators import stylegan_t
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json

__all__ = ["MARKS", "read_bare_t"]

MARKS = frozenset({"mapping.x_avg", "mapping.mlp.fc0.weight"})
"""Names that only StyleGAN-T has."""
_FILTER = "resample_filter"
_DEFAULTS = {"norm_groups": 32, "conv_clamp": 256.0, "lr_multiplier": 0.01, "input_bandwidth": 2.0}
_TOLD = (*_DEFAULTS, "x_avg_beta", "norm_epsilon", "activation", "mapping_activation", "text_encoder")


def read_bare_t(
    source: StateDict, table: Mapping[str, Tensor], told: Mapping[str, object]
) -> tuple[stylegan_t.Generator, tuple[str, ...]]:
    """Build the generator around the file's tensors; and what was taken for granted.

    Raises:
        CheckpointError: A tensor is missing, of another shape or without a place, or `told` says what cannot be.
    """
    sizes = source.numbers(r"synthesis\.b(\d+)\.convs1\.0\.weight")
    if not sizes or any(after != 2 * before for before, after in pairwise(sizes)):
        raise CheckpointError(
            "this file's generator lacks blocks: there should be synthesis.b8, b16, ... without a gap"
        )
    first, last = f"synthesis.b{sizes[0]}", f"synthesis.b{sizes[-1]}"
    pictures = source.numbers(r"synthesis\.b(\d+)\.torgb\.weight")
    pairs = source.count(rf"synthesis\.b{sizes[0]}\.convs1\.(\d+)\.weight")
    width, z_dim = source.shape("mapping.mlp.fc0.weight", axes=2)
    styles = source.shape(f"{first}.convs1.0.affine.proj.weight", axes=2)[1]
    options: dict[str, Any] = {
        "resolution": sizes[-1],
        "channels": [source.shape(f"synthesis.b{size}.convs1.0.weight", axes=4)[0] for size in sizes],
        "res_blocks": pairs // 2,
        "z_dim": z_dim,
        "c_dim": styles - width,
        "img_channels": source.shape(f"{last}.torgb.weight", axes=4)[0],
        "architecture": "skip" if pictures == sizes else "orig",
        "mapping_layers": source.count(r"mapping\.mlp\.fc(\d+)\.weight"),
        "kernel_size": source.shape(f"{first}.convs1.0.weight", axes=4)[2],
        "use_noise": f"{first}.convs1.0.noise_strength" in source,
        "input_rate": float(sizes[0]),
        **{name: told[name] for name in _TOLD if name in told},
    }
    taps = next((name for name in table if name.endswith(f".{_FILTER}")), None)
    if taps is not None:
        options["resample_filter"] = taps_of(table[taps].float())
    config = config_from_json(stylegan_t.GeneratorConfig, options)
    dropped = (f"{first}.input.transform",)
    kept = {name: tensor for name, tensor in table.items() if name not in dropped and not name.startswith(PREFIX)}
    generator = build_from_tensors(lambda: stylegan_t.Generator(config), kept, idle=_FILTER)
    words = " and ".join(f"{name} {value:g}" for name, value in _DEFAULTS.items() if name not in told)
    return generator, (f"Weights do not tell {words}: taken as published.",) if words else ()
