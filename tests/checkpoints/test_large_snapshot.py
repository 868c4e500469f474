import json
import subprocess
import sys

import pytest

from explorer.generators.stylegan2 import Discriminator, Generator
from explorer.generators.stylegan2_config import DiscriminatorConfig, GeneratorConfig
from tests.checkpoints.published_writer import write_snapshot

# In a process of its own, since peak memory never falls again.
OPEN = """
import json, sys, time
import explorer.checkpoints.checkpoint
# Not ru_maxrss, which starts at what the parent process had.
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
before, start = peak(), time.perf_counter()
checkpoint = explorer.checkpoints.checkpoint.open_checkpoint(sys.argv[1])
seconds = time.perf_counter() - start
info = checkpoint.info
print(json.dumps({"seconds": seconds, "cpu_seconds": time.process_time(), "bytes": peak() - before,
                  "size": info.size_bytes, "resolution": checkpoint.spec.resolution, "notes": info.notes,
                  "entries": info.entries, "discriminator": checkpoint.discriminator is not None}))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "snapshot.pkl"
    generator = Generator(GeneratorConfig.standard(resolution=1024))
    critic = Discriminator(DiscriminatorConfig.standard(resolution=1024))
    with open(path, "wb") as file:
        write_snapshot(file, generator=generator, discriminator=critic, average=generator)
    yield path
    path.unlink()


def test_a_snapshot_of_1024_pixels_opens_within_twice_its_size(large, record_property):
    run = subprocess.run([sys.executable, "-c", OPEN, str(large)], capture_output=True, text=True, check=True)
    figures = json.loads(run.stdout)
    print(figures)
    for name in ("seconds", "bytes", "size"):
        record_property(name, figures[name])
    assert figures["size"] > 350_000_000
    assert figures["resolution"] == [1024, 1024]
    assert figures["discriminator"]
    assert figures["notes"] == []
    assert figures["bytes"] < 2 * figures["size"]
