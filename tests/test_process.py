"""What a process asks of its system before it computes."""

import subprocess
import sys

COUNT_FAULTS = """
import resource, sys
from explorer.process import prepare_process
kept = prepare_process() if sys.argv[1] == "yes" else True
import torch
torch.set_num_threads(1)
for turn in range(18):
    if turn == 12:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(32 << 20 >> 2).add(1)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(prepared: str) -> tuple[str, int]:
    done = subprocess.run([sys.executable, "-c", COUNT_FAULTS, prepared], capture_output=True, text=True, check=True)
    kept, count = done.stdout.split()
    return kept, int(count)


def test_memory_of_the_last_frame_serves_the_next():
    kept, count = faults("yes")
    _, as_it_comes = faults("no")
    if kept == "True":
        assert as_it_comes > 1000 + 3 * count
    else:
        assert not sys.platform.startswith("linux")
