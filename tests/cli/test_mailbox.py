"""`allegra mailbox` on a real Dovecot, with the mailbox of the system and one of a workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli.main import allegra

MAIL = (
    b"From: Anna <anna@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Message-ID: <1@example.com>\r\n\r\nHello\r\n"
)


def mailbox_table(head, account, **options):
    server = account.server
    lines = {"protocol": '"imap"', "host": f'"{server.host}"', "port": server.imaps, "ca_file": f'"{server.ca_file}"'}
    lines |= {"username": f'"{account.user}"', "password_env": '"TEST_PASSWORD"', **options}
    return f"[{head}]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())


@pytest.fixture
def accounts(dovecot):
    return dovecot.account(), dovecot.account()


@pytest.fixture
def run(tmp_path, accounts, monkeypatch) -> Callable[..., Result]:
    """Run `allegra mailbox …` with two mailboxes: system and support."""
    system, support = accounts
    monkeypatch.setenv("TEST_PASSWORD", system.password)
    text = (
        'schema = 1\n[system]\ndefault_workspace = "support"\n'
        + mailbox_table("system.mailbox", system, move_on_success='"Done"')
        + '[workspace.support]\nname = "Support"\n'
        + mailbox_table("workspace.support.mailbox", support)
    )
    file = Path(tmp_path / "allegra.toml")
    file.write_text(text)
    return lambda *words: CliRunner().invoke(allegra, ["--config", str(file), "mailbox", *words])


def told(result: Result) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(line.pop("schema") == "allegra.mailbox/1" for line in lines)
    return lines


def test_F012_list_shows_every_mailbox_and_how_it_fares(run):
    assert [(row["mailbox"], row["state"]) for row in told(run("list", "--json"))] == [
        ("system", "never read"),
        ("support", "never read"),
    ]
    assert run("pause", "support", "--reason", "moving house").exit_code == 0
    rows = told(run("list", "--json"))
    assert (rows[1]["state"], rows[1]["sentence"]) == ("paused", "moving house")
    assert run("resume", "support").exit_code == 0
    assert told(run("list", "--json"))[1]["state"] == "never read"
    assert "localhost" in run("list").stdout


def test_F014_test_logs_in_everywhere(run):
    result = run("test")
    assert result.exit_code == 0, result.output
    assert "system  localhost  works" in result.stdout
    assert "TLSv1." in result.stdout
    assert [row["ok"] for row in told(run("test", "--json"))] == [True, True]


def test_a_mailbox_that_fails_does_not_hide_the_others(run, accounts, monkeypatch, tmp_path):
    file = tmp_path / "allegra.toml"
    file.write_text(file.read_text().replace('"TEST_PASSWORD"', '"OTHER_PASSWORD"', 1))
    monkeypatch.setenv("OTHER_PASSWORD", "canary-wrong")
    result = run("test", "--json")
    assert result.exit_code == 69
    assert [(row["mailbox"], row["ok"]) for row in told(result)] == [("system", False), ("support", True)]
    assert told(result)[0]["code"] == "source.login_refused"
    assert "canary" not in result.output


def test_F014_peek_shows_mails_and_whether_they_were_read_in(run, accounts):
    accounts[0].deliver(MAIL)
    (row,) = told(run("peek", "system", "--json"))
    assert (row["state"], row["from"], row["subject"]) == ("new", "anna@example.com", "Grüße")
    assert "Grüße" in run("peek", "system").stdout
    assert run("reconcile", "system", "--commit").exit_code == 0
    assert told(run("peek", "system", "--json"))[0]["state"] == "read in"
    assert accounts[0].flags() == [""]


def test_F007_folders_are_listed(run, accounts):
    accounts[0].doveadm("mailbox", "create", "Allegra/Done")
    assert "Allegra/Done" in run("folders", "system").stdout.splitlines()


def test_reconcile_finds_what_the_ledger_lost_and_takes_it_in_once(run, accounts):
    accounts[0].deliver(MAIL, MAIL.replace(b"<1@", b"<2@"), folder="Done")
    rehearsed = told(run("reconcile", "system", "--folder", "Done", "--json"))[0]
    assert (rehearsed["on_server"], rehearsed["missing"], rehearsed["committed"]) == (2, 2, False)
    assert told(run("reconcile", "system", "--folder", "Done", "--commit", "--json"))[0]["missing"] == 2
    assert told(run("reconcile", "system", "--folder", "Done", "--commit", "--json"))[0]["missing"] == 0
    assert len(accounts[0].mails("Done")) == 2


@pytest.mark.parametrize("words", [("peek", "nobody"), ("folders", "nobody"), ("pause", "nobody"), ("test", "nobody")])
def test_a_mailbox_that_is_not_there_is_a_usage_error(run, words):
    result = run(*words)
    assert result.exit_code in (2, 64)
    assert "there is no mailbox 'nobody'; there are: system, support" in result.output
