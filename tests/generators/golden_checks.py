"""Compare an opened network with the published implementation's values; used by the tests of every family."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import explorer
from explorer import Noise
from tests.tolerances import GRADIENT_SHARE, IMAGE_SHARE, NETS

GOLDEN = Path(__file__).parents[1] / "golden" / "nets"


@dataclass(frozen=True)
class GoldenNet:
    values: np.lib.npyio.NpzFile
    checkpoint: explorer.Checkpoint

    @property
    def g(self):
        return self.checkpoint.generator

    @property
    def d(self):
        return self.checkpoint.discriminator

    def __getitem__(self, key: str) -> Tensor:
        return torch.from_numpy(np.array(self.values[key]))

    def named(self, prefix: str) -> list[str]:
        return [key for key in self.values.files if key.startswith(prefix)]

    @property
    def image_bound(self) -> float:
        return IMAGE_SHARE * max(1.0, float(self["img_std"]))

    @property
    def weights_of_gradient(self) -> Tensor:
        if "grad_R" in self.values.files:
            return self["grad_R"]
        seed = int(self["seed_grad_R"])
        shape = (2, self.g.spec.img_channels, *self.g.spec.resolution)
        return torch.from_numpy(np.random.RandomState(seed).randn(*shape).astype(np.float32))

    @property
    def other_images(self) -> Tensor:
        if "real_img" in self.values.files:
            return self["real_img"]
        noise = np.random.RandomState(int(self["seed_real_img"])).randn(*self["img"].shape).astype(np.float32)
        return torch.from_numpy(np.clip(noise, -2, 2) * np.float32(0.5))


@cache
def open_net(name: str) -> GoldenNet:
    """Tests leave the opened network as they found it."""
    return GoldenNet(np.load(GOLDEN / f"{name}.npz"), explorer.open_checkpoint(GOLDEN / f"{name}.pkl"))


def assert_image(net: GoldenNet, actual: Tensor, expected: Tensor) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= net.image_bound


def assert_gradient(actual: Tensor, expected: Tensor) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= GRADIENT_SHARE * expected.abs().max()


def everywhere(net: GoldenNet, w: Tensor) -> Tensor:
    return explorer.broadcast(w, net.g.spec.num_ws)


def picture(net: GoldenNet, w_plus: Tensor, **options: object) -> Tensor:
    return net.g.synthesize(net.g.style(w_plus), **options)


def check_mapping(net: GoldenNet) -> None:
    torch.testing.assert_close(net.g.map(net["z"], net["c"]), net["w"], **NETS.kwargs)
    if net.g.spec.text:
        centre = torch.cat([net["x_avg"].expand(len(net["c"]), -1), net["c"]], dim=1)
        torch.testing.assert_close(net.g.w_avg(net["c"]), centre, **NETS.kwargs)
        return
    # StyleGAN-XL keeps a centre a class.
    c = torch.eye(net.g.spec.c_dim) if net["w_avg"].ndim == 2 else net["c"]
    torch.testing.assert_close(net.g.w_avg(c).squeeze(0), net["w_avg"], **NETS.kwargs)


def check_truncation(net: GoldenNet) -> None:
    names = net.named("w_psi")
    assert names
    for name in names:
        psi, _, cutoff = name.removeprefix("w_psi").partition("_cut")
        w_plus = everywhere(net, net.g.map(net["z"], net["c"]))
        cut = int(cutoff) if cutoff else None
        actual = explorer.truncate(w_plus, net.g.w_avg(net["c"]), psi=float(psi), cutoff=cut)
        torch.testing.assert_close(actual, net[name], **NETS.kwargs)


def check_images(net: GoldenNet) -> None:
    assert_image(net, picture(net, everywhere(net, net["w"])), net["img"])
    for name in net.named("img_psi"):
        assert_image(net, picture(net, net["w_" + name.removeprefix("img_")][:1]), net[name])


def check_noise_modes(net: GoldenNet) -> None:
    off = net["img_nonoise"]
    assert_image(net, picture(net, everywhere(net, net["w"][: len(off)]), noise=Noise("none")), off)
    if "img_randomnoise" not in net.values.files:
        return
    drawn = Noise("random", seed=int(net["randomnoise_seed"]))
    assert_image(net, picture(net, everywhere(net, net["w"][:1]), noise=drawn), net["img_randomnoise"])


def check_mixing(net: GoldenNet) -> None:
    first, second = everywhere(net, net["w"])[:2]
    for k, expected in zip(net["mix_k"].tolist(), net["mix_img"], strict=True):
        assert_image(net, picture(net, torch.cat([first[:k], second[k:]])[None]), expected[None])


def check_transforms(net: GoldenNet) -> None:
    w_plus = everywhere(net, net["w"][:1])
    features_known = "input_feat" in net.values.files
    if features_known:
        upright = picture(net, w_plus, until="input")
        torch.testing.assert_close(upright[:, :8], net["input_feat"], rtol=0, atol=IMAGE_SHARE)
    matrices = net["transform_user"]
    for i, matrix in enumerate(matrices):
        assert_image(net, picture(net, w_plus, transform=matrix), net["transform_img"][i : i + 1])
        if not features_known:
            continue
        features = picture(net, w_plus, transform=matrix, until="input")[0, :3]
        torch.testing.assert_close(features, net["transform_input_feat"][i], rtol=0, atol=IMAGE_SHARE)
    # A matrix for each sample gives what each gives alone.
    together = picture(net, w_plus.expand(len(matrices), -1, -1), transform=matrices)
    assert_image(net, together, net["transform_img"])


def check_layers(net: GoldenNet) -> None:
    names = net.values["layer_names"].tolist()
    assert list(net.g.spec.activations) == names
    s = net.g.style(everywhere(net, net["w"][:1]))
    for i, name in enumerate(names):
        actual = net.g.synthesize(s, until=name)
        assert list(actual.shape) == net.values["layer_shapes"][i].tolist(), name
        flat = actual.flatten()
        where = torch.linspace(0, flat.numel() - 1, 16, dtype=torch.float64).round().long()
        bound = net.image_bound
        assert (flat[where] - net["layer_samples"][i]).abs().max() <= bound, name
        statistics = torch.stack([flat.mean(), flat.std(), flat.abs().max()]).double()
        assert (statistics - net["layer_stats"][i]).abs().max() <= bound, name


def check_whole_call(net: GoldenNet) -> None:
    w = net.g.map(net["z"][:1], net["c"][:1])
    w_plus = explorer.truncate(everywhere(net, w), net.g.w_avg(net["c"][:1]), psi=0.5, cutoff=int(net["img_call_cut"]))
    assert_image(net, picture(net, w_plus), net["img_call_psi0.5_cut"])


def check_bytes(net: GoldenNet) -> None:
    expected = net["img_uint8"]
    image = picture(net, everywhere(net, net["w"][: len(expected)])).permute(0, 2, 3, 1)
    actual = (image * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    difference = (actual.int() - expected.int()).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 0.001


def check_logits(net: GoldenNet) -> None:
    for count in (4, 2, 1):
        logits = net.d(net["img"][:count], net["c"][:count])
        torch.testing.assert_close(logits, net[f"logits_n{count}"], **NETS.kwargs)
    torch.testing.assert_close(net.d(net.other_images, net["c"]), net["logits_real"], **NETS.kwargs)


def check_average_of_w(net: GoldenNet) -> None:
    before = net.g.mapping.w_avg.clone()
    try:
        net.g.map(net["z"], net["c"], update_emas=True)
        torch.testing.assert_close(net.g.mapping.w_avg, net["upd_w_avg"], **NETS.kwargs)
    finally:
        net.g.mapping.w_avg.copy_(before)


def check_magnitudes(net: GoldenNet) -> None:
    buffers = [net.g.synthesis.get_submodule(layer.name).magnitude_ema for layer in net.g.spec.layers[1:]]
    before = torch.stack(buffers)
    torch.testing.assert_close(before, net["magnitude_ema"].float(), **NETS.kwargs)
    try:
        image = picture(net, everywhere(net, net["w"][:2]), update_emas=True)
        torch.testing.assert_close(torch.stack(buffers), net["upd_magnitude_ema"].float(), **NETS.kwargs)
        assert_image(net, image, net["upd_img"])
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)


def check_style_gradient(net: GoldenNet) -> None:
    def check(w: Tensor) -> None:
        ws = everywhere(net, w).clone().requires_grad_()
        (gradient,) = torch.autograd.grad((picture(net, ws) * net.weights_of_gradient).sum(), ws)
        assert_gradient(gradient, net["grad_ws"])

    _on_one_side(check, net["w"][:2])


def check_parameter_gradients(net: GoldenNet) -> None:
    def check(w: Tensor) -> None:
        gradients = _gradients(net.g.synthesis, lambda: picture(net, everywhere(net, w)), net)
        _check_norms(gradients, net.values["grad_names"].tolist(), net["grad_norms"])
        for key in net.named("grad/"):
            name, _, stride = key.removeprefix("grad/").partition("@stride")
            actual = gradients[name]
            assert_gradient(actual.flatten()[:: int(stride)] if stride else actual, net[key])

    _on_one_side(check, net["w"][:2])


def _on_one_side(check: Callable[[Tensor], None], w: Tensor) -> None:
    """Check a gradient at w, or a hundredth of w's own tolerance beside it.

    One network's reference lies on a kink: the slope of one leaky ReLU hangs on the sign of a value of 2e-8, which
    differs from processor to processor. A gradient has no one value there, but one on each side.
    """
    for step in (0.0, 1e-6):
        with contextlib.suppress(AssertionError):
            check(w * (1 + step))
            return
    check(w * (1 - 1e-6))


def check_latent_gradient(net: GoldenNet) -> None:
    z = net["z"][:2].clone().requires_grad_()
    w_plus = everywhere(net, net.g.map(z, net["c"][:2]))
    (gradient,) = torch.autograd.grad((w_plus * net["grad_Rw"]).sum(), z)
    assert_gradient(gradient, net["grad_z"])


def check_discriminator_gradients(net: GoldenNet) -> None:
    image = net["img"].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net.d(image, net["c"]).sum(), image)
    assert_gradient(gradient[:1], net["grad_D_img"])
    gradients = _gradients(net.d, lambda: net.d(net["img"], net["c"]), None)
    _check_norms(gradients, net.values["grad_D_names"].tolist(), net["grad_D_norms"])


def _gradients(module: torch.nn.Module, run, net: GoldenNet | None) -> dict[str, Tensor | None]:
    parameters = dict(module.named_parameters())
    try:
        module.requires_grad_(True)
        output = run()
        loss = (output if net is None else output * net.weights_of_gradient).sum()
        found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    finally:
        module.requires_grad_(False)
    return dict(zip(parameters, found, strict=True))


def _check_norms(gradients: dict[str, Tensor | None], names: list[str], norms: Tensor) -> None:
    assert gradients.keys() == set(names)
    largest = float(norms.max())
    for name, norm in zip(names, norms.tolist(), strict=True):
        gradient = gradients[name]
        actual = -1.0 if gradient is None else float(gradient.double().norm())
        # A gradient that cancels to nothing is rounding alone.
        assert abs(actual - norm) <= GRADIENT_SHARE * abs(norm) + 1e-6 * largest, name
