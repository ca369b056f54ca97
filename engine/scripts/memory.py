"""What the real pass notes of scripts: good versions, failures, CPU time.

Here: what counts, and when it switches a script off. Not here: the file (`ledger.py`), who is given this: the pass
that commits, and nobody who only tries something out.
Invariant: one sender, or one content sent again and again, switches no script off.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine.scripts.ledger import Record, at_place

if TYPE_CHECKING:
    from engine.model.hook_request import HookRequest
    from engine.scripts.ledger import Ledger
    from hooks.program import Program

FAILURES = 5
"""So many failures in a row, of different senders and different content, switch a script off."""

CPU_S, WINDOW_S = 30.0, 3_600.0
"""So much CPU time within an hour does so too, of which one sender makes up at most a fifth; failures count as long."""

WRITTEN_MS = 1_000.0
"""CPU time of successes that is written down at once."""


MOST_SENDERS = 2_000
"""Entries of CPU time that are kept of a script."""


class Occasion(Struct, frozen=True):
    """The mail a script was asked about: who sent it, what is in it, and the place: parameters and fields."""

    place: str
    sender: str
    content: str = ""


def content_of(request: HookRequest) -> str:
    """Give what a mail says, without what differs from copy to copy."""
    return "\0".join((str(msgspec.json.decode(request.mail)["subject"]), request.body, request.html))


class Memory:
    """Counts, and switches off."""

    def __init__(self, ledger: Ledger, now: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._now = now
        self._kept: set[str] = set()
        self._names: dict[str, str] = {}
        self._off: list[tuple[str, str]] = []
        self._spent: dict[tuple[str, str], float] = {}
        self._unwritten_ms = 0.0

    def sound(self, program: Program) -> None:
        """Keep scripts that are sound, and their parameters, for the day they are broken."""
        if program.key in self._kept:
            return
        self._kept.add(program.key)
        self._names |= {sha256: name for name, sha256 in program.versions}
        state, texts = self._ledger.state, (program.params, program.tables)
        if state.params == texts and all(state.good.get(each.name) == each.source for each in program.scripts):
            return
        with self._ledger.changing() as state:
            state.params = texts
            for script in program.scripts:
                before = state.good.get(script.name)
                if before is not None and before != script.source:
                    state.previous[script.name] = before
                state.good[script.name] = script.source

    def switched_off(self) -> list[tuple[str, str]]:
        """Give the scripts that were switched off since this was asked last, by name, each with why."""
        off, self._off = self._off, []
        return off

    def succeeded(self, shas: Iterable[str], occasion: Occasion, cpu_ms: float) -> None:
        """Count a success: failures of before were not in a row."""
        keys = [at_place(sha256, occasion.place) for sha256 in shas]
        for key in keys:
            at = key, occasion.sender
            self._spent[at] = self._spent.get(at, 0.0) + cpu_ms / len(keys)
        self._unwritten_ms += cpu_ms
        records = self._ledger.state.records
        ended = [key for key in keys if key in records and records[key].failures]
        if ended or self._unwritten_ms > WRITTEN_MS:
            self.close(ended)

    def failed(self, sha256: str, occasion: Occasion, cpu_ms: float, why: str) -> None:
        """Count a failure on a mail."""
        now, key = self._now(), at_place(sha256, occasion.place)
        sender, content = _masked(occasion.sender), _masked(occasion.content)
        with self._ledger.changing() as state:
            record = state.records.setdefault(key, Record())
            known = [each for each in record.failures if now - each[0] < WINDOW_S]
            if all(sender != each[1] and content != each[2] for each in known):
                known.append((now, sender, content))
            record.failures = known
            if len(known) >= FAILURES and not record.off:
                said = f"it failed {FAILURES} times in a row, for different senders, last: {why}"
                self._switch_off(key, record, said)
            self._spend(key, record, sender, cpu_ms)

    def attacked(self, shas: Iterable[str], why: str) -> None:
        """Switch scripts off at once and everywhere; which of them it was cannot be told."""
        with self._ledger.changing() as state:
            for sha256 in shas:
                self._switch_off(sha256, state.records.setdefault(sha256, Record()), f"it tried to break out: {why}")

    def close(self, ended: Iterable[str] = ()) -> None:
        """Write down what was only counted so far; `ended` are records whose failures were not in a row."""
        if not self._spent and not ended:
            return
        with self._ledger.changing() as state:
            for (key, sender), ms in self._spent.items():
                self._spend(key, state.records.setdefault(key, Record()), _masked(sender), ms)
            for key in ended:
                state.records[key].failures = []
            now = self._now()
            state.records = {key: each for key, each in state.records.items() if not _is_over(each, now)}
        self._spent.clear()
        self._unwritten_ms = 0.0

    def _switch_off(self, key: str, record: Record, why: str) -> None:
        record.off = why[:500]
        sha256 = key.partition("/")[0]
        self._off.append((self._names.get(sha256, sha256[:12]), record.off))

    def _spend(self, key: str, record: Record, sender: str, cpu_ms: float) -> None:
        now = self._now()
        kept = [each for each in record.spent if now - each[0] < WINDOW_S]
        last = next((n for n, each in enumerate(kept) if each[1] == sender and now - each[0] < 60), None)
        if last is None:
            kept.append((now, sender, cpu_ms))
        else:
            kept[last] = (kept[last][0], sender, kept[last][2] + cpu_ms)
        record.spent = kept[-MOST_SENDERS:]
        by_sender: dict[str, float] = {}
        for _, each, ms in kept:
            by_sender[each] = by_sender.get(each, 0.0) + ms
        total = sum(min(ms, CPU_S * 1000 / FAILURES) for ms in by_sender.values())
        if total >= CPU_S * 1000 and not record.off:
            spent_s = sum(by_sender.values()) / 1000
            self._switch_off(key, record, f"it used {spent_s:.0f} s of CPU time within an hour")


def _is_over(record: Record, now: float) -> bool:
    return not record.off and not any(now - each[0] < WINDOW_S for each in (*record.failures, *record.spent))


def _masked(text: str) -> str:
    """What tells two senders or contents apart, and does not tell who they are."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
