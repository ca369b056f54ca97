"""The patterns of `[body]` as the cutter uses them: prepared once, skipped cheaply where they cannot match.

Here: `prepare(settings)` and where truncation lines, delimiters and cut patterns hit. Not here: what mail programs
write (`phrases.py`). Invariant: patterns run on RE2, everything else is a search for a literal: linear in the text.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from rules.pattern import Pattern, compile_pattern, encode

_QUOTE_LINES = ("/^>.*$/", "/^>/", "/^>.*/")
_SIGNATURE = "/^-- ?$/m"
_DELIMITED = re.compile(r"\A\s*(?:/.*/|\|.*\|)[A-Za-z]*\s*\Z", re.DOTALL)
_PLAIN_ESCAPES = "bBdDsSwWRAzZhHvVnrtfae"
_COUNT = re.compile(r"\{\d+(?:,\d*)?\}")
_LINE_MARKS = " \t\xa0>"
_MARGIN = 200


class Filtered(Struct, frozen=True):
    """A pattern and a literal that every match contains ("" if none is known); `any_case` finds it in any case."""

    pattern: Pattern
    needle: str
    any_case: Pattern | None

    def may_match(self, text: str) -> bool:
        """Tell cheaply whether it is worth running the pattern."""
        return self.needle in text if self.any_case is None else self.any_case.found_in(encode(text))


class Patterns(Struct, frozen=True):
    """The patterns of one `[body]` section. `signature` is None where "-- " stays text, "" for the usual one.

    `literals` are truncation lines written as text, each with a word that stands in every match. `builtin` is False
    where nothing but these patterns may cut.
    """

    literals: tuple[tuple[str, re.Pattern[str]], ...] = ()
    truncate: tuple[Filtered, ...] = ()
    multiline: tuple[Filtered, ...] = ()
    introductory: tuple[Pattern, ...] = ()
    delimiters: tuple[Filtered, ...] = ()
    cut: tuple[Filtered, ...] = ()
    signature: Pattern | str | None = ""
    builtin: bool = True


NONE = Patterns()
_prepared: dict[int, tuple[Any, Patterns]] = {}
"""By identity, of sections that live as long as they stand here. Every step on it is one step of the dictionary, and
what is found is compared: two threads at most prepare a section twice."""


def prepare(settings: Any) -> Patterns:
    """Prepare a `[body]` section, once for each section that is alive."""
    if settings is None:
        return NONE
    known = _prepared.get(id(settings))
    if known is not None and known[0] is settings:
        return known[1]
    patterns = _prepare(settings)
    if len(_prepared) >= 256:
        _prepared.clear()
    _prepared[id(settings)] = (settings, patterns)
    return patterns


def _prepare(settings: Any) -> Patterns:
    lines: tuple[Pattern, ...] = tuple(settings.truncate_lines)
    signature = settings.signature
    source = getattr(signature, "source", signature)
    builtin = settings.cut != "own"
    return Patterns(
        literals=tuple(_literal(one.source) for one in lines if not _DELIMITED.match(one.source)),
        truncate=tuple(_filtered(one) for one in lines if _DELIMITED.match(one.source)),
        multiline=tuple(_filtered(one) for one in settings.multiline_delimiter_patterns),
        introductory=tuple(settings.introductory_patterns),
        delimiters=tuple(
            _filtered(one) for one in settings.delimiter_patterns if not builtin or one.source not in _QUOTE_LINES
        ),
        cut=tuple(_filtered(one) for one in settings.cut_patterns),
        signature=None if not source else "" if builtin and source == _SIGNATURE else signature,
        builtin=builtin,
    )


def _filtered(pattern: Pattern) -> Filtered:
    needle = needle_of(pattern.source)
    any_case = compile_pattern(f"/{re.escape(needle)}/i") if needle and "i" in pattern.flags else None
    return Filtered(pattern, needle, any_case)


def _literal(text: str) -> tuple[str, re.Pattern[str]]:
    """A truncation line written as text: its spaces match any space, or a line end with quote marks behind (F099)."""
    words = text.split()
    return max(words, key=len, default=""), re.compile(r"[\s>]+".join(map(re.escape, words)))


def needle_of(source: str) -> str:
    """Find the longest literal that stands in every match of a pattern; "" where alternatives make that unsure."""
    body = source.strip()
    if _DELIMITED.match(body):
        body = body[1 : body.rindex(body[0])]
    best = run = ""
    depth = at = 0
    while at < len(body):
        one = body[at]
        ends = True
        if one == "\\":
            at += 1
            escape = body[at : at + 1]
            if not escape.isalnum():
                one, ends = escape, False
            elif escape not in _PLAIN_ESCAPES:
                return ""
        elif one == "[":
            at = _class_end(body, at)
        elif one == "|":
            return ""
        elif one in "*?{":
            run = run[:-1]
            counted = _COUNT.match(body, at) if one == "{" else None  # any other brace stands for itself
            at = counted.end() - 1 if counted else at
        elif one in "()":
            if body.startswith("(?", at) and depth == 0 and not body.startswith(("(?:", "(?P<", "(?<"), at):
                return ""
            depth += 1 if one == "(" else -1
        else:
            ends = one in ".^$+"
        if ends or depth:
            best, run = max(best, run, key=len), ""
        else:
            run += one
        at += 1
    return max(best, run, key=len)


def _class_end(body: str, start: int) -> int:
    at = start + 1
    at += body.startswith("^", at)
    at += body.startswith("]", at)
    while at < len(body) and body[at] != "]":
        at += 2 if body[at] == "\\" else 1
    return at


def truncation(text: str, patterns: Patterns) -> tuple[int, str]:
    """Where the first truncation line or multi-line delimiter starts and what it was, else -1 (F099-F101)."""
    best, why = -1, ""
    for word, literal in patterns.literals:
        for found in literal.finditer(text) if word in text else ():
            begin = text.rfind("\n", max(found.start() - _MARGIN, 0), found.start()) + 1
            if (not begin and found.start() > _MARGIN) or text[begin : found.start()].strip(_LINE_MARKS):
                continue
            if text[found.end() : found.end() + _MARGIN].partition("\n")[0].strip(_LINE_MARKS):
                continue
            if best < 0 or begin < best:
                best, why = begin, f"truncate line: {found[0][:60]}"
            break
    for one in patterns.truncate:
        if one.may_match(text):
            at = _first_line(text, one)
            if at >= 0 and (best < 0 or at < best):
                best, why = at, f"truncate line: {one.pattern.source[:60]}"
    for one in patterns.multiline:
        if one.may_match(text) and (match := one.pattern.search(text)):
            at = match.start()
            if best < 0 or at < best:
                best, why = at, f"pattern: {one.pattern.source[:60]}"
    return best, why


def _first_line(text: str, one: Filtered) -> int:
    """Where the first line starts that a line pattern matches, with quote marks before it allowed."""
    start = 0
    for line in text.split("\n"):
        bare = line.lstrip(_LINE_MARKS)
        if bare and one.may_match(bare) and one.pattern.search(bare):
            return start
        start += len(line) + 1
    return -1


def cut_spans(text: str, patterns: Patterns) -> list[tuple[int, int]]:
    """The spans that `cut_patterns` match, in order and not overlapping."""
    if not patterns.cut:
        return []
    spans: list[tuple[int, int]] = []
    for one in patterns.cut:
        if one.may_match(text):
            spans.extend(match.span() for match in one.pattern.finditer(text) if match.span()[0] < match.span()[1])
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
