"""The playground: conditions and whole mails are tried, for who may read mail, and nothing is kept."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from console.offices import HOSTILE, Office, office
from console.test_access import become
from console.test_rules import ROLES, form, furnish, page, send, work

from engine.store.tables.every import TABLES


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("playground") / "demo") as made:
        furnish(made)
        yield made


def ask(made: Office, condition: str, place: str = "support") -> str:
    return page(made, f"/playground?condition={quote(condition)}&place={place}")


def try_mail(made: Office, **fields: object) -> tuple[int, str]:
    given = {"act": "mail", "mailbox": "support", "rules": "", "sender": "jane@mail.bigcorp.example",
             "to": "support@example.com", "subject": "Toner", "text": "empty", **fields}  # fmt: skip
    answer = made.post("/playground", token=made.form_token(), **given)
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize("login", ROLES)
def test_it_is_for_who_may_read_mail(shared: Office, login: str) -> None:
    token = shared.form_token()
    become(shared, login)
    reads = "read_mail" in ROLES[login]
    assert shared.get("/playground").status_code == (200 if reads else 404)
    assert shared.get("/playground.json?condition=subject+exists").status_code == (200 if reads else 404)
    assert ("Playground</a>" in page(shared, "/mails")) is reads
    posted = shared.post("/playground", token=token, act="all", condition="subject exists")
    assert posted.status_code == (303 if reads else 404)
    if reads:
        text = ask(shared, "subject exists")
        with shared.installation.store() as store:
            homes = [row.home for row in store.archive.mails("", 1000)]
        assert f"of the newest {homes.count('support')}<" in text
        status, told = try_mail(shared, mailbox="system")
        assert status == 422 and "choose a mailbox" in told, "the system's mail is read by others"


def test_a_condition_is_told_in_numbers_and_trees(shared: Office) -> None:
    become(shared, "anna")
    text = ask(shared, 'subject contains "print" and sender.known')
    assert "A mail that matches" in text and "The closest mail that does not match" in text
    assert 'value="5"' in text or re.search(r"<strong>\d+ of the newest \d+</strong> match", text)
    wrong = ask(shared, 'form is "x"')
    assert "there is no field or definition called" in wrong and "^^^^" in wrong


def test_a_condition_is_asked_about_all_of_a_month_in_a_process_of_its_own(shared: Office) -> None:
    become(shared, "anna")
    token = shared.form_token()
    posted = shared.post("/playground", token=token, act="all", condition='subject contains "print"', place="support")
    text = work(shared, posted.headers["Location"].partition("#")[0])
    assert "6 of 20</strong> match" in text and '<table class="days">' in text
    posted = shared.post("/playground", token=token, act="all", condition="form is 1", place="support")
    assert posted.status_code == 422
    posted = shared.post("/playground", token=token, act="all", condition="--help", place="support")
    assert posted.status_code == 422, "a condition is no option of the command"


def test_what_was_found_for_one_condition_is_not_shown_for_another(shared: Office) -> None:
    become(shared, "anna")
    token = shared.form_token()
    posted = shared.post("/playground", token=token, act="all", condition="subject exists", place="support")
    address = posted.headers["Location"].partition("#")[0]
    assert 'id="all"' in work(shared, address)
    assert 'id="all"' not in page(shared, address.replace("subject%20exists", "cc%20exists"))


def test_what_is_tried_records_nothing(shared: Office) -> None:
    become(shared, "anna")
    names = [table._meta.table_name for table in TABLES]

    def everything() -> dict[str, object]:
        return {name: shared.rows(f'SELECT * FROM "{name}" ORDER BY 1, 2') for name in names if name != "trail"}  # noqa: S608

    token, fields = shared.form_token(), form(shared)
    before = everything()
    (ref, *_) = shared.refs("outcome:held")
    for given in ({}, {"ref": ref}, {"source": "From: new@person.example\r\nSubject: x\r\n\r\nHello\r\n"}):
        assert try_mail(shared, **given)[0] == 200
    ask(shared, "subject exists")
    work(shared, shared.post("/playground", token=token, act="all", condition="cc exists").headers["Location"])
    changed = {**fields, "text": fields["text"] + "# x\n"}
    began = send(shared, "effect", **changed)
    work(shared, began.headers["Location"].partition("#")[0])
    send(shared, "test", **changed)
    send(shared, "drop", **changed)
    assert everything() == before


def test_a_mail_is_decided_from_fields_a_file_its_source_and_from_the_store(shared: Office) -> None:
    become(shared, "anna")
    before = shared.rows("SELECT count(*), max(id) FROM inbound")
    assert 'class="verdict created"' in try_mail(shared)[1]
    source = "From: jane@mail.bigcorp.example\r\nTo: support@example.com\r\nSubject: order 4711234\r\n\r\nHello\r\n"
    for given in ({"source": source}, {"file": (io.BytesIO(source.encode()), "a.eml")}):
        told = try_mail(shared, **given)[1]
        assert 'class="verdict created"' in told and "4711234" in told
    (ref, *_) = shared.refs("outcome:held")
    assert 'class="verdict held"' in try_mail(shared, ref=ref, mailbox="system")[1]
    assert shared.rows("SELECT count(*), max(id) FROM inbound") == before


def test_a_mail_is_decided_under_a_draft(shared: Office) -> None:
    become(shared, "anna")
    assert try_mail(shared, rules="finance")[0] == 422, "there is no draft"
    fields = form(shared)
    draft = '[[rule]]\nname = "No"\non = "any"\nthen = [\'hold because "of my draft"\']\n'
    send(shared, "check", **{**fields, "text": draft})
    status, told = try_mail(shared, rules="support")
    assert status == 200 and "of my draft" in told and 'class="verdict held"' in told
    send(shared, "drop", **fields)


def test_nothing_is_told_of_mail_that_would_go_elsewhere(shared: Office) -> None:
    token = shared.form_token()
    with shared.installation.store() as store:
        (number, *_) = [row.item for row in store.archive.mails("", 100) if row.home == "finance" and row.item]
        asked = "SELECT message_id FROM inbound JOIN receipt ON inbound_id = inbound.id WHERE receipt.item = ?"
        token_of = store.database.rows(asked, number)[0][0]
    become(shared, "reader")
    source = f"From: x@y.example\r\nTo: support@example.com\r\nSubject: x\r\nIn-Reply-To: {token_of}\r\n\r\nHello\r\n"
    answer = shared.post("/playground", token=token, act="mail", mailbox="support", rules="", source=source)
    text = answer.get_data(as_text=True)
    assert answer.status_code in (200, 409)
    assert f"#{number}" not in text and "finance" not in text


@pytest.mark.parametrize("strange", HOSTILE)
def test_whatever_is_typed_is_text_on_the_page(shared: Office, strange: str) -> None:
    become(shared, "anna")
    for status, text in (
        try_mail(shared, subject=strange, text=strange, sender=strange),
        try_mail(shared, source=strange), try_mail(shared, ref=strange, sender=""),
    ):  # fmt: skip
        assert status in (200, 422), text[-300:]
        assert "<script>alert" not in text and "<img src=x" not in text and "87923389" not in text
    shown = shared.get(f"/playground?condition={quote(strange, safe='')}").get_data(as_text=True)
    assert "<script>alert" not in shown and "87923389" not in shown


def test_what_is_too_long_is_refused_in_a_sentence(shared: Office) -> None:
    become(shared, "anna")
    answer = shared.get("/playground?condition=" + "x" * 12_000)
    assert answer.status_code == 422
    assert "at most 10,000 characters" in answer.get_data(as_text=True)
    deep = "(" * 3000 + "subject exists" + ")" * 3000
    assert shared.get(f"/playground?condition={deep}").status_code in (200, 422)
