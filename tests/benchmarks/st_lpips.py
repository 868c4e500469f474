"""Shift-tolerant LPIPS, a judge that no search of this program optimises.

Source: Ghildyal and Liu 2022, "Shift-tolerant Perceptual Similarity Metric": AlexNet whose first layer has stride 1,
whose strides are taken behind a blur, and learned weights of each layer's channels. The weights are those of
`stlpips-pytorch` on PyPI (BSD-2-Clause), read from its wheel; its code is not used:

    pip download --no-deps stlpips-pytorch==0.0.2
"""

import io
import zipfile
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["StLpips"]

_WEIGHTS = "stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth"
# Name, padding, and what comes before: a blurred pool, or nothing.
_LAYERS = (
    ("net.slice2.5", 2, "net.slice2.4"),
    ("net.slice3.9", 1, "net.slice3.8"),
    ("net.slice4.11", 1, None),
    ("net.slice5.13", 1, None),
)


class StLpips:
    """The distance of two pictures; 0 for equal ones.

    Args:
        wheel: The file that pip downloads.
    """

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            content = io.BytesIO(archive.read(_WEIGHTS))
        self._kept: dict[str, Tensor] = torch.load(content, map_location="cpu", weights_only=True)

    def __call__(self, a: Tensor, b: Tensor) -> float:
        """Of two pictures ``[1, 3, H, W]``, -1 to 1."""
        total = 0.0
        with torch.no_grad():
            for index, pair in enumerate(zip(self._layers(a), self._layers(b), strict=True)):
                left, right = (part / (part.square().sum(dim=1, keepdim=True).sqrt() + 1e-10) for part in pair)
                total += float(
                    functional.conv2d((left - right).square(), self._kept[f"lin{index}.model.1.weight"]).mean()
                )
        return total

    def _layers(self, image: Tensor) -> list[Tensor]:
        x = (image - self._kept["scaling_layer.shift"]) / self._kept["scaling_layer.scale"]
        # The first layer blurs before its activation.
        x = functional.relu(self._blurred(self._convolved(x, "net.slice1.0", 2), "net.slice1.1"))
        kept = [x]
        for name, padding, blur in _LAYERS:
            if blur is not None:
                x = self._blurred(functional.max_pool2d(x, 3, stride=1), blur)
            x = functional.relu(self._convolved(x, name, padding))
            kept.append(x)
        return kept

    def _convolved(self, x: Tensor, name: str, padding: int) -> Tensor:
        return functional.conv2d(x, self._kept[f"{name}.weight"], self._kept[f"{name}.bias"], padding=padding)

    def _blurred(self, x: Tensor, name: str) -> Tensor:
        kernel = self._kept[f"{name}.filt"]
        return functional.conv2d(functional.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=x.shape[1])
