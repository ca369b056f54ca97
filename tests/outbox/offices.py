"""A desk whose rows are made by hand: `Office` is a real store with people, items and mails in it.

`row` writes a row of the outbox and hands it out as delivery does, `message` composes it and reads it back with the
standard library.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import builders
import msgspec

from engine.config import Config, parse
from engine.model.events import Kind, Part
from engine.model.hearing import Outgoing
from engine.model.stored import OutboxRow
from engine.outbox.compose import compose
from engine.outbox.contents import letter
from engine.outbox.letter import Composed, Letter
from engine.outbox.templates import Templates
from engine.store import tables
from engine.store.database import us
from engine.store.store import Store

CONFIG = """
[instance]
name = "Example help desk"
[system.mailbox]
protocol = "maildir"
path = "m"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
[workspace.support.mailbox]
protocol = "maildir"
path = "s"
addresses = ["support@example.com"]
[smtp]
host = "127.0.0.1"
port = 1
ssl = false
from = "help@example.com"
"""

ANNA, JANE = "anna", "jane"
MAIL_ID = "<m1@big.example>"


class Office:
    """A store, a configuration, and short words for what a mail is made of."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.config = self.configure()
        self._number = itertools.count(1)
        store.directory.put_account("anna", name="Anna Berg", emails=["anna@example.com"])
        store.directory.put_account("jane", name="Jane Doe", emails=["jane@big.example"])
        store.directory.put_account("lola", name="Lola", emails=["lola@example.com"], status="locked")
        store.items.put_workspace("support", name="Support")

    def configure(self, more: str = "", base_url: str = "") -> Config:
        """Settings beside those above; a section that stands there is written anew by its dotted name."""
        text = CONFIG.replace("[system", f'base_url = "{base_url}"\n[system', 1)
        self.config = parse(text + more, self.folder / "allegra.toml", {})
        return self.config

    def account(self, login: str) -> int:
        return int(self.store.database.one("SELECT id FROM account WHERE login = ?", login)[0])

    def _add(self, table: Any, **values: Any) -> int:
        with self.store.writing():
            return int(self.store.database.add(table.insert(**values)))

    def prefers(self, login: str, key: str, value: str) -> None:
        row = tables.Preference
        with self.store.writing():
            self.store.database.do(row.insert(account=self.account(login), workspace="", key=key, value=value))

    def mail(self, raw: str = "", **known: Any) -> str:
        """A mail that came in; its public name."""
        text = (
            raw
            or f"From: Jane Doe <jane@big.example>\nReferences: <m0@big.example>\nSubject: x\n\n{next(self._number)}"
        )
        (spooled,) = self.store.ledger.spool([builders.raw(text)], "test/boot/1/1")
        inbound = tables.Inbound
        known = {"message_id": MAIL_ID, "subject": "Printer", "sender": "jane@big.example", **known}
        with self.store.writing():
            self.store.database.do(inbound.update(**known).where(inbound.ref == spooled.mail))
        return spooled.mail

    def _inbound(self, mail: str) -> int | None:
        return self.store.database.one("SELECT id FROM inbound WHERE ref = ?", mail)[0] if mail else None

    def item(self, mail: str = "", **known: Any) -> int:
        (workspace,) = self.store.database.one("SELECT id FROM workspace WHERE identifier = 'support'")
        told = {
            "title": "Printer broken", "text": "It is on fire.", "author": self.account(JANE), "status": "New",
            "type": "Task", "priority": "Normal", "assigned_to": "anna", **known,
        }  # fmt: skip
        return self._add(
            tables.Item, workspace=workspace, created_at=us(builders.NOW), changed_at=us(builders.NOW),
            inbound=self._inbound(mail), **told,
        )  # fmt: skip

    def comment(self, item: int, text: str = "Which printer?", login: str = ANNA, mail: str = "", **known: Any) -> int:
        author = self.account(login) if login else None
        return self._add(
            tables.Comment, item=item, text=text, author=author, created_at=us(builders.NOW),
            inbound=self._inbound(mail), **known,
        )  # fmt: skip

    def topic(self, title: str = "News") -> int:
        (workspace,) = self.store.database.one("SELECT id FROM workspace WHERE identifier = 'support'")
        return self._add(tables.Topic, workspace=workspace, title=title, created_at=us(builders.NOW))

    def file(
        self, item: int, content: bytes, name: str = "a.txt", comment: int = 0, content_type: str = "text/plain"
    ) -> None:
        digest = hashlib.sha256(content).digest()
        blob = self._add(tables.Blob, digest=digest, size=len(content), content=content)
        self._add(
            tables.Attachment, item=item, comment=comment, blob=blob, name=name, content_type=content_type,
            created_at=us(builders.NOW),
        )  # fmt: skip

    def row(
        self, kind: Kind = Kind.ANSWER, event: str = "item.answered", *, to: str = "jane@big.example", item: int = 0,
        topic: int = 0, mail: str = "", login: str = "", language: str = "en", template: str = "",
        parts: Sequence[Part] = (Part.REQUESTER,), **told: Any,
    ) -> OutboxRow:  # fmt: skip
        """Queue a row and claim it, as delivery does; what was claimed before counts as sent."""
        with self.store.writing():
            self.store.database.run("UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
        usual = {Kind.AUTO: "ack", Kind.NOTICE: "notice"}.get(kind, "answer")
        number = next(self._number)
        outgoing = Outgoing(to, template or usual, events=(event,), parts=tuple(parts), **told)
        self._add(
            tables.Outbox, dedupe=f"{number}:{kind}:{event}:{to}",
            inbound=self._inbound(mail), generation=1, event=event, kind=str(kind), address_key=to.casefold(),
            account=self.account(login) if login else None, language=language, item=item or None, topic=topic or None,
            payload=msgspec.json.encode(outgoing).decode(), created_at=us(builders.NOW),
        )  # fmt: skip
        (claimed,) = self.store.outbox.claim(1, builders.NOW, "test/boot/1/1")
        return claimed

    def letter(self, row: OutboxRow) -> Letter:
        return letter(row, self.store, self.config, builders.NOW)

    def composed(self, row: OutboxRow) -> Composed:
        made = self.letter(row)
        directory = self.config.settings(made.workspace).replies.directory
        return compose(made, Templates(directory, self.config.instance.language, made.workspace))

    def message(self, row: OutboxRow) -> Any:
        return email.message_from_bytes(self.composed(row).content, policy=email.policy.default)
