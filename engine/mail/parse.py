"""Bytes -> `Mail`: the one entrance.

Here: `parse`, the limits, the fields that identify and thread a mail, its digests.
Not here: headers, structure, body, attachments, containers and dates, each in a module of its own.
Invariant: `parse` raises on no bytes whatever; its time and memory are linear in the bytes and bounded by `Limits`.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from engine.mail import addresses, attachments, body, containers, dates, headers
from engine.mail.split import Node, Splitter, TreeLimits
from engine.model.mail import Address, Attachment, Defect, Header, Mail, RawMail


class ReadLimits(TreeLimits, Protocol):
    """`[limits]` of the configuration, sizes in bytes."""

    @property
    def raw(self) -> int: ...
    @property
    def addresses(self) -> int: ...


class Limits(Struct, frozen=True):
    """The defaults of `[limits]`: sizes in bytes and counts."""

    raw: int = 50_000_000
    header_block: int = 256_000
    header: int = 32_000
    headers: int = 1000
    parts: int = 500
    depth: int = 30
    addresses: int = 200


_ID = re.compile(r"<([^<>]{1,998})>")
_BETWEEN_IDS = re.compile(r"[\s<>,;]+")
_IN_FRONT = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*+")
_WORD_CHARSET = re.compile(r"=\?([^?\s*]{1,60})[*?]")
_FIELDS = """message-id in-reply-to references date from sender reply-to to cc subject delivered-to x-original-to
envelope-to"""
_WANTED = frozenset(_FIELDS.split())
_SERVERS = """authentication-results arc-authentication-results arc-seal arc-message-signature dkim-signature received
received-spf return-path delivered-to x-original-to message-id in-reply-to references"""
_OF_MACHINES = frozenset(_SERVERS.split())


def parse(raw: RawMail, limits: ReadLimits = Limits()) -> Mail:  # noqa: B008 - frozen
    """Read a mail. Never raises: what cannot be read is empty, and a defect tells of it."""
    return _parsed(raw, limits, 0)


def _parsed(raw: RawMail, limits: ReadLimits, depth: int) -> Mail:
    content, note = raw.content, list[Defect]()
    if not content:
        return Mail(raw, defects=(Defect("empty", "there are no bytes"),))
    start = _first_line(content)
    block = headers.read(content, start, len(content), limits, note)
    if not block.fields:
        note.append(Defect("no_header", "there is no header field"))
    if len(content) > limits.raw:
        note.append(Defect("raw_too_big", f"{len(content)} bytes, {limits.raw} are read"))
        tree = Node("text/plain", {}, len(content), len(content), "1")
    else:
        tree = Splitter(content, limits, note).tree(block.fields, block.body)
    return assemble(raw, limits, block.fields, tree, note, depth)


def assemble(
    raw: RawMail, limits: ReadLimits, fields: headers.Fields, tree: Node, note: list[Defect], depth: int = 0
) -> Mail:
    """Make the mail of its header fields and its tree; `note` holds the defects so far, `depth` counts containers."""
    content = raw.content
    raw_values = _collected(fields)
    hint = _hint(tree, raw_values)
    said = body.Reader(content, tree, hint).read()
    note += map(Defect, said.defects)
    files = attachments.build(content, said.rest, said.html, hint, note)
    inside = _inside(raw, limits, files, said, depth)
    texts = (
        tuple(each for each in (*inside.texts, *said.text_parts) if each.strip()) if inside.texts else said.text_parts
    )
    people = _People(raw_values, limits.addresses, hint, note)
    message_id, date = _message_id(raw_values, note), dates.read(raw_values.get("date", ()), note)
    subject = headers.decode(raw_values["subject"][0], hint).strip() if "subject" in raw_values else ""
    from_ = people.read("from", every=True)
    return Mail(
        raw=raw,
        message_id=message_id,
        in_reply_to=_ids(raw_values, "in-reply-to"),
        references=_ids(raw_values, "references"),
        date=date,
        from_=from_,
        sender=people.read("sender"),
        reply_to=people.read("reply-to", every=True),
        to=people.read("to", every=True),
        cc=people.read("cc", every=True),
        delivered_to=people.read("delivered-to", "x-original-to", "envelope-to", every=True),
        subject=subject,
        text="\n".join(texts),
        html=said.html or inside.html,
        text_parts=texts,
        html_part=said.html_part and replace(said.html_part, pictures=attachments.shown_in(said.html, files)),
        parts=said.parts,
        attachments=inside.files if inside.opened else files,
        headers=tuple(
            [
                Header(name, _shown(name, value, hint) if "=?" in value or not value.isprintable() else value)
                for name, value in fields
            ]
        ),
        defects=tuple(dict.fromkeys(map(_told, note))),
        fingerprint=_fingerprint(message_id, date, from_, subject, said.text, files),
        opened=inside.opened,
        message_class=inside.message_class,
    )


def _inside(
    raw: RawMail, limits: ReadLimits, files: tuple[Attachment, ...], said: body.Body, depth: int
) -> containers.Inside:
    """Open the containers that hold the text, where nothing but a key kept it closed."""
    if not files:
        return containers.NOTHING

    def read(content: bytes) -> Mail:
        inner = RawMail(content, raw.origin, raw.received_at, hashlib.sha256(content).hexdigest())
        return _parsed(inner, limits, depth + 1)

    is_mute = not (said.text.strip() or said.html.strip())
    return containers.look(raw.content, files, is_mute, read if depth < containers.DEEPEST else None)


def _shown(name: str, value: str, hint: str) -> str:
    """Decode a value for `Mail.headers`; in what servers write an encoded word is the sender's text and stays one."""
    return headers.plain(value) if name.lower() in _OF_MACHINES else headers.decode(value, hint)


def _told(defect: Defect) -> Defect:
    """What is odd is often told in the mail's own raw words."""
    return defect if defect.detail.isprintable() else replace(defect, detail=headers.plain(defect.detail))


def _first_line(content: bytes) -> int:
    """Skip what some programs put in front of the first field: a byte order mark, empty lines."""
    front = _IN_FRONT.match(content)
    return front.end() if front and front.end() < len(content) else 0


def _collected(fields: headers.Fields) -> dict[str, list[str]]:
    """Gather the raw values of the fields that are read further, by lower-case name."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        lower = name.lower()
        if lower in _WANTED:
            found.setdefault(lower, []).append(value)
    return found


def _hint(tree: Node, raw_values: dict[str, list[str]]) -> str:
    """Guess the charset of what declares none: that of the first text, else that of an encoded word."""
    for leaf in tree.leaves():
        label = leaf.parameters.get("charset", "")
        if label:
            return label
    for name in ("subject", "from", "to"):
        found = _WORD_CHARSET.search(raw_values.get(name, ("",))[0])
        if found:
            return found[1]
    return ""


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────────


class _People:
    """Reads the address fields of one mail."""

    def __init__(self, raw_values: dict[str, list[str]], limit: int, hint: str, note: list[Defect]) -> None:
        self.raw_values, self.limit, self.hint, self.note = raw_values, limit, hint, note

    def read(self, *names: str, every: bool = False) -> tuple[Address, ...]:
        """Give the addresses of all fields of these names, or of the first field only."""
        found: list[Address] = []
        for name in names:
            for value in self.raw_values.get(name, ())[: None if every else 1]:
                reading = addresses.read(value, self.limit - len(found), self.hint)
                found += reading.addresses
                if reading.oddity and name == "from":
                    self.note.append(Defect("from_odd", reading.oddity))
                elif reading.oddity:
                    self.note.append(Defect("address_odd", f"{name}: {reading.oddity}"))
                if reading.more:
                    self.note.append(Defect("addresses_cut", f"{name}: more than {self.limit} addresses"))
        if names == ("from",) and len(self.raw_values.get("from", ())) > 1:
            self.note.append(Defect("from_several", f"{len(self.raw_values['from'])} From fields"))
        return tuple(found)


# ── identity ──────────────────────────────────────────────────────────────────────────────────────────────────


def _message_id(raw_values: dict[str, list[str]], note: list[Defect]) -> str:
    """Give the Message-ID in angle brackets, "" if there is none; blanks from folding go."""
    values = raw_values.get("message-id", [])
    if len(values) > 1:
        note.append(Defect("message_id_several", f"{len(values)} Message-ID fields"))
    found = _identified(values[0]) if values else ()
    if not found:
        note.append(Defect("message_id_missing", "there is no Message-ID"))
    return found[0] if found else ""


def _ids(raw_values: dict[str, list[str]], name: str) -> tuple[str, ...]:
    """Give the Message-IDs in all fields of a name, each once, in order."""
    values = raw_values.get(name)
    return tuple(dict.fromkeys(identified for value in values for identified in _identified(value))) if values else ()


def _identified(value: str) -> tuple[str, ...]:
    """Find msg-ids (RFC 5322 3.6.4); without angle brackets what looks like one counts."""
    found = _ID.findall(value) or [word for word in _BETWEEN_IDS.split(value) if "@" in word]
    clean = (identified if identified.isprintable() else headers.decode(identified) for identified in found)
    return tuple([f"<{''.join(identified.split())}>" for identified in clean if identified.strip()])


def _fingerprint(
    message_id: str,
    date: datetime | None,
    from_: tuple[Address, ...],
    subject: str,
    text: str,
    files: tuple[Attachment, ...],
) -> str:
    """Hash what survives a server that writes the mail anew: identity, originator, words without blanks, files."""
    told = "\n".join(
        (
            message_id,
            date.isoformat() if date else "",
            ",".join([address.key for address in from_]),
            subject.replace(" ", ""),
            *[file.digest for file in files],
            "",
        )
    )
    blank_free = text.encode("utf-8", "replace").translate(None, b"\n ")
    return hashlib.sha256(told.encode("utf-8", "replace") + blank_free).hexdigest()[:32]
