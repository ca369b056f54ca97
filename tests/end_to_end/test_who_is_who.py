"""Who is who: what belongs to whom, and where an answer lands."""

from __future__ import annotations

from typing import Any

from people import BOB

from engine.config import load
from engine.decision import tokens

TOPIC = '[[topics]]\nid = 1\nworkspace = "support"\ntitle = "Printers"\n'


def secret(desk: Any) -> bytes:
    """What signs the tokens of this desk."""
    return load(desk.folder / "allegra.toml").instance.secret()


# ── items and topics ──────────────────────────────────────────────────────────────────────────────────────────


def test_F120_mail_about_a_topic_is_signed_for_the_topic_and_its_answer_lands_there(desk: Any, post: Any) -> None:
    post.configure(more='[replies]\nnew_comment = "comment_ack"\n')
    desk.load(TOPIC)
    desk.mail("An item with the number of the topic")
    desk.run()
    post.mails()
    desk.mail("Re: Printers", headers=[f"Delivered-To: help+{tokens.sign(1, secret(desk), 't')}@example.com"])
    desk.run()
    ((_, told),) = post.mails()
    assert told["Subject"] == "Re: [msg1] Printers"
    assert (told["X-Allegra-Topic"], told["X-Allegra-Item"]) == ("1", None)
    assert tokens.read_message_id(told["Message-ID"], secret(desk), "t") == 1
    desk.mail("no marker", headers=[f"In-Reply-To: {told['Message-ID']}"])
    desk.mail(f"Re: {told['Subject']}")
    desk.run()
    assert [(row["item"], row["topic"]) for row in desk.lines("mail", "list")[:3]] == [(0, 1)] * 3
    assert desk.item(1)["comments"] == []


# ── who may write on an item ──────────────────────────────────────────────────────────────────────────────────

PRIVATE = """
[[users]]
login  = "zoe"
name   = "Zoe Gone"
emails = ["zoe@example.com"]
[[workspaces]]
identifier = "support"
name       = "Support"
public     = false
[[items]]
id = 5
workspace = "support"
title = "Salaries"
author = "anna"
"""


def test_F046_who_lost_every_permission_writes_no_comment_on_an_item_of_old(desk: Any) -> None:
    desk.load(PRIVATE)
    assert desk.allegra("item", "join", "5", "zoe").exit_code == 0  # who watches needs the right, who opened it none
    token = tokens.sign(5, secret(desk))
    desk.mail("Re: Salaries", sender="zoe@example.com", headers=[f"Delivered-To: help+{token}@example.com"])
    desk.mail("Re: [#5] Salaries", sender="zoe@example.com")
    lines = desk.run()
    assert [(line["outcome"], line["code"]) for line in lines] == [
        ("note", "thread.stranger"),
        ("rejected", "draft.no_permission"),
    ]
    assert [comment["internal"] for comment in desk.item(5)["comments"]] == [True]
    assert "zoe@example.com (zoe) may not comment on #5" in desk.explained(lines[0]["mail"])
    assert desk.allegra("item", "publish", "5", "1", "--authorise").exit_code == 0
    desk.mail("Re: Salaries", sender="zoe@example.com", headers=[f"Delivered-To: help+{token}@example.com"])
    assert [line["outcome"] for line in desk.run()] == ["comment"]


def test_F043_an_account_of_a_status_that_this_release_does_not_know_writes_nothing(desk: Any) -> None:
    desk.change("UPDATE account SET status = 'suspended' WHERE login = 'anna'")
    desk.mail()
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("held", "gate.inactive_sender")]


def test_F123_a_role_on_an_item_that_this_release_does_not_know_stays_and_harms_no_mail(desk: Any) -> None:
    desk.load('[[users]]\nlogin = "bob"\nname = "Bob"\nemails = ["bob@example.com"]\n')
    desk.mail()
    desk.run()
    add = "INSERT INTO item_person (item_id, account_id, role) SELECT 1, id, 'approver' FROM account"
    desk.change(add + " WHERE login = 'bob'")
    desk.configure('rules = "rules/system.toml"')
    rule = """[[rule]]\nname = "b"\nwhen = 'from is "anna@example.com"'\nthen = ['add "bob" as editor']\n"""
    desk.rules("system.toml", rule)
    desk.mail("Re: [#1]")
    assert [line["outcome"] for line in desk.run()] == ["comment"]
    assert desk.item(1)["people"] == [{"login": "bob", "role": "approver"}]


# ── foreign numbers ───────────────────────────────────────────────────────────────────────────────────────────

PARTNER = '[[users]]\nlogin = "pat"\nname = "Pat Ner"\nemails = ["pat@partner.example"]\n'


def test_F113_the_number_of_another_system_from_outside_is_no_reference(desk: Any) -> None:
    desk.load(PARTNER)
    desk.mail("[#1] Your order", sender="pat@partner.example")
    desk.mail("[#99] Printer")
    first, second = desk.run()
    assert (first["outcome"], second["code"]) == ("created", "thread.item_gone")
    assert "[#1] is a number that was never given here" in desk.explained(first["mail"])


def test_F113_a_number_that_was_given_and_is_gone_holds_the_mail_of_anybody(desk: Any) -> None:
    desk.load(PARTNER + "".join(f'[[items]]\nid = {n}\nworkspace = "support"\ntitle = "x"\n' for n in (3, 5)))
    desk.mail("Re: [#4] Your order", sender="pat@partner.example")
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("held", "thread.item_gone")]


# ── one person, many addresses ────────────────────────────────────────────────────────────────────────────────


def test_F045_tags_do_not_defeat_the_limits_for_one_person(desk: Any, post: Any) -> None:
    desk.allegra("user", "add", "guest", "--status", "guest")
    accept = '[people]\nunknown_user = "accept"\nmail_suffix_separators = "-"\n'
    post.configure(more=accept + "[replies]\nautomatic_per_recipient = 2\n")
    for sender in ("a+1@x.example", "a+2@x.example", "A-3@X.example", "a@x.example", "ab@x.example"):
        desk.mail(f"Hello from {sender}", sender=sender)
    assert [line["outcome"] for line in desk.run()] == ["created"] * 5
    assert sorted(to for to, _ in post.mails("auto-replied")) == ["a+1@x.example", "a+2@x.example", "ab@x.example"]
    post.configure(more=accept)
    toml = (desk.folder / "allegra.toml").read_text()
    limit = 'mails_per_sender = { limit = 5, per = "1 hour", then = "hold" }\n'
    (desk.folder / "allegra.toml").write_text(toml.replace("[gates]\n", "[gates]\n" + limit))
    desk.mail("One more", sender="a+9@x.example")
    desk.mail("And one", sender="a-10@x.example")
    desk.mail("Somebody else", sender="ab+1@x.example")
    assert [line["code"] for line in desk.run()] == ["draft.created", "limits.rate_sender", "draft.created"]


IDN = '[[users]]\nlogin = "buch"\nname = "Book Shop"\nemails = ["info@bücher.example"]\n'


def test_F053_an_international_domain_is_one_in_both_spellings(desk: Any) -> None:
    desk.load(IDN)
    rule = """[[rule]]\nname = "b"\nwhen = 'from ends with "@bücher.example" and from matches /@BÜCHER/'\n"""
    desk.rules("system.toml", rule + """then = ['add label "book"']\n""")
    desk.configure('rules = "rules/system.toml"', gates="allowed_senders = ['/@bücher\\.example$/', '/@EXAMPLE/']")
    desk.mail("A", sender="info@xn--bcher-kva.example")
    desk.mail("B", sender="info@bücher.example")
    assert [line["outcome"] for line in desk.run()] == ["created", "created"]
    shown = [desk.item(number) for number in (1, 2)]
    assert [(each["author"], each["labels"]) for each in shown] == [("buch", ["book"])] * 2
    told = desk.allegra("user", "add", "other", "--email", "info@xn--bcher-kva.example")
    assert told.exit_code != 0 and "belongs to user buch" in told.output


def test_F053_an_address_that_an_earlier_release_stored_with_its_letters_is_found_and_kept_in_the_new_form(
    desk: Any,
) -> None:
    desk.load(IDN)
    desk.change("UPDATE email SET key = 'info@bücher.example' WHERE key LIKE 'info@xn--%'")
    desk.mail(sender="info@xn--bcher-kva.example")
    assert [line["outcome"] for line in desk.run()] == ["created"]
    told = desk.allegra("user", "add", "other", "--email", "info@xn--bcher-kva.example")
    assert told.exit_code != 0 and "belongs to user buch" in told.output
    desk.load(IDN)
    keys = desk.rows("SELECT key FROM email WHERE address LIKE 'info@%'")
    assert keys == [("info@xn--bcher-kva.example",)]


# ── addresses of ours ─────────────────────────────────────────────────────────────────────────────────────────


def test_F042_every_address_that_we_write_from_is_ours_and_never_gets_an_account(desk: Any, post: Any) -> None:
    more = '[errors]\nfrom = "Robot <robot@example.com>"\n[people]\nunknown_user = "create"\n'
    post.configure(more=more.replace("help@", "desk@"))
    for sender in ("help@example.com", "Robot@example.com", "help+support@example.com", "support@example.com"):
        desk.mail("Hello", sender=f"'Jane' via Desk <{sender}>", headers=["Reply-To: jane@x.example"])
    lines = desk.run()
    assert [(line["outcome"], line["code"]) for line in lines] == [("held", "limits.own_address")] * 4
    assert "jane@x.example" in lines[0]["because"]
    assert desk.allegra("held", "release", lines[0]["mail"]).exit_code == 0
    assert [each["login"] for each in desk.lines("user", "list")] == ["anna"]
    assert post.mails() == []


def test_F143_a_reply_to_that_is_no_address_is_not_answered(desk: Any, post: Any) -> None:
    for n, reply_to in enumerate(("nobody", "see the signature", "Jane <help+x@example.com>", "jane@")):
        desk.mail(f"Mail {n}", headers=[f"Reply-To: {reply_to}"])
    assert [line["outcome"] for line in desk.run()] == ["created"] * 4
    assert post.mails() == []
    assert desk.lines("run")[-1].get("failed", 0) == 0


# ── people without an account ─────────────────────────────────────────────────────────────────────────────────


def test_F055_a_guest_is_shown_with_name_and_address(desk: Any, post: Any) -> None:
    desk.allegra("user", "add", "guest", "--status", "guest")
    desk.configure('rules = "rules/system.toml"')
    toml = (desk.folder / "allegra.toml").read_text()
    smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {post.server.port}\nssl = false\nfrom = "help@example.com"\n'
    (desk.folder / "allegra.toml").write_text(toml + smtp + '[people]\nunknown_user = "accept"\n')
    rule = """[[rule]]\nname = "b"\nwhen = 'subject contains "Hello"'\nthen = ['notify "anna"']\n"""
    desk.rules("system.toml", rule)
    desk.mail("Hello", sender='"Doe, Jane" <Jane@Elsewhere.example>')
    desk.run()
    jane = "Doe, Jane <jane@elsewhere.example>"
    assert (desk.item(1)["author"], desk.item(1)["sender"]) == ("guest", jane)
    assert [row["sender"] for row in desk.lines("item", "list")] == [jane]
    assert jane in desk.allegra("item", "show", "1").stdout
    told = dict(post.mails())
    assert f"from {jane}" in told["anna@example.com"].get_body(("plain",)).get_content()
    assert "Hello Doe, Jane," in told["Jane@Elsewhere.example"].get_content()

    desk.mail("Re: [#1] Hello", sender="jane@elsewhere.example")
    token = tokens.sign(1, secret(desk))
    desk.mail("Re: Hello", sender="Eve <eve@other.example>", headers=[f"Delivered-To: help+{token}@example.com"])
    assert [line["outcome"] for line in desk.run()] == ["comment", "note"]
    assert [each["sender"] for each in desk.item(1)["comments"]] == [
        "jane@elsewhere.example",
        "Eve <eve@other.example>",
    ]


def test_F056_a_person_that_a_mail_makes_has_a_name(desk: Any) -> None:
    desk.configure(more='[people]\nunknown_user = "create"\n')
    desk.mail(sender="eve.s@stranger.example")
    desk.mail(sender="Ada <ada@stranger.example>")
    assert [line["outcome"] for line in desk.run()] == ["created", "created"]
    assert {each["name"] for each in desk.lines("user", "list")} == {"Anna Berg", "eve.s", "Ada"}


# ── where an answer lands ─────────────────────────────────────────────────────────────────────────────────────


def test_F038_an_answer_with_proof_needs_no_subject(desk: Any) -> None:
    first = desk.mail()
    desk.run()
    token = tokens.sign(1, secret(desk))
    desk.mail("", headers=[f"Delivered-To: help+{token}@example.com"])
    desk.mail("", body="by the Message-ID\n", headers=[f"In-Reply-To: {first}"])
    desk.mail("", headers=["Delivered-To: help+i1.aaaaaaaaaaaaaaaa@example.com"], body="forged\n")
    assert [line["code"] for line in desk.run()] == ["draft.comment", "draft.comment", "gate.empty_subject"]


def test_F109_mail_to_the_notes_of_an_item_is_never_public(desk: Any) -> None:
    desk.allegra("user", "add", "guest", "--status", "guest")
    desk.configure(more='[people]\nunknown_user = "accept"\n[items]\nclosed_item = "new-item"\n')
    desk.mail()
    desk.run()
    for sender, number in (("anna@example.com", 1), ("eve@other.example", 1), ("eve@other.example", 99)):
        desk.mail("Internal", sender=sender, headers=[f"Delivered-To: note-{number}@example.com"], body=f"{sender}\n")
    codes = [(line["outcome"], line["code"]) for line in desk.run()]
    assert codes == [("note", "draft.note"), ("held", "thread.stranger"), ("held", "thread.item_gone")]
    assert [each["internal"] for each in desk.item(1)["comments"]] == [True]
    assert len(desk.lines("item", "list")) == 1


BILLING = """[workspace.finance.mailbox]
protocol = "maildir"
path = "mail/finance"
addresses = ["billing@example.com"]
"""


def test_F107_of_one_mail_in_two_workspaces_the_answer_goes_to_the_item_of_the_mailbox(desk: Any) -> None:
    for part in ("new", "cur", "tmp"):
        (desk.folder / "mail" / "finance" / part).mkdir(parents=True)
    desk.configure(more=BILLING)
    both = (
        b"From: anna@example.com\nTo: support@example.com, billing@example.com\nSubject: Both\nMessage-ID: <b@x>\n\nx\n"
    )
    for box in ("support", "finance"):
        desk.mail(box=box, raw=both)
    assert sorted((line["workspace"], line["outcome"]) for line in desk.run()) == [
        ("finance", "created"),
        ("support", "created"),
    ]
    forged = b"From: anna@example.com\nSubject: Other\nMessage-ID: <b@x>\n\nsomething else\n"
    desk.mail(box="finance", raw=forged)
    desk.run()
    numbers = {row["workspace"]: row["id"] for row in reversed(desk.lines("item", "list"))}
    by_title = {(row["workspace"], row["title"]): row["id"] for row in desk.lines("item", "list")}
    assert len(numbers) == 2
    for box in ("finance", "support"):
        desk.mail(f"Re: Both, {box}", box=box, headers=["In-Reply-To: <b@x>"], body=f"to {box}\n")
    assert {line["item"] for line in desk.run()} == {by_title["finance", "Both"], by_title["support", "Both"]}
    (comment,) = desk.item(by_title["finance", "Both"])["comments"]
    assert comment["text"].strip() == "to finance"


def test_F118_where_every_comment_is_a_note_its_receipt_says_so_and_its_answers_are_notes_too(desk: Any) -> None:
    desk.configure(more='[items]\nlog_field = "note"\n')
    desk.mail()
    desk.run()
    answer = desk.mail("Re: [#1] Printer broken", body="inside\n")
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("note", "draft.note")]
    desk.configure()
    desk.mail("Re: Printer broken", headers=[f"In-Reply-To: {answer}"], body="an answer\n")
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("note", "draft.note")]
    assert [each["internal"] for each in desk.item(1)["comments"]] == [True, True]


def test_F122_an_assignee_in_cc_stays_on_the_item_when_it_is_given_to_somebody_else(desk: Any) -> None:
    desk.load(BOB)
    desk.load('[[items]]\nid = 1\nworkspace = "support"\ntitle = "x"\nauthor = "anna"\nassignee = "bob"\n')
    desk.configure(more="[people.cc]\naddCcAsReader = false\naddCcAsWatcher = true\n")
    desk.mail("Re: [#1] x", headers=["Cc: bob@example.com"])
    assert [line["outcome"] for line in desk.run()] == ["comment"]
    assert desk.item(1)["people"] == [{"login": "bob", "role": "watcher"}]
