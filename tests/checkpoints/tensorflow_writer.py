"""Write pickles as the TensorFlow era did, of any options, from our own networks or by hand."""

from io import BytesIO

import numpy as np

from tests.checkpoints.pickle_writer import Global, NewObject, PickleWriter

NETWORK = Global("dnnlib.tflib.network", "Network")
OLD_NETWORK = Global("tfutil", "Network")


def network(
    variables: dict[str, object],
    *,
    version: int = 4,
    function: str = "G_main",
    options: dict[str, object] | None = None,
    components: dict[str, NewObject] | None = None,
    target: Global = NETWORK,
    **more: object,
) -> NewObject:
    state: dict[str, object] = {
        "version": version,
        "name": function,
        "static_kwargs": options or {},
        "build_module_src": "raise SystemExit",
        "build_func_name": function,
        "variables": [(name, _plain(value)) for name, value in variables.items()],
    }
    if components is not None:
        state["components"] = components
    return NewObject(target, state={**state, **more})


def file_of(*networks: object, protocol: int = 4) -> bytes:
    out = BytesIO()
    PickleWriter(out, protocol=protocol).dump(tuple(networks))
    return out.getvalue()


def _plain(value: object) -> object:
    return np.float32(value) if isinstance(value, float) else np.asarray(value, dtype=np.float32)
