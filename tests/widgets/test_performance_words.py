from types import SimpleNamespace

import pytest

from explorer.rendering.frame import Timings
from explorer.served import Served
from explorer.session import Compute, Performance
from widgets.panels.latency_plot import ceiling_of
from widgets.performance_words import (
    Latencies,
    compute_words,
    kernel_lines,
    latency_words,
    memory_lines,
    stage_lines,
)

READING = Performance(Compute("cpu", "bfloat16"), 3, "torch serves", 812_000_000, 2, 12_000_000, None)


def test_the_stages_of_a_picture_add_up_to_its_latency() -> None:
    timings = Timings(1.0, 1.25, 2.0, (("styles", 0.25), ("synthesis", 0.375)))
    stages = stage_lines(timings, 2.5)
    assert sum(took_ms for _, took_ms in stages) == pytest.approx(1500)
    assert dict(stages)["waiting for its turn"] == 250
    assert dict(stages)["to the screen"] == 500


def test_only_the_first_pixels_of_a_request_count_as_its_answer() -> None:
    latencies = Latencies()
    latencies.add(1, 0.01, preview=True)
    latencies.add(1, 0.05, preview=False)
    latencies.add(2, 0.02, preview=False)
    assert list(latencies.first) == [10, 20]
    assert list(latencies.full) == [50, 20]


def test_a_row_of_latencies_is_told_by_its_newest_middle_and_high_ones() -> None:
    assert latency_words([]) == "–"
    assert latency_words([7]) == "7 ms, median 7, p95 7"
    assert latency_words([*range(1, 101)]) == "100 ms, median 50, p95 95"


def test_kernels_say_why_no_compiled_one_served() -> None:
    uses = (Served("upfirdn2d", "numba", "", 12), Served("bias_act", "torch", "too small to pay", 3))
    assert kernel_lines(uses) == ("upfirdn2d: numba 12×", "bias_act: torch 3×, too small to pay")


def test_memory_and_device_are_told_in_a_line_each() -> None:
    assert memory_lines(READING, 3_500_000) == (
        ("this process", "812 MB"),
        ("weights of 2 models", "12 MB"),
        ("kept for the next picture", "3.5 MB"),
    )
    assert compute_words(READING) == "processor, bf16, 3 threads"
    on_gpu = SimpleNamespace(compute=Compute("cuda", "float16"), threads=3)
    assert compute_words(on_gpu) == "GPU, fp16"


def test_one_slow_picture_does_not_flatten_the_others() -> None:
    assert ceiling_of([30.0] * 40 + [3000.0]) < 100
    assert ceiling_of([30.0, 40.0]) > 40
    assert ceiling_of([]) == ceiling_of([1.0]) == 20
