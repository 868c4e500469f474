import copy
import dataclasses
import json

import pytest
import torch

from explorer.errors import CheckpointError, StateError
from explorer.generators.stylegan2 import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from explorer.generators.stylegan2_discriminator import minibatch_deviation
from explorer.generators.styles import broadcast
from explorer.state import Noise
from tests.generators import stylegan2_nets as nets
from tests.tolerances import HALF_IMAGE_SHARE, IMAGE_SHARE, NETS

NOISES = (Noise(), Noise("random", seed=3), Noise("none"))


@pytest.fixture(params=nets.GENERATORS)
def g(request):
    return nets.generator(request.param)


@pytest.fixture(params=nets.DISCRIMINATORS)
def d(request):
    return nets.discriminator(request.param)


@pytest.fixture
def skip():
    return nets.generator("skip")


def styles(g, count=3):
    return g.style(broadcast(g.map(*nets.inputs(g, count)), g.spec.num_ws))


def _layers_before(g, name):
    """How many layers stand before this name in the list of activations, itself included."""
    names = g.spec.activations[: g.spec.activations.index(name) + 1]
    return len([layer for layer in g.spec.layers if layer.name in names])


def pictures(d, count=4):
    size = (count, d.config.img_channels, d.config.resolution, d.config.resolution)
    return torch.randn(size, generator=torch.Generator().manual_seed(5))


def test_the_picture_has_the_size_that_the_spec_tells(g):
    assert g.synthesize(styles(g)).shape == (3, g.spec.img_channels, *g.spec.resolution)


def test_every_layer_has_the_size_that_the_spec_tells(g):
    s = styles(g)
    for layer, style, step in zip(g.spec.layers, s, g.steps(s), strict=True):
        assert style.shape == (3, layer.style_dim)
        assert g.synthesize(s, until=layer.name).shape == (3, layer.channels, *layer.size)
        assert step.x.shape[2:] == layer.size


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.mode)
def test_resuming_from_any_step_is_running_through_bit_for_bit(g, noise):
    s = styles(g)
    whole = g.synthesize(s, noise=noise)
    for step in list(g.steps(s, noise=noise)):
        assert torch.equal(g.synthesize(s, noise=noise, start=step), whole)


def test_an_activation_is_the_same_from_whichever_step_it_is_reached(g):
    s = styles(g, 1)
    steps = list(g.steps(s))
    reached = 0
    for name in g.spec.activations:
        expected = g.synthesize(s, until=name)
        for step in steps:
            # Names stand in call order, so that the steps before a name are those that it can be reached from.
            if step.index + 1 < _layers_before(g, name):
                assert torch.equal(g.synthesize(s, until=name, start=step), expected)
                reached += 1
    assert reached > 0 or len(steps) < 3


def test_an_activation_that_lies_before_the_start_is_refused(skip):
    *_, last = skip.steps(styles(skip))
    with pytest.raises(StateError, match=r"past b8\.conv1"):
        skip.synthesize(styles(skip), start=last, until="b8.conv1")


def test_steps_that_are_kept_are_never_written_to(g):
    s = styles(g)
    steps = list(g.steps(s))
    before = copy.deepcopy(steps)
    for step in steps:
        g.synthesize(s, start=step)
    for kept, copied in zip(steps, before, strict=True):
        for name in ("x", "image", "shortcut"):
            a, b = getattr(kept, name), getattr(copied, name)
            assert a is b is None or torch.equal(a, b)


def test_a_batch_is_its_samples_one_by_one(g):
    s = styles(g)
    batch = g.synthesize(s)
    for i in range(3):
        alone = g.synthesize([style[i : i + 1] for style in s])
        assert (batch[i : i + 1] - alone).abs().max() <= IMAGE_SHARE * max(1.0, float(batch.std()))


@pytest.mark.parametrize("dtype", HALF_IMAGE_SHARE)
def test_half_precision_is_close(g, dtype):
    whole = g.synthesize(styles(g))
    half = copy.deepcopy(g).to(getattr(torch, dtype))
    z, c = nets.inputs(half)
    w = half.map(z, c)
    image = half.synthesize(half.style(broadcast(w, g.spec.num_ws)))
    assert image.isfinite().all()
    assert (image - whole).abs().max() <= HALF_IMAGE_SHARE[dtype] * max(1.0, float(whole.std()))


def test_half_precision_survives_large_styles_and_weights(skip):
    half = copy.deepcopy(skip)
    for layer in (half.synthesis.b8.conv0, half.synthesis.b16.conv1):
        layer.weight.mul_(3000)
    half = half.half()
    s = [style * 500 if layer.noisy else style for style, layer in zip(styles(skip), half.spec.layers, strict=True)]
    assert half.synthesize(s).isfinite().all()


def test_double_precision_refines_single(skip):
    double = copy.deepcopy(skip).double()
    z, c = nets.inputs(skip)
    image = double.synthesize(double.style(broadcast(double.map(z.double(), c), skip.spec.num_ws)))
    assert image.dtype == torch.float64
    torch.testing.assert_close(skip.synthesize(styles(skip)).double(), image, rtol=1e-3, atol=1e-4)


def test_noise_of_strength_zero_is_no_noise(skip):
    s = styles(skip)
    none = skip.synthesize(s, noise=Noise("none"))
    assert torch.equal(skip.synthesize(s, noise=Noise("const", strength=0)), none)
    assert torch.equal(skip.synthesize(s, noise=Noise("random", strength=0)), none)
    assert not torch.equal(skip.synthesize(s), none)


def test_noise_follows_its_seed(skip):
    s = styles(skip)
    first = skip.synthesize(s, noise=Noise("random", seed=1))
    assert torch.equal(first, skip.synthesize(s, noise=Noise("random", seed=1)))
    assert not torch.equal(first, skip.synthesize(s, noise=Noise("random", seed=2)))


def test_drawing_noise_leaves_the_global_stream_alone(skip):
    s = styles(skip)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    skip.synthesize(s, noise=Noise("random", seed=1))
    assert torch.equal(torch.rand(1), expected)


def test_the_identity_transform_changes_nothing_and_any_other_is_refused(skip):
    s = styles(skip)
    assert torch.equal(skip.synthesize(s, transform=torch.eye(3)), skip.synthesize(s))
    with pytest.raises(StateError, match="cannot be turned"):
        skip.synthesize(s, transform=torch.eye(3) * 2)


def test_wrong_inputs_are_refused_in_words(skip):
    s = styles(skip)
    with pytest.raises(StateError, match=r"z has shape \[2, 3\]"):
        skip.map(torch.randn(2, 3))
    with pytest.raises(StateError, match="w_plus has shape"):
        skip.style(torch.randn(2, 3, 10))
    with pytest.raises(StateError, match="s has 2 entries"):
        skip.synthesize(s[:2])
    with pytest.raises(StateError, match=r"style of b4\.conv1"):
        skip.synthesize([torch.randn(3, 1), *s[1:]])
    with pytest.raises(StateError, match="there is no layer 'b5'"):
        skip.synthesize(s, until="b5")
    with pytest.raises(StateError, match="needs c of shape"):
        nets.generator("conditional").map(torch.randn(2, 8))
    with pytest.raises(StateError, match="2 latents and 3 labels"):
        nets.generator("conditional").map(torch.randn(2, 8), torch.randn(3, 3))


def test_every_parameter_learns(g):
    g.requires_grad_(True)
    g.synthesize(styles(g)).square().sum().backward()
    assert [name for name, p in g.named_parameters() if p.grad is None] == []


def test_path_lengths_have_a_gradient(skip):
    skip.requires_grad_(True)
    w_plus = broadcast(skip.map(*nets.inputs(skip)), skip.spec.num_ws)
    image = skip.synthesize(skip.style(w_plus))
    (slope,) = torch.autograd.grad(image.sum(), w_plus, create_graph=True)
    slope.square().sum().backward()
    assert skip.synthesis.b8.conv1.weight.grad.abs().max() > 0


def test_the_centre_of_w_moves_only_when_asked(skip):
    before = skip.w_avg().clone()
    skip.map(*nets.inputs(skip))
    assert torch.equal(skip.w_avg(), before)
    skip.map(*nets.inputs(skip), update_emas=True)
    assert not torch.equal(skip.w_avg(), before)


def test_a_generator_built_around_tensors_is_the_same_and_shares_them(g):
    tensors = g.state_dict()
    same = Generator.from_tensors(g.config, tensors)
    assert torch.equal(same.synthesize(styles(g)), g.synthesize(styles(g)))
    name = "synthesis.b4.const"
    assert same.state_dict()[name].data_ptr() == tensors[name].data_ptr()


@pytest.mark.parametrize("change", ["missing", "unknown", "shape", "kind", "stride"])
def test_tensors_that_do_not_fit_are_refused(skip, change):
    tensors = dict(skip.state_dict())
    name = "synthesis.b8.conv1.weight"
    if change == "missing":
        del tensors[name]
    elif change == "unknown":
        tensors["synthesis.b8.conv9.weight"] = tensors[name]
    elif change == "shape":
        tensors[name] = tensors[name][:1]
    elif change == "kind":
        tensors[name] = tensors[name].int()
    else:
        tensors[name] = torch.zeros(1).expand(tensors[name].shape)
    with pytest.raises(CheckpointError, match=r"synthesis\.b8\.conv"):
        Generator.from_tensors(skip.config, tensors)


def test_options_survive_json(g, d):
    for config in (g.config, d.config):
        assert type(config).from_json(json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": 1 << 40},
        {"resolution": 48},
        {"resolution": "16"},
        {"channels": [12, 12]},
        {"channels": [12, 0, 8]},
        {"channels": 12},
        {"architecture": "other"},
        {"activation": "gelu"},
        {"mapping_layers": 10**9},
        {"mapping_layers": True},
        {"lr_multiplier": float("nan")},
        {"conv_clamp": -1.0},
        {"kernel_size": 2},
        {"resample_filter": []},
        {"resample_filter": [[1, 2], [1]]},
        {"resample_filter": [1] * 1000},
        {"w_avg_beta": 2},
        {"use_noise": 1},
        {"img_channels": 10**400},
        {"colour": 3},
    ],
    ids=str,
)
def test_options_that_make_no_network_are_refused(options):
    good = {"resolution": 16, "channels": [12, 12, 8]}
    GeneratorConfig.from_json(good)
    with pytest.raises(CheckpointError):
        GeneratorConfig.from_json({**good, **options})
    if options.keys() & {f.name for f in dataclasses.fields(DiscriminatorConfig)}:
        with pytest.raises(CheckpointError):
            DiscriminatorConfig.from_json({**good, **options})


@pytest.mark.parametrize("data", [None, 3, [], {}, {"resolution": 16}], ids=str)
def test_what_is_no_set_of_options_is_refused(data):
    with pytest.raises(CheckpointError):
        GeneratorConfig.from_json(data)


def test_logits_are_one_a_picture_and_learn(d):
    d.requires_grad_(True)
    logits = d(pictures(d), nets.inputs(d, 4)[1])
    assert logits.shape == (4, 1)
    logits.sum().backward()
    assert [name for name, p in d.named_parameters() if p.grad is None] == []


def test_frozen_layers_have_no_parameters():
    d = nets.discriminator("frozen")
    names = [name for name, _ in d.named_parameters()]
    assert not any(name.startswith(("b16.", "b8.conv0")) for name in names)
    assert any(name.startswith("b8.conv1") for name in names)


def test_half_precision_logits_are_close(d):
    c = nets.inputs(d, 4)[1]
    whole = d(pictures(d), c)
    half = copy.deepcopy(d).bfloat16()(pictures(d), c)
    assert (half.float() - whole).abs().max() <= 0.1 * max(1.0, float(whole.abs().max()))


def test_a_gradient_penalty_has_a_gradient(d):
    d.requires_grad_(True)
    image = pictures(d).requires_grad_()
    (slope,) = torch.autograd.grad(d(image, nets.inputs(d, 4)[1]).sum(), image, create_graph=True)
    slope.square().sum().backward()
    assert d.b4.conv.weight.grad.abs().max() > 0


def test_pictures_of_another_size_are_refused(d):
    with pytest.raises(StateError, match="the picture has shape"):
        d(torch.randn(1, d.config.img_channels, 8, 8))


def test_a_discriminator_built_around_tensors_is_the_same(d):
    same = Discriminator.from_tensors(d.config, d.state_dict())
    c = nets.inputs(d, 4)[1]
    assert torch.equal(same(pictures(d), c), d(pictures(d), c))


def test_equal_samples_do_not_deviate():
    x = torch.randn(1, 6, 4, 4).expand(4, -1, -1, -1)
    torch.testing.assert_close(minibatch_deviation(x, group_size=4, channels=2), torch.full((4, 2, 4, 4), 1e-4))


def test_groups_do_not_influence_one_another():
    x = torch.randn(8, 6, 4, 4)
    groups = torch.cat([minibatch_deviation(x[i::2], group_size=4, channels=1) for i in range(2)])
    together = minibatch_deviation(x, group_size=4, channels=1)
    torch.testing.assert_close(torch.cat([together[0::2], together[1::2]]), groups, **NETS.kwargs)


def test_a_batch_that_the_group_does_not_divide_is_split_evenly():
    x = torch.randn(6, 4, 4, 4)
    expected = minibatch_deviation(x, group_size=3, channels=1)
    assert torch.equal(minibatch_deviation(x, group_size=4, channels=1), expected)
