import dataclasses
import pickle

import numpy as np
import pytest
import torch

import explorer
from explorer import Noise
from explorer.checkpoints.tensorflow_pickle import read_tensorflow_pickle
from explorer.errors import CheckpointError
from explorer.generators.growing_generator import GrowingGenerator
from explorer.state import Mix, SeedPad, Slider, Truncation
from tests import golden_formats as checks
from tests.checkpoints import stylegan1_writer
from tests.checkpoints import tensorflow_writer as writer
from tests.checkpoints.pickle_writer import Call, Global, NewObject
from tests.checkpoints.test_opening import written
from tests.generators.test_growing_laws import STYLEGAN1 as STYLEGAN1_CONFIG
from tests.generators.test_growing_laws import made
from tests.tolerances import FORMAT_SCORES, NETS

STYLEGAN1 = ("sg1_32", "sg1_32_lod1.5", "sg1_128_fused", "sg1_32_cond4")
STYLEGAN2 = ("tf2_64_skip", "tf2_32_resnet_cond3", "tf2_32_orig", "tf2_32_revised", "tfada_32_cond3")
PROGAN = ("progan_32", "progan_32_unfused_lod1.25")
STYLED = (*STYLEGAN1, *STYLEGAN2)
ALL = (*STYLED, *PROGAN)


@pytest.fixture(params=STYLED)
def file(request):
    return checks.open_file(request.param)


@pytest.fixture(params=PROGAN)
def progan(request):
    return checks.open_file(request.param)


@pytest.fixture(params=ALL)
def any_file(request):
    return checks.open_file(request.param)


def test_mapping_gives_the_published_styles(file):
    checks.check_mapping(file)


def test_truncation_gives_the_published_styles(file):
    checks.check_truncation(file, file["w_avg"])


def test_pictures_are_the_published_ones(file):
    checks.check_images(file)


def test_pictures_without_noise_are_the_published_ones(file):
    checks.check_without_noise(file)


def test_mixed_styles_give_the_published_pictures(file):
    checks.check_mixing(file)


def test_scores_are_the_published_ones(any_file):
    checks.check_scores(any_file)


def test_the_files_own_truncation_gives_the_published_picture(file):
    info = file.checkpoint.info
    w_plus = checks.everywhere(file, file["w"][:1])
    if info.default_psi is not None:
        w_plus = explorer.truncate(w_plus, file["w_avg"], psi=info.default_psi, cutoff=info.default_cutoff)
    checks.assert_image(file, checks.picture(file, w_plus), file["img_default"])


def test_whole_calls_give_the_published_pictures(file):
    w = file["w"][:1]
    for name in file.named("img_call_psi"):
        psi, _, cutoff = name.removeprefix("img_call_psi").partition("_cut")
        # Cut or not, 1.3 was published with a cutoff above the number of layers.
        w_plus = explorer.truncate(
            checks.everywhere(file, w), file["w_avg"], psi=float(psi), cutoff=int(cutoff) if cutoff else None
        )
        checks.assert_image(file, checks.picture(file, w_plus), file[name])


def progan_picture(file, count: int, generator=None):
    g = generator or file.g
    w = g.map(file["z"][:count], file.classes(count))
    return g.synthesize(g.style(w[:, None]))


def test_progans_pictures_are_the_published_ones(progan):
    checks.assert_image(progan, progan_picture(progan, 4), progan["img"])


def test_progans_pictures_of_every_level_are_the_published_ones(progan):
    names = progan.named("img_lod")
    assert names
    for name in names:
        config = dataclasses.replace(progan.g.config, lod=float(name.removeprefix("img_lod")))
        generator = type(progan.g).from_tensors(config, progan.g.state_dict())
        checks.assert_image(progan, progan_picture(progan, 1, generator), progan[name])


def test_progans_discriminator_predicts_the_published_labels(progan):
    torch.testing.assert_close(progan.d.predict_labels(progan["img"]), progan["labels_out"], **FORMAT_SCORES.kwargs)


def test_bytes_are_the_published_ones(any_file):
    if "img_uint8" not in any_file:
        assert any_file.g.spec.resolution[0] > 64
        return
    expected = any_file["img_uint8"]
    image = any_file["img"][:1].permute(0, 2, 3, 1)
    actual = (image * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    difference = (actual.int() - expected.int()).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 0.001


def test_every_trained_number_is_used(any_file):
    trained = sum(parameter.numel() for parameter in any_file.g.parameters())
    # Among the published: the constant, noise strengths and weights. Not among them: maps, centres and filters.
    assert trained == int(any_file["n_params_Gs"])


def test_the_average_is_used_and_the_parts_are_told(any_file):
    info = any_file.checkpoint.info
    assert (info.used, info.entries, info.format) == ("Gs", ("G", "D", "Gs"), "TensorFlow pickle")
    assert any_file.checkpoint.discriminator is not None


@pytest.mark.parametrize("name", ALL)
def test_saving_and_opening_again_changes_no_number(tmp_path, name):
    checkpoint = checks.open_file(name).checkpoint
    explorer.save_checkpoint(checkpoint, tmp_path / "ours.safetensors")
    again = explorer.open_checkpoint(tmp_path / "ours.safetensors")
    assert again.spec == checkpoint.spec
    for ours, theirs in (
        (again.generator, checkpoint.generator),
        (again.discriminator, checkpoint.discriminator),
    ):
        assert ours.config == theirs.config
        ours, theirs = ours.state_dict(), theirs.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_every_layer_can_be_looked_at_and_resumed_from(any_file):
    g = any_file.g
    w = g.map(any_file["z"][:1], any_file.classes(1))
    s = g.style(explorer.broadcast(w, g.spec.num_ws))
    whole = g.synthesize(s)
    for name in g.spec.activations:
        assert g.synthesize(s, until=name).isfinite().all(), name
    steps = list(g.steps(s))
    assert [step.index for step in steps] == list(range(len(g.spec.layers)))
    for layer, step in zip(g.spec.layers, steps, strict=True):
        if step.x is not None and not layer.name.endswith("torgb"):
            assert step.x.shape == (1, layer.channels, *layer.size), layer.name
        assert torch.equal(g.synthesize(s, start=step), whole)


def test_random_noise_follows_its_seed_and_strength(file):
    def drawn(noise):
        return checks.picture(file, checks.everywhere(file, file["w"][:1]), noise=noise)

    one = drawn(Noise("random", seed=1))
    assert torch.equal(one, drawn(Noise("random", seed=1)))
    assert not torch.equal(one, drawn(Noise("random", seed=2)))
    assert torch.equal(drawn(Noise("random", seed=1, strength=0.0)), drawn(Noise("none")))


def test_progan_renders_without_what_it_lacks(progan):
    state = explorer.EditState(truncation=Truncation(psi=0.5), mixing=(Mix(SeedPad(3, 0), layers=(0,)),))
    frame = explorer.render(state, progan.checkpoint)
    assert any("truncation" in note for note in frame.dropped)
    assert any("mixing" in note for note in frame.dropped)
    plain = explorer.render(explorer.EditState(), progan.checkpoint)
    assert np.array_equal(frame.pixels, plain.pixels)
    moved = explorer.EditState(sliders=(Slider("pca", 0, 2.0),))
    assert not np.array_equal(explorer.render(moved, progan.checkpoint).pixels, plain.pixels)


def test_progans_latents_stay_on_their_sphere(progan):
    g = progan.g
    w = g.map(progan["z"])
    edited = (w[:1] * 0.3 + w[1:2] * 0.5)[:, None]
    assert torch.allclose(g.style(edited)[0].square().mean(), torch.ones([]), atol=1e-5)
    torch.testing.assert_close(g.style(w[:, None])[0], w, **NETS.kwargs)


def test_every_panel_renders(file):
    spec = file.checkpoint.spec
    plain = explorer.render(explorer.EditState(), file.checkpoint)
    state = explorer.EditState(
        latent=SeedPad(0.5, 0.25),
        truncation=Truncation(psi=0.7, cutoff=spec.num_ws - 1),
        mixing=(Mix(SeedPad(7, 0), layers=(0, spec.num_ws - 1)),),
        sliders=(Slider("pca", 0, 1.0),),
        noise=Noise("random", seed=3),
    )
    frame = explorer.render(state, file.checkpoint)
    assert frame.dropped == ()
    assert frame.pixels.shape == plain.pixels.shape
    assert not np.array_equal(frame.pixels, plain.pixels)


# Hostile, damaged and unusual files.


def content_of(name: str) -> bytes:
    return (checks.GOLDEN / f"{name}.pkl").read_bytes()


@pytest.mark.parametrize("name", ["sg1_32_cond4", "tfada_32_cond3", "progan_32"])
def test_pickles_cut_anywhere_are_refused(tmp_path, name):
    content = content_of(name)
    for length in [*range(1, 3000, 97), *range(3000, len(content), len(content) // 60), len(content) - 1]:
        with pytest.raises(CheckpointError):
            explorer.open_checkpoint(written(tmp_path, content[:length]))


@pytest.mark.parametrize("name", ["tf2_32_orig", "progan_32"])
def test_pickles_with_changed_bytes_are_read_or_refused_in_words(tmp_path, name):
    content = content_of(name)
    random = np.random.RandomState(1)
    for _ in range(120):
        changed = bytearray(content)
        # Most of a file is numbers; its structure is at the beginning.
        for place in random.randint(0, 6000, size=random.randint(1, 4)):
            changed[place] = random.randint(256)
        try:
            explorer.open_checkpoint(written(tmp_path, bytes(changed)))
        except CheckpointError:
            continue


FOREIGN = [
    Call(Global("os", "system"), ("true",)),
    Call(Global("builtins", "exec"), ("1",)),
    Call(Global("dnnlib.tflib.network", "import_handlers"), ()),
    Call(Global("numpy", "load"), ("x",)),
    Call(Global("torch.storage", "_load_from_bytes"), (b"x",)),
    Global("somewhere", "anything"),
    Global("dnnlib.tflib.network", "Network.__init__"),
]


@pytest.mark.parametrize("call", FOREIGN, ids=str)
@pytest.mark.parametrize("protocol", [2, 4])
def test_pickles_that_name_anything_else_are_refused(tmp_path, call, protocol):
    for place in ("variables", "static_kwargs", "extra"):
        victim = writer.network({}) if place == "extra" else writer.network({}, options={"x": 1})
        assert isinstance(victim.state, dict)
        victim.state[place] = [("lod", call)] if place == "variables" else {"x": call}
        with pytest.raises(CheckpointError, match=r"asks for|refused"):
            explorer.open_checkpoint(written(tmp_path, writer.file_of(victim, protocol=protocol)))


class _Evil:
    def __reduce__(self):
        return print, ("run",)


def test_a_stream_that_starts_as_something_else_is_refused_too(tmp_path):
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(written(tmp_path, pickle.dumps((_Evil(), 1, 2))))


def test_theano_networks_are_refused_by_name(tmp_path):
    old = NewObject(Global("network", "Network"), state={"build_func_spec": {}, "param_values": []})
    for protocol in (2, 4):
        with pytest.raises(CheckpointError, match="Theano"):
            explorer.open_checkpoint(written(tmp_path, writer.file_of(old, old, old, protocol=protocol)))


def small_variables() -> dict[str, object]:
    random = np.random.RandomState(0)
    return {
        "lod": 0.0,
        "4x4/Dense/weight": random.randn(10, 64),
        "4x4/Dense/bias": random.randn(4),
        "4x4/Conv/weight": random.randn(3, 3, 4, 4),
        "4x4/Conv/bias": random.randn(4),
        "ToRGB_lod0/weight": random.randn(1, 1, 4, 3),
        "ToRGB_lod0/bias": random.randn(3),
    }


def small(variables: dict[str, object], **more: object) -> NewObject:
    options = {"version": 2, "function": "G_paper", "target": writer.OLD_NETWORK, **more}
    return writer.network(variables, **options)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_generator_opens_alone_and_in_every_protocol(tmp_path, protocol):
    content = writer.file_of(small(small_variables(), options={"label_size": 2}), protocol=protocol)
    checkpoint = explorer.open_checkpoint(written(tmp_path, content))
    assert checkpoint.spec.family == "progan"
    assert (checkpoint.spec.z_dim, checkpoint.spec.c_dim, checkpoint.spec.resolution) == (8, 2, (4, 4))
    assert checkpoint.discriminator is None
    assert explorer.render(explorer.EditState(), checkpoint).pixels.shape == (4, 4, 3)


SPOILED = {
    "missing": ({"4x4/Conv/bias": None}, "4x4/Conv/bias"),
    "extra": ({"4x4/Weird": np.zeros(3)}, "4x4/Weird"),
    "axes": ({"4x4/Conv/bias": np.zeros((4, 1))}, "axes"),
    "shape": ({"4x4/Conv/bias": np.zeros(5)}, "shape"),
    "hole": ({"16x16/Conv1/weight": np.zeros((3, 3, 4, 4))}, "double from 8"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_variables_that_do_not_fit_are_refused_by_name(tmp_path, case):
    changes, phrase = SPOILED[case]
    variables = {name: value for name, value in {**small_variables(), **changes}.items() if value is not None}
    with pytest.raises(CheckpointError, match=phrase):
        explorer.open_checkpoint(written(tmp_path, writer.file_of(small(variables))))


@pytest.mark.parametrize(
    "options",
    [
        {"label_size": "many"},
        {"use_wscale": 1},
        {"pixelnorm_epsilon": float("nan")},
        {"label_size": 10**30},
        {"label_size": -1},
        {"label_size": 10},
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options):
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(written(tmp_path, writer.file_of(small(small_variables(), options=options))))


def test_growth_beyond_the_network_is_refused(tmp_path):
    for lod in (-1.0, 0.5, 1e30):
        variables = {**small_variables(), "lod": lod}
        content = writer.file_of(small(variables))
        with pytest.raises(CheckpointError, match="lod"):
            explorer.open_checkpoint(written(tmp_path, content))


def test_weights_without_equalised_rates_are_used_as_they_are(tmp_path):
    scaled = small_variables()
    gains = {"4x4/Dense/weight": 2**0.5 / 4 / 10**0.5, "4x4/Conv/weight": 2**0.5 / 6, "ToRGB_lod0/weight": 0.5}
    plain = {name: value * gains.get(name, 1.0) for name, value in scaled.items()}
    options = {"label_size": 0}
    pictures = []
    for variables, wscale in ((scaled, True), (plain, False)):
        content = writer.file_of(small(variables, options={**options, "use_wscale": wscale}))
        g = explorer.open_checkpoint(written(tmp_path, content)).generator
        pictures.append(g.synthesize(g.style(g.map(torch.ones(1, 10))[:, None])))
    torch.testing.assert_close(*pictures, rtol=1e-5, atol=1e-5)


def test_one_array_under_many_names_does_not_fill_the_memory(tmp_path):
    shared = np.zeros((100, 2000), dtype=np.float32)
    state = {
        "version": 2,
        "build_func_name": "G_paper",
        "static_kwargs": {},
        "variables": [(f"v{i}", shared) for i in range(4000)],
    }
    with pytest.raises(CheckpointError, match="more variables"):
        read_tensorflow_pickle(memoryview(bytearray(_with_shared_array(state))))


def _short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode() + b"\x94"


class Network:
    """Pickled by Python itself, whose memo keeps an array that is met again."""

    def __init__(self, state):
        self.__dict__.update(state)


def _with_shared_array(state: dict[str, object]) -> bytes:
    content = pickle.dumps((Network(state),), protocol=4)
    ours = _short(__name__)[:-1], _short("dnnlib.tflib.network")[:-1]
    assert ours[0] in content
    # The frame's length no longer fits: take it out.
    start = content.index(b"\x95")
    return content[:start] + content[start + 9 :].replace(*ours)


def test_both_growing_families_say_how_far_they_are():
    for name in ("sg1_32_lod1.5", "progan_32_unfused_lod1.25"):
        file = checks.open_file(name)
        assert isinstance(file.g, GrowingGenerator)
        assert file.g.lod == float(file["lod"])
        assert any("fully grown" in note for note in file.checkpoint.info.notes)
        assert file.checkpoint.spec.variant == "part-grown"


STYLEGAN1_OPTIONS = [
    {},
    {"c_dim": 2, "embed_features": 5},
    {"const_input": False},
    {"use_styles": False, "told": {"dlatent_size": 12}},
    {"use_noise": False, "told": {"use_noise": False}},
    {"pixel_norm": True, "instance_norm": False, "told": {"use_pixel_norm": True, "use_instance_norm": False}},
    {"smoothing": None, "told": {"blur_filter": None}},
    {"smoothing": (1.0, 3.0, 3.0, 1.0), "told": {"blur_filter": [1, 3, 3, 1]}},
    {"fused_from": 8, "told": {"fused_scale": True}},
    {"fused_from": None, "told": {"fused_scale": False}},
    {"activation": "relu", "mapping_activation": "relu", "told": {"nonlinearity": "relu"}},
    {"normalize_latents": False, "lr_multiplier": 0.1, "told": {"normalize_latents": False, "mapping_lrmul": 0.1}},
    {"lod": 1.75},
    {"grows": False, "told": {"structure": "fixed"}},
    {"img_channels": 1},
    {"told": {"use_wscale": False}},
    {"const_input": False, "c_dim": 2, "told": {"use_wscale": False}},
]


@pytest.mark.parametrize("options", STYLEGAN1_OPTIONS, ids=str)
def test_stylegans_of_every_option_are_read_as_written(tmp_path, options):
    told = options.get("told", {})
    told |= {"mapping_nonlinearity": "relu"} if "mapping_activation" in options else {}
    changes = {name: value for name, value in options.items() if name != "told"}
    config = dataclasses.replace(STYLEGAN1_CONFIG, **changes)
    g = made(config)
    g.mapping.w_avg.copy_(torch.randn(12))
    content = writer.file_of(stylegan1_writer.stylegan1(g, told))
    checkpoint = explorer.open_checkpoint(written(tmp_path, content))
    c_dim_alone = {"embed_features": config.embed_features or config.z_dim} if config.c_dim else {}
    read = checkpoint.generator.config
    assert dataclasses.replace(read, layer_features=None) == dataclasses.replace(config, **c_dim_alone)
    theirs, ours = g.state_dict(), checkpoint.generator.state_dict()
    assert theirs.keys() == ours.keys()
    for name in theirs:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-5, atol=1e-6)


def test_truncation_needs_both_of_its_numbers_in_stylegan_alone(tmp_path):
    g = made(STYLEGAN1_CONFIG)
    for told, expected in (
        ({}, (0.7, 8)),
        ({"truncation_psi": None}, (None, None)),
        ({"truncation_cutoff": None}, (None, None)),
        ({"truncation_psi": 0.5, "truncation_cutoff": 3}, (0.5, 3)),
    ):
        info = explorer.open_checkpoint(written(tmp_path, writer.file_of(stylegan1_writer.stylegan1(g, told)))).info
        assert (info.default_psi, info.default_cutoff) == expected
