"""The one model of a repository on the Hugging Face hub, out of the list of its files."""

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from explorer.errors import CheckpointError
from explorer.remote.address import Address, hub_endpoint

if TYPE_CHECKING:
    import httpx

__all__ = ["only_model"]

MAX_LISTING_BYTES = 8 << 20
_ENDINGS = (".safetensors", ".pkl", ".pt", ".pth", ".ckpt", ".bin")
_SHOWN = 6


def only_model(connection: "httpx.Client", repository: Address) -> Address:
    """The file of a repository that is a model.

    Where there are several, one that is called ``model`` or ``network-snapshot`` wins over others; the safer format
    wins over the same name in another.

    Raises:
        CheckpointError: There is none or no saying which one, or the hub does not answer.
    """
    from explorer.remote.transport import FAULTS, ask, in_words

    url = f"{hub_endpoint()}/api/models/{repository.repository}/revision/{quote(repository.revision, safe='')}"
    try:
        with ask(connection, url) as answer:
            if answer.status != 200:
                raise CheckpointError(
                    f"the hub has no open model {repository.repository} at {repository.revision} "
                    f"(it answered {answer.status}): check the name, or give a file of this machine"
                )
            content = bytearray()
            for chunk in answer.response.iter_raw():
                content += chunk
                if len(content) > MAX_LISTING_BYTES:
                    raise CheckpointError(f"{repository.shown} lists more files than any model has: refused")
    except FAULTS as error:
        raise CheckpointError(
            f"the hub cannot be asked for {repository.repository}: {in_words(error)}. Check the connection"
        ) from error
    return repository.file(_choose(_names(bytes(content), repository), repository))


def _names(content: bytes, repository: Address) -> list[str]:
    try:
        siblings = json.loads(content)["siblings"]
        names = [entry["rfilename"] for entry in siblings]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise CheckpointError(f"the hub answers for {repository.repository} in an unknown way") from None
    return [name for name in names if isinstance(name, str) and name.lower().endswith(_ENDINGS)]


def _choose(names: list[str], repository: Address) -> str:
    if not names:
        raise CheckpointError(f"{repository.repository} holds no file that could be a model")
    for ending in _ENDINGS:
        alike = [name for name in names if name.lower().endswith(ending)]
        usual = [
            name for name in alike if name.rpartition("/")[2].lower().startswith(("model.", "network-snapshot-final."))
        ]
        for found in (alike, usual):
            if len(found) == 1:
                return found[0]
        if alike:
            break
    shown = ", ".join(sorted(names)[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    raise CheckpointError(
        f"{repository.repository} holds {len(names)} models: give one as hf://{repository.repository}/FILE ({shown})"
    )
