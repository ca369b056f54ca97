"""The way of who answers the phone and of who owns the rules, in a real browser, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console.offices import Office, office, served
from console.test_signing_in import PASSWORD
from servers.chromium import Seat, picture, seat

from engine.desk import access, passwords


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office where anna has a password; proving it costs little."""
    monkeypatch.setattr(passwords, "COST", passwords.Cost(8, 1, 1))
    with office(tmp_path / "demo", "accounts") as made:
        with made.installation.store() as store:
            access.set_password(store, made.installation.config, "anna", PASSWORD, "anna")
        yield made


@pytest.mark.parametrize("scripts", [True, False])
def test_a_day_at_the_desk(chromium: Any, gate: Office, scripts: bool, tmp_path: Path) -> None:
    before = (gate.folder / "rules" / "support.toml").read_text(encoding="utf-8")
    with served(gate.app) as host, seat(chromium, host, scripts=scripts) as window:
        _signs_in(window)
        _finds_out_why(window)
        item = _lets_it_in(window)
        _answers(window, item)
        _changes_a_rule(window, scripts, tmp_path)
        changed = (gate.folder / "rules" / "support.toml").read_text(encoding="utf-8")
        assert "when = 'subject contains \"printer\"'" in changed and changed != before
        _takes_it_back(window)
        assert window.met == []
    assert (gate.folder / "rules" / "support.toml").read_text(encoding="utf-8") == before
    acts = [name for (name,) in gate.rows("SELECT name FROM event WHERE via = 'console' ORDER BY id")]
    assert acts.count("rules.saved") == 2


def _signs_in(window: Seat) -> None:
    window.go("/mails")
    window.page.fill("#who", "anna")
    window.page.fill("#password", PASSWORD)
    window.page.click("button.main")
    window.page.wait_for_url("**/mails")


def _finds_out_why(window: Seat) -> None:
    """Somebody rings: where is my mail?"""
    window.page.fill("#q", "from:max@elsewhere.example outcome:held")
    window.page.press("#q", "Enter")
    window.page.click("text=Can you help me?")
    assert "not known" in window.text() or "unknown" in window.text()


def _lets_it_in(window: Seat) -> int:
    page = window.page
    page.click("text=Decide…")
    page.fill("#reason", "a customer of last year")
    page.click(".decide button[value=release]")
    said = page.inner_text("[role=status]")
    found = re.search(r"#(\d+)", said)
    assert found is not None, said
    return int(found[1])


def _answers(window: Seat, item: int) -> None:
    page = window.page
    window.go(f"/item/{item}")
    page.fill("#words", "Yes: switch it off and on again.")
    page.click(".say button.main")
    page.wait_for_selector("[role=status]")
    assert "Yes: switch it off and on again." in page.inner_text(".talk")


def _changes_a_rule(window: Seat, scripts: bool, tmp_path: Path) -> None:
    page = window.page
    page.click(".side >> text=Rules")
    page.click("table >> text=support")
    page.click("text=Edit")
    text = page.input_value("#text")
    page.fill("#text", text.replace("when = 'subject contains any of list", "when = 'form contains any of list"))
    if scripts:
        page.wait_for_selector("#findings .problem.error")
    else:
        page.click("button[value=check]")
    assert "there is no field or definition called" in page.inner_text("#findings")
    wrong = 'subject contains any of list "printers" or body contains all of ["print", "error"]'
    page.fill("#text", text.replace(wrong, 'subject contains "printer"').replace(
        'printers = ["printer", "toner", "paper jam", "Drucker"]', "").replace("[lists]\n", ""))  # fmt: skip
    page.click("button[value=test]")
    assert "passed:" in page.inner_text("#findings")
    page.click("button[value=effect]")
    _waits(window, scripts)
    assert re.search(r"would have a different outcome|Nothing would change", page.inner_text("#effect"))
    picture(page, tmp_path / "edit.png")
    page.fill("#reason", "the words of the body are too many")
    page.click("button[value=save]")
    page.wait_for_url("**/rules/support?did=*")
    assert "Saved as version 2" in page.inner_text("[role=status]")


def _waits(window: Seat, scripts: bool) -> None:
    """Until the work is over: the page asks by itself, or somebody looks again."""
    page = window.page
    if scripts:
        page.wait_for_selector("#effect .big", timeout=60_000)
        return
    for _ in range(200):
        if page.query_selector("#effect .big"):
            return
        page.wait_for_timeout(100)
        page.click("text=Refresh")
    raise AssertionError("the work does not end")


def _takes_it_back(window: Seat) -> None:
    page = window.page
    page.click("text=Versions")
    page.click("table a >> nth=1")
    page.click("text=Restore")
    assert page.input_value("#reason") == "back to version 1"
    page.check("input[name=unseen]")
    page.click("button[value=save]")
    page.wait_for_url("**/rules/support?did=*")


def test_a_text_that_is_typed_is_kept_without_a_button(chromium: Any, own_office: Office, own_host: str) -> None:
    with seat(chromium, own_host) as window:
        page = window.page
        window.go("/rules/support/edit")
        page.focus("#text")
        page.keyboard.press("Control+End")
        page.keyboard.type("# half a thought")
        page.keyboard.press("Tab")
        with page.expect_response("**/edit"):
            page.keyboard.type("and a tab")
        window.go("/rules/support/edit")
        assert page.input_value("#text").endswith("# half a thought\tand a tab\n")
        assert "This is your draft" in window.text()
        assert window.met == []


def test_a_condition_is_answered_while_it_is_typed(chromium: Any, own_office: Office, own_host: str) -> None:
    with seat(chromium, own_host) as window:
        page = window.page
        window.go("/playground")
        page.fill("#condition", 'subject contains "print"')
        page.wait_for_selector("#answer .big")
        assert "match" in page.inner_text("#answer")
        page.fill("#condition", 'form is "x"')
        page.wait_for_selector("#answer .problem")
        assert "condition=form" in page.url
        assert window.met == []
