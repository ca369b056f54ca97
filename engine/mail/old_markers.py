"""Markers of other systems: what their mail says of the ticket it is about, in a form that can be looked up.

Here: the markers in a Message-ID, a subject or an address, likeliest first, and those that a person writes down. Not
here: which item one means (`store/markers.py`), bringing them in (`moving/threads.py`).
Invariant: what is written down and what stands in a mail have the same form: small letters, one blank between words,
no zeros in front of a number. A Message-ID of a known system is told by class and number, not by its time of sending,
so one line serves all mail about a ticket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

SYSTEMS: Final = ("openproject", "redmine", "itop", "eventum")
"""Whose bare numbers are understood."""

MOST_DIGITS = 15
"""Digits of a number."""

_MOST = 10
_LONGEST_ID, _LONGEST_SUBJECT = 998, 1000

_FAMILIES: Final = (
    (re.compile(r"redmine\.([a-z0-9_]{1,40})-(\d{1,15})(?:\.[^@\s<>]*)?"), "redmine.{}-{}"),
    (re.compile(r"op\.([a-z0-9_]{1,40})-(\d{1,15})(?:\.[^@\s<>]*)?"), "op.{}-{}"),
    (re.compile(r"iTop_([A-Za-z]{1,40})_(\d{1,15})(?:_[^@\s<>]*)?"), "itop.{1}"),
)
"""What the left side of a Message-ID looks like, and what of it stays: numbers of iTop are those of any class."""

_BRACKET: Final = re.compile(r"\[[^\[\]]{0,199}?\d[^\[\]]{0,199}\]")
_OF_ANY_PROJECT: Final = re.compile(r"\[[^\[\]]*\s#(\d{1,15})\]")
_REFERENCE: Final = re.compile(r"(?<![\w-])([A-Za-z]{1,10})-(\d{1,15})(?![\w-])")
_LOCAL_PART: Final = re.compile(r"([A-Za-z]{1,20})-(\d{1,15})")
_IN_ADDRESSES: Final = ("issue", "note", "draft")
_NUMBER: Final = re.compile(r"#?(\d{1,15})")


def of_message_id(message_id: str) -> tuple[str, ...]:
    """Give the markers of one Message-ID: the whole, and class and number where a known system wrote it."""
    bare = message_id.strip().strip("<>")[:_LONGEST_ID]
    left, at, host = bare.rpartition("@")
    if not at or not left:
        return ()
    stable = _stable(left)
    return (f"<{bare}>", f"<{stable}@{host.lower()}>", f"<{stable}@>") if stable else (f"<{bare}>",)


def of_subject(subject: str) -> tuple[str, ...]:
    """Give the markers of a subject: what stands in brackets with a number, and references such as R-000123."""
    subject = subject[:_LONGEST_SUBJECT]
    found = [*_brackets(subject), *(_reference(*each.groups()) for each in _REFERENCE.finditer(subject))]
    return tuple(dict.fromkeys(found))[:_MOST]


def of_address(local_part: str) -> tuple[str, ...]:
    """Give the marker of a local part or a plus tag: `issue-1234@`."""
    found = _LOCAL_PART.fullmatch(local_part)
    return (f"{_reference(*found.groups())}@",) if found else ()


def written(text: str, system: str = "") -> tuple[str, ...]:
    """Give the markers that a person means by a text; () for none. A bare number needs the `system` it is of."""
    text = text.strip()
    if number := _NUMBER.fullmatch(text):
        return tuple(_numbers(int(number[1]), system))
    left, at, host = text.strip("<>").partition("@")
    if stable := _stable(left):
        return (f"<{stable}@{host.lower()}>",)
    if text[:1] != "<" and (address := of_address(left)):
        if host:  # an address, or a Message-ID without its brackets
            return *address, f"<{text}>"
        reference = address[0].removesuffix("@")
        return address if at else (reference, *(address if reference.partition("-")[0] in _IN_ADDRESSES else ()))
    if at and not re.search(r"\s", text):
        return of_message_id(text)[:1]
    found = tuple(dict.fromkeys(_squeezed(each[0]) for each in _BRACKET.finditer(text)))
    return found if len(found) == 1 else ()


def _stable(left: str) -> str:
    """What stays of the left side of a Message-ID of a known system, "" of any other."""
    for pattern, form in _FAMILIES:
        if found := pattern.fullmatch(left):
            return form.format(found[1], int(found[2]))
    return ""


def _brackets(subject: str) -> Iterator[str]:
    for each in _BRACKET.finditer(subject):
        yield _squeezed(each[0])
        if number := _OF_ANY_PROJECT.fullmatch(each[0]):
            yield f"[… #{int(number[1])}]"


def _squeezed(bracket: str) -> str:
    return " ".join(bracket.split()).casefold()


def _reference(letters: str, digits: str) -> str:
    return f"{letters.casefold()}-{int(digits)}"


def _numbers(number: int, system: str) -> Iterator[str]:
    """What mail of a system says of the ticket with a number."""
    if system in ("redmine", "openproject"):
        yield f"<{'redmine.issue' if system == 'redmine' else 'op.work_package'}-{number}@>"
        yield f"[… #{number}]"
    elif system == "itop":
        yield f"<itop.{number}@>"
        yield from (f"{letter}-{number}" for letter in "ricp")
    elif system == "eventum":
        yield f"[#{number}]"
        yield from (f"{word}-{number}@" for word in _IN_ADDRESSES)
