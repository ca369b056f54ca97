"""People who write to a desk through real servers: out by Postfix, in by Dovecot. Not here: assertions."""

from __future__ import annotations

import email
import email.policy
import smtplib
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from typing import Any

from people import PEOPLE
from served import configure, options
from servers.dovecot import Dovecot
from servers.postfix import Postfix

EVERYBODY = f"""{PEOPLE}
[[users]]
login  = "nobody"
name   = "Nobody Here"
emails = ["nobody@big.example"]
"""
"""No server knows the last."""

ANNA, BOB = "Anna Berg <anna@example.com>", "Bob Lund <bob@example.com>"
KIM = "Kim Poe <kim@big.example>"
NOBODY = "Nobody Here <nobody@big.example>"


def by(postfix: Postfix) -> str:
    """The options of sending through it."""
    return f'[smtp]\nhost = "127.0.0.1"\nport = {postfix.port}\nssl = false\nfrom = "help@example.com"\n'


def served(desk: Any, dovecot: Dovecot, smtp: str) -> None:
    """Let a desk read help@ and support@example.com by IMAP."""
    ours, support = [options(dovecot, "imap", f"{name}@example.com", dovecot.password) for name in ("help", "support")]
    configure(desk, ours, support, smtp)


def write(
    postfix: Postfix, sender: str, to: str, subject: str, body: str, *, copies: Sequence[str] = (), **headers: str
) -> None:
    """Send a mail as a mail program does, and wait until it has arrived."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, subject
    if copies:
        made["Cc"] = ", ".join(copies)
    made["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">"))
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(body)
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.sendmail(parseaddr(sender)[1], [parseaddr(each)[1] for each in (to, *copies)], made.as_bytes())
    postfix.wait()


def arrived(postfix: Postfix, address: str) -> list[Any]:
    """What lies in a mailbox, oldest first."""
    return [email.message_from_bytes(each, policy=email.policy.default) for each in postfix.mails(address)]
