"""Titles: from a subject to what an item is called.

Here: one `Re:` instead of many, the prefix, the length, the marker of a topic. Not here: subjects as rules see them.
Invariant: a title is one line of printable text, never empty, never longer than `LONGEST`. Linear in the subject.
"""

from __future__ import annotations

import re

LONGEST = 255
"""Characters a title has room for (F092)."""

_REPLY = re.compile(
    r"(?:\s{0,9}(?:re|aw|sv|vs|rif|res|ref|odp|ynt|antw|antwort|ответ|回复|回覆|答复|답장)"
    r"\s?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\d)?\s?[:：]){1,50}\s*",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"\[[^\[\]]{0,80}msg\d{1,12}\]\s*")


def title(subject: str, prefix: str = "", default: str = "") -> str:
    """Make the title of an item from a subject; `default` stands in for an empty one."""
    plain = collapsed(one_line(subject)) or default or "(no subject)"
    if prefix and not plain.startswith(prefix):
        plain = f"{prefix}{plain}" if prefix[-1].isspace() else f"{prefix} {plain}"
    return shortened(plain)


def topic_title(subject: str) -> str:
    """The title of a post: the subject without the marker that led to its topic (F092, F120)."""
    return shortened(collapsed(_TOPIC.sub("", one_line(subject), count=3)).strip())


def collapsed(subject: str) -> str:
    """Leave one `Re:` of the many in front (F105)."""
    found = _REPLY.match(subject)
    if found is None:
        return subject
    rest = subject[found.end() :].lstrip()
    return f"Re: {rest}" if rest else ""


def one_line(text: str) -> str:
    """Blanks once, nothing that cannot be printed."""
    text = " ".join(text.split())
    return text if text.isprintable() else "".join(each for each in text if each.isprintable())


def shortened(text: str) -> str:
    """Cut to `LONGEST` characters; an ellipsis says so."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
