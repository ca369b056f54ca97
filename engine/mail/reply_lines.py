"""What one line of a mail is: part of a header block, an attribution, a delimiter, a signature, a footer.

Here: claims about a line and its neighbours, made from the words of `phrases.py`. Not here: what follows for the text
around it (`reply.py`). Invariant: every claim reads a bounded number of bounded lines, so a pass over a text is linear.
Over 300 lines: a function for each kind of line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from engine.mail.phrases import DEVICES, EXCUSES, FOOTERS, LANGUAGES, PLAIN_DATES, REPLY_ABOVE

_LONGEST = 400
_OPENING_MARKS = "-—– >*\"'<"
_DASHES = "-_=~*#+|‐‑‒–—―─━"
_AROUND = _DASHES + "<>[](){}:：. \t\xa0\u200b\ufeff\"'"


def fold(line: str) -> str:
    """Give the form in which phrases compare: casefolded, spaces single and plain, at most 400 characters."""
    return " ".join(line[-_LONGEST:].casefold().split())


def _words(table: str) -> tuple[str, ...]:
    return tuple(sorted({phrase for one in LANGUAGES.values() for phrase in getattr(one, table)}, key=len)[::-1])


def _labels() -> dict[str, str]:
    table: dict[str, str] = {}
    for kind in ("reply_to", "cc", "subject", "to", "date", "from_"):
        for phrase in _words(kind):
            table[phrase] = kind.rstrip("_")
    for one in LANGUAGES.values():  # "Sent" names mail as "Date" does not: people write dates too
        for phrase in one.date:
            if phrase not in PLAIN_DATES:
                table[phrase] = "sent"
    return table


_LABELS: Final = _labels()
_ORIGINAL: Final = _words("original")
_FORWARDED: Final = _words("forwarded")
_PHONE: Final = _words("phone")
_PHONE_ENDS: Final = _words("phone_ends")
_DEVICES: Final = frozenset(DEVICES)
_DEVICE_BEGINNINGS = ("iphone", "ipad", "android", "samsung", "手机", "手機", "スマート", "갤럭시", "huawei", "xiaomi")
_VERBS: Final = frozenset(verb for verb in _words("verbs") if verb.isalpha() and verb < "⺀")
_VERB_PHRASES: Final = tuple(verb for verb in _words("verbs") if not verb.isalpha() or verb >= "⺀")
_STARTS: Final = frozenset(start for start in _words("starts") if start.isalpha())
_START_PHRASES: Final = tuple(start for start in _words("starts") if not start.isalpha() or start >= "⺀")
_DAYS: Final = frozenset(_words("weekdays") + _words("months"))
_TOKEN: Final = re.compile(r"\w+")
_DAY_NUMBER: Final = re.compile(r"\d{1,4}(?:[./:年년 -]|st|nd|rd|th)")
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d)|\d{4}年|\d{4}년")
_TIME: Final = re.compile(r"(?<!\d)\d{1,2}[:.h]\d\d(?!\d)|[时時시点點]")
_HEADING: Final = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2},? (?:\d{1,2}:\d\d|\S+@| ?\w+ <)")
_SHARED: Final = re.compile(r"\bOn (?=(\w+))")


def _flags() -> dict[str, int]:
    """The first words of lines worth a closer look, in the shapes that mail programs give them."""
    table: dict[str, int] = {}

    def add(phrases: Iterable[str], flag: int, shapes: Sequence[str]) -> None:
        for phrase in phrases:
            first = phrase.split(" ", 1)[0]
            for word in {first, first.capitalize(), first.upper(), phrase.title().split(" ", 1)[0]}:
                for shape in shapes:
                    table[shape.format(word)] = table.get(shape.format(word), 0) | flag

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
    return len(line) > 1 and not line.strip(_DASHES + " ")


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
                    _LABELS.get(word[:-1].casefold(), kind) for word in line[:_LONGEST].split() if word[-1] == ":"
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


def attribution(lines: Sequence[str], at: int, quote_follows: bool) -> int:
    """Find the first line of the "On … wrote:" that ends with line `at`; -1 if it is none.

    The attribution may be wrapped over four lines. Without a quote below it must carry an address, or a full date
    and a time: "At 10:45 the server said:" introduces what the sender wants to show.
    """
    text = ""
    skipped = False
    found = -1
    for start in range(at, max(at - 5, -1), -1):
        line = lines[start].strip()
        if not line:
            if skipped or not text.startswith(("<", "wrote", "mailto:")):
                return found
            skipped = True
            continue
        if line[0] == ">" and start < at - 1:
            return found
        folded = fold(line)
        opens = _opens(folded)
        if found >= 0 and not (opens and any(character.isdigit() for character in line)):
            continue
        text = f"{folded} {text}" if text else folded
        if len(text) > _LONGEST:
            return found
        if _attributes(text.rstrip("*_ \u200b"), quote_follows, opens, start == at):
            if opens:
                return start
            found = start
    if found > 0 and lines[found].lstrip()[:1] in ("<", "(") and _is_name(lines[found - 1].strip()):
        found -= 1
    return found


def _is_name(line: str) -> bool:
    """Tell whether a line may be the name that stands before a wrapped address."""
    return 0 < len(line) <= 60 and line[0] != ">" and line[-1] not in ".!?:;" and line.count(" ") < 6


def _is_day(word: str) -> bool:
    """Tell whether a folded word is, or begins as, the name of a day or a month (two letters only if alone)."""
    return word in _DAYS or (len(word) > 3 and (word[:3] in _DAYS or word[:4] in _DAYS))


def _has_verb(text: str, words: Sequence[str]) -> bool:
    return not _VERBS.isdisjoint(words) or any(phrase in text for phrase in _VERB_PHRASES)


def _opens(text: str) -> bool:
    """Tell whether a folded line may begin an attribution: "On", a day, a date."""
    text = text.lstrip(_OPENING_MARKS)
    first = _TOKEN.match(text)
    if not first:
        return False
    word = first[0]
    return word in _STARTS or _is_day(word) or text.startswith(_START_PHRASES) or _DAY_NUMBER.match(text) is not None


def _attributes(text: str, quote_follows: bool, opens: bool, alone: bool) -> bool:
    """Judge the folded text of a whole attribution."""
    words = _TOKEN.findall(text)
    address, year = "@" in text, _YEAR.search(text)
    if _has_verb(text, words):
        if opens:
            if address or (year and (_TIME.search(text) or any(_is_day(word) for word in words[:2]))):
                return True
            return quote_follows and any(character.isdigit() for character in text)
        if address and (year or quote_follows or alone):
            return True
        return alone and len(text) < 120 and (quote_follows or " via " in text)
    if address and opens and year and text.endswith((">:", "):", "]:", ">：", ">")):
        return text[-1] != ">" or quote_follows
    return bool(quote_follows and opens and year and (address or _TIME.search(text)) and text[-1] in ":：")


def heads_quote(line: str) -> bool:
    """Tell whether a stripped line right above a quote is a bare date and name, as old Gmail wrote them."""
    return line[:1].isdigit() and len(line) < 120 and line[-1] not in ".!?" and _HEADING.match(line) is not None


def shared(line: str) -> int:
    """Where an attribution starts that stands behind text in the same line; 0 if it does not."""
    found = _SHARED.search(line, 1)
    if not found or not (found[1].isdigit() or _is_day(found[1].casefold())):
        return 0
    before = line[: found.start()].rstrip(_DASHES + " ")
    return len(before) if before.strip(" >") else 0


def delimiter(line: str) -> str:
    """Tell what a stripped line between dashes announces: original, forward, above, wrote or ""."""
    core = fold(line[:300]).strip(_AROUND)
    if not core:
        return ""
    if core.startswith(_FORWARDED):
        return "forward" if len(core) < 80 else ""
    dashed = sum(character in _DASHES for character in line[:2]) == 2 or (line[0] == "*" and line[-1] == "*")
    if dashed and core.startswith(_ORIGINAL) and len(core) < 100:
        return "original"
    if any(phrase in core for phrase in REPLY_ABOVE):
        return "above"
    if dashed and line[-2:].strip(_DASHES) == "" and len(core) < 200 and _has_verb(core, _TOKEN.findall(core)):
        return "wrote"
    return ""


def announces_forward(line: str) -> bool:
    """Tell whether a line without dashes is "Begin forwarded message:" and nothing else."""
    core = fold(line[:120]).strip(_AROUND)
    return line[-1] in ":：" and core.startswith(_FORWARDED) and core in _FORWARDED


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
