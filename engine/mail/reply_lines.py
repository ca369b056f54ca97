"""What one line of a mail is: part of a header block, a delimiter, a signature, a footer.

Here: claims about a line and its neighbours, made from the words of `phrases.py`. Not here: attributions
(`reply_attribution.py`), what follows for the text around it (`reply.py`).
Invariant: every claim reads a bounded number of bounded lines, so a pass over a text is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from engine.mail.phrases import DEVICES, EXCUSES, FOOTERS, LANGUAGES, PLAIN_DATES, PLATFORMS, PRODUCTS, REPLY_ABOVE
from engine.mail.reply_attribution import DASHES, LONGEST, TOKEN, fold, has_verb, words_of

_AROUND = DASHES + "<>[](){}:：. \t\xa0\u200b\ufeff\"'"


def _labels() -> dict[str, str]:
    table: dict[str, str] = {}
    for kind in ("reply_to", "cc", "subject", "to", "date", "from_"):
        for phrase in words_of(kind):
            table[phrase] = kind.rstrip("_")
    for one in LANGUAGES.values():  # "Sent" names mail as "Date" does not: people write dates too
        for phrase in one.date:
            if phrase not in PLAIN_DATES:
                table[phrase] = "sent"
    return table


_LINK: Final = re.compile(r"[<(\[]*https?://[^\s<>]{4,2000}[>)\].]*$")
_PRODUCT: Final = re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, PRODUCTS))})(?![a-z])")
_PLATFORM: Final = re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, PLATFORMS))})(?![a-z])")
_LABELS: Final = _labels()
_ORIGINAL: Final = words_of("original")
_FORWARDED: Final = words_of("forwarded")
_PHONE: Final = words_of("phone")
_PHONE_ENDS: Final = words_of("phone_ends")
_DEVICES: Final = frozenset(DEVICES)
_DEVICE_BEGINNINGS = ("iphone", "ipad", "android", "samsung", "手机", "手機", "スマート", "갤럭시", "huawei", "xiaomi")


def _flags() -> dict[str, int]:
    """The first words of lines worth a closer look, in the shapes that mail programs give them."""
    table: dict[str, int] = {}

    def add(phrases: Iterable[str], flag: int, shapes: Sequence[str]) -> None:
        for phrase in phrases:
            first = phrase.split(" ", 1)[0]
            for word in {first, first.capitalize(), first.upper(), phrase.title().split(" ", 1)[0]}:
                for shape in shapes:
                    key = shape.format(word)
                    table[key] = table.get(key, 0) | flag

    add(_LABELS, LABEL, ("{}", "{}:", "{}：", "*{}", "*{}:*", "*{}:", "**{}:**", "**{}", "**{}:"))
    add(_PHONE, PHONE, ("{}",))
    add(("iphone'umdan", "iphone’umdan", "ipad'imden", "iphoneから送信", "ipadから送信"), PHONE, ("{}",))
    for word in (
        "iPhone'umdan",
        "iPhone’umdan",
        "iPad'imden",
        "iPhoneから送信",
        "iPadから送信",
        "iPhone",
        "iPad",
        "Android",
    ):
        table[word] = table.get(word, 0) | PHONE
    add(_FORWARDED, FORWARD, ("{}", "*{}", "{}:", "{}："))
    add(FOOTERS, FOOTER, ("{}", "*{}"))
    return table


LABEL, PHONE, FORWARD, FOOTER = 1, 2, 4, 8
FIRST_WORDS: Final = _flags()
"""First word of a line -> which of the claims below are worth asking."""


def is_quote(line: str, before: str, after: str) -> bool:
    """Tell whether a stripped line that starts with > quotes: the `>From ` of an mbox and a banner `>> … <<` do not."""
    if line.startswith(">From "):
        return before[:1] == ">" or after[:1] == ">"
    return line[-1] != "<" or line[1:2] in " \t" or len(line) < 2


def is_separator(line: str) -> bool:
    """Tell whether a stripped line is made of dashes and the like only."""
    return len(line) > 1 and not line.strip(DASHES + " ")


def label(line: str) -> tuple[str, str]:
    """Split `From: x` of any language into (kind, value); ("", "") if it is no label of a header block."""
    head = line[:40]
    at = head.find(":")
    if at < 0:
        at = head.find("：")
    if at <= 0:
        return "", ""
    return _LABELS.get(" ".join(head[:at].casefold().replace("*", " ").replace("_", " ").split()), ""), line[at + 1 :]


def header_block(lines: Sequence[str], start: int) -> int:
    """Find the end of a block of From, Sent, To, Subject that begins at `start`; -1 if there is none.

    Values may be wrapped, labels bold, one blank line may stand between the first two (as Outlook for Mac writes).
    A block needs what people do not write by themselves: a subject among three labels, an address, or "Sent".
    """
    found: set[str] = set()
    address = dated = False
    last = start
    for at in range(start, min(start + 30, len(lines))):
        line = lines[at].strip(" \t\xa0>")
        if not line:
            if len(found) == 1 and at == last + 1 and at + 1 < len(lines) and label(lines[at + 1].strip())[0]:
                continue
            break
        kind, value = label(line)
        if kind:
            found.add(kind)
            if len(line) > 60 and at == start:  # all of the block in one line
                found.update(
                    _LABELS.get(word[:-1].casefold(), kind) for word in line[:LONGEST].split() if word[-1] == ":"
                )
            last = at
            dated = dated or (kind == "sent" and any(character.isdigit() for character in value[:80]))
        elif at - last > 2:
            break
        address = address or "@" in line
    known = found - {"cc", "reply_to"}
    if len(known) < 2 or not ({"from", "sent", "date"} & known):
        return -1
    timed = "from" in known or (known >= {"to", "date"}) or "sent" in known
    if ("subject" in known and len(known) >= 3) or (address and timed) or ({"from", "sent"} <= known and dated):
        return last
    return -1


def delimiter(line: str) -> str:
    """Tell what a stripped line between dashes announces: original, forward, above, wrote or ""."""
    core = fold(line[:300]).strip(_AROUND)
    if not core:
        return ""
    if core.startswith(_FORWARDED):
        return "forward" if len(core) < 80 else ""
    dashed = sum(character in DASHES for character in line[:2]) == 2 or (line[0] == "*" and line[-1] == "*")
    if dashed and core.startswith(_ORIGINAL) and len(core) < 100:
        return "original"
    if any(phrase in core for phrase in REPLY_ABOVE):
        return "above"
    if dashed and line[-2:].strip(DASHES) == "" and len(core) < 200 and has_verb(core, TOKEN.findall(core)):
        return "wrote"
    return ""


def announces_forward(line: str) -> bool:
    """Tell whether a line without dashes is "Begin forwarded message:" and nothing else."""
    core = fold(line[:120]).strip(_AROUND)
    return line.endswith((":", "：")) and core in _FORWARDED


def from_device(line: str) -> bool:
    """Tell whether a stripped line is what a phone or a mail program adds under a mail."""
    if len(line) > 160:
        return False
    text = fold(line).strip(" ()<>[]*_-~.!")
    if text.endswith(_PHONE_ENDS) and any(word in text for word in _DEVICE_BEGINNINGS):
        return True
    if not text.startswith(_PHONE):
        return False
    begin = next(phrase for phrase in _PHONE if text.startswith(phrase))
    rest = text[len(begin) :]
    if " is " in rest or "?" in rest:
        return False
    words = rest.replace(",", " ").replace("/", " ").split()
    said, _, excuse = rest.partition(". ") if ". " in rest else rest.partition(",")
    if excuse.strip() and not any(word in excuse for word in EXCUSES):
        return any(word in _DEVICES for word in said.split()) and len(excuse.split()) < 4
    known = any(word.strip(".'’") in _DEVICES or word.startswith(_DEVICE_BEGINNINGS) for word in words)
    return known or len(said.split()) <= 3 or begin.startswith("please excuse")


def from_product(line: str) -> bool:
    """Tell whether a stripped last line names a mail program and its platform before a link, in whatever language."""
    if len(line) > 300 or (not line.endswith((">", ")", "]")) and "://" not in line):
        return False
    link = _LINK.search(line)
    said = fold(line[: link.start()]) if link is not None else ""
    if not said or said.count(" ") > 7 or any(mark in said for mark in ",;:?!"):
        return False
    return _PRODUCT.search(said) is not None and _PLATFORM.search(said) is not None


def is_footer(line: str) -> bool:
    """Tell whether a line belongs to the footer of a mailing list or a notification."""
    text = fold(line[:200])
    return any(phrase in text for phrase in FOOTERS)


def forwards(subject: str) -> bool:
    """Tell whether a subject says that the mail is a forwarded one, by its first prefix."""
    return _FORWARD_SUBJECT.match(subject[:200]) is not None


_FORWARD_SUBJECT: Final = re.compile(
    r"\s*(?:\[[^\]]{0,80}\]\s*)*(?:fwd?|wg|tr|rv|enc|i|doorst|vb|vl|pd|ilt|vs|továbbítás|转发|轉寄|전달|転送)\s*[:：]",
    re.IGNORECASE,
)
