"""Mail of a web form is of whom the form names, who is a guest and gets the answers (F053)."""

from __future__ import annotations

from typing import Any

import pytest

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=site.example"
SITE = "Web site <form@site.example>"
FILLED = "E-mail: jane@big.example\nName: Jane Doe\n\nIt does not print.\n"
FORMS = """[people.forms.site]
from = "form@site.example"
identity = "fields"
[people.forms.shop]
from = "shop@site.example"
"""


@pytest.fixture
def site(desk: Any) -> Any:
    """A desk that knows two forms."""
    desk.configure(more=FORMS)
    return desk


def came(site: Any, body: str = FILLED, sender: str = SITE, *headers: str, **other: Any) -> dict[str, Any]:
    """Let a mail of a form come; what became of it."""
    site.mail(sender=sender, body=body, headers=[PROVEN, *headers], **other)
    (line,) = site.run()
    return dict(line)


def test_F053_who_filled_it_in_is_the_sender_and_a_guest(site: Any) -> None:
    assert came(site)["outcome"] == "created"
    item = site.item(1)
    assert item["author"] == "jane@big.example"
    said = site.explained()
    assert "form site: names jane@big.example" in said and "anybody may have typed that" in said
    assert [each["login"] for each in site.lines("user", "list")] == ["anna"]


def test_F053_reply_to_names_them_where_the_form_does_it_so(site: Any) -> None:
    line = came(site, "Help\n", "shop@site.example", "Reply-To: Jane <jane@big.example>")
    assert line["from"] == "jane@big.example" and line["outcome"] == "created"


@pytest.mark.parametrize("policy", ["ignore", "accept", "create"])
def test_F053_no_account_is_made_and_none_is_acted_as(site: Any, policy: str) -> None:
    site.configure(more=FORMS + f'[people]\nunknown_user = "{policy}"\ndefault_group = ["staff"]\n')
    assert came(site)["outcome"] == "created"
    assert came(site, FILLED.replace("jane@big.example", "anna@example.com"))["outcome"] == "created"
    assert [each["login"] for each in site.lines("user", "list")] == ["anna"]
    assert site.item(2)["author"] == "anna@example.com"


def test_F053_a_form_that_nobody_proves_is_an_unknown_sender(site: Any) -> None:
    for proof in ("X-Nothing: 1", PROVEN.replace("pass", "fail"), PROVEN.replace("mx.", "evil."),
                  "Authentication-Results: mx.example.com; dkim=pass header.d=evil.example"):  # fmt: skip
        site.mail(sender=SITE, body=FILLED + proof, headers=[proof])
    assert {line["code"] for line in site.run()} == {"gate.unknown_sender"}
    assert "nothing proves that the form sent it" in site.explained()


@pytest.mark.parametrize(
    "proof",
    [
        "dkim=pass header.d=site.example",
        "spf=pass smtp.mailfrom=bounce@site.example",
        "dkim=pass header.i=@x header.d=Site.Example",
    ],
)
def test_F053_without_dmarc_a_signature_or_a_host_of_its_own_domain_proves_a_form(site: Any, proof: str) -> None:
    site.mail(sender=SITE, body=FILLED, headers=[f"Authentication-Results: mx.example.com; {proof}"])
    (line,) = site.run()
    assert line["outcome"] == "created" and line["from"] == "jane@big.example"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("E-mail: help@example.com\n\nx\n", "it names an address of ours"),
        ("E-mail: help+x@example.com\n\nx\n", "it names an address of ours"),
        ("E-mail: form@site.example\n\nx\n", "it names the address of the form itself"),
        ("E-mail: a@b.example, c@d.example\n\nx\n", "holds no address, or more than one"),
        ("E-mail: a@b.example\nE-mail: c@d.example\n\nx\n", "there are 2 lines"),
        ("E-mail: " + "a" * 10_000 + "@b.example\n\nx\n", "characters"),
        ("Hello\n", "there is no line"),
    ],
)
def test_F053_a_value_that_is_no_one_persons_address_names_nobody(site: Any, body: str, why: str) -> None:
    line = came(site, body)
    assert (line["code"], line["from"]) == ("gate.unknown_sender", "form@site.example")
    assert why in site.explained()


def test_F053_the_answers_go_to_that_person_and_not_to_reply_to(site: Any, post: Any) -> None:
    post.configure(more=FORMS)
    came(site, FILLED, SITE, "Reply-To: eve@evil.example")
    assert [to for to, _ in post.mails("auto-replied")] == ["jane@big.example"]


def test_F053_a_form_marks_itself_automatic_and_nobody_is_answered(site: Any, post: Any) -> None:
    post.configure(more=FORMS)
    came(site, FILLED, SITE, "X-Auto-Response-Suppress: All")
    assert post.mails("auto-replied") == []
    came(site, FILLED.replace("jane", "noreply"), subject="Second")
    assert post.mails("auto-replied") == []


def test_F053_an_address_that_was_typed_has_no_rights_of_staff(site: Any) -> None:
    site.configure(more=FORMS + "[workspace.support.items]\nallow_override = ['priority']\noverride_by = 'anyone'\n")
    site.mail("Printer", sender="anna@example.com")
    site.run()
    typed = "E-mail: anna@example.com\nPriority: High\n\nx\n"
    came(site, "Priority: High\n" + typed, subject="New")
    assert site.item(2)["priority"] == "Normal"
    line = came(site, typed, subject="Re: [#1] Printer")
    assert line["outcome"] == "created" and site.item(1)["comments"] == []  # whatever was typed, a stranger to it


def test_F053_rules_do_not_take_the_proof_of_a_form_for_that_of_a_person(site: Any) -> None:
    site.rules(
        "support.toml",
        '[[rule]]\nname = "Boss"\nwhen = \'from is "anna@example.com" and auth.dmarc is pass\'\n'
        "then = ['set priority \"High\"']\n"
        "[[rule]]\nname = \"Known\"\nwhen = 'sender.known'\nthen = ['add label \"known\"']\n",
    )
    came(site, "E-mail: anna@example.com\n\nx\n")
    item = site.item(1)
    assert item["priority"] == "Normal" and item["labels"] == []


def test_F053_an_address_that_was_typed_did_nothing_and_hears_of_it(site: Any, post: Any) -> None:
    post.configure(more=FORMS + "[replies]\nnew_item = ''\n")
    came(site, FILLED.replace("jane@big.example", "anna@example.com"))
    assert site.told()[-1] == ("anna@example.com", "notice", "item.created", "sent", "")
    came(site, FILLED, subject="Second")
    (jane,) = site.lines("item", "told", "2", "--who", "jane@big.example")
    assert jane["why"] == "no_template"


def test_F053_a_locked_person_is_locked_in_a_form_as_well(site: Any) -> None:
    site.load('[[users]]\nlogin = "jane"\nemails = ["jane@big.example"]\nstatus = "locked"\n')
    assert came(site)["code"] == "gate.inactive_sender"


def test_F053_blocked_and_allowed_look_at_both(site: Any) -> None:
    site.configure(more=FORMS, gates='blocked_senders = ["jane@big.example"]')
    assert came(site)["code"] == "gate.blocked"
    site.configure(more=FORMS, gates='blocked_senders = ["form@site.example"]')
    assert came(site, FILLED + "2")["code"] == "gate.blocked"
    site.configure(more=FORMS, gates='allowed_senders = ["/@site.example$/"]')
    assert came(site, FILLED + "3")["outcome"] == "created"


def test_F053_in_a_workspace_that_is_not_public_the_guest_needs_a_role(site: Any) -> None:
    site.load('[[workspaces]]\nidentifier = "support"\npublic = false\n')
    assert came(site)["code"] == "draft.no_permission"


def test_F053_a_form_of_an_address_of_ours_and_one_without_proof_are_found_by_check(site: Any) -> None:
    site.configure(more='[people.forms.a]\nfrom = "help@example.com"\n[people.forms.b]\nfields.email = "Mail"\n')
    said = site.allegra("check").stdout
    assert "help@example.com is an address of ours" in said and "needs from" in said
    assert 'fields do nothing with  identity = "reply-to"' in said
