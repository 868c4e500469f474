"""The three small networks of MTCNN: one proposes, one refines, one decides and places the landmarks.

Source: Zhang et al. 2016, Joint Face Detection and Alignment using Multitask Cascaded Convolutional Networks,
figure 2. Pictures are ``[N, 3, H, W]``, red, green and blue, -1 to 1.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

__all__ = ["DECIDER_PX", "PROPOSER_PX", "PROPOSER_STRIDE", "REFINER_PX", "Verdict", "decide", "propose", "refine"]

PROPOSER_PX, REFINER_PX, DECIDER_PX = 12, 24, 48
"""Side of the square that each one looks at."""
PROPOSER_STRIDE = 2
"""Pixels between the squares that the first one judges."""

_FILE = Path(__file__).resolve().parents[2] / "assets" / "faces" / "mtcnn.safetensors"


class Verdict(NamedTuple):
    """What a network says of squares."""

    scores: Tensor
    """``[N]`` or ``[h, w]``: how likely a face is there, 0 to 1."""
    edges: Tensor
    """``[N, 4]`` or ``[h, w, 4]``: by how much left, top, right and bottom are to move, in sides of the square."""


def propose(image: Tensor) -> Verdict:
    """Judge every square of `PROPOSER_PX` in one picture ``[1, 3, H, W]``, `PROPOSER_STRIDE` apart."""
    net = _network("pnet")
    x = _pool(_layer(net, 1, image), 2)
    x = _layer(net, 3, _layer(net, 2, x))
    scores, edges = (functional.conv2d(x, net[f"conv4_{k}.weight"], net[f"conv4_{k}.bias"])[0] for k in (1, 2))
    return Verdict(scores.softmax(dim=0)[1], edges.permute(1, 2, 0))


def refine(squares: Tensor) -> Verdict:
    """Judge ``[N, 3, 24, 24]``."""
    net = _network("rnet")
    x = _layer(net, 3, _pool(_layer(net, 2, _pool(_layer(net, 1, squares), 3)), 3))
    x = _dense(net, 4, x)
    return Verdict(_head(net, "dense5_1", x).softmax(dim=1)[:, 1], _head(net, "dense5_2", x))


def decide(squares: Tensor) -> tuple[Verdict, Tensor]:
    """Judge ``[N, 3, 48, 48]``; and the landmarks ``[N, 5, 2]``, across and down, in sides of the square.

    They are: left eye, right eye, nose, left and right corner of the mouth.
    """
    net = _network("onet")
    x = _pool(_layer(net, 2, _pool(_layer(net, 1, squares), 3)), 3)
    x = _dense(net, 5, _layer(net, 4, _pool(_layer(net, 3, x), 2)))
    verdict = Verdict(_head(net, "dense6_1", x).softmax(dim=1)[:, 1], _head(net, "dense6_2", x))
    return verdict, _head(net, "dense6_3", x).view(-1, 2, 5).transpose(1, 2)


@lru_cache(maxsize=3)
def _network(name: str) -> Mapping[str, Tensor]:
    start = f"{name}."
    return {k.removeprefix(start): value.float() for k, value in load_file(_FILE).items() if k.startswith(start)}


def _layer(net: Mapping[str, Tensor], number: int, x: Tensor) -> Tensor:
    x = functional.conv2d(x, net[f"conv{number}.weight"], net[f"conv{number}.bias"])
    return functional.prelu(x, net[f"prelu{number}.weight"])


def _pool(x: Tensor, side: int) -> Tensor:
    return functional.max_pool2d(x, side, 2, ceil_mode=True)


def _dense(net: Mapping[str, Tensor], number: int, x: Tensor) -> Tensor:
    # The weights count columns, then rows, then channels, as the program does that they were trained with.
    flat = x.permute(0, 3, 2, 1).flatten(1)
    return functional.prelu(_head(net, f"dense{number}", flat), net[f"prelu{number}.weight"])


def _head(net: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return functional.linear(x, net[f"{name}.weight"], net[f"{name}.bias"])
