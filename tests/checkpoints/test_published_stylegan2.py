import copy

import pytest
import torch

from explorer.checkpoints.published_stylegan2 import (
    is_discriminator,
    is_generator,
    read_discriminator,
    read_generator,
)
from explorer.errors import CheckpointError
from explorer.generators.styles import broadcast
from tests.generators import stylegan2_nets as nets
from tests.generators.published_records import record_of_discriminator, record_of_generator

HOSTILE = (None, True, "8", "lrelu", -1, 0, 3, 1 << 40, 10**400, float("nan"), float("inf"), [], {}, object())


@pytest.mark.parametrize("name", nets.GENERATORS)
def test_a_published_generator_is_read_with_all_its_options(name):
    g = nets.generator(name)
    record = record_of_generator(g)
    assert is_generator(record)
    assert not is_discriminator(record)
    read = read_generator(record)
    assert read.spec == g.spec
    z, c = nets.inputs(g)
    w_plus = broadcast(g.map(z, c), g.spec.num_ws)
    assert torch.equal(read.map(z, c), g.map(z, c))
    assert torch.equal(read.w_avg(), g.w_avg())
    assert torch.equal(read.synthesize(read.style(w_plus)), g.synthesize(g.style(w_plus)))


@pytest.mark.parametrize("name", nets.DISCRIMINATORS)
def test_a_published_discriminator_is_read_with_all_its_options(name):
    d = nets.discriminator(name)
    record = record_of_discriminator(d)
    assert is_discriminator(record)
    assert not is_generator(record)
    read = read_discriminator(record)
    assert {key for key, _ in read.named_parameters()} == {key for key, _ in d.named_parameters()}
    images = torch.randn(4, d.config.img_channels, 16, 16)
    c = nets.inputs(d, 4)[1]
    assert torch.equal(read(images, c), d(images, c))


def _every_attribute(record):
    return [(path, key) for path, module in record.modules() for key in module.attributes]


def _at(record, path):
    return dict(record.modules())[path]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_any_attribute_of_any_kind_is_read_or_refused(kind, value):
    make, read = (
        (lambda: record_of_generator(nets.generator("conditional")), read_generator)
        if kind == "generator"
        else (lambda: record_of_discriminator(nets.discriminator("conditional")), read_discriminator)
    )
    record = make()
    messages = []
    for path, key in _every_attribute(record):
        attributes = _at(record, path).attributes
        before = attributes[key]
        attributes[key] = value
        try:
            read(record)
        except CheckpointError as error:
            messages.append(str(error))
        attributes[key] = before
    assert messages
    assert max(map(len, messages)) < 300


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_any_missing_part_is_read_or_refused(kind):
    generator = kind == "generator"
    net = nets.generator("conditional") if generator else nets.discriminator("conditional")
    record = record_of_generator(net) if generator else record_of_discriminator(net)
    read = read_generator if generator else read_discriminator
    refused = 0
    for path, module in list(record.modules()):
        for table in (module.attributes, module.parameters, module.buffers, module.children):
            for key, value in list(table.items()):
                del table[key]
                try:
                    read(record)
                except CheckpointError:
                    refused += 1
                table[key] = value
        assert path is not None
    assert refused > 50


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t[None],
        lambda t: t.flatten()[:0],
        lambda t: t.to(torch.int32),
        lambda t: torch.zeros(1).expand(1 << 20, 1 << 20, *t.shape[2:]),
        lambda t: torch.zeros(()),
        lambda t: t.to(torch.complex64),
        lambda t: t.to_sparse(),
    ],
    ids=["axis", "empty", "integer", "huge", "scalar", "complex", "sparse"],
)
@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_any_spoilt_tensor_is_refused(kind, spoil):
    generator = kind == "generator"
    net = nets.generator("conditional") if generator else nets.discriminator("conditional")
    record = record_of_generator(net) if generator else record_of_discriminator(net)
    read = read_generator if generator else read_discriminator
    used = set(net.state_dict())
    for path, module in list(record.modules()):
        for table in (module.parameters, module.buffers):
            for key, value in list(table.items()):
                spoilt = spoil(value)
                if f"{path}.{key}" not in used or (
                    spoilt.shape == value.shape
                    and spoilt.dtype == value.dtype == torch.float32
                    and spoilt.layout == value.layout
                ):
                    continue
                table[key] = spoilt
                with pytest.raises(CheckpointError):
                    read(record)
                table[key] = value


def test_a_block_beyond_the_resolution_is_refused():
    record = record_of_generator(nets.generator("skip"))
    synthesis = record.children["synthesis"]
    synthesis.children["b64"] = copy.deepcopy(synthesis.children["b16"])
    with pytest.raises(CheckpointError, match="b64"):
        read_generator(record)


def test_layers_that_disagree_are_refused():
    record = record_of_generator(nets.generator("skip"))
    _at(record, "synthesis.b8.conv1").attributes["activation"] = "relu"
    with pytest.raises(CheckpointError, match="activation differs"):
        read_generator(record)
