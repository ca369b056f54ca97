"""What people look up: one thing, or a sentence."""

from __future__ import annotations

import pytest
from deciding import NOW, raw, settled

from engine.desk import looking
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.errors import NotFound


@pytest.fixture
def filled(engine: Engine) -> Engine:
    process(engine, engine.store.ledger.spool([raw(key="1"), raw(key="2", subject="Scanner")], "a"), NOW)
    return engine


def test_an_address_means_its_newest_mail_and_tells_of_how_many(filled: Engine) -> None:
    found = looking.mail(filled.store, " anna@example.com ")
    assert (found.row.subject, found.of) == ("Scanner", 2)
    assert looking.mail(filled.store, found.row.mail[:8]) == looking.Found(found.row)
    assert looking.mail(filled.store, "<1@x>").row.subject == "Printer"


@pytest.mark.parametrize(
    ("ref", "meant"),
    [("max@elsewhere.example", "address"), ("m-000000", "id"), ("<9@x>", "message-id"), ("printer", "nothing")],
)
def test_what_is_not_there_tells_as_what_it_was_read_and_since_when_there_is_mail(
    filled: Engine, ref: str, meant: str
) -> None:
    with pytest.raises(looking.NoMail) as caught:
        looking.mail(filled.store, ref)
    assert (caught.value.ref, caught.value.meant, caught.value.first) == (ref, meant, NOW)


def test_without_any_mail_there_is_no_last_one(engine: Engine) -> None:
    for ref, said in (("last", "no mail was read in yet"), ("last-held", "nothing is held")):
        with pytest.raises(NotFound, match=said):
            looking.mail(engine.store, ref)


def test_ids_name_mails_and_words_are_a_query(filled: Engine) -> None:
    rows = looking.mails(filled.store, ["subject:printer", "from:anna"], 10)
    assert [row.subject for row in rows] == ["Printer"]
    assert looking.mails(filled.store, [rows[0].mail, "last"], 10)[1].subject == "Scanner"
    with pytest.raises(NotFound, match="no mail matches 'plotter'"):
        looking.mails(filled.store, ["plotter"], 10)


def test_the_header_is_decoded_until_the_bytes_are_gone(filled: Engine) -> None:
    fields = looking.header(filled.config, filled.store, "last")
    assert ("Subject", "Scanner") in [(field.name, field.value) for field in fields]
    settled(filled)
    filled.store.archive.purge(filled.store.archive.mail("last").mail)
    with pytest.raises(NotFound, match="not kept any more"):
        looking.raw(filled.store, "last")


def test_items_and_what_hangs_on_them(filled: Engine) -> None:
    view = looking.item(filled.store, 1)
    for lookup, said in (
        (lambda: looking.item(filled.store, 9), "there is no item #9"),
        (lambda: looking.comment(view, 3), "item #1 has no comment 3"),
        (lambda: looking.attachment(view, 4), "item #1 has no attachment 4"),
        (lambda: looking.user(filled.store, "nobody"), 'there is no user "nobody"'),
        (lambda: looking.group(filled.store, "nobody"), 'there is no group "nobody"'),
        (lambda: looking.workspace(filled.store, "x"), 'there is no workspace "x"'),
    ):
        with pytest.raises(NotFound, match=said):
            lookup()


@pytest.mark.parametrize("who", ["anna", "anna@example.com", "Anna Berg"])
def test_a_person_is_found_by_login_address_or_name(engine: Engine, who: str) -> None:
    assert looking.user(engine.store, who).login == "anna"
