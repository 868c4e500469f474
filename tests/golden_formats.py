"""Compare a network opened from an older or third-party file with the original implementation's values."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import explorer
from explorer import Noise
from tests.tolerances import FORMAT_SCORES, IMAGE_SHARE, NETS

GOLDEN = Path(__file__).parent / "golden" / "formats"


@dataclass(frozen=True)
class GoldenFile:
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

    def __contains__(self, key: str) -> bool:
        return key in self.values.files

    def named(self, prefix: str) -> list[str]:
        return [key for key in self.values.files if key.startswith(prefix)]

    @property
    def image_bound(self) -> float:
        return max(IMAGE_SHARE * max(1.0, float(self["img_std"])), 10 * float(self["ref_noise_abs"]))

    def classes(self, count: int) -> Tensor | None:
        return self["c"][:count] if "c" in self else None


@cache
def open_file(name: str) -> GoldenFile:
    """Tests leave the opened networks as they found them."""
    path = next(path for path in GOLDEN.glob(f"{name}.*") if path.suffix in (".pkl", ".pt") and path.stem == name)
    return GoldenFile(np.load(GOLDEN / f"{name}.npz"), explorer.open_checkpoint(path))


def assert_image(file: GoldenFile, actual: Tensor, expected: Tensor) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= file.image_bound


def everywhere(file: GoldenFile, w: Tensor) -> Tensor:
    return explorer.broadcast(w, file.g.spec.num_ws)


def picture(file: GoldenFile, w_plus: Tensor, **options: object) -> Tensor:
    return file.g.synthesize(file.g.style(w_plus), **options)


def check_mapping(file: GoldenFile) -> None:
    assert file.g.spec.num_ws == int(file["num_layers"])
    torch.testing.assert_close(file.g.map(file["z"], file.classes(4)), file["w"], **NETS.kwargs)
    if "w_avg" in file:
        torch.testing.assert_close(file.g.w_avg()[0], file["w_avg"], **NETS.kwargs)


def check_truncation(file: GoldenFile, centre: Tensor) -> None:
    names = file.named("w_psi")
    assert names
    for name in names:
        psi, _, cutoff = name.removeprefix("w_psi").partition("_cut")
        expected = file[name]
        w_plus = everywhere(file, file["w"][: len(expected)])
        actual = explorer.truncate(w_plus, centre, psi=float(psi), cutoff=int(cutoff) if cutoff else None)
        torch.testing.assert_close(actual, expected, **NETS.kwargs)


def check_images(file: GoldenFile) -> None:
    img = file["img"]
    assert_image(file, picture(file, everywhere(file, file["w"][: len(img)])), img)
    for name in file.named("img_psi"):
        assert_image(file, picture(file, file["w_" + name.removeprefix("img_")][:1]), file[name])
    if "img_w_plus" in file:
        assert_image(file, picture(file, file["w_plus"]), file["img_w_plus"])


def check_without_noise(file: GoldenFile) -> None:
    silent = file["img_zeronoise" if "img_zeronoise" in file else "img_nonoise"]
    assert_image(file, picture(file, everywhere(file, file["w"][: len(silent)]), noise=Noise("none")), silent)


def check_mixing(file: GoldenFile) -> None:
    first, second = everywhere(file, file["w"])[:2]
    for k, expected in zip(file["mix_k"].tolist(), file["mix_img"], strict=True):
        assert_image(file, picture(file, torch.cat([first[:k], second[k:]])[None]), expected[None])


def check_scores(file: GoldenFile) -> None:
    img, scores = file["img"], file["scores"]
    torch.testing.assert_close(file.d(img, file.classes(len(img))), scores, **FORMAT_SCORES.kwargs)
    torch.testing.assert_close(file.d(img[:1], file.classes(1)), file["scores_n1"], **FORMAT_SCORES.kwargs)
