"""What a batch gave back is kept for the next one."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

BATCHES = """
import resource
from engine.run.heap import keep_heap

def batch():
    mails = [bytes(60_000) for _ in range(60)]
    return len(mails)

if {kept}:
    keep_heap()
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, kept: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", BATCHES.format(kept=kept)], capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked to keep its heap")
def test_what_a_batch_gave_back_is_kept_for_the_next_one() -> None:
    assert faults(kept=True) < 1000 < 10_000 < faults(kept=False)
