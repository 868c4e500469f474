"""Laws of sheets and of kept mixtures, over every kind of network."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import explorer
from explorer.checkpoints import open_checkpoint
from explorer.project import BlobStore
from explorer.rendering import Renderer
from explorer.rendering.sheet import sheet_of
from explorer.state import (
    CENTRES,
    NEAREST,
    ClassMix,
    EditState,
    Mix,
    Noise,
    Output,
    SeedPad,
    SheetPlan,
    Slider,
    Spectrum,
    Stored,
    Transform,
    Truncation,
)
from tests.models import GOLDEN, golden

NETS = ("sg2_64_rgb", "sg2_32_resnet", "sg2_32_cond3", "sg3t_64", "sgxl_t_32", "sgt_32")
FORMATS = ("sg1_32_lod1.5.pkl", "progan_32_unfused_lod1.25.pkl", "lucidrains_32.pt", "tf2_32_revised.pkl")


def finished(steps):
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as made:
            return shares, made.value


@pytest.mark.parametrize("name", [*(f"nets/{net}.pkl" for net in NETS), *(f"formats/{file}" for file in FORMATS)])
@pytest.mark.parametrize(
    "output",
    [Output(), Output(noise_only=True, scale_db=12), Output("output", spectrum=Spectrum(), untransform=True), "layer"],
)
def test_a_picture_made_in_steps_is_the_frame(name: str, output: Output | str) -> None:
    checkpoint = open_checkpoint(GOLDEN / name)
    shown = Output(checkpoint.spec.activations[2], normalize=True) if isinstance(output, str) else output
    state = EditState(
        latent=SeedPad(1.5, 0.25),
        truncation=Truncation(0.6, 3),
        noise=Noise("random", 4),
        transform=Transform(0.1, 0, 20),
        output=shown,
    )
    shares, pixels = finished(Renderer(checkpoint).picture_in_steps(state))

    assert np.array_equal(pixels, explorer.render(state, checkpoint).pixels)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_a_picture_in_steps_leaves_no_mode_behind_and_nothing_kept() -> None:
    renderer = Renderer(golden("sg2_64_rgb"))
    making = renderer.picture_in_steps(EditState())
    for _ in range(3):
        next(making)
        assert not torch.is_inference_mode_enabled()
    making.close()

    assert renderer.frame(EditState()).timings.layers_run == len(renderer.generator.spec.layers)


def test_a_sheet_has_the_pure_seeds_on_its_edges_and_nothing_in_the_corner() -> None:
    base = EditState(truncation=Truncation(0.5), mixing=(Mix(SeedPad(9, 9), (0,)),))
    states = SheetPlan((7, 107), (1, 2, 3), (0, 4)).states(base)

    assert len(states) == 12
    assert states[0] is None
    assert states[2] == replace(base, latent=SeedPad(2, 0), mixing=())
    assert states[8] == replace(base, latent=SeedPad(7, 1), mixing=())
    assert states[10] == replace(base, latent=SeedPad(7, 1), mixing=(Mix(SeedPad(2, 0), (0, 4)),))


def test_a_sheet_puts_pictures_that_are_not_square_where_they_belong() -> None:
    pictures = [None, *(np.full((2, 5, 3), value, np.uint8) for value in (1, 2, 3)), None, None]
    sheet = sheet_of(pictures, 3)

    assert sheet.shape == (4, 15, 3)
    assert [int(sheet[y, x, 0]) for y in (0, 3) for x in (0, 5, 14)] == [0, 1, 2, 3, 0, 0]
    with pytest.raises(ValueError, match="give whole lines"):
        sheet_of(pictures[:4], 3)


def kept(state: EditState, renderer: Renderer, blobs: BlobStore) -> EditState:
    array, truncated = renderer.mixed_styles(state)
    truncation = Truncation() if truncated else state.truncation
    return replace(state, latent=Stored("w_plus", blobs.put(array)), mixing=(), truncation=truncation)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("truncation", [Truncation(0.6, 5), Truncation(0.7, None, 3), Truncation(0.5, None, NEAREST)])
@pytest.mark.parametrize("condition", [None, ClassMix(((0, 1.0),))])
def test_keeping_a_mix_leaves_every_bit_of_the_picture(
    name: str, truncation: Truncation, condition: ClassMix | None
) -> None:
    checkpoint, blobs = golden(name), BlobStore()
    renderer = Renderer(checkpoint, blobs=blobs)
    state = EditState(
        latent=SeedPad(1.5, 0.25),
        mixing=(Mix(SeedPad(4, 0), (1, 3)), Mix(SeedPad(5.5, 1), (2, 3), 0.4)),
        sliders=(Slider("axis", 1, 1.5),),
        truncation=truncation,
    )
    if condition is not None and checkpoint.spec.c_dim and not checkpoint.spec.text:
        state = replace(state, condition=condition)
    assert truncation.centre is None or truncation.centre < CENTRES
    after = kept(state, renderer, blobs)

    assert after.mixing == ()
    assert np.array_equal(renderer.frame(state).pixels, renderer.frame(after).pixels)
    assert torch.equal(renderer.w_plus(state), renderer.w_plus(after))


def test_truncation_stays_movable_after_a_keep_where_there_is_one_centre() -> None:
    blobs = BlobStore()
    renderer = Renderer(golden("sg2_64_rgb"), blobs=blobs)
    state = EditState(mixing=(Mix(SeedPad(4, 0), (1, 3)),), truncation=Truncation(0.6))
    after = kept(state, renderer, blobs)

    for psi in (-0.5, 0.0, 1.0):
        moved = [replace(s, truncation=Truncation(psi)) for s in (state, after)]
        assert torch.equal(*(renderer.w_plus(s) for s in moved))
