"""Today and Statistics: what flows, what waits, as pictures and as numbers, of what somebody sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from console.offices import HOSTILE, Office, office
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
    for show in ("Mail", "Rules", "People"):
        text = shared.get(f"/stats?show={show}").get_data(as_text=True)
        assert "finance" not in text and "system.toml" not in text
        pictures = {each["name"]: each for each in json.loads(shared.get(f"/stats.json?show={show}").data)["pictures"]}
        assert not {"proof", "senders"} & {*pictures}, "senders are counted of all mail"
        if show == "Mail":
            total = sum(value for row in pictures["outcomes"]["rows"] for value in row["values"])
            assert total == (len(mine) if ROLES[login] else 0)


def test_failed_answers_and_unanswered_items_wait_for_whose_they_are(own_office: Office) -> None:
    assert "Answers that failed" not in own_office.get("/").get_data(as_text=True)
    account = own_office.installation.whoever()
    with own_office.installation.store() as store, store.writing():
        store.database.run("UPDATE outbox SET state = 'failed' WHERE item IS NOT NULL AND state = 'sent'")
        store.database.run("UPDATE item SET assigned_to = ? WHERE closed_at IS NULL", account.login)
    page, told = own_office.get("/").get_data(as_text=True), today(own_office)
    assert "Answers that failed" in page and "Yours, unanswered" in page
    assert told["letters"] and told["items"]
    assert len(told["letters"]) <= 8 >= len(told["items"])


def test_statistics_have_their_pictures_with_tables_of_the_same_numbers(quiet_office: Office) -> None:
    for show, names in (("Mail", ["outcomes", "reasons", "hours"]), ("Rules", ["rules"]),
                        ("People", ["proof", "senders", "sent"])):  # fmt: skip
        page = quiet_office.get(f"/stats?show={show}&last=7d").get_data(as_text=True)
        told = json.loads(quiet_office.get(f"/stats.json?show={show}&last=7d").data)
        assert [each["name"] for each in told["pictures"]] == names
        assert re.findall(r'<figure class="pic" id="(\w+)">', page) == names
        for each in told["pictures"]:
            for row in each["rows"]:
                assert len(row["values"]) == len(each["kinds"])
    assert quiet_office.get("/stats?last=x&show=y").status_code == 200, "what is unknown is as if it were not said"


def test_files_show_what_pages_show_but_for_links(quiet_office: Office, tmp_path: Path) -> None:
    args = [
        "--config",
        str(quiet_office.folder / "allegra.toml"),
        "stats",
        "--last",
        "30d",
        "--svg",
        str(tmp_path / "a"),
    ]
    ran = CliRunner().invoke(allegra, args)
    files = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "a").iterdir()}
    assert [line.split()[0] for line in ran.output.splitlines()] == [
        str(tmp_path / "a" / f"{name}.svg") for name in files if name
    ] or {Path(line.split()[0]).stem for line in ran.output.splitlines()} == {*files}
    pages = "".join(quiet_office.get(address).get_data(as_text=True) for address in (
        "/?last=30d", "/stats?show=Mail&last=30d", "/stats?show=Rules&last=30d", "/stats?show=People&last=30d"))  # fmt: skip
    drawn = re.findall(r'<svg [^>]*role="(?:group|img)" aria-label="[^"]*">(?!<title>)(.*?)</svg>', pages, re.DOTALL)
    assert sorted(map(marks, drawn)) == sorted(map(marks, files.values()))
    assert "<a " not in "".join(files.values())


def marks(drawn: str) -> list[str]:
    """The shapes and texts of a picture, without links, style and ground."""
    bare = re.sub(r"<style>.*?</style>|<title>.*?</title>|</?a\b[^>]*>|</(rect|path)>", "", drawn, flags=re.DOTALL)
    return [each.rstrip("/>") for each in re.findall(r"<(?:rect class|path|text)[^>]*>?", bare)]


def test_pictures_are_told_as_json_and_a_folder_that_cannot_be_written_is_an_error(
    quiet_office: Office, tmp_path: Path
) -> None:
    args = ["--config", str(quiet_office.folder / "allegra.toml"), "stats", "--svg"]
    told = [
        json.loads(line) for line in CliRunner().invoke(allegra, [*args, str(tmp_path), "--json"]).output.splitlines()
    ]
    assert [each["picture"] for each in told][:2] == ["flow", "outcomes"] and Path(told[0]["file"]).exists()
    (tmp_path / "file").write_text("")
    ran = CliRunner().invoke(allegra, [*args, str(tmp_path / "file" / "x")])
    assert ran.exit_code == 1 and "cannot be written" in ran.output


def test_strangers_words_in_pictures_are_text(quiet_office: Office) -> None:
    assert any("<script" in each for each in HOSTILE)
    for address in ("/", "/stats?show=People", "/stats?show=Rules"):
        page = quiet_office.get(address).get_data(as_text=True)
        assert page.count("<script") == 1 and " on" not in re.sub(r">[^<]*<", "><", page).replace(" onto", "")


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
