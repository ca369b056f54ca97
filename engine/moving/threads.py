"""Markers of another system, out of a file: so that replies in flight find their item after a move (F108).

Here: reading the file, checking all of it, putting it into the store or only trying to. Not here: what a marker looks
like (`mail/old_markers.py`), asking for one (`decision/matching.py`).
Invariant: with anything wrong in the file nothing is brought in; bringing the same in twice changes nothing. What our
own mail says of an item never comes to mean another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.mail import old_markers
from engine.moving.reading import Problems, excerpt, read_text
from engine.moving.tabular import Row, is_json, rows
from engine.store.errors import NotFound, Refused
from engine.store.load import Tally

if TYPE_CHECKING:
    from engine.store.store import Store

MARKERS = ("marker", "message_id", "message-id", "messageid", "number", "reference", "ref", "token", "subject", "id")
"""Columns that hold a marker; a row may have several."""

ITEMS = ("item", "here", "item here")
INTERNAL = ("internal", "private", "note")
EVERY = 500
_YES, _NO = ("1", "true", "yes", "y", "t"), ("0", "false", "no", "n", "f")
_OURS = re.compile(r"\[#(\d+)\]")


class Meaning(Struct, frozen=True):
    """One row, understood: its markers, the item as it is written there, and its line."""

    line: int
    said: str
    markers: tuple[str, ...]
    item: str
    internal: bool


def read(path: Path, system: str, problems: Problems, encoding: str = "utf-8") -> list[Meaning]:
    """Read a file of markers: CSV with or without a head, JSON lines or a list. Raises LoadError for no such text."""
    text = read_text(path, encoding)
    found = rows(text, is_json(path, text), problems, ("marker", "item"), (*MARKERS, *ITEMS))
    return [each for row in found for each in _meant(row, system, problems)]


def _meant(row: Row, system: str, problems: Problems) -> Iterator[Meaning]:
    item = next((row.values[name] for name in ITEMS if name in row.values), "")
    said = [row.values[name] for name in MARKERS if name in row.values]
    if not item or not said:
        missing = "item that it means here" if said else f"marker: a column {', '.join(MARKERS[:2])}, number …"
        problems.add("D131", f"names no {missing}", row.line)
        return
    internal = next((row.values[name].lower() for name in INTERNAL if name in row.values), "no")
    if internal not in (*_YES, *_NO):
        problems.add("D131", f'"{excerpt(internal)}" is neither yes nor no', row.line)
        return
    for each in said:
        markers = old_markers.written(each, system)
        if markers:
            yield Meaning(row.line, each, markers, item, internal in _YES)
        elif (number := each.removeprefix("#")).isdecimal() and len(number) > old_markers.MOST_DIGITS:
            most = old_markers.MOST_DIGITS
            problems.add("D132", f"{excerpt(each)} is too long for a number: {most} digits are the most", row.line)
        elif number.isdecimal() and not system:
            advice = f"say whose it is: --from {', '.join(old_markers.SYSTEMS)}"
            problems.add("D132", f"{excerpt(each)} is a bare number, which any system writes", row.line, advice)
        else:
            advice = "a Message-ID, a number, [Project - Bug #2], R-000123 or issue-12@ is one"
            problems.add("D132", f'"{excerpt(each)}" is no marker of a ticket', row.line, advice)


def bring_in(
    store: Store,
    path: Path,
    *,
    system: str = "",
    field: str = "",
    encoding: str = "utf-8",
    again: bool = False,
    dry_run: bool = False,
    told: Callable[[int, int], object] = lambda done, total: None,
) -> Tally:
    """Bring the markers of a file in, all or none, and count them; a dry run takes them back.

    `system` is whose bare numbers stand there; the items are numbers here, or values of the `field` of that name;
    `again` lets a marker mean another item than it did. `told` hears how far it has come. Raises LoadError.
    """
    problems = Problems(path.name)
    meanings = read(path, system, problems, encoding)
    tally, seen, there = Tally(), dict[str, Meaning](), dict[str, int]()
    with store.rehearsal() if dry_run else nullcontext(), store.joining():
        for done, each in enumerate(meanings):
            if done % EVERY == 0:
                told(done, len(meanings))
            item = there.get(each.item) or _item(store, each, field, problems)
            there[each.item] = item
            for marker in each.markers if item else ():
                if _is_new(marker, each, seen, problems) and not _is_ours(store, marker, item, each, problems):
                    _put(store, marker, item, each, again, tally, problems)
        problems.end()
    return tally


def _item(store: Store, meaning: Meaning, field: str, problems: Problems) -> int:
    """The number of the item that a row means, 0 if there is none."""
    said = meaning.item
    if field:
        found = store.items.item_by_field(field, said)
        if found is None:
            problems.add("D133", f'there is no item whose "{excerpt(field)}" is "{excerpt(said)}"', meaning.line)
        return 0 if found is None else found.id
    digits = said.removeprefix("#")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else 0
    if not number or store.items.exactly(number) is None:
        advice = "items come first: allegra admin load FILE" if number else "a number, or a value with --field NAME"
        problems.add("D133", f'there is no item "{excerpt(said)}"', meaning.line, advice)
        return 0
    return number


def _is_new(marker: str, meaning: Meaning, seen: dict[str, Meaning], problems: Problems) -> bool:
    """Tell whether a marker stands here for the first time; one that meant something else above is a problem."""
    before = seen.setdefault(marker, meaning)
    said = f"{excerpt(meaning.said)} means item {excerpt(before.item)} in line {before.line}"
    if before.item != meaning.item:
        problems.add("D134", f"{said} and item {excerpt(meaning.item)} here", meaning.line)
    elif before.internal != meaning.internal:
        words = ("internal", "not internal") if before.internal else ("not internal", "internal")
        said = f"{excerpt(meaning.said)} is {words[0]} in line {before.line} and {words[1]} here"
        problems.add("D134", said, meaning.line)
    return before is meaning


def _is_ours(store: Store, marker: str, item: int, meaning: Meaning, problems: Problems) -> bool:
    """Tell whether our own mail says that of another item, one that is there or will be."""
    found = _OURS.fullmatch(marker)
    number = int(found[1]) if found else item
    if number == item or (store.items.given(number, False) and store.items.exactly(number) is None):
        return False
    said = f"[#{number}] is what our own mail about item {number} says: it cannot mean item {item}"
    problems.add("D135", said, meaning.line, "load the items under their old numbers, or leave this line out")
    return True


def _put(
    store: Store, marker: str, item: int, meaning: Meaning, again: bool, tally: Tally, problems: Problems
) -> None:  # fmt: skip
    try:
        tally.count(store.markers.put(marker, item, internal=meaning.internal, again=again))
    except Refused as error:
        problems.add("D136", str(error), meaning.line, "if it is to mean this one from now on: --update")
    except NotFound as error:
        problems.add("D133", str(error), meaning.line)
