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


NICENESS = """
import os, threading
from explorer.process import stand_back

def look():
    before = os.getpriority(os.PRIO_PROCESS, 0)
    print(before, stand_back(), stand_back(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

thread = threading.Thread(target=look)
thread.start()
thread.join()
print(os.getpriority(os.PRIO_PROCESS, threading.main_thread().native_id))
"""


def test_a_thread_that_stands_back_goes_behind_the_others_and_leaves_them_alone():
    done = subprocess.run([sys.executable, "-c", NICENESS], capture_output=True, text=True, check=True)
    before, first, second, after, main = done.stdout.split()
    assert main == before
    # Threads have priorities of their own on Linux only.
    assert first == second == str(sys.platform.startswith("linux"))
    assert int(after) == (max(5, int(before)) if first == "True" else int(before))
