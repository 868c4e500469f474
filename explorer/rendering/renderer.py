"""From a state to a frame.

Order of a frame: z -> mapping -> blend in w -> mix -> truncate -> edit -> styles -> synthesis -> output.
Every stage reads only the fields it is given and keeps a few results by them.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from collections.abc import Generator as Steps
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from explorer import ops
from explorer.generators.protocol import Generator, Step
from explorer.project.blobs import BlobStore
from explorer.project.text_folders import text_folders
from explorer.rendering.cache import Recent
from explorer.rendering.centres import find_centres
from explorer.rendering.directions import Directions, direction_steps, find_directions
from explorer.rendering.equivariance import Equivariance, equivariance_steps
from explorer.rendering.frame import Frame, Timings
from explorer.rendering.latents import LatentStage, Styles
from explorer.rendering.machine import kernels_in_use
from explorer.rendering.output import PICTURE, Shown, enlarge, pixels_of, show, shrink
from explorer.rendering.restriction import assumptions, restrict
from explorer.rendering.styles import edit, mix, pull
from explorer.rendering.synthesis import SynthesisStage, matrix_of, noise_read
from explorer.rendering.texts import Texts
from explorer.rendering.tuning import Tunings
from explorer.served import Served
from explorer.state import BlobRef, EditState, Latent, Noise, Output

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint

__all__ = ["Renderer", "render"]

_PICTURES = 32


def render(state: EditState, checkpoint: "Checkpoint", *, blobs: BlobStore | None = None) -> Frame:
    """The picture of a state. Pure: the same state and model give the same pixels.

    Args:
        state: What to show; what the model cannot do is left out and named in the frame's ``dropped``.
        checkpoint: An open model.
        blobs: The arrays that stored latents refer to.

    Raises:
        StateError: The state refers to an array that is missing or of another model.
    """
    return Renderer(checkpoint, blobs=blobs).frame(state)


class Renderer:
    """Renders states of one model and keeps what the next state may share. For one thread at a time."""

    def __init__(self, checkpoint: "Checkpoint", *, blobs: BlobStore | None = None) -> None:
        self.checkpoint = checkpoint
        self.generator: Generator = checkpoint.generator
        self.blobs = blobs
        self._device = _device_of(self.generator)
        self.texts = Texts(self.generator.spec, checkpoint.text_encoder, text_folders)
        """Encodes prompts. For any thread."""
        self._texts_version = self.texts.version
        self._latents = LatentStage(self.generator, self._device, self.texts)
        self._styles: Recent[Tensor] = Recent(16)
        self._layer_styles: Recent[list[Tensor]] = Recent(16)
        self._synthesis = SynthesisStage(self.generator, self._device)
        self._tunings = Tunings(self.generator, checkpoint.info.sha256)
        # One for each of the last tunings, the plain model's aside.
        self._tuned: Recent[SynthesisStage] = Recent(1)
        # Activations may be large: only the last ones are kept, so that contrast and channels cost nothing.
        self._activations: Recent[Tensor] = Recent(1)
        self._shown: Recent[Shown] = Recent(_PICTURES)
        self._directions: Directions | None = None
        self._centres: Tensor | None = None
        self._kernels = kernels_in_use()

    @property
    def directions(self) -> Directions:
        """The model's principal directions, found on first use."""
        if self._directions is None:
            self._directions = find_directions(self.generator, self._device)
        return self._directions

    def directions_in_steps(self) -> Iterator[float]:
        """Find the directions a little at a time; yields the share done, 0 to 1."""
        if self._directions is None:
            self._directions = yield from direction_steps(self.generator, self._device)

    @property
    def direction_count(self) -> int | None:
        """How many directions there are; ``None`` before they are found."""
        return None if self._directions is None else len(self._directions.components)

    @property
    def centres(self) -> Tensor:
        """Centres of the clusters of mapped samples, ``[CENTRES, w_dim]``, found on first use."""
        if self._centres is None:
            self._centres = find_centres(self.directions.samples)
        return self._centres

    def centres_in_steps(self) -> Iterator[float]:
        """Find the centres a little at a time; yields the share done, 0 to 1."""
        for share in self.directions_in_steps():
            yield share / 2
        _ = self.centres
        yield 1.0

    def equivariance_in_steps(self, *, samples: int, psi: float) -> Iterator[Equivariance]:
        """How well pictures follow when their input is moved; each value is of all samples so far."""
        return equivariance_steps(self.generator, samples=samples, psi=psi)

    @property
    def has_centres(self) -> bool:
        """Whether the centres are found, so that a picture need not wait for them."""
        return self._centres is not None

    def clear(self) -> None:
        """Forget every kept result but the directions and centres."""
        stages = (self._latents, self._styles, self._layer_styles, self._synthesis, self._activations, self._shown)
        self._tuned.clear()
        self._tunings.clear()
        for stage in stages:
            stage.clear()

    @property
    def kept_bytes(self) -> int:
        """Memory of the results that are kept: activations of layers, and finished pictures."""
        pictures = sum(shown.pixels.nbytes for shown in self._shown.values)
        activations = sum(kept.numel() * kept.element_size() for kept in self._activations.values)
        stages = sum(stage.memory() for stage in (self._synthesis, *self._tuned.values))
        return stages + activations + pictures

    def frame(
        self,
        state: EditState,
        *,
        cancel: Callable[[], bool] | None = None,
        on_preview: Callable[[Frame], None] | None = None,
        requested_s: float | None = None,
        request: int = 0,
    ) -> Frame:
        """The picture of a state.

        Args:
            state: What to show.
            cancel: Asked between layers; true gives the work up. What was computed stays usable.
            on_preview: Given an early, coarse picture where the architecture has one.
            requested_s: When the state was asked for, in seconds of `time.perf_counter`; now when ``None``.
            request: A number to find the frame by.

        Raises:
            Cancelled: ``cancel`` answered true.
            StateError: The state refers to an array that is missing or of another model.
        """
        clock = _Clock(requested_s)
        # What was made since the last picture, such as thumbnails, is none of this one.
        ops.take_served()
        if (self._kernels, self._texts_version) != (kernels_in_use(), self.texts.version):
            # Other kernels may give other last bits, and a picture is made by one kind alone; so with text encoders.
            self._kernels, self._texts_version = kernels_in_use(), self.texts.version
            self.clear()
        fitting, dropped = self._restrict(state)
        notes = (*dropped, *assumptions(fitting, self.generator.spec))

        def made(shown: Shown, *, preview: bool = False) -> Frame:
            timings = clock.timings(self._stage_of(fitting).layers_run, 0 if preview else self.kept_bytes)
            return Frame(shown.pixels, state, timings, notes, preview, request, shown.stats)

        def show_step(step: Step) -> None:
            if on_preview is not None and self._is_early_picture(step):
                assert step.image is not None
                pixels = pixels_of(enlarge(step.image, self.generator.spec.resolution))
                on_preview(made(Shown(pixels, None), preview=True))

        # A coarse picture is none of a layer, or of other contrast.
        early = show_step if on_preview is not None and fitting.output == Output() else None
        with torch.inference_mode():
            shown = self._draw(fitting, clock, cancel, early)
        return made(shown)

    def _draw(
        self,
        state: EditState,
        clock: "_Clock",
        cancel: Callable[[], bool] | None,
        on_step: Callable[[Step], None] | None,
    ) -> Shown:
        noise = noise_read(state.noise, self.generator.spec)
        style_key = (state.condition, state.latent, state.mixing, state.truncation, state.sliders)
        layer = None if state.output.layer in PICTURE else state.output.layer
        noise_only = state.output.noise_only and self.generator.spec.has_noise
        stage = self._stage_of(state)
        stage.layers_run = 0
        parts = _tuned_parts(state)

        def synthesize() -> Tensor:
            w_plus = self._styles.get(style_key, lambda: self._styled(state))
            clock.mark("styles in w")
            s = self._layer_styles.get(
                (style_key, parts[0]), lambda: self._tunings.style(w_plus, state.tuning, self.blobs)
            )
            clock.mark("styles")

            def image_with(noise: Noise) -> Tensor:
                if layer is None:
                    return stage.image(s, noise, state.transform, cancel=cancel, on_step=on_step)
                return stage.activation(s, noise, state.transform, layer, cancel=cancel)

            image = image_with(noise)
            if noise_only:
                image = image.float() - image_with(Noise("none")).float()
            clock.mark("synthesis")
            return image

        def compute() -> Shown:
            key = (style_key, parts, noise, state.transform, layer, noise_only)
            image = synthesize() if layer is None else self._activations.get(key, synthesize)
            return show(image, state.output, matrix=matrix_of(state.transform, self._device))

        key: Hashable = (style_key, parts, noise, state.transform, state.output)
        shown = self._shown.get(key, compute)
        clock.mark("output")
        return shown

    def _restrict(self, state: EditState) -> tuple[EditState, tuple[str, ...]]:
        fitting, dropped = restrict(state, self.generator.spec)
        fitting, tunings = self._tunings.restrict(fitting)
        return fitting, (*dropped, *tunings)

    def _stage_of(self, state: EditState) -> SynthesisStage:
        _, noise, weights = _tuned_parts(state)
        if noise is None and weights is None:
            return self._synthesis
        tuned = self._tunings.generator(state.tuning, self.blobs)
        return self._tuned.get((noise, weights), lambda: SynthesisStage(tuned, self._device))

    def _mixed(self, state: EditState) -> Styles:
        def styles(latent: Latent) -> Styles:
            return self._latents.styles(latent, state.condition, self.blobs)

        base = styles(state.latent)
        return mix(base, tuple((part, styles(part.latent)) for part in state.mixing)) if state.mixing else base

    def _pulled(self, mixed: Styles, state: EditState) -> Tensor:
        clustered = state.truncation.centre is not None and state.truncation.psi != 1
        return pull(mixed, state.truncation, self.centres if clustered else None)

    def _styled(self, state: EditState) -> Tensor:
        w_plus = self._pulled(self._mixed(state), state)
        moving = any(slider.amount for slider in state.sliders)
        return edit(w_plus, state.sliders, self.directions if moving else None)

    def w_plus(self, state: EditState) -> Tensor:
        """The styles ``[1, num_ws, w_dim]`` that a state's picture is made from."""
        fitting, _ = restrict(state, self.generator.spec)
        with torch.inference_mode():
            return self._styled(fitting)

    def mixed_styles(self, state: EditState) -> tuple[npt.NDArray[np.float32], bool]:
        """The styles ``[num_ws, w_dim]`` that base and mixing make, and whether truncation is in them.

        They are taken before truncation, unless rows have centres that no stored latent would have (classes of
        StyleGAN-XL).

        Raises:
            StateError: The state refers to an array that is missing or of another model.
        """
        fitting, _ = restrict(state, self.generator.spec)
        with torch.inference_mode():
            mixed = self._mixed(fitting)
            truncated = not torch.equal(mixed.w_avg, self._latents.centre(fitting.condition))
            w_plus = self._pulled(mixed, fitting) if truncated else mixed.w_plus
            return w_plus[0].cpu().numpy().copy(), truncated

    def picture_in_steps(self, state: EditState) -> Steps[float, None, npt.NDArray[np.uint8]]:
        """The pixels of `frame`, a layer at a time and without touching what is kept for the shown picture.

        Yields the share done, 0 to 1, and returns ``[H, W, C]``.

        Raises:
            StateError: The state refers to an array that is missing or of another model.
        """
        spec = self.generator.spec
        fitting, _ = self._restrict(state)
        matrix = matrix_of(fitting.transform, self._device)
        with torch.inference_mode():
            s = self._tunings.style(self._styled(fitting), fitting.tuning, self.blobs)
            generator = self._tunings.generator(fitting.tuning, self.blobs)
        maps = [noise_read(fitting.noise, spec)]
        if fitting.output.noise_only and spec.has_noise:
            maps.append(Noise("none"))
        images: list[Tensor] = []
        for noise in maps:
            steps = _image_in_steps(generator, s, noise, matrix, fitting.output)
            while True:
                try:
                    share = next(steps)
                except StopIteration as made:
                    images.append(made.value)
                    break
                yield (len(images) + share) / len(maps)
        with torch.inference_mode():
            image = images[0] if len(images) == 1 else images[0].float() - images[1].float()
            return show(image, fitting.output, matrix=matrix).pixels

    def thumbnail(self, state: EditState, *, side_px: int) -> npt.NDArray[np.uint8]:
        """A small picture of a state, ``[h, w, C]``, its longer side ``side_px``, without touching what is kept.

        Where the architecture makes a picture as it goes, the first one that is large enough serves.

        Raises:
            StateError: The state refers to an array that is missing or of another model.
        """
        fitting, _ = self._restrict(state)
        height, width = self.generator.spec.resolution
        share = side_px / max(height, width)
        size = (max(1, round(height * share)), max(1, round(width * share)))
        with torch.inference_mode():
            s = self._tunings.style(self._styled(fitting), fitting.tuning, self.blobs)
            noise = noise_read(fitting.noise, self.generator.spec)
            matrix = matrix_of(fitting.transform, self._device)
            steps = self._tunings.generator(fitting.tuning, self.blobs).steps(s, noise=noise, transform=matrix)
            image: Tensor | None = None
            for step in steps:
                image = step.image
                if image is not None and image.shape[2] >= size[0]:
                    break
            assert image is not None
            return pixels_of(shrink(image, size) if image.shape[2] > size[0] else enlarge(image, size))

    def _is_early_picture(self, step: Step) -> bool:
        if step.image is None:
            return False
        height, full = step.image.shape[2], self.generator.spec.resolution[0]
        # A quarter of the size in each direction: seen at a glance, and ready after about a third of the work.
        return height * 4 == full and self.generator.spec.layers[step.index].name.endswith("torgb")


def _image_in_steps(
    generator: Generator, s: list[Tensor], noise: Noise, matrix: Tensor | None, output: Output
) -> Steps[float, None, Tensor]:
    yield 0.0
    if output.layer not in PICTURE:
        with torch.inference_mode():
            return generator.synthesize(s, noise=noise, transform=matrix, until=output.layer)
    steps = generator.steps(s, noise=noise, transform=matrix)
    for index in range(1, len(s) + 1):
        # Not around the yield: whoever goes on meanwhile would be in this mode, too.
        with torch.inference_mode():
            last = next(steps)
        yield index / len(s)
    image = last.image if last.image is not None else last.x
    assert image is not None
    return image


def _tuned_parts(state: EditState) -> tuple[BlobRef | None, BlobRef | None, BlobRef | None]:
    tuning = state.tuning
    return (None, None, None) if tuning is None else (tuning.styles, tuning.noise, tuning.weights)


class _Clock:
    def __init__(self, requested_s: float | None) -> None:
        self._started_s = time.perf_counter()
        self._requested_s = self._started_s if requested_s is None else requested_s
        self._marked_s = self._started_s
        self._stages: list[tuple[str, float]] = []
        self._served: list[Served] = []

    def mark(self, stage: str) -> None:
        now_s = time.perf_counter()
        self._stages.append((stage, now_s - self._marked_s))
        self._marked_s = now_s

    def timings(self, layers_run: int, kept_bytes: int) -> Timings:
        self._served += ops.take_served()
        stages, served = tuple(self._stages), tuple(self._served)
        return Timings(self._requested_s, self._started_s, time.perf_counter(), stages, layers_run, served, kept_bytes)


def _device_of(generator: Generator) -> torch.device:
    return generator.w_avg().device
