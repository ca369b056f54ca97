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
