import copy
import math

import numpy as np
import pytest
import torch

from explorer.checkpoints.published_stylegan3 import is_generator, read_generator
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.stylegan3 import Generator, GeneratorConfig
from tests.checkpoints.published_writer import record_of

VARIETY = {
    "t": {},
    "r": {"variant": "r"},
    "no power of two, RGBA": {"resolution": 20, "img_channels": 4},
    "classes, grey": {"c_dim": 3, "img_channels": 1, "mapping_layers": 1},
    "four times denser, longer filters": {"lrelu_upsampling": 4, "filter_size": 8, "num_critical": 1},
    "three times denser, odd filters": {"lrelu_upsampling": 3, "filter_size": 3},
    "no denser, no margin": {"lrelu_upsampling": 1, "margin_size": 0, "output_scale": 1.0},
    "radial with a wide kernel": {"use_radial_filters": True, "conv_kernel": 5, "conv_clamp": None},
    "many layers, other bands": {"num_layers": 9, "first_cutoff": 1.5, "first_stopband": 5.0, "last_stopband_rel": 1.6},
}


def generator_of(**options) -> Generator:
    torch.manual_seed(3)
    shape = {"resolution": 16, "num_layers": 4, "channel_base": 128, "channel_max": 8, "z_dim": 6, "w_dim": 7}
    return Generator(GeneratorConfig.standard(**{**shape, **options})).requires_grad_(False)


def part(record: ModuleRecord, *names: str) -> ModuleRecord:
    for name in names:
        record = record.children[name]
    return record


@pytest.fixture
def record() -> ModuleRecord:
    # The tensors are views of a generator's own, and a test may write to them.
    return copy.deepcopy(record_of(generator_of()))


@pytest.mark.parametrize("name", VARIETY)
def test_reading_what_was_written_gives_the_same_picture(name):
    generator = generator_of(**VARIETY[name])
    record = record_of(generator)
    assert is_generator(record)
    again = read_generator(record)
    assert again.config == generator.config
    assert again.spec == generator.spec
    w_plus = torch.randn(2, generator.spec.num_ws, 7)
    image = generator.synthesize(generator.style(w_plus))
    assert torch.isfinite(image).all()
    assert torch.equal(again.synthesize(again.style(w_plus)), image)


def test_weights_are_taken_over_without_a_copy(record):
    weight = part(record, "synthesis", "L1_36_8").parameters["weight"]
    assert read_generator(record).synthesis.L1_36_8.weight.data_ptr() == weight.data_ptr()


def test_filters_are_taken_from_the_file(record):
    part(record, "synthesis", "L1_36_8").buffers["up_filter"] *= 2
    generator = read_generator(record)
    assert math.isclose(float(generator.synthesis.L1_36_8.up_filter.sum()), 2, rel_tol=1e-6)


def test_a_matrix_left_in_the_input_is_kept(record):
    matrix = torch.tensor([[0.0, -1.0, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    part(record, "synthesis", "input").buffers["transform"] = matrix
    assert read_generator(record).config.stored_transform == ((0.0, -1.0, 0.25), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


def test_a_centre_for_each_class_is_another_family(record):
    part(record, "mapping").buffers["w_avg"] = torch.zeros(10, 7)
    assert not is_generator(record)


@pytest.mark.parametrize("children", [{}, {"synthesis": None, "mapping": None}])
def test_a_record_without_parts_is_another_family(children):
    assert not is_generator(ModuleRecord("Generator", children=children))


LAYER = ("synthesis", "L1_36_8")


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ((), "num_ws", 99),
        ((), "img_resolution", 32),
        (("synthesis",), "layer_names", "L0_36_8"),
        (("synthesis",), "layer_names", ["L0_36_8"]),
        (("synthesis",), "layer_names", ["L0_36_8", "L0_36_8"]),
        (("synthesis",), "layer_names", [3]),
        (("synthesis",), "layer_names", []),
        (("synthesis",), "img_resolution", 2**40),
        (("synthesis",), "w_dim", 2**62),
        (("synthesis",), "output_scale", math.inf),
        (("synthesis", "input"), "size", np.array([36, 20])),
        (("synthesis", "input"), "size", np.zeros([50, 50])),
        (("synthesis", "input"), "bandwidth", 1e6),
        (("synthesis", "input"), "channels", 2**40),
        (("synthesis", "input", "affine"), "activation", "lrelu"),
        (LAYER, "in_size", "36"),
        (LAYER, "in_size", np.array([-36, -36])),
        (LAYER, "out_size", np.array([2**20, 2**20])),
        (LAYER, "out_size", 10**400),
        (LAYER, "in_channels", 8.0),
        (LAYER, "in_channels", True),
        (LAYER, "in_channels", None),
        (LAYER, "tmp_sampling_rate", math.nan),
        (LAYER, "tmp_sampling_rate", 10**400),
        (LAYER, "in_sampling_rate", 0),
        (LAYER, "up_factor", 3),
        (LAYER, "up_taps", -1),
        (LAYER, "down_taps", 24),
        (LAYER, "down_radial", 0),
        (LAYER, "padding", [9, 8, 9, -8]),
        (LAYER, "padding", "9898"),
        (LAYER, "conv_kernel", 2**30),
        (LAYER, "conv_clamp", -256),
        (LAYER, "magnitude_ema_beta", 2.0),
        (LAYER, "is_torgb", True),
        ((*LAYER, "affine"), "weight_gain", 7.0),
        ((*LAYER, "affine"), "bias_gain", "1"),
        (("mapping",), "z_dim", 5),
        (("mapping",), "c_dim", 2),
        (("mapping",), "num_layers", 10**9),
        (("mapping",), "num_layers", 1),
        (("mapping",), "num_layers", 0),
        (("mapping",), "w_avg_beta", None),
        (("mapping", "fc0"), "activation", "relu"),
        (("mapping", "fc0"), "bias_gain", 0.0),
        (("mapping", "fc1"), "bias_gain", 0.1),
    ],
)
def test_an_impossible_attribute_is_refused(record, where, name, value):
    part(record, *where).attributes[name] = value
    with pytest.raises(CheckpointError):
        read_generator(record)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (("synthesis",), "layer_names"),
        (("synthesis",), "output_scale"),
        (("synthesis", "input"), "sampling_rate"),
        (LAYER, "in_size"),
        (LAYER, "conv_clamp"),
        (LAYER, "down_radial"),
        (("mapping",), "w_avg_beta"),
    ],
)
def test_a_missing_attribute_is_refused_by_its_name(record, where, name):
    del part(record, *where).attributes[name]
    with pytest.raises(CheckpointError, match=name):
        read_generator(record)


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (LAYER, "up_filter", torch.full([12], math.nan)),
        (LAYER, "up_filter", torch.zeros(11)),
        (LAYER, "up_filter", None),
        (LAYER, "down_filter", torch.zeros(12, 12)),
        (LAYER, "down_filter", torch.zeros(12, dtype=torch.int64)),
        (LAYER, "magnitude_ema", torch.tensor(-1.0)),
        (LAYER, "magnitude_ema", torch.tensor(math.inf)),
        (LAYER, "magnitude_ema", torch.ones(2)),
        (LAYER, "magnitude_ema", None),
        (LAYER, "surprise", torch.ones(2)),
        (("synthesis", "input"), "freqs", torch.full([8, 2], math.inf)),
        (("synthesis", "input"), "phases", torch.zeros(9)),
        (("synthesis", "input"), "transform", torch.full([3, 3], math.nan)),
        (("synthesis", "input"), "transform", torch.eye(2)),
        (("mapping",), "w_avg", torch.zeros(8)),
    ],
)
def test_an_impossible_buffer_is_refused(record, where, name, value):
    part(record, *where).buffers[name] = value
    with pytest.raises(CheckpointError):
        read_generator(record)


@pytest.mark.parametrize("where", [("synthesis",), ("mapping",), LAYER, (*LAYER, "affine"), ("mapping", "fc1")])
def test_a_missing_part_is_refused(record, where):
    part(record, *where[:-1]).children[where[-1]] = None
    with pytest.raises(CheckpointError, match=where[-1]):
        read_generator(record)


def test_a_weight_of_another_shape_is_refused(record):
    part(record, *LAYER).parameters["weight"] = torch.zeros(8, 8, 1, 1)
    with pytest.raises(CheckpointError, match="weight"):
        read_generator(record)


def test_weights_that_only_claim_to_be_there_are_refused(record):
    part(record, *LAYER).parameters["weight"] = torch.zeros(1).expand(8, 8, 3, 3)
    with pytest.raises(CheckpointError, match="weight"):
        read_generator(record)
