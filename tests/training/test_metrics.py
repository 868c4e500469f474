"""That metrics are what their papers define: closed forms, laws, and models that are as bad or good as they say."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from explorer.checkpoints import open_checkpoint
from explorer.generators import stylegan2
from explorer.project.bundled import find_bundled
from tests.training.conftest import SAMPLE
from training.config import TrainingConfig
from training.data import TrainingSet, open_training_set
from training.evaluate import QuickMetrics
from training.metrics.distances import (
    frechet_distance,
    inception_score,
    kernel_distance,
    kernel_distance_of_subsets,
    moments,
    precision_recall,
)
from training.metrics.embedding import Embedder, cached_features, open_embedder
from training.metrics.equivariance import equivariance, moved_constant
from training.metrics.generated import generated, path_length, path_lengths, slerp
from training.metrics.measure import Counts, MetricError, compare, measure
from training.state import new_state

ROOT = Path(__file__).parents[2]


def normal(count: int, *, mean: Tensor, root: Tensor, seed: int) -> Tensor:
    drawn = torch.randn(count, len(mean), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return mean + drawn @ root.T


def test_the_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    # Covariances that commute: (sum of squared differences of means and of deviations).
    a = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    b = torch.tensor([2.0, 1.0, 0.5], dtype=torch.float64)
    shift = torch.tensor([3.0, 0.0, -1.0], dtype=torch.float64)
    x = normal(200_000, mean=torch.zeros_like(shift), root=torch.diag(a), seed=0)
    y = normal(200_000, mean=shift, root=torch.diag(b), seed=1)
    expected = float(shift.square().sum() + (a - b).square().sum())
    assert frechet_distance(moments(x), moments(y)) == pytest.approx(expected, rel=0.01)


def test_the_frechet_distance_is_that_of_the_matrix_root_and_a_distance() -> None:
    draw = torch.Generator().manual_seed(0)
    x, y = (
        torch.randn(40, 12, generator=draw, dtype=torch.float64) @ torch.randn(12, 12, generator=draw).double()
        for _ in range(2)
    )
    a, b = moments(x), moments(y)
    root = scipy.linalg.sqrtm(a.covariance.numpy() @ b.covariance.numpy()).real
    expected = float((a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace()) - 2 * np.trace(
        root
    )
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    assert np.allclose(a.covariance.numpy(), np.cov(x.numpy(), rowvar=False, bias=True))
    # Fewer pictures than features: the covariance has no inverse, and need not.
    few = moments(x[:5])
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-4)


def test_the_kernel_distance_of_gaussians_is_the_closed_form() -> None:
    # In one dimension E[(xy + 1)³] = 1 + 3 E[x] E[y] + 3 E[x²] E[y²] + E[x³] E[y³] for independent x and y.
    def expected(m: float, n: float) -> float:
        def kernel(p: float, q: float) -> float:
            second = (p * p + 1, q * q + 1)
            third = (p**3 + 3 * p, q**3 + 3 * q)
            return 1 + 3 * p * q + 3 * second[0] * second[1] + third[0] * third[1]

        return kernel(m, m) + kernel(n, n) - 2 * kernel(m, n)

    one = torch.ones(1, 1, dtype=torch.float64)
    x = normal(4000, mean=torch.zeros(1, dtype=torch.float64), root=one, seed=0)
    y = normal(4000, mean=torch.ones(1, dtype=torch.float64), root=one, seed=1)
    assert kernel_distance(x, y) == pytest.approx(expected(0, 1), rel=0.1)
    near, spread = kernel_distance_of_subsets(x[:2000], x[2000:], subsets=20, size=500)
    assert abs(near) < 3 * spread < expected(0, 1) / 10


def test_the_kernel_distance_is_unbiased() -> None:
    # Small sets of the same distribution: a biased one would be well above zero.
    values = [
        kernel_distance(*torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(seed))) for seed in range(400)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(len(values))


def test_precision_and_recall_tell_quality_from_variety() -> None:
    draw = torch.Generator().manual_seed(0)
    real = torch.rand(800, 2, generator=draw)
    half = torch.rand(800, 2, generator=draw) * torch.tensor([0.5, 1.0])
    wide = torch.rand(800, 2, generator=draw) * 2
    assert min(precision_recall(real, torch.rand(800, 2, generator=draw))) > 0.85
    precision, recall = precision_recall(real, half)
    assert precision > 0.85
    assert recall == pytest.approx(0.5, abs=0.1)
    precision, recall = precision_recall(real, wide)
    assert precision == pytest.approx(0.25, abs=0.1)
    assert precision_recall(real, real + 100) == (0, 0)
    with pytest.raises(ValueError, match="more than 3"):
        precision_recall(real[:3], real)


def test_precision_by_hand() -> None:
    # Radii of the reals to their third nearest: 3, 2, 2, 3.
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    fake = torch.tensor([[5.9], [6.1], [-2.9], [1.5]])
    assert precision_recall(real, fake)[0] == 0.75


def test_the_score_of_classes_counts_sure_and_equally_many_ones() -> None:
    sure = torch.eye(7).repeat(20, 1) * 100
    assert inception_score(sure, splits=10)[0] == pytest.approx(7)
    assert inception_score(torch.zeros(50, 7))[0] == pytest.approx(1)
    assert inception_score(sure[:1].repeat(50, 1))[0] == pytest.approx(1)


def test_path_lengths_leave_the_ends_out_and_paths_are_great_circles() -> None:
    lengths = torch.cat([torch.ones(198), torch.tensor([0.0, 1e9])]).double()
    assert path_length(lengths) == 1
    a, b = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 5.0]])
    half = math.sqrt(0.5)
    torch.testing.assert_close(slerp(a, b, torch.tensor([[0.5]])), torch.tensor([[half, half]]))
    torch.testing.assert_close(slerp(a, b, torch.tensor([[0.0]])), torch.tensor([[1.0, 0.0]]))


class _Plain(torch.nn.Module):
    """A feature network that sees the mean colour: small enough to follow by hand."""

    name = "Mean-colour 1"
    channels, strides, heads = (3,), (1,), (None,)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("one", torch.ones(1))
        self.asked = 0

    def forward(self, images: Tensor, *, scales: int | None = None) -> tuple[Tensor, ...]:
        return (images,)

    def embed(self, images: Tensor) -> Tensor:
        self.asked += len(images)
        return images.mean(dim=(2, 3))


def plain() -> Embedder:
    return Embedder(_Plain(), 8, "plain", torch.device("cpu"))


def test_what_a_network_saw_of_real_pictures_is_kept_and_found_again(tmp_path: Path, dots: TrainingSet) -> None:
    embedder = plain()
    first = cached_features(embedder, dots.images, folder=tmp_path)
    assert embedder.network.asked == len(dots.images)  # type: ignore[attr-defined]
    again = cached_features(embedder, dots.images, folder=tmp_path)
    assert embedder.network.asked == len(dots.images)  # type: ignore[attr-defined]
    assert torch.equal(first.embedded, again.embedded)
    cached_features(embedder, dots.images.flip(3), folder=tmp_path)
    assert embedder.network.asked == 2 * len(dots.images)  # type: ignore[attr-defined]
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")
    assert torch.equal(cached_features(embedder, dots.images, folder=tmp_path).embedded, first.embedded)
    # A place that cannot be written is done without.
    (tmp_path / "file").touch()
    cached_features(embedder, dots.images, folder=tmp_path / "file" / "no")


def test_names_say_which_network_looked(tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path) -> None:
    generator = new_state(tiny, dots).average
    found = measure(
        generator, dots, plain(), wanted=("fid", "kid", "pr"), counts=Counts(fakes=12, subsets=2), cache=tmp_path
    )
    assert [metric.key for metric in found] == [
        "fid_mean_colour_1", "kid_x1000_mean_colour_1", "precision_mean_colour_1", "recall_mean_colour_1",
    ]  # fmt: skip
    assert all("(Mean-colour 1)" in metric.name for metric in found)


def test_fakes_are_fixed_varied_and_have_the_classes_of_the_data(tiny: TrainingConfig, dots: TrainingSet) -> None:
    generator = new_state(tiny, dots).average
    first = torch.cat(list(generated(generator, count=10, labels=dots.labels)))
    again = torch.cat(list(generated(generator, count=10, labels=dots.labels)))
    other = torch.cat(list(generated(generator, count=10, labels=dots.labels, seed=1)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    asked: list[Tensor] = []
    original = generator.map

    class Watching:
        def __getattr__(self, name: str) -> object:
            return getattr(generator, name)

        def map(self, z: Tensor, c: Tensor) -> Tensor:
            asked.append(c)
            return original(z, c)

    only = torch.eye(3)[[2, 2]]
    list(generated(Watching(), count=5, labels=only))  # type: ignore[arg-type]
    assert torch.cat(asked).argmax(dim=1).tolist() == [2] * 5


def test_the_path_length_of_a_linear_picture_is_known(tiny: TrainingConfig, dots: TrainingSet) -> None:
    # Doubling epsilon changes nothing where pictures change evenly.
    generator = new_state(tiny, dots).average
    network = plain().network
    lengths = [
        path_length(torch.cat(list(path_lengths(generator, network, count=8, epsilon=epsilon))))
        for epsilon in (1e-2, 2e-2)
    ]
    assert lengths[0] > 0
    assert lengths[0] == pytest.approx(lengths[1], rel=0.05)


def test_a_constant_moves_by_shares_of_the_picture_and_goes_on_at_its_border() -> None:
    const = torch.arange(16.0).reshape(1, 4, 4)
    still = torch.eye(3)
    assert torch.allclose(moved_constant(const, still), const, atol=1e-5)
    right = torch.tensor([[1, 0, 0.25], [0, 1, 0], [0, 0, 1.0]])
    assert torch.allclose(moved_constant(const, right)[0, :, 1:], const[0, :, :-1], atol=1e-5)
    assert torch.allclose(moved_constant(const, right)[0, :, 0], const[0, :, 0], atol=1e-5)
    quarter = torch.tensor([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])
    assert torch.allclose(moved_constant(const, quarter), const.rot90(1, (1, 2)), atol=1e-4)


def test_stylegan2_follows_worse_than_a_picture_moves_by_itself() -> None:
    generator = open_checkpoint(find_bundled("toons64").path).generator
    assert isinstance(generator, stylegan2.Generator)
    before = generator.synthesis.b4.const.detach().clone()
    measured = equivariance(generator, samples=2)
    assert measured is not None
    found, moved = measured
    assert 0 < found.translation.psnr_db < 40
    assert 0 < found.rotation.psnr_db < 40
    assert "constant" in moved
    assert torch.equal(generator.synthesis.b4.const, before)


def test_the_bundled_network_ranks_noise_behind_other_faces() -> None:
    toons = open_training_set(SAMPLE).images
    embedder = open_embedder()
    real, faces = embedder(toons[:24]), embedder(toons[24:48])
    noise = embedder(
        torch.randint(0, 256, (24, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    )
    near, far = (
        {metric.key: metric.value for metric in compare(real, fake, embedder, wanted=("fid", "kid", "is"), subsets=4)}
        for fake in (faces, noise)
    )
    assert set(near) == {"fid_efficientnet_lite0", "kid_x1000_efficientnet_lite0", "is_efficientnet_lite0"}
    assert far["fid_efficientnet_lite0"] > 3 * near["fid_efficientnet_lite0"]
    assert far["kid_x1000_efficientnet_lite0"] > 10 * abs(near["kid_x1000_efficientnet_lite0"])


@pytest.mark.parametrize("metric", ["kid", "fid", "pixels"])
def test_the_quick_metric_that_was_chosen_comes_first(
    tiny: TrainingConfig, toons: TrainingSet, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.evaluate.open_embedder", plain)
    _, held_out = toons.split(20)
    quick = QuickMetrics(held_out, metric=metric, count=6)  # type: ignore[arg-type]
    found = quick(new_state(tiny, toons).average)
    assert next(iter(found)).startswith("kid_x1000_pixels" if metric == "pixels" else metric)
    assert len(found) == (1 if metric == "pixels" else 3)
    assert quick(new_state(tiny, toons).average) == found


def test_a_run_from_before_there_was_a_choice_goes_on_with_pixels(tiny: TrainingConfig) -> None:
    settings = json.loads(tiny.to_json())
    del settings["metric"]
    assert TrainingConfig.from_json(json.dumps(settings)).metric == "pixels"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("fid",), r"draws 64 x 64 .* holds 8 x 8: .*--size 64x64"),
        (("sharpness",), "no metric 'sharpness'"),
        ((), "no metric was asked for"),
    ],
)
def test_what_cannot_be_measured_is_said(dots: TrainingSet, wanted: tuple[str, ...], message: str) -> None:
    generator = open_checkpoint(find_bundled("toons64").path).generator
    with pytest.raises(MetricError, match=message):
        measure(generator, dots, plain(), wanted=wanted, counts=Counts(fakes=4))


def test_a_network_without_classes_gives_no_score_of_classes(tiny: TrainingConfig, dots: TrainingSet) -> None:
    with pytest.raises(MetricError, match="knows no classes"):
        measure(new_state(tiny, dots).average, dots, plain(), wanted=("is",), counts=Counts(fakes=4))


def test_the_command_measures_the_bundled_model(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "main.py",
        "metrics",
        str(find_bundled("toons64").path),
        str(SAMPLE),
        "--last=8",
        "--json",
    ]
    options = ["--pictures=8", "--metrics=kid,pr,eq", "--moves=1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"kid_x1000_efficientnet_lite0", "precision_efficientnet_lite0", "eq_t_db", "eq_r_db"} <= found.keys()
    assert list((tmp_path / "latent-explorer" / "metrics").glob("*.npz"))
