"""A pass over mailboxes, from the outside."""

from __future__ import annotations

import json
import re
import signal
import time
from typing import Any

import pytest

from engine.run import parents
from engine.run.taking_up import BATCH

NO_FLOOD = 'mails_per_sender = { limit = 1000, per = "1 hour", then = "hold" }'
"""One person writes all the mails of a test: to the defaults that is a flood."""


def outcomes(lines: list[dict[str, Any]]) -> list[str]:
    return [line["outcome"] for line in lines]


def test_F001_mail_creates_an_item_and_a_reply_adds_to_it(desk: Any) -> None:
    first = desk.mail("Printer broken")
    assert outcomes(desk.run()) == ["created"]
    desk.mail("Re: Printer broken", headers=[f"In-Reply-To: {first}"])
    (reply,) = desk.run()
    assert (reply["outcome"], reply["item"]) == ("comment", 1)


def test_a_reply_in_the_same_batch_finds_the_item_that_the_batch_makes(desk: Any) -> None:
    first = desk.mail("Printer broken")
    desk.mail("Re: Printer broken", headers=[f"In-Reply-To: {first}"])
    lines = desk.run()
    assert sorted(outcomes(lines)) == ["comment", "created"]
    assert {line["item"] for line in lines} == {1}


def test_a_second_run_changes_nothing(desk: Any) -> None:
    desk.mail()
    desk.run()
    before = (desk.files(), desk.files(folder="Done"))
    assert desk.run() == []
    assert (desk.files(), desk.files(folder="Done")) == before


def test_two_mailboxes_are_read_and_each_keeps_its_own_workspace(desk: Any) -> None:
    desk.mail("One")
    desk.mail("Two", box="support")
    lines = desk.run()
    assert {(line["mailbox"], line["workspace"]) for line in lines} == {("system", "support"), ("support", "support")}


def test_F027_each_outcome_moves_the_mail_where_its_folder_setting_says(desk: Any) -> None:
    desk.mail("Fine")
    desk.mail("", message_id="<empty@example.com>")
    desk.mail("Who am I?", sender="stranger@elsewhere.example")
    desk.run()
    assert [len(desk.files(folder=name)) for name in ("", "Done", "Failed", "Held")] == [0, 1, 1, 1]


def test_nothing_is_printed_when_all_went_well_and_nobody_looks(desk: Any) -> None:
    desk.mail()
    result = desk.allegra("run")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_a_dry_run_tells_the_same_and_keeps_nothing(desk: Any) -> None:
    first = desk.mail("Printer broken")
    desk.mail("Re: Printer broken", headers=[f"In-Reply-To: {first}"])
    desk.mail("", message_id="<empty@example.com>")

    def told(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return sorted(
            (line["message_id"], line["outcome"], line["code"], re.sub(r"#\d+", "#n", line["because"]))
            for line in lines
        )

    rehearsed = told(desk.run("--dry-run"))
    assert desk.lines("item", "list") == []
    assert len(desk.files()) == 3
    assert rehearsed == told(desk.run())


def test_a_configuration_that_does_not_load_ends_the_run_before_anything_is_fetched(desk: Any) -> None:
    desk.mail()
    desk.configure(system='default_worspace = "support"')
    result = desk.allegra("run")
    assert result.exit_code == 78
    assert "default_workspace" in result.stderr
    assert "allegra.toml:" in result.stderr
    assert len(desk.files()) == 1


def test_mail_waits_while_its_rule_file_does_not_load_and_goes_on_afterwards(desk: Any) -> None:
    desk.configure(system='rules = "rules/system.toml"')
    desk.rules("system.toml", "[[rule]]\nname = \"x\"\nwhen = 'form is \"a\"'\nthen = ['stop']\n")
    desk.mail("Waits")
    desk.mail("Not concerned", box="support")
    result = desk.allegra("run")
    assert result.exit_code == 1
    assert "config.broken" in result.stderr
    assert "rules/system.toml:3" in result.stderr
    told = "1 mail waits until that is mended (config.broken): rules/system.toml:3"
    assert result.stderr.startswith(told)
    for _ in range(2):
        again = desk.allegra("run")
        assert (again.exit_code, again.stderr) == (1, ""), "it was told within the hour"
    again = desk.allegra("run", "--dry-run")
    assert again.exit_code == 1 and again.stderr.startswith(told)
    *_, summary = desk.lines("run")
    (waiting,) = summary["mailboxes"]["system"]["waiting"]
    assert (waiting["mails"], waiting["code"], waiting["until"]) == (1, "config.broken", None)
    broken = desk.allegra("explain", waiting_mail(desk)).stdout
    assert "it would be deferred (config.broken)" in broken
    assert "allegra check " in broken and "decides it now" not in broken
    desk.rules("system.toml", "[[rule]]\nname = \"x\"\nwhen = 'from is \"a\"'\nthen = ['stop']\n")
    assert "allegra run   decides it now" in desk.allegra("explain", waiting_mail(desk)).stdout
    assert [line["subject"] for line in desk.run()] == ["Waits"], "a mended file releases at once"
    assert (desk.allegra("run").exit_code, desk.allegra("run").stderr) == (0, "")


def test_a_broken_file_of_a_workspace_on_the_way_releases_its_mail_as_soon_as_it_is_mended(desk: Any) -> None:
    desk.configure(more='rules = "rules/finance.toml"', system='rules = "rules/system.toml"')
    desk.rules("system.toml", "[[rule]]\nname = 'go'\nthen = ['route to workspace \"finance\"']\n")
    desk.rules("finance.toml", "[[rule]\n")
    desk.mail("Waits")
    said = "1 mail waits until that is mended (rule.file_broken): "
    for told in (said, ""):
        result = desk.allegra("run")
        assert result.exit_code == 1
        assert result.stderr.startswith(told) and bool(result.stderr) == bool(told)
    desk.rules("finance.toml", "")
    assert [(line["subject"], line["workspace"]) for line in desk.run()] == [("Waits", "finance")]


def waiting_mail(desk: Any) -> str:
    (waiting,) = desk.lines("mail", "list", "outcome:deferred")
    assert waiting["waits_until"] is None, "every run looks at it"
    return str(waiting["mail"])


def test_a_mailbox_that_is_away_does_not_stop_the_others(desk: Any) -> None:
    desk.mail(box="support")
    (desk.folder / "mail" / "system").rename(desk.folder / "mail" / "gone")
    result = desk.allegra("run")
    assert result.exit_code == 69
    assert "mailbox system" in result.stderr
    assert len(desk.lines("item", "list")) == 1


def test_the_same_bytes_in_two_mailboxes_make_one_item(desk: Any) -> None:
    desk.mail(message_id="<same@example.com>")
    source = next((desk.folder / "mail/system/new").iterdir())
    (desk.folder / "mail/support/new/copy.test").write_bytes(source.read_bytes())
    assert sorted(outcomes(desk.run())) == ["created", "duplicate"]


def test_bytes_put_back_by_hand_are_not_processed_again(desk: Any) -> None:
    desk.mail()
    desk.run()
    done = next((desk.folder / "mail/system/.Done/cur").iterdir())
    (desk.folder / "mail/system/new/again.test").write_bytes(done.read_bytes())
    assert desk.run() == []
    assert len(desk.lines("item", "list")) == 1
    assert desk.files() == []


def test_a_mail_of_rubbish_is_held_with_its_bytes(desk: Any) -> None:
    desk.mail(raw=b"\x00\xff\xfe" * 100)
    (line,) = desk.run()
    assert line["outcome"] == "held"
    assert desk.allegra("mail", "raw", "last").stdout_bytes == b"\x00\xff\xfe" * 100


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_anywhere_loses_nothing_and_makes_nothing_twice(desk: Any, how: signal.Signals) -> None:
    desk.configure(gates=NO_FLOOD)
    for number in range(120):
        desk.mail(f"Mail {number}")
    process = desk.start("run")
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline and not _items(desk):
        time.sleep(0.005)
    process.send_signal(how)
    process.communicate(timeout=60)
    if how is not signal.SIGKILL:
        assert process.returncode in (0, 75)
    assert desk.allegra("run").exit_code == 0
    titles = [item["title"] for item in desk.lines("item", "list", "--limit", "500")]
    assert sorted(titles) == sorted(f"Mail {number}" for number in range(120))
    assert len(desk.files(folder="Done")) == 120
    assert desk.files() == []


def _items(desk: Any) -> int:
    """How many items another process has committed so far."""
    return int(desk.rows("SELECT count(*) FROM item")[0][0])


def test_two_runs_at_once_share_the_work_without_doing_it_twice(desk: Any) -> None:
    desk.configure(gates=NO_FLOOD)
    for number in range(60):
        desk.mail(f"Mail {number}")
    processes = [desk.start("run", "--wait", "30") for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(desk.lines("item", "list", "--limit", "500")) == 60


@pytest.mark.sqlite
def test_files_of_the_engine_are_readable_by_their_owner_only(desk: Any) -> None:
    desk.mail()
    desk.run()
    for path in (desk.folder / "var").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (desk.folder / "var").stat().st_mode & 0o077 == 0


def test_run_json_ends_with_a_summary(desk: Any) -> None:
    desk.mail()
    *mails, summary = desk.lines("run")
    assert len(mails) == 1
    assert summary["summary"]["created"] == 1
    assert summary["mailboxes"]["system"]["ok"] is True
    assert json.dumps(summary).startswith('{"schema": "allegra.run/1"')


def test_a_mailbox_that_is_none_is_wrong_usage_and_says_which_there_are(desk: Any) -> None:
    result = desk.allegra("run", "--mailbox", "nowhere")
    assert result.exit_code != 0
    assert "system, support" in result.stderr


def test_a_long_conversation_is_decided_in_batches_that_do_not_grow(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mail answers the one before it, so that of a batch all but one have to wait."""
    parted, sizes = parents.parted, []

    def counted(store: Any, batch: Any, *rest: Any) -> Any:
        sizes.append(len(batch))
        return parted(store, batch, *rest)

    monkeypatch.setattr(parents, "parted", counted)
    desk.configure(gates='unknown_sender = "off"')
    before = desk.mail("Printer")
    for number in range(219):
        headers = [f"In-Reply-To: {before}"]
        before = desk.mail("Re: Printer", f"answer {number}\n", f"jane{number}@x.example", headers=headers)
    lines = desk.run()
    assert len(lines) == 220 and {line["item"] for line in lines} == {1}
    assert max(sizes) < 2 * BATCH
