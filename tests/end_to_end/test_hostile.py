"""Somebody outside, who has mail and nothing else, and wants words that are not for them, or a desk that is no use."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

JANE, KARL, EVE = "Jane Doe <jane@big.example>", "Karl Roe <karl@big.example>", "Eve <eve@evil.example>"

PEOPLE = """
[[users]]
login  = "bob"
name   = "Bob Lund"
emails = ["bob@example.com"]
groups = ["staff"]
[[users]]
login  = "jane"
name   = "Jane Doe"
emails = ["jane@big.example"]
[[users]]
login  = "karl"
name   = "Karl Roe"
emails = ["karl@big.example"]
"""

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=big.example"


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
