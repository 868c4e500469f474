"""Where the kernels' tests run: on the GPU where there is one, else on the processor."""

from dataclasses import dataclass

import pytest
import torch

import cuda.kernels
from explorer.ops import cuda_path
from tests.kernels.host import HostDevice


@dataclass(frozen=True)
class Place:
    """Where tensors lie."""

    device: torch.device
    host: HostDevice | None
    """None on a GPU."""


@pytest.fixture(scope="session")
def host_device(tmp_path_factory):
    return HostDevice(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def place(host_device, monkeypatch):
    if cuda.kernels.why_unavailable() is None:
        return Place(torch.device("cuda"), None)
    for module in (cuda.kernels, cuda_path):
        monkeypatch.setattr(module, "device_for", lambda x: host_device)
    return Place(torch.device("cpu"), host_device)
