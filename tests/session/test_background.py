"""What is made of the open model beside its picture."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.checkpoints import open_checkpoint
from explorer.errors import StateError
from explorer.rendering import Renderer
from explorer.session import Session
from explorer.state import BlobRef, EditState, Noise, SeedPad, Stored
from tests.session.helpers import WAIT_S, settled, texts


def test_directions_found_in_steps_are_those_found_at_once(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["classes"])
    stepped = session._model.renderer.directions
    at_once = Renderer(open_checkpoint(files["classes"])).directions

    assert stepped.components.equal(at_once.components)
    assert stepped.deviations.equal(at_once.deviations)


def test_centres_are_found_in_the_background_once(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    job = session.find_centres()

    assert job is not None
    assert session.wait(WAIT_S)
    assert job.done
    assert session.find_centres() is None


def test_equivariance_is_measured_in_the_background(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["stylegan3"])
    job = session.measure_equivariance(samples=2)
    assert job is not None
    assert session.wait(WAIT_S)
    session.messages()

    assert session.equivariance is not None
    assert session.equivariance.share == 1
    session.open(files["plain"])
    assert session.wait(WAIT_S)
    assert session.equivariance is None
    assert session.measure_equivariance() is None


def test_thumbnails_come_in_the_background_and_leave_the_picture_alone(
    start: Callable[..., Session], files: dict[str, Path]
) -> None:
    session = start(files["plain"])
    shown = settled(session)
    states = [replace(session.state, latent=SeedPad(seed, 0)) for seed in range(4)]
    other = replace(states[0], checkpoint=replace(states[0].checkpoint, sha256="0" * 64))
    missing = replace(states[0], latent=Stored("w", BlobRef("1" * 64)))
    small = session.thumbnails([*states, other, missing], side_px=8)
    whole = session.thumbnails(states, side_px=32)
    assert session.wait(WAIT_S)

    assert [None if picture is None else picture.shape for picture in small.pictures] == [(8, 8, 3)] * 4 + [None] * 2
    assert small.job.error is None
    assert texts(session) == []
    for state, picture in zip(states, whole.pictures, strict=True):
        assert np.array_equal(picture, explorer.render(state, open_checkpoint(files["plain"])).pixels)
    session.preview(replace(session.state, noise=Noise("none")))
    session.preview(replace(session.state, noise=Noise("const")))
    assert np.array_equal(settled(session).pixels, shown.pixels)


def test_cancelled_thumbnails_stop(start: Callable[..., Session], files: dict[str, Path]) -> None:
    session = start(files["plain"])
    made = session.thumbnails([session.state] * 500, side_px=16)
    made.job.cancel()
    assert session.wait(WAIT_S)

    assert made.job.done
    assert made.pictures[-1] is None


def test_without_a_model_there_are_no_thumbnails(start: Callable[..., Session]) -> None:
    with pytest.raises(StateError, match="open one first"):
        start().thumbnails([EditState()])
