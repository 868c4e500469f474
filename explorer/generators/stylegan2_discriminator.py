"""The discriminator of StyleGAN2 and StyleGAN2-ADA, which StyleGAN3 keeps.

Parameters are named as in the published state dicts; filters of layers that do not resample are left
out. Frozen layers keep their weights as buffers, as published.

Source: StyleGAN2 (Karras et al. 2020), section 4.1; StyleGAN2-ADA (Karras et al. 2020), appendix.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.linear import EqualizedLinear
from explorer.generators.mapping import MappingNetwork
from explorer.generators.stylegan2_config import DiscriminatorConfig, Taps
from explorer.ops import bias_act, conv2d_resample, downsample2d, setup_filter
from explorer.ops.activations import ACTIVATIONS

__all__ = ["Discriminator", "minibatch_deviation"]

# Keeps the variance of a sum of two branches that have variance 1 each.
BRANCH_GAIN = math.sqrt(0.5)


class Conv(nn.Module):
    """A convolution with an equalised learning rate, bias and activation; halves the size where it has `taps`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        activation: str,
        bias: bool = True,
        taps: Taps | None = None,
        conv_clamp: float | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.down = 1 if taps is None else 2
        self.activation, self.conv_clamp = activation, conv_clamp
        self.gain = ACTIVATIONS[activation].gain
        self.weight_gain = 1 / math.sqrt(in_channels * kernel_size**2)
        self.register_buffer("resample_filter", None if taps is None else setup_filter(taps))
        self._hold("weight", torch.randn(out_channels, in_channels, kernel_size, kernel_size), frozen=frozen)
        self._hold("bias", torch.zeros(out_channels) if bias else None, frozen=frozen)

    def _hold(self, name: str, value: Tensor | None, *, frozen: bool) -> None:
        if frozen or value is None:
            self.register_buffer(name, value)
        else:
            self.register_parameter(name, nn.Parameter(value))

    def forward(self, x: Tensor, *, gain: float = 1.0) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h / down, w / down]``; `gain` comes after the activation's own."""
        weight = self.weight * self.weight_gain
        y = conv2d_resample(x, weight, self.resample_filter, down=self.down, padding=weight.shape[2] // 2)
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        return bias_act(y, self.bias, act=self.activation, gain=self.gain * gain, clamp=clamp)


class DiscriminatorBlock(nn.Module):
    """The layers of one resolution, which halve it.

    Args:
        config: Shape and options.
        in_channels: Features that come in; 0 for the first block, which sees only the picture.
        channels: Features within.
        out_channels: Features that go out.
        first_layer: How many layers come before; the first `freeze_layers` of all do not learn.
    """

    def __init__(
        self, config: DiscriminatorConfig, *, in_channels: int, channels: int, out_channels: int, first_layer: int
    ) -> None:
        super().__init__()
        skips = config.architecture == "skip"
        learns = {"activation": config.activation, "conv_clamp": config.conv_clamp}
        plan: dict[str, dict[str, object]] = {}
        if in_channels == 0 or skips:
            plan["fromrgb"] = {"shape": (config.img_channels, channels), "kernel_size": 1, **learns}
        plan["conv0"] = {"shape": (channels, channels), "kernel_size": 3, **learns}
        plan["conv1"] = {"shape": (channels, out_channels), "kernel_size": 3, "taps": config.resample_filter, **learns}
        if config.architecture == "resnet":
            branch = {"kernel_size": 1, "bias": False, "activation": "linear", "taps": config.resample_filter}
            plan["skip"] = {"shape": (channels, out_channels), **branch}
        for i, (name, options) in enumerate(plan.items(), start=first_layer):
            shape = options.pop("shape")
            self.add_module(name, Conv(*shape, frozen=i < config.freeze_layers, **options))
        self.register_buffer("resample_filter", setup_filter(config.resample_filter) if skips else None)
        self.layers = len(plan)
        self.sees_picture = "fromrgb" in plan
        self.residual = "skip" in plan

    def forward(self, x: Tensor | None, image: Tensor) -> tuple[Tensor, Tensor]:
        """``[N, in, h, w]`` (or ``None``) and the picture to ``[N, out, h / 2, w / 2]`` and the next block's."""
        if self.sees_picture:
            seen = self.fromrgb(image)
            x = seen if x is None else x + seen
        if self.resample_filter is not None:
            image = downsample2d(image, self.resample_filter)
        if not self.residual:
            return self.conv1(self.conv0(x)), image
        around = self.skip(x, gain=BRANCH_GAIN)
        return self.conv1(self.conv0(x), gain=BRANCH_GAIN) + around, image


class Epilogue(nn.Module):
    """The last layers, at 4²: what the batch varies in, a convolution and two fully connected layers."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        channels, activation = config.channels[0], config.epilogue_activation
        self.group_size, self.deviations = config.mbstd_group_size, config.mbstd_num_channels
        if config.architecture == "skip":
            self.fromrgb = Conv(config.img_channels, channels, kernel_size=1, activation=activation)
        self.conv = Conv(
            channels + self.deviations, channels, kernel_size=3, activation=activation, conv_clamp=config.conv_clamp
        )
        self.fc = EqualizedLinear(channels * math.prod(config.base_size), channels, activation=activation)
        self.label_gain = 1 / math.sqrt(config.cmap_dim) if config.cmap_dim else 1.0
        self.out = EqualizedLinear(channels, config.cmap_dim or config.c_dim or 1)

    def forward(self, x: Tensor, image: Tensor, mapped: Tensor | None) -> Tensor:
        """``[N, C, *base_size]``, the picture and the mapped labels ``[N, cmap_dim or c_dim]`` to ``[N, 1]``."""
        if hasattr(self, "fromrgb"):
            x = x + self.fromrgb(image)
        if self.deviations > 0:
            deviation = minibatch_deviation(x, group_size=self.group_size, channels=self.deviations)
            x = torch.cat([x, deviation], dim=1)
        x = self.out(self.fc(self.conv(x).flatten(1)))
        if mapped is None:
            return x
        # Projection discriminator (Miyato and Koyama 2018).
        return (x * mapped.to(x.dtype)).sum(dim=1, keepdim=True) * self.label_gain


class Discriminator(nn.Module):
    """How real a picture looks.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        widths = dict(zip((4, *reversed(config.block_resolutions)), config.channels, strict=True))
        before, layers = 0, 0
        for r in config.block_resolutions:
            block = DiscriminatorBlock(
                config, in_channels=before, channels=widths[r], out_channels=widths[r // 2], first_layer=layers
            )
            self.add_module(f"b{r}", block)
            before, layers = widths[r // 2], layers + block.layers
        if config.cmap_dim > 0:
            self.mapping = MappingNetwork(
                z_dim=0,
                c_dim=config.c_dim,
                w_dim=config.cmap_dim,
                layers=config.mapping_layers,
                embed_features=config.embed_features,
                layer_features=config.layer_features,
                activation=config.mapping_activation,
                lr_multiplier=config.lr_multiplier,
                w_avg_beta=None,
            )
        self.b4 = Epilogue(config)

    @classmethod
    def from_tensors(cls, config: DiscriminatorConfig, tensors: Mapping[str, Tensor]) -> "Discriminator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """Score pictures; those of one batch influence one another through `minibatch_deviation`.

        Args:
            img: ``[N, img_channels, *picture_size]``, about -1 to 1.
            c: Labels, ``[N, c_dim]``, one-hot or soft; needed when the model is conditional, else ignored.

        Returns:
            Logits, ``[N, 1]``; above 0 leans to real.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        wanted = (self.config.img_channels, *self.config.picture_size)
        if img.ndim != 4 or img.shape[1:] != wanted:
            raise StateError(f"the picture has shape {list(img.shape)}, and this model takes {['N', *wanted]}")
        mapped = self._mapped(c)
        image, x = img.to(self.b4.out.weight.dtype), None
        for r in self.config.block_resolutions:
            x, image = self.get_submodule(f"b{r}")(x, image)
        return self.b4(x, image, mapped)

    def _mapped(self, c: Tensor | None) -> Tensor | None:
        if self.config.c_dim == 0:
            return None
        if self.config.label_mode == "projection":
            return self.mapping(None, c)
        if c is None or c.ndim != 2 or c.shape[1] != self.config.c_dim:
            shown = "none was given" if c is None else f"one of shape {list(c.shape)} was given"
            raise StateError(f"this model needs labels of shape [N, {self.config.c_dim}], and {shown}")
        return c


def minibatch_deviation(x: Tensor, *, group_size: int | None, channels: int) -> Tensor:
    """How much the samples of a group differ from one another: ``[N, C, H, W]`` to ``[N, channels, H, W]``.

    Sample i belongs to a group with every (N / group)-th sample. Where `group_size` does not divide the
    batch, the largest smaller size that does is taken.

    Args:
        x: Features; `channels` divides C.
        group_size: Samples to a group; the whole batch when ``None``.
        channels: Parts of the features that are averaged separately.

    Source: ProGAN (Karras et al. 2018), section 3; in groups since StyleGAN (2019).
    """
    n, c, h, w = x.shape
    group = n if group_size is None else max(g for g in range(1, min(group_size, n) + 1) if n % g == 0)
    # [group, N / group, channels, C / channels, H, W]; squares of small differences need more than half precision.
    y = x.reshape(group, -1, channels, c // channels, h, w).to(torch.promote_types(x.dtype, torch.float32))
    y = (y - y.mean(dim=0)).square().mean(dim=0)
    y = (y + 1e-8).sqrt().mean(dim=[2, 3, 4])
    return y.to(x.dtype).reshape(-1, channels, 1, 1).repeat(group, 1, h, w)
