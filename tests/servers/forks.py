"""Child processes that start in 20 ms: forked from a server that has the engine imported.

Here: `process`. Not here: what the children do. One server for all tests of a worker, started when first needed.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["store.runner", "servers.failpoints"])


def process(target: Callable[..., Any], *args: Any) -> Any:
    """Make a process that will call `target`, which is found by its name in the child."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS.parent), *([before] if before else [])])
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    return _CONTEXT.Process(target=target, args=args)
