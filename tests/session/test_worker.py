import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from explorer.errors import Cancelled, StateError
from explorer.session import Frame, Job, Timings
from explorer.session.worker import Request, Worker
from explorer.state import EditState, SeedPad


class SteeredRenderer:
    """Renders when it is told to, and asks between two layers whether it should stop."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.finished: list[int] = []
        self.cancelled: list[int] = []
        self.failure: Exception | None = None

    def frame(
        self, state: EditState, *, cancel: Callable[[], bool], on_preview: object, requested_s: float, request: int
    ) -> Frame:
        self.entered.release()
        assert self.go_on.acquire(timeout=10)
        if self.failure is not None:
            raise self.failure
        if cancel():
            self.cancelled.append(request)
            raise Cancelled("newer")
        self.finished.append(request)
        return Frame(np.zeros((1, 1, 3), np.uint8), state, Timings(requested_s, 0, 0), request=request)


class Bench:
    def __init__(self) -> None:
        self.renderer = SteeredRenderer()
        self.reports: list[tuple[str, str]] = []
        self.answered = threading.Semaphore(0)
        self.worker = Worker(threads=1, report=lambda *line: self.reports.append(line), changed=self.answered.release)

    def ask(self, number: int, renderer: SteeredRenderer | None = None) -> None:
        self.worker.request(Request(number, EditState(latent=SeedPad(number, 0)), renderer or self.renderer, 0.0))

    def let_render(self) -> None:
        self.renderer.go_on.release()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.renderer.go_on.release(100)
    bench.worker.close()


def test_newest_request_wins_and_those_between_are_never_begun(bench: Bench) -> None:
    bench.ask(1)
    assert bench.renderer.entered.acquire(timeout=10)
    for number in (2, 3, 4):
        bench.ask(number)

    bench.let_render()
    bench.let_render()
    assert bench.answered.acquire(timeout=10)

    assert bench.renderer.cancelled == [1]
    assert bench.renderer.finished == [4]
    frame = bench.worker.frames.take()
    assert frame is not None
    assert frame.request == 4
    assert not bench.worker.busy


def test_two_requests_in_a_row_are_never_cancelled(bench: Bench) -> None:
    bench.ask(1)
    assert bench.renderer.entered.acquire(timeout=10)
    for number in range(2, 8):
        bench.ask(number)
        bench.let_render()
        assert bench.renderer.entered.acquire(timeout=10)

    assert bench.renderer.cancelled == [1, 3, 5]
    assert bench.renderer.finished == [2, 4, 6]


def test_a_request_for_another_model_always_cancels(bench: Bench) -> None:
    other = SteeredRenderer()
    other.go_on.release(10)
    bench.ask(1)
    assert bench.renderer.entered.acquire(timeout=10)
    bench.ask(2)
    bench.let_render()
    assert bench.renderer.entered.acquire(timeout=10)
    bench.ask(3, other)
    bench.let_render()
    assert bench.answered.acquire(timeout=10)

    assert bench.renderer.cancelled == [1, 2]
    assert other.finished == [3]


@pytest.mark.parametrize("failure", [StateError("no such layer"), RuntimeError("surprise")])
def test_a_failure_becomes_a_message_and_the_thread_lives_on(bench: Bench, failure: Exception) -> None:
    bench.renderer.failure = failure
    bench.ask(1)
    bench.let_render()
    assert bench.answered.acquire(timeout=10)
    bench.renderer.failure = None
    bench.ask(2)
    bench.let_render()
    assert bench.answered.acquire(timeout=10)

    assert [level for level, _ in bench.reports] == ["error"]
    assert str(failure) in bench.reports[0][1]
    assert bench.renderer.finished == [2]


def test_background_work_gives_way_to_requests(bench: Bench) -> None:
    order: list[str] = []
    stepped = threading.Semaphore(0)

    def steps() -> Iterator[float]:
        order.append("step 1")
        bench.ask(1)
        yield 0.5
        order.append(f"step 2 after {len(bench.renderer.finished)} pictures")
        stepped.release()

    job = Job("work")
    bench.let_render()
    bench.worker.add_task(job, steps)
    assert stepped.acquire(timeout=10)
    assert job.wait(timeout_s=10)

    assert order == ["step 1", "step 2 after 1 pictures"]
    assert job.progress == 1
    assert job.error is None


def test_work_that_is_added_while_the_next_is_chosen_disturbs_nothing(bench: Bench) -> None:
    """Choosing looks at every task's patience: as a thread that adds one just then would, this one does then."""

    class Adding(int):
        def __lt__(self, other: object) -> bool:
            if not added:
                added.append(Job("added"))
                bench.worker.add_task(added[0], lambda: iter([0.5]))
            return int(self) < int(other)  # type: ignore[call-overload]

    added: list[Job] = []
    jobs = Job("first"), Job("second"), Job("third")
    bench.ask(1)
    assert bench.renderer.entered.acquire(timeout=10)
    for job in jobs:
        bench.worker.add_task(job, lambda: iter([0.5]), patience=Adding(1))
    bench.let_render()

    assert all(job.wait(timeout_s=10) for job in jobs)
    assert added[0].wait(timeout_s=10)


def test_background_work_that_fails_says_so_and_one_that_is_cancelled_ends(bench: Bench) -> None:
    def failing() -> Iterator[float]:
        yield 0.1
        raise RuntimeError("surprise")

    def endless() -> Iterator[float]:
        while True:
            yield 0.1

    failed, cancelled = Job("fail"), Job("endless")
    bench.worker.add_task(failed, failing)
    bench.worker.add_task(cancelled, endless)
    assert failed.wait(timeout_s=10)
    cancelled.cancel()
    assert cancelled.wait(timeout_s=10)

    assert failed.error is not None
    assert "surprise" in failed.error
    assert bench.reports == [("error", "fail: RuntimeError: surprise")]
    assert cancelled.error is None


def test_closing_ends_the_work_between_layers() -> None:
    bench = Bench()
    bench.ask(1)
    assert bench.renderer.entered.acquire(timeout=10)
    closer = threading.Thread(target=bench.worker.close)
    closer.start()
    bench.worker._requests.take(wait=True)
    bench.let_render()
    closer.join(timeout=10)

    assert not closer.is_alive()
    assert bench.renderer.cancelled == [1]
