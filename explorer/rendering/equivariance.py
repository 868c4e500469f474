"""How well a model's pictures follow when its input is moved or turned: EQ-T, EQ-T_frac and EQ-R, in decibels.

Source: StyleGAN3 (Karras et al. 2021), section 2.1 and appendix E: the peak signal-to-noise ratio between a picture
that the network moved and one whose pixels were moved, where both are to be trusted. Pictures span 2, from -1 to 1.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast, truncate
from explorer.ops import filter2d
from explorer.rendering.affine import LOBES, affine_filter, move_pixels

__all__ = ["Equivariance", "Errors", "equivariance_steps", "rotation", "shift", "shift_whole"]

_SEED = 0
_LARGEST_SHIFT = 0.125
"""Of the picture's size, to each side, as in the paper."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Squared differences and how many numbers they are of."""

    squares: float = 0.0
    count: float = 0.0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(self.squares + other.squares, self.count + other.count)

    @property
    def psnr_db(self) -> float:
        """Peak signal-to-noise ratio: infinite for equal pictures, NaN where nothing could be compared."""
        if self.count == 0:
            return math.nan
        mean = self.squares / self.count
        return math.inf if mean == 0 else 20 * math.log10(2) - 10 * math.log10(mean)


@dataclass(frozen=True, slots=True)
class Equivariance:
    """What was found so far."""

    translation: Errors = Errors()
    """EQ-T: shifts by whole pixels."""
    fraction: Errors = Errors()
    """EQ-T_frac: shifts by any amount."""
    rotation: Errors = Errors()
    """EQ-R: turns by any angle."""
    share: float = 0.0
    """How much of the measurement is done, 0 to 1."""


def equivariance_steps(generator: Generator, *, samples: int, psi: float = 1.0) -> Iterator[Equivariance]:
    """Measure one sample after the other; each value is of all so far. The same model gives the same values.

    Args:
        generator: One whose input can be moved.
        samples: How many; 50,000 in the paper, and about ten for a reading.
        psi: Truncation; 1 in the paper.
    """
    random = torch.Generator().manual_seed(_SEED)
    found = Equivariance()
    for number in range(samples):
        s, still = _sample(generator, random, psi)
        by = (torch.rand(4, generator=random) * 2 - 1) * _LARGEST_SHIFT
        angle = float((torch.rand([], generator=random) * 2 - 1) * math.pi)
        x, y, fine_x, fine_y = by.tolist()
        # One synthesis between two values, so that whoever waits is not kept for long.
        with torch.inference_mode():
            errors = shift_whole(generator, s, still, (x, y))
        found = replace(found, translation=found.translation + errors, share=(number + 1 / 3) / samples)
        yield found
        with torch.inference_mode():
            errors = shift(generator, s, still, (fine_x, fine_y))
        found = replace(found, fraction=found.fraction + errors, share=(number + 2 / 3) / samples)
        yield found
        with torch.inference_mode():
            errors = rotation(generator, s, still, angle)
        found = replace(found, rotation=found.rotation + errors, share=(number + 1) / samples)
        yield found


def _sample(generator: Generator, random: torch.Generator, psi: float) -> tuple[list[Tensor], Tensor]:
    """The styles of a random latent, and its picture."""
    spec, device = generator.spec, generator.w_avg().device
    z = torch.randn(1, spec.z_dim, generator=random).to(device)
    c = torch.zeros(1, spec.c_dim) if spec.c_dim else None
    if c is not None and not spec.text:
        c[0, int(torch.randint(spec.c_dim, (1,), generator=random))] = 1
    with torch.inference_mode():
        c = None if c is None else c.to(device)
        s = generator.style(truncate(broadcast(generator.map(z, c), spec.num_ws), generator.w_avg(c), psi=psi))
        return s, generator.synthesize(s)


def shift_whole(generator: Generator, s: list[Tensor], still: Tensor, by: tuple[float, float]) -> Errors:
    """Compare a picture moved by the network with its pixels moved by whole steps.

    Args:
        generator: Of the picture.
        s: Its styles.
        still: The picture where it was, ``[1, C, H, W]``.
        by: To the right and down, in shares of its longer side; rounded to whole pixels.
    """
    side = max(still.shape[2:])
    dx, dy = round(by[0] * side), round(by[1] * side)
    moved = generator.synthesize(s, transform=_matrix(still, x=dx / side, y=dy / side))
    expected, mask = _pixels_shifted(still, dx, dy)
    return _errors(expected, moved, mask)


def shift(generator: Generator, s: list[Tensor], still: Tensor, by: tuple[float, float]) -> Errors:
    """Compare a picture moved by the network with its pixels moved by any amount; see `shift_whole`."""
    moved = generator.synthesize(s, transform=_matrix(still, x=by[0], y=by[1]))
    expected, mask = _pixels_shifted_finely(still, *by)
    return _errors(expected, moved, mask)


def rotation(generator: Generator, s: list[Tensor], still: Tensor, angle: float) -> Errors:
    """Compare a picture turned by the network with its pixels turned.

    Turned pixels have been through a filter of the old and the new grid, so the network's go through one, too.

    Args:
        generator: Of the picture.
        s: Its styles.
        still: The picture where it was.
        angle: In radians, anticlockwise in a plane whose y points down: x goes to y's negative.
    """
    turn = _matrix(still, angle=angle)
    expected, mask = move_pixels(still, turn)
    filtered, inner = _filtered_as_turned(generator.synthesize(s, transform=turn), turn)
    return _errors(expected, filtered, mask * inner)


def _filtered_as_turned(x: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    """A picture through the filter that turned pixels have been through, and a mask of what it reached."""
    (xx, xy), (yx, yy) = torch.linalg.inv(turn.double())[:2, :2].tolist()
    taps = affine_filter(((xx, xy), (yx, yy)), up=1).to(x.device)
    margin = taps.shape[0] // 2
    mask = torch.zeros_like(x[:1, :1])
    mask[:, :, margin:-margin, margin:-margin] = 1
    return filter2d(x, taps), mask


def _matrix(like: Tensor, *, x: float = 0.0, y: float = 0.0, angle: float = 0.0) -> Tensor:
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.tensor([[cos, sin, x], [-sin, cos, y], [0.0, 0.0, 1.0]], device=like.device)


def _errors(expected: Tensor, moved: Tensor, mask: Tensor) -> Errors:
    squares = (expected - moved).double().square() * mask
    return Errors(float(squares.sum()), float(mask.expand_as(squares).double().sum()))


def _pixels_shifted(x: Tensor, dx: int, dy: int) -> tuple[Tensor, Tensor]:
    """Pixels moved by whole steps, and a mask of those that were there before."""
    moved, mask = torch.zeros_like(x), torch.zeros_like(x[:1, :1])
    (to_y, from_y), (to_x, from_x) = (_overlap(size, by) for size, by in zip(x.shape[2:], (dy, dx), strict=True))
    moved[:, :, to_y, to_x] = x[:, :, from_y, from_x]
    mask[:, :, to_y, to_x] = 1
    return moved, mask


def _overlap(size: int, by: int) -> tuple[slice, slice]:
    """Where a line of pixels arrives when it is moved, and which of them do."""
    return slice(max(by, 0), max(size + min(by, 0), 0)), slice(max(-by, 0), max(size - max(by, 0), 0))


def _pixels_shifted_finely(x: Tensor, share_x: float, share_y: float) -> tuple[Tensor, Tensor]:
    """Pixels moved by any amount with a Lanczos filter, and a mask of those that it reached with all its taps."""
    height, width = x.shape[2:]
    side = max(height, width)
    (dx, fraction_x), (dy, fraction_y) = (_parts(share * side) for share in (share_x, share_y))
    taps_x, taps_y = _lanczos_taps(fraction_x).to(x), _lanczos_taps(fraction_y).to(x)
    # Room for the filter, then the whole part of the move by cropping.
    room = torch.nn.functional.pad(x, [LOBES + abs(dx)] * 2 + [LOBES + abs(dy)] * 2)
    moved = filter2d(filter2d(room, taps_x[None, :]), taps_y[:, None])
    top, left = LOBES + abs(dy) - dy, LOBES + abs(dx) - dx
    moved = moved[:, :, top : top + height, left : left + width]
    mask = torch.zeros_like(x[:1, :1])
    rows, columns = _reached(height, dy), _reached(width, dx)
    mask[:, :, rows, columns] = 1
    return moved, mask


def _reached(size: int, by: int) -> slice:
    """The pixels of a line that a filter of taps ``1 - LOBES`` to ``LOBES`` makes of real ones alone."""
    return slice(max(by + LOBES, 0), max(min(by - LOBES + 1, 0) + size, 0))


def _parts(pixels: float) -> tuple[int, float]:
    whole = math.floor(pixels)
    return whole, pixels - whole


def _lanczos_taps(fraction: float) -> Tensor:
    """The filter ``[2 * LOBES]`` that moves by a fraction of a pixel, 0 to 1; taps at ``1 - LOBES`` to ``LOBES``."""
    place = torch.arange(1 - LOBES, LOBES + 1, dtype=torch.float64) - fraction
    taps = torch.sinc(place) * torch.sinc(place / LOBES)
    return taps / taps.sum()
