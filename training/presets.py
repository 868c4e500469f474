"""Presets: settings by name, as a table; and ``auto``, which explains every choice it makes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch

from training.config import ConfigError

__all__ = ["PRESETS", "Choice", "Machine", "automatic", "preset_settings", "this_machine"]

Settings = Mapping[str, object]

_STYLEGAN2: Settings = {
    "network": "stylegan2",
    "g_lr": 0.002,
    "d_lr": 0.002,
    "mapping_layers": 8,
    "channel_base": 32768,
}
_PAPER: Settings = {**_STYLEGAN2, "batch": 64, "mbstd_group": 8, "g_lr": 0.0025, "d_lr": 0.0025, "ema_kimg": 20.0}
_STYLEGAN3: Settings = {
    "network": "stylegan3-t", "g_lr": 0.0025, "d_lr": 0.002, "pl_weight": 0.0, "style_mixing": 0.0, "ema_kimg": 10.0,
    "channel_base": 32768, "batch": 32, "augment": "ada",
}  # fmt: skip
_SMALL: Settings = {"channel_base": 4096, "channel_max": 128, "z_dim": 128, "w_dim": 128, "batch": 16}

PRESETS: Mapping[str, Settings] = MappingProxyType(
    {
        "stylegan2": {**_STYLEGAN2, "batch": 32, "r1_gamma": 10.0, "ema_kimg": 10.0, "ema_rampup": None},
        "paper256": {**_PAPER, "channel_base": 16384, "r1_gamma": 1.0, "ema_rampup": None},
        "paper512": {**_PAPER, "r1_gamma": 0.5, "ema_rampup": None},
        "paper1024": {**_STYLEGAN2, "batch": 32, "r1_gamma": 2.0, "ema_kimg": 10.0, "ema_rampup": None},
        "cifar": {
            **_STYLEGAN2, "batch": 64, "mbstd_group": 32, "g_lr": 0.0025, "d_lr": 0.0025, "r1_gamma": 0.01,
            "ema_kimg": 500.0, "mapping_layers": 2, "pl_weight": 0.0, "style_mixing": 0.0,
        },
        "stylegan3-t": _STYLEGAN3,
        "stylegan3-r": {**_STYLEGAN3, "network": "stylegan3-r", "channel_base": 65536, "channel_max": 1024,
                        "blur_sigma": 10.0},
        "r3gan": {
            "loss": "relativistic", "r1_interval": 1, "pl_weight": 0.0, "style_mixing": 0.0, "beta2": 0.9,
            "beta2_final": 0.99, "g_lr": 0.0002, "d_lr": 0.0002, "lr_final": 0.00005, "schedule_kimg": 2000.0,
            "augment": "fixed", "augment_p": 0.3, "ema_kimg": 500.0,
        },
        "projected": {
            "discriminator": "projected", "loss": "hinge", "r1_interval": 0, "pl_weight": 0.0, "style_mixing": 0.0,
            "z_dim": 64, "w_dim": 128, "mapping_layers": 2, "g_lr": 0.002, "d_lr": 0.002, "augment": "diffaugment",
            "blur_sigma": 2.0, "blur_kimg": 300.0,
        },
        "few-shot": {
            "augment": "ada", "augment_pipe": "bgc", "xflip": True, "freeze_d": 4, "ada_kimg": 100.0, "batch": 16,
            "pl_weight": 0.0, "mapping_layers": 2, "snapshot_kimg": 4.0, "holdout": 20,
        },
        "tiny": {**_SMALL, "mapping_layers": 2, "pl_weight": 0.0, "style_mixing": 0.5, "augment": "ada",
                 "metric": "pixels", "snapshot_kimg": 2.0, "log_kimg": 0.2},
        "tiny3": {
            **_STYLEGAN3, **_SMALL, "channel_base": 2048, "channel_max": 64, "synthesis_layers": 8, "metric": "pixels",
            "snapshot_kimg": 2.0, "log_kimg": 0.2,
        },
    }
)  # fmt: skip
"""Published configurations (names of StyleGAN2-ADA, StyleGAN3, R3GAN and Projected GAN), and small ones for a try."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is there to compute with."""

    device: str
    """``cpu`` or ``cuda``."""
    devices: int
    """GPUs, or processes on a processor."""
    memory_bytes: int
    """Free, for each process."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting and why it is what it is."""

    name: str
    value: object
    why: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value}: {self.why}"


def this_machine(device: str, ranks: int = 1) -> Machine:
    """The machine that this process runs on."""
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(torch.device(device))
        return Machine("cuda", ranks, free)
    names = ("SC_AVPHYS_PAGES", "SC_PAGE_SIZE")
    known = hasattr(os, "sysconf") and all(name in os.sysconf_names for name in names)
    free = os.sysconf(names[0]) * os.sysconf(names[1]) if known else 0
    return Machine("cpu", ranks, free // ranks)


def preset_settings(
    name: str, *, size: tuple[int, int], pictures: int, machine: Machine, given: Mapping[str, object]
) -> tuple[dict[str, object], tuple[Choice, ...]]:
    """Settings of a preset, and why ``auto`` chose them.

    Args:
        name: A key of `PRESETS`, or ``auto``.
        size: Height and width of the pictures.
        pictures: How many there are to train on.
        machine: Where the run takes place.
        given: Settings that a person named; they stand.

    Raises:
        ConfigError: There is no such preset.
    """
    if name == "auto":
        choices = tuple(choice for choice in automatic(size, pictures, machine, given) if choice.name not in given)
        return {choice.name: choice.value for choice in choices}, choices
    if name not in PRESETS:
        raise ConfigError(f"there is no preset {name!r}: use auto, {', '.join(PRESETS)}")
    settings = {key: value for key, value in PRESETS[name].items() if key not in given}
    if name.startswith("stylegan3") or name == "tiny3":
        return settings, _stylegan3_gamma(size, {**settings, **given}, settings)
    return settings, ()


def _stylegan3_gamma(
    size: tuple[int, int], merged: Mapping[str, object], settings: dict[str, object]
) -> tuple[Choice, ...]:
    """Gamma grows with the pixels and falls with the batch: 2 at 256² and a batch of 32."""
    if "r1_gamma" in merged:
        return ()
    gamma = 2.0 * size[0] * size[1] / 256**2 * 32 / int(merged["batch"])  # type: ignore[call-overload]
    settings["r1_gamma"] = gamma
    why = "2 * (height * width / 256²) * (32 / batch), from the published 2 at 256²; try half and twice of it too"
    return (Choice("r1_gamma", gamma, why),)


def automatic(
    size: tuple[int, int], pictures: int, machine: Machine, given: Mapping[str, object]
) -> tuple[Choice, ...]:
    """Settings after size, number of pictures and machine, each with its reason.

    Source: StyleGAN2-ADA (Karras et al. 2020), appendix C and the published ``auto``; smaller on a processor.
    """
    longest, devices = max(size), machine.devices
    slow = machine.device == "cpu"
    batch = max(min(devices * min(4096 // longest, 32), 64), devices)
    why_batch = f"max(min({devices} * min(4096 / {longest}, 32), 64), {devices}), as published"
    if slow and batch > 16 * devices:
        batch, why_batch = 16 * devices, "16 a process: a processor gains nothing from more, and steps stay frequent"
    batch = int(given.get("batch", batch))  # type: ignore[call-overload]
    group = next(g for g in (4, 3, 2, 1) if batch % (g * devices) == 0)
    base = 16384 if longest < 512 else 32768
    channels = Choice("channel_base", base, f"{'half' if longest < 512 else 'all'} of the paper's width at {longest}")
    if slow:
        channels = Choice("channel_base", 4096, "an eighth of the paper's width, so that a processor keeps up")
    gamma = 0.0002 * size[0] * size[1] / batch
    rate = 0.002 if longest >= 1024 else 0.0025
    choices = [
        Choice("batch", batch, why_batch),
        Choice("mbstd_group", group, "as large as divides each process's pictures, 4 at most"),
        channels,
        *([Choice("channel_max", 128, "as the width, for a processor")] if slow else []),
        *(Choice(name, 256, "enough for narrow layers") for name in ("z_dim", "w_dim") if slow),
        Choice("mapping_layers", 2, "as published for auto: fast and stable"),
        Choice("g_lr", rate, f"{'0.002 from' if longest >= 1024 else '0.0025 below'} 1024 pixels"),
        Choice("d_lr", rate, "as g_lr"),
        Choice("r1_gamma", gamma, f"0.0002 * {size[0]} * {size[1]} / {batch}; try a fifth and five times of it too"),
        Choice("ema_kimg", batch * 10 / 32, f"{batch} * 10 / 32"),
        Choice("ema_rampup", 0.05, "a twentieth of what was shown, while that is less"),
        _augmentation(pictures),
    ]
    if slow:
        choices.append(Choice("pl_weight", 0.0, "path lengths cost a third of a step and matter for editing only"))
    if machine.device == "cuda":
        choices.append(Choice("precision", "bfloat16", "half the memory and time of the convolutions on a GPU"))
    return tuple(choices)


def _augmentation(pictures: int) -> Choice:
    if pictures >= 100_000:
        return Choice("augment", "none", f"{pictures:,} pictures are enough not to overfit")
    return Choice("augment", "ada", f"{pictures:,} pictures: ADA holds overfitting down, and stays out of the way else")
