"""EfficientNet-lite0 with its batch norms folded into the convolutions: 4.6 million numbers, 0.4 GFLOP at 224².

Source: EfficientNet (Tan and Le 2019), table 1; "lite" leaves out squeeze and excitation, uses ReLU6, and keeps the
stem and the head at their width. Padding is TensorFlow's SAME, which depends on the picture's size.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from explorer.generators.colours import as_rgb

__all__ = ["BLOCKS", "EfficientNetLite0"]

_STEM, _HEAD, _CLASSES = 32, 1280, 1000


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual block."""

    kernel: int
    stride: int
    inputs: int
    outputs: int
    expansion: int


def _blocks() -> tuple[Block, ...]:
    # (repeats, kernel, stride, expansion, outputs)
    stages = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80)]
    stages += [(3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]
    blocks: list[Block] = []
    inputs = _STEM
    for repeats, kernel, stride, expansion, outputs in stages:
        for repeat in range(repeats):
            blocks.append(Block(kernel, stride if repeat == 0 else 1, inputs, outputs, expansion))
            inputs = outputs
    return tuple(blocks)


BLOCKS = _blocks()
# The last block at each size: strides 2, 4, 8, 16, 32.
_TAPS = (0, 2, 4, 10, 15)


class EfficientNetLite0(nn.Module):
    """The network of Projected GAN and StyleGAN-XL. Expects colours as (x - 0.498) / 0.502 of 0 to 1.

    Args:
        classifies: With the last layers, which no scale needs.
    """

    name = "EfficientNet-lite0"
    channels = tuple(BLOCKS[tap].outputs for tap in _TAPS)
    strides = (2, 4, 8, 16, 32)
    heads: tuple[Tensor | None, ...] = (None,) * len(_TAPS)

    def __init__(self, *, classifies: bool = True) -> None:
        super().__init__()
        self.stem = _Same(3, _STEM, 3, stride=2)
        self.blocks = nn.ModuleList(_InvertedResidual(block) for block in BLOCKS)
        if classifies:
            self.head = _Same(BLOCKS[-1].outputs, _HEAD, 1)
            self.classifier = nn.Linear(_HEAD, _CLASSES)

    def forward(self, images: Tensor, *, scales: int | None = None) -> tuple[Tensor, ...]:
        """See `explorer.features.FeatureNetwork`."""
        return tuple(self._run(_prepared(images), _TAPS[: len(_TAPS) if scales is None else scales]))

    def scales_of(self, x: Tensor) -> tuple[Tensor, ...]:
        """The same of colours that are as the network expects them already, ``[N, 3, H, W]``."""
        return tuple(self._run(x, _TAPS))

    def embed(self, images: Tensor) -> Tensor:
        """``[N, 1280]``, the input of the classifier."""
        *_, last = self._run(_prepared(images), _TAPS[-1:])
        return functional.relu6(self.head(last)).mean(dim=(2, 3))

    def logits(self, images: Tensor) -> Tensor:
        """Scores of the thousand classes of ImageNet, ``[N, 1000]``; trained at 224 x 224 pixels."""
        return self.classify(self.embed(images))

    def classify(self, embedded: Tensor) -> Tensor:
        """The same of what `embed` gave."""
        return self.classifier(embedded)

    def _run(self, x: Tensor, taps: tuple[int, ...]) -> list[Tensor]:
        x = functional.relu6(self.stem(x))
        found = []
        for index, block in enumerate(self.blocks[: max(taps) + 1]):
            x = block(x)
            if index in taps:
                found.append(x)
        return found


def _prepared(images: Tensor) -> Tensor:
    # (x01 - 127/255) / (128/255), with x01 = (x + 1) / 2.
    return (as_rgb(images) * 127.5 + 0.5) / 128


class _InvertedResidual(nn.Module):
    def __init__(self, block: Block) -> None:
        super().__init__()
        wide = block.inputs * block.expansion
        self.expand = _Same(block.inputs, wide, 1) if block.expansion > 1 else None
        self.depthwise = _Same(wide, wide, block.kernel, stride=block.stride, groups=wide)
        self.project = _Same(wide, block.outputs, 1)
        self.shortcut = block.stride == 1 and block.inputs == block.outputs

    def forward(self, x: Tensor) -> Tensor:
        before = x
        if self.expand is not None:
            x = functional.relu6(self.expand(x))
        x = self.project(functional.relu6(self.depthwise(x)))
        return x + before if self.shortcut else x


class _Same(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: the odd pixel goes to the right and the bottom."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        (size, _), (stride, _) = self.kernel_size, self.stride
        missing = [max((-(-side // stride) - 1) * stride + size - side, 0) for side in x.shape[2:]]
        if all(total % 2 == 0 for total in missing):
            padding = (missing[0] // 2, missing[1] // 2)
            return functional.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)
        (top, left) = (total // 2 for total in missing)
        x = functional.pad(x, (left, missing[1] - left, top, missing[0] - top))
        return functional.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)
