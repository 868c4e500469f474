import copy
import dataclasses
import json

import pytest
import torch

import explorer
from explorer import CheckpointError, StateError
from explorer.checkpoints import CheckpointParts
from explorer.checkpoints.published_stylegan_xl import is_generator, read_generator
from explorer.generators import stylegan3
from explorer.generators.stylegan_xl import Generator, GeneratorConfig
from tests.checkpoints.published_writer import record_of
from tests.generators.golden_checks import open_net
from tests.tolerances import DOUBLE, NETS

SMALL = {"z_dim": 6, "w_dim": 7, "c_dim": 5, "embed_features": 4, "channel_base": 256, "channel_max": 8}
HEAD = {"channel_base": 256, "channel_max": 8}


def small_config(*, resolution: int = 16, num_layers: int = 6, **options) -> GeneratorConfig:
    return GeneratorConfig.standard(resolution=resolution, num_layers=num_layers, **{**SMALL, **options})


def generator_of(config: GeneratorConfig) -> Generator:
    torch.manual_seed(7)
    g = Generator(config).requires_grad_(False)
    if config.c_dim > 0:
        g.mapping.w_avg.normal_()
    return g


def latents(g: Generator, count: int = 4) -> torch.Tensor:
    return torch.randn(count, g.spec.z_dim, generator=torch.Generator().manual_seed(1))


def labels(g: Generator, *classes: int) -> torch.Tensor:
    return torch.eye(g.spec.c_dim)[list(classes)]


@pytest.fixture
def g() -> Generator:
    return generator_of(small_config())


STAGES = {
    "first, t": small_config(),
    "first, r": small_config(variant="r"),
    "no classes": small_config(c_dim=0),
    "no power of two, grey": small_config(resolution=20, img_channels=1, mapping_layers=1),
    "second, t": small_config().grown(head_layers=4, **HEAD),
    "second, r": small_config(variant="r").grown(up_factor=4, head_layers=5, **HEAD),
    "third, t": small_config().grown(head_layers=4, **HEAD).grown(head_layers=3, **HEAD),
}


@pytest.mark.parametrize("name", STAGES)
def test_reading_what_was_written_gives_the_same_picture(name):
    g = generator_of(STAGES[name])
    record = record_of(g)
    assert is_generator(record) == (g.spec.c_dim > 0)
    again = read_generator(record)
    assert again.config == dataclasses.replace(g.config, embed_features=again.config.embed_features)
    assert again.spec == g.spec
    c = labels(g, 0, 1, 2, 4) if g.spec.c_dim else None
    s = [net.style(explorer.broadcast(net.map(latents(g), c), g.spec.num_ws)) for net in (g, again)]
    image = g.synthesize(s[0])
    assert torch.isfinite(image).all()
    assert image.shape == (4, g.spec.img_channels, *g.spec.resolution)
    assert torch.equal(again.synthesize(s[1]), image)


@pytest.mark.parametrize("name", STAGES)
def test_saving_keeps_every_bit_and_option(name, tmp_path):
    g = generator_of(STAGES[name])
    explorer.save_checkpoint(CheckpointParts(g), tmp_path / "xl.safetensors")
    again = explorer.open_checkpoint(tmp_path / "xl.safetensors").generator
    assert type(again) is Generator
    assert again.config == g.config
    assert again.spec == g.spec
    read = again.state_dict()
    assert all(torch.equal(value, read[key]) for key, value in g.state_dict().items())


@pytest.mark.parametrize("name", STAGES)
def test_options_survive_json(name):
    config = STAGES[name]
    assert GeneratorConfig.from_json(json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_options_are_checked():
    data = dataclasses.asdict(small_config())
    for change in ({"embed_features": 0}, {"embed_features": "4"}, {"z_dim": -1}, {"surprise": 1}):
        with pytest.raises(CheckpointError):
            GeneratorConfig.from_json({**data, **change})


def test_each_class_has_its_own_published_centre():
    net = open_net("sgxl_t_32")
    assert torch.equal(net.g.w_avg(torch.eye(10)), net["w_avg"])
    assert torch.equal(net.g.w_avg(net["c"]), net["w_avg"][net["c"].argmax(dim=1)])
    torch.testing.assert_close(net.g.w_avg(), net["w_avg"].mean(dim=0, keepdim=True), **NETS.kwargs)


def test_psi_zero_gives_one_style_a_class(g):
    w_plus = explorer.broadcast(g.map(latents(g), labels(g, 0, 0, 3, 3)), g.spec.num_ws)
    centre = explorer.truncate(w_plus, g.w_avg(labels(g, 0, 0, 3, 3)), psi=0)
    assert torch.equal(centre[0], centre[1])
    assert torch.equal(centre[2], centre[3])
    assert not torch.equal(centre[0], centre[2])


def test_psi_one_changes_nothing(g):
    w_plus = explorer.broadcast(g.map(latents(g), labels(g, 0, 1, 2, 3)), g.spec.num_ws)
    assert torch.equal(explorer.truncate(w_plus, g.w_avg(labels(g, 0, 1, 2, 3)), psi=1), w_plus)


def test_a_soft_label_blends_centres():
    g = generator_of(small_config()).double()
    blend = g.w_avg(0.25 * labels(g, 1).double() + 0.75 * labels(g, 4).double())
    torch.testing.assert_close(blend[0], 0.25 * g.mapping.w_avg[1] + 0.75 * g.mapping.w_avg[4], **DOUBLE.kwargs)


def test_a_soft_label_lies_between_its_classes(g):
    z = latents(g, 1).expand(5, -1)
    shares = torch.linspace(0, 1, 5)[:, None]
    w = g.map(z, (1 - shares) * labels(g, 0) + shares * labels(g, 1))
    torch.testing.assert_close(w[:1], g.map(z[:1], labels(g, 0)))
    torch.testing.assert_close(w[4:], g.map(z[:1], labels(g, 1)))
    steps = (w[1:] - w[:-1]).norm(dim=1)
    assert (steps > 0).all()


def test_only_the_proportions_of_a_label_count(g):
    mixed = labels(g, 0) + labels(g, 2)
    torch.testing.assert_close(g.map(latents(g, 1), mixed * 3), g.map(latents(g, 1), mixed))
    torch.testing.assert_close(g.w_avg(mixed * 3), g.w_avg(mixed))


def test_a_label_without_a_class_is_the_blend_of_all(g):
    nothing = torch.zeros(1, 5)
    torch.testing.assert_close(g.w_avg(nothing), g.w_avg())
    assert torch.equal(g.map(latents(g, 1), nothing), g.map(latents(g, 1), torch.full((1, 5), 0.2)))


def test_only_the_centres_of_classes_that_were_seen_move(g):
    before = g.mapping.w_avg.clone()
    w = g.map(latents(g), labels(g, 1, 3, 3, 1), update_emas=True)
    moved = (g.mapping.w_avg != before).any(dim=1)
    assert moved.tolist() == [False, True, False, True, False]
    beta = g.config.w_avg_beta
    expected = w[3].lerp(w[0].lerp(before[1], beta), beta)
    torch.testing.assert_close(g.mapping.w_avg[1], expected)


def test_missing_and_wrong_inputs_are_named(g):
    for z, c, words in (
        (latents(g), None, "needs c of shape"),
        (latents(g), torch.zeros(4, 6), "this model takes"),
        (latents(g)[:, :3], labels(g, 0, 0, 0, 0), "this model takes"),
        (latents(g), labels(g, 0), "4 latents and 1 labels"),
    ):
        with pytest.raises(StateError, match=words):
            g.map(z, c)


def test_without_classes_it_maps_as_stylegan3_does():
    config = small_config(c_dim=0)
    g = generator_of(config)
    plain = {field.name: getattr(config, field.name) for field in dataclasses.fields(stylegan3.GeneratorConfig)}
    other = stylegan3.Generator.from_tensors(stylegan3.GeneratorConfig(**plain), g.state_dict())
    assert torch.equal(g.map(latents(g)), other.map(latents(g)))
    assert torch.equal(g.w_avg(), other.w_avg())
    assert (g.spec.family, other.spec.family) == ("stylegan_xl", "stylegan3")


def test_gradients_to_latents_and_labels_are_right():
    g = generator_of(small_config()).double()
    c = labels(g, 0, 3).double() * 0.7 + 0.1
    z = latents(g, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z, c: g.map(z, c), (z, c.requires_grad_()))


def test_half_precision_stays_close(g):
    w = g.map(latents(g), labels(g, 0, 1, 2, 3))
    half = copy.deepcopy(g).half()
    torch.testing.assert_close(half.map(latents(g), labels(g, 0, 1, 2, 3)), w, rtol=2e-2, atol=2e-2)


def test_published_stages_have_their_names_and_sizes():
    first = GeneratorConfig.standard(resolution=16, c_dim=1000)
    assert [layer.name for layer in first.layers][-4:] == ["L7_36_1024", "L8_36_1024", "L9_16_1024", "L10_16_3"]
    second = first.grown(channel_base=65536, channel_max=1024)
    names = [layer.name for layer in second.layers]
    assert names[:8] == [layer.name for layer in first.layers][:8]
    # The head is counted from one on, so that L8 is missing.
    assert [name.split("_")[0] for name in names[8:]] == [f"L{i}" for i in range(9, 17)]
    assert names[-3:] == ["L14_52_1024", "L15_32_1024", "L16_32_3"]
    assert second.num_ws == len(names) + 1


@pytest.mark.parametrize("variant", ["t", "r"])
def test_growing_keeps_the_stem_and_its_band(variant):
    first = small_config(variant=variant)
    second = first.grown(up_factor=4, head_layers=5, **HEAD)
    stem = [layer for layer in first.layers if not layer.is_critically_sampled]
    assert list(second.layers[: len(stem)]) == stem
    joint = second.layers[len(stem)]
    assert (joint.in_cutoff, joint.in_sampling_rate) == (stem[-1].out_cutoff, stem[-1].out_sampling_rate)
    assert joint.in_half_width == stem[-1].out_half_width
    assert second.resolution == 4 * first.resolution
    assert second.variant == variant
    assert second.mapping_layers == first.mapping_layers


@pytest.mark.parametrize("options", [{"up_factor": 1}, {"head_layers": 2}, {"up_factor": 1 << 14}])
def test_a_head_that_cannot_be_is_refused(options):
    with pytest.raises(CheckpointError):
        small_config().grown(**options)


def test_rows_for_classes_that_the_model_lacks_are_left_out():
    g = generator_of(small_config())
    record = record_of(g)
    table = record.children["mapping"].children["embed"]
    table.parameters["weight"] = torch.cat([table.parameters["weight"], torch.randn(3, 4)])
    table.attributes["num_embeddings"] = 8
    again = read_generator(record)
    assert torch.equal(again.mapping.embed.weight, g.mapping.embed.weight)


def test_a_table_that_nothing_reads_is_left_out():
    record = record_of(generator_of(small_config(c_dim=0)))
    table = record_of(generator_of(small_config())).children["mapping"].children["embed"]
    record.children["mapping"].children["embed"] = table
    assert is_generator(record)
    assert read_generator(record).spec.c_dim == 0


def _few_rows(record):
    record.children["mapping"].attributes["c_dim"] = 9


def _limited_rows(record):
    record.children["mapping"].children["embed"].attributes["max_norm"] = 1.0


def _no_numbers(record):
    record.children["mapping"].children["embed"].parameters["weight"][0, 0] = float("nan")


def _one_centre(record):
    record.children["mapping"].buffers["w_avg"] = torch.zeros(7)


def _other_projection(record):
    record.children["mapping"].children["embed_proj"].attributes["activation"] = "linear"


def _no_table(record):
    del record.children["mapping"].children["embed"]


def _negative_classes(record):
    for part in (record, record.children["mapping"]):
        part.attributes["c_dim"] = -1


@pytest.mark.parametrize(
    "damage",
    [_few_rows, _limited_rows, _no_numbers, _one_centre, _other_projection, _no_table, _negative_classes],
)
def test_damaged_snapshots_are_refused_in_words(damage):
    record = copy.deepcopy(record_of(generator_of(small_config())))
    damage(record)
    with pytest.raises(CheckpointError, match=r"snapshot|tensor|c_dim"):
        read_generator(record)
