"""Random states for hypothesis."""

from hypothesis import strategies as st

from explorer.state import (
    CENTRES,
    NEAREST,
    Blend,
    BlobRef,
    CheckpointRef,
    ClassMix,
    EditState,
    History,
    Mix,
    NoCondition,
    Noise,
    Output,
    Point,
    Prompt,
    SeedBlend,
    SeedPad,
    Slider,
    Spectrum,
    Stored,
    Transform,
    Truncation,
    Tuning,
)

numbers = st.floats(-1e9, 1e9, allow_nan=False)
rows = st.integers(0, 4095)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
layers = st.lists(rows, max_size=4).map(tuple)
# As a person may type them: a zero byte ends an argument of a command.
typed = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
texts = typed | st.sampled_from(["a=1", "x=", "--seeds"])
conditions = st.one_of(
    st.builds(NoCondition),
    st.builds(ClassMix, st.lists(st.tuples(st.integers(0, 999), numbers), max_size=3).map(tuple)),
    st.builds(Prompt, st.lists(st.tuples(texts, numbers), max_size=3).map(tuple)),
)
seeds = st.integers(-(2**63), 2**63 - 1)
seed_latents = st.one_of(
    st.builds(SeedPad, numbers, numbers),
    st.builds(SeedBlend, st.lists(st.tuples(seeds, numbers), max_size=3).map(tuple)),
)
stored_latents = st.builds(Stored, st.sampled_from(["z", "w", "w_plus"]), st.builds(BlobRef, hashes))
simple_latents = st.one_of(seed_latents, stored_latents)
latents = st.one_of(
    simple_latents, st.builds(Blend, st.lists(st.tuples(simple_latents, numbers), max_size=3).map(tuple))
)
every_latent = latents
tunings = st.none() | st.builds(Tuning, hashes, *[st.none() | st.builds(BlobRef, hashes)] * 3)

names = st.text(max_size=9)
centres = st.none() | st.integers(NEAREST, CENTRES - 1)
layer_factors = st.lists(st.tuples(st.sampled_from(["b4.conv1", "b8.conv0"]), numbers), max_size=2).map(tuple)
spectra = st.builds(Spectrum, st.floats(1e-3, 1e6), st.floats(0, 80), st.booleans())
outputs = st.builds(
    Output,
    layer=st.none() | st.sampled_from(["output", "b16.conv1"]),
    base_channel=st.integers(0, 2**31 - 1),
    sel_channels=st.sampled_from([None, 1, 3, 4]),
    scale_db=st.floats(-200, 200),
    normalize=st.booleans(),
    spectrum=st.none() | spectra,
    untransform=st.booleans(),
    noise_only=st.booleans(),
)


def states(latents: st.SearchStrategy = latents) -> st.SearchStrategy[EditState]:
    return st.builds(
        EditState,
        checkpoint=st.none() | st.builds(CheckpointRef, hashes, st.text(max_size=9), st.text(max_size=9)),
        condition=conditions,
        latent=latents,
        sliders=st.lists(
            st.builds(
                Slider, st.sampled_from(["pca", "axis"]), st.integers(0, 511), numbers, st.none() | layers, names
            ),
            max_size=2,
        ).map(tuple),
        mixing=st.lists(st.builds(Mix, latents, layers, numbers), max_size=2).map(tuple),
        truncation=st.builds(Truncation, numbers, st.none() | st.integers(0, 99), centres),
        noise=st.builds(Noise, st.sampled_from(["const", "random", "none"]), seeds, numbers, layer_factors),
        transform=st.builds(Transform, numbers, numbers, numbers, numbers, numbers),
        output=outputs,
        tuning=tunings if latents is every_latent else st.none(),
    )


@st.composite
def histories(draw: st.DrawFn, latents: st.SearchStrategy = latents) -> History:
    history = History.start(draw(states(latents)))
    for state in draw(st.lists(states(latents), max_size=4)):
        history = history.jump(draw(st.integers(0, len(history.nodes) - 1))).commit(state, draw(st.text(max_size=9)))
    for id in draw(st.sets(st.integers(0, len(history.nodes) - 1))):
        history = history.pin(id)
    return history


def points(latents: st.SearchStrategy = latents) -> st.SearchStrategy[tuple[Point, ...]]:
    return st.lists(st.builds(Point, names, states(latents)), max_size=2).map(tuple)
