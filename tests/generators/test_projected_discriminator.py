import dataclasses

import pytest
import torch
import torch.nn.functional as F

import explorer
from explorer.checkpoints import CheckpointParts, save_checkpoint
from explorer.errors import CheckpointError, StateError
from explorer.features import bundled_features
from explorer.generators.projected_discriminator import ProjectedConfig, ProjectedDiscriminator
from explorer.generators.projected_layers import SpectralConv
from tests.checkpoints.networks import stylegan2_generator
from tests.tolerances import NETS


def discriminator(*, seed: int = 0, **options: object) -> ProjectedDiscriminator:
    torch.manual_seed(seed)
    config = ProjectedConfig(**{"picture_size": (16, 16), "seen_side": 128, "width": 8, **options})
    return ProjectedDiscriminator(config).see_with(bundled_features()).eval()


@pytest.fixture(scope="module")
def d() -> ProjectedDiscriminator:
    return discriminator()


def pictures(count: int = 2, channels: int = 3, size: tuple[int, int] = (16, 16)) -> torch.Tensor:
    return torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(3)) * 2 - 1


def test_every_head_judges_parts_of_its_scale(d):
    image = pictures()
    scales = d.project(image)
    # Strides 4 to 32 of what is seen, each doubled.
    assert [tuple(x.shape[1:]) for x in scales] == [(8, 64, 64), (8, 32, 32), (16, 16, 16), (32, 8, 8)]
    assert d(image).shape == (2, 4)
    assert discriminator(seen_side=224)(image[:1]).shape == (1, 64)


def test_only_the_heads_can_learn(d):
    names = [name for name, _ in d.named_parameters()]
    assert names
    assert all(name.startswith("heads.") for name in names)
    learning = discriminator().requires_grad_(True).train()
    frozen = {name: value.clone() for name, value in learning.state_dict().items() if not name.startswith("heads.")}
    adam = torch.optim.Adam(learning.parameters(), lr=0.1)
    learning(pictures()).sum().backward()
    assert all(parameter.grad is not None for parameter in learning.parameters())
    adam.step()
    after = learning.state_dict()
    assert all(torch.equal(after[name], value) for name, value in frozen.items())


def test_the_picture_gets_a_gradient_through_what_is_frozen(d):
    image = pictures().requires_grad_()
    d(image).sum().backward()
    assert image.grad.abs().sum() > 0


def test_training_leaves_the_frozen_part_as_it_is():
    d = discriminator().train()
    assert d.heads.training
    assert not d.features.training
    assert not d.eval().heads.training


def test_the_same_seed_mixes_alike_and_another_one_differently(d):
    image = pictures()
    assert torch.equal(discriminator()(image), d(image))
    other = discriminator(seed=1)
    assert not torch.allclose(other.project(image)[0], d.project(image)[0])


def test_what_is_seen_of_a_picture_does_not_depend_on_the_others(d):
    image = pictures(3)
    torch.testing.assert_close(d(image)[:1], d(image[:1]), **NETS.kwargs)


def test_scales_are_mixed_from_the_coarsest_to_the_finest(d):
    image = pictures()
    features = d.features(d._enlarged(image))[1:]

    def mix(layer, x):
        return F.conv2d(x, layer.weight, layer.bias)

    def double(x):
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)

    seen = [mix(layer, x) for layer, x in zip(d.channels.children(), features, strict=True)]
    layers = list(d.scales.children())
    coarse = mix(layers[3], double(seen[3]))
    middle = mix(layers[2], double(seen[2] + coarse))
    for ours, expected in zip(d.project(image)[2:], (middle, coarse), strict=True):
        torch.testing.assert_close(ours, expected, **NETS.kwargs)


@pytest.mark.parametrize("size", [(24, 32), (40, 12), (130, 170), (129, 129)])
def test_any_size_is_judged(size):
    scores = discriminator(picture_size=size)(pictures(size=size))
    assert scores.shape[0] == 2
    assert torch.isfinite(scores).all()


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_pictures_are_judged(channels):
    scores = discriminator(img_channels=channels)(pictures(channels=channels))
    assert torch.isfinite(scores).all()


def test_a_label_decides_and_a_soft_one_lies_between():
    d = discriminator(c_dim=3, embed_features=4, cmap_dim=6)
    image, eye = pictures(1), torch.eye(3)
    scores = [d(image, eye[i : i + 1]) for i in range(3)]
    assert not torch.allclose(scores[0], scores[1])
    assert torch.isfinite(d(image, torch.full((1, 3), 1 / 3))).all()
    with pytest.raises(StateError, match="labels"):
        d(image)


def test_another_size_is_refused(d):
    with pytest.raises(StateError, match="picture has shape"):
        d(pictures(size=(16, 8)))


@pytest.mark.parametrize("separable", [False, True])
def test_it_is_saved_and_opened_again_bit_for_bit(tmp_path, separable):
    d = discriminator(c_dim=2, separable=separable)
    image, c = pictures(), torch.eye(2)
    d.train()(image, c)
    d.eval()
    save_checkpoint(CheckpointParts(stylegan2_generator(), d), tmp_path / "model.safetensors")
    again = explorer.open_checkpoint(tmp_path / "model.safetensors").discriminator
    assert isinstance(again, ProjectedDiscriminator)
    assert again.config == d.config
    assert torch.equal(again(image, c), d(image, c))


def test_power_iteration_finds_the_largest_singular_value_in_training_only():
    torch.manual_seed(0)
    conv = SpectralConv(5, 7, kernel_size=3)
    x = torch.randn(1, 5, 8, 8)
    conv.eval()
    before = conv.left.clone()
    conv(x)
    assert torch.equal(conv.left, before)
    conv.train()
    for _ in range(200):
        conv(x)
    largest = torch.linalg.matrix_norm(conv.weight.flatten(1), ord=2)
    torch.testing.assert_close(conv._norm(), largest, **NETS.kwargs)
    torch.testing.assert_close(conv(x), F.conv2d(x, conv.weight / largest), **NETS.kwargs)


@pytest.mark.parametrize(
    "options",
    [
        {"picture_size": (16,)},
        {"picture_size": (0, 16)},
        {"heads": 5},
        {"width": 0},
        {"img_channels": 2},
        {"seen_side": 64},
        {"cmap_dim": 0},
    ],
)
def test_impossible_options_are_refused(options):
    with pytest.raises(CheckpointError):
        ProjectedConfig(**{"picture_size": (16, 16), **options})


def test_options_survive_json():
    config = ProjectedConfig(picture_size=(16, 12), c_dim=2, separable=True)
    assert ProjectedConfig.from_json(dataclasses.asdict(config)) == config
