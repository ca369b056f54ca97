"""Hook scripts in the console: who sees them, what they decided, trying one, switching one on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from console.offices import Office, office
from console.roles import EVERYBODY, become, people

from engine.desk.acting import switch_off, switch_on


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("hooks") / "demo") as made:
        people(made)
        yield made


def over(made: Office, begun: str) -> str:
    """The page once the job is over that was begun."""
    address, deadline = begun.partition("#")[0], time.monotonic() + 60
    while "Refresh" in (page := str(made.get(address).get_data(as_text=True))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return page


@pytest.mark.parametrize("login", EVERYBODY)
def test_scripts_are_seen_by_admins_and_owners_and_switched_on_by_admins(shared: Office, login: str) -> None:
    token, sees = shared.form_token(), login in ("owner", "anna")
    become(shared, login)
    for address in ("/hooks", "/hooks.json", "/hooks/guard.py", "/hooks/guard.py.json"):
        answer = shared.get(address)
        assert answer.status_code == (200 if sees else 404), address
        assert ("guard.py" in answer.get_data(as_text=True)) is sees
    assert ('href="/hooks"' in shared.get("/mails").get_data(as_text=True)) is sees
    for odd in ("params.toml", "..%2fallegra.toml", "nothing.py", "%2fetc%2fpasswd"):
        assert shared.get(f"/hooks/{odd}").status_code == 404
    config = shared.installation.config
    assert switch_off(config, "guard.py", "bob", "it is slow") is True
    expected = 303 if login == "anna" else 403 if sees else 404
    assert shared.post("/hooks/guard.py", token=token, act="enable").status_code == expected
    text = shared.get("/hooks/guard.py").get_data(as_text=True)
    assert ("it is slow" in text) is (login == "owner") and "Switch it on again" not in text
    assert switch_off(config, "guard.py", "bob") is (login == "anna")
    if login == "anna":
        (told,) = json.loads(shared.get("/audit.json?q=event:hooks").data)["events"]
        assert (told["name"], told["actor"], told["via"]) == ("hooks.enable", "anna", "console")
    switch_on(config, "guard.py")


def test_what_a_script_decided_is_told_with_the_mails_that_one_sees(shared: Office) -> None:
    become(shared, "anna")
    page = shared.get("/hooks/guard.py").get_data(as_text=True)
    assert "New bank details" in page and "hook.guard_hold" in page and "def guard(mail, ctx):" in page
    told = json.loads(shared.get("/hooks/guard.py.json").data)
    assert told["hook"]["outcomes"] == [["held", 1]] and "ordinary_mail" in told["fixtures"]
    hook = told["hook"]
    assert hook["runs"] > 5 and 0 < hook["half_us"] <= hook["most_us"] and "in 30 days" in page
    with shared.installation.store() as store:
        (row,) = store.archive.mails('subject:"bank details"')
        with store.writing():
            store.database.run("UPDATE receipt SET workspace = 'finance' WHERE inbound_id = ?", row.row)
    become(shared, "owner")
    assert json.loads(shared.get("/hooks/guard.py.json").data)["hook"]["runs"] is None, "it is counted of all mail"
    assert "New bank details" not in shared.get("/hooks/guard.py").get_data(as_text=True)


def test_fixtures_are_run_and_a_source_is_checked_beside_the_page(own_office: Office) -> None:
    token, file = own_office.form_token(), own_office.folder / "hooks" / "guard.py"
    page = over(own_office, own_office.post("/hooks/guard.py", token=token, act="test").location)
    assert page.count("passed:") == 3 and "failed:" not in page
    file.write_text("import os\n\ndef guard(mail, ctx):\n    return <b>\n", encoding="utf-8")
    page = over(own_office, own_office.post("/hooks/guard.py", token=token, act="check").location)
    assert "↑ line" in page and "finding" in page and "<b>" not in page.replace("<b>1", "")
    assert own_office.post("/hooks/guard.py", token=token, act="nonsense").status_code == 422


NOISY = """
def guard(mail, ctx):
    ctx.log("seen <b>" + mail.subject)
    return ctx.hold("because <i>I say so</i>")
"""


def test_scripts_are_run_on_a_mail_for_who_looks_at_them_and_reads_it_and_nothing_is_kept(own_office: Office) -> None:
    people(own_office)
    own_office.folder.joinpath("hooks", "guard.py").write_text(NOISY, encoding="utf-8")
    with own_office.installation.store() as store:
        (row,) = store.archive.mails('subject:"bank details"')
        with store.writing():
            store.database.run("UPDATE receipt SET workspace = 'support' WHERE inbound_id = ?", row.row)
        store.directory.put_member("support", "console agent", user="owner")
    token, here = own_office.form_token(), f"/mail/{row.mail}"
    kept = [own_office.rows(f"SELECT * FROM {table}") for table in KEPT]  # noqa: S608
    for login in EVERYBODY:
        become(own_office, login)
        may = login in ("owner", "anna")
        assert ("Run the hooks" in own_office.get(here).get_data(as_text=True)) is may
        begun = own_office.post(here, token=token, act="scripts")
        assert begun.status_code == (303 if may else 404 if login == "nobody" else 403)
        if may:
            page = over(own_office, begun.location)
            assert "What the hooks say" in page and "because &lt;i&gt;I say so" in page and "seen &lt;b&gt;" in page
            assert "hold" in page and "<i>I say" not in page and "activity.py" in page and 'role="alert"' not in page
    become(own_office, "agent")
    assert "I say so" not in own_office.get(begun.location.partition("#")[0]).get_data(as_text=True), "it is theirs"
    assert [own_office.rows(f"SELECT * FROM {table}") for table in KEPT] == kept  # noqa: S608


KEPT = ("receipt", "event", "outbox", "measure", "tally", "inbound")


def test_a_script_that_does_not_compile_or_breaks_says_so_on_the_mail(own_office: Office) -> None:
    folder, (ref, *_) = own_office.folder / "hooks", own_office.refs()
    folder.joinpath("guard.py").write_text("import os\n\ndef guard(mail, ctx):\n    return <b>\n", encoding="utf-8")
    folder.joinpath("activity.py").write_text("def activity(mail, item, ctx):\n    return 1 / 0\n", encoding="utf-8")
    page = over(own_office, own_office.post(f"/mail/{ref}", token=own_office.form_token(), act="scripts").location)
    assert (
        "compile-error" in page and "ZeroDivisionError" in page and "<b>" not in page.partition("scripts-say")[2][:900]
    )
