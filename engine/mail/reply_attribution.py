"""Attributions: "On … wrote:" above an earlier mail, on one line or wrapped.

Here: where one begins that ends with a line, what stands right above a quote, quote marks other than `>`. Not here: the
words of the languages (`phrases.py`), the other kinds of lines (`reply_lines.py`), what follows for the text
(`reply.py`). Invariant: every claim reads a bounded number of bounded lines, so a pass over a text is linear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from engine.mail.phrases import LANGUAGES, WHEN

LONGEST = 400
DASHES = "-_=~*#+|‐‑‒–—―─━"
DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_OPENING_MARKS = "-—– >*\"'<"
OTHER_MARKS = "»›＞"
_BEHIND_MARKS = ("", " ", "\xa0", ">", "»", "›")


def fold(line: str) -> str:
    """Give the form in which phrases compare: casefolded, spaces single and plain, at most 400 characters."""
    return " ".join(line[-LONGEST:].casefold().split())


def words_of(table: str) -> tuple[str, ...]:
    return tuple(sorted({phrase for one in LANGUAGES.values() for phrase in getattr(one, table)}, key=len)[::-1])


_VERBS: Final = frozenset(verb for verb in words_of("verbs") if verb.isalpha() and verb < "⺀")
_VERB_PHRASES: Final = tuple(verb for verb in words_of("verbs") if not verb.isalpha() or verb >= "⺀")
_STARTS: Final = frozenset(start for start in words_of("starts") if start.isalpha())
_START_PHRASES: Final = tuple(start for start in words_of("starts") if not start.isalpha() or start >= "⺀")
_DATE_WORDS: Final = _STARTS | WHEN | frozenset(" ".join(_START_PHRASES).split())
_DAYS: Final = frozenset(words_of("weekdays") + words_of("months"))
TOKEN: Final = re.compile(r"\w+")
_DAY_NUMBER: Final = re.compile(r"\d{1,4}(?:[./:年년 -]|st|nd|rd|th)")
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d)|\d{4}年|\d{4}년")
_TIME: Final = re.compile(r"(?<!\d)\d{1,2}[:.h]\d\d(?!\d)|[时時시点點]")
_HEADING: Final = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2},? (?:\d{1,2}:\d\d|\S+@| ?\w+ <)")
_SENDER: Final = re.compile(r"[^<>@]{1,60}<[^<>@\s]{1,64}@[^<>@\s]{1,255}>")
_SHARED: Final = re.compile(r"\bOn (?=(\w+))")


def attribution(lines: Sequence[str], at: int, quote_follows: bool) -> int:
    """Find the first line of the "On … wrote:" that ends with line `at`; -1 if it is none.

    The attribution may be wrapped over five lines, at any word. Without a quote below it must carry an address, or a
    full date and a time: "At 10:45 the server said:" introduces what the sender wants to show.
    """
    text = ""
    skipped = False
    found = -1
    for start in range(at, max(at - 5, -1), -1):
        line = lines[start].strip()
        if not line:
            if skipped or not text.startswith(("<", "wrote", "mailto:")):
                break
            skipped = True
            continue
        if line[0] == ">" and start < at - 1:
            break
        folded = fold(line)
        opens = _opens(folded)
        if found >= 0 and not ("@" in line or (opens and any(character.isdigit() for character in line))):
            continue
        text = f"{folded} {text}" if text else folded
        if len(text) > LONGEST:
            break
        if _attributes(text.rstrip("*_ \u200b-"), quote_follows, opens, start == at):
            found = start
            if opens:
                break
    return _top(lines, found) if found > 0 else found


def _top(lines: Sequence[str], found: int) -> int:
    """Where an attribution begins whose line `found` may be the rest of a wrapped one."""
    for above in range(found - 1, max(found - 4, -1), -1):
        line, below = lines[above].strip(), fold(lines[above + 1].lstrip())
        words = TOKEN.findall(below)
        verb = has_verb(below, words)
        if not line or line[0] == ">" or line[-1] in ":：" or len(line) > 120 or not words:
            break
        named = words[0] in _STARTS and words[0] < "⺀" and verb
        if named and _YEAR.search(below):
            break  # it is whole
        folded = fold(line)
        goes_on = below[0] in "<(" or words[0] in _VERBS or words[0] == "via" or " via " in f"{folded} "
        if not (
            _is_dates(folded)
            or (goes_on and _is_name(line))
            or (not verb and _ends_with_verb(folded))
            or (not named and "@" not in below and _SENDER.match(line) is not None and line[-1] not in ".!?")
        ):
            dated = any(character.isdigit() for character in below)
            return above + 1 if dated else _paragraph(lines, above + 1)
        found = above
    return found


def _is_dates(text: str) -> bool:
    """Tell whether a folded line opens an attribution and says no more than when: it was broken inside the date.

    A name like Jane may stand there, too: a word alone must be "On", or have a comma or a full stop behind it.
    """
    words = TOKEN.findall(text)
    if len(text) > 60 or not words or not _opens(text):
        return False
    starts = words[0] in _STARTS or text.startswith(_START_PHRASES) or text[-1] in ".,"
    if not starts and not any(character.isdigit() for character in text):
        return False
    return all(word[0].isdigit() or word in _DATE_WORDS or _is_day(word) for word in words)


def _ends_with_verb(text: str) -> bool:
    words = TOKEN.findall(text)
    while words and (words[-1] in _STARTS or words[-1] in WHEN):
        words.pop()
    return bool(words) and (words[-1] in _VERBS or text.endswith(_VERB_PHRASES))


def _paragraph(lines: Sequence[str], found: int) -> int:
    """Go up to the blank line above where what stands between opens as an attribution and ends no sentence.

    So a name without date is cut whole: "Le service informatique de la / ville a écrit :".
    """
    top = found
    while top > max(found - 3, 0) and lines[top - 1].strip():
        top -= 1
    between = [lines[at].strip() for at in range(top, found)]
    if not between or (top and lines[top - 1].strip()) or not _opens(fold(between[0])):
        return found
    return top if all(len(line) < 80 and line[0] != ">" and line[-1] not in ".!?:;,…" for line in between) else found


def _is_name(line: str) -> bool:
    """Tell whether a line may be the name that stands before a wrapped address."""
    return 0 < len(line) <= 60 and line[0] != ">" and line[-1] not in ".!?:;" and line.count(" ") < 6


def _is_day(word: str) -> bool:
    """Tell whether a folded word is, or begins as, the name of a day or a month (two letters only if alone)."""
    return word in _DAYS or (len(word) > 3 and any(word[:size] in _DAYS for size in (3, 4, 5, 6)))


def has_verb(text: str, words: Sequence[str]) -> bool:
    return not _VERBS.isdisjoint(words) or any(phrase in text for phrase in _VERB_PHRASES)


def _opens(text: str) -> bool:
    """Tell whether a folded line may begin an attribution: "On", a day, a date."""
    text = text.lstrip(_OPENING_MARKS)
    first = TOKEN.match(text)
    if not first:
        return False
    word = first[0]
    return word in _STARTS or _is_day(word) or text.startswith(_START_PHRASES) or _DAY_NUMBER.match(text) is not None


def _attributes(text: str, quote_follows: bool, opens: bool, alone: bool) -> bool:
    """Judge the folded text of a whole attribution."""
    words = TOKEN.findall(text)
    address, year = "@" in text, _YEAR.search(text)
    digit = any(character.isdigit() for character in text)
    if has_verb(text, words):
        if opens and (address or (year and (_TIME.search(text) or any(_is_day(word) for word in words[:2])))):
            return True
        if quote_follows and ((opens and digit) or (year and _TIME.search(text))):
            return True
        if address and (year or quote_follows or alone):
            return True
        return alone and len(text) < 120 and (quote_follows or " via " in text)
    if address and opens and year and text.endswith((">:", "):", "]:", ">：", ">")):
        return text[-1] != ">" or quote_follows
    if quote_follows and address and year and _TIME.search(text) and text[-1] in ":：":
        return True  # whatever the language
    return bool(quote_follows and opens and year and (address or _TIME.search(text)) and text[-1] in ":：")


def heads_quote(line: str) -> bool:
    """Tell whether a stripped line right above a quote is a bare date and name, as old Gmail wrote them."""
    return line[:1].isdigit() and len(line) < 120 and line[-1] not in ".!?" and _HEADING.match(line) is not None


def shared(line: str) -> int:
    """Where an attribution starts that stands behind text in the same line; 0 if it does not."""
    found = _SHARED.search(line, 1)
    if not found or not (found[1].isdigit() or _is_day(found[1].casefold())):
        return 0
    before = line[: found.start()].rstrip(DASHES + " ")
    return len(before) if before.strip(" >") else 0


def with_plain_marks(lines: Sequence[str]) -> list[str]:
    """Write `>` for the quote marks » › ＞ of some programs in stripped lines; marks of direction go.

    Others use them for lists and quotations of their own: two lines must follow one another, and above or among the
    first of those with » or › an attribution must stand.
    """
    plain = [line.strip(DIRECTIONS) for line in lines]
    at, count = 0, len(lines)
    while at < count:
        mark, end = plain[at][:1], at
        while end < count and _is_marked(plain[end], mark):
            end += 1
        if end - at > 1:
            bare = [line.lstrip(OTHER_MARKS + "> \xa0") for line in plain[at:end]]
            if mark == "＞" or _introduced(plain, at, bare):
                plain[at:end] = [f"> {line}" for line in bare]
        at = max(end, at + 1)
    return plain


def _is_marked(line: str, mark: str) -> bool:
    """Tell whether a stripped line begins with one of the other marks, this one: a blank follows » and ›."""
    return line[:1] == mark and mark in OTHER_MARKS and mark != "" and (mark == "＞" or line[1:2] in _BEHIND_MARKS)


def _introduced(lines: Sequence[str], at: int, bare: Sequence[str]) -> bool:
    """Tell whether an attribution stands right above line `at`, or among the first lines of the quotation itself."""
    above = at - 1 if at < 2 or lines[at - 1] else at - 2
    if above >= 0 and lines[above][-1:] in (":", "：") and attribution(lines, above, True) >= 0:
        return True
    return any(line[-1:] in (":", "：") and attribution(bare, row, True) >= 0 for row, line in enumerate(bare[:4]))
