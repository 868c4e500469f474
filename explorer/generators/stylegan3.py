"""StyleGAN3, alias-free: a picture drawn from waves, so that detail moves with what it belongs to.

Conventions: x points right and y down, (0, 0) is the centre of the picture and 1 its width; sample ``i`` of ``n``
lies at ``(i + 0.5 - n / 2) / sampling_rate``. A user's matrix moves the picture: it maps where something was to
where it goes, in these units.

Source: StyleGAN3 (Karras et al. 2021), "Alias-Free Generative Adversarial Networks".
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.linear import EqualizedLinear
from explorer.generators.mapping import MappingNetwork
from explorer.generators.protocol import Step
from explorer.generators.stepping import check_styles, run_to, unknown_layer
from explorer.generators.stylegan3_config import GeneratorConfig
from explorer.generators.stylegan3_plan import InputPlan, LayerPlan
from explorer.ops import filtered_lrelu, lowpass_filter, modulated_conv2d_alias_free
from explorer.state import GeneratorSpec, LayerSpec, Noise

__all__ = [
    "FourierInput",
    "Generator",
    "GeneratorConfig",
    "Synthesis",
    "SynthesisLayer",
    "input_matrix",
    "invert_transform",
    "filters",
]

# Values of the style that steers the input: two for the rotation, two for the translation.
INPUT_STYLE = 4


class FourierInput(nn.Module):
    """Waves of fixed random frequencies over the plane, turned and shifted by the style, then mixed.

    Computes in float32 at least, since a phase is a large number of which only the fraction counts.

    Source: StyleGAN3, section 3.2 "Fourier features" and appendix F.
    """

    def __init__(self, plan: InputPlan, *, w_dim: int) -> None:
        super().__init__()
        self.plan = plan
        self.weight = nn.Parameter(torch.randn(plan.channels, plan.channels))
        upright = torch.tensor([1.0, 0.0, 0.0, 0.0])
        self.affine = EqualizedLinear(w_dim, INPUT_STYLE, weight_init=0.0, bias_init=upright)

        # Uniform over a disc whose radius is the bandwidth, up to what a Gaussian's tail leaves out.
        freqs = torch.randn(plan.channels, 2)
        radius = freqs.square().sum(dim=1, keepdim=True).sqrt()
        self.register_buffer("freqs", freqs / (radius * radius.square().exp().pow(0.25)) * plan.bandwidth)
        self.register_buffer("phases", torch.rand(plan.channels) - 0.5)

    def forward(self, s: Tensor, transform: Tensor | None = None) -> Tensor:
        """Draw the features.

        Args:
            s: The style ``[N, 4]``: direction of the rotation (any length) and the shift.
            transform: From picture to input coordinates, ``[3, 3]`` or ``[N, 3, 3]``; ``None`` is the identity.

        Returns:
            ``[N, channels, size, size]`` in the type of the weights.
        """
        s = s.to(torch.promote_types(s.dtype, torch.float32))
        matrix = _style_matrix(s)
        if transform is not None:
            matrix = matrix @ transform.to(matrix)
        freqs, phases = self.freqs.to(matrix.dtype), self.phases.to(matrix.dtype)
        phases = phases + (freqs @ matrix[:, :2, 2:]).squeeze(2)  # [N, C]
        freqs = freqs @ matrix[:, :2, :2]  # [N, C, 2]

        # What the grid cannot hold fades out, so that shrinking the picture does not alias.
        nyquist, band = self.plan.sampling_rate / 2, self.plan.bandwidth
        amplitudes = (1 - (freqs.norm(dim=2) - band) / (nyquist - band)).clamp(0, 1)

        # The mix over channels comes last as one product: [C, C] @ [N, C, H * W].
        waves = torch.sin((freqs @ self._grid(matrix) + phases[:, :, None]) * (2 * math.pi))
        mix = self.weight.to(matrix.dtype) / math.sqrt(self.plan.channels)
        x = (mix * amplitudes[:, None, :]) @ waves
        return x.unflatten(2, (self.plan.size, self.plan.size)).to(self.weight.dtype)

    def _grid(self, like: Tensor) -> Tensor:
        """Where every sample lies, ``[2, H * W]``."""
        size = self.plan.size
        axis = (torch.arange(size, device=like.device, dtype=like.dtype) + (0.5 - size / 2)) / self.plan.sampling_rate
        return torch.stack([axis.repeat(size), axis.repeat_interleave(size)])


def _style_matrix(s: Tensor) -> Tensor:
    """The rotation and shift that a style asks for, ``[N, 4]`` to ``[N, 3, 3]``."""
    cos, sin, shift_x, shift_y = (s / s[:, :2].norm(dim=1, keepdim=True)).unbind(1)
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    rotation = torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], dim=1).view(-1, 3, 3)
    translation = torch.stack([one, zero, -shift_x, zero, one, -shift_y, zero, zero, one], dim=1).view(-1, 3, 3)
    return rotation @ translation


def invert_transform(matrix: Tensor) -> Tensor:
    """The inverse of a user's matrix, ``[3, 3]`` or ``[N, 3, 3]``, in float64. Differentiable.

    Raises:
        StateError: The shape is wrong, a number is not finite, or the matrix flattens the picture.
    """
    if matrix.ndim not in (2, 3) or matrix.shape[-2:] != (3, 3):
        raise StateError(f"transform has shape {list(matrix.shape)}, and should be [3, 3] or [N, 3, 3]")
    inverse, info = torch.linalg.inv_ex(matrix.to(torch.float64))
    if bool((info != 0).any()) or not bool(torch.isfinite(inverse).all()):
        raise StateError("this transform flattens the picture to nothing: choose a scale other than 0")
    return inverse


def input_matrix(
    transform: Tensor | None, stored: tuple[tuple[float, ...], ...] | None, *, batch: int
) -> Tensor | None:
    """From picture to input coordinates: the user's matrix undone, then what the file itself asks for.

    Args:
        transform: The user's matrix ``[3, 3]`` or ``[batch, 3, 3]``; ``None`` is the identity.
        stored: A matrix that the file left in the input.
        batch: Number of pictures.

    Returns:
        A matrix for `FourierInput`; ``None`` is the identity.

    Raises:
        StateError: The user's matrix has no inverse, or there are too many or too few.
    """
    if transform is None:
        return None if stored is None else torch.tensor(stored).to(torch.float64)
    inverse = invert_transform(transform)
    if inverse.ndim == 3 and inverse.shape[0] not in (1, batch):
        raise StateError(f"there are {inverse.shape[0]} transforms for {batch} pictures: give one, or one each")
    return inverse if stored is None else torch.tensor(stored).to(inverse) @ inverse


class SynthesisLayer(nn.Module):
    """One layer of the synthesis; see `LayerPlan`.

    Source: StyleGAN3, section 3.2 and appendix D.
    """

    def __init__(self, plan: LayerPlan, *, w_dim: int) -> None:
        super().__init__()
        self.plan = plan
        kernel = plan.conv_kernel
        self.affine = EqualizedLinear(w_dim, plan.in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(plan.out_channels, plan.in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(plan.out_channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        self.register_buffer("up_filter", _up_filter(plan, device=self.weight.device))
        self.register_buffer("down_filter", _down_filter(plan, device=self.weight.device))

    def forward(self, x: Tensor, s: Tensor, *, update_emas: bool = False) -> Tensor:
        """``[N, in_channels, in_size, in_size]`` and a style ``[N, in_channels]`` to the layer's output.

        Args:
            x: Features.
            s: From this layer's `affine`.
            update_emas: Also move the running magnitude towards this batch, and use it already.
        """
        plan = self.plan
        if update_emas:
            self._move_magnitude(x.detach())
        # Styles stay in float32, so the small products with the weights do too; the convolution runs as `x` does.
        weight = self.weight.to(s.dtype)
        if plan.is_torgb:
            s = s / math.sqrt(plan.in_channels * plan.conv_kernel**2)
        x = modulated_conv2d_alias_free(
            x,
            weight,
            s,
            demodulate=not plan.is_torgb,
            padding=plan.conv_kernel - 1,
            input_gain=self.magnitude_ema.to(s.dtype).rsqrt(),
        )
        return filtered_lrelu(
            x,
            fu=self.up_filter,
            fd=self.down_filter,
            b=self.bias,
            up=plan.up_factor,
            down=plan.down_factor,
            pad=(*plan.padding, *plan.padding),
            gain=1.0 if plan.is_torgb else math.sqrt(2),
            slope=1.0 if plan.is_torgb else 0.2,
            clamp=plan.conv_clamp,
        )

    def _move_magnitude(self, x: Tensor) -> None:
        current = x.to(torch.promote_types(x.dtype, torch.float32)).square().mean().to(self.magnitude_ema.dtype)
        self.magnitude_ema.copy_(current.lerp(self.magnitude_ema, self.plan.magnitude_ema_beta))


def _up_filter(plan: LayerPlan, *, device: torch.device) -> Tensor | None:
    if plan.up_taps == 1:
        return None
    if device.type == "meta":
        return torch.empty(plan.up_taps, device=device)
    return lowpass_filter(
        numtaps=plan.up_taps, cutoff=plan.in_cutoff, width=plan.in_half_width * 2, fs=plan.tmp_sampling_rate
    ).to(device)


def _down_filter(plan: LayerPlan, *, device: torch.device) -> Tensor | None:
    if plan.down_taps == 1:
        return None
    if device.type == "meta":
        return torch.empty([plan.down_taps] * (2 if plan.down_radial else 1), device=device)
    return lowpass_filter(
        numtaps=plan.down_taps,
        cutoff=plan.out_cutoff,
        width=plan.out_half_width * 2,
        fs=plan.tmp_sampling_rate,
        radial=plan.down_radial,
    ).to(device)


def filters(config: GeneratorConfig) -> dict[str, Tensor]:
    """Every filter of a network of such a plan, by its name in the state dict."""
    processor = torch.device("cpu")
    found = {}
    for plan in config.layers:
        for name, design in (("up_filter", _up_filter), ("down_filter", _down_filter)):
            if (taps := design(plan, device=processor)) is not None:
                found[f"synthesis.{plan.name}.{name}"] = taps
    return found


class Synthesis(nn.Module):
    """The input and the layers, in order.

    Layers are children by their names, ``L0_36_512`` and so on, as in the published state dicts.
    """

    def __init__(
        self,
        input_plan: InputPlan,
        layer_plans: Sequence[LayerPlan],
        *,
        w_dim: int,
        output_scale: float,
        crop: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.crop = crop
        self.layer_names = ["input", *(plan.name for plan in layer_plans)]
        self.output_scale = output_scale
        self.input = FourierInput(input_plan, w_dim=w_dim)
        for plan in layer_plans:
            self.add_module(plan.name, SynthesisLayer(plan, w_dim=w_dim))

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """``[N, num_ws, w_dim]`` to one style for each name of `layer_names`."""
        return [self.get_submodule(name).affine(w_plus[:, i]) for i, name in enumerate(self.layer_names)]

    def run_layer(
        self, index: int, x: Tensor | None, s: Tensor, *, transform: Tensor | None = None, update_emas: bool = False
    ) -> Step:
        """Run one layer on what the layer before it left; the last one also gives the picture."""
        if index == 0:
            x = self.input(s, transform)
        else:
            x = self.get_submodule(self.layer_names[index])(x, s, update_emas=update_emas)
        if index + 1 < len(self.layer_names):
            return Step(index, x, None)
        return Step(index, x, self._picture(x))

    def _picture(self, x: Tensor) -> Tensor:
        if self.crop is not None:
            (height, width), side = self.crop, x.shape[2]
            top, left = (side - height) // 2, (side - width) // 2
            x = x[:, :, top : top + height, left : left + width]
        return x.to(torch.promote_types(x.dtype, torch.float32)) * self.output_scale


class Generator(nn.Module):
    """StyleGAN3, configurations T and R. Implements `explorer.generators.protocol.Generator`."""

    family = "stylegan3"

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = _describe(config, self.family)
        self.mapping = self._new_mapping()
        self.synthesis = Synthesis(
            config.input, config.layers, w_dim=config.w_dim, output_scale=config.output_scale, crop=config.crop
        )

    @classmethod
    def from_tensors(cls, config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> "Generator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def _new_mapping(self) -> nn.Module:
        config = self.config
        return MappingNetwork(
            z_dim=config.z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
            layers=config.mapping_layers,
            lr_multiplier=config.mapping_lr_multiplier,
            w_avg_beta=config.w_avg_beta,
        )

    def map(self, z: Tensor, c: Tensor | None = None, *, update_emas: bool = False) -> Tensor:
        """Latents ``[N, z_dim]`` and labels ``[N, c_dim]`` (or ``None``) to styles ``[N, w_dim]``.

        Args:
            z: Latents.
            c: Labels; ignored by an unconditional model.
            update_emas: Also move the centre of W towards this batch.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        return self.mapping(z, c, update_emas=update_emas)

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """The centre of W, ``[1, w_dim]``; the same for every label."""
        return self.mapping.w_avg.unsqueeze(0)

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """``[N, num_ws, w_dim]`` to one style ``[N, C_l]`` a layer, in float32 at least; the input's comes first.

        Raises:
            StateError: The shape is not the model's.
        """
        if w_plus.ndim != 3 or w_plus.shape[1:] != (self.spec.num_ws, self.spec.w_dim):
            expected = f"[N, {self.spec.num_ws}, {self.spec.w_dim}]"
            raise StateError(f"w_plus has shape {list(w_plus.shape)}, and this model takes {expected}")
        stored = self.synthesis.input.affine.weight.dtype
        return self.synthesis.style(
            w_plus.to(torch.promote_types(torch.promote_types(w_plus.dtype, stored), torch.float32))
        )

    def steps(
        self,
        s: Sequence[Tensor],
        *,
        noise: Noise | None = None,
        transform: Tensor | None = None,
        start: Step | None = None,
        update_emas: bool = False,
    ) -> Iterator[Step]:
        """Run layer by layer, after ``start``; the last step's picture is the output.

        Args:
            s: From `style`.
            noise: Ignored: this family has none.
            transform: The user's matrix, ``[3, 3]`` or ``[N, 3, 3]``; ``None`` is the identity.
            start: Resume after this step instead of from the input.
            update_emas: Also move the running magnitudes towards this batch, and use them already.

        Raises:
            StateError: The styles are not the model's, or the transform has no inverse.
        """
        check_styles(self.spec, s)
        to_input = None
        if start is None:
            to_input = input_matrix(transform, self.config.stored_transform, batch=s[0].shape[0])
        step = start
        for index in range(0 if step is None else step.index + 1, len(s)):
            x = None if step is None else step.x
            step = self.synthesis.run_layer(index, x, s[index], transform=to_input, update_emas=update_emas)
            yield step

    def synthesize(
        self,
        s: Sequence[Tensor],
        *,
        noise: Noise | None = None,
        transform: Tensor | None = None,
        start: Step | None = None,
        until: str | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """The picture ``[N, C, H, W]``, about -1 to 1; or the activations named ``until``.

        Args:
            s: From `style`.
            noise: Ignored: this family has none.
            transform: The user's matrix, ``[3, 3]`` or ``[N, 3, 3]``; ``None`` is the identity.
            start: Resume after this step instead of from the input.
            until: A name of ``spec.activations``; the picture when ``None``.
            update_emas: Also move the running magnitudes towards this batch, and use them already.

        Raises:
            StateError: The styles are not the model's, the transform has no inverse, or there is no such layer.
        """
        wanted = self._index_of(until)
        step = run_to(
            self, wanted, s, noise=noise, transform=transform, start=start, until=until, update_emas=update_emas
        )
        return step.image if until in (None, "output") else step.x

    def _index_of(self, activation: str | None) -> int:
        if activation in (None, "output"):
            return len(self.spec.layers) - 1
        if activation not in self.synthesis.layer_names:
            raise unknown_layer(activation, self.spec.activations)
        return self.synthesis.layer_names.index(activation)


def _describe(config: GeneratorConfig, family: str) -> GeneratorSpec:
    side = config.input.size
    layers = [LayerSpec("input", 0, INPUT_STYLE, config.input.channels, (side, side), noisy=False)]
    for row, plan in enumerate(config.layers, start=1):
        size = (plan.out_size, plan.out_size)
        layers.append(LayerSpec(plan.name, row, plan.in_channels, plan.out_channels, size, noisy=False))
    return GeneratorSpec(
        family=family,
        variant=config.variant,
        resolution=config.picture_size,
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        w_dim=config.w_dim,
        c_dim=config.c_dim,
        num_ws=config.num_ws,
        layers=tuple(layers),
        activations=(*(layer.name for layer in layers), "output"),
        has_noise=False,
        has_transform=True,
    )
