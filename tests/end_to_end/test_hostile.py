"""Somebody outside, who has mail and nothing else, and wants words that are not for them, or a desk that is no use."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from end_to_end.test_digests import come
from people import JANE, PEOPLE

EVE = "Eve <eve@evil.example>"

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=big.example"


REPORT = """From: mailer-daemon@big.example
To: help@example.com
Subject: Undelivered
Message-ID: <r{number}@big.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

There is no such address {number}.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.big.example

Final-Recipient: rfc822; jane@big.example
Action: failed
Status: 5.1.1

--b
Content-Type: message/rfc822

{returned}
--b--
"""


@pytest.fixture
def office(desk: Any, post: Any) -> Any:
    """Anna and Bob work here, Jane and Karl are customers, Eve is a stranger."""
    desk.load(PEOPLE)
    return post


def answered(desk: Any, post: Any, item: int, text: str = "The secret answer") -> dict[str, Any]:
    """Let Anna answer by command; gives what went out, by address."""
    post.mails()
    assert desk.allegra("item", "answer", str(item), "-m", text).exit_code == 0
    desk.allegra("outbox", "run")
    return dict(post.mails())


def test_a_forged_answer_to_the_customers_own_mail_draws_no_answers_to_the_forger(desk: Any, office: Any) -> None:
    desk.mail("The scanner is slow", sender=JANE, message_id="<20261101.1@big.example>")
    desk.run()
    desk.mail("Re: The scanner is slow", sender=JANE, message_id="<f@evil.example>",
              headers=["In-Reply-To: <20261101.1@big.example>", "Cc: eve@evil.example"])  # fmt: skip
    desk.run()
    assert set(answered(desk, office, 1)) & {"jane@big.example", "eve@evil.example"} == {"jane@big.example"}


EARLIER = "On Monday, Jane Doe via Support wrote:"


@pytest.mark.parametrize(
    "shape", ["{EARLIER}\n{quoted}", "{whole}", "{whole}\n\nToner is on its way.", "-- \nAnna\n\n{EARLIER}\n{quoted}"]
)
def test_an_answer_without_words_of_its_own_sends_no_notice_to_the_customer(desk: Any, office: Any, shape: str) -> None:
    desk.mail("The scanner is slow", sender=JANE)
    desk.run()
    notice = dict(office.mails())["anna@example.com"]
    whole = str(notice.get_body(("plain",)).get_content())
    quoted = "\n".join(f"> {line}" for line in whole.splitlines())
    to = notice["Reply-To"].addresses[0].addr_spec
    head = f"From: anna@example.com\nTo: {to}\nSubject: Re: [#1] The scanner is slow\nMessage-ID: <a@example.com>\n"
    desk.mail(raw=(head + "\n" + shape.format(EARLIER=EARLIER, whole=whole, quoted=quoted)).encode())
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("held", "draft.repeats_notice")
    assert office.mails() == []
    assert desk.allegra("held", "release", line["mail"]).exit_code == 0
    desk.run()
    assert [to for to, _ in office.mails()] == ["jane@big.example"]


@pytest.mark.parametrize("around", ["<blockquote>{}</blockquote>", "<div>{}</div>", "<div class=gmail_quote>{}</div>"])
def test_html_that_holds_more_than_the_text_sends_no_notice_outside(desk: Any, office: Any, around: str) -> None:
    desk.mail("The scanner is slow", sender=JANE)
    desk.run()
    notice = dict(office.mails())["anna@example.com"]
    page = str(notice.get_body(("html",)).get_content())
    made = EmailMessage()
    made["From"], made["To"] = "anna@example.com", notice["Reply-To"].addresses[0].addr_spec
    made["Subject"], made["Message-ID"] = "Re: [#1] The scanner is slow", "<a@example.com>"
    made.set_content("Toner is on its way.\n")
    made.add_alternative("<p>Toner is on its way.</p>" + around.format(page[page.find("<p") :]), subtype="html")
    desk.mail(raw=made.as_bytes())
    desk.run()
    said = [each.get_content() for to, mail in office.mails() for each in mail.walk() if not each.is_multipart()]
    assert said and not [each for each in said if "internal note" in each or "You hear this" in each]


def test_equal_mails_by_a_forger_mute_nobody_who_proves_to_be_themselves(desk: Any, office: Any) -> None:
    for number in range(4):
        desk.mail("Hello", "The same again\n", JANE, message_id=f"<f{number}@evil.example>")
    desk.run()
    assert len([to for to, _ in office.mails("auto-replied")]) == 2
    desk.mail("The lamp is broken", "It is dark.\n", JANE)
    desk.mail("The door is stuck", "It is closed.\n", JANE, headers=[PROVEN])
    desk.run()
    assert [mail["Subject"] for _, mail in office.mails("auto-replied")] == ["Re: [#6] The door is stuck"]


def test_a_forged_report_takes_mail_away_from_nobody_but_who_got_what_it_returns(desk: Any, office: Any) -> None:
    office.configure(more='[people]\nunknown_user = "accept"\n')
    desk.mail("Mine", sender=EVE)
    desk.mail("Hers", sender=JANE)
    desk.run()
    mine = next(mail for to, mail in office.mails() if to == "eve@evil.example")
    for number in range(4):
        desk.mail(raw=REPORT.format(number=number, returned=mine.as_string()).encode())
    desk.run()
    assert [row for row in desk.told("address_key, state") if row[1] == "bounced"] == [("eve@evil.example", "bounced")]
    assert "jane@big.example" not in desk.allegra("outbox", "addresses").stdout
    assert "jane@big.example" in answered(desk, office, 2)


def test_a_forged_comment_draws_no_reply_address_to_a_neighbour_in_the_same_domain(desk: Any, office: Any) -> None:
    office.configure(more='[replies]\nnew_comment = "comment_ack"\n')
    desk.mail("The scanner is slow", sender=JANE)
    desk.run()
    office.mails()
    desk.mail("Re: [#1] The scanner is slow", "And hot\n", JANE, headers=["Reply-To: eve@big.example"])
    desk.run()
    assert [to for to, _ in office.mails("auto-replied")] == ["jane@big.example"]
    desk.mail("Re: [#1] The scanner is slow", "And loud\n", JANE, headers=["Reply-To: j.doe@big.example", PROVEN])
    desk.run()
    assert [to for to, _ in office.mails("auto-replied")] == ["j.doe@big.example"]


def test_who_works_here_no_more_gets_no_note_that_waited_for_the_server(desk: Any, office: Any) -> None:
    desk.mail("The scanner is slow", sender=JANE)
    desk.run()
    assert desk.allegra("item", "join", "1", "bob").exit_code == 0
    office.mails()
    assert desk.allegra("item", "note", "1", "-m", "Jane owes us money").exit_code == 0
    assert ("bob@example.com", "item.noted", "queued") in desk.told("address_key, event, state")
    desk.load('[[roles]]\nname = "member"\npermissions = ["view_items"]\n')
    desk.allegra("outbox", "run")
    assert office.mails() == []
    assert ("bob@example.com", "item.noted", "dropped") in desk.told("address_key, event, state")


def test_a_digest_tells_nobody_of_what_is_for_them_no_more(desk: Any, office: Any) -> None:
    desk.mail("The scanner is slow", sender=JANE)
    desk.run()
    for command in (("item", "join", "1", "bob"), ("user", "notify", "bob", "how=daily"),
                    ("item", "note", "1", "-m", "Jane owes us money")):  # fmt: skip
        assert desk.allegra(*command).exit_code == 0
    assert ("bob@example.com", "item.noted", "digest") in desk.told("address_key, event, state")
    desk.load('[[roles]]\nname = "member"\npermissions = ["view_items"]\n')
    office.mails()
    come(desk)
    desk.allegra("outbox", "run")
    assert [to for to, _ in office.mails() if to == "bob@example.com"] == []


def test_no_reply_address_stands_whole_in_the_log_or_in_what_is_said_of_a_mail(desk: Any, office: Any) -> None:
    office.configure(more='[log]\nfile = "log.txt"\nlevel = "debug"\n')
    desk.load('[[users]]\nlogin = "root"\nname = "Root"\nemails = ["root@example.com"]\nadmin = true\n')
    desk.mail("The scanner is slow", sender=JANE)
    desk.run()
    to = next(mail for to, mail in office.mails() if to == "jane@big.example")["Reply-To"].addresses[0].addr_spec
    assert desk.allegra("item", "delete", "1", "--commit", "--as", "root").exit_code == 0
    desk.mail(raw=f"From: {JANE}\nTo: {to}\nSubject: More\nMessage-ID: <m@big.example>\n\nMore\n".encode())
    assert [line["code"] for line in desk.run()] == ["thread.item_gone"]
    secret = to.partition("@")[0].rpartition(".")[2]
    said = [line["because"] for line in desk.lines("held", "list") if "because" in line]
    told = [(desk.folder / "log.txt").read_text(), desk.allegra("log").stdout, *said]
    assert "thread.item_gone" in told[0] and not [each for each in told if secret in each]


def test_answers_that_were_forged_and_held_are_no_mails_that_went_to_and_fro(desk: Any, office: Any) -> None:
    desk.mail("The scanner is slow", sender=JANE, message_id="<q1@big.example>")
    desk.run()
    for number in range(7):
        for sender in (JANE, "bob@example.com"):
            desk.mail("Re: [#1]", f"Words {number}\n", sender, headers=["In-Reply-To: <q1@big.example>"])
            desk.run()
    assert ("jane@big.example", "answer", "held", "unproven") in desk.told("address_key, class, state, why")
    assert "jane@big.example" not in desk.allegra("outbox", "addresses").stdout
    assert "jane@big.example" in answered(desk, office, 1)
