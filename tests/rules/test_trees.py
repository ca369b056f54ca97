"""Trees kept as data: they are the ones that parsing gives, or there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import parse, trees
from rules.document import read
from rules.parse import ACTIONS, parse_action, parse_condition
from rules.syntax import Action, Node, SyntaxFault
from rules.trees import NONE, SEAL_BYTES, Trees, dumped, loaded, trees_of

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(p for p in ROOT.glob("**/rules/*.toml") if "/." not in str(p)) + sorted(
    (ROOT / "tests" / "bad_rules").glob("*.toml")
)

_WRITTEN = [
    "auto", 'subject is "a"', "subject is not missing", "subject is empty", "subject does not exist",
    'headers["X-A"] contains any of ["x", "ü"]', 'no cc end with none of list "own"', "from does not start with plus",
    'item["Ort"] like "a*"', "text matches /a (?<no>\\d+)/i", "size > 5 MB", "date before 2 days ago",
    "received after 2026-12-23", "received.time between 18:00 and 08:00", "received.weekday in [sat, sun]",
    "thread.idle_for > 2 weeks", "due is + 3 days", "all to do not match |x|", "spam.score >= -1.5",
]  # fmt: skip
_CONDITIONS = st.recursive(
    st.sampled_from(_WRITTEN),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(" + " or ".join(parts) + ")")
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(" + " and ".join(parts) + ")")
        | inner.map(lambda part: f"not ({part})")
    ),
    max_leaves=8,
)


def sound(text: str) -> Node | None:
    try:
        return parse_condition(text)
    except SyntaxFault:
        return None


@given(st.lists(_CONDITIONS, max_size=4))
def test_what_comes_back_is_what_parsing_gives(texts: list[str]) -> None:
    before = Trees({text: node for text in texts if (node := sound(text)) is not None})
    assert loaded(dumped(before, "1"), "1") == before


def test_every_operand_of_the_language_comes_back() -> None:
    assert [text for text in _WRITTEN if sound(text) is None] == ["all to do not match |x|"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_trees_of_every_rule_file_come_back(path: Path) -> None:
    before = trees_of([read(path.name, path.read_bytes().decode("utf-8", "replace"))])
    assert loaded(dumped(before, "1"), "1") == before


def test_the_examples_hold_definitions_conditions_and_actions() -> None:
    text = "[define]\nnight = 'received.time < 06:00'\n[[rule]]\nname = 'a'\nwhen = 'night'\nthen = ['stop']\n"
    found = trees_of([read("x.toml", text)])
    assert ([*found.conditions], [*found.actions]) == (["received.time < 06:00", "night"], ["stop"])
    assert "stop" in ACTIONS


def test_trees_of_another_release_grammar_or_python_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = dumped(Trees({"auto": parse_condition("auto")}), "1")
    assert loaded(kept, "2") == NONE
    monkeypatch.setattr(trees, "_maker", lambda: b"another grammar")
    assert loaded(kept, "1") == NONE


@given(st.data())
def test_damaged_bytes_give_none(data: st.DataObject) -> None:
    kept = dumped(Trees({"auto": parse_condition("auto")}, {"stop": parse_action("stop")}), "1")
    at, byte = data.draw(st.integers(0, len(kept) - 1)), data.draw(st.integers(1, 255))
    assert loaded(kept[:at] + bytes([kept[at] ^ byte]) + kept[at + 1 :], "1") == NONE
    assert loaded(kept[:at], "1") == NONE


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'{"conditions": {"a": {"type": "Many"}}}', b'{"conditions": {"a": 5}}', b"[" * 100_000],
)
def test_what_is_sealed_and_no_tree_gives_none(body: bytes) -> None:
    assert loaded(trees._seal(body, "1") + body, "1") == NONE
    assert len(trees._seal(body, "1")) == SEAL_BYTES


def test_what_is_known_is_not_parsed_and_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    node, action = parse_condition("auto and size > 1 MB"), parse_action("stop")
    for each in (parse_condition, parse_action):
        each.cache_clear()
    asked: list[str] = []

    def noted(text: str, start: str) -> tuple[str, tuple[()]]:
        asked.append(text)
        return "continue_", ()

    monkeypatch.setattr(parse, "_parse", noted)
    monkeypatch.setattr(parse, "_known", NONE)
    parse.know(Trees({"auto and size > 1 MB": node}, {"stop": action}))
    try:
        assert parse_condition("auto and size > 1 MB") is node
        assert parse_action("stop") is action
        assert parse_action("continue") == Action("continue_", (), "continue")
    finally:
        for each in (parse_condition, parse_action):
            each.cache_clear()
    assert asked == ["continue"]
