"""All that is wrong with a condition that does not parse: the parser stops at the first fault, people mend them all.

Here: taking a condition apart at its `and` and `or`, and a fault for each part. Not here: the sentences
(`diagnose.py`).
Invariant: the fault of the whole is told in any case; where brackets or quotes do not close, it is the only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.parse import parse_condition
from rules.syntax import SyntaxFault

_TOKEN = re.compile(r'"[^"\n]*"|/(?:\\.|[^/\\\n])*/|[()\[\]]|[\w.:-]+|\S')
_OPEN = {"(": 1, "[": 1, ")": -1, "]": -1}
_UNCLOSED = ("E105", "E106", "E109", "E116")


def faults(text: str, whole: SyntaxFault) -> tuple[SyntaxFault, ...]:
    """Give the faults of the parts of a condition, whose first one is `whole`."""
    if whole.code in _UNCLOSED:
        return (whole,)
    found = []
    for start, end in _parts(text):
        if start <= whole.start <= end or not text[start:end].strip():
            continue
        try:
            parse_condition(text[start:end])
        except SyntaxFault as fault:
            found.append(SyntaxFault(fault.code, fault.message, start + fault.start, start + fault.end, fault.help))
    return tuple(sorted((whole, *found), key=lambda fault: fault.start))


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """The places between the `and` and `or` that stand outside of brackets, texts and `between … and …`."""
    depth, start, before = 0, 0, ""
    for token in _TOKEN.finditer(text):
        word = token[0]
        depth += _OPEN.get(word, 0)
        if depth == 0 and word in ("and", "or") and not (word == "and" and before == "between"):
            yield start, token.start()
            start = token.end()
        before = "between" if word == "between" else before if before == "between" and word != "and" else ""
    yield start, len(text)
