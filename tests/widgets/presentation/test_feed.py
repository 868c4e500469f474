"""A picture on its way between two processes."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from widgets.presentation.blocks import BlockReader, BlockWriter, Picture
from widgets.presentation.feed import Feed, Message

ROOT = Path(__file__).parents[3]
SHARED = Path("/dev/shm")

READER = """
import json, sys
from widgets.presentation.blocks import BlockReader, Picture
blocks, seen = BlockReader(), []
for line in sys.stdin:
    place = json.loads(line)["picture"]
    with blocks.view(Picture(place["block"], tuple(place["shape"]))) as pixels:
        values = {int(pixels[part].min()) for part in range(len(pixels)) for _ in range(3)} | {int(pixels.max())}
        del pixels
    seen.append(sorted(values))
    print(json.dumps({"event": "took", "seen": sorted(values), "block": place["block"]}), flush=True)
blocks.close()
"""


def uniform(value: int, side: int) -> npt.NDArray[np.uint8]:
    return np.full((side, side, 3), value, np.uint8)


def start_reader() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", READER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_reader_never_sees_a_torn_picture_and_always_the_last_one() -> None:
    reader = start_reader()
    assert reader.stdin is not None
    assert reader.stdout is not None
    stdin, stdout = reader.stdin, reader.stdout

    def tell(message: Message) -> None:
        stdin.write(json.dumps(message) + "\n")
        stdin.flush()

    feed = Feed(tell)
    seen: list[list[int]] = []
    blocks: list[str] = []

    def listen() -> None:
        for line in stdout:
            answer = json.loads(line)
            seen.append(answer["seen"])
            blocks.append(answer["block"])
            feed.took()
            if answer["seen"] == [255]:
                return

    listener = threading.Thread(target=listen)
    listener.start()
    shown = 0
    while len(seen) < 80:
        shown += 1
        # Larger and larger, so that other blocks, of other names, take the place of the first.
        feed.show(uniform(shown % 255, 128 + 64 * (len(seen) // 20)), smooth=True)
    feed.show(uniform(255, 100), smooth=True)
    listener.join()
    stdin.close()
    assert reader.wait() == 0
    stdout.close()
    feed.close()

    assert [values for values in seen if len(values) != 1] == []
    assert len(seen) < shown
    assert len(set(blocks)) > 2
    assert [name for name in blocks if (SHARED / name).exists()] == []


def test_while_the_reader_is_at_it_only_the_newest_picture_waits() -> None:
    told: list[Message] = []
    feed = Feed(told.append)
    reader = BlockReader()
    for value in (1, 2, 3):
        feed.show(uniform(value, 4), smooth=value == 3)
    assert len(told) == 1
    feed.took()

    assert [message["smooth"] for message in told] == [False, True]
    place = told[-1]["picture"]
    assert isinstance(place, dict)
    with reader.view(Picture(place["block"], tuple(place["shape"]))) as pixels:
        assert pixels.tolist() == uniform(3, 4).tolist()
        del pixels
    reader.close()
    feed.close()


def test_a_closed_feed_leaves_no_memory_and_takes_no_picture() -> None:
    told: list[Message] = []
    feed = Feed(told.append)
    feed.show(uniform(1, 8), smooth=True)
    feed.close()
    feed.took()
    feed.show(uniform(2, 8), smooth=True)

    assert len(told) == 1
    place = told[0]["picture"]
    assert isinstance(place, dict)
    with pytest.raises(FileNotFoundError), BlockReader().view(Picture(place["block"], (8, 8, 3))):
        pass


def test_a_reader_that_ends_leaves_the_memory_to_its_writer() -> None:
    writer = BlockWriter()
    place = writer.write(uniform(7, 16))
    script = "import sys; from widgets.presentation.blocks import BlockReader, Picture\n"
    script += "with BlockReader().view(Picture(sys.argv[1], (16, 16, 3))) as pixels: assert pixels.min() == 7"
    subprocess.run([sys.executable, "-c", script, place.block], cwd=ROOT, check=True, capture_output=True)
    reader = BlockReader()
    with reader.view(place) as pixels:
        assert pixels.max() == 7
        del pixels
    reader.close()
    writer.close()


def test_a_smaller_picture_goes_into_the_memory_that_is_there() -> None:
    writer = BlockWriter()
    first, second, third = (writer.write(uniform(0, side)) for side in (32, 8, 128))
    writer.close()

    assert first.block == second.block
    assert third.block != first.block
