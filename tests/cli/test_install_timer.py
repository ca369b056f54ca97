"""`allegra install-timer`: below another root, so that nothing of this machine changes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import allegra

UNITS = "etc/systemd/system"
CONFIG = """schema = 1
[system]
default_workspace = "support"
[system.mailbox]
host = "imap.example.com"
username = "help@example.com"
password_env = "THE_PASSWORD"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
{more}
"""


class Machine:
    """A root of its own with an allegra.toml."""

    def __init__(self, base: Path) -> None:
        self.base, self.root, self.config = base, base / "root", base / "desk" / "allegra.toml"
        self.config.parent.mkdir()
        self.configure()

    def configure(self, more: str = "") -> None:
        self.config.write_text(CONFIG.format(more=more))

    def __call__(self, *words: str, root: bool = True) -> Any:
        at = ["--root", str(self.root)] if root else []
        program = "/opt/allegra/bin/allegra" if root else str(self.program())
        start = [] if "--remove" in words else ["--program", program]
        command = ["--config", str(self.config), "install-timer", *start, *at, *words]
        return CliRunner().invoke(allegra, command, catch_exceptions=False)

    def program(self) -> Path:
        """A program that is there."""
        path = self.base / "allegra"
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return path

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture(autouse=True)
def _no_command_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens, no test talks to the service manager of this machine or makes an account."""

    def refuse(words: Any) -> None:
        raise AssertionError(f"a test would have run {words}")

    monkeypatch.setattr("engine.service.installing.run", refuse)


def test_F015_the_timer_is_put_in_place_and_twice_changes_nothing(machine: Machine) -> None:
    first = machine()
    assert first.exit_code == 0, first.output
    assert machine.files() == [f"{UNITS}/allegra.service", f"{UNITS}/allegra.timer"]
    text = (machine.root / UNITS / "allegra.service").read_text()
    assert f"ReadWritePaths={machine.config.parent}/var" in text and "User=allegra" in text
    assert machine().stdout.count("left as it was") == 2


def test_what_is_printed_has_its_name_and_nothing_is_written(machine: Machine) -> None:
    told = machine("--print", "--lmtp", "--mta", "postfix", root=False)
    assert told.exit_code == 0 and not machine.root.exists()
    heads = [line.removeprefix("# ── ") for line in told.stdout.splitlines() if line.startswith("# ── ")]
    assert heads == [
        "/etc/systemd/system/allegra.service", "/etc/systemd/system/allegra.timer",
        "/etc/systemd/system/allegra-lmtp.socket", "/etc/systemd/system/allegra-lmtp.service",
        "for /etc/postfix/master.cf", "for /etc/postfix/transport", "for /etc/postfix/main.cf",
    ]  # fmt: skip


def test_the_web_console_is_a_unit_of_its_own_and_goes_with_the_others(machine: Machine) -> None:
    told = machine("--print", "--console", root=False)
    assert "/etc/systemd/system/allegra-console.service" in told.stdout
    assert machine("--console").exit_code == 0
    assert f"{UNITS}/allegra-console.service" in machine.files()
    assert machine("--remove").exit_code == 0 and machine.files() == []


def test_the_service_that_watches_takes_the_timer_away(machine: Machine) -> None:
    machine()
    told = machine("--watch")
    assert machine.files() == [f"{UNITS}/allegra-watch.service"] and told.stdout.count("removed ") == 2


def test_a_worker_is_for_a_database_on_a_server_and_takes_the_timer_away(machine: Machine) -> None:
    machine()
    told = machine("--worker")
    assert told.exit_code == 64 or told.exit_code == 2
    assert "workers share a database on a server, and this one is a file" in told.stderr
    machine.configure('[store]\ndriver = "postgresql"\nurl_env = "ALLEGRA_DATABASE_URL"')
    told = machine("--worker")
    assert machine.files() == [f"{UNITS}/allegra-worker.service"] and told.stdout.count("removed ") == 2
    assert "status allegra-worker.service" in machine("--worker").stdout or told.exit_code == 0
    assert machine("--remove").exit_code == 0 and machine.files() == []


def test_a_file_that_somebody_changed_is_left_alone_and_shown(machine: Machine) -> None:
    machine()
    unit = machine.root / UNITS / "allegra.service"
    unit.write_text(unit.read_text().replace("UMask=0077", "UMask=0022"))
    told = machine("--every", "5 min")
    assert told.exit_code == 1 and "-UMask=0022" in told.stderr and "somebody wrote or changed" in told.stderr
    assert "120s" in (machine.root / UNITS / "allegra.timer").read_text(), "nothing else was written either"
    assert machine("--remove").exit_code == 1 and unit.exists()
    assert machine("--watch").exit_code == 1 and unit.exists()
    assert machine("--every", "5 min", "--force").exit_code == 0 and "UMask=0077" in unit.read_text()


def test_it_is_taken_away_and_the_data_stays(machine: Machine) -> None:
    machine("--mta", "exim")
    assert "usr/local/bin/allegra-deliver" in machine.files()
    told = machine("--remove")
    assert told.exit_code == 0 and machine.files() == [] and machine.config.exists()
    assert "are still there" in told.stdout
    again = machine("--remove")
    assert again.exit_code == 1 and "nothing of it is installed" in again.stderr


def test_a_dry_run_shows_the_difference_and_does_nothing(machine: Machine) -> None:
    told = machine("--dry-run")
    assert told.exit_code == 0 and "would have written" in told.stdout and not machine.root.exists()
    machine()
    told = machine("--dry-run", "--every", "10 min")
    assert "+OnUnitActiveSec=600s" in told.stdout
    assert "120s" in (machine.root / UNITS / "allegra.timer").read_text()


def test_programs_read_what_was_done(machine: Machine) -> None:
    told = json.loads(machine("--json").stdout)
    assert told["schema"] == "allegra.install-timer/1" and len(told["did"]) == 2 and not told["dry_run"]


@pytest.mark.parametrize("said", ["soon", "1 s", "2 days", ""])
def test_a_time_that_is_none_is_refused(machine: Machine, said: str) -> None:
    assert machine("--every", said).exit_code == 2 and not machine.root.exists()


@pytest.mark.parametrize("said", ["imap", "imap=relative", "a b=/x", "=/x"])
def test_a_credential_is_a_name_and_a_whole_path(machine: Machine, said: str) -> None:
    assert machine("--credential", said).exit_code == 2


@pytest.mark.parametrize("name", ["root\nUser=x", "-x", "", "Anna Berg"])
def test_an_account_is_called_as_accounts_are(machine: Machine, name: str) -> None:
    assert machine("--account", name).exit_code == 2


def test_root_is_no_account_for_it_and_a_folder_of_its_own_is_asked_for(machine: Machine) -> None:
    told = machine("--dry-run", "--account", "root", root=False)
    assert told.exit_code == 1 and "choose an account of its own" in told.stderr


def test_a_credential_reaches_the_unit(machine: Machine) -> None:
    machine("--credential", "imap=/etc/allegra/imap")
    assert "LoadCredential=imap:/etc/allegra/imap\n" in (machine.root / UNITS / "allegra.service").read_text()


def test_the_line_for_cron_is_all_that_is_printed(machine: Machine) -> None:
    told = machine("--cron", "--every", "5 min", root=False)
    command = f"cd {machine.config.parent} && {machine.program()} --config {machine.config} run --wait 30"
    assert told.stdout == f"*/5 * * * *  allegra  {command}\n" and not machine.root.exists()
    said = json.loads(machine("--cron", "--every", "5 min", "--json", root=False).stdout)
    assert said == {"schema": "allegra.install-timer/1", "cron": told.stdout.rstrip()}


def test_programs_read_what_would_be_written(machine: Machine) -> None:
    texts = json.loads(machine("--print", "--json", "--mta", "exim", root=False).stdout)["files"]
    assert texts["/etc/systemd/system/allegra.timer"].endswith("[Install]\nWantedBy=timers.target\n")
    assert "local_parts = help\n" in next(text for name, text in texts.items() if "routers" in name)


@pytest.mark.parametrize(
    "words",
    ["--cron --print", "--cron --dry-run", "--cron --remove", "--cron --watch", "--cron --lmtp", "--cron --mta postfix",
     "--cron --credential a=/b", "--cron --root /x", "--cron --force", "--print --remove", "--print --dry-run",
     "--print --force", "--remove --watch", "--remove --lmtp", "--remove --mta exim", "--remove --credential a=/b",
     "--remove --every 5min", "--remove --program /x", "--user --account anna", "--watch --every 5min",
     "--worker --every 5min", "--worker --watch", "--cron --worker", "--remove --worker"],
)  # fmt: skip
def test_an_option_that_does_nothing_beside_another_one_is_refused(machine: Machine, words: str) -> None:
    told = CliRunner().invoke(allegra, ["--config", str(machine.config), "install-timer", *words.split()])
    ruling, idle = [each for each in words.split() if each.startswith("--")]
    assert told.exit_code == 2 and told.stdout == "" and f"{idle} does nothing with {ruling}\n" in told.stderr


def test_a_time_that_cron_cannot_keep_is_refused_with_those_beside_it(machine: Machine) -> None:
    told = machine("--cron", "--every", "45 min", root=False)
    assert told.exit_code == 2 and told.stdout == ""
    assert "--every: cron cannot keep 45 min evenly: write 30 min or 1 hour" in told.stderr


@pytest.mark.parametrize("how", ["--cron", "--print", "--dry-run", "--user"])
def test_a_program_that_is_not_there_is_refused(machine: Machine, how: str) -> None:
    words = ["--config", str(machine.config), "install-timer", "--program", str(machine.base / "none"), how]
    told = CliRunner().invoke(allegra, words)
    assert told.exit_code == 2 and "there is no program" in told.stderr and "--program" in told.stderr


def test_a_mail_server_hands_nothing_to_units_of_a_person(machine: Machine) -> None:
    told = machine("--user", "--mta", "postfix", "--dry-run")
    assert told.exit_code == 2 and "--mta needs an account" in told.stderr


def test_units_of_a_person_go_below_another_root_as_well(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(machine.base / "xdg"))
    assert machine("--user").exit_code == 0 and not (machine.base / "xdg").exists()
    folder = f"{machine.base}/xdg/systemd/user".removeprefix("/")
    assert machine.files() == [f"{folder}/allegra.service", f"{folder}/allegra.timer"]
    monkeypatch.setenv("XDG_CONFIG_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(machine.base / "home"))
    assert f"{machine.base}/home/.config/systemd/user/allegra.timer" in machine("--user", "--dry-run").stdout
    assert machine("--user", "--remove").exit_code == 1, "there is nothing below that home"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(machine.base / "xdg"))
    assert machine("--user", "--remove").exit_code == 0 and machine.files() == []


def test_a_configuration_that_does_not_load_is_told_first(machine: Machine) -> None:
    machine.config.write_text("schema = 1\nnonsense = 1\n")
    assert machine("--print").exit_code == 78


def test_units_of_a_person_go_to_their_folder(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(machine.base / "xdg"))
    monkeypatch.setattr("engine.service.installing.systemd_runs", lambda: False)
    told = machine("--user", root=False)
    assert told.exit_code == 0 and (machine.base / "xdg/systemd/user/allegra.timer").exists()
    assert "systemctl --user enable --now allegra.timer" in told.stdout and "enable-linger" in told.stdout
    assert f"write  THE_PASSWORD=…  into {machine.config.parent / 'environment'}" in told.stdout
    (machine.config.parent / "environment").write_text("THE_PASSWORD=x\n")
    assert "THE_PASSWORD" not in machine("--user", root=False).stdout


def test_units_need_the_url_of_a_database_on_a_server_too(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(machine.base / "xdg"))
    monkeypatch.setattr("engine.service.installing.systemd_runs", lambda: False)
    machine.configure('[store]\ndriver = "postgresql"\nreplica_url_env = "THE_COPY"\n')
    told, environment = machine("--user", root=False), machine.config.parent / "environment"
    for name in ("THE_PASSWORD", "ALLEGRA_DATABASE_URL", "THE_COPY"):
        assert f"write  {name}=…  into {environment}" in told.stdout
    environment.write_text("THE_PASSWORD=x\nALLEGRA_DATABASE_URL=y\nTHE_COPY=z\n")
    assert "write  " not in machine("--user", root=False).stdout


def test_who_is_not_root_is_told_what_goes_without(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    told = machine(root=False)
    assert told.exit_code == 1 and "this needs root" in told.stderr


def test_a_program_that_the_account_cannot_reach_is_refused(machine: Machine, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "allegra").write_text("#!/bin/sh\n")
    (tmp_path / "allegra").chmod(0o755)
    words = ["--config", str(machine.config), "install-timer", "--dry-run", "--program", str(tmp_path / "allegra")]
    told = CliRunner().invoke(allegra, [*words, "--account", "no-such-account"])
    assert told.exit_code == 1 and "cannot run" in told.stderr and "/opt/allegra" in told.stderr


def test_the_service_manager_hears_what_it_needs_in_order(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr("engine.service.installing.run", lambda words: heard.append(" ".join(words)))
    monkeypatch.setattr("engine.service.installing.systemd_runs", lambda: True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(machine.base / "xdg"))
    machine("--user", "--lmtp", root=False)
    assert heard == [
        "systemctl --user daemon-reload", "systemctl --user enable allegra.timer",
        "systemctl --user restart allegra.timer", "systemctl --user enable allegra-lmtp.socket",
        "systemctl --user restart allegra-lmtp.socket",
    ]  # fmt: skip
    heard.clear()
    machine("--user", "--lmtp", root=False)
    assert "systemctl --user start allegra.timer" in heard, "what did not change goes on as it is"
    heard.clear()
    machine("--user", "--remove", root=False)
    assert heard[-1] == "systemctl --user daemon-reload" and heard[0].startswith("systemctl --user disable --now")


def test_help_says_what_it_does() -> None:
    assert "a timer of systemd" in CliRunner().invoke(allegra, ["install-timer", "--help"]).stdout
