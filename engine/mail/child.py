"""Running a small script of ours on hostile bytes in a process of its own.

Here: the limits. Not here: what the scripts do (`shrink.py`, `unpack.py`).
Invariant: the child gets bytes and gives bytes; it has no environment, no working directory of ours, and limits on
memory, CPU, wall time and output. Its death is an empty answer.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MEMORY_BYTES = 768 * 1024 * 1024
CPU_S = 15
WALL_S = 30.0
OUTPUT_BYTES = 64 * 1024 * 1024


_PRELUDE = f"""
import resource, runpy, sys
for kind, most in ((resource.RLIMIT_AS, {MEMORY_BYTES}), (resource.RLIMIT_CPU, {CPU_S}), (resource.RLIMIT_FSIZE, 0),
                   (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 0)):
    resource.setrlimit(kind, (most, most))
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(script: Path, arguments: Sequence[str], content: bytes) -> bytes:
    """Run a script on `content`; give what it wrote to standard output, b"" if it failed or ran into a limit."""
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter and script)
            [sys.executable, "-I", "-c", _PRELUDE, str(script), *arguments],
            input=content,
            capture_output=True,
            timeout=WALL_S,
            check=False,
            cwd="/",
            env={},
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 and len(done.stdout) <= OUTPUT_BYTES else b""
