import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from explorer.features import as_rgb, bundled_features, feature_distance, unit_features
from explorer.features.bundled import DEFAULT_FEATURES
from explorer.generators.efficientnet import EfficientNetLite0
from tests.tolerances import FEATURE_SCORES, NETS_BATCHED, OPS

ROOT = Path(__file__).parents[2]


def a_picture(height: int = 32, width: int = 32, *, seed: int = 0, channels: int = 3) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def toons(count: int) -> Tensor:
    with ZipFile(ROOT / "assets" / "datasets" / "toons-sample.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))[:count]
        pictures = [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_scores_are_those_of_the_published_network_but_for_half_precision() -> None:
    low = torch.from_numpy(np.random.RandomState(0).rand(2, 3, 7, 7))
    images = torch.nn.functional.interpolate(low, size=(224, 224), mode="bilinear").float()
    published = torch.from_numpy(np.load(Path(__file__).parent / "efficientnet.npz")["logits"])

    network = bundled_features()
    assert isinstance(network, EfficientNetLite0)
    torch.testing.assert_close(network.logits(images * 2 - 1), published, **FEATURE_SCORES.kwargs)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 64), (64, 48)])
def test_features_of_any_size_of_picture_have_the_promised_shapes(size: tuple[int, int]) -> None:
    network = bundled_features()
    features = network(a_picture(*size))

    expected = [tuple(-(-side // stride) for side in size) for stride in network.strides]
    assert [tuple(part.shape[2:]) for part in features] == expected
    assert tuple(part.shape[1] for part in features) == network.channels
    assert network.embed(a_picture(*size)).shape == (1, 1280)


def test_the_same_picture_gives_the_same_bits() -> None:
    first, second = (bundled_features()(a_picture()) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_first_scales_alone_are_those_of_all() -> None:
    network = bundled_features()
    some, every = network(a_picture(), scales=2), network(a_picture())
    assert len(some) == 2
    assert all(torch.equal(a, b) for a, b in zip(some, every, strict=False))


def test_a_batch_gives_what_its_pictures_give_alone() -> None:
    network = bundled_features()
    together = network(torch.cat([a_picture(), a_picture(seed=1)]))
    for part, alone in zip(together, network(a_picture(seed=1)), strict=True):
        torch.testing.assert_close(part[1:], alone, **NETS_BATCHED.kwargs)


def test_gradients_reach_the_picture_and_not_the_network() -> None:
    network = bundled_features()
    picture = a_picture().requires_grad_()
    sum(part.sum() for part in network(picture)).backward()

    assert picture.grad is not None
    assert bool((picture.grad != 0).any())
    assert isinstance(network, EfficientNetLite0)
    assert all(number.grad is None for number in network.parameters())


def test_a_grey_picture_is_its_three_equal_channels() -> None:
    grey = a_picture(channels=1)
    assert torch.equal(as_rgb(grey), grey.repeat(1, 3, 1, 1))


def test_what_is_transparent_does_not_matter() -> None:
    clear = torch.cat([a_picture(), torch.full((1, 1, 32, 32), -1.0)], dim=1)
    other = torch.cat([a_picture(seed=1), torch.full((1, 1, 32, 32), -1.0)], dim=1)
    assert torch.equal(as_rgb(clear), as_rgb(other))
    opaque = torch.cat([a_picture(), torch.ones(1, 1, 32, 32)], dim=1)
    assert torch.equal(as_rgb(opaque), a_picture())


def test_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="2 channels"):
        as_rgb(a_picture(channels=2))


def test_every_position_of_unit_features_has_the_length_one() -> None:
    for part in unit_features(bundled_features()(a_picture())):
        length = part.norm(dim=1)
        torch.testing.assert_close(length, torch.ones_like(length), **OPS.kwargs)


def test_worse_pictures_lie_farther_away() -> None:
    picture, other = toons(2).split(1)
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))
    network = bundled_features()
    target = unit_features(network(picture))
    equal, near, far, farthest = (
        float(feature_distance(unit_features(network(x)), target))
        for x in (picture, picture + noise * 0.002, picture + noise * 0.02, other)
    )
    assert equal == 0 < near < far < farthest


def test_distance_is_the_same_both_ways() -> None:
    a, b = (unit_features(bundled_features()(a_picture(seed=seed))) for seed in (0, 1))
    assert torch.equal(feature_distance(a, b), feature_distance(b, a))


def test_a_mask_of_ones_changes_nothing_and_one_of_zeros_leaves_nothing() -> None:
    a, b = (unit_features(bundled_features()(a_picture(seed=seed))) for seed in (0, 1))
    ones = torch.ones(1, 1, 32, 32)
    torch.testing.assert_close(feature_distance(a, b, mask=ones), feature_distance(a, b), **OPS.kwargs)
    assert float(feature_distance(a, b, mask=ones * 0)) == 0


def test_heads_weigh_channels() -> None:
    a, b = (unit_features(bundled_features()(a_picture(seed=seed))) for seed in (0, 1))
    twice = [torch.full((part.shape[1],), 2.0) for part in a]
    torch.testing.assert_close(feature_distance(a, b, heads=twice), 2 * feature_distance(a, b), **OPS.kwargs)


def test_the_bundled_network_is_loaded_once() -> None:
    assert bundled_features() is bundled_features(DEFAULT_FEATURES)
