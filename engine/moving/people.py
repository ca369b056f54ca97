"""People and their groups of another system: checked, and put into the store by the way of every data file.

Here: what makes a person good, who is there already, what a run would change. Not here: which column says what
(`persons.py`), the rows (`store/load.py`).
Invariant: with anything wrong in the file nobody is brought in; who is there keeps what the file does not name, every
address and group, and stays locked where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.model.addresses import key_of
from engine.model.desk import Account, AccountStatus
from engine.moving import persons
from engine.moving.persons import Person, Read
from engine.moving.reading import Lines, Problems, excerpt, read_text
from engine.moving.tabular import is_json, runs
from engine.store import load
from engine.store.load import Tally

if TYPE_CHECKING:
    from engine.store.store import Store

LONGEST_NAME, LONGEST_ADDRESS = 200, 320
_ADDRESS = re.compile(r"""[^\s<>@"\\,;:()\[\]\x00-\x1f]+@[^\s<>@"\\,;:()\[\]\x00-\x1f]+""")


class Change(Struct, frozen=True):
    """What becomes of a person: `added` or `changed`, and the values that are new, by what they are."""

    login: str
    done: str
    values: dict[str, Any]


class Brought(Struct, frozen=True):
    """What was brought in, or would be: counts by table, changes of people, and who or what was passed over."""

    tallies: dict[str, Tally]
    changes: tuple[Change, ...]
    there: int
    others: int
    unread: tuple[str, ...]


class Wishes(Struct, frozen=True):
    """How people are to be brought in; `columns` says what a column is called in the file, ours to theirs."""

    form: str = ""
    groups: tuple[str, ...] = ()
    without_groups: bool = False
    update: bool = False
    encoding: str = "utf-8"
    columns: Mapping[str, str] = {}


def bring_in(store: Store, path: Path, wishes: Wishes, *, dry_run: bool = False) -> Brought:
    """Bring the people of a file in, all or none; a dry run takes them back. Raises LoadError."""
    problems, lines = Problems(path.name), Lines(path.name)
    read = _read(path, wishes, problems)
    entries = [(each, entry) for each in read.people if (entry := _entry(each, wishes, problems)) is not None]
    _once(entries, problems)
    problems.end()
    before = {entry["login"]: store.directory.login(entry["login"]) for _, entry in entries}
    chosen = [(each, _merged(entry, before[entry["login"]])) for each, entry in entries
              if wishes.update or before[entry["login"]] is None]  # fmt: skip
    tables = {"groups": _groups(store, chosen, lines), "users": [entry for _, entry in chosen]}
    lines.placed |= {("users", number): each.line for number, (each, _) in enumerate(chosen)}
    with store.rehearsal() if dry_run else nullcontext():
        tallies = load.load(store, {name: found for name, found in tables.items() if found}, lines)
        after = {login: store.directory.login(login) for login in before}
    changes = tuple(_changes(before, after))
    tallies = tallies or ({"users": Tally()} if entries else {})
    return Brought(tallies, changes, len(entries) - len(chosen), read.others, read.unread)


def _read(path: Path, wishes: Wishes, problems: Problems) -> Read:
    text = read_text(path, wishes.encoding)
    form = wishes.form or persons.guess(path.name, text)
    if wishes.columns and form != "csv":
        problems.add("D145", f"has no columns that --column could name: this is {form}", 0)
    if form == "ldif":
        return persons.of_ldif(text, problems)
    if form == "vcard":
        return persons.of_vcards(text, problems)
    return persons.of_table(text, is_json(path, text), wishes.columns, problems)


def _entry(person: Person, wishes: Wishes, problems: Problems) -> dict[str, Any] | None:
    """A person as the data file of `admin load` has one, None where something is wrong."""
    wrong = list(_wrong(person))
    for message in wrong:
        problems.add("D142", message, person.line)
    language = re.match(r"[A-Za-z]{2,3}(?=[-_.@,; ]|$)", person.language)
    if person.language and language is None:
        problems.add("D142", f'the language "{excerpt(person.language)}" is no code such as de', person.line)
    status = persons.STATUS_WORDS.get(person.status.lower(), "")
    if person.status and not status:
        known = ", ".join(word for word in persons.STATUS_WORDS if not word.isdecimal())
        problems.add("D142", f'the status "{excerpt(person.status)}" is none of {known}', person.line)
    if wrong:
        return None
    own = () if wishes.without_groups else person.groups
    groups = {" ".join(each.split()).casefold(): " ".join(each.split()) for each in (*own, *wishes.groups)}
    entry: dict[str, Any] = {"login": person.login or person.emails[0].lower()}
    given = {
        "name": " ".join(person.name.split()), "emails": list(person.emails), "status": status,
        "language": language[0].lower() if language else "", "groups": list(groups.values()),
    }  # fmt: skip
    return entry | {key: value for key, value in given.items() if value}


def _wrong(person: Person) -> Iterator[str]:
    if not person.login and not person.emails:
        yield "has neither a login nor an address"
    for what, value in (("login", person.login), ("name", person.name), *(("group", each) for each in person.groups)):
        if runs(value):
            yield f'the {what} "{excerpt(value)}" begins as a formula of a spreadsheet does'
        if len(value) > LONGEST_NAME:
            yield f"the {what} has {len(value)} characters; {LONGEST_NAME} are the most"
        if not value.isprintable():
            yield f'the {what} "{excerpt(value)}" holds control characters'
    if set(person.login) & set(" \t<>"):
        yield f'"{excerpt(person.login)}" is no login: a word without blanks'
    for each in person.emails:
        if len(each) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(each) or runs(each) or not each.isprintable():
            yield f'"{excerpt(each)}" is no mail address'


def _once(entries: Sequence[tuple[Person, dict[str, Any]]], problems: Problems) -> None:
    """Say who stands in the file twice, and which address two people have."""
    logins, addresses = dict[str, int](), dict[str, tuple[str, int]]()
    for person, entry in entries:
        login = entry["login"]
        if login in logins:
            problems.add("D144", f'the login "{excerpt(login)}" stands in line {logins[login]} already', person.line)
            continue
        logins[login] = person.line
        for each in person.emails:
            whose, line = addresses.setdefault(key_of(each), (login, person.line))
            if whose != login:
                problems.add("D144", f'{each} is an address of "{excerpt(whose)}", line {line}', person.line)


def _merged(entry: dict[str, Any], there: Account | None) -> dict[str, Any]:
    """An entry for somebody who is there: their addresses stay, behind those of the file, and so does a lock."""
    if there is None:
        return entry
    emails = {key_of(each): each for each in (*entry.get("emails", ()), *there.emails)}
    entry = entry | {"emails": list(emails.values())}
    if there.status == AccountStatus.LOCKED:
        entry.pop("status", None)
    return entry


def _groups(store: Store, chosen: Sequence[tuple[Person, dict[str, Any]]], lines: Lines) -> list[dict[str, Any]]:
    """The groups that are not there yet, each where it stands first; one that is keeps the spelling of its name."""
    found: dict[str, str] = {}
    for person, entry in chosen:
        for name in entry.get("groups", ()):
            if name.casefold() not in found and not store.directory.group(name):
                lines.placed["groups", len(found)] = person.line
                found[name.casefold()] = name
    return [{"name": name} for name in found.values()]


def _changes(before: Mapping[str, Account | None], after: Mapping[str, Account | None]) -> Iterator[Change]:
    for login, now in after.items():
        was = before[login]
        if now is None or now == was:
            continue
        values: dict[str, Any] = {}
        for name in ("name", "emails", "status", "language", "groups"):
            old, new = None if was is None else getattr(was, name), getattr(now, name)
            if old != new and new:
                values[name] = list(new) if isinstance(new, tuple) else str(new)
        yield Change(login, "added" if was is None else "changed", values)
