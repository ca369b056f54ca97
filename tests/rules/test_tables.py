"""Sentences read by tables that were made ahead: the same trees as lark's, and no sentence where lark finds none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import parse
from rules.make_tables import made
from rules.tables import FILE, read

SENTENCES = (
    'subject is "x"', "a", "a and b or c", "not (a or b) and c", 'any to contains "x" or all cc ends with "y"',
    'headers["x-y"] exists', 'item["z"] does not exist', "size > 5 MB", "received before 2026-12-31",
    "received between 08:00 and 17:30", "due_date is +2 days", "received > 2 days ago", 'from in ["a", "b",]',
    'from not in list "vip"', 'subject contains any of ["a", "b"]', "auth.dmarc is none", "day is not missing",
    'to does not match /a\\/b/i', "text is empty # why", "from is none of [a]", "x is 5 or y is -1.5", "and", "a b", "",
)  # fmt: skip
ACTIONS = (
    'route to workspace "x"', 'set "PO number" to "{po}"', "set due_date +2 days", "set author to original sender",
    "add cc as editor", 'do "x" with "y"', 'do "x"', "stop", "continue", 'skip gate "a" because "b"', "stop stop", "",
)  # fmt: skip


def read_by_lark(text: str, start: str) -> Any:
    from lark.exceptions import UnexpectedInput

    try:
        return parse.grammar().parse(text, start=start)
    except UnexpectedInput:
        return None


def test_the_tables_are_those_of_the_grammar() -> None:
    assert FILE.read_bytes() == made(), "run  python -m rules.make_tables"


def test_making_the_tables_hangs_on_the_grammar_alone() -> None:
    code = "import sys; from rules.make_tables import made; sys.stdout.buffer.write(made())"
    for seed in ("1", "2"):
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(FILE.parent.parent)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=env)
        assert done.stdout == FILE.read_bytes()


@pytest.mark.parametrize(
    ("text", "start"), [*((each, "condition") for each in SENTENCES), *((each, "action") for each in ACTIONS)]
)
def test_a_sentence_is_read_as_lark_reads_it(text: str, start: str) -> None:
    assert read(text, start, parse.BUILD) == read_by_lark(text, start)


_SPELLED = """
a b.c subject headers item ["x"] is are not and or ( ) [ ] , "x" "" /x/ /x 5 5.5 -5 MB 5MB any all no none of
list in like contains contain does do match matches starts start with ends end exists exist missing empty between
2 days ago + = > <= before after 2026-12-31 08:30 # ü set to add as reader editor label assign group by turn stop
continue reply template author original sender hold because"""
_WORDS = st.sampled_from([*_SPELLED.split(), "\n", "2 days"])


@given(st.lists(_WORDS, max_size=9).map(" ".join) | st.lists(_WORDS, max_size=9).map("".join), st.booleans())
def test_whatever_is_written_is_read_as_lark_reads_it(text: str, condition: bool) -> None:
    start = "condition" if condition else "action"
    assert read(text, start, parse.BUILD) == read_by_lark(text, start)


def test_reading_sentences_does_not_import_lark() -> None:
    code = "import sys; from rules.parse import parse_condition as read; read('a and b'); print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
