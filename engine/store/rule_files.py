"""What stood in rule files and when, and what people are writing: `engine.ports.RuleFiles` tells what each method does.

Here: versions, drafts, and the event that tells of a version. Not here: the files.
Invariant: nothing that decides reads these tables, so their transactions are noted and nobody forgets anything for
them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.model.rule_files import RuleDraft, RuleVersion
from engine.store import hot, tables
from engine.store.database import Database, time
from engine.store.keys import numbers
from rules.document import digest

SYSTEM = "system"
"""How the file of all mail is called where a place is told."""


class RuleFiles:
    """Keeps what stood in rule files, and what is being written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def found(self, place: str, text: str) -> None:
        with self._database.joining(noted=True):
            self._alone(place)
            if self._newest(place) != digest(text):
                self._add(place, text, "", "", "")

    def put_version(self, place: str, text: str, by: str, via: str, reason: str) -> int:
        draft, account = tables.RuleDraft, tables.Account
        with self._database.joining(noted=True):
            self._alone(place)
            number = self._add(place, text, by, via, reason)
            theirs = account.select(account.id).where(account.login == by)
            self._database.do(draft.delete().where(draft.place == place, draft.account.in_(theirs)))
            told = msgspec.json.encode({"version": number, "said": f"{place or SYSTEM}: {reason}"}).decode()
            now = self._database.now()
            self._database.run(hot.EVENT, now, "rules.saved", by, via, None, None, 0, place, None, 0, "", told)
        return number

    def versions(self, place: str, limit: int = 50, before: int = 0) -> list[RuleVersion]:
        row = tables.RuleVersion
        found = _versions().where(row.place == place).order_by(row.id.desc()).limit(limit)
        return [_version(each) for each in self._database.all(found.where(row.id < before) if before else found)]

    def version(self, number: int) -> RuleVersion | None:
        found = self._database.first(_versions().where(tables.RuleVersion.id == number))
        return _version(found) if found else None

    def put_draft(self, account: int, place: str, base: str, text: str) -> None:
        row = tables.RuleDraft
        with self._database.joining(noted=True):
            self._database.do(row.delete().where(row.account == account, row.place == place))
            now = self._database.now()
            self._database.do(row.insert(account=account, place=place, base=base, text=text, at=now))

    def draft(self, account: int, place: str) -> RuleDraft | None:
        row = tables.RuleDraft
        here = row.account == account, row.place == place
        found = self._database.first(row.select(row.place, row.base, row.text, row.at).where(*here))
        if not found:
            return None
        kept_for, base, text, at = found
        return RuleDraft(kept_for, base, text, time(at))

    def drop_draft(self, account: int, place: str) -> bool:
        row = tables.RuleDraft
        with self._database.joining(noted=True):
            return bool(self._database.do(row.delete().where(row.account == account, row.place == place)))

    def _alone(self, place: str) -> None:
        """Until the transaction ends nobody else writes down a version of this place."""
        if self._database.beside_others:
            self._database.lock(numbers((("rules", place),)))

    def _newest(self, place: str) -> str:
        row = tables.RuleVersion
        found = self._database.first(row.select(row.digest).where(row.place == place).order_by(row.id.desc()).limit(1))
        return str(found[0]) if found else ""

    def _add(self, place: str, text: str, by: str, via: str, reason: str) -> int:
        row, key = tables.RuleVersion, digest(text)
        self._database.run(hot.TEXT, key, text)
        now = self._database.now()
        new = row.insert(place=place, digest=key, at=now, actor=by, via=via, reason=reason)
        return self._database.add(new)


def _versions() -> Any:
    row = tables.RuleVersion
    return row.select(row.id, row.place, row.digest, row.at, row.actor, row.via, row.reason)


def _version(row: tuple[Any, ...]) -> RuleVersion:
    number, place, key, at, by, via, reason = row
    return RuleVersion(number, place, key, time(at), by, via, reason)
