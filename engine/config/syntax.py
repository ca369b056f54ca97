"""Reading TOML text: what tomllib says about broken text, said so that an admin can mend it.

Here: bytes to a dict, all syntax errors at once, an explanation for the common ones. Not here: what the keys mean.
Invariant: text that tomllib reads gives no problem; text that it does not read gives at least one, with a place.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from rules.problem import Problem

ERRORS_AT_MOST = 20
# Patterns of the way that is seldom taken: they are compiled when they are used.
_WHERE = r" \(at (?:line (\d+), column (\d+)|end of document)\)$"
_LITERAL = r"'[^'\n]*'(?=[^\s,\]}#])"
_BARE_KEY = r"\s*([^\s=\"'\[\]#]*[^\x00-\x7f][^\s=\"'\[\]#]*)\s*="
_YES = r"(?i)=\s*(yes|no|on|off|true|false|none|null)\s*(?:#.*)?$"
_UNQUOTED = r"=\s*([^\W\d][^\"'\[\]{}#]*?)\s*(?:#.*)?$"


def decode(content: bytes) -> str:
    """The text of a file with plain line ends. Raises: UnicodeDecodeError."""
    return content.decode("utf-8-sig").replace("\r\n", "\n")


def read(text: str, file: str) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Read all that can be read. A broken statement is blanked, a broken table header with all that follows it."""
    problems: list[Problem] = []
    lines = text.split("\n")
    while True:
        try:
            return tomllib.loads("\n".join(lines)), tuple(problems)
        except tomllib.TOMLDecodeError as error:
            found = re.search(_WHERE, str(error))
            line, column = (int(found[1]), int(found[2])) if found and found[1] else (_last(lines), 0)
            excerpt = lines[line - 1]
            sentence = str(error)[: found.start()] if found else str(error)
            problems.append(_problem(file, line, min(column, len(excerpt) + 1), excerpt, sentence))
            if len(problems) >= ERRORS_AT_MOST or not found or not found[1] or not _blanked(lines, line - 1):
                return {}, tuple(problems)


def _last(lines: list[str]) -> int:
    return next((number for number in range(len(lines), 0, -1) if lines[number - 1].strip()), 1)


def _blanked(lines: list[str], broken: int) -> bool:
    """Take the broken statement out; False where that changes nothing."""
    if not lines[broken].strip():
        return False
    header = lines[broken].lstrip().startswith("[")
    lines[broken] = ""
    if header:
        for number in range(broken + 1, len(lines)):
            if re.match(r"\s*\[[^\]\n]+\]\s*(#.*)?$", lines[number]):
                break
            lines[number] = ""
    return True


def _problem(file: str, line: int, column: int, excerpt: str, sentence: str) -> Problem:
    length = 1
    advice = ""
    sentence = sentence[:1].lower() + sentence[1:]
    literal, accent = re.search(_LITERAL, excerpt), re.match(_BARE_KEY, excerpt)
    yes, bare = re.search(_YES, excerpt), re.search(_UNQUOTED, excerpt)
    if accent:
        column, length = accent.start(1) + 1, len(accent[1])
        sentence = f'the key {accent[1]} needs quotes: bare keys hold only a-z, A-Z, 0-9, "_" and "-"'
        advice = f'write  "{accent[1]}" = …'
    elif literal and column > literal.start():
        column, length = literal.end(), 1
        sentence = "a text between single quotes cannot hold the character '"
        advice = f"write  '''{excerpt[literal.start() + 1 : excerpt.rfind(chr(39))]}'''"
    elif sentence.startswith("unescaped '\\'"):
        sentence = 'in a text between double quotes a backslash starts an escape like "\\n"'
        advice = "put patterns and Windows paths between single quotes: '\\d+'"
    elif sentence.startswith("illegal character '\\n'"):
        sentence, column = "the text is not closed on its line", max(len(excerpt), 1)
        advice = "close it with the quote it began with; a text over several lines stands between ''' and '''"
    elif sentence.startswith(("cannot declare", "cannot overwrite", "cannot mutate")):
        sentence = "this stands in the file a second time"
        column = len(excerpt) - len(excerpt.lstrip()) + 1
        length = len(excerpt.split("=")[0].strip()) if "=" in excerpt else len(excerpt.strip())
        advice = "keep one of the two"
    elif sentence.startswith("invalid value") and yes:
        column, length = yes.start(1) + 1, len(yes[1])
        value = "true" if yes[1].lower() in ("yes", "on", "true") else "false"
        advice = f"write  {value}" if yes[1].lower() not in ("none", "null") else "leave the option out"
    elif sentence.startswith("invalid value") and bare:
        column, length = bare.start(1) + 1, len(bare[1])
        sentence, advice = "text needs quotes", f'write  "{bare[1]}"'
    elif sentence.startswith("expected '='"):
        advice = "an option is written  key = value"
    elif sentence.startswith(("unclosed array", "expected newline")) and "[" in excerpt:
        advice = "elements of a list need a comma between them and a ] at the end"
    return Problem("C100", sentence, file, line, column, length, excerpt, help=advice)
