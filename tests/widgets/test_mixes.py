import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.state import EditState, Latent, Mix, Point, SeedBlend, SeedPad, Stored
from explorer.state.edit_state import BlobRef
from tests.models import golden
from tests.state.strategies import latents
from widgets.mixes import (
    added,
    bands,
    between,
    flip,
    latent_words,
    layer_words,
    removed,
    rows_in_words,
    seed_of,
    size_words,
    source_words,
    sources,
    swapped,
    with_latent,
    with_source,
)
from widgets.seed_plane import at_seed

ROWS = st.lists(st.integers(0, 17), unique=True).map(lambda rows: tuple(sorted(rows)))
MIXES = st.builds(Mix, latents, ROWS, st.sampled_from([1.0, 0.5]))
STATES = st.builds(EditState, latent=latents, mixing=st.lists(MIXES, min_size=1, max_size=4).map(tuple))


@given(STATES, st.data())
def test_swapping_twice_is_the_identity(state: EditState, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(state.mixing) - 1))

    assert swapped(swapped(state, index), index) == state


@given(STATES, st.data())
def test_a_source_put_back_in_its_place_changes_nothing(state: EditState, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(state.mixing) - 1))

    assert with_source(state, index, sources(state)[index]) == state


@given(STATES)
def test_adding_a_source_and_removing_it_changes_nothing(state: EditState) -> None:
    more = added(state)

    assert len(more.mixing) == len(state.mixing) + 1
    assert more.mixing[-1].layers == ()
    assert more.mixing[-1].latent not in [mix.latent for mix in state.mixing]
    assert removed(more, len(state.mixing)) == state


@given(ROWS, ROWS)
def test_flipping_rows_twice_leaves_what_was_there_beside_them(layers: tuple[int, ...], rows: tuple[int, ...]) -> None:
    on = flip(layers, rows)

    assert set(on) == set(layers) | set(rows) or set(on) == set(layers) - set(rows)
    assert set(flip(flip(layers, rows), rows)) - set(rows) == set(layers) - set(rows)


def test_without_a_mix_there_is_one_source_to_work_on() -> None:
    state = EditState()

    assert sources(state) == (Mix(at_seed(1), ()),)
    assert [mix.latent for mix in added(state).mixing] == [at_seed(1), at_seed(2)]
    assert removed(state, 0) == state


@given(st.integers(0, 10**6), st.sampled_from([0, 0.25, 0.999]))
def test_a_number_is_the_point_that_it_is_read_from(seed: int, fraction: float) -> None:
    point = between(seed + fraction)

    assert seed_of(point) == pytest.approx(seed + fraction, abs=1e-9)
    assert 0 <= point.x < 101
    assert point == at_seed(seed) or fraction


def test_what_is_no_seed_is_refused() -> None:
    for number in (-1, 2.0**60, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="is no seed"):
            between(number)


def test_rows_and_sources_are_put_in_words() -> None:
    points = (Point("Smile", EditState(latent=SeedPad(2.5, 1))), Point("First", EditState(latent=SeedPad(3, 0))))

    assert rows_in_words((5, 0, 1, 2, 7, 8)) == "0–2, 5, 7–8"
    assert source_words(Mix(SeedPad(5, 0), (0, 1), 0.6)) == "Seed 5: 0–1, 60%"
    assert source_words(Mix(SeedPad(5, 0), ())) == "Seed 5: no layers"
    assert latent_words(SeedPad(2.5, 1), points) == "Smile"
    assert latent_words(SeedPad(3, 0), points) == "Seed 3"
    assert latent_words(Stored("w", BlobRef("0" * 64))) == "Stored styles"
    assert latent_words(SeedBlend(((1, 0.5),))) == "Stored styles"


def test_layers_are_told_by_name_channels_and_size() -> None:
    spec = golden("sg2_64_rgb").spec

    assert layer_words(spec, 1) == "b4.torgb: 3 channels, 4²\nb8.conv0: 40 channels, 8²"
    assert size_words((64, 32)) == "32 × 64"
    assert sum(bands(spec), ()) == tuple(range(spec.num_ws))


@given(STATES, latents)
def test_a_latent_becomes_the_last_source_unless_it_is_one(state: EditState, latent: Latent) -> None:
    mixed = with_latent(state, latent)
    if any(mix.latent == latent for mix in state.mixing):
        assert mixed is state
    else:
        assert mixed.mixing == (*state.mixing, Mix(latent, ()))
    assert with_latent(mixed, latent) is mixed
