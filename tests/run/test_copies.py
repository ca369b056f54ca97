"""People without an account who were copied hear the answers, as long as the requester copies them (F124)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from manned import CONFIG, an_engine, by, composed, read

from engine.desk import items
from engine.run.engine import Engine

OPEN = "[people]\nno_permission_check = true\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from an_engine(tmp_path, CONFIG + OPEN)


def mail(
    engine: Engine, to: str = "help@example.com", cc: str = "", sender: str = "Jane Doe <jane@big.example>", n: int = 1,
    refers: bool = True,
) -> int:  # fmt: skip
    """Read a mail; from the second on it answers the acknowledgement of item 13. Gives the item."""
    head = f"From: {sender}\nTo: {to}\nCc: {cc}\nMessage-ID: <{n}@big.example>\n"
    head += "Subject: Scanner\n" if n == 1 else "Subject: Re: [#13] Scanner\n"
    if n > 1 and refers:
        (row,) = engine.store.database.one("SELECT id FROM outbox WHERE item = 13 AND class = 'auto'")
        head += f"In-Reply-To: {composed(engine, row)}\n"
    text = f"{head}\nHello {n}\n"
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


def test_a_mail_that_nothing_proves_to_be_the_requesters_changes_no_copies(engine: Engine) -> None:
    item = mail(engine, cc="kim@big.example")
    assert mail(engine, cc="thief@evil.example", n=2, refers=False) == item, "a comment it is"
    assert copied(engine, item) == {"kim@big.example"}


def test_who_was_copied_may_write_on_the_item_as_somebody_who_is_on_it(engine: Engine) -> None:
    item = mail(engine, cc="kim@big.example")
    assert mail(engine, sender="Kim Poe <kim@big.example>", n=2) == item
    (said,) = engine.store.items.view(item).comments
    assert (said.text.strip(), said.internal) == ("Hello 2", False)
    assert mail(engine, sender="stranger@else.example", n=3) == item
    assert engine.store.items.view(item).comments[-1].internal, "one who was not is a stranger"


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
