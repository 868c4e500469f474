"""Published discriminators of Projected GAN and StyleGAN-XL out of the records of their modules.

The frozen networks lie whole in a snapshot. Which blocks of a transformer are looked at is not told (hooks are
functions, which are not read), but follows from its depth.
"""

import math

import torch
from torch import Tensor

from explorer.checkpoints.published_fields import Fields, agreed
from explorer.checkpoints.published_stylegan3 import agree
from explorer.checkpoints.published_vision import check_conv, lite_tensors, vision_config, vision_tensors
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.views_config import SCALES, ViewConfig, ViewsConfig
from explorer.generators.views_discriminator import ViewsDiscriminator

__all__ = ["is_discriminator", "read_discriminator"]

_SEEN_SIDE = 224
_SLOPE = 0.2


def is_discriminator(record: ModuleRecord) -> bool:
    """Whether this is a discriminator of Projected GAN, with one frozen network, or of StyleGAN-XL, with several."""
    return {"feature_network", "discriminator"} <= record.children.keys() or {
        "feature_networks",
        "discriminators",
    } <= record.children.keys()


def read_discriminator(record: ModuleRecord, *, classes: int | None = None) -> ViewsDiscriminator:
    """Build the discriminator from the record's tensors.

    Args:
        record: Of the whole discriminator.
        classes: Of the generator beside it: published heads carry a thousand rows, of which the first ones are used.
            ``None``: all.

    Raises:
        CheckpointError: A part is missing, of another network, or options and tensors contradict each other.
    """
    root = Fields(record, "D")
    if root.has("feature_network"):
        pairs = [(root.child("feature_network"), root.child("discriminator"))]
    else:
        networks, judges = root.child("feature_networks"), root.child("discriminators")
        pairs = [(networks.child(name), judges.child(name)) for name in networks.record.children]
    shrunk = root.flag("interp224")
    views, tensors, labels = [], {}, []
    for index, (network, judge) in enumerate(pairs):
        view = _View(network, judge, resized=shrunk, classes=classes)
        views.append(view.config())
        labels.append(view.labels)
        tensors |= {f"views.{index}.{name}": tensor for name, tensor in view.tensors.items()}
    config = ViewsConfig(views=tuple(views), **_agreed_labels(labels))
    return ViewsDiscriminator.from_tensors(config, tensors)


def _agreed_labels(labels: list[dict[str, int]]) -> dict[str, int]:
    """What all views say of labels."""
    return dict(agreed("class embedding", [tuple(sorted(entry.items())) for entry in labels]))


class _View:
    """One frozen network and its heads, read when this is made."""

    def __init__(self, network: Fields, judge: Fields, *, resized: bool, classes: int | None) -> None:
        self.network, self.resized, self.classes = network, resized, classes
        self.tensors: dict[str, Tensor] = {}
        self.labels = {"c_dim": 0}
        self.options: dict[str, object] = {}
        self._take_frozen(network.child("pretrained"))
        kind = network.whole("proj_type")
        self.options["channels"] = self._take_mixing("channels", "ccm") if kind > 0 else ()
        self.options["scales"] = self._take_mixing("scales", "csm") if kind > 1 else ()
        self._take_heads(judge.child("mini_discs"))
        for name, tensor in self.tensors.items():
            if not bool(torch.isfinite(tensor).all()):
                raise CheckpointError(f"this snapshot's {network.name} holds values that are not numbers ({name})")

    def config(self) -> ViewConfig:
        return ViewConfig(**self.options)

    def _take_frozen(self, pretrained: Fields) -> None:
        transformer = pretrained.has("model")
        colours = self.network.record.attributes.get("normstats", {"mean": [0.5] * 3, "std": [0.5] * 3})
        self.options["mean"] = _three(colours, "mean")
        self.options["deviation"] = _three(colours, "std")
        self.options["resized"] = _SEEN_SIDE if self.resized or transformer else 0
        if not transformer:
            layers = [part for i in range(SCALES) for part in _flat(pretrained.child(f"layer{i}"))]
            self._add("frozen.network.", lite_tensors(layers))
            return
        model = pretrained.child("model")
        self.options["vision"] = vision_config(model)
        self._add("frozen.network.", vision_tensors(model))
        self.options["readout"] = self._take_readout(pretrained, model)

    def _take_readout(self, pretrained: Fields, model: Fields) -> tuple[int, ...]:
        widths = []
        for i in range(SCALES):
            layer = pretrained.child(f"layer{i + 1}")
            first = layer.child("0")
            if first.record.class_name != "Slice":
                raise CheckpointError(f"this snapshot's {first.name} reads tokens in a way that is not supported")
            agree(first, start_index=self.options["vision"].tokens)
            take = layer.child("3")
            check_conv(take)
            widths.append(take.shape("weight", axes=4)[0])
            self._add(f"frozen.takes.{i}.", _both(take))
        for i, name, stride in ((0, "fourfold", 4), (1, "twofold", 2), (3, "halve", 2)):
            change = pretrained.child(f"layer{i + 1}").child("4")
            check_conv(change, stride=[stride] * 2, padding=[int(name == "halve")] * 2, transposed=name != "halve")
            self._add(f"frozen.{name}.", _both(change))
        return tuple(widths)

    def _take_mixing(self, ours: str, theirs: str) -> tuple[int, ...]:
        scratch, widths = self.network.child("scratch"), []
        for i in range(SCALES):
            layer = scratch.child(f"layer{i}_{theirs}")
            if theirs == "csm":
                agree(layer, align_corners=True)
                layer = layer.child("out_conv")
            check_conv(layer)
            widths.append(layer.shape("weight", axes=4)[0])
            self._add(f"{ours}.mix{i}.", _both(layer))
        return tuple(widths)

    def _take_heads(self, listed: Fields) -> None:
        heads, separable = [], []
        for i in range(len(listed.record.children)):
            heads.append(self._take_head(listed.child(str(i)), f"heads.head{i}.", separable))
        self.options["heads"] = tuple(heads)
        if separable:
            self.options["separable"] = agreed("kind of layers", separable)

    def _take_head(self, head: Fields, name: str, separable: list[bool]) -> tuple[int, ...]:
        layers = [head.child("main").child(key) for key in head.child("main").record.children]
        conditional = head.has("embed")
        last = head.child("cls") if conditional else layers.pop()
        widths = []
        for k, layer in enumerate(layers):
            separable.append(_is_separable(layer))
            widths.append(self._take_halving(layer, f"{name}halving{k}.", separable=separable[-1]))
        self._take_spectral(last, f"{name}last.")
        if conditional:
            self._take_labels(head, name)
        return tuple(widths)

    def _take_halving(self, layer: Fields, name: str, *, separable: bool) -> int:
        main = layer.child("main")
        first = main.child("0")
        if separable:
            count = first.child("depthwise").shape("weight_orig", axes=4)[0]
            self._take_spectral(first.child("depthwise"), f"{name}each.", padding=[1, 1], groups=count)
            self._take_spectral(first.child("pointwise"), f"{name}across.")
        else:
            self._take_spectral(first, f"{name}conv.", stride=[2, 2], padding=[1, 1])
        norm = main.child("1")
        if norm.record.class_name != "BatchNorm2d":
            raise CheckpointError(f"this snapshot's {norm.name} is no batch norm: not supported")
        agree(norm, eps=1e-5)
        self._add(f"{name}norm.", {key: norm.tensor(key) for key in ("weight", "bias", "running_mean", "running_var")})
        agree(main.child("2"), negative_slope=_SLOPE)
        return norm.shape("weight", axes=1)[0]

    def _take_spectral(self, conv: Fields, name: str, **expected: object) -> None:
        check_conv(conv, **expected)
        self._add(name, spectral(conv))

    def _take_labels(self, head: Fields, name: str) -> None:
        table, project = head.child("embed"), head.child("embed_proj")
        held, width = table.shape("weight", axes=2)
        rows = held if not self.classes else min(held, self.classes)
        gain = bias_gain = 1.0
        if project.has("0"):
            agree(project.child("1"), negative_slope=_SLOPE)
            project = project.child("0")
        else:
            # StyleGAN's fully connected layer: scaled when used, and after its activation by the root of 2.
            agree(project, activation="lrelu")
            gain, bias_gain = (project.number(key) * math.sqrt(2) for key in ("weight_gain", "bias_gain"))
        weight, bias = project.tensor("weight") * gain, project.tensor("bias") * bias_gain
        self._add(name, {"embedding": table.tensor("weight")[:rows], "project": weight, "project_bias": bias})
        cmap_dim = project.shape("weight", axes=2)[0]
        self.labels = {"c_dim": rows, "embed_features": width, "cmap_dim": cmap_dim}

    def _add(self, prefix: str, tensors: dict[str, Tensor]) -> None:
        self.tensors |= {prefix + name: tensor for name, tensor in tensors.items()}


def spectral(conv: Fields) -> dict[str, Tensor]:
    """A convolution of spectral norm 1 under our names."""
    found = {"weight": conv.tensor("weight_orig"), "left": conv.tensor("weight_u"), "right": conv.tensor("weight_v")}
    if "bias" in conv.record.parameters:
        found["bias"] = conv.tensor("bias")
    return found


def _both(layer: Fields) -> dict[str, Tensor]:
    return {key: layer.tensor(key) for key in ("weight", "bias")}


def _is_separable(layer: Fields) -> bool:
    return layer.child("main").child("0").has("depthwise")


def _flat(part: Fields) -> list[Fields]:
    """The modules of nested lists, in order."""
    if part.record.class_name != "Sequential":
        return [part]
    return [inner for key in part.record.children for inner in _flat(part.child(key))]


def _three(colours: object, key: str) -> tuple[float, ...]:
    values = colours.get(key) if isinstance(colours, dict) else None
    if not isinstance(values, list | tuple) or not all(type(value) in (int, float) for value in values):
        raise CheckpointError(f"this snapshot's discriminator does not tell the {key} of colours: it is damaged")
    return tuple(float(value) for value in values)
