"""MobileStyleGAN as an OpenVINO model: two graphs side by side, recognised layer by layer and rebuilt as ours.

The graphs are walked, not run: what does not have exactly the known structure is refused.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoints.identity import MAPPING, SYNTHESIS
from explorer.checkpoints.measured import CENTRE_NOTE, measure_centre
from explorer.checkpoints.openvino_ir import MAX_XML_BYTES, Graph, Layer, parse_graph
from explorer.checkpoints.snapshot import Snapshot
from explorer.errors import CheckpointError
from explorer.generators.mobile_stylegan import BANDS, SLOPE, Generator, GeneratorConfig

__all__ = ["MobileFiles", "read_mobile"]

MAX_BIN_BYTES = 2 << 30
# The package's own default.
PSI = 0.5
# One inverse transform: filters down, down, across, twice; whether each one takes sums.
_HAAR = ((2, 1, True), (2, 1, False), (1, 2, True), (2, 1, True), (2, 1, False), (1, 2, False))


@dataclass(frozen=True, slots=True)
class MobileFiles:
    """What was read."""

    snapshot: Snapshot
    sha256: str
    """Of all four files, one after the other."""
    size_bytes: int
    """Of all four."""


def read_mobile(path: Path) -> MobileFiles:
    """Read the model that a graph belongs to; the other graph and the numbers lie beside it.

    Raises:
        CheckpointError: A file is missing or damaged, or the graphs are of another network.
    """
    digest, size, graphs = hashlib.sha256(), 0, []
    for name in (MAPPING, SYNTHESIS):
        xml = _bytes(path.with_name(f"{name}.xml"), MAX_XML_BYTES)
        numbers = _bytes(path.with_name(f"{name}.bin"), MAX_BIN_BYTES)
        digest.update(xml)
        digest.update(numbers)
        size += len(xml) + len(numbers)
        graphs.append(parse_graph(xml, memoryview(numbers)))
    try:
        tensors = _mapping(graphs[0]) | _synthesis(graphs[1])
        generator = Generator.from_tensors(_config(tensors), tensors)
    except (KeyError, IndexError) as error:
        raise _unknown("a layer has fewer inputs or readers than it should") from error
    measure_centre(generator)
    snapshot = Snapshot(
        generator=generator,
        discriminator=None,
        format="OpenVINO model",
        entries=(MAPPING, SYNTHESIS),
        used=SYNTHESIS,
        notes=(CENTRE_NOTE,),
        default_psi=PSI,
    )
    return MobileFiles(snapshot, digest.hexdigest(), size)


def _bytes(path: Path, most: int) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise CheckpointError(
            f"{path.name} cannot be read ({error.strerror}): an OpenVINO model of MobileStyleGAN is four files, "
            f"{MAPPING} and {SYNTHESIS}, each .xml and .bin"
        ) from error
    if len(content) > most:
        raise CheckpointError(f"{path.name} has more than {most >> 20} MiB: it is no MobileStyleGAN")
    return content


def _unknown(why: str) -> CheckpointError:
    return CheckpointError(f"this OpenVINO model is not MobileStyleGAN as it is known here: {why}")


def _require(holds: bool, why: str) -> None:
    if not holds:
        raise _unknown(why)


def _tensor(values: np.ndarray) -> Tensor:
    _require(
        values.dtype == np.float32 and bool(np.isfinite(values).all()), "its numbers are not floats, or not finite"
    )
    return torch.from_numpy(values.copy())


def _const(graph: Graph, identity: str) -> Tensor:
    """Numbers, also where a reshape lies between."""
    layer = graph.layers[identity]
    while layer.kind == "Reshape":
        layer = graph.layers[layer.inputs[0]]
    return _tensor(graph.value(layer.id))


def _next(readers: Mapping[str, list[Layer]], layer: Layer, kind: str) -> Layer:
    """The one layer that computes with another, which must be of a kind; sizes are read by the way."""
    found = [reader for reader in readers[layer.id] if reader.kind != "ShapeOf"]
    _require(len(found) == 1 and found[0].kind == kind, f"{layer.name[:40]!r} does not lead to one {kind}")
    return found[0]


def _other(graph: Graph, layer: Layer, known: str) -> str:
    """The other input of a sum or product."""
    _require(len(layer.inputs) == 2 and known in layer.inputs, f"{layer.name[:40]!r} does not join two inputs")
    return layer.inputs[1] if layer.inputs[0] == known else layer.inputs[0]


def _mapping(graph: Graph) -> dict[str, Tensor]:
    readers, tensors = graph.readers(), {}
    products = [layer for layer in graph.layers.values() if layer.kind == "MatMul"]
    _require(bool(products), "it has no mapping")
    scaled = graph.layers[products[0].inputs[0]]
    from_latent = [graph.layers[source].kind for source in scaled.inputs].count("Parameter") == 1
    _require(scaled.kind == "Multiply" and from_latent, "its mapping does not normalise the latent")
    for i, product in enumerate(products):
        added = _next(readers, product, "Add")
        bent = _next(readers, added, "PReLU")
        gained = _next(readers, bent, "Multiply")
        gain = _const(graph, _other(graph, gained, bent.id))
        _check_slope(graph, bent)
        _require(gain.numel() == 1 and abs(float(gain) - 2**0.5) < 1e-4, "its mapping has another gain")
        if i + 1 < len(products):
            _require(products[i + 1].inputs[0] == gained.id, "its mapping is no plain stack")
        tensors[f"mapping.fc{i}.weight"] = _const(graph, product.inputs[1])
        tensors[f"mapping.fc{i}.bias"] = _const(graph, _other(graph, added, product.id)).reshape(-1)
    return tensors | {"mapping.w_avg": torch.zeros_like(tensors["mapping.fc0.bias"])}


def _check_slope(graph: Graph, layer: Layer) -> None:
    slope = _const(graph, layer.inputs[1])
    _require(slope.numel() == 1 and abs(float(slope) - SLOPE) < 1e-5, "its activation has another slope")


def _style(graph: Graph, identity: str) -> tuple[Tensor, Tensor] | None:
    """Weight and bias of the affine map that an input comes from, with the factor behind it; ``None`` for features."""
    layer, factor = graph.layers[identity], 1.0
    while layer.kind in ("Reshape", "Multiply"):
        if layer.kind == "Multiply":
            constants = [source for source in layer.inputs if graph.layers[source].kind == "Const"]
            if len(constants) != 1 or (value := _const(graph, constants[0])).numel() != 1:
                return None
            factor *= float(value)
            layer = graph.layers[_other(graph, layer, constants[0])]
        else:
            layer = graph.layers[layer.inputs[0]]
    if layer.kind != "Add" or graph.layers[layer.inputs[0]].kind != "MatMul":
        return None
    product = graph.layers[layer.inputs[0]]
    if graph.layers[product.inputs[0]].kind != "Parameter":
        return None
    return _const(graph, product.inputs[1]) * factor, _const(graph, layer.inputs[1]).reshape(-1) * factor


def _scaled(graph: Graph) -> list[tuple[Layer, str, tuple[Tensor, Tensor]]]:
    """Every product of features and a style: the layer, its features, and the style's affine map."""
    found = []
    for layer in graph.layers.values():
        if layer.kind != "Multiply" or any(graph.layers[source].kind == "Const" for source in layer.inputs):
            continue
        for mine, theirs in (layer.inputs, layer.inputs[::-1]):
            affine = _style(graph, mine)
            if affine is not None:
                found.append((layer, theirs, affine))
                break
    return found


def _behind(graph: Graph, identity: str, stops: set[str]) -> tuple[set[str], list[Tensor]]:
    """What features come from: the nearest of `stops`, and pictures of numbers on the way."""
    met, constants, seen, queue = set(), [], set(), [identity]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        layer = graph.layers[current]
        if current in stops:
            met.add(current)
        elif layer.kind == "Const" and layer.data.get("shape", "").count(",") == 3:
            constants.append(_const(graph, current))
        elif layer.kind not in ("ShapeOf", "Parameter"):
            queue.extend(layer.inputs)
    return met, constants


def _synthesis(graph: Graph) -> dict[str, Tensor]:
    readers, scaled = graph.readers(), _scaled(graph)
    _require(len(scaled) >= 5 and len(scaled) % 3 == 2, f"it has {len(scaled)} styled layers")
    _check_haar(graph, count=len(scaled) // 3 + 1)
    stops = {layer.id for layer, _, _ in scaled}
    tensors: dict[str, Tensor] = {}
    for i, (layer, features, (weight, bias)) in enumerate(scaled):
        before, constants = _behind(graph, features, stops)
        _require(before == ({scaled[i - 1][0].id} if i else set()), "its layers do not follow one another")
        size, kind = 4 << (i + 2) // 3, ("conv1", "up", "conv0")[i % 3]
        last = i + 1 == len(scaled)
        name = f"synthesis.b{size}.{'torgb' if last else kind}"
        tensors |= {f"{name}.affine.weight": weight, f"{name}.affine.bias": bias}
        if i == 0:
            _require(len(constants) == 1, "it does not start from one constant")
            tensors["synthesis.const"] = constants[0][0]
        if last:
            conv = _next(readers, layer, "Convolution")
            added = _next(readers, conv, "Add")
            tensors[f"{name}.weight"] = _const(graph, conv.inputs[1])
            tensors[f"{name}.bias"] = _const(graph, _other(graph, added, conv.id)).reshape(-1)
        elif kind != "up":
            tensors |= {f"{name}.{key}": value for key, value in _conv(graph, readers, layer, separable=i > 0).items()}
    return tensors


def _conv(graph: Graph, readers: Mapping[str, list[Layer]], layer: Layer, *, separable: bool) -> dict[str, Tensor]:
    """The numbers of a convolution behind its style, up to its activation."""
    tensors = {}
    if separable:
        layer = _next(readers, layer, "GroupConvolution")
        tensors["spread"] = _const(graph, layer.inputs[1])[:, 0]
    conv = _next(readers, layer, "Convolution")
    tensors["weight"] = _const(graph, conv.inputs[1])
    noisy = _next(readers, conv, "Add")
    biased = _next(readers, noisy, "Add")
    _check_slope(graph, _next(readers, biased, "PReLU"))
    noise = _const(graph, _other(graph, noisy, conv.id))[0, 0]
    # The strength lies in the map: taking it out gives maps drawn anew the right one.
    strength = noise.std(correction=0)
    tensors["noise_const"] = noise / strength if strength > 0 else noise
    tensors["noise_strength"] = strength
    tensors["bias"] = _const(graph, _other(graph, biased, noisy.id)).reshape(-1)
    return tensors


def _check_haar(graph: Graph, *, count: int) -> None:
    """Refuse filters that are not `count` inverse Haar transforms."""
    filters = [layer for layer in graph.layers.values() if layer.kind == "GroupConvolutionBackpropData"]
    _require(len(filters) == count * len(_HAAR), f"it has {len(filters)} wavelet filters")
    for i, layer in enumerate(filters):
        down, across, sums = _HAAR[i % len(_HAAR)]
        taps = _const(graph, layer.inputs[1])
        _require(taps.ndim == 5 and tuple(taps.shape[1:]) == (1, 1, down, across), "a wavelet filter has another shape")
        wanted = torch.tensor([1.0, 1.0 if sums else -1.0]) * math.sqrt(0.5)
        _require(bool((taps.reshape(-1, 2) - wanted).abs().max() < 1e-4), "its wavelets are not Haar's")


def _config(tensors: Mapping[str, Tensor]) -> GeneratorConfig:
    blocks = sum(name.endswith("conv1.bias") for name in tensors)
    colours = tensors[f"synthesis.b{4 << blocks}.torgb.bias"]
    return GeneratorConfig(
        resolution=4 << blocks,
        channels=tuple(len(tensors[f"synthesis.b{4 << i}.conv1.bias"]) for i in range(blocks)),
        w_dim=len(tensors["mapping.w_avg"]),
        mapping_layers=sum(name.startswith("mapping.fc") and name.endswith("bias") for name in tensors),
        img_channels=len(colours) // BANDS,
    )
