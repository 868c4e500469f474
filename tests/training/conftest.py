"""A tiny run that every test of the trainer can afford."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import TrainingConfig
from training.data import TrainingSet, open_training_set

SAMPLE = Path(__file__).parents[2] / "assets" / "datasets" / "toons-sample.zip"


@pytest.fixture(scope="session")
def toons() -> TrainingSet:
    """The bundled sample at 16 x 16: small enough to train on in a test."""
    whole = open_training_set(SAMPLE)
    small = torch.nn.functional.avg_pool2d(whole.images.float(), 4).round().to(torch.uint8)
    return TrainingSet(whole.name, small, None, whole.attributes, whole.licence)


@pytest.fixture(scope="session")
def dots() -> TrainingSet:
    """The same at 8 x 8, in three classes: for tests of many steps."""
    whole = open_training_set(SAMPLE)
    small = torch.nn.functional.avg_pool2d(whole.images.float(), 8).round().to(torch.uint8)
    labels = torch.nn.functional.one_hot(torch.arange(len(small)) % 3).float()
    return TrainingSet(whole.name, small, labels, (), whole.licence, ("a", "b", "c"))


@pytest.fixture
def tiny() -> TrainingConfig:
    """Narrow networks, every phase often, and a run of three steps."""
    return TrainingConfig(
        z_dim=8,
        w_dim=8,
        mapping_layers=2,
        channel_base=128,
        channel_max=8,
        batch=4,
        kimg=0.024,
        r1_interval=2,
        pl_interval=2,
        holdout=20,
        snapshot_kimg=0.008,
        log_kimg=0.004,
        xflip=True,
        instance_noise=0.05,
        metric_pictures=20,
        metric="pixels",
    )


@pytest.fixture
def numbers() -> np.random.Generator:
    """Seeded random numbers."""
    return np.random.default_rng(0)
