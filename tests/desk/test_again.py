"""Mail that is taken up again by hand."""

from __future__ import annotations

import pytest
from deciding import NOW, raw

from engine.desk import again, held
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.errors import NotFound, Refused


@pytest.fixture
def filled(engine: Engine) -> Engine:
    process(engine, engine.store.ledger.spool([raw()], "a"), NOW)
    return engine


AGAIN = ("mail.retry", "mail.reset", "mail.settle")


def told(engine: Engine) -> list[tuple[str, str, str]]:
    """What people did, by whom and by which way."""
    return [(row.name, row.actor, row.via) for row in engine.store.history.events("")[0] if row.name in AGAIN]


def test_a_mail_that_was_decided_has_no_waiting_time_to_clear(filled: Engine) -> None:
    with pytest.raises(Refused):
        again.reset_status(filled.config, filled.store, "last", "anna")
    assert told(filled) == [], "what is refused is no act"
    assert again.settle(filled.config, filled.store, "last", "anna", via="console").outcome == "created"
    assert told(filled) == [("mail.settle", "anna", "console")]


def test_a_mail_that_was_discarded_is_decided_again_and_who_wanted_it_is_kept(engine: Engine) -> None:
    process(engine, engine.store.ledger.spool([raw(sender="max@elsewhere.example")], "a"), NOW)
    row = engine.store.archive.mail("last")
    assert row.outcome == "held"
    held.discard(engine.config, engine.store, row, "anna", "spam")
    again.retry(engine.config, engine.store, row.mail, "bob")
    assert engine.store.archive.mail(row.mail).outcome == "deferred"
    assert told(engine) == [("mail.retry", "bob", "command")]
    again.reset_status(engine.config, engine.store, row.mail, "bob")
    with pytest.raises(NotFound):
        again.retry(engine.config, engine.store, "m-ffffffff", "bob")
