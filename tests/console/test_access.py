"""Who sees and does what: nothing of a mail of others stands anywhere, each act is done or refused as roles say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from console.offices import Office, office

from engine.console.app import PAGES

ROLES = {
    "nobody": (),
    "viewer": ("view_mail",),
    "reader": ("view_mail", "read_mail"),
    "decider": ("view_mail", "decide_mail"),
    "agent": ("view_mail", "read_mail", "decide_mail", "add_items"),
}
"""What each may in the workspace support; in no other one anything of mail."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("access") / "demo") as made:
        furnish(made)
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "demo") as made:
        furnish(made)
        yield made


def furnish(made: Office) -> None:
    """A login for each role, in support; mail of finance and of no workspace lies there from the demo."""
    with made.installation.store() as store:
        store.items.put_workspace("finance", public=False)
        for name, words in ROLES.items():
            store.directory.put_account(name, name=name, emails=[f"{name}@people.example"])
            if words:
                store.directory.put_role(f"console {name}", words)
                store.directory.put_member("support", f"console {name}", user=name)


def become(made: Office, login: str) -> None:
    """From now on this account is asking."""
    with made.installation.store() as store:
        account = store.directory.login(login)
    assert account is not None
    made.installation.whoever = lambda: account  # type: ignore[method-assign]


def by_home(made: Office) -> tuple[list[str], list[str]]:
    """The ids of mails of support, and of all others."""
    with made.installation.store() as store:
        rows = store.archive.mails("", 1000)
    return [row.mail for row in rows if row.home == "support"], [row.mail for row in rows if row.home != "support"]


@pytest.mark.parametrize("login", ROLES)
def test_nothing_of_a_mail_of_others_stands_on_any_page(shared: Office, login: str) -> None:
    become(shared, login)
    mine, others = by_home(shared)
    hidden = others if ROLES[login] else [*mine, *others]
    assert mine and others
    with shared.installation.store() as store:
        words = {word for ref in hidden for word in (ref, store.archive.mail(ref).subject) if word}
        words -= {store.archive.mail(ref).subject for ref in mine if ref not in hidden}
    everywhere = ("/mails", "/held", "/mails?q=help", "/mails?q=outcome:held", "/mails.json", "/held.json", "/",
                  "/index.json?last=30d", "/stats", "/stats.json?show=People", "/stats?show=Rules",
                  "/mails.csv", "/mails.ndjson", "/held.csv", "/held.ndjson?q=help")  # fmt: skip
    for address in everywhere:
        text = shared.get(address).get_data(as_text=True)
        assert [word for word in words if word in text] == [], address
    for ref in hidden:
        for address, _ in PAGES:
            if "<ref>" in address:
                place = address.replace("<ref>", ref).replace("<int:number>", "1")
                assert shared.get(place).status_code == 404, place
                assert shared.get(f"{place}.json").status_code == 404, place
        assert shared.get(f"/mails?q={ref}").status_code == 422, "it is not there for them"


@pytest.mark.parametrize("login", ROLES)
def test_counts_are_of_what_is_seen(shared: Office, login: str) -> None:
    become(shared, login)
    mine, _ = by_home(shared)
    told = json.loads(shared.get("/mails.json").data)
    assert len(told["mails"]) == (len(mine) if ROLES[login] else 0)
    facets = told["facets"]
    assert facets["mails"] == len(told["mails"])
    assert {value for value, _ in facets["workspace"]} == ({"support"} if ROLES[login] else set())


@pytest.mark.parametrize("login", [login for login, words in ROLES.items() if words])
def test_what_a_mail_says_is_for_who_may_read_it(shared: Office, login: str) -> None:
    become(shared, login)
    with shared.installation.store() as store:
        (row, *_) = [each for each in store.archive.mails('subject:"bank details"') if each.home == "support"]
    may = "read_mail" in ROLES[login]
    page = shared.get(f"/mail/{row.mail}").get_data(as_text=True)
    assert ("You may not read its text" in page or "what it says is not for everybody" in page) is not may
    for part in ("body", "raw"):
        assert shared.get(f"/mail/{row.mail}/{part}").status_code == (200 if may else 404), part
    assert shared.get(f"/mail/{row.mail}/headers").status_code == 200
    words = _words(shared, row.mail)
    held = shared.get(f"/held/{row.mail}").get_data(as_text=True)
    twins = [shared.get(f"/{kind}/{row.mail}.json").get_data(as_text=True) for kind in ("mail", "held")]
    for text in (page, held, *twins):
        if not may:
            assert words not in text
    assert not may or words in held


def _words(made: Office, ref: str) -> str:
    """Some words out of the middle of a mail's text."""
    from engine.desk.scope import EVERYTHING
    from engine.desk.why import parsed

    text = made.installation.ask(lambda engine: parsed(engine, ref, EVERYTHING)).text
    return text.strip().splitlines()[0][10:40]


@pytest.mark.parametrize("login", ROLES)
def test_each_act_is_done_or_refused_as_roles_say(own: Office, login: str) -> None:
    token = own.token()
    with own.installation.store() as store:
        held = store.archive.mails("outcome:held", 50)
    (mine, *_), other = [row for row in held if row.home == "support"], [row for row in held if row.home != "support"]
    become(own, login)
    answer = own.post(f"/held/{mine.mail}", token=token, act="discard", reason="spam")
    expected = 303 if "decide_mail" in ROLES[login] else 403 if ROLES[login] else 404
    assert answer.status_code == expected
    with own.installation.store() as store:
        assert store.archive.mail(mine.mail).outcome == ("discarded" if expected == 303 else "held")
        for row in other:
            assert own.post(f"/held/{row.mail}", token=token, act="discard", reason="x").status_code == 404
            assert store.archive.mail(row.mail).outcome == "held"
    page = own.get("/held").get_data(as_text=True)
    assert "Traceback" not in page


@pytest.mark.parametrize("login", ROLES)
def test_who_decides_takes_mail_up_again(own: Office, login: str) -> None:
    token = own.token()
    with own.installation.store() as store:
        rows = store.archive.mails("outcome:discarded", 50)
        made = store.archive.mails("outcome:created", 50)
    other = next(row for row in [*rows, *made] if row.home != "support")
    (mine, *_) = [row for row in made if row.home == "support"]
    become(own, login)
    decides = "decide_mail" in ROLES[login]
    expected = 303 if decides else 403 if ROLES[login] else 404
    assert own.post(f"/mail/{mine.mail}", token=token, act="settle").status_code == expected
    assert own.post(f"/mail/{other.mail}", token=token, act="settle").status_code == 404
    if ROLES[login]:
        page = own.get(f"/mail/{mine.mail}").get_data(as_text=True)
        assert ("Process it again" in page) is decides
        assert ("Make a rule from it" in page) is ("read_mail" in ROLES[login])
    if decides:
        refused = own.post(f"/mail/{mine.mail}", token=token, act="retry")
        assert refused.status_code == 409, "it has made an item"
        assert own.post(f"/mail/{mine.mail}", token=token, act="ignore").status_code == 422, "no reason"
        assert own.post(f"/mail/{mine.mail}", token=token, act="burn").status_code == 422
    acts = own.rows("SELECT actor, via FROM event WHERE name = 'mail.settle'")
    assert acts == ([(login, "console")] if decides else [])


def test_mail_is_released_only_into_workspaces_where_one_may_add_items(own: Office) -> None:
    token = own.token()
    with own.installation.store() as store:
        (row, *_) = [each for each in store.archive.mails("outcome:held", 50) if each.home == "support"]
    become(own, "agent")
    assert own.post(f"/held/{row.mail}", token=token, act="release", to="finance").status_code == 403
    page = own.get(f"/held/{row.mail}").get_data(as_text=True)
    assert "<option>support</option>" in page and "<option>finance</option>" not in page
    assert own.post(f"/held/{row.mail}", token=token, act="release", to="support").status_code == 303
