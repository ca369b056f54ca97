"""`allegra outbox` as a person types it, and what `allegra run` says while the way out is closed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import databases
import pytest
from click.testing import CliRunner, Result
from deciding import CONFIG
from posted import of, row

from engine.cli import outbox as face
from engine.cli.main import allegra
from engine.store.store import Store


class Installation:
    """A folder with a configuration and a database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("cur", "new", "tmp"):
            (folder / "mail" / name).mkdir(parents=True)
        self.sends("transport = 'maildir'\npath = 'out'")

    def sends(self, lines: str) -> None:
        smtp = f"[smtp]\nfrom = 'help@example.com'\n{lines}\n" if lines else ""
        databases.configured(self.folder, CONFIG + smtp)

    def __call__(self, *words: str) -> Result:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return CliRunner().invoke(allegra, words, catch_exceptions=False)
        finally:
            os.chdir(before)

    def store(self) -> Store:
        return Store.open(databases.place(self.folder / databases.FILE))

    def lines(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*words, "--json").stdout.splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    assert made("db", "migrate").exit_code == 0
    return made


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


@pytest.fixture
def rows(run: Installation) -> dict[str, int]:
    with run.store() as store, store.writing():
        return {
            "queued": row(store, "answer", "jane@example.com", "item.answered", at=ago(hours=2)),
            "failed": row(
                store, "notice", "kim@example.com", state="failed", error="550 5.1.1 no such user", at=ago(days=3)
            ),
            "suppressed": row(store, "auto", "lee@example.com", state="suppressed", why="loop", error="3 equal mails"),
            "unknown": row(store, "auto", "max@example.com", state="unknown", at=ago(minutes=5)),
        }


@pytest.fixture
def at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("engine.cli.outbox", "engine.cli.shown"):
        monkeypatch.setattr(f"{module}.terminal_columns", lambda: 80)


def test_list_shows_what_is_not_over_with_its_reason(run: Installation, rows: dict[str, int]) -> None:
    result = run("outbox", "list")
    assert result.exit_code == 0
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["ID", "STATE", "CLASS", "TO", "EVENT", "ABOUT", "WHEN", "WHY"]
    assert [line.split()[0] for line in lines] == [str(rows[name]) for name in ("unknown", "failed", "queued")]
    assert lines[1].endswith("550 5.1.1 no such user") and "3 days" in lines[1]
    assert "loop" not in result.stdout
    assert "this looks like a loop: 3 equal mails" in run("outbox", "list", "--all").stdout
    assert len(run.lines("outbox", "list", "state:suppressed")) == 1


@pytest.mark.usefixtures("at_80_columns")
def test_a_list_fits_80_columns_with_the_reason_on_a_line_below(run: Installation) -> None:
    with run.store() as store, store.writing():
        for n, state in enumerate(("suppressed", "queued", "bounced")):
            row(
                store, "webhook" if n == 1 else "answer", f"somebody.with.a.long.name{n}@a-long-domain.example",
                "item.commented", state=state, why="loop" if n == 0 else "", at=ago(days=100), id=1_000_000 + n,
                error="smtp.example.com said something long " * 5,
            )  # fmt: skip
    result = run("outbox", "list", "--all")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["ID", "STATE", "CLASS", "TO", "EVENT", "ABOUT", "WHEN"]
    assert [line.startswith("    ") for line in lines[1:]] == [False, True] * 3


def test_the_closing_line_names_the_server_that_is_away(run: Installation, rows: dict[str, int], sink: Any) -> None:
    gone = sink()
    gone.close()
    run.sends(f"host = '127.0.0.1'\nport = {gone.port}\nssl = false")
    assert "away since" not in run("outbox", "list").stderr, "nobody tried"
    assert run("outbox", "run").exit_code == 69
    databases.change(databases.place(run.folder / databases.FILE), "UPDATE trouble SET since = since - 7200000000")
    said = run("outbox", "list").stderr
    assert said.startswith("1 waits for 127.0.0.1, away since ")
    assert said.endswith("(2 h)   → allegra check --online, allegra outbox run\n")
    assert "connection refused" in run("outbox", "list", "state:queued").stdout.lower()


def test_show_tells_all_of_a_row_and_raw_gives_the_mail(run: Installation, rows: dict[str, int]) -> None:
    said = run("outbox", "show", str(rows["suppressed"])).stdout
    assert "this looks like a loop: 3 equal mails" in said and "lee@example.com" in said
    raw = run("outbox", "show", str(rows["queued"]), "--raw").stdout
    assert "To: jane@example.com" in raw
    (data,) = run.lines("outbox", "show", str(rows["failed"]))
    assert (data["schema"], data["state"], data["said"]) == ("allegra.outbox/1", "failed", "550 5.1.1 no such user")


def test_retry_hold_and_drop_say_what_they_did(run: Installation, rows: dict[str, int]) -> None:
    assert run("outbox", "hold", str(rows["queued"])).stdout.startswith(f"{rows['queued']}  held   jane@example.com")
    assert run("outbox", "retry", str(rows["queued"]), str(rows["failed"])).exit_code == 0
    assert run("outbox", "drop", str(rows["failed"]), "--reason", "she phoned").exit_code == 0
    assert run("outbox", "retry", "--force", "--all-matching", "to:max@example.com").exit_code == 0
    with run.store() as store:
        assert [of(store, rows[name]) for name in ("queued", "failed", "unknown")] == ["queued", "dropped", "queued"]
    assert [line["done"] for line in run.lines("outbox", "hold", "--all-matching", "class:answer")] == ["held"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "999"), 1, "the outbox has no row 999"),
        (("retry", "999"), 1, "the outbox has no row 999"),
        (("retry", "{unknown}"), 1, "may have gone out: --force sends it again"),
        (("retry", "{suppressed}"), 1, "was not sent on purpose (this looks like a loop"),
        (("hold", "{failed}"), 1, "is failed: only what is queued can be held"),
        (("retry", "--all-matching", "item:4"), 1, "no row of the outbox that may be sent again"),
        (("clear", "jane@example.com"), 1, "nothing is known against jane@example.com"),
        (("list", "colour:red"), 64, 'there is no search word "colour:"'),
        (("list", "printer"), 64, 'what is "printer"'),
        (("retry", "--all-matching", "state:lost"), 64, "there is no state 'lost'"),
        (("retry",), 64, "name a row"),
        (("drop", "{queued}"), 64, "--reason"),
        (("drop", "{queued}", "--reason", " "), 64, "say why"),
        (("show", "x"), 64, "not a valid integer"),
    ],
)
def test_an_error_is_a_sentence_with_an_exit_code(
    run: Installation, rows: dict[str, int], words: tuple[str, ...], code: int, said: str
) -> None:
    result = run("outbox", *(word.format(**rows) for word in words))
    assert said in result.stderr
    assert result.exit_code in ((code,) if code == 1 else (64, 2)), "64 by main()"


def test_addresses_are_listed_and_cleared(run: Installation) -> None:
    assert run("outbox", "addresses").stderr == "every address takes mail\n"
    with run.store() as store, store.writing():
        store.database.run(
            "INSERT INTO address_state VALUES ('gone@x.example', 3, '550 5.1.1 no such user', ?)", 10**15
        )
    assert "suspended" in run("outbox", "addresses").stdout
    (data,) = run.lines("outbox", "addresses")
    assert (data["address"], data["state"], data["failures"]) == ("gone@x.example", "suspended", 3)
    assert run("outbox", "clear", "gone@x.example").stdout == "gone@x.example: mail goes there again\n"
    assert run.lines("outbox", "addresses") == []


def test_run_sends_now_and_reads_no_mail(run: Installation, rows: dict[str, int]) -> None:
    (run.folder / "mail" / "new" / "1").write_bytes(b"From: a@example.com\n\nhello\n")
    assert run("outbox", "run").stdout == "1 sent\n"
    assert len(list((run.folder / "out" / "new").iterdir())) == 1 and run("mail", "list").stdout == ""
    (data,) = run.lines("outbox", "run")
    assert (data["sent"], data["waiting"], data["away"]) == (0, 0, "")


def test_run_takes_a_limit_and_says_what_is_left(run: Installation) -> None:
    with run.store() as store, store.writing():
        for n in range(5):
            row(store, to=f"{n}@example.com")
    assert run("outbox", "run", "--limit", "2").stdout == "2 sent, 3 left\n"


def test_run_without_a_way_out_is_refused(run: Installation) -> None:
    run.sends("")
    result = run("outbox", "run")
    assert result.exit_code == 1 and "[smtp]" in result.stderr


# ── allegra run ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def away(run: Installation, rows: dict[str, int], sink: Any) -> Callable[[], None]:
    """Close the way out; what is called opens it again."""
    gone = sink()
    gone.close()
    run.sends(f"host = '127.0.0.1'\nport = {gone.port}\nssl = false")

    def open_again() -> None:
        run.sends(f"host = '127.0.0.1'\nport = {sink().port}\nssl = false")

    return open_again


def an_hour_passes(run: Installation) -> None:
    back = "UPDATE trouble SET told_at = told_at - 3600000000, since = since - 3600000000"
    databases.change(databases.place(run.folder / databases.FILE), back)


def test_while_the_server_is_away_every_pass_ends_with_69_and_one_an_hour_says_so(
    run: Installation, away: Callable[[], None]
) -> None:
    said = []
    for _ in range(3):
        for _ in range(4):
            result = run("run")
            assert result.exit_code == 69 and result.stdout == ""
            said.append(result.stderr)
        an_hour_passes(run)
    assert [bool(each) for each in said] == [True, False, False, False] * 3
    assert said[0].startswith("1 mail waits for 127.0.0.1, away since ") and "cannot send by" in said[0]
    assert "(2 h)" in said[8]
    away()
    assert (run("run").exit_code, run("run").stderr) == (0, "")
    with run.store() as store:
        assert store.troubles.find("smtp") is None and store.outbox.queued().rows == 0


def test_on_a_terminal_trouble_is_told_always(
    run: Installation, away: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("run").stderr
    monkeypatch.setattr("engine.cli.reminders.sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))
    assert run("run").stderr and run("run").stderr


def test_a_pass_tells_of_the_outbox_as_json(run: Installation, away: Callable[[], None]) -> None:
    (summary,) = run.lines("run")
    told = summary["outbox"]
    assert (told["sent"], told["waiting"]) == (0, 1) and 7100 < told["oldest_s"] < 7300
    assert "cannot send by 127.0.0.1" in told["away"]
    away()
    (summary,) = run.lines("run")
    assert summary["outbox"] == {"sent": 1, "waiting": 0, "oldest_s": 0, "away": None, "replaced": []}


def test_a_broad_terminal_has_the_reason_on_the_line(
    run: Installation, rows: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("engine.cli.outbox", "engine.cli.shown"):
        monkeypatch.setattr(f"{module}.terminal_columns", lambda: face.BROAD)
    lines = run("outbox", "list").stdout.splitlines()
    assert len(lines) == 4 and max(map(len, lines)) <= face.BROAD
