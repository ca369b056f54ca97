"""The page that a worker shares with the engine: what is known of a call should the process end in the middle of it.

Here: of which call which script runs and what it said against the mail, as both sides write and read it. Not here: the
mapping (`process.py`, `worker.py`), what it means (`outcome.py`).
Invariant: what is noted belongs to the call whose nonce stands there, so no call inherits what another one said. The
page is written by the process that scripts run in, so the engine reads it as strictly as a reply.
"""

from __future__ import annotations

from typing import Any

from hooks import limits

SIZE = 4096
_SCRIPT, _VERDICT, _LENGTH, _TEXT, _NONCE = 0, 1, slice(2, 4), 4, slice(SIZE - 16, SIZE)
_VERDICTS = ("", "reject", "hold")


class BadPage(Exception):
    """The page holds what no honest worker writes."""


class Page:
    """The worker's side; the memory is a mapping, or a bytearray where nobody looks at it."""

    __slots__ = ("_memory",)

    def __init__(self, memory: Any = None) -> None:
        self._memory = bytearray(SIZE) if memory is None else memory

    def runs(self, script: int) -> None:
        """Note which script runs, -1 for none."""
        self._memory[_SCRIPT] = script + 1

    def begin(self, nonce: str) -> None:
        """Begin a call: no script runs and nothing was said."""
        self._memory[_NONCE] = bytes(16)  # first: until the other fields are cleared they belong to no call
        self._memory[_SCRIPT] = self._memory[_VERDICT] = 0
        self._memory[_NONCE] = nonce.encode().ljust(16)

    def refused(self, verdict: str, reason: str) -> None:
        """Note a refusal: it stands, whatever becomes of the process."""
        text = reason.encode("utf-8", "replace")
        self._memory[_LENGTH] = b"\0\0"  # first: the process may end between any two of these lines
        self._memory[_VERDICT] = _VERDICTS.index(verdict)
        self._memory[_TEXT : _TEXT + len(text)] = text
        self._memory[_LENGTH] = len(text).to_bytes(2, "big")


def tells_of(page: bytes, nonce: str) -> bool:
    """Tell whether what is noted belongs to this call."""
    return page[_NONCE] == nonce.encode().ljust(16)


def running(page: bytes, scripts: int) -> int:
    """Give the number of the script that ran, of so many; -1 for none. Raises BadPage."""
    script = page[_SCRIPT] - 1
    if script >= scripts:
        raise BadPage("there is no such script")
    return script


def refusal(page: bytes) -> tuple[str, str]:
    """Give verdict and reason of a refusal, "" for none. Raises BadPage."""
    try:
        verdict = _VERDICTS[page[_VERDICT]]
        reason = page[_TEXT:][: int.from_bytes(page[_LENGTH], "big")].decode() if verdict else ""
    except (IndexError, UnicodeDecodeError):
        raise BadPage("no worker refuses like this") from None
    if len(reason) > limits.REASON_CHARS or not reason.isprintable():
        raise BadPage("no worker gives such a reason")
    return verdict, reason
