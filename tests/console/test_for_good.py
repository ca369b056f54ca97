"""What cannot be taken back: told before, done by who may, with the password once more, and written down."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from console.offices import BASE, PASSWORD, Office, Seat, office
from console.roles import EVERYBODY, become, people

WHAT = ("purge", "delete", "replay")

CHANGED = (
    "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM receipt), (SELECT count(*) FROM item),"
    " (SELECT count(*) FROM raw_mail WHERE content IS NOT NULL),"
    " (SELECT count(*) FROM presentation WHERE action = 'delete')"
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("good") / "demo") as made:
        people(made)
        yield made


def made_in(made: Office, place: str) -> tuple[str, int]:
    """A mail that made an item there, and that item."""
    said = "SELECT inbound.ref, item.id FROM item JOIN inbound ON inbound.id = item.inbound_id JOIN workspace ON"
    (found, *_) = made.rows(f"{said} workspace.id = workspace_id WHERE identifier = '{place}' ORDER BY item.id")
    return str(found[0]), int(found[1])


def look(made: Office, ref: str, what: str) -> tuple[int, str, str]:
    """The answer to looking, and the state that the button agrees to."""
    answer = made.post(f"/mail/{ref}/for-good", token=made.form_token(), act="look", what=what)
    text = answer.get_data(as_text=True)
    seen = re.search(r'name="seen" value="([^"]*)"', text)
    return answer.status_code, text, html.unescape(seen[1]) if seen else ""


def do(made: Office, ref: str, what: str, **more: str) -> Any:
    return made.post(f"/mail/{ref}/for-good", token=made.form_token(), act="do", what=what, **more)


@pytest.mark.parametrize("login", EVERYBODY)
def test_each_page_and_each_form_is_for_whom_the_table_says(shared: Office, login: str) -> None:
    (ref, item), token, before = made_in(shared, "support"), shared.form_token(), shared.rows(CHANGED)
    become(shared, login)
    mail = {"nobody": 404, "anna": 200}.get(login, 403)
    gone = {"owner": 200, "anna": 200}.get(login, 403)
    assert shared.get(f"/mail/{ref}/for-good").status_code == mail
    assert shared.get(f"/item/{item}/delete").status_code == gone
    page = shared.get(f"/item/{item}").get_data(as_text=True)
    assert (f"/item/{item}/delete" in page) == (gone == 200)
    for what in WHAT:
        for form in ({"act": "look"}, {"act": "do", "reason": "x", "seen": "old"}, {"act": "nonsense"}):
            answer = shared.post(f"/mail/{ref}/for-good", token=token, what=what, **form)
            allowed = {"look": (200, 409), "do": (409,), "nonsense": (422,)}[form["act"]]
            assert answer.status_code in (allowed if mail == 200 else (mail,)), (what, form)
            for wrong in ({"token": ""}, {"token": token, "site": "cross-site"}):
                assert shared.post(f"/mail/{ref}/for-good", **wrong, what=what, **form).status_code == 403
    assert shared.post(f"/item/{item}/delete", token=token, goes="old").status_code == (409 if gone == 200 else 403)
    assert shared.post("/item/999999/delete", token=token).status_code == 404
    assert shared.rows(CHANGED) == before, "whoever only looks, or agrees to something else, changes nothing"


def test_what_is_asked_for_has_to_be_said_and_seen(shared: Office) -> None:
    become(shared, "anna")
    ref, _ = made_in(shared, "support")
    _, _, seen = look(shared, ref, "purge")
    before = shared.rows(CHANGED)
    assert do(shared, ref, "purge", seen=seen, reason=" ").status_code == 422
    assert do(shared, ref, "purge", seen=seen, reason="x" * 301).status_code == 422
    assert do(shared, ref, "burn", seen=seen, reason="x").status_code == 422
    assert do(shared, ref, "purge", reason="x").status_code == 409
    (held, *_) = shared.refs("outcome:held")
    status, text, _ = look(shared, held, "purge")
    assert status == 409 and "ignore or release it first" in text
    assert look(shared, held, "delete")[0] == 409
    assert shared.rows(CHANGED) == before


def test_a_mail_is_deleted_on_its_server_decided_anew_and_erased(own_office: Office) -> None:
    ref, item = made_in(own_office, "support")
    status, text, seen = look(own_office, ref, "delete")
    assert status in (200, 409)
    if status == 200:
        assert "message in mailbox" in text and "Our copy stays." in text
        assert do(own_office, ref, "delete", seen=seen, reason="asked to").status_code == 303
    with own_office.installation.store() as store, store.writing():
        store.database.run("UPDATE item SET title = 'another' WHERE id = ?", item)
    status, text, seen = look(own_office, ref, "replay")
    assert status == 200 and "another" in text and "nobody is told" in text
    before = own_office.rows("SELECT count(*) FROM outbox WHERE state <> 'suppressed'")
    answer = do(own_office, ref, "replay", seen=seen, reason="new rules")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert own_office.rows("SELECT count(*) FROM outbox WHERE state <> 'suppressed'") == before
    assert own_office.rows(f"SELECT title FROM item WHERE id = {item}") != [("another",)]  # noqa: S608
    assert do(own_office, ref, "replay", seen=seen, reason="again").status_code == 409, "it is another generation"
    with own_office.installation.store() as store, store.writing():
        store.database.run("UPDATE presentation SET action_state = 'done' WHERE action_state = 'pending'")
    status, text, seen = look(own_office, ref, "purge")
    assert status == 200 and "receipts stay" in text
    answer = do(own_office, ref, "purge", seen=seen, reason="a court said so")
    assert answer.status_code == 303
    assert "is purged" in own_office.get(answer.location).get_data(as_text=True)
    with own_office.installation.store() as store:
        row = store.archive.mail(ref)
        assert row.sender == row.subject == "" and store.archive.raw(ref) is None
    (event,) = own_office.rows("SELECT actor, via, detail FROM event WHERE name = 'mail.purge'")
    assert event == ("anna", "console", '{"said":"a court said so"}')
    assert "a court said so" in own_office.get("/audit?q=event:mail.purge").get_data(as_text=True)
    assert look(own_office, ref, "replay")[0] == 409, "its bytes are gone"


def test_an_item_is_deleted_with_what_was_told_to_go(own_office: Office) -> None:
    _, item = made_in(own_office, "support")
    where, token = f"/item/{item}/delete", own_office.form_token()
    page = own_office.get(where).get_data(as_text=True)
    form = {name: html.unescape(re.findall(rf'name="{name}" value="([^"]*)"', page)[0]) for name in ("key", "goes")}
    note = {"act": "note", "words": "came between", "key": "n"}
    assert own_office.post(f"/item/{item}", token=token, **note).status_code == 303
    late = own_office.post(where, token=token, **form)
    assert late.status_code == 409 and "something else would go" in late.get_data(as_text=True)
    page = own_office.get(where).get_data(as_text=True)
    form["goes"] = html.unescape(re.findall(r'name="goes" value="([^"]*)"', page)[0])
    done = own_office.post(where, token=token, **form)
    assert done.status_code == 303 and f"#{item} is deleted" in own_office.get(done.location).get_data(as_text=True)
    assert own_office.get(f"/item/{item}").status_code == 404
    (event,) = own_office.rows(f"SELECT actor, via FROM event WHERE name = 'item.deleted' AND item = {item}")  # noqa: S608
    assert event == ("anna", "console")


def test_an_open_window_is_not_enough(gate: Office) -> None:
    anna = Seat(gate)
    ref, item = made_in(gate, "support")
    with gate.installation.store() as store, store.writing():
        store.database.run("UPDATE session SET sudo_at = 1")
    before = gate.rows(CHANGED)
    assert 'name="password"' in anna.text(f"/mail/{ref}/for-good") and 'name="password"' in anna.text(
        f"/item/{item}/delete"
    )
    for form in ({"act": "look", "what": "purge"}, {"act": "do", "what": "purge", "reason": "x"}):
        refused = anna.post(f"/mail/{ref}/for-good", **form)
        assert refused.status_code == 409 and "give your password again" in refused.get_data(as_text=True)
    assert anna.post(f"/item/{item}/delete", goes="").status_code == 409
    assert gate.rows(CHANGED) == before
    back = anna.post("/me", act="confirm", password=PASSWORD, next=f"/mail/{ref}/for-good")
    assert back.location.startswith((f"/mail/{ref}/for-good", f"{BASE}/mail/{ref}/for-good"))
    assert anna.post(f"/mail/{ref}/for-good", act="look", what="purge").status_code in (200, 409)
