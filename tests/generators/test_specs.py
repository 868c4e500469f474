"""What every family says about its layers, against what its network does."""

from functools import cache
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import open_checkpoint
from explorer.generators import mobile_stylegan
from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast
from tests.checkpoints.networks import fastgan_generator, r3gan_generator
from tests.models import GOLDEN

FILES = sorted([*GOLDEN.glob("nets/*.pkl"), *GOLDEN.glob("formats/*.pkl"), *GOLDEN.glob("formats/*.pt")])
MODELS = [*(str(path.relative_to(GOLDEN)) for path in FILES), "mobile_stylegan", "r3gan", "fastgan"]


@cache
def generator(name: str) -> Generator:
    if name == "mobile_stylegan":
        config = mobile_stylegan.GeneratorConfig(resolution=16, channels=(8, 6), w_dim=8, mapping_layers=2)
        return mobile_stylegan.Generator(config).eval().requires_grad_(False)
    if name == "r3gan":
        return r3gan_generator(c_dim=2, embed_dim=3).requires_grad_(False)
    if name == "fastgan":
        return fastgan_generator()
    return open_checkpoint(GOLDEN / Path(name)).generator


def styles(g: Generator) -> list[torch.Tensor]:
    z = torch.randn(1, g.spec.z_dim, generator=torch.Generator().manual_seed(0))
    c = torch.eye(g.spec.c_dim)[:1] if g.spec.c_dim else None
    return g.style(broadcast(g.map(z, c), g.spec.num_ws))


@pytest.mark.parametrize("name", MODELS)
def test_activations_have_the_channels_and_sizes_that_the_spec_says(name: str) -> None:
    g = generator(name)
    s = styles(g)
    for activation in g.spec.activations:
        assert tuple(g.synthesize(s, until=activation).shape[1:]) == g.spec.activation_shape(activation), activation


@pytest.mark.parametrize("name", MODELS)
def test_each_row_of_w_plus_styles_the_layers_that_the_spec_says_and_no_other(name: str) -> None:
    g = generator(name)
    z = torch.randn(2, g.spec.z_dim, generator=torch.Generator().manual_seed(0))
    c = torch.eye(g.spec.c_dim)[:1].repeat(2, 1) if g.spec.c_dim else None
    one, other = broadcast(g.map(z, c), g.spec.num_ws).split(1)
    before = g.style(one)
    for row in range(g.spec.num_ws):
        mixed = one.clone()
        mixed[:, row] = other[:, row]
        pairs = zip(g.spec.layers, before, g.style(mixed), strict=True)
        assert tuple(layer for layer, old, new in pairs if not torch.equal(old, new)) == g.spec.layers_of(row)


def test_every_family_has_a_model_here() -> None:
    families = {generator(name).spec.family for name in MODELS}

    assert families >= {
        "progan",
        "stylegan1",
        "stylegan2",
        "stylegan3",
        "stylegan_xl",
        "stylegan_t",
        "lightweight",
        "r3gan",
        "fastgan",
    }


def test_a_name_that_no_layer_has_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"no layer 'b16\.conv7': use one of b4\.conv1"):
        generator("nets/sg2_64_rgb.pkl").spec.activation_shape("b16.conv7")
