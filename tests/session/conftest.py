from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from explorer.session import Session
from tests.models import write_stylegan2, write_stylegan3
from tests.session.helpers import WAIT_S


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "plain": write_stylegan2(folder / "plain.safetensors"),
        "classes": write_stylegan2(folder / "classes.safetensors", seed=1, c_dim=3, resolution=16, w_dim=16),
        "stylegan3": write_stylegan3(folder / "third.safetensors"),
    }


@pytest.fixture
def start() -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def begin(source: Path | None = None) -> Session:
        sessions.append(Session(threads=1, compile_kernels=False))
        if source is not None:
            sessions[-1].open(source)
            assert sessions[-1].wait(WAIT_S)
        return sessions[-1]

    yield begin
    for session in sessions:
        session.close()
