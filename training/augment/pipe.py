"""The adaptive augmentation pipe: what may happen to a picture, each step with probability p.

Source: StyleGAN2-ADA (Karras et al. 2020), appendix B and figure 15.
"""

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from training.augment.colour import colour_matrix, recolour
from training.augment.corruption import add_noise, cut_out, filter_randomly
from training.augment.draws import AugmentDraws
from training.augment.geometry import blit_matrix, geometry_matrix, transform

__all__ = ["GROUPS", "PIPES", "augment"]

GROUPS = ("blit", "geometry", "colour", "filter", "noise", "cutout")

PIPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **{name: (name,) for name in GROUPS},
        "bg": GROUPS[:2],
        "bgc": GROUPS[:3],
        "bgcf": GROUPS[:4],
        "bgcfn": GROUPS[:5],
        "bgcfnc": GROUPS,
    }
)
"""Groups of steps by the names that the field uses."""


def augment(images: Tensor, draws: AugmentDraws, *, p: float, groups: tuple[str, ...]) -> Tensor:
    """Augment pictures; the same draws do the same to others.

    Args:
        images: ``[N, C, H, W]``, -1 to 1.
        draws: For as many pictures of that size; with pictures where ``noise`` is among the groups.
        p: Probability of every step, 0 to 1; at 0 the pictures pass bit for bit.
        groups: Some of `GROUPS`.
    """
    if p <= 0:
        return images
    height, width = images.shape[2:]
    size = {"height": height, "width": width}
    if "blit" in groups or "geometry" in groups:
        back = None
        if "blit" in groups:
            back = blit_matrix(draws, p, **size)
        if "geometry" in groups:
            further = geometry_matrix(draws, p, **size)
            back = further if back is None else back @ further
        images = transform(images, back)
    if "colour" in groups:
        images = recolour(images, colour_matrix(draws, p))
    if "filter" in groups:
        images = filter_randomly(images, draws, p)
    if "noise" in groups:
        images = add_noise(images, draws, p)
    return cut_out(images, draws, p) if "cutout" in groups else images
