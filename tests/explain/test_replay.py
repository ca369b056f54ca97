"""A stored mail told from its trace, whoever wrote that."""

from __future__ import annotations

import json

from deciding import NOW, raw

from engine.explain.replay import explain_stored
from engine.explain.told import as_json, told
from engine.run.engine import Engine
from engine.run.process import process


def explained(engine: Engine, old: str, new: str) -> tuple[str, dict[str, object]]:
    """Explain a mail whose trace another release wrote; the text, and the data."""
    (result,) = process(engine, engine.store.ledger.spool([raw()], "a"), NOW)
    stored = (engine.store.archive.trace(result.spooled.mail) or b"").decode()
    assert old in stored
    engine.store.database.run("UPDATE trace SET content = ?", stored.replace(old, new).encode())
    this = explain_stored(engine, engine.store.archive.mail("last"))
    data = as_json(this, engine.rule_text)
    json.dumps(data)
    return "\n".join(told(this, engine.rule_text)), data


def test_a_word_of_another_release_costs_nothing_and_is_named(engine: Engine) -> None:
    text, data = explained(engine, '"automatic":{"kind":"none"', '"automatic":{"kind":"dreamt","reason":"a dream"')
    assert "the author is anna" in text
    assert ' Another release wrote its trace; not understood here: facts.automatic.kind "dreamt".' in text
    assert data["unread"] == ['facts.automatic.kind "dreamt"'] and data["trace"] is not None


def test_a_verdict_of_another_release_is_told_by_its_word(engine: Engine) -> None:
    text, _ = explained(engine, '"verdict":"accept"', '"verdict":"teleport"')
    assert 'not understood here: disposition.verdict "teleport"' in text and "the author is anna" in text


def test_a_stage_of_another_release_is_told(engine: Engine) -> None:
    text, _ = explained(engine, '"name":"guard"', '"name":"oracle"')
    assert " ? ✔ oracle       " in text and "10 ✔ author" in text


def test_a_trace_that_cannot_be_read_is_not_said_to_be_gone(engine: Engine) -> None:
    text, data = explained(engine, '"disposition":{', '"decision":{')
    assert " Another release wrote its trace; not understood here: all of it." in text
    assert "was let go" not in text and "CREATED  support #1" in text
    assert data["trace"] is None
