import dataclasses
from io import BytesIO
from pathlib import Path

import pytest
import torch

import explorer
from explorer.checkpoints import CheckpointParts, save_checkpoint
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError, StateError
from explorer.generators import r3gan, r3gan_discriminator
from explorer.rendering import restrict
from explorer.state import EditState, Mix, Noise, SeedPad, Truncation
from tests.checkpoints.pickle_writer import PickleWriter
from tests.checkpoints.published_writer import module
from tests.generators.r3gan_records import discriminator_record, generator_record, plain_logits, plain_picture
from tests.tolerances import NETS


def opened(tmp_path: Path, generator: ModuleRecord, critic: ModuleRecord | None = None, **options: bool):
    out = BytesIO()
    snapshot = {"G": None, "D": None if critic is None else module(critic, **options)}
    PickleWriter(out, protocol=4).dump({**snapshot, "G_ema": module(generator, **options), "cur_nimg": 5})
    path = tmp_path / "network-snapshot.pkl"
    path.write_bytes(out.getvalue())
    return explorer.open_checkpoint(path)


def picture(g, z, c=None, **options):
    return g.synthesize(g.style(explorer.broadcast(g.map(z, c), 1)), **options)


def small(**options):
    torch.manual_seed(0)
    config = r3gan.GeneratorConfig.standard(channels=(16, 8, 8), groups=(4, 2, 2), z_dim=6, **options)
    g = r3gan.Generator(config)
    with torch.no_grad():
        for name, parameter in g.named_parameters():
            if name.endswith("narrow.weight"):
                parameter.normal_(0, 0.2)
    return g.eval().requires_grad_(False)


@pytest.mark.parametrize("c_dim", [0, 4])
@pytest.mark.parametrize("plain_class", [True, False])
def test_a_published_snapshot_gives_the_pictures_and_logits_of_its_layers(tmp_path, c_dim, plain_class):
    generator, critic = generator_record(c_dim=c_dim), discriminator_record(c_dim=c_dim)
    checkpoint = opened(tmp_path, generator, critic, plain_class=plain_class)
    z = torch.randn(3, 6, generator=torch.Generator().manual_seed(2))
    c = torch.eye(c_dim)[:3] if c_dim else None
    image = picture(checkpoint.generator, z, c)
    assert checkpoint.info.notes == ()
    assert (checkpoint.spec.family, checkpoint.spec.resolution) == ("r3gan", (16, 16))
    torch.testing.assert_close(image, plain_picture(generator, z, c), **NETS.kwargs)
    torch.testing.assert_close(checkpoint.discriminator(image, c), plain_logits(critic, image, c), **NETS.kwargs)


def test_it_is_saved_and_opened_again_bit_for_bit(tmp_path):
    first = opened(tmp_path, generator_record(c_dim=3), discriminator_record(c_dim=3))
    save_checkpoint(first, tmp_path / "again.safetensors")
    again = explorer.open_checkpoint(tmp_path / "again.safetensors")
    z, c = torch.randn(2, 6), torch.eye(3)[:2]
    image = picture(first.generator, z, c)
    assert torch.equal(picture(again.generator, z, c), image)
    assert torch.equal(again.discriminator(image, c), first.discriminator(image, c))
    assert again.spec == first.spec


def test_stages_of_half_precision_are_read_as_any(tmp_path):
    record = generator_record()
    whole = picture(opened(tmp_path, record).generator, torch.ones(1, 6))
    stages = record.children["Model"].children["MainLayers"].children
    for stage in stages.values():
        stage.attributes["DataType"] = "bfloat16"
    assert torch.equal(picture(opened(tmp_path, record).generator, torch.ones(1, 6)), whole)


def test_a_new_network_passes_its_basis_through_untouched_branches():
    torch.manual_seed(0)
    g = r3gan.Generator(r3gan.GeneratorConfig.standard(channels=(16, 16), z_dim=4)).eval()
    w = torch.randn(2, 1, 4)
    assert torch.equal(g.synthesize(g.style(w), until="b4.basis"), g.synthesize(g.style(w), until="b4.block1"))


def test_layers_resume_where_they_stopped():
    g = small()
    s = g.style(torch.randn(2, 1, 6))
    steps = list(g.steps(s))
    assert [g.spec.layers[step.index].name for step in steps] == list(g.spec.activations[:-1])
    for step in steps:
        assert torch.equal(g.synthesize(s, start=step), steps[-1].image)


def test_noise_and_a_transform_are_not_for_it():
    g = small()
    s = g.style(torch.randn(1, 1, 6))
    assert torch.equal(g.synthesize(s, noise=Noise("random", seed=3)), g.synthesize(s))
    turned = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.raises(StateError, match="cannot be turned"):
        g.synthesize(s, transform=turned)


def test_what_needs_a_w_is_dropped_and_said():
    state = EditState(truncation=Truncation(0.5), mixing=(Mix(SeedPad(1, 0), (0,)),), noise=Noise("random", seed=2))
    fitting, notes = restrict(state, small().spec)
    assert (fitting.truncation, fitting.mixing, fitting.noise) == (Truncation(), (), Noise())
    assert [note.partition(":")[0] for note in notes] == ["style mixing", "truncation", "noise"]


def test_soft_labels_blend_embeddings():
    g = small(c_dim=2, embed_dim=3)
    z = torch.randn(1, 6)
    ends = [g.map(z, torch.eye(2)[i : i + 1]) for i in (0, 1)]
    torch.testing.assert_close(g.map(z, torch.tensor([[0.25, 0.75]])), ends[0].lerp(ends[1], 0.75), **NETS.kwargs)
    with pytest.raises(StateError, match="labels of shape"):
        g.map(z)


def test_pictures_need_not_be_square(tmp_path):
    g = small(base_size=(4, 3))
    config = r3gan_discriminator.DiscriminatorConfig.standard(channels=(16, 8, 8), groups=(4, 2, 2), base_size=(4, 3))
    d = r3gan_discriminator.Discriminator(config)
    save_checkpoint(CheckpointParts(g, d), tmp_path / "model.safetensors")
    again = explorer.open_checkpoint(tmp_path / "model.safetensors")
    image = picture(again.generator, torch.randn(2, 6))
    assert again.spec.resolution == (16, 12)
    assert again.discriminator(image).shape == (2, 1)
    with pytest.raises(StateError, match="takes pictures"):
        again.discriminator(image.transpose(2, 3))


def test_both_networks_learn():
    g, d = (
        small().requires_grad_(True),
        r3gan_discriminator.Discriminator(
            r3gan_discriminator.DiscriminatorConfig.standard(channels=(16, 8, 8), groups=(4, 2, 2))
        ),
    )
    d(picture(g, torch.randn(2, 6))).sum().backward()
    assert all(p.grad is not None for p in (*g.parameters(), *d.parameters()))


CHANGES = {
    "a bias": lambda record: layer(record, "AggregationLayer").parameters.update(bias=torch.zeros(3)),
    "a stride": lambda record: layer(record, "AggregationLayer").attributes.update(stride=(2, 2)),
    "a hole": lambda record: record.children["Model"].children["MainLayers"].children.pop("1"),
    "another size": lambda record: record.attributes.update(img_resolution=32),
    "not a number": lambda record: layer(record, "AggregationLayer").parameters["weight"].fill_(float("nan")),
    "no latent": lambda record: record.attributes.pop("z_dim"),
    "another latent": lambda record: record.attributes.update(z_dim=7),
    "nothing": lambda record: record.children["Model"].children["MainLayers"].children.clear(),
}


def layer(record, name):
    return record.children["Model"].children[name].children["Layer"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_damaged_snapshot_is_refused_in_a_line(tmp_path, change):
    record = generator_record()
    CHANGES[change](record)
    with pytest.raises(CheckpointError) as error:
        opened(tmp_path, record)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"groups": (3, 2)},
        {"groups": (5, 2, 2)},
        {"kernel_size": 2},
        {"base_size": (4,)},
        {"c_dim": 2},
        {"resample_filter": ()},
    ],
)
def test_impossible_options_are_refused(options):
    with pytest.raises(CheckpointError):
        r3gan.GeneratorConfig.standard(channels=(16, 8, 8), **options)


def test_options_survive_json():
    config = r3gan.GeneratorConfig.standard(channels=(16, 8), c_dim=2, embed_dim=3)
    assert r3gan.GeneratorConfig.from_json(dataclasses.asdict(config)) == config
