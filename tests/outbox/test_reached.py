"""Whom a reply goes to: exactly those whom an answer would reach are named to people inside, to others none of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manned import CONFIG, an_engine, by

from engine.desk import item_whole, items
from engine.model.acts import Act, Acted
from engine.model.draft import Role
from engine.model.plan import AddComment
from engine.outbox.contents import letter
from engine.run.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from an_engine(tmp_path)


def said(engine: Engine, acted: Acted, to: str) -> list[str]:
    """Whom the mail to somebody says that a reply goes to."""
    (number,) = [each.id for each in acted.told if each.to == to]
    row, now = engine.store.outbox.row(number), engine.store.database.clock()
    reached: Any = letter(row, engine.store, engine.config, now).values["reply_reaches"]
    return list(reached)


def reached(acted: Acted) -> set[str]:
    return {each.to for each in acted.told if each.state in ("queued", "held") and not each.inside}


def test_a_watcher_outside_and_who_wrote_once_are_named_as_well(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    engine.store.items.put_workspace("support", public=True)
    items.join(engine, 12, "karl", Role.WATCHER, by(engine))
    engine.store.directory.put_account("eve", name="Eve", emails=["eve@other.example"])
    eve = engine.store.directory.person("eve")
    engine.store.act(Act(eve, (AddComment(12, "Me too.", "eve", internal=False),), 12), engine.teller)
    acted = items.note(engine, 12, "Hm.", by(engine))
    assert said(engine, acted, "bob@example.com") == [], "a note is answered by a note"
    acted = items.answer(engine, 12, "Toner?", by(engine))
    named = said(engine, acted, "bob@example.com")
    assert named == ["Jane Doe <jane@big.example>", "Eve <eve@other.example>", "Karl Roe <karl@big.example>"]
    assert {each.partition("<")[2].rstrip(">") for each in named} == reached(acted)


def test_whom_an_answer_would_not_reach_is_not_named(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    items.join(engine, 12, "karl", Role.READER, by(engine))
    engine.store.directory.put_account("karl", status="locked")
    engine.store.directory.put_preferences("jane", "", {"mine": "no"})
    acted = items.answer(engine, 12, "Toner?", by(engine, anyway=True))
    assert said(engine, acted, "bob@example.com") == [] and reached(acted) == set()


def test_more_than_five_are_counted(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    for number in range(7):
        engine.store.directory.put_account(f"c{number}", name=f"C{number}", emails=[f"c{number}@other.example"])
        items.join(engine, 12, f"c{number}", Role.READER, by(engine))
    named = said(engine, items.answer(engine, 12, "Toner?", by(engine)), "bob@example.com")
    assert (len(named), named[-1]) == (6, "and 3 more")


def test_a_colleague_who_asked_is_named_to_others_and_not_to_themselves(engine: Engine) -> None:
    engine.store.database.run("UPDATE item SET author_id = (SELECT id FROM account WHERE login = 'anna')")
    items.assign(engine, 12, "bob", by(engine))
    items.join(engine, 12, "karl", Role.READER, by(engine))
    engine.store.directory.put_account("root", name="Root", emails=["root@example.com"], admin=True)
    acted = items.answer(engine, 12, "Toner?", by(engine, "root"))
    karl = "Karl Roe <karl@big.example>"
    assert said(engine, acted, "bob@example.com") == ["Anna Berg <anna@example.com>", karl]
    assert said(engine, acted, "anna@example.com") == [karl]


@pytest.mark.parametrize(("relay", "others"), [("inside", []), ("everybody", ["and 1 more"])])
def test_people_outside_read_where_it_goes_and_how_many_others_read_it_but_no_address(
    tmp_path: Path, relay: str, others: list[str]
) -> None:
    for engine in an_engine(tmp_path, f'{CONFIG}[notify]\nrelay = "{relay}"\n'):
        items.join(engine, 12, "karl", Role.READER, by(engine))
        acted = items.answer(engine, 12, "Toner?", by(engine))
        assert said(engine, acted, "jane@big.example") == ["Support", *others]


def test_after_a_merge_those_on_the_other_item_are_named(engine: Engine) -> None:
    items.assign(engine, 12, "bob", by(engine))
    engine.store.database.run(
        "INSERT INTO item (id, workspace_id, title, text, quoted, author_id, sender, status, type, priority, "
        "assigned_to, language, private, created_at, changed_at, html) SELECT 13, workspace_id, 'Other', 'x', '', "
        "(SELECT id FROM account WHERE login = 'karl'), '', 'New', '', '', '', '', FALSE, 0, 0, '' FROM item"
    )
    acted = items.answer(engine, 12, "Toner?", by(engine))
    item_whole.merge(engine, 12, 13, by(engine))
    named = said(engine, acted, "bob@example.com")
    assert "Karl Roe <karl@big.example>" in named and "Jane Doe <jane@big.example>" in named
