import random

import pytest

from tests.fuzz_checkpoints import bases, fuzz, mutate

CASES = 300


def test_mutated_checkpoints_raise_nothing_but_checkpoint_errors(tmp_path):
    outcomes, _ = fuzz(CASES, 20, tmp_path)
    assert sum(outcomes.values()) == CASES
    # Mutations must reach deep: some change nothing that matters, most are found.
    assert outcomes["opened"] > 0
    assert outcomes["refused"] > CASES // 2


def test_a_case_is_the_same_whenever_it_is_made(tmp_path):
    everything = bases(tmp_path)
    for base in everything:
        first, second = (mutate(base, everything[0], random.Random(5)) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("seed", range(3))
def test_mutations_change_something(seed, tmp_path):
    everything = bases(tmp_path)
    changed = [mutate(base, everything[0], random.Random(seed))[1] != base.content for base in everything]
    assert sum(changed) > len(everything) // 2
