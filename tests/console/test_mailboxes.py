"""Mailboxes in the console: who sees which, leaving one alone, and what is to be done about an error."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from console.offices import Office, office
from console.roles import EVERYBODY, become, people

from engine.desk.mailbox_page import TO_DO
from engine.model.throttle import LOG_INS

PAUSED = "SELECT paused FROM mailbox WHERE name = 'support'"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("mailboxes") / "demo") as made:
        people(made)
        yield made


@pytest.mark.parametrize("login", EVERYBODY)
def test_a_mailbox_is_seen_by_who_sees_its_mail_and_left_alone_by_its_owner(shared: Office, login: str) -> None:
    token, sees, owns = shared.form_token(), login != "nobody", login in ("owner", "anna")
    become(shared, login)
    names = [each["mailbox"] for each in json.loads(shared.get("/mailboxes.json").data)["mailboxes"]]
    assert names == {"nobody": [], "anna": ["system", "support"]}.get(login, ["support"])
    page = shared.get("/mailbox/support").get_data(as_text=True)
    assert (">Configuration<" in page) is sees and ('value="pause"' in page) is owns
    for address in ("/mailbox/system", "/mailbox/system.json"):
        assert shared.get(address).status_code == (200 if login == "anna" else 404)
    assert shared.get("/mailbox/nothing").status_code == 404
    expected = 303 if owns else 403 if sees else 404
    for act in ("pause", "resume", "test", "peek"):
        answer = shared.post("/mailbox/support", token=token, act=act, reason=f"by {login}")
        assert answer.status_code == expected, act
        if act == "pause":
            assert shared.rows(PAUSED) == [(f"by {login}" if owns else "",)]
    assert shared.post("/mailbox/system", token=token, act="pause", reason="x").status_code == (
        303 if login == "anna" else 404
    )


def test_a_pause_says_why_and_is_an_act(own_office: Office) -> None:
    token, login = own_office.form_token(), own_office.installation.whoever().login
    assert own_office.post("/mailbox/support", token=token, act="pause", reason=" ").status_code == 422
    assert own_office.post("/mailbox/support", token=token, act="nonsense").status_code == 422
    assert (
        own_office.post("/mailbox/support", token=token, act="pause", reason="the server\x1b moves").status_code == 303
    )
    page = own_office.get("/mailbox/support").get_data(as_text=True)
    assert "the server" in page and "\x1b" not in page and "Resume reading" in page
    assert own_office.post("/mailbox/support", token=token, act="resume").status_code == 303
    told = json.loads(own_office.get("/audit.json?q=event:mailbox").data)["events"]
    assert [(each["name"], each["actor"], each["via"], each["workspace"]) for each in told] == [
        ("mailbox.resume", login, "console", "support"), ("mailbox.pause", login, "console", "support"),
    ]  # fmt: skip


def test_what_is_wrong_is_told_with_what_to_do(own_office: Office) -> None:
    from engine.store.clock import now

    with own_office.installation.store() as store:
        store.mailboxes.failed("support", "source.login_refused", "mailbox support: refuses <b>the login</b>", now())
    page = own_office.get("/mailbox/support").get_data(as_text=True)
    assert "refuses &lt;b&gt;the login" in page and "Correct user, password or auth" in page and "failing" in page
    assert "failing" in own_office.get("/mailboxes").get_data(as_text=True)


def test_there_is_something_to_do_about_every_way_in_which_a_mailbox_cannot_be_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^\| `(source\.[a-z_]+)` \|", text)) == set(TO_DO)


def test_people_together_log_in_to_a_mailbox_so_often_in_an_hour_and_no_more(own_office: Office) -> None:
    people(own_office)
    token = own_office.form_token()
    with own_office.installation.store() as store:
        while not (wait := store.access.count_log_in("mailbox support").wait_s):
            pass
    for login, act in (("owner", "test"), ("owner", "peek"), ("anna", "peek")):
        become(own_office, login)
        answer = own_office.post("/mailbox/support", token=token, act=act)
        assert answer.status_code == 429 and wait - 60 < int(answer.headers["Retry-After"]) <= wait
        assert "mailbox support: people log in 6 times an hour from here" in answer.get_data(as_text=True)
    for login, expected in (("viewer", 403), ("nobody", 404)):
        become(own_office, login)
        assert own_office.post("/mailbox/support", token=token, act="test").status_code == expected
    become(own_office, "anna")
    assert own_office.post("/mailbox/system", token=token, act="nonsense").status_code == 422
    with own_office.installation.store() as store:
        assert store.access.count_log_in("mailbox system").number, "nobody logged in there"
        while not store.access.count_log_in("all servers").wait_s:
            pass
    assert own_office.post("/settings", token=token, act="check-online").status_code == 429


def test_a_log_in_that_was_not_begun_does_not_count(own_office: Office) -> None:
    token = own_office.form_token()
    own_office.installation.jobs.close()
    for _ in range(LOG_INS + 1):
        assert own_office.post("/mailbox/support", token=token, act="test").status_code == 409
    with own_office.installation.store() as store:
        assert not store.access.count_log_in("mailbox support").wait_s


def test_a_log_in_is_tried_and_a_mailbox_looked_into_beside_the_page(own_office: Office) -> None:
    token = own_office.form_token()
    for act, said in (("test", "Log-in test"), ("peek", "Mails in the mailbox")):
        begun = own_office.post("/mailbox/support", token=token, act=act).location.partition("#")[0]
        deadline = time.monotonic() + 30
        while "Refresh" in (page := own_office.get(begun).get_data(as_text=True)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert said in page and 'role="alert"' not in page
        assert said not in own_office.get(begun.replace("/support", "/system")).get_data(as_text=True)
    become(own_office, "bob")
    assert said not in own_office.get(begun).get_data(as_text=True), "it is somebody else's"
