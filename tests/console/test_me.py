"""One's own account in the console: what is there, what may be changed, and that it is nobody else's."""

from __future__ import annotations

import json
import re

from console.offices import BASE, PASSWORD, Office, Seat, enter

from engine.desk import access

NEW = "eleven wet owls sing by day"

EVENTS = "SELECT name, actor, via FROM event ORDER BY id DESC LIMIT 1"


def sessions(made: Office, login: str) -> list[str]:
    with made.installation.store() as store:
        return [each.ref for each in access.sessions_of(store, login)]


def test_a_password_is_changed_by_who_knows_the_old_one_and_other_sessions_end(gate: Office) -> None:
    seat, other = Seat(gate), Seat(gate)
    for form, said in (
        ({"old": "wrong but long enough", "new": NEW, "again": NEW}, access.WRONG),
        ({"old": PASSWORD, "new": NEW, "again": NEW + "x"}, "not typed the same twice"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "at least 12"),
    ):
        answer = seat.post("/me", act="password", **form)
        assert answer.status_code in (409, 422) and said in answer.get_data(as_text=True)
        assert NEW not in answer.get_data(as_text=True) and PASSWORD not in answer.get_data(as_text=True)
    answer = seat.post("/me", act="password", old=PASSWORD, new=NEW, again=NEW)
    assert answer.status_code == 303 and "1 other session ended" in seat.text(answer.location)
    assert gate.rows(EVENTS) == [("password.set", "anna", "console")]
    assert other.get("/me").status_code == 303, "their session ended"
    assert enter(gate.client, password=PASSWORD).status_code == 401
    assert enter(gate.client, password=NEW).status_code == 303


def test_sessions_are_listed_with_this_one_marked_and_end_one_by_one(gate: Office) -> None:
    seat, other = Seat(gate), Seat(gate)
    page = seat.text("/me")
    assert page.count("this session") == 1 and page.count("end-session") == 1
    (ref,) = re.findall(r'name="ref" value="(s-[^"]+)"', page)
    assert seat.post("/me", act="end-session", ref=ref).status_code == 303
    assert gate.rows(EVENTS) == [("session.ended", "anna", "console")]
    assert other.get("/me").status_code == 303 and len(sessions(gate, "anna")) == 1
    Seat(gate, "bob")
    (bobs,) = sessions(gate, "bob")
    answer = seat.post("/me", act="end-session", ref=bobs)
    assert answer.status_code == 422 and sessions(gate, "bob") == [bobs], "nobody ends those of others"


def test_a_token_is_made_after_the_password_was_given_again_and_shown_once(gate: Office) -> None:
    seat = Seat(gate)
    with gate.installation.store() as store, store.writing():
        store.database.run("UPDATE session SET sudo_at = 1")
    assert "Create a token" not in seat.text("/me")
    refused = seat.post("/me", act="token", name="grafana", days="30")
    assert refused.status_code == 409 and "give your password again" in refused.get_data(as_text=True)
    assert seat.post("/me", act="confirm", password="wrong and long enough").status_code == 409
    assert seat.post("/me", act="confirm", password=PASSWORD).status_code == 303
    answer = seat.post("/me", act="token", name="grafana", days="30")
    (secret,) = re.findall(r"allegra_[\w-]+", answer.get_data(as_text=True))
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert gate.rows(EVENTS) == [("token.made", "anna", "console")]
    for address in ("/me", "/me.json"):
        assert secret not in seat.text(address) and "grafana" in seat.text(address)
    for form in ({"name": "", "days": "3"}, {"name": "x", "days": "0"}, {"name": "x", "days": "9999"}):
        assert seat.post("/me", act="token", **form).status_code == 422
    assert seat.post("/me", act="token", name="grafana", days="30").status_code == 409, "one of that name is there"
    bearer = {"Authorization": f"Bearer {secret}"}
    assert json.loads(gate.client.get("/me.json", base_url=BASE, headers=bearer).data)["login"] == "anna"
    (ref,) = re.findall(r'name="ref" value="(t-[^"]+)"', seat.text("/me"))
    assert Seat(gate, "bob").post("/me", act="end-token", ref=ref).status_code == 422
    assert seat.post("/me", act="end-token", ref=ref).status_code == 303
    assert gate.rows(EVENTS) == [("token.ended", "anna", "console")]
    assert gate.client.get("/me.json", base_url=BASE, headers=bearer).status_code == 401


def test_the_twin_holds_no_secret(gate: Office) -> None:
    seat = Seat(gate)
    twin = seat.text("/me.json")
    told = json.loads(twin)
    assert told["login"] == "anna" and len(told["sessions"]) == 1 and told["sessions"][0]["csrf"] == ""
    (hashed,) = gate.rows("SELECT hash FROM credential WHERE account_id = (SELECT id FROM account WHERE login='anna')")
    assert hashed[0] not in twin and "csrf_" not in twin


def test_what_one_hears_is_chosen_everywhere_and_for_one_workspace(own_office: Office) -> None:
    token = own_office.form_token()
    login = own_office.installation.whoever().login
    assert "unassigned</option>" in own_office.get("/me").get_data(as_text=True)
    form = {"prefers-new": "all", "prefers-how": "hourly"}
    assert own_office.post("/me", token=token, act="wants", **form).status_code == 303
    assert own_office.rows(EVENTS) == [("user.notify", login, "console")]
    said = {each["key"]: each for each in json.loads(own_office.get("/me.json").data)["preferences"]}
    assert (said["new"]["value"], said["new"]["origin"], said["how"]["value"]) == ("all", login, "hourly")
    assert own_office.post("/me", token=token, act="wants", workspace="support", **{"prefers-notes": "no"}).status_code
    there = json.loads(own_office.get("/me.json?workspace=support").data)["preferences"]
    assert {each["key"]: each["value"] for each in there}["notes"] == "no"
    events = own_office.rows("SELECT count(*) FROM event")
    assert own_office.post("/me", token=token, act="wants", **form).status_code == 303
    assert own_office.rows("SELECT count(*) FROM event") == events, "nothing changed"
    for wrong in ({"prefers-new": "x"}, {"prefers-nonsense": "yes"}, {"preset": "x"}, {"workspace": "x"},
                  {"prefers-item:2": "no"}, {"prefers-item:999": "no"}):  # fmt: skip
        assert own_office.post("/me", token=token, act="wants", **wrong).status_code in (404, 422), wrong
    with own_office.installation.store() as store:
        store.directory.put_preferences(login, "", {"item:2": "no"})
    assert "item:2: no notices" in own_office.get("/me").get_data(as_text=True)
    assert own_office.post("/me", token=token, act="wants", **{"prefers-item:2": "yes"}).status_code == 303
    assert "item:2: no notices" not in own_office.get("/me").get_data(as_text=True)
    assert own_office.post("/me", token=token, act="wants", preset="reset").status_code == 303
    assert own_office.post("/me", token=token, act="nonsense").status_code == 422
    page = own_office.get("/me").get_data(as_text=True)
    assert "Nobody signs in here" in page and 'type="password"' not in page


def test_where_nobody_signs_in_no_password_is_set_and_no_token_made(own_office: Office) -> None:
    token = own_office.form_token()
    for form in ({"act": "token", "name": "x", "days": "3"}, {"act": "confirm", "password": PASSWORD},
                 {"act": "password", "old": "", "new": NEW, "again": NEW}):  # fmt: skip
        assert own_office.post("/me", token=token, **form).status_code == 409
    assert own_office.rows("SELECT count(*) FROM token") == own_office.rows("SELECT count(*) FROM credential") == [(0,)]
