"""Open mutated checkpoints: only `CheckpointError` may come out, in bounded time and memory.

``python -m tests.fuzz_checkpoints --count 20000 --seed 0``
"""

import argparse
import json
import pickletools
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import FrameType

import safetensors.torch
import torch

from explorer.checkpoints import CheckpointParts, open_checkpoint, save_checkpoint
from explorer.errors import CheckpointError
from tests.checkpoints.fastgan_records import fastgan
from tests.checkpoints.networks import (
    discriminator,
    snapshot_bytes,
    stylegan2_generator,
    stylegan3_generator,
    stylegan_t_generator,
    stylegan_xl_generator,
)
from tests.checkpoints.pickle_writer import PickleWriter
from tests.checkpoints.published_writer import module
from tests.generators.r3gan_records import discriminator_record, generator_record

MEMORY_BYTES = 1 << 30
TIME_S = 20

EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**63 - 1, 2**64 - 1)


@dataclass(frozen=True, slots=True)
class Base:
    """A whole checkpoint, and where mutating it pays."""

    name: str
    content: bytes
    opcodes: tuple[int, ...]
    """Positions of pickle instructions; none for other formats."""
    numbers: tuple[tuple[int, int], ...]
    """Position and width of lengths and numbers in instructions."""


class TooSlowError(BaseException):
    """An input took longer than the bound; not an Exception, so that no handler on the way takes it."""


def bases(folder: Path) -> list[Base]:
    """Small checkpoints of every layout."""
    two, three, radial = stylegan2_generator(), stylegan3_generator(), stylegan3_generator(variant="r")
    classes = stylegan2_generator(c_dim=2, architecture="resnet", img_channels=1)
    contents = {
        "stylegan2": snapshot_bytes(two, discriminator()),
        "stylegan2 old": snapshot_bytes(classes, old=True),
        "stylegan2 plain classes": snapshot_bytes(two, plain_classes=True),
        "stylegan3": snapshot_bytes(three, discriminator(resolution=16)),
        "stylegan3 radial, old": snapshot_bytes(radial, old=True),
        "stylegan-xl": snapshot_bytes(stylegan_xl_generator()),
        "stylegan-t": snapshot_bytes(stylegan_t_generator(), plain_classes=True),
        "r3gan": _r3gan_bytes(),
        "fastgan": _fastgan_bytes(),
    }
    for name, generator in (("safetensors 2", two), ("safetensors 3", three)):
        path = folder / "base.safetensors"
        save_checkpoint(CheckpointParts(generator, None), path, extra={"step": torch.arange(3)})
        contents[name] = path.read_bytes()
    for name, generator in (("plain safetensors 2", two), ("plain safetensors 3", three)):
        contents[name] = safetensors.torch.save(generator.state_dict())
    return [_base(name, content) for name, content in contents.items()]


def _r3gan_bytes() -> bytes:
    out = BytesIO()
    networks = {"D": module(discriminator_record(c_dim=2)), "G_ema": module(generator_record(c_dim=2))}
    PickleWriter(out, protocol=4).dump(networks)
    return out.getvalue()


def _fastgan_bytes() -> bytes:
    out = BytesIO()
    record = fastgan(resolution=64, lite=True, conditional=True, width=1)
    PickleWriter(out, protocol=4).dump({"D": None, "G_ema": module(record, plain_class=True)})
    return out.getvalue()


def _base(name: str, content: bytes) -> Base:
    if content[0] != 0x80:
        return Base(name, content, (), ((0, 8),))
    opcodes, numbers = [], []
    for instruction, _, position in pickletools.genops(content):
        opcodes.append(position)
        width = {"BINBYTES": 4, "BINUNICODE": 4, "BININT": 4, "LONG_BINGET": 4, "BINGET": 1, "FRAME": 8}
        if instruction.name in width:
            numbers.append((position + 1, width[instruction.name]))
    return Base(name, content, tuple(opcodes), tuple(numbers))


def mutate(base: Base, other: Base, rng: random.Random) -> tuple[str, bytes]:
    """A damaged copy and how it was damaged."""
    ways = ["flip", "truncate", "splice", "delete", "repeat", "number"]
    ways += ["opcode", "opcode", "number"] if base.opcodes else ["header", "header", "header"]
    way = rng.choice(ways)
    content = bytearray(base.content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        _damage(content, way, base, other, rng)
    return way, bytes(content)


def _damage(content: bytearray, way: str, base: Base, other: Base, rng: random.Random) -> None:
    if len(content) < 16:
        return
    start = rng.randrange(len(content))
    span = min(rng.choice((1, 4, 64, 1024, 20_000)), len(content) - start)
    if way == "flip":
        for _ in range(rng.choice((1, 2, 16))):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif way == "truncate":
        del content[start:]
    elif way == "splice":
        at = rng.randrange(len(other.content))
        content[start : start + span] = other.content[at : at + span]
    elif way == "delete":
        del content[start : start + span]
    elif way == "repeat":
        content[start:start] = content[start : start + span]
    elif way == "opcode":
        at = min(rng.choice(base.opcodes), len(content) - 1)
        content[at] = ord(rng.choice(pickletools.opcodes).code) if rng.random() < 0.8 else rng.randrange(256)
    elif way == "number":
        at, width = rng.choice(base.numbers)
        value = rng.choice((*EXTREMES, rng.randrange(300))) % (1 << 8 * width)
        content[at : at + width] = value.to_bytes(width, "little")
    else:
        _damage_header(content, rng)


def _damage_header(content: bytearray, rng: random.Random) -> None:
    """Change one value in a safetensors header, keeping it well-formed JSON."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
        entry = header[rng.choice(list(header))]
        if "dtype" in entry:
            key = rng.choice(list(entry))
            entry[key] = rng.choice([[-1], [2**62, 2**62], [0], [], "F64", "I8", None, [1e300], {"a": 1}, [0, 2**70]])
        else:
            ours = json.loads(entry["latent_explorer"])
            config = rng.choice([ours, ours["generator"], ours["generator"]["config"], ours["generator"]["config"]])
            config[rng.choice(list(config))] = rng.choice(
                [None, -1, 0, 1, 2**62, 10**400, 1e308, "x", [], {}, [[]], True]
            )
            entry["latent_explorer"] = json.dumps(ours)
        text = json.dumps(header).encode()
    except (ValueError, TypeError, LookupError, AttributeError):
        return
    content[: 8 + length] = len(text).to_bytes(8, "little") + text


@contextmanager
def bounds(memory_bytes: int = MEMORY_BYTES) -> Iterator[None]:
    """No more memory than now plus ``memory_bytes``, and an alarm that turns into `TooSlowError`."""

    def alarm(signum: int, frame: FrameType | None) -> None:
        raise TooSlowError

    limits = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    previous = signal.signal(signal.SIGALRM, alarm)
    resource.setrlimit(resource.RLIMIT_AS, (now + memory_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGALRM, previous)


def fuzz(count: int, seed: int, folder: Path) -> tuple[Counter[str], float]:
    """Open ``count`` mutated files; returns outcomes and the slowest time in seconds.

    Raises:
        AssertionError: Something other than a `CheckpointError` came out; the input is kept beside.
    """
    everything = bases(folder)
    for base in everything:
        _open(folder, base.content)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with bounds():
        for index in range(count):
            rng = random.Random(f"{seed}/{index}")
            base = rng.choice(everything)
            way, content = mutate(base, rng.choice(everything), rng)
            start = time.perf_counter()
            try:
                signal.setitimer(signal.ITIMER_REAL, TIME_S)
                outcomes[_open(folder, content)] += 1
            except BaseException as error:
                Path("fuzz-failure.bin").write_bytes(content)
                raise AssertionError(f"input {index} of seed {seed} ({base.name}, {way}): {error!r}") from error
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            slowest = max(slowest, time.perf_counter() - start)
    return outcomes, slowest


def _open(folder: Path, content: bytes) -> str:
    path = folder / "mutated"
    path.write_bytes(content)
    try:
        open_checkpoint(path)
    except CheckpointError as error:
        message = str(error)
        assert message
        assert "\n" not in message
        return (
            "refused by the last guard" if isinstance(error.__cause__, Exception) and _unforeseen(error) else "refused"
        )
    return "opened"


def _unforeseen(error: CheckpointError) -> bool:
    return not isinstance(error.__cause__, CheckpointError | OSError)


def main(arguments: list[str] | None = None) -> int:
    """Run and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcomes, slowest = fuzz(options.count, options.seed, Path(folder))
    figures = {
        "count": options.count,
        "seed": options.seed,
        **outcomes,
        "seconds": round(time.perf_counter() - start, 1),
        "slowest_s": round(slowest, 3),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "memory_bound_mb": MEMORY_BYTES >> 20,
    }
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
