import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.errors import CheckpointError
from explorer.generators.stylegan3 import Generator, GeneratorConfig, SynthesisLayer
from explorer.generators.stylegan3_plan import LayerPlan, plan_layers
from tests.tolerances import FILTER_DESIGN

PLANS = json.loads((Path(__file__).parents[1] / "golden/ops/layer_plans.json").read_text())
OF_FILTERS = {"up_filter", "down_filter_shape", "down_filter_head"}


def published_plan(name: str) -> tuple[LayerPlan, ...]:
    return plan_layers(resolution=int(name.split("_")[0]), **PLANS[name]["kwargs"])[1]


@pytest.mark.parametrize("name", PLANS)
def test_every_number_of_a_published_plan_is_met_exactly(name):
    first, layers = plan_layers(resolution=int(name.split("_")[0]), **PLANS[name]["kwargs"])
    golden = PLANS[name]["input"]
    assert golden == {
        "size": [first.size] * 2,
        "sampling_rate": first.sampling_rate,
        "bandwidth": first.bandwidth,
        "channels": first.channels,
    }
    assert len(layers) + 1 == PLANS[name]["num_ws"]
    for layer, expected in zip(layers, PLANS[name]["layers"], strict=True):
        ours = {key: getattr(layer, key) for key in expected if key not in OF_FILTERS}
        ours |= {key: [value] * 2 for key, value in ours.items() if key in ("in_size", "out_size")}
        ours["padding"] = [*ours["padding"]] * 2
        assert ours == {key: value for key, value in expected.items() if key not in OF_FILTERS}


@pytest.mark.parametrize("name", ["32_t", "32_r", "256_t", "256_r"])
def test_the_filters_of_a_published_plan_are_designed_alike(name):
    for plan, expected in zip(published_plan(name), PLANS[name]["layers"], strict=True):
        layer = SynthesisLayer(plan, w_dim=4)
        if expected["up_filter"] is None:
            assert layer.up_filter is None
            assert layer.down_filter is None
            continue
        np.testing.assert_allclose(layer.up_filter, expected["up_filter"], **FILTER_DESIGN.kwargs)
        assert list(layer.down_filter.shape) == expected["down_filter_shape"]
        head = layer.down_filter.flatten()[: len(expected["down_filter_head"])]
        np.testing.assert_allclose(head, expected["down_filter_head"], **FILTER_DESIGN.kwargs)


@pytest.mark.parametrize("resolution", [20, 48, 96, 200, 1000])
def test_a_resolution_that_is_no_power_of_two_makes_a_plan_that_ends_at_it(resolution):
    _, layers = plan_layers(resolution=resolution)
    assert layers[-1].out_size == layers[-2].out_size == resolution
    assert math.isclose(layers[-1].out_cutoff, resolution / 2)
    assert all(math.log2(layer.out_sampling_rate).is_integer() for layer in layers)


def test_a_denser_activation_needs_longer_filters_and_no_density_needs_none():
    lengths = [plan_layers(resolution=64, lrelu_upsampling=density)[1][0].up_taps for density in (1, 2, 4)]
    assert lengths == [1, 12, 24]


@pytest.mark.parametrize("variant", ["t", "r"])
def test_a_configuration_survives_json(variant):
    config = GeneratorConfig.standard(resolution=48, variant=variant, c_dim=3, conv_clamp=None)
    config = dataclasses.replace(config, stored_transform=((1.0, 0.0, 0.25), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    assert GeneratorConfig.from_json(json.loads(json.dumps(dataclasses.asdict(config)))) == config
    assert config.variant == variant


def test_the_published_widths_are_the_default():
    t, r = (GeneratorConfig.standard(resolution=1024, variant=variant) for variant in "tr")
    assert (t.input.channels, r.input.channels) == (512, 1024)
    assert [layer.name for layer in t.layers[8:12]] == ["L8_276_203", "L9_532_128", "L10_1044_81", "L11_1044_51"]
    assert {layer.conv_kernel for layer in t.layers[:-1]} == {3}
    assert {layer.conv_kernel for layer in r.layers} == {1}


def small_config() -> dict:
    return json.loads(json.dumps(dataclasses.asdict(GeneratorConfig.standard(resolution=32, channel_base=512))))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("w_dim",), "512"),
        (("w_dim",), 2**40),
        (("w_dim",), True),
        (("w_dim",), 512.5),
        (("resolution",), -32),
        (("resolution",), 64),
        (("z_dim",), 0),
        (("output_scale",), math.nan),
        (("surprise",), 1),
        (("layers",), "L0"),
        (("layers",), []),
        (("layers", 0), 7),
        (("input", "channels"), 17),
        (("input", "bandwidth"), 1e9),
        (("input", "sampling_rate"), 10**400),
        (("stored_transform",), [[1.0, 0.0], [0.0, 1.0]]),
        (("stored_transform",), [[1.0, 0.0, "0"], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (("layers", 3, "name"), "L3_36_32.weight"),
        (("layers", 3, "name"), "forward"),
        (("layers", 3, "in_channels"), 31),
        (("layers", 3, "out_size"), 2**31),
        (("layers", 3, "tmp_sampling_rate"), 33.0),
        (("layers", 3, "tmp_sampling_rate"), 2.0**40),
        (("layers", 3, "in_sampling_rate"), 0.0),
        (("layers", 3, "up_taps"), 0),
        (("layers", 3, "conv_kernel"), 2**20),
        (("layers", 3, "conv_clamp"), -1.0),
        (("layers", 3, "is_torgb"), True),
        (("layers", 3, "is_torgb"), 1),
        (("layers", 3, "magnitude_ema_beta"), 1.5),
    ],
)
def test_an_impossible_setting_is_refused(path, value):
    data = small_config()
    entry = data
    for key in path[:-1]:
        entry = entry[key]
    entry[path[-1]] = value
    with pytest.raises(CheckpointError):
        GeneratorConfig.from_json(data)


def test_a_missing_setting_is_refused_by_its_name():
    data = small_config()
    del data["layers"][2]["up_taps"]
    with pytest.raises(CheckpointError, match="up_taps"):
        GeneratorConfig.from_json(data)


@pytest.mark.parametrize(
    "options", [{"num_layers": 3, "num_critical": 3}, {"resolution": 1}, {"lrelu_upsampling": 0}, {"channel_base": 1}]
)
def test_numbers_that_make_no_network_are_refused(options):
    with pytest.raises(CheckpointError):
        GeneratorConfig.standard(**{"resolution": 32, **options})


def test_an_unknown_variant_is_refused():
    with pytest.raises(CheckpointError, match="variant"):
        GeneratorConfig.standard(resolution=32, variant="x")


def test_a_network_of_any_size_is_laid_out_without_memory():
    with torch.device("meta"):
        generator = Generator(GeneratorConfig.standard(resolution=1024, variant="r"))
    tensors = list(generator.state_dict().values())
    assert all(tensor.is_meta for tensor in tensors)
