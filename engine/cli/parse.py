"""`allegra parse`: what the engine sees in a mail, without deciding anything.

Here: files, directories and standard input to JSON lines (docs/cli.md) or readable text. Not here: the reading.
Invariant: a file that cannot be read gets a line with `error` and the rest go on; nothing is written anywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import is_terminal
from engine.plain_text import safe_json

if TYPE_CHECKING:
    from engine.mail.parse import Limits
    from engine.model.mail import Address, Attachment, Mail

SCHEMA = "allegra.parse/1"


@click.command(short_help="Show what the engine sees in a mail.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def parse(ctx: click.Context, paths: tuple[str, ...], as_json: bool) -> None:
    """Show what the engine sees in mails: files, directories (their files by name), or `-` for standard input."""
    reader = _Reader(ctx)
    failed = False
    out = sys.stdout.buffer
    for name in _files(paths):
        seen = reader.seen(name)
        failed = failed or "error" in seen
        out.write(_json(seen) if as_json else _readable(seen).encode("utf-8", "replace"))
    out.flush()
    ctx.exit(1 if failed else 0)


def _files(paths: tuple[str, ...]) -> Iterator[str]:
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


class _Reader:
    """Reads mails under the limits and the trusted servers of the configuration, if there is one."""

    def __init__(self, ctx: click.Context) -> None:
        from engine.mail.parse import Limits

        self.limits: Limits | Any = Limits()
        self.body: Any = None
        self.trusted: tuple[str, ...] | None = None
        self.sealers: tuple[str, ...] = ()
        named = (ctx.find_root().obj or {}).get("config")
        if named:
            from engine.cli.common import open_config

            settings = open_config(ctx).settings("")
            self.limits, self.body = settings.limits, settings.body
            self.trusted = tuple(settings.gates.trusted_authserv_ids)
            self.sealers = tuple(settings.gates.trusted_arc_sealers)

    def seen(self, name: str) -> dict[str, Any]:
        """Read one file; what went wrong stands under `error`."""
        import hashlib
        from datetime import UTC, datetime
        from time import perf_counter

        from engine.mail.parse import parse as read
        from engine.model.mail import Origin, RawMail

        try:
            content = _bytes(name, self.limits.raw)
        except OSError as error:
            return {"schema": SCHEMA, "file": _text(name), "error": error.strerror or str(error)}
        started = perf_counter()
        digest = hashlib.sha256(content).hexdigest()
        raw = RawMail(content, Origin("parse", name, len(content)), datetime.now(UTC), digest)
        mail = read(raw, self.limits)
        seen = self._said(mail) | self._meant(mail)
        ms = round((perf_counter() - started) * 1000, 3)
        return {"schema": SCHEMA, "file": _text(name), **seen, "ms": ms}

    def _said(self, mail: Mail) -> dict[str, Any]:
        """What stands in the mail."""
        from engine.mail import html

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
            "html": html.sanitise(mail.html) if mail.html else None,
            "text_parts": list(mail.text_parts),
            "attachments": [_attachment(attachment) for attachment in mail.attachments],
            "defects": [{"code": defect.code, "detail": defect.detail} for defect in mail.defects],
        }

    def _meant(self, mail: Mail) -> dict[str, Any]:
        """What the engine makes of it: the new part, who wrote it (a machine?), what servers say about it."""
        from engine.mail.auth import authentication, topmost_id
        from engine.mail.auto import bounce, classify
        from engine.mail.reply import cut

        from_html = bool(mail.html) and not any(
            part.content_type == "text/plain" and part.disposition != "attachment" and not part.filename
            for part in mail.parts
        )
        new = cut(mail.text, self.body, from_html, mail.subject)
        automatic, bounced = classify(mail), bounce(mail)
        trusted = self.trusted
        if trusted is None:  # nothing is decided here: without a configuration the topmost server's word is shown
            top = topmost_id(mail)
            trusted = () if top is None else (top,)
        results = authentication(mail, trusted, self.sealers)
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


def _bytes(name: str, most: int) -> bytes:
    """Read a file, one byte more than the limit at most, so that the limit shows."""
    if name == "-":
        return sys.stdin.buffer.read(most + 1)
    with open(name, "rb") as file:  # noqa: PTH123
        return file.read(most + 1)


def _text(name: str) -> str:
    """A file name as text that JSON can carry."""
    return os.fsencode(name).decode("utf-8", "replace")


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


def _json(seen: dict[str, Any]) -> bytes:
    import msgspec

    line = msgspec.json.encode(seen) + b"\n"
    return safe_json(line.decode()).encode() if is_terminal() else line


def _readable(seen: dict[str, Any]) -> str:
    """Lay out one mail for a person; control characters of hostile mail do not reach the terminal."""
    if "error" in seen:
        return f"{seen['file']}: {seen['error']}\n\n"
    rows = [("File", f"{seen['file']} ({seen['size']} bytes, {seen['ms']} ms)"), ("Subject", seen["subject"])]
    rows += [
        (name.replace("_", "-").capitalize(), ", ".join(_shown(person) for person in seen[name]))
        for name in ("from", "sender", "reply_to", "to", "cc")
    ]
    rows += [("Date", seen["date"] or ""), ("Message-ID", seen["message_id"])]
    rows += [
        ("Attachment", f"{file['filename']} ({file['content_type']}, {file['size']} bytes)")
        for file in seen["attachments"]
    ]
    automatic, results = seen["automatic"], seen["authentication"]
    if automatic["class"] != "none":
        rows.append(("Automatic", f"{automatic['class']}: {automatic['reason']}"))
    if results["authserv_id"] or any(results[method] != "none" for method in ("spf", "dkim", "dmarc", "arc")):
        said = " ".join(f"{method}={results[method]}" for method in ("spf", "dkim", "dmarc", "arc"))
        rows.append(("Results", f"{said} ({results['authserv_id'] or 'no name'})"))
    rows += [("Defect", f"{defect['code']} {defect['detail']}".rstrip()) for defect in seen["defects"]]
    lines = [f"{name + ':':<12} {value}" for name, value in rows if value]
    body = ["", *seen["new_part"].split("\n")]
    if seen["quoted"].strip():
        body.append(f"[{len(seen['quoted'].splitlines())} quoted lines]")
    return "\n".join(_clean(line) for line in (*lines, *body)) + "\n\n"


def _shown(person: dict[str, str]) -> str:
    return f"{person['name']} <{person['address']}>" if person["name"] else person["address"]


def _clean(line: str) -> str:
    return line if line.isprintable() else "".join(char if char.isprintable() or char == "\t" else "·" for char in line)
