"""Values of item fields: from text a person wrote to what the field may hold.

Here: one judgement for keywords, rules and defaults alike: lists of the workspace, dates, numbers, people, items.
Not here: which field a key names (`keywords.py`), who may set it, or which of two values counts.
Invariant: a value comes back in the spelling of the catalog, or not at all and with the reason; case is ignored only
where that leaves one answer (F082).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.item.catalog import offered
from engine.item.title import one_line
from engine.item.words import NO, YES
from engine.model.addresses import bare
from engine.model.desk import GROUP, TURN, AccountStatus, Catalog, CustomField, Value
from engine.model.fields import COMMON, ItemFields
from engine.model.questions import GroupNamed, ItemByNumber, May, PersonNamed

if TYPE_CHECKING:
    from engine.lookups import Lookups

LONGEST_LABEL = 100

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HOURS = re.compile(
    r"(\d{1,5})(?:[.,](\d{1,4}))?\s*h?|(\d{1,5})\s*(?:h|:)\s*(\d{1,2})\s*(?:m|min)?|(\d{1,5})\s*(?:m|min)", re.ASCII
)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,15})?", re.ASCII)
_ITEM = re.compile(r"#?(\d{1,12})", re.ASCII)


class Judged(Struct, frozen=True):
    """A value, or the `problem` with it; `remark` tells what was read generously."""

    value: Value = None
    problem: str = ""
    remark: str = ""


def judge(name: str, text: str, catalog: Catalog, look: Lookups, common: ItemFields = COMMON) -> Judged:
    """Read `text` as the value of a field: a common one by its name, a custom one by its displayed name.

    A name that is neither is taken as it is: rules may keep what the catalog does not know.
    """
    text = text.strip()
    if (field := common.by_name.get(name)) is not None:
        return _read(field.kind, text, offered(field, catalog), name, look)
    own = custom(name, catalog)
    return Judged(text) if own is None else _custom(own, text, catalog, look)


def custom(name: str, catalog: Catalog) -> CustomField | None:
    """Find a custom field by its displayed name, in any case."""
    wanted = name.casefold()
    return next((field for field in catalog.fields if field.name.casefold() == wanted), None)


def outsider(given: Value, workspace: str, owner: str, look: Lookups) -> str:
    """Say why an item is not given to somebody: they do not work there. "" for who does, for a group and for nobody."""
    login = str(given or "")
    if not login or login.startswith((GROUP, TURN)) or look.ask(May(login, "edit_items", workspace)):
        return ""
    account = look.ask(PersonNamed(bare(owner))) if owner else None
    if account is not None and account.login == login:
        return ""
    return f"{login} has no role in {workspace} that may edit items, and who has an item reads its notes"


def one_of(text: str, values: Iterable[str], what: str) -> Judged:
    """Find a value in a list: as written, else in any case if that leaves one."""
    offered = tuple(values)
    if text in offered:
        return Judged(text)
    folded = text.casefold()
    near = [value for value in offered if value.casefold() == folded]
    if len(near) == 1:
        return Judged(near[0], remark=f'"{text}" taken as "{near[0]}"')
    if near:
        return Judged(problem=f'"{text}" could be any of {", ".join(near)}')
    shown = ", ".join(offered[:8]) + (" …" if len(offered) > 8 else "")
    return Judged(problem=f'"{text[:60]}" is no {what} here' + (f" (there are: {shown})" if shown else ""))


def label(text: str) -> Judged:
    """Judge a label: one line of printable text, without a comma, which parts labels where they are listed."""
    text = one_line(text)
    if "," in text:
        return Judged(problem=f'"{text[:60]}" has a comma: add two labels')
    if len(text) > LONGEST_LABEL:
        return Judged(problem=f'"{text[:60]}…" has more than {LONGEST_LABEL} characters')
    return Judged(text)


def long_text(text: str) -> str:
    """A text of several lines without control characters."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _read(kind: str, text: str, choices: tuple[str, ...], what: str, look: Lookups) -> Judged:
    """Read one value by the kind of its field; `what` is what a choice is called where it is none."""
    if kind in ("list", "version"):
        return one_of(text, choices, what)
    read = _READERS.get(kind)
    return read(text, look) if read is not None else Judged(text)


def _person(text: str, look: Lookups) -> Judged:
    """F087: by address, login or name; groups by name, with or without `group:`. F073: after `turn:` one of a group."""
    if text.casefold().startswith(TURN):
        group = look.ask(GroupNamed(text[len(TURN) :].strip()))
        return Judged(TURN + group) if group else Judged(problem=f'no group here is called "{text[len(TURN) :][:60]}"')
    if not text.casefold().startswith(GROUP):
        account = look.ask(PersonNamed(text))
        if account is not None and account.status == AccountStatus.ACTIVE:
            return Judged(account.login)
        if account is not None:
            return Judged(problem=f"the account {account.login} is {account.status}")
    group = look.ask(GroupNamed(text[len(GROUP) :].strip() if text.casefold().startswith(GROUP) else text))
    return Judged(GROUP + group) if group else Judged(problem=f'nobody and no group here is called "{text[:60]}"')


def _date(text: str) -> Judged:
    """F086: 2026-01-31, and only days that exist."""
    if _DATE.fullmatch(text):
        try:
            return Judged(date.fromisoformat(text).isoformat())
        except ValueError:
            pass
    return Judged(problem=f'"{text[:60]}" is no date like 2026-01-31')


def _done(text: str) -> Judged:
    """F086: 0 to 100 in steps of ten, with or without a percent sign."""
    digits = text.rstrip("% ")
    if digits.isascii() and digits.isdigit() and len(digits) <= 3 and int(digits) <= 100 and int(digits) % 10 == 0:
        return Judged(int(digits))
    return Judged(problem=f'"{text[:60]}" is none of 0, 10, 20 … 100')


def _hours(text: str) -> Judged:
    """Hours as 1.5, 1,5, 2h, 1h30, 1:30 or 90 min."""
    found = _HOURS.fullmatch(text.casefold())
    if found is None:
        return Judged(problem=f'"{text[:60]}" is no number of hours')
    whole, fraction, hours, minutes, only_minutes = found.groups()
    if only_minutes:
        return Judged(round(int(only_minutes) / 60, 2))
    if hours:
        return Judged(round(int(hours) + int(minutes) / 60, 2))
    return Judged(float(f"{whole}.{fraction or 0}"))


def _yes_no(text: str) -> Judged:
    folded = text.casefold()
    if folded in YES or folded in NO:
        return Judged(folded in YES)
    return Judged(problem=f'"{text[:60]}" is neither yes nor no')


def _item(text: str, look: Lookups) -> Judged:
    found = _ITEM.fullmatch(text)
    if found is None:
        return Judged(problem=f'"{text[:60]}" is no item number')
    number = int(found[1])
    known = look.ask(ItemByNumber(number)) is not None
    return Judged(number) if known else Judged(problem=f"there is no item #{number}")


_READERS: Mapping[str, Callable[[str, Lookups], Judged]] = {
    "int": lambda text, _: _number(text, whole=True),
    "float": lambda text, _: _number(text, whole=False),
    "bool": lambda text, _: _yes_no(text),
    "date": lambda text, _: _date(text),
    "user": _person,
    "hours": lambda text, _: _hours(text),
    "percent": lambda text, _: _done(text),
    "item": _item,
}
"""How a value of a kind is read; those of the other kinds are texts."""


def _custom(field: CustomField, text: str, catalog: Catalog, look: Lookups) -> Judged:
    """F088: by the kind of the field; several values of a list by comma."""
    if field.kind in ("list", "version", "user") and field.multiple:
        return _several(field, text, catalog, look)
    if field.kind == "version":
        return _read(field.kind, text, catalog.versions, "version", look)
    return _read(field.kind, text, field.values, f"value of {field.name}", look)


def _several(field: CustomField, text: str, catalog: Catalog, look: Lookups) -> Judged:
    """Values by comma; the whole text first, because a value may hold a comma."""
    whole = _custom(_single(field), text, catalog, look)
    if not whole.problem:
        return Judged((str(whole.value),), remark=whole.remark)
    values: list[str] = []
    remarks: list[str] = []
    for each in text.split(",")[:100]:
        if not each.strip():
            continue
        judged = _custom(_single(field), each.strip(), catalog, look)
        if judged.problem:
            return judged
        remarks += [judged.remark] if judged.remark else []
        if str(judged.value) not in values:
            values.append(str(judged.value))
    return Judged(tuple(values), remark="; ".join(remarks)) if values else Judged(problem="there is no value")


def _single(field: CustomField) -> CustomField:
    return CustomField(field.name, field.kind, field.values)


def _number(text: str, whole: bool) -> Judged:
    if _NUMBER.fullmatch(text) is None or (whole and not text.lstrip("+-").isdigit()):
        return Judged(problem=f'"{text[:60]}" is no {"whole " if whole else ""}number')
    return Judged(int(text) if whole else float(text.replace(",", ".")))
