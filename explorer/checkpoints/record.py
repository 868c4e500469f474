"""A module of a published snapshot, as data: what it was called, its tensors and its plain attributes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import Tensor

__all__ = ["ModuleRecord"]


@dataclass(slots=True)
class ModuleRecord:
    """One module as it was pickled. Built from the stream without running code.

    The tree that ``children`` spans is finite: cycles and shared modules are resolved or refused when it is built.
    """

    class_name: str
    """The class's bare name, for example ``SynthesisNetwork``: a claim of the file, not a fact."""
    attributes: dict[str, object] = field(default_factory=dict)
    """Plain data of the module's state (ints, floats, strings, lists, dicts, tensors, inert records); no hooks."""
    parameters: dict[str, Tensor] = field(default_factory=dict)
    """Trained tensors, by name, read-only by convention; those that the module registered as ``None`` are left out."""
    buffers: dict[str, Tensor | None] = field(default_factory=dict)
    """Tensors that are kept but not trained; ``None`` where the module registered none."""
    children: dict[str, "ModuleRecord | None"] = field(default_factory=dict)
    """Sub-modules by attribute name."""

    def modules(self, prefix: str = "") -> Iterator[tuple[str, "ModuleRecord"]]:
        """This record and all below it with their dotted names, parents first."""
        pending = [(prefix, self)]
        while pending:
            name, record = pending.pop()
            yield name, record
            below = [(f"{name}.{key}" if name else key, child) for key, child in record.children.items() if child]
            pending.extend(reversed(below))

    def state_dict(self, prefix: str = "") -> dict[str, Tensor]:
        """Every parameter and buffer that is not ``None``, by dotted name: ``synthesis.b4.const``.

        Args:
            prefix: Put before every name, including its dot: ``generator.``.
        """
        tensors: dict[str, Tensor] = {}
        for name, record in self.modules():
            start = f"{prefix}{name}." if name else prefix
            tensors.update({start + key: value for key, value in record.parameters.items()})
            tensors.update({start + key: value for key, value in record.buffers.items() if value is not None})
        return tensors
