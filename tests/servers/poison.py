"""Mails that break the machine: what they do when they are read, by a word in them.

Here: `install`, called in the process that is to be broken; `everywhere`, which makes the isolated reader break too.
Not here: anything a real mail could do today; that is why it has to be staged.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent


def install() -> None:
    """Read mails as before, but for these words, and soon run out of time."""
    import engine.mail.isolated
    import engine.stop

    engine.stop.DECISION_CPU_S = 0.2
    engine.mail.isolated.CPU_S = 1
    install_words()


def install_words() -> None:
    """Read mails as before, but for these words."""
    import engine.decision.pipeline
    import engine.mail.isolated
    import engine.mail.parse

    read = engine.mail.parse.parse
    gather = engine.decision.facts.gather

    def parse(raw: Any, *rest: Any) -> Any:
        _act(raw.content, b"reading")
        return read(raw, *rest)

    def gathering(mail: Any, *rest: Any) -> Any:
        found = gather(mail, *rest)
        _act(mail.raw.content, b"deciding")
        return found

    engine.mail.parse.parse = engine.decision.pipeline.parse = parse  # type: ignore[assignment]
    engine.mail.isolated.parse = parse  # type: ignore[attr-defined,assignment]
    engine.decision.facts.gather = gathering  # type: ignore[assignment]


def install_impatient() -> None:
    """As `install`, and the process is ended soon when nothing else ends a mail."""
    import engine.stop

    install()
    engine.stop.DECISION_KILL_S = 0.4


def _act(content: bytes, when: bytes) -> None:
    if b"kill me " + when in content:
        os.kill(os.getpid(), signal.SIGKILL)
    if b"raise " + when in content:
        raise RuntimeError("this mail breaks the machine")
    if b"eat memory " + when in content:
        _ = b"x" * (1 << 46)
    if b"loop " + when in content:
        count = 0
        while True:
            count += 1
    if b"loop for ever " + when in content:
        while True:
            try:
                count = 0
                while True:
                    count += 1
            except Exception:  # noqa: S110 - what C code looks like from outside
                pass


def everywhere(folder: Path) -> dict[str, str]:
    """Environment in which every Python that starts is poisoned, also the one that reads a mail apart."""
    (folder / "sitecustomize.py").write_text("from servers.poison import install\ninstall()\n")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(TESTS), str(TESTS.parent)])}
