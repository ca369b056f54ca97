"""People in the console: who sees whom, hostile names, and that nobody is forgotten by chance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from console.offices import HOSTILE, PASSWORD, Office, Seat, hostile, office
from console.roles import EVERYBODY, WORDS, become, people

THEIRS = "SELECT count(*) FROM inbound WHERE sender = 'it@servicenow.example'"

SECRET, BOTH = "secret@partner.example", "both@partner.example"


def mail(sender: str, subject: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"Zoe <{sender}>", "help@example.com", subject
    made["Message-ID"] = f"<{subject.replace(' ', '.')}@partner.example>"
    made.set_content("Hello")
    return made.as_bytes()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("people") / "demo") as made:
        people(made)
        theirs = [mail(SECRET, "to finance"), mail(BOTH, "one"), mail(BOTH, "two")]
        made.take(*theirs, *[hostile(n, text) for n, text in enumerate(HOSTILE)])
        with made.installation.store() as store, store.writing():
            elsewhere = "UPDATE receipt SET workspace = 'finance' WHERE inbound_id IN (SELECT id FROM inbound WHERE {})"
            store.database.run(elsewhere.format("subject IN ('to finance', 'one')"))
            store.database.run(elsewhere.replace("finance", "support").format("subject = 'two'"))
        yield made


@pytest.mark.parametrize("login", EVERYBODY)
def test_nobody_learns_of_a_sender_whose_mail_they_do_not_see(shared: Office, login: str) -> None:
    become(shared, login)
    sees = login != "nobody"
    for address in ("/people", "/people.json", "/people?q=partner.example", "/people?q=secret", "/people?q=zoe"):
        text = shared.get(address).get_data(as_text=True)
        assert (SECRET in text) is (login == "anna" and shared.get(address).status_code == 200), address
    assert (BOTH in shared.get("/people?q=both").get_data(as_text=True)) is sees
    for address in (f"/person/{SECRET}", f"/person/{SECRET}.json"):
        assert shared.get(address).status_code == (200 if login == "anna" else 404)
    answer = shared.get(f"/person/{BOTH}.json")
    assert answer.status_code == (200 if sees else 404)
    if sees:
        told = json.loads(answer.data)
        assert (told["sender"]["mails"], told["exact"]) == ((2, True) if login == "anna" else (1, False))
        assert [each["subject"] for each in told["mails"]] == (["two", "one"] if login == "anna" else ["two"])


@pytest.mark.parametrize("login", EVERYBODY)
def test_new_domains_are_told_to_who_sees_all_mail(shared: Office, login: str) -> None:
    become(shared, login)
    page, told = shared.get("/people").get_data(as_text=True), json.loads(shared.get("/people.json").data)
    new = {each["domain"]: each["mails"] for each in told["new_domains"] or ()}
    assert (new.get("partner.example"), "New domains" in page) == ((4, True) if login == "anna" else (None, False))
    assert (told["new_domains"] is None) is (login != "anna")
    assert json.loads(shared.get("/people.json?q=zoe").data)["new_domains"] is None, "it is a search"


@pytest.mark.parametrize("login", WORDS)
def test_who_is_no_admin_sees_no_groups_nor_roles_and_forgets_nobody(shared: Office, login: str) -> None:
    token = shared.form_token()
    become(shared, login)
    page = shared.get(f"/person/{BOTH}").get_data(as_text=True)
    for word in ("Forget this person", "DMARC", "Groups"):
        assert word not in page
    for act in ("look", "forget"):
        answer = shared.post(f"/person/{BOTH}", token=token, act=act, reason="x")
        assert answer.status_code == (404 if login == "nobody" else 403)
    assert shared.rows("SELECT count(*) FROM event WHERE name = 'person.forgotten'") == [(0,)]


def test_an_admin_sees_who_has_an_account_and_never_wrote(shared: Office) -> None:
    become(shared, "anna")
    text = shared.get("/person/viewer@people.example").get_data(as_text=True)
    assert "No mail came from this address" in text and "view_mail" in text
    become(shared, "agent")
    assert shared.get("/person/viewer@people.example").status_code == 404


def test_what_strangers_call_themselves_is_text(shared: Office) -> None:
    become(shared, "anna")
    pages = [shared.get("/people"), shared.get("/people?q=attacker.example"), shared.get("/people?q=<script>alert(1)")]
    pages += [shared.get(f"/person/evil{number}@attacker.example") for number in range(len(HOSTILE))]
    for page in pages:
        text = page.get_data(as_text=True)
        assert page.status_code in (200, 404)
        for wrong in ("<script>alert", "<img src=x", "<svg onload", "<iframe src", "\u202e", "\x1b", "74252049"):
            assert wrong not in text
    assert sum(page.status_code == 200 for page in pages) > len(HOSTILE) / 2
    for odd in ("/person//x", "/person/a//b@x.example", "/person/%00", "/person/" + "a" * 3000, "/person/%ff@x"):
        assert shared.get(odd).status_code == 404


def test_somebody_is_forgotten_after_it_was_shown_what_goes_with_a_reason(own_office: Office) -> None:
    who, token = "it@servicenow.example", own_office.form_token()
    shown = own_office.post(f"/person/{who}", token=token, act="look").get_data(as_text=True)
    assert "Erase all of it" in shown and "inbound" in shown
    assert own_office.rows(THEIRS) != [(0,)], "it was only counted"
    for form, status in (({"act": "forget", "reason": " "}, 422), ({"act": "nonsense"}, 422)):
        assert own_office.post(f"/person/{who}", token=token, **form).status_code == status
    with own_office.installation.store() as store, store.writing():
        store.database.run("UPDATE presentation SET action_state = 'done'")
    answer = own_office.post(f"/person/{who}", token=token, act="forget", reason=f"{who} asked for it")
    assert answer.status_code == 303 and "Forgotten" in own_office.get(answer.location).get_data(as_text=True)
    assert own_office.rows(THEIRS) == [(0,)]
    ((via, detail),) = own_office.rows("SELECT via, detail FROM event WHERE name = 'person.forgotten'")
    assert via == "console" and "asked for it" in detail and who not in detail
    assert own_office.get(f"/person/{who}").status_code == 404


def test_nobody_is_forgotten_by_a_window_that_was_left_open(gate: Office) -> None:
    seat, who = Seat(gate), "it@servicenow.example"
    with gate.installation.store() as store, store.writing():
        store.database.run("UPDATE session SET sudo_at = 1")
    assert "Enter your password again" in seat.text(f"/person/{who}")
    for act in ("look", "forget"):
        assert seat.post(f"/person/{who}", act=act, reason="x").status_code == 409
    answer = seat.post("/me", act="confirm", password=PASSWORD, next=f"/person/{who}")
    assert answer.status_code == 303 and answer.location.startswith(f"/person/{who}?did=")
    assert seat.post("/me", act="confirm", password=PASSWORD, next="//evil.example").location.startswith("/me?")
    assert seat.post(f"/person/{who}", act="look").status_code == 200
