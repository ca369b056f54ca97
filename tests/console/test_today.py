"""Today: what flows and what waits, of what somebody sees; the page renews itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from console.offices import Office, office
from console.test_access import ROLES, become, by_home, furnish
from servers.chromium import seat

from engine.cli.main import allegra
from engine.desk import health


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("today") / "demo") as made:
        furnish(made)
        yield made


def today(made: Office, last: str = "24h") -> Any:
    return json.loads(made.get(f"/index.json?last={last}").data)


def ribbons(told: Any) -> int:
    return sum(each["mails"] for each in told["flow"]["streams"])


def test_the_first_page_tells_of_mailboxes_numbers_the_flow_and_what_waits(quiet_office: Office) -> None:
    page, told = quiet_office.get("/").get_data(as_text=True), today(quiet_office)
    assert [tile["mailbox"] for tile in told["tiles"]] == [
        box.name for box in quiet_office.installation.config.mailboxes if box.active
    ]
    by_outcome = {name: len(quiet_office.refs(f"outcome:{name}")) for name in ("created", "held")}
    assert {each["name"]: each["mails"] for each in told["numbers"]}["new items"] == by_outcome["created"]
    assert [len(each["hours"]) for each in told["numbers"]] == [24] * 5
    assert [sum(each["hours"]) for each in told["numbers"]] == [each["mails"] for each in told["numbers"]]
    assert ribbons(told) == len(quiet_office.refs("-outcome:deferred"))
    assert "no objection" in page and "<details" in page and 'href="/held/' in page
    held = quiet_office.rows("SELECT ref FROM inbound WHERE state = 'held' ORDER BY id LIMIT 8")
    assert [row["mail"] for row in told["held"]] == [ref for (ref,) in held]


def test_a_mailbox_is_judged_as_health_judges_it(quiet_office: Office) -> None:
    ran = CliRunner().invoke(allegra, ["--config", str(quiet_office.folder / "allegra.toml"), "health", "--json"])
    theirs = {each["name"]: each["status"] for each in json.loads(ran.output)["checks"]}
    checks = today(quiet_office)["checks"]
    assert checks and {each["name"]: each["status"] for each in checks}.items() <= theirs.items()


@pytest.mark.parametrize(("status", "word"), [("warning", "late"), ("critical", "failing"), ("ok", "ok")])
def test_a_tile_says_in_a_word_and_a_sentence_how_a_mailbox_fares(
    quiet_office: Office, monkeypatch: pytest.MonkeyPatch, status: str, word: str
) -> None:
    check = health.Check("mailbox x", health.Status(status), "last read 3 h ago <b>")
    monkeypatch.setattr(health, "readable", lambda *_: check)
    monkeypatch.setattr(health, "silence", lambda *_: health.Check("s", health.Status.OK))
    page = quiet_office.get("/").get_data(as_text=True)
    assert f'<li class="tile {status}">' in page and word in page
    assert ("last read 3 h ago &lt;b&gt;" in page) == (status != "ok")


@pytest.mark.parametrize("login", ROLES)
def test_a_viewer_sees_their_numbers_only(shared: Office, login: str) -> None:
    become(shared, login)
    mine, others = by_home(shared)
    told = today(shared)
    assert ribbons(told) == (len(mine) if ROLES[login] else 0)
    assert told["tiles"] == [] or {tile["mailbox"] for tile in told["tiles"]} <= {"support"}
    assert {row["mail"] for row in told["held"]} <= ({*mine} if ROLES[login] else set())
    page = shared.get("/").get_data(as_text=True)
    assert [ref for ref in others if ref in page] == []
    assert "finance" not in page


def test_failed_answers_and_unanswered_items_wait_for_whose_they_are(own_office: Office) -> None:
    assert "Answers that failed" not in own_office.get("/").get_data(as_text=True)
    account = own_office.installation.whoever()
    with own_office.installation.store() as store, store.writing():
        store.database.run("UPDATE outbox SET state = 'failed' WHERE item IS NOT NULL AND state = 'sent'")
        store.database.run("UPDATE item SET assigned_to = ? WHERE closed_at IS NULL", account.login)
    page, told = own_office.get("/").get_data(as_text=True), today(own_office)
    assert "Answers that failed" in page and "Your unanswered items" in page
    assert told["letters"] and told["items"]
    assert len(told["letters"]) <= 8 >= len(told["items"])


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_renews_itself_each_minute_while_it_is_seen_and_the_focus_stays(
    chromium: Any, own_office: Office, own_host: str
) -> None:
    with seat(chromium, own_host) as window:
        page = window.page
        page.clock.install()
        window.go("/")
        held = own_office.refs("outcome:held")
        page.focus(f'a[href="/held/{held[0]}"]')
        page.click("summary")
        page.focus(f'a[href="/held/{held[0]}"]')
        assert page.locator("a[href^='/held/m-']").count() == len(held)
        own_office.post(f"/held/{held[1]}", act="discard", reason="spam")
        page.clock.run_for(61_000)
        page.wait_for_selector(f'a[href="/held/{held[1]}"]', state="detached")
        assert page.evaluate("document.activeElement.getAttribute('href')") == f"/held/{held[0]}"
        assert page.evaluate("document.querySelector('.as-table').open") is True
        assert window.met == []


def test_without_scripts_the_page_says_the_same(chromium: Any, quiet_office: Office, quiet_host: str) -> None:
    with seat(chromium, quiet_host, scripts=False) as window:
        window.go("/")
        assert window.page.locator("svg a").count() > 5
        window.page.click("text=as a table")
        assert window.page.locator(".numbers table").first.is_visible()
        window.page.click("text=7d")
        assert "last=7d" in window.page.url
        assert window.met == []
