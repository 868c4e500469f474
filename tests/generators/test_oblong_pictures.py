"""Pictures that are not square: built, saved, opened, judged and edited as any others."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from explorer.checkpoints import CheckpointParts, open_checkpoint, save_checkpoint
from explorer.errors import CheckpointError
from explorer.generators import stylegan2, stylegan3
from explorer.generators.styles import broadcast
from explorer.rendering import Renderer, render
from explorer.rendering.equivariance import equivariance_steps
from explorer.state import EditState, Truncation


def upright2() -> nn.Module:
    config = stylegan2.GeneratorConfig.standard(
        resolution=32, channel_base=256, channel_max=16, z_dim=8, w_dim=8, mapping_layers=2, base_size=(4, 3)
    )
    return stylegan2.Generator(config)


def wide3() -> nn.Module:
    config = stylegan3.GeneratorConfig.standard(
        resolution=16, channel_base=128, channel_max=16, z_dim=8, w_dim=8, num_layers=4, margin_size=4, crop=(12, 16)
    )
    return stylegan3.Generator(config)


@pytest.mark.parametrize(("build", "size"), [(upright2, (32, 24)), (wide3, (12, 16))])
def test_a_picture_keeps_its_height_and_width_through_a_file(tmp_path: Path, build, size: tuple[int, int]) -> None:
    # An opened generator is frozen, and frozen weights go through other kernels, which round otherwise.
    generator = build().requires_grad_(False)
    save_checkpoint(CheckpointParts(generator), tmp_path / "model.safetensors")
    opened = open_checkpoint(tmp_path / "model.safetensors")
    w_plus = broadcast(opened.generator.map(torch.randn(2, 8)), opened.spec.num_ws)
    image = opened.generator.synthesize(opened.generator.style(w_plus))

    assert opened.spec.resolution == size
    assert image.shape == (2, 3, *size)
    assert torch.equal(image, generator.synthesize(generator.style(w_plus)))


@pytest.mark.parametrize("build", [upright2, wide3])
def test_every_layer_is_as_large_as_the_spec_says(build) -> None:
    generator = build()
    s = generator.style(broadcast(generator.map(torch.randn(1, 8)), generator.spec.num_ws))
    for layer in generator.spec.layers:
        assert generator.synthesize(s, until=layer.name).shape[2:] == layer.size


def test_a_cropped_picture_is_the_middle_of_the_square() -> None:
    cropped = wide3()
    square = stylegan3.Generator(replace(cropped.config, crop=None))
    square.load_state_dict(cropped.state_dict())
    s = cropped.style(broadcast(cropped.map(torch.randn(1, 8)), cropped.spec.num_ws))
    assert torch.equal(cropped.synthesize(s), square.synthesize(s)[:, :, 2:14])


def test_the_discriminator_takes_the_generators_size_and_no_other() -> None:
    config = stylegan2.DiscriminatorConfig.standard(resolution=32, channel_base=256, channel_max=16, base_size=(4, 3))
    judge = stylegan2.Discriminator(config)
    assert judge(torch.randn(2, 3, 32, 24)).shape == (2, 1)
    with pytest.raises(Exception, match="takes"):
        judge(torch.randn(2, 3, 32, 32))


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(CheckpointError, match="height of base_size"):
        stylegan2.GeneratorConfig.standard(resolution=32, base_size=(0, 4))
    with pytest.raises(CheckpointError, match="a height and a width"):
        stylegan2.GeneratorConfig.standard(resolution=32, base_size=(4,))
    with pytest.raises(CheckpointError, match="longer side of crop"):
        stylegan3.GeneratorConfig.standard(resolution=16, crop=(8, 8))


@pytest.mark.parametrize(("build", "size"), [(upright2, (32, 24)), (wide3, (12, 16))])
def test_edits_and_thumbnails_follow(build, size: tuple[int, int], tmp_path: Path) -> None:
    save_checkpoint(CheckpointParts(build()), tmp_path / "model.safetensors")
    opened = open_checkpoint(tmp_path / "model.safetensors")
    renderer = Renderer(opened)
    frame = render(replace(EditState(), truncation=Truncation(psi=0.5)), opened)
    assert frame.pixels.shape[:2] == size
    thumbnail = renderer.thumbnail(EditState(), side_px=8)
    assert max(thumbnail.shape[:2]) == 8


def test_a_moved_crop_follows_its_pixels_as_the_square_does() -> None:
    torch.manual_seed(0)
    cropped = wide3()
    square = stylegan3.Generator(replace(cropped.config, crop=None))
    square.load_state_dict(cropped.state_dict())
    values = [list(equivariance_steps(g, samples=4))[-1].translation.psnr_db for g in (cropped, square)]
    assert abs(values[0] - values[1]) < 3
