"""Losses and their gradients against values computed with the published implementation."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from explorer.checkpoints import open_checkpoint
from tests.tolerances import LOSS
from training.loss import PhaseLoss, blur_sigma, d_main, d_r1, g_main, g_path_length, generate

GOLDEN = Path(__file__).parents[1] / "golden"
NETS = ("sg2_32_cond3", "sg3t_32_cond4")
PL_MEAN = 0.37


@dataclass(frozen=True)
class Case:
    """A network in its snapshot's ``G`` or ``G_ema`` state, and the inputs of the losses."""

    arrays: dict[str, np.ndarray]
    options: dict[str, float]

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self.arrays[name])

    @property
    def gain(self) -> float:
        return float(self.arrays["gain"])

    @property
    def sigma(self) -> float:
        start, fade = self.options.get("blur_init_sigma", 0), self.options.get("blur_fade_kimg", 0)
        return blur_sigma(int(self.arrays["cur_nimg"]), start=start, fade_kimg=fade)


@cache
def case(name: str) -> Case:
    with np.load(GOLDEN / "loss" / f"{name}.npz") as file:
        arrays = dict(file)
    return Case(arrays, json.loads(str(arrays["opts_json"])))


def networks(name: str) -> tuple[nn.Module, nn.Module]:
    checkpoint = open_checkpoint(GOLDEN / "nets" / f"{name}.pkl")
    assert checkpoint.discriminator is not None
    return checkpoint.generator.requires_grad_(True), checkpoint.discriminator.requires_grad_(True)


def generator_main(g: nn.Module, d: nn.Module, given: Case) -> list[PhaseLoss]:
    fake, _ = generate(g, given.tensor("z"), given.tensor("c"))
    return [g_main(d, fake, given.tensor("c"), sigma=given.sigma, gain=given.gain)]


def generator_path_length(g: nn.Module, d: nn.Module, given: Case) -> list[PhaseLoss]:
    fake, w_plus = generate(g, given.tensor("z")[:2], given.tensor("c")[:2])
    phase, mean = g_path_length(
        fake,
        w_plus,
        torch.tensor(PL_MEAN),
        noise_image=given.tensor("pl_noise"),
        weight=given.options["pl_weight"],
        gain=given.gain,
    )
    np.testing.assert_allclose(mean, given.arrays["Gpl/pl_mean_after"], **LOSS.kwargs)
    return [phase]


def discriminator_main(g: nn.Module, d: nn.Module, given: Case) -> list[PhaseLoss]:
    with torch.no_grad():
        fake, _ = generate(g, given.tensor("z"), given.tensor("c"), update_emas=True)
    np.testing.assert_allclose(g.w_avg()[0], given.arrays["Dmain/w_avg_after"], **LOSS.kwargs)
    real, real_c = given.tensor("real_img"), given.tensor("real_c")
    return [d_main(d, fake, given.tensor("c"), real, real_c, sigma=given.sigma, gain=given.gain)]


def discriminator_r1(g: nn.Module, d: nn.Module, given: Case) -> list[PhaseLoss]:
    real, real_c = given.tensor("real_img"), given.tensor("real_c")
    return [d_r1(d, real, real_c, gamma=given.options["r1_gamma"], sigma=given.sigma, gain=given.gain)]


def generator_both(g: nn.Module, d: nn.Module, given: Case) -> list[PhaseLoss]:
    regularised = "pl_weight" in given.options
    return generator_main(g, d, given) + (generator_path_length(g, d, given) if regularised else [])


def discriminator_both(g: nn.Module, d: nn.Module, given: Case) -> list[PhaseLoss]:
    return discriminator_main(g, d, given) + discriminator_r1(g, d, given)


PHASES: dict[str, Callable[[nn.Module, nn.Module, Case], list[PhaseLoss]]] = {
    "Gmain": generator_main,
    "Gpl": generator_path_length,
    "Gboth": generator_both,
    "Dmain": discriminator_main,
    "Dr1": discriminator_r1,
    "Dboth": discriminator_both,
}
CASES = [(net, phase) for net in NETS for phase in PHASES if (net, phase) != ("sg3t_32_cond4", "Gpl")]
REPORTS = {
    "scores_fake": "Loss/scores/fake",
    "scores_real": "Loss/scores/real",
    "g_loss": "Loss/G/loss",
    "pl_penalty": "Loss/pl_penalty",
    "g_reg": "Loss/G/reg",
    "d_loss": "Loss/D/loss",
    "r1_penalty": "Loss/r1_penalty",
    "d_reg": "Loss/D/reg",
}


@pytest.mark.parametrize(("net", "phase"), CASES)
def test_reported_values_equal_the_published_ones(net: str, phase: str) -> None:
    given = case(net)
    for part in PHASES[phase](*networks(net), given):
        for name, value in part.report.items():
            np.testing.assert_allclose(value, given.arrays[f"{phase}/report/{REPORTS[name]}"], **LOSS.kwargs)


@pytest.mark.parametrize(("net", "phase"), CASES)
def test_gradients_equal_the_published_ones(net: str, phase: str) -> None:
    given = case(net)
    g, d = networks(net)
    for part in PHASES[phase](g, d, given):
        part.loss.backward()
    parameters = dict((g if phase.startswith("G") else d).named_parameters())
    names = [str(name) for name in given.arrays[f"{phase}/grad_names"]]
    gradients = {name: _gradient(parameters[name]) for name in names}

    norms = np.array([gradients[name].norm().item() for name in names])
    # -1 stands for a parameter that the loss does not depend on.
    published = given.arrays[f"{phase}/grad_norms"].clip(min=0)
    np.testing.assert_allclose(norms, published, rtol=LOSS.rtol, atol=LOSS.rtol * published.max() * 1e-2)
    dots = np.array([_dot(gradients[name]) for name in names])
    # A dot product may cancel: its error is a share of the norms that went into it.
    lengths = np.array([torch.linspace(-1, 1, gradients[name].numel()).norm().item() for name in names])
    error = np.where(published > 0, np.abs(dots - given.arrays[f"{phase}/grad_dot"]), np.abs(dots))
    assert (error <= LOSS.rtol * (published * lengths + published.max() * 1e-2)).all()
    for name in names:
        key = f"{phase}/grad/{name}"
        if key in given.arrays:
            bound = LOSS.rtol * np.abs(given.arrays[key]).max() + LOSS.atol
            np.testing.assert_allclose(gradients[name], given.arrays[key], rtol=LOSS.rtol, atol=bound)


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _dot(gradient: Tensor) -> float:
    flat = gradient.flatten().double()
    return float(flat @ torch.linspace(-1, 1, flat.numel(), dtype=torch.float64))
