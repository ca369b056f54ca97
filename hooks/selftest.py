"""The harmless scripts a worker runs before those of the installation: do hooks work on this machine at all?

Here: the scripts, the one call, what must come back, and the sentence for when it does not. Not here: when they run
(`worker.py`, `sandbox.py`).
Invariant: what goes wrong here is the machine's or ours, never the fault of a script that somebody wrote.
"""

from __future__ import annotations

from typing import Any

SCRIPTS = (
    ("self-test guard", "guard", 'def guard(mail, ctx):\n    return mail.subject == "harmless"\n'),
    ("self-test activity", "activity", 'def activity(mail, item, ctx):\n    item.title = "was " + mail.subject\n'),
)
MAIL, ITEM, CONTEXT = b'{"subject":"harmless"}', b'{"schema":{"title":"line"},"values":{"title":""}}', b"{}"
CHANGES: dict[str, Any] = {"title": "was harmless"}


def machine() -> str:
    """Name the interpreter and the kernel, which decide what the fences let through."""
    import os
    import platform

    system = os.uname()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {system.sysname} {system.release} {system.machine}"


def sentence(why: str) -> str:
    """Say that hooks do not work here and why."""
    return f"hooks do not work here, and no script is to blame: {why} ({machine()})"
