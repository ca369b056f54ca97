"""`allegra health` and `allegra stats` as monitoring and people type them, and how loud `allegra run` is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import databases
import pytest
from click.testing import CliRunner, Result
from deciding import CONFIG, DATA, raw

from engine.cli.main import allegra
from engine.store.load import load as load_data
from engine.store.store import Store

ROOT = Path(__file__).resolve().parents[2]

OUT = "[smtp]\nfrom = 'help@example.com'\ntransport = 'maildir'\npath = 'out'\n"


class Installation:
    """A folder with a configuration, a database and an admin, who could hear of new items and does not want to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, databases.place(folder / databases.FILE)
        for name in ("cur", "new", "tmp"):
            (folder / "mail" / name).mkdir(parents=True)
        databases.configured(folder, CONFIG + OUT)
        assert self("db", "migrate").exit_code == 0
        with Store.open(self.database) as store:
            load_data(store, DATA)
            store.directory.put_account("root", emails=["root@example.com"], admin=True)
            store.directory.put_role("agent", ["edit_items"])
            for workspace in store.items.workspaces():
                store.directory.put_member(workspace.workspace, "agent", user="root")
        assert self("user", "notify", "root", "new=none").exit_code == 0

    def __call__(self, *words: str) -> Result:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return CliRunner().invoke(allegra, words, catch_exceptions=False)
        finally:
            os.chdir(before)

    def lines(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*words, "--json").stdout.splitlines()]

    def sql(self, *statements: str) -> None:
        for statement in statements:
            databases.change(self.database, statement)

    def mail(self, name: str = "1.test") -> None:
        (self.folder / "mail" / "new" / name).write_bytes(raw(f"Printer {name}", key=name).content)


@pytest.fixture
def run(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


# ── health ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_all_is_well_it_says_so_on_one_line(run: Installation) -> None:
    run.mail()
    run("run")
    result = run("health")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"OK - last pass: \d s ago, held: 0, outbox: 0 \| .+\n", result.stdout)


def test_it_loads_what_it_uses_and_nothing_else(run: Installation) -> None:
    run.mail()
    run("run")
    code = (
        "import sys\nfrom engine.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n"
        "    print(*({'peewee', 'lark', 'engine.ports'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "health"], cwd=run.folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("OK") and done.stderr == "\n"


def test_what_was_never_read_is_critical_and_every_check_is_told_as_json(run: Installation) -> None:
    assert run("health").exit_code == 2
    (told,) = run.lines("health")
    assert (told["schema"], told["status"]) == ("allegra.health/1", "critical")
    of_workers = {"workers", "due", "orphans", "bells"} if databases.ON_SERVER else set()
    assert {each["name"] for each in told["checks"]} == of_workers | {
        "database", "mailbox system", "silence system", "last pass", "waiting", "held", "quarantined", "outbox",
        "failed", "outbox held", "files", "hearers", "sign-in", "disk", "watch", "console",
    }  # fmt: skip
    assert {tuple(each) for each in told["checks"]} == {
        ("name", "status", "said", "value", "warning", "critical", "unit")
    }


def test_what_lasts_too_long_is_a_warning_then_critical_and_the_limit_can_be_said(run: Installation) -> None:
    run("run")
    run.sql("UPDATE mailbox SET ok_at = ok_at - 1200000000")
    assert run("health").exit_code == 1
    assert run("health", "--max-lag", "30 min").exit_code == 0
    assert run("health", "--max-lag", "4m").exit_code == 2


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("rules/system.toml", "[[rule]]\nwhen = ", "rules/system.toml: this is not TOML"),
        ("templates/ack.en.txt", "Subject: x\n\n{{ nobody }}\n", 'ack.en.txt: there is no "nobody"'),
    ],
)
def test_a_broken_file_is_a_warning(run: Installation, file: str, content: str, said: str) -> None:
    run("run")
    (run.folder / file).parent.mkdir(exist_ok=True)
    (run.folder / file).write_text(content)
    result = run("health")
    assert result.exit_code == 1 and f"WARNING - files: {said}" in result.stdout


def test_a_script_that_is_switched_off_is_a_warning(run: Installation) -> None:
    from hooks.program import Script

    run("run")
    script = "def guard(mail, ctx):\n    return True\n"
    (run.folder / "hooks").mkdir()
    (run.folder / "hooks" / "guard.py").write_text(script)
    off = {"records": {Script("guard.py", "", script).sha256: {"off": "5 failures in a row"}}}
    (run.folder / "var").mkdir(exist_ok=True)
    (run.folder / "var" / "hooks.json").write_text(json.dumps(off))
    assert "guard.py is switched off: 5 failures in a row" in run("health").stdout


def test_that_nobody_hears_is_a_warning(run: Installation) -> None:
    run("run")
    run.sql("UPDATE account SET admin = FALSE")
    result = run("health")
    assert result.exit_code == 1 and "nobody hears of mail that is held in support" in result.stdout


@pytest.mark.sqlite
def test_a_database_that_does_not_open_is_critical_and_none_is_made(run: Installation) -> None:
    shutil.rmtree(run.folder / "var")
    result = run("health")
    assert result.exit_code == 2 and result.stdout.startswith("CRITICAL - database: ")
    assert not run.database.exists()


def test_a_configuration_that_does_not_load_is_critical(run: Installation) -> None:
    (run.folder / "allegra.toml").write_text("[gates]\ndmrc = 'hold'\n")
    result = run("health")
    assert result.exit_code == 2 and result.stdout.startswith("CRITICAL - configuration: allegra.toml: ")
    assert result.stdout.count("\n") == 1 and result.stderr == ""


@pytest.mark.parametrize("words", [("--no-such-option",), ("--max-lag", "soon"), ("here",)])
def test_wrong_usage_is_unknown_on_standard_output(run: Installation, words: tuple[str, ...]) -> None:
    result = run("health", *words)
    assert result.exit_code == 3 and result.stdout.startswith("UNKNOWN - ") and result.stderr == ""


def test_whatever_breaks_is_a_sentence_and_unknown(run: Installation) -> None:
    run("run")
    run.sql("UPDATE mailbox SET ok_at = 9223372036854775807")
    result = run("health")
    assert (result.exit_code, result.stderr) == (3, "")
    assert result.stdout == "UNKNOWN - health: OverflowError: date value out of range\n"
    assert run("health", "--json").exit_code == 3


def test_a_database_that_somebody_locks_is_critical_before_monitoring_gives_up(
    run: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.cli import health

    assert health.BUSY_S < 10
    monkeypatch.setattr(health, "BUSY_S", 0.1)
    with databases.locked(run.database, entirely=True):
        result = run("health")
    assert result.exit_code == 2 and "is locked by another process" in result.stdout


# ── Prometheus ────────────────────────────────────────────────────────────────────────────────────────────────


def metrics(text: str) -> dict[str, float]:
    """Read the format, strictly: each family once, with its help and type before its values."""
    found: dict[str, float] = {}
    family = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family and line.split()[3] in ("gauge", "counter")
        else:
            name = re.fullmatch(rf'{family}(\{{(\w+="(?:[^"\\\n]|\\.)*",?)+\}})? [-\d.e+]+', line)
            assert name, line
            found[line.rpartition(" ")[0]] = float(line.rpartition(" ")[2])
    return found


def test_the_text_file_is_read_by_prometheus_and_its_counters_grow(run: Installation) -> None:
    file = run.folder / "allegra.prom"
    run("run")
    assert run("health", "--textfile", str(file)).exit_code == 0
    before = metrics(file.read_text())
    assert before["allegra_health"] == 0 and before["allegra_waiting"] == 0
    assert not [name for name in before if name.startswith("allegra_mails_total")]
    key = 'allegra_mails_total{mailbox="system",workspace="support",outcome="created",code="draft.created"}'
    for number in (1, 2):
        run.mail(f"{number}.test")
        run("run")
        run("health", "--textfile", str(file))
        run("health", "--textfile", str(file))
        assert metrics(file.read_text())[key] == number
    now = metrics(file.read_text())
    assert sum(value for name, value in now.items() if name.startswith("allegra_suppressed_total")) > 0
    assert now['allegra_mailbox_last_mail_timestamp_seconds{mailbox="system"}'] > 0
    assert now["allegra_smtp_last_success_timestamp_seconds"] > 0
    assert list(run.folder.glob(".allegra.prom*")) == [], "it was replaced, and nothing is left beside it"


def test_a_text_file_is_written_also_where_nothing_opens(run: Installation) -> None:
    (run.folder / "allegra.toml").write_text("[gates]\ndmrc = 'hold'\n")
    file = run.folder / "allegra.prom"
    assert run("health", "--textfile", str(file)).exit_code == 2
    found = metrics(file.read_text())
    assert (found["allegra_health"], found["allegra_config_last_load_success"]) == (2, 0)


def test_a_pipe_in_place_of_the_text_file_is_written_to_and_stays_one(run: Installation) -> None:
    os.mkfifo(pipe := run.folder / "pipe")
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        run("health", "--textfile", "pipe")
        assert pipe.is_fifo() and b"allegra_health " in os.read(reader, 65_536)
    finally:
        os.close(reader)


def test_a_text_file_that_cannot_be_written_is_unknown(run: Installation) -> None:
    run("run")
    result = run("health", "--textfile", str(run.folder / "nowhere" / "x.prom"))
    assert result.exit_code == 3 and "cannot be written" in result.stdout


# ── stats ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by", ["outcome", "code", "mailbox", "workspace", "sender", "rule", "hook", "hour", "day"])
def test_stats_count_mails_by_every_key(run: Installation, by: str) -> None:
    run.mail("1.test")
    run.mail("2.test")
    run("run")
    result = run("stats", "--by", by)
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split() == [by.upper(), "COUNT", "SHARE", "P50", "P95", "ANSWERED"]
    assert max(map(len, [head, *rows])) <= 80
    *keys, summary = run.lines("stats", "--by", by)
    assert sum(each["count"] for each in keys) == summary["total"]["count"] == 2
    assert round(sum(each["share"] for each in keys), 2) == 1
    assert all(each["schema"] == "allegra.stats/1" and each["by"] == by for each in keys)


def test_stats_count_events_and_what_was_not_sent(run: Installation) -> None:
    run.mail()
    run("run")
    (created, noted, summary) = run.lines("stats", "--by", "event", "--last", "1h")
    assert noted["key"] == "user.notify", "by the test's installation"
    assert (created["key"], created["count"], created["p50_ms"]) == ("item.created", 1, None)
    *whys, _ = run.lines("stats", "--by", "why")
    assert summary["suppressed"] == sum(each["count"] for each in whys) > 0
    assert f"1 sent, {summary['suppressed']} not sent on purpose" in run("stats").stdout


def test_stats_of_nothing_say_so_and_wrong_words_are_refused(run: Installation) -> None:
    result = run("stats", "--last", "7d")
    assert result.exit_code == 0 and result.stdout == "" and "nothing since" in result.stderr
    assert run("stats", "--by", "colour").exit_code != 0 and run("stats", "--last", "long").exit_code != 0


# ── run ───────────────────────────────────────────────────────────────────────────────────────────────────────


def an_hour_passes(run: Installation) -> None:
    run.sql("UPDATE trouble SET told_at = told_at - 3600000000")


def test_a_mailbox_that_is_away_ends_every_pass_with_69_and_is_told_once_an_hour(run: Installation) -> None:
    shutil.rmtree(run.folder / "mail")
    said = []
    for _ in range(2):
        for _ in range(3):
            result = run("run")
            assert (result.exit_code, result.stdout) == (69, "")
            said.append(result.stderr)
        an_hour_passes(run)
    assert [bool(each) for each in said] == [True, False, False] * 2
    assert said[0] == said[3] and said[0].startswith("mailbox system: ")
    assert run("run", "--dry-run").stdout, "who tries something out hears it every time"


def test_mail_that_waits_for_a_broken_file_ends_every_pass_with_1_and_is_told_once_an_hour(run: Installation) -> None:
    (run.folder / "rules").mkdir(exist_ok=True)
    (run.folder / "rules" / "system.toml").write_text("[[rule]]\nwhen = ")
    run.mail()
    said = []
    for _ in range(2):
        for _ in range(3):
            result = run("run")
            assert (result.exit_code, result.stdout) == (1, "")
            said.append(result.stderr)
        an_hour_passes(run)
    assert [bool(each) for each in said] == [True, False, False] * 2
    assert said[0].startswith("1 mail waits until that is mended (")
    listed = run("mailbox", "list").stdout
    assert "system: 1 mail waits until that is mended (" in listed
    (box,) = run.lines("mailbox", "list")
    assert [(each["mails"], each["until"]) for each in box["waiting"]] == [(1, None)]
    (run.folder / "rules" / "system.toml").unlink()
    assert (run("run").exit_code, run("run").stderr) == (0, "")
    with Store.open(run.database) as store:
        assert store.troubles.all() == {}
