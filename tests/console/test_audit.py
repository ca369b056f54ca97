"""The audit in the console: every deed is there, and who sees which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from console.offices import HOSTILE, Office, hostile, office, queue_letters
from console.roles import EVERYBODY, become, people


def said(workspace: str) -> str:
    return f"of {workspace or 'nowhere'}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("audit") / "demo") as made:
        people(made)
        with made.installation.store() as store:
            for workspace in ("support", "finance", ""):
                store.history.note("mailbox.pause", "anna", "console", said(workspace), workspace=workspace)
            for text in HOSTILE * 2:
                store.history.note("held.release", f"evil {text}", "console", text, workspace="support")
        yield made


def told(made: Office, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(made.get(f"/audit.json?q={query}").data)["events"]
    return found


@pytest.mark.parametrize("login", EVERYBODY)
def test_who_owns_a_workspace_sees_what_was_done_there_and_admins_see_all(shared: Office, login: str) -> None:
    become(shared, login)
    sees = login in ("owner", "anna")
    for address in ("/audit", "/audit.json", "/audit?q=event:mailbox"):
        answer = shared.get(address)
        assert answer.status_code == (200 if sees else 404)
        text = answer.get_data(as_text=True)
        assert ("of support" in text) is sees
        for word in ("of finance", "of nowhere"):
            assert (word in text) is (login == "anna"), (address, word)
    assert ('href="/audit"' in shared.get("/mails").get_data(as_text=True)) is sees
    if sees:
        assert ("mail" in {each["via"] for each in told(shared)}) is (login == "anna")


def test_what_strangers_wrote_is_text_there(shared: Office) -> None:
    become(shared, "anna")
    text = shared.get("/audit?q=event:held").get_data(as_text=True)
    for wrong in ("<script>alert", "<img src=x", "<svg", "<iframe", "\u202e", "\x1b", "66749067", "66,749"):
        assert wrong not in text
    assert "&lt;script&gt;alert(1)" in text


def test_pages_go_back_by_number_and_a_wrong_word_says_what_there_is(shared: Office) -> None:
    become(shared, "anna")
    first = json.loads(shared.get("/audit.json?q=").data)
    second = json.loads(shared.get(f"/audit.json?q=&before={first['next']}").data)
    assert len(first["events"]) == 50 and first["events"][-1]["id"] == first["next"] > second["events"][0]["id"]
    wrong = shared.get("/audit?q=colour:red")
    assert wrong.status_code == 422 and "colour" in wrong.get_data(as_text=True)
    assert shared.get("/audit?q=actor:nobody-at-all").get_data(as_text=True).count("No event fits") == 1


def test_nothing_can_be_changed_there(shared: Office) -> None:
    become(shared, "anna")
    assert shared.post("/audit", token=shared.form_token()).status_code == 405


def test_each_deed_of_the_console_is_an_act_with_who_did_it_and_why(own_office: Office) -> None:
    token, login = own_office.form_token(), own_office.installation.whoever().login
    own_office.take(hostile(0, "x"))
    queue_letters(own_office)
    (evil,) = own_office.evil()
    held = [ref for ref in own_office.refs("outcome:held") if ref != evil]
    unknown = own_office.refs("outcome:held code:gate.unknown_sender from:elsewhere.example")
    ((letter,),) = own_office.rows("SELECT max(id) FROM outbox WHERE state = 'queued' AND item IS NOT NULL")
    rest = [ref for ref in held if ref not in unknown]
    deeds: tuple[tuple[str, dict[str, str], str, str], ...] = (
        (f"/held/{evil}", {"act": "release", "reason": "a customer"}, "held.release", "a customer"),
        (f"/held/{unknown[0]}", {"act": "trust"}, "held.trust", "trusts max@elsewhere.example"),
        (f"/held/{rest[0]}", {"act": "discard", "reason": "spam"}, "held.discard", "spam"),
        (f"/held/{rest[1]}", {"act": "reject", "reason": "not here"}, "held.reject", "not here"),
        ("/item/2", {"act": "set", "priority": "High", "was-priority": "Normal"}, "item.changed", ""),
        ("/item/2", {"act": "note", "words": "Ask Bob."}, "item.noted", ""),
        ("/topic/1", {"act": "post", "words": "Two."}, "topic.posted", ""),
        ("/topic/1", {"act": "lock"}, "topic.locked", ""),
        ("/outbox", {"act": "drop", "row": str(letter), "reason": "wrong"}, "outbox.drop", "wrong"),
        ("/me", {"act": "wants", "prefers-new": "all"}, "user.notify", "new=all"),
    )
    for address, form, name, why in deeds:
        answer = own_office.post(address, token=token, **form)
        assert answer.status_code == 303, (address, answer.get_data(as_text=True)[-900:])
        found = [each for each in told(own_office, "via:console") if each["name"] == name]
        assert found and found[0]["actor"] == login, name
        assert why in str(found[0]["detail"].get("said", "")), name
    assert {each["mail"] for each in told(own_office, "event:held")} >= {evil, unknown[0], *rest[:2]}
    assert all(each["workspace"] for each in told(own_office, "event:item"))
