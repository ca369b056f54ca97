"""Passes that call for help at the first mail, and helpers that tests have a hand in.

Here: `install`, called in the process of the pass: it starts helpers however little there is to do and waits until each
mailbox is begun by somebody, so that all really work at once; `everywhere`, for the helpers: batches as small as those
of the pass, and poison. Nothing of this is in the product.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from servers import poison

TESTS = Path(__file__).resolve().parent.parent


def call_at_once() -> None:
    """In the process of a pass: call for help however little there is to do."""
    import engine.run.crew

    engine.run.crew.MUCH = 1


def install() -> None:
    """In the process of a pass: call for help at once, and go on when it is there."""
    from engine.run import crew

    call_at_once()
    started = crew.Crew.mailbox_started

    def waiting(self: Any, report: Any, new: int) -> None:
        started(self, report, new)
        end = time.monotonic() + 10
        while self._jobs > 1 and not all(turn.begun for turn in self.turns) and time.monotonic() < end:
            if not any(helper.is_there for helper in self._helpers):
                break
            self._hear_all()
            time.sleep(0.005)

    crew.Crew.mailbox_started = waiting  # type: ignore[method-assign]


def in_helper() -> None:
    """In any Python that starts: if it is a helper, decide in small batches, and let mails break it."""
    if not any("engine.run.helper" in each for each in sys.orig_argv):
        return
    import engine.run.taking_up

    batch = int(os.environ.get("HELPER_BATCH", "50"))
    engine.run.taking_up.BATCH = batch
    poison.install_words()


def everywhere(folder: Path, batch: int = 50) -> dict[str, str]:
    """Environment in which helpers are as this module has them."""
    (folder / "sitecustomize.py").write_text("from servers.helped import in_helper\nin_helper()\n")
    path = os.pathsep.join([str(folder), str(TESTS), str(TESTS.parent)])
    return {"PYTHONPATH": path, "HELPER_BATCH": str(batch)}
