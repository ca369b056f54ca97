"""Bounces: is this mail a report that another one was not delivered, and what does it say.

Here: the signs (RFC 3464 and what servers did before and beside it), recipients, status, the mail it is about.
Not here: other automatic mail (`auto.py`), the texts of servers (`bounce_phrases.py`, `bounce_texts.py`).
Invariant: one sign that only a server gives, or two that together no person gives; a mail that quotes, forwards or
speaks of a bounce is none. Reading is bounded: the first 64 KB of text, at most 50 recipients.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from engine.mail import parts
from engine.mail.bounce_phrases import DAEMONS, POSTMASTER, SUBJECT
from engine.model.facts import Bounce, BouncedRecipient
from engine.model.mail import Address, Mail, Part

Names = dict[str, str]
"""Header fields by lower-case name, the first value of each."""

_STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ORIGINAL_TYPES: Final = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822"}
)
FORWARDED: Final = re.compile(r"\s*(?:fwd?|wg|tr|rv|re|aw|sv|antw|odp|转发|回复)\s?:", re.IGNORECASE)
_STATUS: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE: Final = re.compile(r"(?<![\d.#])([45]\d\d)(?=[ \-:#;,)]|$)(?! ?(?:kb|mb|bytes))", re.IGNORECASE | re.MULTILINE)
_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;:\"'@]{1,64}@[A-Za-z0-9_.-]{1,250}[A-Za-z0-9]")
_LEADING: Final = re.compile(
    r"(?:^[\s*>|-]{0,12}(?:[\"'][^\"'\n]{0,80}[\"']\s*)?"
    r"|(?:\b(?:to|for|für|an|generated from|recipients?|user(?:id)?|address(?:es)?|mailbox|account)"
    r"|(?<!from)(?<!sender)(?<!by):)\s*)"
    r"[<\[(\"']{0,2}(?:mailto:|smtp[:;]\s*|rfc822;\s*)?$",
    re.IGNORECASE,
)
_MESSAGE_ID: Final = re.compile(
    r"^[>\s]{0,8}(?:x-)?(?:original-)?message-id:\s*(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE
)
_RECIPIENTS = 50
_TEXT = 65_536


def sign(mail: Mail, fields: Names) -> str:
    """Name the sign by which the mail is a bounce; "" if it is none."""
    kind = fields.get("content-type", "")[:300].lower()
    if kind.startswith("multipart/report") and (
        "delivery-status" in kind or any(part.content_type in _STATUS_TYPES for part in mail.parts)
    ):
        return "multipart/report with a delivery status (RFC 3464)"
    if fields.get("x-failed-recipients"):
        return "X-Failed-Recipients"
    if mail.message_class.upper().startswith("REPORT.") and mail.message_class.upper().endswith(".NDR"):
        return f"message class {mail.message_class}"
    null = _null_path(mail, fields)
    daemon = _daemon(mail.from_, fields)
    said = SUBJECT.match(mail.subject[:300])
    if not (null or daemon or said):
        return ""
    if daemon != "daemon" and FORWARDED.match(mail.subject[:60]):
        return ""
    return _judge(mail, fields, kind, null, daemon, bool(said))


def refuses(mail: Mail) -> bool:
    """Tell whether a disposition notification says that a server refused the mail."""
    return _daemon(mail.from_, {}) == "daemon" and SUBJECT.match(mail.subject[:300]) is not None


def _judge(mail: Mail, fields: Names, kind: str, null: bool, daemon: str, said: bool) -> str:
    """Weigh the signs: reverse-path, originator, subject, text. Needed: one a server gives, and one more."""
    from engine.mail.bounce_texts import AUTOMATIC, EVIDENCE, MACHINE

    text = mail.text[:8000]
    reported = any(part.content_type in _STATUS_TYPES for part in mail.parts)
    if reported and kind.startswith("multipart/") and (null or daemon):
        return "a delivery status"
    if daemon == "daemon" and not _vacation(fields):
        return (
            f"from a mail system ({mail.from_[0].address or mail.from_[0].name})"
            if mail.from_
            else "from a mail system"
        )
    if said and (null or daemon or not mail.from_):
        return f"subject of a bounce from {'the null reverse-path' if null else 'a mail system'}: {mail.subject[:60]}"
    evidence = EVIDENCE.search(text) is not None
    coded = _STATUS.search(text) is not None or _CODE.search(text) is not None
    if null and evidence and not _vacation(fields) and (coded or not _generated(fields)):
        return "null reverse-path and the text of a bounce"
    if daemon and not mail.in_reply_to and EVIDENCE.search(text[:2500]):
        return "from postmaster with the text of a bounce"
    if said and MACHINE.search(text[:800]):
        return f"subject and text of a bounce: {mail.subject[:60]}"
    if said and evidence and coded and (AUTOMATIC.search(_originator(mail.from_)) or _machine(fields)):
        return f"subject and text of a bounce: {mail.subject[:60]}"
    return ""


def _null_path(mail: Mail, fields: Names) -> bool:
    """Tell whether the reverse-path is null, as the envelope or the final server's Return-Path says (RFC 5321 4.4)."""
    if mail.raw.envelope.reverse_path is not None:
        return mail.raw.envelope.reverse_path.strip("<> ") == ""
    path = fields.get("return-path")
    return path is not None and path.strip().strip("<> ") == ""


def _originator(addresses: tuple[Address, ...]) -> str:
    return f"{addresses[0].name[:100]} {addresses[0].local[:100]}".lower() if addresses else ""


def _daemon(addresses: tuple[Address, ...], fields: Names) -> str:
    """daemon for a mailer-daemon, postmaster for a role that people use too, "" for others."""
    if not addresses:
        return "postmaster" if "mailer-daemon" in fields.get("from", "").lower() else ""
    originator = _originator(addresses)
    if DAEMONS.search(originator):
        return "daemon"
    return "postmaster" if POSTMASTER.search(originator) else ""


def _vacation(fields: Names) -> bool:
    return "x-autoreply" in fields or "x-autorespond" in fields or fields.get("precedence", "").lower() == "auto_reply"


def _machine(fields: Names) -> bool:
    submitted = fields.get("auto-submitted", "no").strip().lower()
    return (
        submitted != "no"
        or "x-ms-exchange-message-is-ndr" in fields
        or fields.get("precedence", "") in ("bulk", "junk")
    )


def _generated(fields: Names) -> bool:
    return "list-id" in fields or fields.get("auto-submitted", "").strip().lower().startswith("auto-generated")


# ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────


def read(mail: Mail, fields: Names) -> Bounce:
    """Read recipients, status, diagnostics and the Message-ID of the mail that came back."""
    recipients = list(_reported(mail))
    known = {one.address.casefold() for one in recipients}
    failed = [one.strip(" <>") for one in fields.get("x-failed-recipients", "")[:4000].split(",")]
    more = [one for one in failed if "@" in one and one.casefold() not in known]
    if not recipients or more:
        said = {one.address.casefold(): one for one in _told(mail)}
        for address in more:
            known.add(address.casefold())
            recipients.append(said.get(address.casefold(), BouncedRecipient(address, "failed")))
        if not recipients:
            recipients = list(said.values())
    return Bounce(tuple(recipients[:_RECIPIENTS]), _original_id(mail))


def _reported(mail: Mail) -> Iterator[BouncedRecipient]:
    """The recipient blocks of delivery status parts (RFC 3464, 2.3)."""
    for part in mail.parts:
        if part.content_type in _STATUS_TYPES:
            text = parts.text(mail.raw.content, part)[:_TEXT]
            for block in re.split(r"\n[ \t]*\n", text.strip()):
                recipient = _recipient(_fields(block.split("\n")))
                if recipient:
                    yield recipient


def _fields(lines: Iterable[str]) -> Names:
    """Read unfolded `Name: value` lines."""
    found: Names = {}
    last = ""
    for line in lines:
        if line[:1] in " \t" and last:
            found[last] += " " + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            last = name.strip().lower()
            found.setdefault(last, value.strip())
    return found


def _recipient(fields: Names) -> BouncedRecipient | None:
    address = ""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient", "x-display-name"):
        found = _ADDRESS.search(fields.get(name, "").rpartition(";")[2])
        if found:
            address = found[0]
            break
    if not address and "final-recipient" not in fields:
        return None
    address = address or fields["final-recipient"].rpartition(";")[2].strip(" <>")
    status = _STATUS.search(fields.get("status", "") + " ")
    diagnostic = fields.get("diagnostic-code", "")
    kind, _, rest = diagnostic.partition(";")
    return BouncedRecipient(
        address,
        fields.get("action", "").partition("(")[0].strip().lower(),
        status[1] if status else _status_of(diagnostic),
        (rest if rest and " " not in kind.strip() else diagnostic).strip()[:1000],
    )


def _status_of(text: str) -> str:
    """The enhanced status in a text (RFC 3463), made from the SMTP code where there is none."""
    found = _STATUS.search(text)
    if found:
        return found[1]
    code = _CODE.search(text)
    return f"{code[1][0]}.0.0" if code else ""


def _told(mail: Mail) -> Iterator[BouncedRecipient]:
    """The recipients that the text of a bounce names: an address at the start of a line, or beside a status."""
    from engine.mail.bounce_texts import COPIES, EVIDENCE

    text = mail.text[:_TEXT]
    copy = COPIES.search(text)
    lines = (text[: copy.start()] if copy and copy.start() > 40 else text).split("\n")
    ours = {address.key for address in (*mail.to, *mail.from_, *mail.delivered_to)}
    found: dict[str, BouncedRecipient] = {}
    for at, line in enumerate(lines[:400]):
        if "@" not in line or len(found) >= _RECIPIENTS:
            continue
        for match in _ADDRESS.finditer(line[:500]):
            key = match[0].casefold()
            named = _LEADING.search(line[max(match.start() - 120, 0) : match.start()])
            coded = _STATUS.search(line[:500]) or _CODE.search(line[:500]) or EVIDENCE.search(line[:500])
            if key in ours or _delivers(key) or not (named or coded):
                continue
            diagnostic = _diagnostic(lines, at, match.end())
            before = found.get(key)
            if before is None or (not before.status and _status_of(diagnostic)):
                status = _status_of(diagnostic)
                action = "delayed" if status.startswith("4") else "failed"
                found[key] = BouncedRecipient(match[0], action, status, diagnostic)
    if len(found) == 1:
        only = next(iter(found.values()))
        if not only.status:  # what stands elsewhere in the text can only be about this one
            return iter((replace(only, status=_status_of("\n".join(lines)[:8000])),))
    return iter(sorted(found.values(), key=lambda one: not one.status))


def _delivers(address: str) -> bool:
    local = address.partition("@")[0]
    return DAEMONS.search(local) is not None or POSTMASTER.search(local) is not None


def _diagnostic(lines: list[str], at: int, column: int) -> str:
    """What stands behind an address and in the lines below it, up to an empty one."""
    said = [lines[at][column:].strip(" >:.\t")]
    for line in lines[at + 1 : at + 7]:
        if not line.strip():
            if any(said):
                break
            continue
        said.append(line.strip())
    return " ".join(one for one in said if one)[:1000]


def _original_id(mail: Mail) -> str:
    """The Message-ID of the mail that came back: in its own part, in the text, or in the threading fields."""
    for part in mail.parts:
        if part.content_type in _ORIGINAL_TYPES:
            found = _in_head(mail.raw.content, part)
            if found:
                return found
    told = _MESSAGE_ID.search(mail.text[:_TEXT])
    if told:
        return told[1]
    for part in mail.parts:
        if part.content_type in _STATUS_TYPES and (
            inside := _MESSAGE_ID.search(parts.text(mail.raw.content, part)[:_TEXT])
        ):
            return inside[1]
    return next(iter((*mail.in_reply_to, *mail.references[-1:])), "")


def _in_head(raw: bytes, part: Part) -> str:
    head = parts.content(raw, part)[:_TEXT].decode("utf-8", "replace").replace("\r\n", "\n")
    found = _MESSAGE_ID.search(head)
    return found[1] if found else ""
