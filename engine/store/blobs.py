"""Bytes of attachments and HTML bodies: kept once, inside the raw mail as long as that is there.

Here: `blob`, `html`, and how a reference into a raw mail becomes bytes of its own before that mail is purged.
Not here: decoding (`engine.mail.parts`), sanitising (whoever shows it). Invariant: a blob that can be named can be
read, whatever became of the mail it came with.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from engine.model.mail import Cutting, Part
from engine.model.whole import as_json
from engine.store import tables
from engine.store.database import Database
from engine.store.errors import NotFound, StoreError


class Html(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an HTML body stands: in a slice of a raw mail, or in a blob once that mail is purged.

    `cutting` tells how to cut it when it is shown. `pictures`: how it names those it shows -> their digests in hex.
    """

    raw: int = 0
    starts: int = 0
    ends: int = 0
    encoding: str = ""
    charset: str = ""
    blob: int = 0
    cutting: Cutting | None = None
    pictures: tuple[tuple[str, str], ...] = ()


def html_reference(raw: int, part: Part | None) -> str:
    """Write down where the HTML body of a mail stands, "" for none."""
    if part is None:
        return ""
    return as_json(
        Html(raw, part.start, part.end, part.encoding, part.charset, 0, part.cutting, part.pictures)
    ).decode()


class Blobs:
    """Reads bytes, wherever they are; a part of `engine.ports.Items`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def blob(self, digest: str) -> bytes:
        blob, raw = tables.Blob, tables.RawMail
        row = self._database.first(
            blob.select(blob.content, raw.content, blob.starts, blob.ends, blob.encoding)
            .join(raw, tables.JOIN.LEFT_OUTER).where(blob.digest == bytes.fromhex(digest))
        )  # fmt: skip
        if row is None:
            raise NotFound(f"there is no attachment {digest}")
        own, inside, starts, ends, encoding = row
        found = bytes(own) if own is not None else _decoded(inside, starts, ends, encoding)
        if hashlib.sha256(found).hexdigest() != digest:
            raise StoreError(f"the bytes of attachment {digest[:12]} are not what was stored: restore a backup")
        return found

    def html(self, reference: str) -> str:
        if not reference:
            return ""
        where = msgspec.json.decode(reference, type=Html)
        if where.blob:
            return bytes(self._content(tables.Blob, where.blob)).decode("utf-8")
        return _html_text(self._content(tables.RawMail, where.raw), where)

    def cutting(self, reference: str) -> Cutting | None:
        return msgspec.json.decode(reference, type=Html).cutting if reference else None

    def pictures(self, reference: str) -> dict[str, str]:
        return dict(msgspec.json.decode(reference, type=Html).pictures) if reference else {}

    def kept(self, reference: str) -> str:
        """Write down the same HTML so that it needs no raw mail: for a copy, of which no effect tells."""
        where = msgspec.json.decode(reference, type=Html) if reference else Html()
        if not where.raw:
            return reference
        return self._own(self.html(reference), where)

    def _own(self, html: str, where: Html) -> str:
        blob = self._own_blob(html.encode("utf-8", "replace"))
        return as_json(Html(blob=blob, cutting=where.cutting, pictures=where.pictures)).decode()

    def _content(self, table: Any, row: int) -> Any:
        found = self._database.first(table.select(table.content).where(table.id == row))
        return found[0] if found else None

    def shown_by(self, table: Any, blob: int) -> list[int]:
        """Give the items, comments or posts whose HTML body stands in a blob."""
        query = table.select(table.id, table.html).where(table.html.contains(f'"blob":{blob}'))
        rows = self._database.all(query)
        return [number for number, html in rows if msgspec.json.decode(html, type=Html).blob == blob]

    # ── before a raw mail goes ────────────────────────────────────────────────────────────────────────────────

    def free(self, raw: int) -> int:
        """Give everything that refers into a raw mail bytes of its own; tells how many blobs that were."""
        content = self._content(tables.RawMail, raw)
        if content is None:
            return 0
        blob = tables.Blob
        rows = self._database.all(blob.select(blob.id, blob.starts, blob.ends, blob.encoding).where(blob.raw == raw))
        for number, starts, ends, encoding in rows:
            own = _decoded(content, starts, ends, encoding)
            self._database.do(blob.update(content=own, raw=None).where(blob.id == number))
        made_by = (("CreateItem", tables.Item), ("AddComment", tables.Comment), ("PostToTopic", tables.Post))
        return len(rows) + sum(self._free_html(kind, table, raw, content) for kind, table in made_by)

    def _free_html(self, kind: str, table: Any, raw: int, content: bytes) -> int:
        effect, inbound, count = tables.Effect, tables.Inbound, 0
        mails = inbound.select(inbound.id).where(inbound.raw == raw)
        made = effect.select(effect.object).where(effect.kind == kind, effect.inbound.in_(mails))
        query = table.select(table.id, table.html).where(table.html != "", table.id.in_(made))
        for number, reference in self._database.all(query):
            where = msgspec.json.decode(reference, type=Html)
            if where.raw == raw:
                pointer = self._own(_html_text(content, where), where)
                self._database.do(table.update(html=pointer).where(table.id == number))
                count += 1
        return count

    def _own_blob(self, content: bytes) -> int:
        digest, blob = hashlib.sha256(content).digest(), tables.Blob
        row = self._database.first(blob.select(blob.id).where(blob.digest == digest))
        if row:
            return int(row[0])
        return self._database.add(blob.insert(digest=digest, size=len(content), content=content))


def _decoded(raw: Any, starts: int, ends: int, encoding: str) -> bytes:
    from engine.mail.parts import content

    return content(bytes(raw or b""), Part("application/octet-stream", starts, ends, encoding))


def _html_text(raw: Any, where: Html) -> str:
    from engine.mail.parts import text

    if raw is None:
        return ""
    return text(bytes(raw), Part("text/html", where.starts, where.ends, where.encoding, where.charset))
