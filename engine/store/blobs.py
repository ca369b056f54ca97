"""Bytes of attachments and HTML bodies: kept once, inside the raw mail as long as that is there.

Here: `blob`, `html`, and how a reference into a raw mail becomes bytes of its own before that mail is purged.
Not here: decoding (`engine.mail.parts`), sanitising (whoever shows it). Invariant: a blob that can be named can be
read, whatever became of the mail it came with.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from engine.model.mail import Part as MailPart
from engine.store.errors import NotFound, StoreError
from engine.store.receipts import Receipts


class Html(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an HTML body stands: in a slice of a raw mail, or in a blob once that mail is purged."""

    raw: int = 0
    starts: int = 0
    ends: int = 0
    encoding: str = ""
    charset: str = ""
    blob: int = 0


def html_reference(raw: int, part: MailPart | None) -> str:
    """Write down where the HTML body of a mail stands, "" for none."""
    if part is None:
        return ""
    return msgspec.json.encode(Html(raw, part.start, part.end, part.encoding, part.charset)).decode()


class Blobs(Receipts):
    """Reads bytes, wherever they are."""

    def blob(self, digest: str) -> bytes:
        """Give the bytes of an attachment. Raises NotFound for an unknown digest, StoreError for damaged bytes."""
        row = self.database.one(
            "SELECT blob.content, raw.content, starts, ends, encoding FROM blob "
            "LEFT JOIN raw_mail raw ON raw.id = raw_id WHERE blob.digest = ?",
            bytes.fromhex(digest),
        )
        if row is None:
            raise NotFound(f"there is no attachment {digest}")
        own, raw, starts, ends, encoding = row
        found = bytes(own) if own is not None else _decoded(raw, starts, ends, encoding)
        if hashlib.sha256(found).hexdigest() != digest:
            raise StoreError(f"the bytes of attachment {digest[:12]} are not what was stored: restore a backup")
        return found

    def html(self, reference: str) -> str:
        """Give the HTML that a reference of an item or comment points to, as it came: sanitise it before showing."""
        if not reference:
            return ""
        where = msgspec.json.decode(reference, type=Html)
        if where.blob:
            return bytes(self.database.one("SELECT content FROM blob WHERE id = ?", where.blob)[0]).decode("utf-8")
        (raw,) = self.database.one("SELECT content FROM raw_mail WHERE id = ?", where.raw) or (None,)
        return _html_text(raw, where)

    def _free_raw(self, raw: int) -> int:
        """Give everything that refers into a raw mail bytes of its own; tells how many blobs that were."""
        (content,) = self.database.one("SELECT content FROM raw_mail WHERE id = ?", raw)
        if content is None:
            return 0
        rows = self.database.rows("SELECT id, starts, ends, encoding FROM blob WHERE raw_id = ?", raw)
        for blob, starts, ends, encoding in rows:
            self.database.run(
                "UPDATE blob SET content = ?, raw_id = NULL WHERE id = ?",
                _decoded(content, starts, ends, encoding),
                blob,
            )
        return len(rows) + sum(self._free_html(table, raw, content) for table in ("item", "comment", "post"))

    def _free_html(self, table: str, raw: int, content: bytes) -> int:
        count = 0
        for number, reference in self.database.rows(
            f"SELECT id, html FROM {table} WHERE html <> '' AND id IN (SELECT object FROM effect WHERE kind = ? "  # noqa: S608
            "AND inbound_id IN (SELECT id FROM inbound WHERE raw_id = ?))",
            _MADE_BY[table],
            raw,
        ):
            where = msgspec.json.decode(reference, type=Html)
            if where.raw == raw:
                blob = self._own_blob(_html_text(content, where).encode("utf-8", "replace"))
                pointer = msgspec.json.encode(Html(blob=blob)).decode()
                self.database.run(f"UPDATE {table} SET html = ? WHERE id = ?", pointer, number)  # noqa: S608
                count += 1
        return count

    def _own_blob(self, content: bytes) -> int:
        digest = hashlib.sha256(content).digest()
        row = self.database.one("SELECT id FROM blob WHERE digest = ?", digest)
        if row:
            return int(row[0])
        return self.database.insert(
            "INSERT INTO blob (digest, size, content) VALUES (?, ?, ?)", digest, len(content), content
        )


_MADE_BY = {"item": "CreateItem", "comment": "AddComment", "post": "PostToTopic"}


def _decoded(raw: Any, starts: int, ends: int, encoding: str) -> bytes:
    from engine.mail.parts import content

    return content(bytes(raw or b""), MailPart("application/octet-stream", starts, ends, encoding))


def _html_text(raw: Any, where: Html) -> str:
    from engine.mail.parts import text

    if raw is None:
        return ""
    return text(bytes(raw), MailPart("text/html", where.starts, where.ends, where.encoding, where.charset))
