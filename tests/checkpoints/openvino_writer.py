"""MobileStyleGAN as an OpenVINO model, with the same kinds of layers as the published one."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

ROOT_HALF = 0.5**0.5


class Graph:
    """Layers, edges and numbers as they are added."""

    def __init__(self, name):
        self.net = ElementTree.Element("net", name=name, version="10")
        self.layers = ElementTree.SubElement(self.net, "layers")
        self.edges = ElementTree.SubElement(self.net, "edges")
        self.numbers = bytearray()

    def op(self, kind, *inputs, **data):
        identity = str(len(self.layers))
        layer = ElementTree.SubElement(self.layers, "layer", id=identity, name=f"{kind}_{identity}", type=kind)
        ElementTree.SubElement(layer, "data", data)
        for port, source in enumerate(inputs):
            ends = {"from-layer": source, "from-port": "0", "to-layer": identity, "to-port": str(port)}
            ElementTree.SubElement(self.edges, "edge", ends)
        return identity

    def const(self, values, kind="f32"):
        values = np.asarray(values, dtype={"f32": "<f4", "i64": "<i8"}[kind])
        shape, offset = ", ".join(map(str, values.shape)), len(self.numbers)
        self.numbers += values.tobytes()
        return self.op("Const", element_type=kind, shape=shape, offset=str(offset), size=str(values.nbytes))

    def reshape(self, source, *shape):
        return self.op("Reshape", source, self.const(shape, "i64"), special_zero="true")

    def write(self, folder):
        name = self.net.get("name")
        content = ElementTree.tostring(self.net, encoding="unicode")
        (Path(folder) / f"{name}.xml").write_text(f'<?xml version="1.0" ?>\n{content}')
        (Path(folder) / f"{name}.bin").write_bytes(self.numbers)


def write_mobile(generator, folder, *, wavelet=ROOT_HALF):
    """Write a generator of ours; `wavelet` other than the default makes filters that are not Haar's."""
    mapping_graph(generator).write(folder)
    synthesis_graph(generator, wavelet).write(folder)


def mapping_graph(generator):
    graph = Graph("MappingNetwork")
    x = graph.op("Parameter", shape="1, 8", element_type="f32")
    x = graph.op("Multiply", x, graph.op("Power", graph.op("ReduceMean", x), graph.const([[-0.5]])))
    for i in range(generator.config.mapping_layers):
        layer = generator.mapping.get_submodule(f"fc{i}")
        x = graph.op("MatMul", x, graph.const(layer.weight), transpose_b="true")
        x = graph.op("Add", x, graph.reshape(graph.const(layer.bias), 1, -1))
        x = graph.op("PReLU", x, graph.const([0.2]))
        x = graph.op("Multiply", x, graph.const([[2**0.5]]))
    graph.op("Result", x)
    return graph


def synthesis_graph(generator, wavelet):
    graph = Graph("SynthesisNetwork")
    w = graph.op("Parameter", shape="1, 8", element_type="f32")
    x = graph.op("Tile", graph.op("Broadcast", graph.const(generator.synthesis.const[None]), graph.op("ShapeOf", w)))
    for spec in generator.spec.layers:
        layer = generator.synthesis.get_submodule(spec.name)
        factor = 1.0 if spec.name.endswith("up") else 0.5
        s = graph.op("MatMul", w, graph.const(layer.affine.weight / factor), transpose_b="true")
        s = graph.reshape(graph.op("Add", s, graph.const(layer.affine.bias[None] / factor)), 1, -1, 1, 1)
        if factor != 1.0:
            s = graph.op("Multiply", s, graph.const([[[[factor]]]]))
        graph.op("ShapeOf", x)
        x = graph.op("Multiply", s, x)
        if spec.noisy:
            x = convolution(graph, layer, x)
        elif spec.name.endswith("torgb"):
            x = graph.op("Convolution", x, graph.const(layer.weight))
            x = graph.op("Add", x, graph.const(layer.bias[None, :, None, None]))
        if not spec.noisy:
            x = inverse_haar(graph, x, spec.channels, wavelet)
    graph.op("Result", x)
    return graph


def convolution(graph, layer, x):
    if hasattr(layer, "spread"):
        x = graph.op("GroupConvolution", x, graph.const(layer.spread[:, None]))
    x = graph.op("Convolution", x, graph.const(layer.weight))
    x = graph.op("Add", x, graph.const((layer.noise_const * layer.noise_strength)[None, None]))
    x = graph.op("Add", x, graph.const(layer.bias[None, :, None, None]))
    return graph.op("PReLU", x, graph.const([0.2]))


def inverse_haar(graph, x, channels, wavelet):
    def filtered(source, sign, *shape):
        taps = np.broadcast_to(np.reshape([wavelet, sign * wavelet], (1, 1, 1, *shape)), (channels, 1, 1, *shape))
        return graph.op("GroupConvolutionBackpropData", source, graph.const(taps))

    means = graph.op("VariadicSplit", x, graph.const(1, "i64"), graph.const([channels, -1], "i64"))
    graph.op("ShapeOf", x)
    rest = graph.op("VariadicSplit", graph.reshape(means, 1, channels, 3, -1, 1), graph.const(2, "i64"))
    bands = [means, *(graph.op("Squeeze", rest, graph.const([2], "i64")) for _ in range(3))]
    halves = []
    for pair, sign in ((bands[:2], 1), (bands[2:], -1)):
        column = graph.op("Add", filtered(pair[0], 1, 2, 1), filtered(pair[1], -1, 2, 1))
        halves.append(filtered(column, sign, 1, 2))
    return graph.op("Add", *halves)
