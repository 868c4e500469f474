from dataclasses import replace

import numpy as np
import torch

import explorer
from explorer.project import BlobStore
from explorer.rendering import Renderer
from explorer.rendering.centres import centre_of, find_centres
from explorer.state import (
    CENTRES,
    NEAREST,
    Blend,
    EditState,
    Mix,
    Noise,
    SeedBlend,
    SeedPad,
    Stored,
    Truncation,
    interpolate,
)
from tests.models import golden
from tests.tolerances import STYLES


def islands(counts: list[int]) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    parts = [torch.randn(count, 5, generator=random) * 0.01 + 10 * i for i, count in enumerate(counts)]
    return torch.cat(parts)


def test_islands_are_found_the_most_crowded_first() -> None:
    counts = list(range(20, 20 + CENTRES))
    centres = find_centres(islands(counts))

    assert centres.mean(dim=1).div(10).round().tolist() == list(reversed(range(CENTRES)))


def test_the_same_model_gives_the_same_bits() -> None:
    samples = Renderer(golden("sg2_32_cond3")).directions.samples

    assert find_centres(samples).equal(find_centres(samples.clone()))


def test_fewer_styles_than_clusters_are_no_fault() -> None:
    assert find_centres(torch.zeros(64, 4)).abs().max() == 0


def test_each_row_finds_its_own_nearest_centre() -> None:
    centres = islands([1] * CENTRES)
    w_plus = torch.stack([centres[3], centres[7] + 1, centres[0]])[None]

    assert centre_of(w_plus, centres, NEAREST)[0].equal(centres[[3, 7, 0]])
    assert centre_of(w_plus, centres, 5)[0].equal(centres[[5, 5, 5]])


def test_psi_zero_gives_one_picture_for_each_centre_and_psi_one_changes_nothing() -> None:
    renderer = Renderer(golden("sg2_64_rgb"))

    def pixels(seed: float, psi: float, centre: int | None) -> np.ndarray:
        return renderer.frame(EditState(latent=SeedPad(seed, 0), truncation=Truncation(psi, None, centre))).pixels

    assert np.array_equal(pixels(1, 0, 2), pixels(5, 0, 2))
    assert not np.array_equal(pixels(1, 0, 2), pixels(1, 0, 3))
    assert not np.array_equal(pixels(1, 0, 2), pixels(1, 0, None))
    assert np.array_equal(pixels(1, 1, 2), pixels(1, 1, None))
    assert np.array_equal(
        pixels(4, 0.5, NEAREST),
        explorer.render(
            EditState(latent=SeedPad(4, 0), truncation=Truncation(0.5, None, NEAREST)), renderer.checkpoint
        ).pixels,
    )


def test_a_blend_is_on_the_line_between_its_latents_of_any_kind() -> None:
    blobs = BlobStore()
    renderer = Renderer(golden("sg3t_64"), blobs=blobs)
    a, b = EditState(latent=SeedPad(2.5, 0)), EditState(latent=SeedBlend(((9, 1.0),)))
    stored = replace(b, latent=Stored("w_plus", blobs.put(renderer.w_plus(b)[0].numpy())))
    line = renderer.w_plus(a) * 0.75 + renderer.w_plus(b) * 0.25

    for other in (b, stored):
        torch.testing.assert_close(renderer.w_plus(interpolate(a, other, 0.25)), line, **STYLES.kwargs)
    assert renderer.w_plus(EditState(latent=Blend(((a.latent, 1.0),)))).equal(renderer.w_plus(a))
    assert renderer.w_plus(EditState(latent=Blend(()))).equal(renderer.w_plus(EditState(latent=SeedBlend(()))))


def test_a_layers_noise_factor_multiplies_the_strength_of_that_layer_alone() -> None:
    for name in ("sg2_64_rgb", "sg2_32_resnet"):
        checkpoint = golden(name)
        renderer = Renderer(checkpoint)
        noisy = [layer.name for layer in checkpoint.spec.layers if layer.noisy]
        every = Noise("const", strength=0.5, layers=tuple((layer, 2.0) for layer in noisy))
        off = Noise("const", layers=tuple((layer, 0.0) for layer in noisy))

        assert np.array_equal(renderer.frame(EditState(noise=every)).pixels, renderer.frame(EditState()).pixels)
        assert np.array_equal(
            renderer.frame(EditState(noise=off)).pixels, renderer.frame(EditState(noise=Noise("none"))).pixels
        )
        last = replace(EditState(), noise=Noise("const", layers=((noisy[-1], 3.0),)))
        resumed = Renderer(checkpoint)
        resumed.frame(EditState())
        frame = resumed.frame(last)
        index = [layer.name for layer in checkpoint.spec.layers].index(noisy[-1])
        assert frame.timings.layers_run == len(checkpoint.spec.layers) - index
        assert np.array_equal(frame.pixels, explorer.render(last, checkpoint).pixels)


def test_mixing_sources_apply_in_order() -> None:
    renderer = Renderer(golden("sg2_64_rgb"))
    mixed = renderer.w_plus(EditState(mixing=(Mix(SeedPad(1, 0), (0, 1)), Mix(SeedPad(2, 0), (1, 2)))))
    seeds = [renderer.w_plus(EditState(latent=SeedPad(seed, 0))) for seed in range(3)]

    assert [next(i for i, seed in enumerate(seeds) if seed[:, row].equal(mixed[:, row])) for row in range(4)] == [
        1,
        2,
        2,
        0,
    ]
