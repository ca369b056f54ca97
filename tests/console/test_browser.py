"""The console as people use it, in a real browser: both schemes, a desk and a phone, with and without scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from console.offices import Office
from servers.chromium import picture, seat

from engine.console import static

LETTER = "SELECT max(id) FROM outbox WHERE item IS NOT NULL"
EVIL_ITEMS = "SELECT item.id FROM item JOIN inbound ON inbound.id = inbound_id WHERE message_id LIKE '<evil.%'"

VARIANTS = frozenset({"found", "nothing", "wrong", "items_wrong", "held_mail", "every", "evil_held", "missing",
                      "versions", "audit", "mailboxes", "hooks", "people", "mailbox", "hook",
                      "for_good", "item_gone"})  # fmt: skip
"""Pages that others are like: in one size of one scheme."""

NOUNS = {
    "me": "/me", "audit": "/audit", "people": "/people", "person": "/person/jane@mail.bigcorp.example",
    "mailboxes": "/mailboxes", "mailbox": "/mailbox/support", "hooks": "/hooks", "hook": "/hooks/guard.py",
    "settings": "/settings",
}  # fmt: skip

COLOURS = ("color-contrast",)

VIEWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("light", "desk", ()), ("dark", "desk", COLOURS), ("dark", "phone", ()), ("light", "phone", COLOURS),
)  # fmt: skip
"""Both schemes and sizes, each with all rules of axe once, else with those that hang on the scheme."""

PARTS = 2
"""Parts of all pages that are looked at beside each other."""


def pages(office: Office) -> dict[str, str]:
    """Every page, each with a name."""
    (held, *_), (made, *_), evils = office.refs("outcome:held"), office.refs("outcome:created"), office.evil()
    evil = next(ref for ref in evils if ref in office.refs("outcome:held"))
    return NOUNS | {
        "today": "/", "stats": "/stats?last=7d", "stats_rules": "/stats?show=Rules",
        "stats_people": "/stats?show=People",
        "mails": "/mails", "found": "/mails?q=outcome:held", "nothing": "/mails?q=from:nobody", "wrong": "/mails?q=x:y",
        "mail": f"/mail/{made}", "held_mail": f"/mail/{held}", "evil_mail": f"/mail/{evil}",
        "every": f"/mail/{held}?all=1", "header": f"/mail/{held}/headers", "held": "/held",
        "held_one": f"/held/{held}", "evil_held": f"/held/{evil}", "missing": "/mail/m-ffffffffffff",
        "login": "/login", "items": "/items", "items_wrong": "/items?q=x:y", "item": "/item/2",
        "outbox": "/outbox?q=-state:held", "letter": f"/outbox/{office.rows(LETTER)[0][0]}",
        "rules": "/rules", "rule_file": "/rules/system", "edit": "/rules/support/edit?condition=form+is+1",
        "versions": "/rules/support/versions", "playground": "/playground?condition=subject+contains+%22print%22",
        "topics": "/topics", "topic": "/topic/1", "for_good": f"/mail/{made}/for-good", "item_gone": "/item/2/delete",
        "evil_item": f"/item/{office.rows(EVIL_ITEMS)[0][0]}",
    }  # fmt: skip


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_can_be_read_by_everybody(
    chromium: Any, quiet_office: Office, quiet_host: str, part: int, tmp_path: Path
) -> None:
    found: dict[str, list[str]] = {}
    with seat(chromium, quiet_host) as window:
        for name, address in sorted(pages(quiet_office).items())[part::PARTS]:
            assert len(window.go(address).body()) < 60_000, name
            for scheme, size, rules in VIEWS[: 1 if name in VARIANTS else len(VIEWS)]:
                window.look(scheme, size)
                found.setdefault(name, []).extend(window.findings(*rules))
                if window.overflows():
                    found[name].append(f"the page is broader than the window of a {size}")
                if not rules:
                    picture(window.page, tmp_path / f"{name}_{scheme}_{size}.png")
            window.look("light", "desk")
        expected = [each for each in window.met if "404" in each or "422" in each]
        assert [each for each in window.met if each not in expected] == []
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_a_scheme_changes_nothing_but_colours() -> None:
    """So what axe finds by other rules it finds in either scheme."""
    css = static.FOLDER.joinpath("a.css").read_text("utf-8")
    (dark,) = re.findall(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{([^{}]*)\}\s*\}", css)
    assert css.count("prefers-color-scheme") == 1
    assert {line.partition(":")[0].strip()[:2] for line in dark.split(";") if line.strip()} == {"--"}


@pytest.mark.parametrize("scripts", [True, False])
def test_a_mail_is_found_understood_and_released(
    chromium: Any, own_office: Office, own_host: str, scripts: bool
) -> None:
    with seat(chromium, own_host, scripts=scripts) as window:
        page = window.page
        window.go("/")
        page.fill("#q", "from:elsewhere outcome:held")
        page.press("#q", "Enter")
        page.click("text=Can you help me?")
        assert "max@elsewhere.example is not known" in window.text() or "unknown" in window.text()
        assert page.locator(".strip .ended").inner_text().split()[1] == "sender"
        page.click("text=Decide…")
        page.fill("#reason", "a customer of last year")
        page.click(".decide button[value=release]")
        assert "is created" in page.inner_text("[role=status]")
        assert window.met == []
    (ref,) = own_office.refs("from:elsewhere outcome:created subject:help")
    with own_office.installation.store() as store:
        assert [receipt.outcome.value for receipt in store.archive.receipts(ref)] == ["held", "created"]


def test_held_mail_is_decided_with_keys_alone(chromium: Any, own_office: Office, own_host: str) -> None:
    waiting = own_office.refs("outcome:held")
    with seat(chromium, own_host) as window:
        page = window.page
        window.go("/mails")
        page.keyboard.press("g")
        page.keyboard.press("h")
        page.wait_for_url("**/held")
        page.keyboard.press("j")
        page.wait_for_url("**/held/m-*")
        page.keyboard.press("d")
        assert page.evaluate("document.activeElement.id") == "reason", "a reason first"
        page.keyboard.type("spam, from a list")
        page.keyboard.press("Escape")
        page.keyboard.press("d")
        page.wait_for_url("**did=*")
        assert "is discarded" in page.inner_text("[role=status]")
        page.keyboard.press("r")
        page.wait_for_function("document.querySelector('[role=status]').innerText.includes('is created')")
        page.keyboard.press("/")
        page.keyboard.type("jr")
        assert page.input_value("#q") == "jr", "no key does anything in a field"
        assert window.met == []
    assert len(own_office.refs("outcome:held")) == len(waiting) - 2
