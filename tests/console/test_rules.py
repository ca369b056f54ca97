"""Rules in the console: who sees and saves what, writing with what is wrong beside it, the effect, saving, versions."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from console.offices import Office, office
from console.test_access import become

from engine.desk.rule_reading import MOST_TEXT

ROLES: dict[str, tuple[str, ...]] = {
    "nobody": (), "viewer": ("view_mail",), "reader": ("view_mail", "read_mail"),
    "editor": ("view_mail", "edit_rules"), "lead": ("view_mail", "read_mail", "edit_rules"),
}  # fmt: skip
"""What each may in support; nothing anywhere else."""

CHANGED = "# changed\n"


def furnish(made: Office) -> None:
    with made.installation.store() as store:
        for name, words in ROLES.items():
            store.directory.put_account(name, name=name, emails=[f"{name}@people.example"])
            if words:
                store.directory.put_role(f"rules {name}", words)
                store.directory.put_member("support", f"rules {name}", user=name)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Everybody of ROLES; nobody saves there."""
    with office(tmp_path_factory.mktemp("rules") / "demo") as made:
        furnish(made)
        yield made


@pytest.fixture
def own(own_office: Office) -> Office:
    furnish(own_office)
    return own_office


def page(made: Office, address: str) -> str:
    answer = made.get(address)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.get_data(as_text=True))


def form(made: Office, name: str = "support", query: str = "") -> dict[str, str]:
    """What the form holds when it is opened."""
    text = page(made, f"/rules/{name}/edit{query}")
    fields = dict(re.findall(r'<input type="hidden" name="(csrf|base)" value="([^"]*)">', text))
    found = re.search(r"<textarea id=\"text\"[^>]*>\n(.*?)</textarea>", text, re.S)
    assert found is not None
    return {**fields, "text": html.unescape(found[1])}


def send(made: Office, act: str, name: str = "support", **fields: Any) -> Any:
    token = fields.pop("csrf")
    return made.post(f"/rules/{name}/edit", token=token, act=act, **fields)


def file_of(made: Office, name: str = "support") -> str:
    return (made.folder / "rules" / f"{name}.toml").read_text(encoding="utf-8")


def work(made: Office, address: str) -> str:
    """A page when the work it shows is over."""
    until = time.monotonic() + 60
    while "every 1s" in (text := page(made, address)) and time.monotonic() < until:
        time.sleep(0.05)
    return text


# ── who may what ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("login", ROLES)
def test_everybody_sees_the_rules_of_the_places_whose_mail_they_see(shared: Office, login: str) -> None:
    become(shared, login)
    sees = bool(ROLES[login])
    for address in (
        "/rules",
        "/rules/support",
        "/rules/support/edit",
        "/rules/support/versions",
        "/rules/support/text",
    ):
        assert shared.get(address).status_code == (200 if sees else 404), address
        if not address.endswith("text"):
            assert shared.get(f"{address}.json").status_code == (200 if sees else 404), address
    for other in ("system", "finance", "partners", "nowhere"):
        assert shared.get(f"/rules/{other}").status_code == 404
        assert shared.get(f"/rules/{other}/edit").status_code == 404
    assert ("Rules</a>" in page(shared, "/mails")) is sees
    assert not sees or "finance" not in page(shared, "/rules")


@pytest.mark.parametrize("login", [name for name, words in ROLES.items() if words])
def test_each_button_is_there_and_does_something_as_roles_say(own: Office, login: str) -> None:
    token = own.token()
    become(own, login)
    saves, reads = "edit_rules" in ROLES[login], "read_mail" in ROLES[login]
    shown = page(own, "/rules/support/edit")
    assert ('value="save"' in shown) is saves and ('value="effect"' in shown) is reads
    assert ('value="patch"' in shown) is not saves
    fields = {**form(own), "csrf": token}
    fields["text"] += CHANGED
    assert send(own, "check", **fields).status_code == 200
    assert send(own, "test", **fields).status_code == 200
    assert send(own, "effect", **fields).status_code == (303 if reads else 403)
    answer = send(own, "save", **fields, reason="why", unseen="1")
    assert answer.status_code == (303 if saves else 403)
    assert (CHANGED in file_of(own)) is saves
    for other in ("system", "finance"):
        assert send(own, "save", other, **fields, reason="why", unseen="1").status_code == 404


def test_edit_rules_may_be_for_nobody_and_then_a_patch_is_offered(own: Office) -> None:
    file = own.folder / "allegra.toml"
    file.write_text(file.read_text("utf-8") + 'edit_rules = "nobody"\n', encoding="utf-8")
    own.installation._looked_at = 0
    assert "rules are changed by those who have the files" in page(own, "/rules/support")
    fields = form(own)
    fields["text"] = fields["text"].replace("Printer trouble", "Toner")
    assert send(own, "save", **fields, reason="why", unseen="1").status_code == 403
    answer = send(own, "patch", **fields)
    assert answer.headers["Content-Disposition"].endswith("support.toml.patch")
    assert '+name = "Toner"' in answer.get_data(as_text=True)
    assert "Toner" not in file_of(own)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_wrong_is_told_with_the_words_marked_and_what_was_typed_stays(shared: Office) -> None:
    become(shared, "anna")
    fields = form(shared)
    fields["text"] = "[[rule]]\nname = 'A'\nwhen = 'form is \"x\"'\nthen = ['stop']\n"
    text = send(shared, "save", **fields, reason="why", unseen="1").get_data(as_text=True)
    assert "this text does not load: mend what is marked" in text
    assert "there is no field or definition called" in text and "^^^^" in text
    assert "form is &#34;x&#34;" in text and 'value="why"' in text
    send(shared, "drop", **fields)


def test_tests_are_run_beside_the_text(shared: Office) -> None:
    become(shared, "anna")
    fields = form(shared)
    text = send(shared, "test", **fields).get_data(as_text=True)
    assert "an order number is taken over" in text and "passed:" in text
    fields["text"] = fields["text"].replace('to "4711234"', 'to "1"')
    text = send(shared, "test", **fields).get_data(as_text=True)
    assert "failed:" in text
    send(shared, "drop", **fields)


def test_a_draft_is_kept_for_who_wrote_it_until_it_is_thrown_away(shared: Office) -> None:
    become(shared, "lead")
    before = form(shared)
    send(shared, "check", **{**before, "text": before["text"] + "# half\n"})
    assert form(shared)["text"].endswith("# half\n")
    assert "This is your draft" in page(shared, "/rules/support/edit")
    become(shared, "reader")
    assert form(shared)["text"] == before["text"]
    become(shared, "lead")
    send(shared, "drop", **before)
    assert form(shared)["text"] == before["text"]


def test_who_goes_back_to_a_version_is_told_of_the_draft_that_goes(own: Office) -> None:
    fields = form(own)
    assert send(own, "save", **{**fields, "text": fields["text"] + "# x\n"}, reason="r", unseen="1").status_code == 303
    assert "You have a draft here" not in page(own, "/rules/support/edit?version=1")
    send(own, "check", **{**form(own), "text": "# half\n"})
    assert "You have a draft here" in page(own, "/rules/support/edit?version=1")
    assert form(own)["text"] == "# half\n", "looking took nothing away"


def test_looking_at_a_form_keeps_nothing(shared: Office) -> None:
    become(shared, "anna")
    count = "SELECT count(*) FROM rule_draft"
    (before,) = shared.rows(count)
    form(shared)
    form(shared, query="?condition=subject+exists")
    assert shared.rows(count) == [before]


def test_a_rule_and_a_test_are_proposed_for_a_mail_and_a_condition(shared: Office) -> None:
    become(shared, "anna")
    (ref, *_) = shared.refs("subject:order")
    proposed = form(shared, query=f"?mail={ref}")["text"]
    assert "subject contains" in proposed and "shadow = true" in proposed
    assert f'mail = "{ref}"' in form(shared, query=f"?test={ref}")["text"]
    assert "lang is" in form(shared, query="?condition=lang+is+%22de%22")["text"].rpartition("[[rule]]")[2]
    become(shared, "lead")
    with shared.installation.store() as store:
        (other, *_) = [row for row in store.archive.mails("", 100) if row.home == "finance"]
    assert shared.get(f"/rules/support/edit?mail={other.mail}").status_code == 404


# ── effect, saving, versions ──────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_looked_at_saved_and_taken_back(own: Office) -> None:
    fields, before = form(own), file_of(own)
    fields["text"] = fields["text"].replace('name = "Printer trouble"', 'name = "Printer trouble"\nenabled = false')
    answer = send(own, "save", **fields, reason="too noisy")
    assert answer.status_code == 422 and "look at what it would change first" in answer.get_data(as_text=True)
    answer = send(own, "effect", **fields)
    text = work(own, answer.headers["Location"])
    assert "Nothing would change" not in text and "1 different fields" in text and "category Hardware → –" in text
    answer = send(own, "save", **fields, reason="too noisy")
    assert answer.status_code == 303
    assert "Saved as version 2" in page(own, answer.headers["Location"])
    assert file_of(own) == fields["text"]
    assert form(own)["text"] == fields["text"], "the draft is gone, this is the file"
    assert "too noisy" in page(own, "/rules/support/versions")
    assert "enabled = false" in page(own, "/rules/support/version/2")
    restored = form(own, query="?version=1")
    assert restored["text"] == before
    assert send(own, "save", **restored, reason="back", unseen="1").status_code == 303
    assert file_of(own) == before
    (told, *_) = own.rows("SELECT actor, via FROM event WHERE name = 'rules.saved' ORDER BY id DESC")
    assert told == ("anna", "console")


def test_a_rule_that_was_saved_is_in_force_for_the_next_mail(own: Office) -> None:
    fields = form(own)
    fields["text"] += (
        '[[rule]]\nname = "Wait"\non = "any"\nwhen = \'subject is "Stop me"\'\nthen = [\'hold because "asked"\']\n'
    )
    assert send(own, "save", **fields, reason="try", unseen="1", warned="1").status_code == 303
    own.take(b"From: jane@mail.bigcorp.example\r\nTo: help@example.com\r\nSubject: Stop me\r\n\r\nx\r\n")
    (ref,) = own.refs('subject:"Stop me"')
    with own.installation.store() as store:
        assert store.archive.mail(ref).because == "asked"
    assert "Wait" in page(own, "/rules/support")


def test_who_was_slower_sees_what_others_changed_and_goes_on(own: Office) -> None:
    mine = form(own)
    theirs = {**mine, "text": mine["text"] + "# theirs\n"}
    assert send(own, "save", **theirs, reason="first", unseen="1").status_code == 303
    mine["text"] = "# mine\n" + mine["text"]
    answer = send(own, "save", **mine, reason="second", unseen="1")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "anna changed this file after you began" in text and "+# theirs" in text and "# mine" in text
    again = form(own)
    assert again["text"] == mine["text"] and again["base"] == mine["base"], "the draft is as it was"
    assert send(own, "go_on", **again).status_code == 200
    again = form(own)
    assert send(own, "save", **again, reason="second", unseen="1").status_code == 303
    assert file_of(own) == mine["text"]


def test_what_was_found_is_told_to_who_asked_and_hides_the_mail_of_others(own: Office) -> None:
    become(own, "lead")
    token = own.form_token()
    fields = {**form(own), "csrf": token}
    fields["text"] = '[[rule]]\nname = "All"\non = "any"\nthen = [\'hold because "all"\']\n'
    answer = send(own, "effect", **fields)
    address = answer.headers["Location"].partition("#")[0]
    text = work(own, address)
    found = re.search(r"of (\d+)\. <span", text)
    with own.installation.store() as store:
        homes = [row.home for row in store.archive.mails("", 1000)]
    assert found is not None and int(found[1]) == homes.count("support") < len(homes)
    number = re.search(r"job=(\w+)", address)
    assert number is not None
    assert own.get(f"/jobs/{number[1]}").status_code == 200
    become(own, "reader")
    assert own.get(f"/jobs/{number[1]}").status_code == 404
    assert own.get(f"/jobs/{number[1]}.json").status_code == 404
    assert own.post(f"/jobs/{number[1]}/stop", token=token).status_code == 404


def test_a_file_that_does_not_load_is_shown_and_can_be_mended(own: Office) -> None:
    path = own.folder / "rules" / "support.toml"
    path.write_text("[[rule]\n", encoding="utf-8")
    assert "This file does not load" in page(own, "/rules/support")
    assert "does not load" in page(own, "/rules")
    fields = form(own)
    assert fields["text"] == "[[rule]\n"
    fields["text"] = "[[rule]]\nname = 'A'\nthen = ['add label \"a\"']\n"
    assert send(own, "save", **fields, reason="mend", unseen="1").status_code == 303


@pytest.mark.parametrize("text", ["\x00", "x" * 300_000, "[" * 20_000, "\u202e", "[[rule]]\n" * 3000])
def test_any_text_is_answered_with_a_page(shared: Office, text: str) -> None:
    become(shared, "anna")
    fields = form(shared)
    answer = send(shared, "test", **{**fields, "text": text})
    assert answer.status_code == 200 and "Traceback" not in answer.get_data(as_text=True)
    assert len(text) < MOST_TEXT
    send(shared, "drop", **fields)


def test_a_long_file_is_written_here_as_well(own: Office) -> None:
    fields = form(own)
    text = fields["text"] + "# \u00e9\u00e9\u00e9\u00e9\n" * 40_000
    assert send(own, "save", **{**fields, "text": text}, reason="r", unseen="1").status_code == 303
    assert file_of(own) == text
    assert send(own, "check", **{**fields, "text": "x" * 4_200_000}).status_code == 413


def test_a_version_of_another_place_is_not_shown(own: Office) -> None:
    fields = form(own, "system")
    assert (
        send(own, "save", "system", **{**fields, "text": fields["text"] + "# x\n"}, reason="r", unseen="1").status_code
        == 303
    )
    (number,) = own.rows("SELECT max(id) FROM rule_version")[0]
    assert own.get(f"/rules/system/version/{number}").status_code == 200
    assert own.get(f"/rules/support/version/{number}").status_code == 404
    assert own.get(f"/rules/support/edit?version={number}").status_code == 404
    assert own.get("/rules/system/version/99999999999999999999").status_code == 404


def test_a_file_of_5_000_rules_shows_the_first_and_says_so(own: Office) -> None:
    rules = "".join(
        f"[[rule]]\nname = 'r{number}'\nwhen = 'subject is \"{number}\"'\nthen = ['stop']\n" for number in range(5000)
    )
    (own.folder / "rules" / "partners.toml").write_text(rules, encoding="utf-8")
    own.installation._looked_at = 0
    text = page(own, "/rules/partners")
    assert "and 4800 more rules: show all" in text and len(text) < 400_000


def test_files_of_the_folder_come_and_go_without_a_restart(own: Office) -> None:
    file = own.folder / "rules" / "partners.toml"
    assert not file.exists() and "none yet" in page(own, "/rules")
    fields = form(own, "partners")
    text = "[[rule]]\nname = 'A'\nthen = ['add label \"a\"']\n"
    assert send(own, "effect", "partners", **{**fields, "text": text}).status_code == 303
    assert send(own, "save", "partners", **{**fields, "text": text}, reason="r", unseen="1").status_code == 303
    own.installation._looked_at = 0
    assert own.installation.config.workspaces["partners"].rules == file
