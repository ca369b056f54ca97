"""From a note to its sentence: whatever stands in it, and whichever release made it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.draft import Mark, Note, note
from engine.model.trace import decode
from engine.wording.english import ENGLISH
from engine.wording.sentence import sentence

ROOT = Path(__file__).resolve().parents[2]
TEXTS = st.text(max_size=30) | st.sampled_from(["{login}", "[x|y]", "{0.__class__}", "%s", "{", "]", "|"])
NOTES = st.recursive(
    st.builds(Note, st.sampled_from([*ENGLISH, "of.tomorrow", ""])),
    lambda notes: st.builds(
        lambda kind, fields: Note(kind, fields=tuple(fields.items())),
        st.sampled_from([*ENGLISH, "of.tomorrow"]),
        st.dictionaries(
            st.sampled_from(["login", "size", "limit", "per", "what", "item", "problems", "address"]) | TEXTS,
            TEXTS | st.integers() | st.floats() | st.booleans() | st.none() | notes
            | st.lists(TEXTS | notes, max_size=3).map(tuple),
            max_size=4,
        ),
    ),
    max_leaves=5,
)  # fmt: skip


@given(NOTES)
def test_any_note_of_any_release_says_something_and_never_fails(made: Note) -> None:
    assert isinstance(sentence(made), str)


@given(NOTES, st.text(max_size=40) | st.sampled_from(["{login", "[{a}|{b}|c]", "{a:b:c}", "[[{x}]]"]))
def test_no_words_of_a_table_make_it_fail(made: Note, template: str) -> None:
    assert isinstance(sentence(made, dict.fromkeys(ENGLISH, template)), str)


@given(TEXTS)
def test_strangers_text_is_told_as_it_is_and_never_read_as_a_template(text: str) -> None:
    assert sentence(note("author.known", login=text)) == f"the author is {text}"
    assert sentence(note("released.passed", what=note("route.ends", text=text), who="anna")) == (
        f"{text}; passed, because anna released it"
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (note("limits.size", size=1_100, limit=10 << 20), "size 1.1 kB ≤ 10 MB"),
        (note("limits.size", size=812, limit=0), "size 812 B, no limit set"),
        (note("limits.rate_total", count=9, per=7200.0, limit=5), "9 mails in 2 hours, gates.total_rate is 5"),
        (note("route.read", file="a.toml", rules=3, matched=("1", "2")), "a.toml, 3 rules, matched 1, 2"),
        (note("route.read", file="a.toml", rules=3, matched=()), "a.toml, 3 rules, none matched"),
        (note("sender.unknown", address=""), "the sender is not known here"),
        (note("target.answers", item=7, topic=0, way="plus"), "answers #7, found by plus"),
        (note("target.answers", item=7, topic=7, way="token"), "answers topic #7, found by token"),
        (note("author.may", login="anna", permission="add_items", workspace="x"), "anna may add items in x"),
        (
            note("activity.errors", problems=("no", note("activity.no_title")), more=2),
            "no; title: it cannot be empty (and 2 more)",
        ),
        (
            note("seal.lacks", what=(note("seal.no_author"), note("seal.no_title"))),
            "the stages came to the end without an author and a title",
        ),
    ],
)
def test_a_note_is_told_in_plain_words(made: Note, said: str) -> None:
    assert sentence(made) == said


def test_a_note_of_a_newer_release_is_told_by_its_kind_and_fields() -> None:
    assert sentence(note("author.robot", login="hal", number=9000)) == "author.robot (login hal, number 9000)"
    assert sentence(note("author.robot")) == "author.robot"


def test_a_field_that_is_not_there_is_a_question_mark() -> None:
    assert sentence(note("author.known")) == "the author is ?"


def test_another_language_is_another_table() -> None:
    german = {**ENGLISH, "author.known": "{login} hat das geschrieben", "released.passed": "{who} ließ durch: {what}"}
    made = note("released.passed", what=note("author.known", login="anna"), who="ben")
    assert sentence(made, german) == "ben ließ durch: anna hat das geschrieben"


def test_a_trace_of_release_0_1_0_is_told_as_it_was() -> None:
    trace = decode((ROOT / "tests" / "model" / "trace_0_1_0.json").read_bytes())
    told = {stage.name: [(each.mark, sentence(each)) for each in stage.notes] for stage in trace.stages}
    assert told["config"] == [("ok", "no problems")]
    assert told["limits"] == [("ok", "size 1.1 kB ≤ 10 MB")]
    assert told["route"] == [
        ("ok", "rules/system.toml, 6 rules, none matched"),
        ("ok", "rules/support.toml, 3 rules, matched 1, 2"),
    ]
    assert told["author"] == [("ok", "the author is jane"), ("ok", "jane may add items in support")]


def test_a_note_without_mark_and_code_weighs_nothing_where_it_is_stored() -> None:
    from msgspec import json

    assert json.encode(note("config.sound")) == b'{"kind":"config.sound"}'
    assert json.decode(json.encode(note("a", Mark.STOP, "b", c=note("d"))), type=Note) == note(
        "a", Mark.STOP, "b", c=note("d")
    )
