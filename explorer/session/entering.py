"""What is shown when a model opens: its own beginning, or what was shown before as far as it can follow."""

from collections.abc import Mapping
from dataclasses import replace

from explorer.project import BlobStore
from explorer.rendering.restriction import replace_latents, restrict
from explorer.session.opening import OpenModel
from explorer.state import EditState, SeedPad, Truncation

__all__ = ["beginning", "fitted_to"]

# As `SeedPad` counts.
_SEEDS_A_ROW = 100


def beginning(model: OpenModel) -> EditState:
    """The first state that is shown of a model: the seed that its card shows it by, pulled to the centre a little."""
    row, column = divmod(_start_seed(model.info), _SEEDS_A_ROW)
    start = SeedPad(float(column), float(row))
    return EditState(checkpoint=model.reference, latent=start, truncation=Truncation(0.7))


def fitted_to(model: OpenModel, state: EditState, blobs: BlobStore) -> tuple[EditState, tuple[str, ...]]:
    """A state as a model can show it, and in words what it has no place for.

    Args:
        model: Which is to show it.
        state: Of any model; whose, it goes on to say.
        blobs: The arrays that the state may refer to.
    """
    state, lost = replace_latents(state, model.spec, blobs.shapes())
    state, dropped = restrict(state, model.spec)
    if state.tuning is not None and state.tuning.model != model.reference.sha256:
        state, dropped = replace(state, tuning=None), (*dropped, "what a projection changed in another model")
    return state, (*lost, *dropped)


def _start_seed(info: Mapping[str, object]) -> int:
    """The seed that a model's card shows it by; 0 where it names none."""
    card = info.get("card")
    seed = card.get("start_seed") if isinstance(card, dict) else None
    return seed if type(seed) is int and 0 <= seed < 2**32 else 0
