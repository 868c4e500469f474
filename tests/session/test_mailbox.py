import threading

from explorer.session.mailbox import Mailbox


def test_waiting_item_is_replaced_by_a_newer_one() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1)
    box.put(2)

    assert box.take() == 2
    assert box.take() is None


def test_looking_does_not_take() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1)

    assert box.peek() == 1
    assert box.take() == 1
    assert box.peek() is None


def test_a_waiting_thread_gets_the_item_a_wake_or_the_end() -> None:
    box: Mailbox[int] = Mailbox()
    got: list[int | None] = []
    taken = threading.Semaphore(0)

    def taker() -> None:
        while not box.closed:
            got.append(box.take(wait=True))
            taken.release()

    thread = threading.Thread(target=taker)
    thread.start()
    box.put(7)
    assert taken.acquire(timeout=10)
    box.wake()
    assert taken.acquire(timeout=10)
    box.close()
    thread.join(timeout=10)

    assert got == [7, None, None]


def test_a_wake_is_not_lost_when_nobody_waits_yet() -> None:
    box: Mailbox[int] = Mailbox()
    box.wake()

    assert box.take(wait=True) is None


def test_a_closed_box_is_empty_and_never_blocks() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1)
    box.close()

    assert box.take(wait=True) is None
