import copy
import dataclasses
import json
import sys

import pytest
import torch

import explorer
from explorer import CheckpointError, Noise, StateError
from explorer.checkpoints import CheckpointParts
from explorer.checkpoints.published_stylegan_t import is_generator, read_generator
from explorer.checkpoints.record import ModuleRecord
from explorer.generators.stylegan_t import Generator, GeneratorConfig
from tests.checkpoints.published_writer import module
from tests.checkpoints.test_opening import dumped, written
from tests.generators.stylegan_t_records import record_of_stylegan_t
from tests.tolerances import HALF_IMAGE_SHARE, NETS

SMALL = {"resolution": 16, "channel_base": 128, "channel_max": 8, "z_dim": 6, "c_dim": 5, "norm_groups": 4}

VARIETY = {
    "small": {"res_blocks": 1},
    "two pairs": {},
    "no text": {"c_dim": 0, "res_blocks": 1},
    "plain": {"architecture": "orig", "res_blocks": 1},
    "one block, grey": {"resolution": 8, "img_channels": 1, "res_blocks": 1},
    "no noise, no clamp": {"use_noise": False, "conv_clamp": None, "res_blocks": 1},
    "a larger start": {"first_resolution": 16, "resolution": 32, "res_blocks": 1, "norm_groups": 2},
    "no power of two": {"first_resolution": 6, "resolution": 12, "res_blocks": 1},
    "other filters": {"resample_filter": [1.0, 2.0, 1.0], "kernel_size": 5, "activation": "swish", "res_blocks": 1},
    "one mapping layer": {"mapping_layers": 1, "res_blocks": 1, "conv_clamp": 0.5},
}


def generator_of(**options) -> Generator:
    torch.manual_seed(7)
    g = Generator(GeneratorConfig.standard(**{**SMALL, **options})).requires_grad_(False).eval()
    for name, value in [*g.named_parameters(), *g.named_buffers()]:
        # What starts at nothing would hide mistakes.
        if name.endswith(("noise_strength", "gamma", "x_avg")):
            value.copy_(torch.randn(value.shape) * 0.5)
    return g


def inputs(g: Generator, count: int = 3) -> tuple[torch.Tensor, torch.Tensor | None]:
    stream = torch.Generator().manual_seed(1)
    z = torch.randn(count, g.spec.z_dim, generator=stream)
    return z, torch.randn(count, g.spec.c_dim, generator=stream) if g.spec.c_dim else None


def styles(g: Generator, count: int = 3) -> list[torch.Tensor]:
    return g.style(explorer.broadcast(g.map(*inputs(g, count)), g.spec.num_ws))


@pytest.fixture
def g() -> Generator:
    return generator_of(res_blocks=1)


@pytest.mark.parametrize("name", VARIETY)
def test_reading_what_was_written_gives_the_same_picture(name):
    g = generator_of(**VARIETY[name])
    record = record_of_stylegan_t(g, text_encoder=g.spec.text)
    assert is_generator(record)
    again = read_generator(record)
    # Taps are told as the filter that they make, whose sum is 1.
    assert dataclasses.replace(again.config, resample_filter=g.config.resample_filter) == g.config
    assert again.spec == g.spec
    image = g.synthesize(styles(g))
    assert torch.isfinite(image).all()
    assert image.shape == (3, g.spec.img_channels, *g.spec.resolution)
    assert torch.equal(again.synthesize(styles(again)), image)


@pytest.mark.parametrize("name", VARIETY)
def test_saving_keeps_every_bit_and_option(name, tmp_path):
    g = generator_of(**VARIETY[name])
    explorer.save_checkpoint(CheckpointParts(g), tmp_path / "t.safetensors")
    again = explorer.open_checkpoint(tmp_path / "t.safetensors").generator
    assert type(again) is Generator
    assert (again.config, again.spec) == (g.config, g.spec)
    read = again.state_dict()
    assert all(torch.equal(value, read[key]) for key, value in g.state_dict().items())


def test_a_snapshot_by_plain_class_reference_opens(g, tmp_path):
    record = record_of_stylegan_t(g, text_encoder=True)
    path = written(tmp_path, dumped({"G": None, "G_ema": module(record, plain_class=True)}))
    checkpoint = explorer.open_checkpoint(path)
    assert checkpoint.spec == g.spec
    assert checkpoint.spec.text
    assert any("text encoder" in note for note in checkpoint.info.notes)


def test_a_damaged_text_encoder_costs_the_encoder_alone(g, tmp_path):
    record = record_of_stylegan_t(g, text_encoder=True)
    blocks = ModuleRecord("Sequential", {}, {}, {}, {"0": ModuleRecord("ResidualAttentionBlock")})
    parts = {
        "transformer": ModuleRecord("Transformer", {}, {}, {}, {"resblocks": blocks}),
        "token_embedding": ModuleRecord("Embedding", {}, {"weight": torch.zeros(())}),
    }
    model = ModuleRecord("TextEncoder", {}, {"text_projection": torch.zeros(3, 2)}, {}, parts)
    record.children["mapping"].children["clip"].children["model"] = model
    path = written(tmp_path, dumped({"G": None, "G_ema": module(record, plain_class=True)}))
    checkpoint = explorer.open_checkpoint(path)
    assert checkpoint.text_encoder is None
    assert any("text encoder could not be read" in note and "damaged" in note for note in checkpoint.info.notes)


@pytest.mark.parametrize("name", VARIETY)
def test_options_survive_json(name):
    config = GeneratorConfig.standard(**{**SMALL, **VARIETY[name]})
    assert GeneratorConfig.from_json(json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    "change",
    [
        {"resolution": 17},
        {"channels": []},
        {"norm_groups": 3},
        {"norm_groups": 0},
        {"res_blocks": 0},
        {"mapping_layers": 0},
        {"kernel_size": 4},
        {"activation": "os.system"},
        {"conv_clamp": -1.0},
        {"norm_epsilon": 0.0},
        {"lr_multiplier": 0.0},
        {"input_bandwidth": 4.0},
        {"resample_filter": [[1.0, 2.0], [1.0]]},
        {"resample_filter": []},
        {"stored_transform": [[1.0]]},
        {"architecture": "resnet"},
        {"x_avg_beta": 2.0},
        {"c_dim": -1},
        {"resolution": 1 << 20},
        {"surprise": 1},
    ],
)
def test_impossible_options_are_refused(change):
    data = dataclasses.asdict(GeneratorConfig.standard(**SMALL))
    with pytest.raises(CheckpointError):
        GeneratorConfig.from_json({**data, **change})


def test_psi_zero_gives_one_picture_a_text(g):
    z, c = inputs(g, 4)
    c = c[[0, 0, 1, 1]]
    w_plus = explorer.truncate(explorer.broadcast(g.map(z, c), g.spec.num_ws), g.w_avg(c), psi=0)
    image = g.synthesize(g.style(w_plus))
    torch.testing.assert_close(image[0], image[1])
    torch.testing.assert_close(image[2], image[3])
    assert (image[0] - image[2]).abs().max() > 1e-3


@pytest.mark.parametrize("psi", [-0.5, 0.0, 0.3, 1.7])
def test_truncation_leaves_the_text_alone(g, psi):
    z, c = inputs(g)
    w_plus = explorer.broadcast(g.map(z, c), g.spec.num_ws)
    pulled = explorer.truncate(w_plus, g.w_avg(c), psi=psi)
    assert torch.equal(pulled[:, :, g.spec.z_dim :], w_plus[:, :, g.spec.z_dim :])
    expected = g.mapping.x_avg + psi * (w_plus[:, :, : g.spec.z_dim] - g.mapping.x_avg)
    torch.testing.assert_close(pulled[:, :, : g.spec.z_dim], expected, **NETS.kwargs)


def test_the_text_is_the_style_s_second_half(g):
    z, c = inputs(g)
    assert torch.equal(g.map(z, c)[:, g.spec.z_dim :], c)
    assert torch.equal(g.map(z, c)[:, : g.spec.z_dim], g.map(z, torch.zeros_like(c))[:, : g.spec.z_dim])


def test_without_a_text_the_centre_is_still_known(g):
    assert torch.equal(g.w_avg(), g.w_avg(torch.zeros(1, 5)))
    assert g.w_avg().shape == (1, g.spec.w_dim)
    plain = generator_of(c_dim=0)
    assert torch.equal(plain.w_avg(), plain.mapping.x_avg[None])
    assert plain.w_avg(torch.zeros(2, 5)).shape == (1, plain.spec.w_dim)


def test_the_mean_of_mapped_latents_follows_its_batches(g):
    before = g.mapping.x_avg.clone()
    w = g.map(*inputs(g), update_emas=True)
    expected = w[:, : g.spec.z_dim].mean(dim=0).lerp(before, g.config.x_avg_beta)
    torch.testing.assert_close(g.mapping.x_avg, expected)


@pytest.mark.parametrize("name", VARIETY)
def test_resuming_after_any_layer_changes_nothing(name):
    g = generator_of(**VARIETY[name])
    s = styles(g, 1)
    noise = Noise("random", seed=3)
    whole = g.synthesize(s, noise=noise)
    for step in g.steps(s, noise=noise):
        assert torch.equal(g.synthesize(s, noise=noise, start=step), whole), step.index
    assert torch.equal(step.image, whole)


@pytest.mark.parametrize("name", VARIETY)
def test_every_activation_can_be_asked_for_from_the_start_and_on_the_way(name):
    g = generator_of(**VARIETY[name])
    s = styles(g, 1)
    whole = {until: g.synthesize(s, until=until) for until in g.spec.activations}
    first = next(g.steps(s))
    for until, value in whole.items():
        if until != "output" and until != g.spec.activations[0]:
            assert torch.equal(g.synthesize(s, until=until, start=first), value), until
    for layer in g.spec.layers:
        assert whole[layer.name].shape == (1, layer.channels, *layer.size), layer.name
    assert torch.equal(whole["output"], g.synthesize(s))


def test_rows_style_the_layers_that_the_spec_says(g):
    w_plus = explorer.broadcast(g.map(*inputs(g, 1)), g.spec.num_ws)
    plain = g.style(w_plus)
    for row in range(g.spec.num_ws):
        other = w_plus.clone()
        other[:, row] += 1
        changed = {
            layer.name for layer, a, b in zip(g.spec.layers, plain, g.style(other), strict=True) if not a.equal(b)
        }
        assert changed - {"b8.input"} == {layer.name for layer in g.spec.layers if layer.w_row == row} - {"b8.input"}


def test_noise_modes_differ_and_repeat(g):
    s = styles(g, 2)
    stored, none = g.synthesize(s), g.synthesize(s, noise=Noise("none"))
    drawn = [g.synthesize(s, noise=Noise("random", seed=seed)) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(stored, none)
    assert torch.equal(g.synthesize(s, noise=Noise(strength=0.0)), none)


def test_a_transform_moves_the_input_and_the_identity_does_not(g):
    s = styles(g, 2)
    assert torch.equal(g.synthesize(s, transform=torch.eye(3)), g.synthesize(s))
    turned = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    upright, other = g.synthesize(s, until="b8.input"), g.synthesize(s, until="b8.input", transform=turned)
    # A quarter turn maps the grid of samples onto itself, where the learned turn is the identity.
    g.synthesis.b8.input.affine.weight.zero_()
    s = styles(g, 2)
    upright, other = g.synthesize(s, until="b8.input"), g.synthesize(s, until="b8.input", transform=turned)
    torch.testing.assert_close(other, upright.rot90(-1, dims=(2, 3)), rtol=0, atol=1e-5)
    with pytest.raises(StateError):
        g.synthesize(s, transform=torch.zeros(3, 3))


def test_a_matrix_left_in_the_file_comes_before_the_user_s(g):
    matrix = torch.tensor([[0.0, -1.0, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    record = record_of_stylegan_t(g)
    record.children["synthesis"].children["b8"].children["input"].buffers["transform"] = matrix
    again = read_generator(record)
    assert again.config.stored_transform == tuple(tuple(row) for row in matrix.tolist())
    expected = g.synthesize(styles(g), transform=torch.linalg.inv(matrix))
    torch.testing.assert_close(again.synthesize(styles(again)), expected, rtol=0, atol=1e-5)


def test_gradients_reach_latents_texts_and_every_parameter():
    g = generator_of(res_blocks=1, resolution=8).double().requires_grad_(True)
    z, c = (part.double().requires_grad_() for part in inputs(g, 2))
    image = g.synthesize(g.style(explorer.broadcast(g.map(z, c), g.spec.num_ws)))
    gradients = torch.autograd.grad(image.square().sum(), [z, c, *g.parameters()], allow_unused=True)
    for name, gradient in zip(["z", "c", *dict(g.named_parameters())], gradients, strict=True):
        assert gradient is not None, name
        assert torch.isfinite(gradient).all(), name


def test_gradients_of_the_mapping_are_right():
    g = generator_of(res_blocks=1).double()
    z, c = (part.double().requires_grad_() for part in inputs(g, 2))
    assert torch.autograd.gradcheck(g.map, (z, c))


def test_half_precision_stays_close(g):
    s = styles(g)
    image = g.synthesize(s)
    half = copy.deepcopy(g).half()
    difference = half.synthesize(styles(half)).float() - image
    assert difference.abs().max() <= HALF_IMAGE_SHARE["float16"] * max(1.0, float(image.std()))
    assert half.style(explorer.broadcast(half.map(*inputs(g)), g.spec.num_ws))[0].dtype == torch.float32


def test_missing_and_wrong_inputs_are_named(g):
    z, c = inputs(g)
    s = styles(g)
    for call, words in (
        (lambda: g.map(z), "needs c of shape"),
        (lambda: g.map(z, c[:, :2]), "this model takes"),
        (lambda: g.map(z[:, :2], c), "this model takes"),
        (lambda: g.map(z, c[:1]), "3 latents and 1 labels"),
        (lambda: g.style(torch.zeros(1, 2, 3)), "this model takes"),
        (lambda: g.synthesize(s[:-1]), "entries"),
        (lambda: g.synthesize([s[0][:, :1], *s[1:]]), "should have"),
        (lambda: g.synthesize(s, until="b4"), "there is no layer"),
        (lambda: g.synthesize(s, until="b8.input", start=list(g.steps(s))[-1]), "already stands"),
    ):
        with pytest.raises(StateError, match=words):
            call()


def _at(record, *names):
    for name in names:
        record = record.children[name]
    return record


DAMAGE = {
    "a block is missing": lambda r: r.children["synthesis"].children.pop("b8"),
    "a block between is missing": lambda r: r.children["synthesis"].children.update(b64=_at(r, "synthesis", "b16")),
    "a layer of a pair is missing": lambda r: _at(r, "synthesis", "b8", "convs1").children.pop("1"),
    "a norm is missing": lambda r: _at(r, "synthesis", "b8", "convs1", "1").children.pop("norm"),
    "no mapping layers": lambda r: _at(r, "mapping", "mlp").children.clear(),
    "another number of rows": lambda r: r.attributes.update(num_ws=99),
    "another text": lambda r: _at(r, "mapping").attributes.update(c_dim=6),
    "a negative text": lambda r: [part.attributes.update(c_dim=-5) for part in (r, _at(r, "mapping"))],
    "another gain": lambda r: _at(r, "mapping", "mlp", "fc0").attributes.update(bias_gain=0.5),
    "another style": lambda r: _at(r, "synthesis", "b8", "torgb", "affine", "proj").attributes.update(bias_gain=2.0),
    "another resolution": lambda r: r.attributes.update(img_resolution=32),
    "another clamp": lambda r: _at(r, "synthesis", "b16", "torgb").attributes.update(conv_clamp=1.0),
    "groups that do not fit": lambda r: _at(r, "synthesis", "b8", "convs1", "1", "norm").attributes.update(
        num_groups=5
    ),
    "waves that are no numbers": lambda r: _at(r, "synthesis", "b8", "input").buffers["freqs"].fill_(float("nan")),
    "a huge number": lambda r: r.attributes.update(img_resolution=10**30),
    "text for a number": lambda r: _at(r, "mapping").attributes.update(z_dim="6"),
    "a tensor of another shape": lambda r: _at(r, "synthesis", "b8", "torgb").parameters.update(
        weight=torch.zeros(3, 4, 1, 1)
    ),
    "a filter without taps": lambda r: _at(r, "synthesis", "b16", "conv0").buffers.update(
        resample_filter=torch.zeros(0)
    ),
    "a layer that goes up": lambda r: _at(r, "synthesis", "b8", "convs1", "0").attributes.update(up=2),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_snapshots_are_refused_in_words(name, g):
    record = copy.deepcopy(record_of_stylegan_t(g))
    DAMAGE[name](record)
    with pytest.raises(CheckpointError, match=r"snapshot|tensor|resolution|channels|c_dim|filter"):
        read_generator(record)


def test_building_takes_no_compiler(g):
    before = set(sys.modules)
    Generator.from_tensors(g.config, g.state_dict())
    assert not [name for name in set(sys.modules) - before if name.startswith(("torch._inductor", "torch._dynamo"))]


def test_the_published_sizes():
    lite = GeneratorConfig.standard(resolution=64)
    full = GeneratorConfig.standard(resolution=512, channel_base=65536, channel_max=2048, res_blocks=3)
    assert lite.channels == (512, 512, 512, 512)
    assert full.channels == (2048, 2048, 2048, 1024, 512, 256, 128)
    assert lite.w_dim == 64 + 768
