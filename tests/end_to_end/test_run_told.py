"""What `allegra run` says to a person, and what to cron."""

from __future__ import annotations

from typing import Any

import databases
import pytest

AWAY = '[workspace.finance.mailbox]\nhost = "imap.invalid"\nusername = "x"\npassword_env = "NONE"\n'


@pytest.fixture
def watched(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A desk whose standard output is a terminal."""
    monkeypatch.setattr("engine.cli.run.is_terminal", lambda: True)
    return desk


def test_a_person_sees_a_line_a_mailbox_the_sums_and_what_is_held(watched: Any) -> None:
    watched.mail("Printer broken")
    watched.mail("Hello", sender="max@elsewhere.example")
    told = watched.allegra("run")
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0].startswith("system   ") and lines[0].endswith("   2 new")
    assert lines[1].startswith("support  ") and lines[1].endswith("   0 new")
    assert lines[3].startswith("2 mails in ")
    assert lines[3].endswith("1 created · 0 comments · 1 held · 0 rejected · 0 discarded · 0 errors")
    assert lines[4].startswith(" HELD  m-")
    assert lines[4].endswith('max@elsewhere.example   "Hello"')
    assert lines[5] == "       gate.unknown_sender: max@elsewhere.example is not known here"
    assert told.stderr == ""


def test_one_mail_is_no_mails(watched: Any) -> None:
    watched.mail()
    assert "\n1 mail in " in watched.allegra("run").stdout


def test_a_mailbox_that_is_away_is_told_once_and_ends_in_69(watched: Any) -> None:
    watched.configure(more=AWAY)
    watched.mail()
    told = watched.allegra("run")
    assert told.exit_code == 69
    assert "–      the environment variable NONE (password_env) is not set" in told.stdout
    assert told.stdout.endswith("1 mailbox unavailable: finance   → exit 69\n")
    assert told.output.count("NONE") == 1


def test_cron_hears_of_a_mailbox_that_is_away_and_nothing_else(desk: Any) -> None:
    desk.configure(more=AWAY)
    desk.mail()
    told = desk.allegra("run")
    assert told.stdout == ""
    assert told.stderr == "mailbox finance: the environment variable NONE (password_env) is not set\n"


def test_quiet_is_as_silent_on_a_terminal_as_under_cron(watched: Any) -> None:
    watched.mail()
    for words in (("run", "--quiet"), ("-q", "run"), ("run", "-q")):
        assert watched.allegra(*words).output == ""


def test_mail_that_waited_and_a_paused_mailbox_are_said_to_be_so(watched: Any) -> None:
    watched.mail(sender="max@elsewhere.example")
    watched.allegra("run", "-q")
    watched.allegra("mail", "retry", "last")
    watched.allegra("mailbox", "pause", "support", "--reason", "the server moves")
    told = watched.allegra("run").stdout
    assert "0 new, 1 that waited" in told
    assert "–      paused: the server moves" in told


def test_a_dry_run_lists_every_mail_under_a_head(watched: Any) -> None:
    watched.mail("Printer broken")
    told = watched.allegra("run", "--dry-run").stdout
    assert " MAIL     FROM " in told
    assert "Printer broken" in told
    assert told.endswith("dry run: nothing was kept, the server heard nothing\n")


def test_a_dry_run_gives_no_numbers_to_items_it_takes_back(watched: Any) -> None:
    watched.mail("There already")
    watched.run()
    first = watched.mail("Printer broken")
    watched.mail("Re: Printer broken", headers=[f"In-Reply-To: {first}"])
    watched.mail("Scanner broken", box="support")
    watched.mail("Re: There already", headers=["In-Reply-To: <test.1@example.com>"])
    for _ in range(2):
        told = watched.allegra("run", "--dry-run").stdout.splitlines()
        rows = {
            line[39:60].strip(): " ".join(line[78:].split()).partition(" (")[0]
            for line in told
            if line.startswith(" m-")
        }
        assert rows == {
            "Printer broken": "created support new 1",
            "Re: Printer broken": "comment support new 1",
            "Re: There already": "comment support #1",
            "Scanner broken": "created support new 2",
        }
    lines = watched.run("--dry-run")
    numbers = {line["subject"]: line["item"] for line in lines}
    new, other = numbers["Printer broken"], numbers["Scanner broken"]
    assert numbers["Re: There already"] == 1 and numbers["Re: Printer broken"] == new
    assert 1 < new < other
    assert (new, other) == (2, 3) or databases.ON_SERVER, "a server gives a number once, also to what is taken back"


def test_the_demo_has_fixtures_for_its_scripts_and_they_pass(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from engine.cli.main import allegra

    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(allegra, ["demo"], catch_exceptions=False).exit_code == 0
    monkeypatch.chdir(tmp_path / "allegra-demo")
    told = CliRunner().invoke(allegra, ["hooks", "test"], catch_exceptions=False)
    assert "5 passed, 0 failed" in told.output


def test_a_dry_run_tells_in_a_pipe_too(desk: Any) -> None:
    desk.mail("Printer")
    told = desk.allegra("run", "--dry-run")
    assert told.exit_code == 0 and "Printer" in told.stdout
    assert told.stdout.endswith("dry run: nothing was kept, the server heard nothing\n")
    assert desk.allegra("-q", "run", "--dry-run").stdout == ""


def test_a_list_that_stops_says_so(desk: Any) -> None:
    for number in range(3):
        desk.mail(f"Printer {number}")
    desk.run()
    cut = desk.allegra("mail", "list", "--limit", "2")
    assert len(cut.stdout.splitlines()) == 3 and cut.stderr == "these are the newest 2; --limit lists more\n"
    assert desk.allegra("mail", "list", "--limit", "3").stderr == ""
    assert len(desk.lines("mail", "list", "--limit", "2")) == 2


def test_cron_hears_of_a_template_that_failed_although_no_mail_came(desk: Any, post: Any) -> None:
    post.configure(more="max_per_run = 0\n")
    desk.mail("Printer broken")
    assert desk.allegra("run").output == ""
    (desk.folder / "templates").mkdir()
    (desk.folder / "templates" / "ack.en.txt").write_text("Subject: Got it\n\n{{ nobody.knows.this }}\n")
    post.configure()
    told = desk.allegra("run")
    assert told.stdout == "" and "the built-in text went out in its place" in told.stderr
    assert desk.allegra("run").output == ""
