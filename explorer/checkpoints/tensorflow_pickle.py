"""Pickles of the TensorFlow era: ProGAN, StyleGAN, StyleGAN2 and StyleGAN2-ADA as first released, read as data.

A file is a tuple of networks (G, D, Gs). A network is a class and its state: a format version, the name of the
function that builds it, the options that function was given, sub-networks, and its variables as arrays. The source
text that comes along is dropped unread. Names outside `ALLOWED_NAMES` are refused.
"""

import re
from types import ModuleType

from explorer.checkpoints import (
    tensorflow_discriminators,
    tensorflow_progan,
    tensorflow_stylegan1,
    tensorflow_stylegan2,
)
from explorer.checkpoints.allowed import SNAPSHOT_CONSTRUCTORS
from explorer.checkpoints.inert import InertObject, Symbol
from explorer.checkpoints.numpy_values import NUMPY_CONSTRUCTORS
from explorer.checkpoints.pickle_machine import Budget, PickleMachine
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.tensorflow_network import NETWORK_CLASSES, TensorFlowNetwork, read_network
from explorer.errors import CheckpointError

__all__ = ["is_tensorflow_pickle", "read_tensorflow_pickle"]

# A tuple's first network is named right at its beginning: by two lines up to protocol 3, since then by two texts with
# their lengths before and perhaps a memo mark behind.
HEAD_BYTES = 128
_MARK = re.compile(
    rb"c(dnnlib\.tflib\.network|tfutil|network)\nNetwork\n"
    rb"|(\x8c.|X.\0\0\0)(dnnlib\.tflib\.network|tfutil|network)(\x94|q.|r.{4})?(\x8c\x07|X\x07\0\0\0)Network",
    re.DOTALL,
)

_PLAIN = (
    Symbol("_codecs", "encode"),
    Symbol("collections", "OrderedDict"),
    Symbol("dnnlib", "EasyDict"),
    Symbol("dnnlib.util", "EasyDict"),
)
_CONSTRUCTORS = {symbol: SNAPSHOT_CONSTRUCTORS[symbol] for symbol in (*_PLAIN, *NUMPY_CONSTRUCTORS)}
ALLOWED_NAMES = frozenset({*_CONSTRUCTORS, *NETWORK_CLASSES, Symbol("numpy", "ndarray")})
"""Every name that such a file has a use for."""

_THEANO = Symbol("network", "Network")


class _Strict(PickleMachine):
    """Refuses every name that such a file has no use for, instead of making inert data of it."""

    def symbol(self, module: object, name: object) -> Symbol:
        symbol = super().symbol(module, name)
        if symbol == _THEANO:
            raise CheckpointError(
                "this pickle is a ProGAN of the Theano release: its weights are not read, use the TensorFlow release's"
            )
        if symbol not in ALLOWED_NAMES:
            raise CheckpointError(
                f"this pickle of the TensorFlow era asks for {symbol}, which no such model needs: "
                "nothing was run, do not trust this file"
            )
        return symbol


def is_tensorflow_pickle(data: memoryview) -> bool:
    """Whether a pickle's first object is a network of the TensorFlow era, told from its first bytes."""
    return _MARK.search(bytes(data[:HEAD_BYTES])) is not None


def read_tensorflow_pickle(data: memoryview) -> Snapshot:
    """Read a pickle of the TensorFlow era from its bytes.

    Raises:
        CheckpointError: It is damaged, hostile, or of an architecture that is not known.
    """
    networks = _networks(_Strict(data, _CONSTRUCTORS, Budget(len(data))).run(), size=len(data))
    entries = tuple(networks)
    generators = [name for name in ("Gs", "G") if name in networks]
    if not generators:
        raise CheckpointError(f"this pickle holds no generator, only {', '.join(entries) or 'nothing'}")
    used = networks[generators[0]]
    family = _family(used)
    discriminator, notes = None, ()
    if "D" in networks:
        try:
            discriminator = tensorflow_discriminators.read_discriminator(networks["D"])
        except CheckpointError as error:
            notes = (f"The discriminator could not be read: {error}.",)
    generator = family.read_generator(used)
    psi, cutoff = family.default_truncation(used)
    if generator.config.lod > 0:
        notes = (f"The network is not fully grown: its level of detail is {generator.config.lod:g}.", *notes)
    return Snapshot(
        generator=generator,
        discriminator=discriminator,
        format="TensorFlow pickle",
        entries=entries,
        used=generators[0],
        notes=notes,
        default_psi=psi,
        default_cutoff=cutoff,
    )


def _networks(top: object, *, size: int) -> dict[str, TensorFlowNetwork]:
    """The networks of a file under the names that the releases give them."""
    found = list(top) if isinstance(top, tuple | list) else [top]
    if not 1 <= len(found) <= 3 or not all(isinstance(value, InertObject) for value in found):
        raise CheckpointError("this pickle of the TensorFlow era is damaged: it should hold a tuple of networks")
    read = [read_network(value, size=size) for value in found]
    if len(read) == 3:
        return dict(zip(("G", "D", "Gs"), read, strict=True))
    return {("D" if network.function.startswith("D_") else "Gs"): network for network in read}


def _family(network: TensorFlowNetwork) -> ModuleType:
    """The module that reads a generator, from its variables rather than from what it calls itself."""
    synthesis = network.components.get("synthesis")
    if synthesis is None:
        if "4x4/Dense/weight" in network.variables:
            return tensorflow_progan
        raise CheckpointError(
            f"this pickle's generator, made by {network.function}, is of no architecture that is known"
        )
    if "4x4/Conv/mod_weight" in synthesis.variables:
        return tensorflow_stylegan2
    return tensorflow_stylegan1
