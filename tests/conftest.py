"""What holds for every test."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, not about what is tested.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _kernels_as_before() -> Iterator[None]:
    """A command that was run inside this process must not decide which kernels serve the next test."""
    ops = sys.modules.get("explorer.ops")
    before = ops.kernel_status().policy if ops else "torch"
    yield
    if ops := sys.modules.get("explorer.ops"):
        ops.use(before)
