"""Writing a generator as ONNX: one graph from a latent to a picture, complete or not there at all.

Inputs, all float32: ``z`` ``[N, z_dim]``; ``c`` ``[N, c_dim]`` where the model is conditional (shares of classes, or
a text's embedding); ``psi`` ``[]`` where W has a centre, 1 for no truncation. Output: ``image`` ``[N, C, H, W]``, about
-1 to 1. N is free. The noise is the stored one and the picture stands as the file says; a text's encoder is not part
of it.
"""

import contextlib
import copy
import importlib.util
import json
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from explorer.checkpoints.saving import CheckpointParts, write_whole
from explorer.errors import CheckpointError
from explorer.generators.styles import broadcast
from explorer.state import GeneratorSpec

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import Checkpoint

__all__ = ["OPSET", "export_onnx"]

# The oldest that torch's exporter writes without converting; runtimes read it since 2023.
OPSET = 18
# No protocol buffer is longer. Weights in a second file could not be written whole or not at all together with it.
MAX_BYTES = (1 << 31) - (64 << 20)
NEEDS = ("onnx", "onnxscript")


class _Picture(nn.Module):
    """From a latent to a picture, with truncation."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, c: Tensor | None = None, psi: Tensor | None = None) -> Tensor:
        """The inputs are those of `_inputs`."""
        spec = self.generator.spec
        w = self.generator.map(z, c)
        if psi is not None:
            # Not `truncate`, which leaves out what a psi of 1 makes needless: here psi is not known yet.
            centre = self.generator.w_avg(c)
            w = centre + (w - centre) * psi
        return self.generator.synthesize(self.generator.style(broadcast(w, spec.num_ws)))


def export_onnx(checkpoint: "Checkpoint | CheckpointParts", path: str | os.PathLike[str]) -> None:
    """Write the generator as one ONNX file of opset `OPSET`, which appears whole or not at all.

    Args:
        checkpoint: What to write; the discriminator is left out.
        path: Replaced when it exists.

    Raises:
        CheckpointError: The packages of the extra ``onnx`` are missing, the model is too large for one file or has an
            operation that cannot be written, the disk is full, or the folder missing.
    """
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise CheckpointError(f"writing ONNX needs {' and '.join(missing)}: pip install 'latent-explorer[onnx]'")
    generator = checkpoint.generator
    size = sum(tensor.nbytes for tensor in generator.state_dict().values())
    if size > MAX_BYTES:
        raise CheckpointError(f"this model has {size >> 20} MiB of numbers, and an ONNX file holds {MAX_BYTES >> 20}")
    try:
        with _quiet(), torch.no_grad():
            model = _record(generator)
            _describe(model, checkpoint)
            content = model.SerializeToString()
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        # What torch, onnxscript and protobuf say of an operation that has no form in ONNX.
        why = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise CheckpointError(f"this {generator.spec.family} model cannot be written as ONNX: {why}") from error
    write_whole(Path(path), content, ())


def _inputs(spec: GeneratorSpec) -> dict[str, Tensor]:
    """Examples by name. A batch of 2 stands for any, as one of 1 would be taken for a constant."""
    inputs = {"z": torch.zeros(2, spec.z_dim)}
    if spec.c_dim > 0:
        inputs["c"] = torch.zeros(2, spec.c_dim)
    if spec.has_truncation:
        inputs["psi"] = torch.ones([])
    return inputs


def _record(generator: nn.Module) -> Any:
    """The graph as an ``onnx.ModelProto``."""
    if any(tensor.device.type != "cpu" for tensor in generator.state_dict().values()):
        generator = copy.deepcopy(generator).cpu()
    inputs = _inputs(generator.spec)
    batch = torch.export.Dim("N")
    # Recorded here, since torch.onnx would fall back to a fixed batch where a free one fails.
    program = torch.export.export(
        _Picture(generator).eval(),
        (),
        inputs,
        dynamic_shapes={name: {} if name == "psi" else {0: batch} for name in inputs},
        strict=False,
    )
    written = torch.onnx.export(
        program,
        input_names=list(inputs),
        output_names=["image"],
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return written.model_proto


def _describe(model: Any, checkpoint: "Checkpoint | CheckpointParts") -> None:
    """Say in the file what it is, and take out what torch noted of this machine's folders."""
    import onnx

    graph = model.graph
    for entries in (graph.node, graph.value_info, graph.initializer, graph.input, graph.output, model.functions):
        for entry in entries:
            del entry.metadata_props[:]
            entry.doc_string = ""
    del graph.metadata_props[:]
    spec, info = checkpoint.generator.spec, getattr(checkpoint, "info", None)
    facts = {"family": spec.family, "variant": spec.variant}
    if info is not None:
        facts |= {"converted_from": info.sha256, "card": json.dumps(dict(info.card))}
    model.producer_name = "Latent Explorer"
    onnx.helper.set_model_props(model, facts)
    onnx.checker.check_model(model)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the exporter says of optional packages and of its own future."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
