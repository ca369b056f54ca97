"""What the engine sees in a mail, without deciding anything.

Here: which files are meant, one mail as plain data in the shape of docs/cli.md. Not here: parsing (`mail/`), printing
(`cli/parse.py`).
Invariant: nothing is written anywhere, and no bytes make it raise.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct

from engine.mail import html
from engine.mail.auth import authentication, topmost_id
from engine.mail.auto import bounce, classify
from engine.mail.parse import Limits, parse
from engine.mail.reply import cut
from engine.model.mail import Origin, RawMail

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.mail import Address, Attachment, Mail


class Reading(Struct, frozen=True):
    """How mails are read: the limits, the options of `[body]`, and whose word about authentication counts.

    Without `trusted` the word of the topmost server is shown: nothing is decided here.
    """

    limits: Any = Limits()
    body: Any = None
    trusted: tuple[str, ...] | None = None
    sealers: tuple[str, ...] = ()


def reading(config: Config) -> Reading:
    """Read as a configuration says."""
    settings = config.settings("")
    gates = settings.gates
    return Reading(settings.limits, settings.body, tuple(gates.trusted_authserv_ids), tuple(gates.trusted_arc_sealers))


def files(paths: Iterable[str]) -> Iterator[str]:
    """List what to read; of a directory the files in it and below (a Maildir too), sorted by name."""
    for path in paths:
        if path == "-" or not os.path.isdir(path):  # noqa: PTH112  (thousands of files: strings are quicker)
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if name != "tmp" and not name.startswith(".git"))
            for name in sorted(names):
                if not name.startswith("."):
                    yield os.path.join(folder, name)  # noqa: PTH118


def seen_in(name: str, how: Reading, stream: BinaryIO) -> dict[str, Any]:
    """Read a file, or `stream` where the name is `-`; what went wrong stands under `error`."""
    file = {"file": os.fsencode(name).decode("utf-8", "replace")}
    most = how.limits.raw + 1  # one byte more than the limit, so that the limit shows
    try:
        if name == "-":
            content = stream.read(most)
        else:
            with open(name, "rb") as opened:  # noqa: PTH123
                content = opened.read(most)
    except OSError as error:
        return {**file, "error": error.strerror or str(error)}
    return {**file, **seen(name, content, how)}


def seen(name: str, content: bytes, how: Reading) -> dict[str, Any]:
    """Read the bytes of a mail; `name` is what its file is called."""
    started = perf_counter()
    digest = hashlib.sha256(content).hexdigest()
    mail = parse(RawMail(content, Origin("parse", name, len(content)), datetime.now(UTC), digest), how.limits)
    told = _said(mail) | _meant(mail, how)
    return {**told, "ms": round((perf_counter() - started) * 1000, 3)}


def _said(mail: Mail) -> dict[str, Any]:
    """What stands in the mail."""
    return {
        "sha256": mail.raw.digest,
        "size": len(mail.raw.content),
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "date": mail.date.isoformat() if mail.date else None,
        "from": _people(mail.from_),
        "sender": _people(mail.sender),
        "reply_to": _people(mail.reply_to),
        "to": _people(mail.to),
        "cc": _people(mail.cc),
        "subject": mail.subject,
        "text": mail.text,
        "html": html.sanitise(html.with_content_ids(mail.html, _pictures(mail))) if mail.html else None,
        "text_parts": list(mail.text_parts),
        "attachments": [_attachment(attachment) for attachment in mail.attachments],
        "defects": [{"code": defect.code, "detail": defect.detail} for defect in mail.defects],
    }


def _meant(mail: Mail, how: Reading) -> dict[str, Any]:
    """What the engine makes of it: the new part, who wrote it (a machine?), what servers say about it."""
    from_html = bool(mail.html) and not any(
        part.content_type == "text/plain" and part.disposition != "attachment" and not part.filename
        for part in mail.parts
    )
    new = cut(mail.text, how.body, from_html, mail.subject)
    automatic, bounced = classify(mail), bounce(mail)
    trusted = how.trusted
    if trusted is None:  # nothing is decided here: without a configuration the topmost server's word is shown
        top = topmost_id(mail)
        trusted = () if top is None else (top,)
    results = authentication(mail, trusted, how.sealers)
    return {
        "new_part": new.new,
        "quoted": new.quoted,
        "signature": new.signature,
        "automatic": {"class": automatic.kind.value, "reason": automatic.reason},
        "bounce": None
        if bounced is None
        else {
            "recipients": [
                {"address": to.address, "action": to.action, "status": to.status, "diagnostic": to.diagnostic}
                for to in bounced.recipients
            ],
            "original_message_id": bounced.original_message_id,
        },
        "authentication": {
            "spf": results.spf,
            "dkim": results.dkim,
            "dmarc": results.dmarc,
            "arc": results.arc,
            "authserv_id": results.authserv_id,
        },
    }


def _pictures(mail: Mail) -> dict[str, str]:
    return {
        name: file.content_id for file in mail.attachments for name in (file.content_id, file.part.location) if name
    }


def _people(addresses: tuple[Address, ...]) -> list[dict[str, str]]:
    return [{"name": address.name, "address": address.address} for address in addresses]


def _attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "filename": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size_bytes,
        "sha256": attachment.digest,
        "inline": attachment.inline,
        "content_id": attachment.content_id or None,
    }
