"""What many are told in one mail, what broke and what is held, by the commands that people and cron run."""

from __future__ import annotations

from typing import Any

ADMIN = '[errors]\nforward_to = ["it@example.com"]\n'
BROKEN = "def guard(mail, ctx):\n    return mail.to[5]\n"


def come(desk: Any) -> None:
    """Let the slot of every row that waits for one be now."""
    desk.change("UPDATE outbox SET next_at = 1 WHERE state = 'digest'")


def test_outbox_run_sends_the_digest_whose_slot_has_come(desk: Any, post: Any) -> None:
    desk.load('[[users]]\nlogin = "anna"\nemails = ["anna@example.com"]\nadmin = true\n'
              '[[users]]\nlogin = "bob"\nemails = ["bob@example.com"]\nadmin = true\n')  # fmt: skip
    desk.mail()
    desk.run()
    post.mails()
    assert desk.allegra("user", "notify", "bob", "how=hourly").exit_code == 0
    desk.allegra("item", "assign", "1", "bob")
    desk.allegra("item", "note", "1", "-m", "Call them.")
    assert "goes with the digest at" in desk.allegra("item", "told", "1").stdout
    assert "goes with the digest at" in desk.allegra("outbox", "list").stdout
    rows = desk.lines("item", "told", "1")
    assert [row["template"] for row in rows if row["goes_at"] and row["state"] == "digest"] == ["assigned", "noted"]
    assert all(bool(row["sent_at"]) == (row["state"] == "sent") for row in rows)
    assert any(row["sent_at"] for row in rows)
    desk.run()
    assert post.mails() == []
    come(desk)
    assert desk.allegra("outbox", "run").stdout == "1 sent\n"
    ((to, mail),) = post.mails()
    assert (to, mail["Subject"], mail["Auto-Submitted"]) == ("bob@example.com", "New (2): Support", "auto-generated")
    body = mail.get_body(("plain",)).get_content()
    assert "assigned [#1] Printer broken." in body and "    Call them." in body
    assert desk.allegra("item", "told", "1").stdout.count("sent in ") == 2
    assert desk.allegra("outbox", "run").stdout == "0 sent\n"


def test_F136_mails_that_meet_a_broken_script_are_two_reports_and_it_is_told_when_it_is_off(
    desk: Any, post: Any
) -> None:
    smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {post.server.port}\nssl = false\nfrom = "help@example.com"\n'
    desk.hook("broken.py", BROKEN)
    desk.configure(more=smtp + ADMIN + '[hooks]\nguard = ["broken.py"]\n', gates='unknown_sender = "off"')
    for number in range(8):
        desk.mail(f"Help {number}", f"Words {number}\n", sender=f"max{number}@elsewhere{number}.example")
    desk.run()
    subjects = [mail["Subject"] for to, mail in post.mails() if to == "it@example.com"]
    reports = [each for each in subjects if each.startswith("A mail could not be processed")]
    assert len(reports) == 2, "one of hook.error, one of hook.disabled"
    assert [each.partition(": ")[2] for each in subjects if each not in reports][:1] == ["A script was switched off."]
    come(desk)
    desk.run()
    carried = [mail["Subject"] for to, mail in post.mails() if to == "it@example.com"]
    assert carried and all(each.endswith(")") for each in carried)


def test_a_template_that_fails_is_reported_by_the_next_run_and_once(desk: Any, post: Any) -> None:
    post.configure(more=ADMIN)
    (desk.folder / "templates").mkdir()
    (desk.folder / "templates" / "ack.en.txt").write_text("Subject: x\n\n{{ nonsense }}\n")
    desk.mail()
    assert "nonsense" in desk.allegra("run").stderr
    desk.mail("Lamp broken")
    desk.allegra("run")
    desk.run()
    reports = [mail for to, mail in post.mails() if to == "it@example.com"]
    assert ["A template failed: the built-in text goes out in its place." in each["Subject"] for each in reports] == [
        True
    ]
    assert "nonsense" in reports[0].get_content() and "allegra check" in reports[0].get_content()


def test_a_digest_tells_of_an_item_that_was_deleted_and_nothing_else_of_it(desk: Any, post: Any) -> None:
    desk.load('[[users]]\nlogin = "anna"\nemails = ["anna@example.com"]\nadmin = true\n'
              '[[users]]\nlogin = "bob"\nemails = ["bob@example.com"]\nadmin = true\n')  # fmt: skip
    desk.mail()
    desk.run()
    post.mails()
    desk.allegra("user", "notify", "bob", "how=hourly")
    desk.allegra("item", "assign", "1", "bob")
    desk.allegra("item", "note", "1", "-m", "Call them.")
    assert desk.allegra("item", "delete", "1", "--commit").exit_code == 0
    come(desk)
    desk.run()
    ((to, mail),) = post.mails()
    body = mail.get_body(("plain",)).get_content()
    assert to == "bob@example.com" and "deleted" in body and "Printer broken" in body and "Call them." not in body
