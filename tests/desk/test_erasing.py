"""Mails that are to be gone: on their server by the next run, here at once, and nothing that waits for somebody."""

from __future__ import annotations

from typing import Any

import pytest


def run(desk: Any) -> str:
    (line,) = desk.run()
    return str(line["mail"])


def actions(desk: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = desk.rows("SELECT action, action_state FROM presentation ORDER BY inbound_id")
    return found


# ── on the server ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_is_deleted_on_its_server_by_the_next_run_wherever_it_was_moved(desk: Any) -> None:
    desk.mail("Printer")
    mail = run(desk)
    assert len(desk.files(folder="Done")) == 1
    tried = desk.allegra("mail", "delete", mail, "--on-server")
    assert "would be deleted in mailbox system by the next run (--commit does it)" in tried.stdout
    assert actions(desk) == [("move", "done")]
    (line,) = desk.lines("mail", "delete", mail, "--on-server", "--commit")
    assert (line["done"], line["messages"], line["kept"]) == ("planned", 1, True)
    assert len(desk.files(folder="Done")) == 1, "the run does it"
    desk.run()
    assert (desk.files(folder="Done"), actions(desk)) == ([], [("delete", "done")])
    assert desk.allegra("mail", "raw", mail).exit_code == 0, "our copy stays"
    again = desk.allegra("mail", "delete", mail, "--on-server")
    assert (again.exit_code, "does not lie in mailbox system any more" in again.stderr) == (1, True)


def test_a_mail_that_is_kept_in_its_folder_is_deleted_there_and_no_other_one(desk: Any) -> None:
    desk.configure(more='[defaults.mailbox]\nafter_success = "keep"\n')
    desk.mail("Printer")
    mail = run(desk)
    desk.mail("Scanner")
    desk.run()
    desk.allegra("mail", "delete", mail, "--on-server", "--commit")
    assert len(desk.files()) == 2
    desk.run()
    assert len(desk.files()) == 1


def test_a_mail_that_is_not_decided_stays_on_its_server(desk: Any) -> None:
    desk.mail("Help me", sender="stranger@elsewhere.example")
    mail = run(desk)
    said = desk.allegra("mail", "delete", mail, "--on-server", "--commit")
    assert (said.exit_code, "is held: it is not decided yet" in said.stderr) == (1, True)
    desk.run()
    assert len(desk.files(folder="Held")) == 1


def test_where_a_mail_is_to_be_deleted_has_to_be_said(desk: Any) -> None:
    desk.mail("Printer")
    said = desk.allegra("mail", "delete", run(desk), "--commit")
    assert (said.exit_code, "--on-server is its mailbox" in said.stderr) == (2, True)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [('protocol  = "maildir"\npath      = "mail/system"', 'protocol = "pipe"', "nothing to delete it from"),
     ("[system.mailbox]", "[system.mailbox]\nactive = false", "is off (active = false)")],
)  # fmt: skip
def test_what_no_run_can_delete_is_said_at_once(desk: Any, before: str, after: str, why: str) -> None:
    desk.mail("Printer")
    mail = run(desk)
    file = desk.folder / "allegra.toml"
    lines = file.read_text().replace(before, after).splitlines()
    system = lines.index("[system.mailbox]")
    gone = ("move_on", "path      = ") if "pipe" in after else ()
    kept = [line for n, line in enumerate(lines) if not (system < n < system + 8 and line.startswith(gone or ("\0",)))]
    file.write_text("\n".join(kept) + "\n")
    said = desk.allegra("mail", "delete", mail, "--on-server", "--commit")
    assert (said.exit_code, why in said.stderr) == (1, True), said.stderr


# ── here ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def many(desk: Any, number: int) -> None:
    for each in range(number):
        desk.mail(f"Printer {each}")
    desk.run()


def test_a_query_is_purged_only_by_commit_and_shows_the_first_ten_before(desk: Any) -> None:
    many(desk, 12)
    desk.mail("Scanner")
    desk.run()
    said = desk.allegra("mail", "purge", "subject:printer").stdout
    assert ("and 2 more" in said, "12 mails would be purged (--commit does it)" in said) == (True, True)
    assert (said.count("anna@example.com"), "Scanner" in said) == (10, False)
    assert len(desk.lines("mail", "list", "printer")) == 12
    assert "12 mails purged" in desk.allegra("mail", "purge", "subject:printer", "--commit").stdout
    assert desk.lines("mail", "list", "printer") == []
    assert len(desk.lines("mail", "list", "scanner")) == 1
    assert desk.allegra("mail", "purge", "subject:printer").exit_code == 1


def test_of_a_query_what_waits_is_left_out_and_told(desk: Any) -> None:
    many(desk, 1)
    desk.mail("Printer", sender="stranger@elsewhere.example")
    held = run(desk)
    said = desk.allegra("mail", "purge", "printer", "--commit")
    assert ("1 mail purged" in said.stdout, f"1 not: {held} is held" in said.stderr) == (True, True)
    assert [row["mail"] for row in desk.lines("held", "list")] == [held]
    named = desk.allegra("mail", "purge", held)
    assert (named.exit_code, "is held: ignore or release it first" in named.stderr) == (1, True)


def test_every_mail_of_a_query_is_a_line_of_json(desk: Any) -> None:
    many(desk, 2)
    lines = desk.lines("mail", "purge", "printer")
    said = [(line["schema"], line["done"], line["because"]) for line in lines]
    assert said == [("allegra.mail/1", "nothing", None)] * 2
    assert [line["done"] for line in desk.lines("mail", "purge", "printer", "--commit")] == ["purged"] * 2


def test_a_mail_is_still_named_by_its_id_or_message_id(desk: Any) -> None:
    message_id = desk.mail("Printer")
    mail = run(desk)
    for name in (mail, mail[:6], message_id, message_id.strip("<>")):
        said = desk.allegra("mail", "purge", name).stdout
        assert said == f'{mail[:8]}  "Printer"  would be purged (--commit does it)\n'
    assert desk.allegra("mail", "purge", mail, "--commit").stdout == f'{mail[:8]}  "Printer"  purged\n'


@pytest.mark.parametrize("words", [("",), (" ", ""), ("nix:1",)])
def test_a_query_that_means_nothing_purges_nothing(desk: Any, words: tuple[str, ...]) -> None:
    many(desk, 1)
    assert desk.allegra("mail", "purge", *words, "--commit").exit_code == 2
    assert len(desk.lines("mail", "list", "printer")) == 1
