"""Directories, asked no more than need be: what they said is kept for a while, and one that is away is left alone.

Here: `Directories`, who answers `ListedIn`: the memory of answers, the clock of a pass, what a person should hear. Not
here: asking (`engine/directories/`), what comes of an answer (`decision/identity.py`, stage `sender`).
Invariant: deciding writes nothing; what was learned is stored by `keep`, in the transaction that commits, and nowhere
else. An answer that could not be had is never kept: it is AWAY.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from engine.directories import open_directory
from engine.directories.entry import Away
from engine.model.answers import Listed, Standing
from engine.model.stored import missing
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.directory import Directory
    from engine.directories.entry import People
    from engine.store.store import Store

LEFT_ALONE_S = 60.0
"""A directory that is away is asked again after so long."""

PASS_S = 300.0
"""How long the time counts that look-ups took: a new pass has time of its own."""

MOST_REMEMBERED = 10_000


class Directories:
    """The directories of a configuration, opened when first asked."""

    def __init__(self, config: Config, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._open = {name: _Open(own, clock) for name, own in config.directories.items()}

    def find(self, directory: str, address: str) -> Listed:
        """Tell what a directory says of an address, by what is known of it already if that is not too old."""
        own = self._open.get(directory)
        if own is None:
            return Listed(directory=directory)
        if (known := own.answers.get(address)) is not None or (known := self._kept(own, address)) is not None:
            return known
        return own.ask(address)

    def _kept(self, own: _Open, address: str) -> Listed | None:
        """Give an answer of an earlier pass; a table is looked up in itself."""
        if own.settings.kind == "csv":
            return None
        row = self._store.listed.find(own.mark, address)
        if row is None:
            return None
        answer = msgspec.json.decode(row[1], type=Listed)
        keep_s = own.settings.keep if answer.standing is Standing.KNOWN else own.settings.keep_unknown
        age_s = (self._store.database.clock() - row[0]).total_seconds()
        if not 0 <= age_s < keep_s:
            return None
        own.remember(address, answer)
        return answer

    def keep(self, now: datetime) -> None:
        """Store what was learned, and which directories are away; in the transaction that is open."""
        if any(own.fresh for own in self._open.values()):
            longest = max(max(own.settings.keep, own.settings.keep_unknown) for own in self._open.values())
            self._store.listed.let_go(now - timedelta(seconds=longest))
        for own in self._open.values():
            for address in own.fresh:
                self._store.listed.keep(own.mark, address, msgspec.json.encode(own.answers[address]).decode())
            if own.away:
                self._store.troubles.begin(missing(own.settings.name), own.away, now)
            elif own.answered:
                self._store.troubles.over(missing(own.settings.name))

    def kept(self) -> None:
        """Hear that their transaction is committed."""
        for own in self._open.values():
            own.fresh.clear()
            own.answered = False

    def close(self) -> None:
        """End all connections."""
        for own in self._open.values():
            own.close()


class _Open:
    """One directory: what it said, what of that is not stored yet, and how it fares.

    `mark` names it together with how it is asked: with other settings it is another one.
    """

    def __init__(self, settings: Directory, clock: Callable[[], float]) -> None:
        self.settings, self._clock = settings, clock
        asked = settings.server, settings.base, settings.filter, settings.groups, settings.attributes
        how = repr([*asked[:4], *(getattr(asked[4], each) for each in asked[4].__struct_fields__ if each != "written")])
        self.mark = f"{settings.name}:{sha256(how.encode()).hexdigest()[:12]}"
        self.answers: dict[str, Listed] = {}
        self.fresh: set[str] = set()
        self.away, self.answered = "", False
        self._people: People | None = None
        self._until = self._began = 0.0
        self._took = 0.0

    def ask(self, address: str) -> Listed:
        """Ask it, if there is time and it is not known to be away."""
        began = self._clock()
        if self.away and began < self._until:
            return self._not_asked()
        if began - self._began > PASS_S:
            self._began, self._took = began, 0.0
        if self._took >= self.settings.pass_timeout and self.settings.kind == "ldap":
            return self._is_away(f"directory {self.settings.name} is slow: it took {self._took:.0f} s in this pass")
        try:
            self._people = self._people or open_directory(self.settings)
            answer = self._people.find(address)
        except Away as error:
            return self._is_away(str(error))
        finally:
            self._took += self._clock() - began
        self.away, self.answered = "", True
        if self.settings.kind == "ldap":
            self.remember(address, answer)
            self.fresh.add(address)
        return answer

    def remember(self, address: str, answer: Listed) -> None:
        """Keep an answer in memory, for as long as this is open."""
        if len(self.answers) >= MOST_REMEMBERED:
            for old in [each for each in self.answers if each not in self.fresh]:
                del self.answers[old]
        self.answers[address] = answer

    def close(self) -> None:
        if self._people is not None:
            self._people.close()

    def _is_away(self, said: str) -> Listed:
        self.away = printable(said)
        self._until = self._clock() + LEFT_ALONE_S
        return self._not_asked()

    def _not_asked(self) -> Listed:
        return Listed(Standing.AWAY, self.settings.name, said=self.away)
