"""What is done stands in the log and in the table of events, whoever did it and by whichever command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from functools import partial
from typing import Any

import pytest

LOG = '[log]\nfile = "allegra.log"\nformat = "json"\n'

HOOK = """
def activity(mail, item, ctx):
    ctx.log("looked at", mail.subject)
"""


def logged(desk: Any) -> list[dict[str, Any]]:
    file = desk.folder / "allegra.log"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def events(desk: Any) -> list[str]:
    return [line["event"] for line in logged(desk)]


def test_F151_every_mail_row_and_act_has_a_line(desk: Any, post: Any) -> None:
    post.configure(more=LOG)
    desk.mail("Printer", sender="Jane Doe <jane@example.org>")
    desk.mail("Toner")
    desk.run()
    created = next(line for line in logged(desk) if line["event"] == "mail.created")
    assert created["mailbox"] == "system" and created["item"] == 1 and created["ms"] > 0 and created["level"] == "info"
    assert created["said"].startswith("from anna@example.com, ")
    sent = [line for line in logged(desk) if line["event"] == "outbox.sent"]
    assert [(line["item"], line["mail"]) for line in sent] == [(1, created["mail"])]
    assert "item.created to anna@example.com" in sent[0]["said"]
    assert desk.allegra("item", "note", "1", "-m", "Looks old.").exit_code == 0
    assert desk.allegra("item", "note", "1", "-m", "Looks old.", "--dry-run").exit_code == 0
    act = [line for line in logged(desk) if line["event"] == "act"]
    assert len(act) == 1 and act[0]["item"] == 1 and "anna" in act[0]["said"] and "item.noted" in act[0]["said"]
    held = next(line for line in logged(desk) if line["event"] == "mail.held")
    assert desk.allegra("held", "reject", held["mail"], "--reason", "not for us").exit_code == 0
    assert events(desk)[-1] == "held.reject"


def test_what_is_done_to_topics_and_who_is_let_in_has_a_line_and_what_is_only_looked_at_none(desk: Any) -> None:
    desk.configure(more=LOG)
    desk.load('[[topics]]\nid = 4\nworkspace = "support"\ntitle = "Coffee?"\n')
    assert desk.allegra("topic", "post", "4", "-m", "Yes.").exit_code == 0
    assert desk.allegra("topic", "post", "4", "-m", "Yes.", "--dry-run").exit_code == 0
    loaded, act = logged(desk)
    assert loaded["event"] == "admin.load"
    assert (act["event"], act["item"]) == ("act", None)
    assert act["said"].startswith("by anna") and act["said"].endswith("topic.posted topic 4")
    desk.mail("Printer", sender="Jane Doe <jane@example.org>")
    desk.run()
    before = len(logged(desk))
    assert desk.allegra("held", "show", "last-held").exit_code == 0
    assert desk.allegra("held", "trust", "jane@example.org", "--unproven", "--dry-run").exit_code == 0
    assert len(logged(desk)) == before
    assert desk.allegra("held", "trust", "jane@example.org", "--unproven").exit_code == 0
    assert events(desk)[before:] == ["held.release", "mail.created"]


def test_a_dry_run_and_what_is_decided_again_to_look_at_it_log_nothing(desk: Any) -> None:
    desk.configure(more=LOG)
    desk.mail("Printer")
    desk.run("--dry-run")
    assert events(desk) == [] and "mail.created" in desk.allegra("run", "--dry-run", "-v").stderr
    assert events(desk) == []
    desk.run()
    before = len(logged(desk))
    desk.allegra("replay", "last")
    desk.explained()
    assert len(logged(desk)) == before


def test_what_scripts_say_and_a_mailbox_that_fails_are_logged(desk: Any) -> None:
    more = '[hooks]\nactivity = ["look.py"]\n'
    desk.hook("look.py", HOOK)
    desk.configure(more=more + LOG)
    (desk.folder / "mail" / "support").rename(desk.folder / "mail" / "gone")
    desk.mail("Printer")
    desk.run()
    said = {line["event"]: line for line in logged(desk)}
    script = said["scripts.log"]
    assert script["said"] == "looked at Printer" and script["mail"] == said["mail.created"]["mail"]
    assert said["mailbox.failed"]["mailbox"] == "support" and said["mailbox.failed"]["level"] == "error"


def test_a_forged_token_is_a_matter_of_security(desk: Any, post: Any) -> None:
    post.configure(more=LOG)
    desk.mail("Printer")
    desk.run()  # the secret that signs is made when something is sent
    desk.mail("Re: Printer", headers=("Cc: help+i1.abcdefghijklmnop@example.com",))
    desk.run()
    (line,) = [line for line in logged(desk) if line["event"].startswith("security.")]
    assert (line["event"], line["level"]) == ("security.token", "warning") and "anna@example.com" in line["said"]


def test_a_mail_from_a_pipe_is_logged_too(desk: Any) -> None:
    desk.configure(more=LOG)
    raw = b"From: anna@example.com\nTo: help@example.com\nSubject: x\nMessage-ID: <p@example.com>\n\nx\n"
    assert desk.allegra("deliver", "--recipient", "help@example.com", stdin=raw).exit_code == 0
    assert events(desk) == ["mail.created"]


def test_a_log_that_cannot_be_written_costs_no_mail_and_no_exit_code(desk: Any) -> None:
    desk.configure(more='[log]\nfile = "mail"\n')
    desk.mail("Printer")
    done = desk.allegra("run")
    assert done.exit_code == 0 and done.stderr.count("cannot be written") == 1
    assert [line["title"] for line in desk.lines("item", "list")] == ["Printer"]
    checked = desk.allegra("check")
    assert "C198" in checked.output and "it is a folder" in checked.output


def test_verbose_shows_on_standard_error_what_is_logged(desk: Any) -> None:
    desk.mail("Printer")
    done = desk.allegra("run", "-v")
    assert "mail.created" in done.stderr and "debug   mailbox.ok" in done.stderr
    assert done.stdout == "" and desk.allegra("run").stderr == ""


# ── the table of events ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_happened_is_printed_the_newest_last(desk: Any) -> None:
    desk.mail("Printer")
    desk.run()
    desk.allegra("item", "note", "1", "-m", "Looks old.")
    told = desk.allegra("log").stdout.splitlines()
    assert [line.split()[2:5] for line in told] == [["item.created", "#1", "anna"], ["item.noted", "#1", "anna"]]
    (noted,) = desk.lines("log", "event:item.noted")
    assert noted["schema"] == "allegra.event/1"
    assert {"id", "at", "name", "actor", "via", "item", "topic", "mail", "act", "detail"} <= set(noted)
    assert (noted["actor"], noted["via"], noted["mail"]) == ("anna", "command", "") and noted["act"].startswith("a-")
    assert desk.lines("log", "--limit", "1") == [noted]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("acter:anna",), 2, "did you mean actor:?"),
        (("event:item.nothing",), 2, "there is no event"),
        (("item:7",), 0, "nothing found"),
        ((), 0, "nothing happened yet"),
    ],
)
def test_what_a_log_cannot_find_is_told(desk: Any, words: tuple[str, ...], code: int, said: str) -> None:
    done = desk.allegra("log", *words)
    assert done.exit_code == code and said in done.stderr and done.stdout == ""


def test_who_follows_sees_what_happens_and_ends_it_in_peace(desk: Any) -> None:
    desk.mail("Printer")
    desk.run()
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # in the background a shell lets it be ignored
    following = desk.start("log", "--follow", "--json", "item:1", preexec_fn=heeds)
    try:
        first = json.loads(following.stdout.readline())
        desk.allegra("item", "note", "1", "-m", "Looks old.")
        second = json.loads(following.stdout.readline())
        os.kill(following.pid, signal.SIGINT)
        _, complaints = following.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        following.kill()
        raise
    assert (first["name"], second["name"]) == ("item.created", "item.noted")
    assert (following.returncode, complaints) == (0, b"")


def test_who_follows_into_a_pipe_that_nobody_reads_ends_though_nothing_happens(desk: Any) -> None:
    following = desk.start("log", "--follow")
    following.stdout.close()
    assert following.wait(timeout=60) == 0
    assert b"Traceback" not in following.stderr.read()
    following.stderr.close()


def test_items_are_listed_by_what_is_asked(desk: Any) -> None:
    desk.mail("Printer")
    desk.mail("Toner")
    desk.run()
    desk.allegra("item", "answer", "1", "-m", "Done.", "--anyway")
    desk.allegra("item", "assign", "1", "anna")
    assert [line["title"] for line in desk.lines("item", "list", "unanswered")] == ["Toner"]
    assert [line["title"] for line in desk.lines("item", "list", "assigned:anna", "status:open")] == ["Printer"]
    assert [line["title"] for line in desk.lines("item", "list", "assigned:-", "--workspace", "support")] == ["Toner"]
    assert {"author", "sender", "sender_name"} <= set(desk.lines("item", "list", "toner")[0])
    wrong = desk.allegra("item", "list", "asigned:anna")
    assert wrong.exit_code == 2 and "did you mean assigned:?" in wrong.stderr
    assert "no item matches" in desk.allegra("item", "list", "nothing").stderr


def test_what_people_do_to_mails_people_and_scripts_has_a_line_and_what_changes_nothing_none(desk: Any) -> None:
    desk.configure(more=LOG + '[hooks]\ndirectory = "hooks"\n')
    desk.hook("guard.py", "def guard(mail, ctx):\n    ctx.accept()\n")
    desk.mail()
    (mail,) = (each["mail"] for each in desk.run())
    made = (
        "user add zoe --email zoe@example.com", "user add zoe", "user lock zoe", "user notify zoe new=all",
        "user notify zoe", "user remove zoe", "user remove zoe --commit", "group add night", "workspace add lab",
        "workspace lock lab", "hooks disable guard --reason noise", "hooks enable guard", "hooks enable guard",
        f"mail settle {mail}", "run", f"mail purge {mail}", f"mail purge {mail} --commit",
        "person forget jane@example.com --commit", "person forget anna@example.com",
        "person forget anna@example.com --commit",
    )  # fmt: skip
    for words in made:
        done = desk.allegra(*words.split())
        assert done.exit_code == 0, (words, done.output)
    said = [(each["event"], each["said"].partition(": ")[2], each["mail"]) for each in logged(desk)]
    assert [each for each in said if not each[0].startswith(("mail.created", "mailbox."))] == [
        ("user.added", "zoe", None), ("user.locked", "zoe", None), ("user.notify", "zoe", None),
        ("user.removed", "zoe", None), ("group.added", "night", None), ("workspace.added", "lab", None),
        ("workspace.closed", "lab", None), ("hooks.disable", "guard.py noise", None),
        ("hooks.enable", "guard.py", None), ("mail.settle", "", mail), ("mail.purge", "", mail),
        ("person.forget", "", None),
    ]  # fmt: skip
