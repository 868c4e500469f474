"""Freed memory serves the next frame."""

import platform
import subprocess
import sys

PROGRAM = """
import resource, sys, torch
from explorer.ops import keep_freed_memory
kept = sys.argv[1] == "keep" and keep_freed_memory()
def fault():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(64 << 18).fill_(1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
fault()
print(int(kept), fault())
"""


def run(mode: str) -> tuple[bool, int]:
    out = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True).stdout
    kept, faults = out.split()
    return kept == "1", int(faults)


def test_a_kept_block_is_not_fetched_again_page_by_page():
    kept, faults = run("keep")
    assert kept == (platform.libc_ver()[0] == "glibc")
    _, faults_without = run("leave")
    assert faults < 100 if kept else faults <= 2 * faults_without
