"""People without an account who were copied hear the answers, as long as the requester copies them (F124)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from manned import CONFIG, an_engine, by, read

from engine.desk import items
from engine.run.engine import Engine

OPEN = "[people]\nno_permission_check = true\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from an_engine(tmp_path, CONFIG + OPEN)


def mail(
    engine: Engine, to: str = "help@example.com", cc: str = "", sender: str = "Jane Doe <jane@big.example>", n: int = 1
) -> int:  # fmt: skip
    """Read a mail; on item 1 from the second on. Gives the item."""
    subject = "Scanner" if n == 1 else "Re: [#13] Scanner"
    text = f"From: {sender}\nTo: {to}\nCc: {cc}\nSubject: {subject}\nMessage-ID: <{n}@big.example>\n\nHello {n}\n"
    return int(read(engine, text).receipt.item)


def copied(engine: Engine, item: int) -> set[str]:
    rows = items.answer(engine, item, "Hi", by(engine, "anna")).told
    return {each.to for each in rows if "copy" in each.parts and each.state == "queued"}


def test_who_was_copied_gets_the_answer_and_nothing_automatic(engine: Engine) -> None:
    item = mail(engine, cc="Kim Poe <kim@big.example>, karl@big.example")
    automatic = [each.to for each in engine.store.outbox.told(item=item) if each.kind == "auto"]
    assert automatic == ["jane@big.example"]
    assert copied(engine, item) == {"kim@big.example"}, "karl has an account and joined as a reader"


def test_the_copies_of_the_newest_mail_of_the_requester_win(engine: Engine) -> None:
    item = mail(engine, cc="kim@big.example")
    mail(engine, cc="lee@big.example", n=2)
    assert copied(engine, item) == {"lee@big.example"}
    mail(engine, n=3)
    assert copied(engine, item) == set()


def test_others_copy_nobody(engine: Engine) -> None:
    item = mail(engine)
    mail(engine, cc="kim@big.example", sender="karl@big.example", n=2)
    assert copied(engine, item) == set()


def test_our_own_addresses_lists_and_robots_are_not_copied(engine: Engine) -> None:
    item = mail(engine, to="help@example.com, help+x@example.com", cc="no-reply@big.example, all@lists.big.example")
    assert copied(engine, item) == set()


def test_copies_can_be_switched_off(tmp_path: Path) -> None:
    for engine in an_engine(tmp_path, CONFIG + OPEN + "[people.cc]\ncopy_unknown = false\n"):
        assert copied(engine, mail(engine, cc="kim@big.example")) == set()
