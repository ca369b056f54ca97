"""Who wrote the mail that a mail passes on: the From of an attached mail, or of a header block in the text.

Here: `original_sender`. Not here: whether to believe it, which a rule of the admin says (`set author to original
sender`), nor replies, whose header blocks are quotations (`reply.py`).
Invariant: pure and bounded; what is found is the word of whoever passed the mail on, never proof.
"""

from __future__ import annotations

import re
from functools import cache

from engine.mail import addresses, parts
from engine.mail.phrases import LANGUAGES
from engine.model.mail import Address, Mail

_LABEL = re.compile(r"[>\s*|]{0,20}([^\W\d_][^:：\n]{0,29}?)[\s*]{0,3}[:：][\s*]{0,5}(.{0,500})")
_MAILTO = re.compile(r"\[mailto:([^\]\s]{1,320})\]|<mailto:([^>\s]{1,320})>", re.IGNORECASE)
MOST_LINES = 400
BLOCK_LINES = 6
"""Lines in which another field of the block has to stand."""
HEADER_BYTES = 64_000


def original_sender(mail: Mail) -> Address | None:
    """Name who wrote the mail that is passed on; None where none is, or it does not say."""
    for file in mail.attachments:
        if file.declared_type in ("message/rfc822", "message/global"):
            return _of_file(file.content or parts.content(mail.raw.content, file.part))
    lines = mail.text.split("\n", MOST_LINES)[:MOST_LINES]
    for at, line in enumerate(lines):
        name, value = _field(line)
        if name in _labels()[0] and any(_field(each)[0] in _labels()[1] for each in _around(lines, at)):
            return _only(_MAILTO.sub(r"<\1\2>", value))
    return None


def _of_file(content: bytes) -> Address | None:
    """Read From in the header of an attached mail."""
    head = re.split(rb"\r?\n\r?\n", content[:HEADER_BYTES].lstrip(), maxsplit=1)[0]
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", head).decode("ascii", "surrogateescape")
    values = [line.partition(":")[2] for line in unfolded.splitlines() if line[:5].lower() == "from:"]
    return _only(values[0].strip()) if len(values) == 1 else None


def _only(value: str) -> Address | None:
    reading = addresses.read(value, 2)
    if len(reading.addresses) != 1 or "@" not in reading.addresses[0].address:
        return None
    return reading.addresses[0]


def _field(line: str) -> tuple[str, str]:
    found = _LABEL.match(line[:600])
    return (" ".join(found[1].casefold().split()), found[2].strip(" \t\r*")) if found else ("", "")


def _around(lines: list[str], at: int) -> list[str]:
    return [*lines[max(at - BLOCK_LINES, 0) : at], *lines[at + 1 : at + 1 + BLOCK_LINES]]


@cache
def _labels() -> tuple[frozenset[str], frozenset[str]]:
    """Labels of From, and those that stand beside it, in every language."""
    every = LANGUAGES.values()
    return (
        frozenset(word for each in every for word in each.from_),
        frozenset(word for each in every for word in (*each.date, *each.subject)),
    )
