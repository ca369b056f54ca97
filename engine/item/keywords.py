"""Keyword lines: `Priority: High` at the top of a mail (or anywhere in it) sets a field of the item.

Here: finding the lines, who may use them and for which fields, which of two counts, and what stays in the text.
Not here: what keys are called (`catalog.py`), what a value may be (`values.py`).
Invariant: only the new part of a mail is read, never quoted text; a line that sets nothing stays where it is; the work
is bounded by `MOST_LINES` and `MOST_TRIES` whatever the mail holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.item.catalog import canonical, keys
from engine.item.values import judge, outsider
from engine.item.words import fold
from engine.model.desk import AccountStatus, Catalog
from engine.model.draft import Decider, FieldChange, Mark, Note, Who, note
from engine.model.facts import Auto, Facts

if TYPE_CHECKING:
    from engine.config import Items, Settings
    from engine.lookups import Lookups
    from engine.model.fields import ItemFields

MOST_LINES = 200
"""Keyword lines that are looked at in one mail; what comes after them is text."""

MOST_TRIES = 5
"""Values that are tried for one field before its other lines are left alone."""

LONGEST_KEY = 60

BY = Decider(Who.STAGE, "keywords")

HUMAN = frozenset({Auto.NONE, Auto.MAILING_LIST})


class Line(Struct, frozen=True):
    """A line of the shape `key: value`, where it stands, and the field its key names ("" for none)."""

    index: int
    key: str
    field: str
    value: str


class Read(Struct, frozen=True):
    """What the keywords of a mail came to: the text that is left, the fields, why, and why not at all."""

    text: str
    fields: tuple[FieldChange, ...] = ()
    notes: tuple[Note, ...] = ()
    refused: Note | None = None


def read(
    text: str,
    facts: Facts,
    settings: Settings,
    language: str,
    catalog: Catalog,
    look: Lookups,
    by_keyword: bool = False,
    owner: str = "",
) -> Read:
    """Read the keyword lines of the new part of a mail. `language` is that of the instance (F081).

    An item is given to who works in the workspace, or is its `owner`.

    `by_keyword`: a `Project:` line brought the mail here, so it has counted whatever this workspace's options say.
    """
    items = settings.items
    if items.keywords == "off" or not _may_hold(text, items.keywords):
        return Read(text)
    lines, rest, found, cut_off = _scan(text, items, _table(facts, items, language, catalog))
    if not found:
        return Read(text)
    if why := _barred(facts, settings):
        if not any(line.field for line in found):
            return Read(text)
        return Read(text, notes=(note("keywords.not_read", Mark.INFO, why=why),))
    notes: list[Note] = []
    if cut_off:
        notes.append(note("keywords.only_first", Mark.WARN, "draft.bad_keyword", most=MOST_LINES))
    refused = _unknown(found, items, notes)
    changes, gone, wrong = _decide(found, items, catalog, look, notes, by_keyword, owner)
    if items.unknown_keyword == "reject":
        refused = refused or wrong
    return Read(_without(lines, rest, gone) if gone else text, tuple(changes), tuple(notes), refused)


def named_workspace(
    text: str, facts: Facts, settings: Settings, language: str, known: Collection[str], needed: bool = False
) -> str:
    """Give the workspace that a `Project:` line asks for, as `known` spells it, or "" (F064).

    Counts where `allow_override` names it, or with `needed`: where the mail has no workspace otherwise.
    """
    items = settings.items
    if items.keywords == "off" or not _may_hold(text, items.keywords):
        return ""
    if not (needed or allowed("workspace", items)) or _barred(facts, settings):
        return ""
    _, _, found, _ = _scan(text, items, _table(facts, items, language, None))
    asked = [line.value for line in found if line.field == "workspace"][:MOST_TRIES]
    spelled = {name.casefold(): name for name in known}
    for value in reversed(asked) if items.keyword_wins == "last" else asked:
        if value.casefold() in spelled:
            return spelled[value.casefold()]
    return ""


def _may_hold(text: str, where: str) -> bool:
    """A cheap look before anything else: most mail has no keyword line."""
    if where == "anywhere":
        return ":" in text or "：" in text
    start = 0
    while start < len(text) and text[start] in "\n\r":
        start += 1
    head = text[start : start + LONGEST_KEY + 2].partition("\n")[0]
    return ":" in head or "：" in head


def _table(facts: Facts, items: Items, language: str, catalog: Catalog | None) -> Mapping[str, str]:
    """The keys this mail may use: English, the sender's language, the mail's, and the instance's."""
    account = facts.sender.account
    spoken = (account.language if account else "", facts.language, language)
    languages = tuple(dict.fromkeys(each[:2] for each in spoken if each))
    customs = tuple(field.name for field in catalog.fields) if catalog is not None else ()
    return keys(languages, tuple(items.keyword_aliases.items()), customs, items.fields)


def _scan(text: str, items: Items, table: Mapping[str, str]) -> tuple[list[str], str, list[Line], bool]:
    """Find the keyword lines: the lines looked at, the rest of the text, those found, and whether some were left."""
    top = items.keywords == "top"
    lines = text.split("\n", MOST_LINES * 3) if top else text.split("\n")
    rest = "\n" + lines.pop() if top and len(lines) > MOST_LINES * 3 else ""
    found: list[Line] = []
    for index, line in enumerate(lines):
        if top and not line.strip():
            continue
        shaped = _shaped(line)
        if shaped is None:
            if top:
                break
            continue
        if len(found) >= MOST_LINES:
            return lines, rest, found, True
        field = table.get(fold(shaped[0]), "")
        if field or top:
            found.append(Line(index, shaped[0], field, shaped[1]))
    return lines, rest, found, False


def _shaped(line: str) -> tuple[str, str] | None:
    """Split `key : value` (F079); None for anything else. Quoted and indented lines, and addresses, are not."""
    end = line.find(":", 1, LONGEST_KEY + 1)
    wide = line.find("：", 1, LONGEST_KEY + 1)
    if end < 0 or 0 < wide < end:
        end = wide
    if end < 1 or not (line[0].isalpha() or line[0] == "%"):
        return None
    key, value = line[:end].rstrip(), line[end + 1 :].strip()
    if not value or value.startswith("//") or not key:
        return None
    return key, value


def _barred(facts: Facts, settings: Settings) -> Note | None:
    """Say why this sender may not use keywords, None if they may (items.override_by; reliability in docs/)."""
    if facts.automatic.kind not in HUMAN:
        return note("keywords.machine")
    if facts.sender.by_form:
        return note("keywords.by_form")
    options, results = settings.gates, facts.authentication
    if options.trusted_authserv_ids and results.dmarc != "pass" and results.arc != "pass":
        return note("keywords.not_proven", dmarc=results.dmarc)
    by, account = settings.items.override_by, facts.sender.account
    if by == "anyone":
        return None
    if (listed := facts.sender.known_there) is not None:
        group = by.removeprefix("group:")
        if group == by or group.casefold() in map(str.casefold, listed.groups):
            return None
        return note("keywords.not_in_group", login=listed.login, group=group)
    if account is None or facts.sender.problem or account.status != AccountStatus.ACTIVE:
        return note("keywords.not_known")
    if by.startswith("group:"):
        group = by.removeprefix("group:")
        if group.casefold() not in (name.casefold() for name in account.groups):
            return note("keywords.not_in_group", login=account.login, group=group)
    return None


def allowed(field: str, items: Items) -> bool:
    """Tell whether `allow_override` names a field, in any spelling, or all of them (F070)."""
    overridable = _overridable(items.allow_override, items.fields)
    return "all" in overridable or canonical(field, items.fields) in overridable


@lru_cache(maxsize=64)
def _overridable(allow: tuple[str, ...], common: ItemFields) -> frozenset[str]:
    return frozenset(canonical(name, common) for name in allow)


def _unknown(found: list[Line], items: Items, notes: list[Note]) -> Note | None:
    """Keys that name no field: text, or a reason to refuse the mail."""
    strange = [line.key for line in found if not line.field]
    if not strange or items.unknown_keyword == "keep":
        return None
    notes.append(note("keywords.no_field", Mark.WARN, "draft.bad_keyword", keys=tuple(strange[:5])))
    return notes[-1]


def _decide(
    found: list[Line], items: Items, catalog: Catalog, look: Lookups, notes: list[Note], by_keyword: bool, owner: str
) -> tuple[list[FieldChange], set[int], Note | None]:
    """Choose and judge: the changes, the lines that go, and the first thing that was wrong."""
    changes: list[FieldChange] = []
    gone: set[int] = set()
    wrong: Note | None = None
    for field, lines in _by_field(found):
        if field == "workspace":
            gone |= _routed(lines, catalog, by_keyword or allowed(field, items), notes)
            continue
        if not allowed(field, items):
            notes.append(note("keywords.not_allowed", Mark.INFO, key=lines[0].key, field=field))
            continue
        last = items.keyword_wins == "last"
        for line in (lines[::-1] if last else lines)[:MOST_TRIES]:
            judged = judge(field, line.value, catalog, look, items.fields)
            problem = judged.problem
            if field == "assigned_to" and not problem:
                problem = outsider(judged.value, catalog.workspace, owner, look)
            if problem:
                said = {"key": line.key, "problem": problem}
                wrong = wrong or note("keywords.bad_value", **said)
                notes.append(note("keywords.stays_text", Mark.WARN, "draft.bad_keyword", **said))
                continue
            changes.append(FieldChange(field, judged.value, BY))
            notes.append(note("keywords.set", key=line.key, value=line.value[:60], remark=judged.remark))
            gone |= {other.index for other in lines} if last else {line.index}
            if len(lines) > 1:
                wins = items.keyword_wins
                notes.append(note("keywords.several", Mark.INFO, lines=len(lines), field=field, wins=wins))
            break
    return changes, gone, wrong


def _routed(lines: list[Line], catalog: Catalog, counts: bool, notes: list[Note]) -> set[int]:
    """The `Project:` lines that name the workspace this mail is in: they go, where they may say so at all (F064)."""
    here = (catalog.workspace.casefold(), catalog.name.casefold())
    for line in lines[:MOST_TRIES]:
        if not counts:
            notes.append(note("keywords.not_allowed", Mark.INFO, key=line.key, field="workspace"))
            return set()
        if line.value.casefold() in here:
            return {line.index}
    notes.append(note("keywords.went_elsewhere", Mark.INFO, key=lines[0].key, value=lines[0].value[:60]))
    return set()


def _by_field(found: list[Line]) -> Iterator[tuple[str, list[Line]]]:
    grouped: dict[str, list[Line]] = {}
    for line in found:
        if line.field:
            grouped.setdefault(line.field, []).append(line)
    return iter(grouped.items())


def _without(lines: list[str], rest: str, gone: set[int]) -> str:
    """The text without some lines and the blank lines right below them (F083)."""
    kept: list[str] = []
    after_gone = False
    for index, line in enumerate(lines):
        if index in gone:
            after_gone = True
        elif line.strip() or not after_gone:
            after_gone = False
            kept.append(line)
    return ("\n".join(kept) + rest).lstrip("\n")
