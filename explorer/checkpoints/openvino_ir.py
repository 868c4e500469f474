"""Graphs of OpenVINO's intermediate representation, version 10, as data: an XML of layers and a file of numbers.

Read with the standard library alone: no document types, no entities, and every size is checked before it is used.
"""

import math
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explorer.errors import CheckpointError

__all__ = ["MAX_XML_BYTES", "Graph", "Layer", "parse_graph"]

MAX_XML_BYTES = 16 << 20
MAX_LAYERS = 1 << 14
MAX_ELEMENTS = 1 << 19
MAX_DEPTH = 64
_CHUNK = 1 << 16
_NUMBERS = {"f32": np.dtype("<f4"), "i32": np.dtype("<i4"), "i64": np.dtype("<i8")}


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation."""

    id: str
    name: str
    kind: str
    """Such as ``Convolution``; ``Const`` is numbers."""
    data: Mapping[str, str]
    """Its options, as text."""
    inputs: tuple[str, ...]
    """Ids of the layers it reads, by port."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Operations in the order in which they run."""

    name: str
    layers: Mapping[str, Layer]
    numbers: memoryview

    def value(self, identity: str) -> np.ndarray:
        """The numbers of a ``Const``.

        Raises:
            CheckpointError: It is none, or reaches beyond the file.
        """
        layer = self.layers[identity]
        kind = _NUMBERS.get(layer.data.get("element_type", ""))
        if layer.kind != "Const" or kind is None:
            raise CheckpointError(f"the layer {layer.name[:80]!r} of this OpenVINO model holds no plain numbers")
        shape = tuple(_whole(part) for part in layer.data.get("shape", "").split(",") if part.strip())
        offset, size = _whole(layer.data.get("offset", "")), _whole(layer.data.get("size", ""))
        if size != math.prod(shape) * kind.itemsize or offset + size > len(self.numbers):
            raise CheckpointError(f"the numbers of {layer.name[:80]!r} do not fit the .bin file of this OpenVINO model")
        return np.frombuffer(self.numbers[offset : offset + size], dtype=kind).reshape(shape)

    def readers(self) -> dict[str, list[Layer]]:
        """The layers that read each layer."""
        found: dict[str, list[Layer]] = defaultdict(list)
        for layer in self.layers.values():
            for source in layer.inputs:
                found[source].append(layer)
        return found


def parse_graph(xml: bytes, numbers: memoryview) -> Graph:
    """Read a graph.

    Raises:
        CheckpointError: It is no graph of version 10, or is damaged or hostile.
    """
    if len(xml) > MAX_XML_BYTES:
        raise CheckpointError(f"the .xml file of this OpenVINO model has {len(xml) >> 20} MiB, more than any")
    try:
        # Text, not bytes: a file cannot choose an encoding that hides what is looked for.
        text = xml.decode("utf-8-sig")
        if "<!" in text.replace("<!--", ""):
            raise CheckpointError("the .xml file of this OpenVINO model defines entities or a document type: refused")
        root = _root(text)
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError) as error:
        raise CheckpointError(f"the .xml file of this OpenVINO model is damaged: {error}") from error
    if root.tag != "net" or root.get("version") != "10":
        raise CheckpointError(f"only OpenVINO models of version 10 are read, not {str(root.get('version'))[:20]!r}")
    listed, edges = root.find("layers"), root.find("edges")
    if listed is None or edges is None or len(listed) > MAX_LAYERS or len(edges) > 8 * MAX_LAYERS:
        raise CheckpointError("the .xml file of this OpenVINO model is damaged: it lists no layers, or too many")
    sources: dict[str, dict[int, str]] = defaultdict(dict)
    for edge in edges:
        sources[edge.get("to-layer", "")][_whole(edge.get("to-port", ""))] = edge.get("from-layer", "")
    layers = {}
    for element in listed:
        identity, options = element.get("id", ""), element.find("data")
        inputs = tuple(source for _, source in sorted(sources[identity].items()))
        data = {} if options is None else dict(options.attrib)
        # In the order in which they run, so there are no circles to walk for ever.
        if identity in layers or any(source not in layers for source in inputs):
            raise CheckpointError("the .xml file of this OpenVINO model is damaged: a layer reads one that comes later")
        layers[identity] = Layer(identity, element.get("name", ""), element.get("type", ""), data, inputs)
    return Graph(root.get("name", ""), layers, numbers)


def _root(text: str) -> ElementTree.Element:
    """The document's root, given up as soon as it holds more than any graph does."""
    parser = ElementTree.XMLPullParser(("start", "end"))
    root, depth, count = None, 0, 0
    for start in range(0, len(text), _CHUNK):
        parser.feed(text[start : start + _CHUNK])
        for event, element in parser.read_events():
            root = element if root is None else root
            depth += 1 if event == "start" else -1
            count += event == "start"
            if depth > MAX_DEPTH or count > MAX_ELEMENTS:
                raise CheckpointError("the .xml file of this OpenVINO model holds more than any: refused as hostile")
    parser.close()
    if root is None:
        raise ValueError("it is empty")
    return root


def _whole(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise CheckpointError(f"the .xml file of this OpenVINO model is damaged: {text[:40]!r} is no size")
    return int(text)
