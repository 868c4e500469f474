import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer import Noise
from explorer.errors import CheckpointError
from explorer.generators.lightweight_layers import Attention
from explorer.state import Mix, SeedPad, Slider, Truncation
from tests import golden_formats as checks
from tests.checkpoints.test_opening import written
from tests.checkpoints.test_torch_files import saved
from tests.tolerances import FORMAT_SCORES, NETS

NAME = "lucidrains_32"


@pytest.fixture
def file():
    return checks.open_file(NAME)


@pytest.fixture(scope="module")
def table():
    return torch.load(checks.GOLDEN / f"{NAME}.pt", weights_only=True)["GAN"]


def shown(file, w_plus, noise, generator=None):
    """The published colours, between 0 and 1, with a noise picture for each sample."""
    g = generator or file.g
    stored = g.noise_const
    try:
        g.noise_const = noise[..., 0]
        return (g.synthesize(g.style(w_plus)) + 1) / 2
    finally:
        g.noise_const = stored


def test_mapping_gives_the_published_styles(file):
    checks.check_mapping(file)


def test_pictures_are_the_published_ones(file):
    w_plus = checks.everywhere(file, file["w"][:2])
    checks.assert_image(file, shown(file, w_plus, file["input_noise"][:2]), file["img"])
    clamped = shown(file, w_plus[:1], file["input_noise"][:1]).clamp(0, 1)
    checks.assert_image(file, clamped, file["img_clamped"])


def test_pictures_without_noise_are_the_published_ones(file):
    w_plus = checks.everywhere(file, file["w"][:1])
    image = checks.picture(file, w_plus, noise=Noise("none"))
    checks.assert_image(file, (image + 1) / 2, file["img_zeronoise"])


def test_truncation_is_ours(file):
    w_plus = explorer.truncate(checks.everywhere(file, file["w"]), file["av"], psi=0.75)
    torch.testing.assert_close(w_plus[:, 0], file["w_psi0.75"], **NETS.kwargs)
    checks.assert_image(file, shown(file, w_plus[:1], file["input_noise"][:1]), file["img_psi0.75"])


def test_mixed_styles_give_the_published_pictures(file):
    first, second = checks.everywhere(file, file["w"])[:2]
    for k, expected in zip(file["mix_k"].tolist(), file["mix_img"], strict=True):
        w_plus = torch.cat([first[:k], second[k:]])[None]
        checks.assert_image(file, shown(file, w_plus, file["input_noise"][:1]), expected[None])


def test_scores_are_the_published_ones(file):
    scores = file.d(file["img"] * 2 - 1)
    torch.testing.assert_close(scores[:, 0], file["scores"], **FORMAT_SCORES.kwargs)


def test_the_plain_networks_serve_without_the_averaged(tmp_path, file, table):
    plain = {name: tensor for name, tensor in table.items() if not name.startswith(("GE.", "SE."))}
    checkpoint = explorer.open_checkpoint(written(tmp_path, saved({"GAN": plain})))
    assert checkpoint.info.used == "S, G"
    g = checkpoint.generator
    w = g.map(file["z"][:1])
    w_plus = explorer.broadcast(w, g.spec.num_ws)
    checks.assert_image(file, shown(file, w_plus, file["input_noise"][:1], g), file["img_nonema"])


def test_the_mapping_factor_is_read_from_the_file_beside(tmp_path, file):
    path = tmp_path / "model_1.pt"
    shutil.copy(checks.GOLDEN / f"{NAME}.pt", path)
    assert any("lr_mlp" in note for note in explorer.open_checkpoint(path).info.notes)
    options = json.loads(str(file.values["config_json"]))
    (tmp_path / ".config.json").write_text(json.dumps({**options, "lr_mlp": 0.2}))
    checkpoint = explorer.open_checkpoint(path)
    assert checkpoint.generator.config.lr_multiplier == 0.2
    assert not any("lr_mlp" in note for note in checkpoint.info.notes)
    for broken in ("{", "[]", '{"lr_mlp": "x"}', '{"lr_mlp": true}'):
        (tmp_path / ".config.json").write_text(broken)
        assert explorer.open_checkpoint(path).generator.config.lr_multiplier == 0.1
    (tmp_path / ".config.json").write_text('{"lr_mlp": -1}')
    with pytest.raises(CheckpointError, match="lr_multiplier"):
        explorer.open_checkpoint(path)


def test_saving_and_opening_again_changes_no_number(tmp_path, file):
    explorer.save_checkpoint(file.checkpoint, tmp_path / "ours.safetensors")
    again = explorer.open_checkpoint(tmp_path / "ours.safetensors")
    assert again.spec == file.checkpoint.spec
    for ours, theirs in ((again.generator, file.g), (again.discriminator, file.d)):
        ours, theirs = ours.state_dict(), theirs.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_every_panel_renders(file):
    plain = explorer.render(explorer.EditState(), file.checkpoint)
    state = explorer.EditState(
        latent=SeedPad(0.5, 0.25),
        truncation=Truncation(psi=0.7, cutoff=2),
        mixing=(Mix(SeedPad(7, 0), layers=(0, 3)),),
        sliders=(Slider("pca", 0, 1.0),),
        noise=Noise("random", seed=3),
    )
    frame = explorer.render(state, file.checkpoint)
    assert frame.dropped == ()
    assert not np.array_equal(frame.pixels, plain.pixels)


def test_every_layer_can_be_looked_at_and_resumed_from(file):
    g = file.g
    s = g.style(checks.everywhere(file, file["w"][:1]))
    whole = g.synthesize(s)
    for name in g.spec.activations:
        assert g.synthesize(s, until=name).isfinite().all(), name
    for step in g.steps(s):
        assert torch.equal(g.synthesize(s, start=step), whole)


def theirs_with_attention(table, *, block: int, seed: int = 0):
    """The file's networks with attention before a block, in that project's own terms."""
    random = torch.Generator().manual_seed(seed)
    channels = table[f"GE.blocks.{block}.conv1.weight"].shape[1]
    shapes = {
        "0.fn.fn.to_q.weight": (512, channels, 1, 1),
        "0.fn.fn.to_kv.net.0.weight": (channels, 1, 3, 3),
        "0.fn.fn.to_kv.net.1.weight": (1024, channels, 1, 1),
        "0.fn.fn.to_out.weight": (channels, 512, 1, 1),
        "0.fn.fn.to_out.bias": (channels,),
        "0.fn.norm.g": (1, channels, 1, 1),
        "0.fn.norm.b": (1, channels, 1, 1),
        "1.fn.fn.0.weight": (2 * channels, channels, 1, 1),
        "1.fn.fn.0.bias": (2 * channels,),
        "1.fn.fn.2.weight": (channels, 2 * channels, 1, 1),
        "1.fn.fn.2.bias": (channels,),
        "1.fn.norm.g": (1, channels, 1, 1),
        "1.fn.norm.b": (1, channels, 1, 1),
    }
    made = {name: torch.randn(shape, generator=random) * 0.3 for name, shape in shapes.items()}
    return {**table, **{f"GE.attns.{block}.{name}": tensor for name, tensor in made.items()}}


@pytest.mark.parametrize("block", [0, 2])
def test_attention_opens_and_changes_the_picture(tmp_path, file, table, block):
    checkpoint = explorer.open_checkpoint(written(tmp_path, saved({"GAN": theirs_with_attention(table, block=block)})))
    assert checkpoint.generator.config.attention == (block,)
    assert checkpoint.spec.variant == "attention"
    w_plus = checks.everywhere(file, file["w"][:1])
    ours = checkpoint.generator
    assert not torch.equal(ours.synthesize(ours.style(w_plus)), checks.picture(file, w_plus))


def test_attention_is_what_its_definition_says():
    torch.manual_seed(0)
    layer, x = Attention(6).double(), torch.randn(2, 6, 4, 5, dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter))
        mean, deviation = x.mean(dim=1, keepdim=True), (x.var(dim=1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        normed = (x - mean) / deviation * layer.norm.scale[:, None, None] + layer.norm.shift[:, None, None]
        key, value = layer.key_value(layer.near(normed)).chunk(2, dim=1)
        query = layer.query(normed)
        seen = torch.empty_like(query)
        for n in range(2):
            for head in range(8):
                part = slice(64 * head, 64 * head + 64)
                # One row a place.
                q, k, v = (t[n, part].flatten(1).t() for t in (query, key, value))
                context = k.softmax(dim=0).t() @ v
                seen[n, part] = (q.softmax(dim=1) / 8 @ context).t().reshape(64, 4, 5)
        between = x + layer.out(nn.functional.gelu(seen))
        widened = nn.functional.leaky_relu(layer.widen(layer.widen_norm(between)), 0.2)
        torch.testing.assert_close(layer(x), between + layer.narrow(widened), rtol=1e-9, atol=1e-9)


def test_a_start_from_the_mean_style_is_that_projects_transposed_convolution(tmp_path, file, table):
    random = torch.Generator().manual_seed(3)
    start = torch.randn(28, 32, 4, 4, generator=random) * 0.2
    changed = {name: tensor for name, tensor in table.items() if name != "GE.initial_block"}
    changed["GE.to_initial_block.weight"] = start
    g = explorer.open_checkpoint(written(tmp_path, saved({"GAN": changed}))).generator
    w_plus = torch.randn(2, g.spec.num_ws, 28, generator=random)
    s = g.style(w_plus)
    assert [part.shape[1] for part in s] == [layer.style_dim for layer in g.spec.layers]
    x = nn.functional.conv_transpose2d(w_plus.mean(dim=1)[:, :, None, None], start)
    expected = g.synthesis.b4.conv0(g.synthesis.conv(x), s[0][:, :32], g.noise_const)
    torch.testing.assert_close(g.synthesize(s, until="b4.conv0"), expected, rtol=1e-5, atol=1e-5)


def test_what_does_not_fit_is_refused_by_name(tmp_path, table):
    for name, tensor in (("GE.blocks.1.to_noise1.bias", None), ("GE.blocks.1.strange", torch.zeros(2))):
        changed = {key: value for key, value in table.items() if key != name}
        changed |= {} if tensor is None else {name: tensor}
        with pytest.raises(CheckpointError, match=name.removeprefix("GE.")):
            explorer.open_checkpoint(written(tmp_path, saved({"GAN": changed})))
    quantized = {**table, "D.quantize_blocks.0.fn.embed": torch.zeros(4, 4)}
    checkpoint = explorer.open_checkpoint(written(tmp_path, saved({"GAN": quantized})))
    assert checkpoint.discriminator is None
    assert any("discriminator" in note for note in checkpoint.info.notes)
