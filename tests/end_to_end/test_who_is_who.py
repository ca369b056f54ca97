"""Who is who: what belongs to whom, and where an answer lands."""

from __future__ import annotations

from typing import Any

from engine.config import load
from engine.decision import tokens

TOPIC = '[[topics]]\nid = 1\nworkspace = "support"\ntitle = "Printers"\n'


def secret(desk: Any) -> bytes:
    """What signs the tokens of this desk."""
    return load(desk.folder / "allegra.toml").instance.secret()


# ── items and topics ──────────────────────────────────────────────────────────────────────────────────────────


def test_F120_mail_about_a_topic_is_signed_for_the_topic_and_its_answer_lands_there(desk: Any, post: Any) -> None:
    post.configure(more='[replies]\nnew_comment = "comment_ack"\nonce_per_sender = 0\n')
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
