"""The keys with which programs may push mail by HTTP.

Here: those of the configuration in force, finding the one that was shown, counting wrong ones, telling which cannot be
had. Not here: reading one (`key_reading.py`), HTTP (`http.py`), where keys are written (`config/doors.py`).
Invariant: a key that cannot be had changes nothing for the others; why it cannot is told to us and to no client; how
long a comparison takes tells nothing about a key; no key is in a log line.
"""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import SecretError
from engine.doors.key_reading import DEADLINE_S, Known, Reading, digest_of
from engine.log import Entry
from engine.model.stored import keyless
from engine.store.clock import now as utc_now

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.doors import HttpKey
    from engine.doors.reception import Reception
    from engine.store.store import Store

WAIT_S = 1.0
"""So long after a reading began a request waits for what comes of it."""

NOTE_S = 60.0
"""What the database could not be told is told it again after so long."""

QUIET_S = 10.0
"""Wrong keys are logged so often at most; the line counts them."""


class Unsure(Exception):
    """A key was shown that is none of those we know, and there is one that we cannot have now."""


class Key(Struct, frozen=True):
    """A key that was shown: its name, and the mailboxes it is for, none for all."""

    name: str
    mailboxes: tuple[str, ...] = ()


class Keys:
    """The keys of the configuration in force. `told` hears, after every look, which cannot be had: name to sentence."""

    def __init__(self, told: Callable[[Mapping[str, str]], None]) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._readings: dict[str, Reading] = {}
        self._wrong, self._logged_at = 0, float("-inf")

    def begin(self, config: Config) -> None:
        """Read all for the first time. Raises SecretError where none of them can be had."""
        if not any(each.digest for each in self.look(config).values()):
            known = self.look(config, DEADLINE_S)
            if not any(each.digest for each in known.values()):
                raise SecretError("; ".join(each.wrong for each in known.values()) or "there are no keys")

    def look(self, config: Config, wait_s: float = WAIT_S) -> dict[str, Known]:
        """Give what is known of each key; what is being read since less than `wait_s` is waited for."""
        with self._lock:
            before, self._readings = self._readings, {}
            for name, key in _tables(config).items():
                reading = before.get(name)
                if reading is None or reading.ways != key.ways:
                    reading = Reading(name, key)
                self._readings[name] = reading
                reading.look()
            readings = dict(self._readings)
        for each in readings.values():
            each.wait(wait_s)
        with self._lock:
            known = {name: each.known for name, each in readings.items()}
            self._told({name: each.wrong for name, each in known.items() if each.wrong})
        return known

    def are_there(self, config: Config) -> bool:
        """Tell whether anybody could push."""
        return any(each.digest for each in self.look(config).values())

    def shown(self, config: Config, authorization: str) -> Key | None:
        """Find the key that a request shows, as `Bearer KEY` or as the password of `Basic`. Raises Unsure."""
        presented = _presented(authorization)
        if not presented:
            return None
        digest, known = digest_of(presented), self.look(config)
        found = [name for name, each in known.items() if hmac.compare_digest(each.digest, digest)]
        if not found:
            if all(each.digest for each in known.values()):
                return None
            raise Unsure
        mailboxes = [_tables(config)[name].mailboxes for name in found]
        return Key(" and ".join(found), tuple(one for each in mailboxes for one in each) if all(mailboxes) else ())

    def wrong(self, refused: str, who: str, log: Callable[[Entry], None]) -> None:
        """Count a request without a right key, and log how it was `refused` unless that was done just now."""
        with self._lock:
            self._wrong += 1
            count, now = self._wrong, time.monotonic()
            if now - self._logged_at < QUIET_S:
                return
            self._logged_at = now
        log(Entry("warning", "http.refused", f"{refused}: no key or a wrong one, {count} so far, from {who}"))


class Telling:
    """Tells us which keys cannot be had, when that changes: in the log, `aloud`, and where `allegra health` looks."""

    def __init__(self, reception: Reception, aloud: Callable[[str], None]) -> None:
        self._reception, self._aloud = reception, aloud
        self._failing: Mapping[str, str] = {}
        self._noted: Mapping[str, str] | None = None
        self._note_at = float("-inf")

    def __call__(self, failing: Mapping[str, str]) -> None:
        for name, wrong in failing.items():
            if self._failing.get(name) != wrong:
                self._reception.log(Entry("error", "door.key", wrong))
                self._aloud(wrong)
        for name in self._failing.keys() - failing.keys():
            self._reception.log(Entry("info", "door.key", f"http key {name}: nothing is wrong with it any more"))
        changed, self._failing = failing != self._failing, failing
        now = time.monotonic()
        if self._noted != failing and (changed or now >= self._note_at):
            self._note_at = now + NOTE_S
            self._reception.ask_store(lambda store: self._note(store, failing))

    def _note(self, store: Store, failing: Mapping[str, str]) -> None:
        wanted = {keyless(name): wrong.removeprefix(f"http key {name}: ") for name, wrong in failing.items()}
        there = {name: each.said for name, each in store.troubles.all().items() if name.startswith(keyless(""))}
        for name in there.keys() - wanted.keys():
            store.troubles.over(name)
        for name, said in wanted.items():
            if there.get(name) != said:
                store.troubles.begin(name, said, utc_now())
        self._noted = failing


def _tables(config: Config) -> Mapping[str, HttpKey]:
    return config.root.http.keys if config.root.http is not None else {}


def _presented(authorization: str) -> str:
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.casefold() == "bearer":
        return rest.strip()
    if scheme.casefold() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""
