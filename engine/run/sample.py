"""A mail that nobody sent: what is decided to find out whether the machine works.

Here: its text, and how it comes to be spooled. Not here: when it is decided (`breaker.py`).
Invariant: no word of it is anybody else's, so no sender chooses what the machine is measured by; it is like most mail:
text, HTML, a file, letters beyond ASCII, from somebody inside where there is somebody.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from engine.model.mail import Origin, RawMail

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.store.store import Store

NOBODY = "nobody@allegra.invalid"
"""Who writes where no admin has an address, and to whom where a mailbox has none."""

_TEXT = """\
From: Allegra mail <{sender}>
To: <{recipient}>
Subject: =?utf-8?q?Is_the_machine_well=3F_Gr=C3=BC=C3=9Fe?=
Date: {date}
Message-ID: <sample@allegra.invalid>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="mixed"

--mixed
Content-Type: multipart/alternative; boundary="either"

--either
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

A mail of our own is decided and taken back. Viele Gr=C3=BC=C3=9Fe

> What was said before.

--=20
A signature

--either
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>A mail of our <b>own</b> is decided and taken back. Viele Gr=C3=BC=C3=9Fe</p>
<blockquote>What was said before.</blockquote>

--either--

--mixed
Content-Type: text/plain; name="file.txt"
Content-Disposition: attachment; filename="file.txt"
Content-Transfer-Encoding: base64

QSBmaWxlLgo=

--mixed--
"""


def sample(store: Store, mailbox: Mailbox, now: datetime) -> RawMail:
    """Write a mail to a mailbox, from an admin where one has an address. Raises StoreError."""
    sender = next((address for admin in store.still.admins() for address in admin.emails), NOBODY)
    recipient = next(iter(mailbox.addresses), NOBODY)
    content = _TEXT.format(sender=sender, recipient=recipient, date=format_datetime(now)).encode()
    origin = Origin(mailbox.name, "sample", len(content))
    return RawMail(content, origin, now, hashlib.sha256(content).hexdigest())
