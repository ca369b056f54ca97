"""The beginning of a job: it makes itself cheap and mortal, then becomes the command.

Here: nice, a limit of memory, the end with the one who began it. Not here: who begins it (`jobs.py`).
Invariant: nothing of ours is imported, so this costs a few milliseconds; what it sets stays with the command.
"""

import ctypes
import os
import resource
import signal
import sys

NICE = 10

MOST_BYTES = 512 * 1024 * 1024
"""Memory that a job may ask for."""

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def main(parent: int, command: list[str]) -> None:
    """Become the command, unless who began it is gone already."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
