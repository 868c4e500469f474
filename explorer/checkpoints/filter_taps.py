"""Filters of a file, and the buffers that our networks keep of them."""

from collections.abc import Mapping

from torch import Tensor

from explorer.errors import CheckpointError
from explorer.generators.stylegan2_config import DiscriminatorConfig, GeneratorConfig, Taps
from explorer.ops import setup_filter

__all__ = ["discriminator_filters", "generator_filters", "taps_of"]


def taps_of(kernel: Tensor) -> Taps:
    """The taps that `setup_filter` makes such a kernel of; the kernel itself is kept too.

    Raises:
        CheckpointError: No filter has this shape.
    """
    if kernel.ndim not in (1, 2) or not 0 < kernel.numel() <= 1 << 12:
        raise CheckpointError(f"this snapshot's filter has shape {list(kernel.shape)}, which no filter has")
    kernel = kernel.double()
    if kernel.ndim == 1:
        return tuple(kernel.tolist())
    row = kernel.sum(dim=0)
    outer = row[:, None] * row[None, :]
    # Few taps are published as the matrix that they span: tell them apart from a matrix of its own.
    if kernel.shape == outer.shape and kernel.shape[0] < 8 and (kernel - outer).abs().max() < 1e-6:
        return tuple(row.tolist())
    return tuple(tuple(line) for line in kernel.tolist())


def generator_filters(config: GeneratorConfig) -> Mapping[str, Tensor]:
    """The filters of a StyleGAN2 generator, by the names in its state dict."""
    names = []
    for resolution in config.block_resolutions[1:]:
        block = f"synthesis.b{resolution}"
        names.append(f"{block}.conv0.resample_filter")
        names += {"resnet": [f"{block}.skip.resample_filter"], "skip": [f"{block}.resample_filter"]}.get(
            config.architecture, []
        )
    kernel = setup_filter(config.resample_filter)
    return {name: kernel.clone() for name in names}


def discriminator_filters(config: DiscriminatorConfig) -> Mapping[str, Tensor]:
    """The filters of a StyleGAN2 discriminator, by the names in its state dict."""
    names = []
    for resolution in config.block_resolutions:
        block = f"b{resolution}"
        names.append(f"{block}.conv1.resample_filter")
        names += {"resnet": [f"{block}.skip.resample_filter"], "skip": [f"{block}.resample_filter"]}.get(
            config.architecture, []
        )
    kernel = setup_filter(config.resample_filter)
    return {name: kernel.clone() for name in names}
