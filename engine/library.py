"""The door for programs: an installation opened from Python, and one mail parsed without any.

Here: `open`, `Desk`, `parse`, and what they give. Not here: deciding, committing, explaining, which are those of the
command line; what is exported by which name (`engine/__init__.py`).
Invariant: there is no second way to decide; what `take` has returned for is ours for good, and once only.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct
from msgspec.structs import replace

from engine.model.draft import Decider
from engine.model.extra import Extra
from engine.model.mail import Envelope, Mail, Origin, RawMail
from engine.model.plan import Outcome
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.mailbox import Mailbox
    from engine.decision.pipeline import Decision
    from engine.explain.explained import Explained
    from engine.run.engine import Engine
    from engine.run.passing import MailboxReport
    from engine.sources.source import Source
    from engine.stop import Stop
    from rules.problem import Problem

WAIT_S = 30.0
"""How long `take` waits for a mailbox that another run works on, before it leaves the decision to the next pass."""

COLUMNS = 120
"""How wide an explanation is told."""

UNKNOWN = Envelope()
"""The envelope of a mail whose transport told nothing."""

NOTHING = Extra()
"""What is added to the rules where a host adds nothing."""


class Taken(Struct, frozen=True):
    """What became of a mail that was taken: a receipt, or `deferred` where the next pass decides.

    `mail` is its id, for `explain`; `by` is who decided; a number of 0 is none. `seen_before` tells that the mailbox
    had these bytes already: nothing was done, and this is what became of them then.
    """

    mail: str
    outcome: Outcome
    code: str
    because: str
    by: Decider
    workspace: str = ""
    item: int = 0
    comment: int = 0
    topic: int = 0
    seen_before: bool = False


class Explanation(Struct, frozen=True):
    """What became of a mail and why: as people read it, and as data."""

    text: str
    data: Explained


class Desk:
    """An installation, open: its configuration, rules, scripts and database. Made by `open`; use it in a `with`.

    It belongs to the thread that opened it; another thread opens one of its own. Its rules are those that stood on
    disk when it was opened, its scripts follow the disk. Every method raises StoreError while the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._home = _here()
        self._closed = False

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._engine.config

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is odd in allegra.toml; missing scripts and what is wrong with the rule files, which mail waits for."""
        return (*self.config.warnings, *self.config.missing, *self._engine.book.problems)

    def take(
        self, content: bytes, mailbox: str = "system", *, envelope: Envelope = UNKNOWN, key: str = "",
        wait_s: float = WAIT_S,
    ) -> Taken:  # fmt: skip
        """Make a mail ours, decide about it and commit what comes of it, exactly once.

        When this returns the mail is stored durably. When it raises, take the same bytes again: the same bytes in the
        same mailbox are one mail, however often they come. `key` is the name the transport has for it. Where another
        run works on the mailbox for longer than `wait_s` seconds, the next pass decides. Raises NotFound for a mailbox
        that is not configured, ValueError for bytes that hold no mail or more than `limits.raw`.
        """
        from engine.model.draft import ENGINE
        from engine.run.at_once import decide_at_once
        from engine.run.line import line_of

        engine, raw = self._open(), self._raw(content, mailbox, envelope, key)
        if not content.strip():
            raise ValueError("there is no mail in these bytes")
        most = self.config.settings().limits.raw
        if len(content) > most:
            raise ValueError(f"the mail is larger than limits.raw ({most} bytes)")
        spooled = engine.store.ledger.spool([raw], engine.store.owner)[0]
        if spooled.seen_before:
            return self._known(spooled.mail)
        result, wrong = decide_at_once(engine, spooled, wait_s)
        if result is None:
            because = f"it waits for the next pass ({wrong})" if wrong else "it waits for the next pass"
            return Taken(spooled.mail, Outcome.DEFERRED, "", because, ENGINE)
        line = line_of(result)
        return Taken(
            mail=line.mail, outcome=line.outcome, code=line.code, because=line.because, by=line.by,
            workspace=line.workspace, item=line.item, topic=line.topic,
            comment=result.receipt.comment if result.receipt is not None else 0,
        )  # fmt: skip

    def decide(self, content: bytes, mailbox: str = "system", *, envelope: Envelope = UNKNOWN) -> Decision:
        """Decide about a mail and keep nothing: what would become of it, and all that led there.

        Raises NotFound for a mailbox that is not configured.
        """
        from engine.explain.replay import decide_again

        engine = self._open()
        with engine.store.reading():
            return decide_again(engine, self._raw(content, mailbox, envelope, ""))

    def explain(
        self, ref: str | bytes, mailbox: str = "system", *, every_rule: bool = False, columns: int = COLUMNS
    ) -> Explanation:
        """Tell what became of a mail and why, as `allegra explain` does.

        `ref` is a mail id or its beginning, a Message-ID, `last` or `last-held`; bytes are decided on the spot, as if
        they came to `mailbox`, and nothing is kept. `every_rule` opens also the rules that did not match. Raises
        NotFound.
        """
        from engine.explain import replay
        from engine.explain.told import told

        engine = self._open()
        if isinstance(ref, str):
            data = replay.explain_stored(engine, engine.store.archive.mail(ref), every_rule=every_rule)
        else:
            raw = self._raw(ref, mailbox, UNKNOWN, "")
            data = replay.explain_bytes(engine, raw, "(bytes)", every_rule)
        lines = told(data, engine.rule_text, every_rule, "", columns)
        return Explanation("\n".join(lines), data)

    def run(
        self, *mailboxes: str, sources: Mapping[str, Source] | None = None, limit: int = 0, wait_s: float = 0.0,
        stop: Stop | None = None,
    ) -> list[MailboxReport]:  # fmt: skip
        """Do one pass: decide what waits, read what is new, settle, and send what waits in the outbox.

        Over the mailboxes named, else all active ones; `sources` are your own, by the name of their mailbox, whose
        protocol is `program`. `limit` and `wait_s` are those of `allegra run`. Another thread may `set` a `stop`: what
        is in hand is finished first. Raises NotFound for a mailbox that is not configured, ValueError for a source of
        a mailbox that is no program's.
        """
        from engine.run.passing import Pass
        from engine.stop import Stop

        engine, own = self._open(), sources or {}
        for name in own:
            if (box := self._mailbox(name)).protocol != "program":
                raise ValueError(f'mailbox {name} is read by protocol {box.protocol}: set protocol = "program"')
        boxes = [self._mailbox(name) for name in mailboxes] or [box for box in self.config.mailboxes if box.active]
        engine.stop = stop or Stop()
        try:
            return Pass(engine, limit=limit, wait_s=wait_s, sources=own, hosted=True).run(boxes)
        finally:
            engine.stop = Stop()  # a stop was for this pass

    def close(self) -> None:
        """End the scripts' workers and close the database; twice does no harm."""
        self._closed = True
        self._engine.close()
        self._engine.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── behind the door ───────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> Engine:
        if self._closed:
            raise RuntimeError("the desk is closed")
        if self._home != _here():
            raise RuntimeError("a desk belongs to the thread that opened it: open another one here")
        return self._engine

    def _mailbox(self, name: str) -> Mailbox:
        try:
            return self.config.mailbox(name)
        except KeyError:
            known = ", ".join(each.name for each in self.config.mailboxes)
            raise NotFound(f"there is no mailbox {name!r}; there are: {known}") from None

    def _raw(self, content: bytes, mailbox: str, envelope: Envelope, key: str) -> RawMail:
        """The bytes as if a source had handed them over; without a key their digest is it."""
        name, raw = self._mailbox(mailbox).name, _raw(content)
        return replace(raw, origin=Origin(name, f"door/{key or raw.digest}", len(content)), envelope=envelope)

    def _known(self, mail: str) -> Taken:
        """What became of bytes that came before."""
        row, receipts = self._engine.store.archive.mail(mail), self._engine.store.archive.receipts(mail)
        last = receipts[-1] if receipts and receipts[-1].generation == row.generation else None
        return Taken(
            mail=row.mail, outcome=Outcome(row.outcome), code=row.code, because=row.because, by=row.by,
            workspace=row.workspace, item=row.item, topic=row.topic, comment=last.comment if last else 0,
            seen_before=True,
        )  # fmt: skip


def open(path: str | Path = "allegra.toml", *, extra: Extra = NOTHING) -> Desk:
    """Open the installation that an allegra.toml describes; its database is made or upgraded where needed.

    `extra` adds fields and actions to the language of its rules. Raises ConfigError with every problem, SecretError
    where the secret of reply tokens cannot be had, StoreError, and ValueError for a word that cannot be added.
    """
    from engine.config import load
    from engine.run.engine import Engine
    from engine.store.store import Store

    config = replace(load(Path(path)), extra=extra)
    store = Store.open(config.store.where, busy_s=config.store.busy_timeout)
    try:
        engine = Engine(config, store)
        engine.pipeline  # noqa: B018 - now, not at the first mail: what is wrong with it is our caller's to hear
    except BaseException:
        store.close()
        raise
    return Desk(engine)


def parse(content: bytes) -> Mail:
    """Read a mail, with the limits that are the default; needs no installation. Never raises: oddities are defects."""
    from engine.mail.parse import parse

    return parse(_raw(content))


def _raw(content: bytes) -> RawMail:
    digest = hashlib.sha256(content).hexdigest()
    return RawMail(content, Origin("", digest, len(content)), datetime.now(UTC), digest)


def _here() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()
