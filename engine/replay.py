"""Stored mail decided again: for explain, replay, and the question "what would these rules have done?".

Here: how a stored mail meets the pipeline a second time. Not here: printing (`explain.py`), committing (`process.py`).
Invariant: answers come from the recording where the question stands there, else from the store of today; which ones
were asked anew is told. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine import trace as traces
from engine.explain import Explained
from engine.model import Mail, Outcome, RawMail, Release, Verdict
from engine.process import Engine

if TYPE_CHECKING:
    from engine.config import Config
    from engine.pipeline import Decision
    from engine.trace import Trace


def parse_stored(config: Config, raw: RawMail) -> Mail:
    """Parse a mail that is already ours, with the limits of today."""
    from engine.mail.parse import parse

    return parse(raw, config.settings("").limits)


def decide_again(
    engine: Engine,
    raw: RawMail,
    stored: Trace | None = None,
    *,
    mail: str = "",
    release: Release | None = None,
    beyond: bool = False,
) -> Decision:
    """Decide about a mail that was decided before; `stored` is the trace whose answers count."""
    recorded = traces.recording(stored) if stored is not None else None
    look = engine.look(raw, mail, recorded)
    return engine.pipeline.decide(parse_stored(engine.config, raw), look, release=release, beyond=beyond)


def explain_stored(engine: Engine, reference: str, anew: bool = False) -> Explained | None:
    """What became of a stored mail: by id prefix, Message-ID, `last` or `last-held`. None if there is no such mail.

    `anew` decides it again with the rules of today, from the answers of then.
    """
    store = engine.store
    row = store.find_mail(reference)
    if row is None:
        return None
    stored = store.trace(row.mail)
    trace = None if stored is None else _readable(stored)
    raw = store.raw(row.mail)
    if trace is None:
        if raw is None:
            return None
        trace = decide_again(engine, raw, mail=row.mail).trace
    elif anew and raw is not None:
        trace = decide_again(engine, raw, trace, mail=row.mail).trace
    beyond = _beyond(engine, raw, trace, row.mail) if trace.disposition.verdict is Verdict.HOLD else None
    return Explained(
        mail=row.mail,
        subject=row.subject,
        sender=row.sender,
        sent_to=row.recipients,
        received_at=row.received_at,
        outcome=Outcome(row.outcome),
        trace=trace,
        size_bytes=row.size_bytes,
        key=row.key,
        item=row.item,
        workspace=row.workspace,
        generation=row.generation,
        attempts=row.attempts,
        fault=row.error,
        beyond=beyond.trace if beyond else None,
        asked_anew=tuple(dict.fromkeys(question[0] for question in beyond.look.asked_anew)) if beyond else (),
    )


def explain_bytes(engine: Engine, raw: RawMail) -> Explained:
    """Decide about bytes that are in no store, keep nothing, and tell."""
    decision = decide_again(engine, raw, beyond=False)
    trace = decision.trace
    beyond = decide_again(engine, raw, beyond=True).trace if trace.disposition.verdict is Verdict.HOLD else None
    mail = decision.mail
    return Explained(
        mail="(file)",
        subject=mail.subject,
        sender=decision.facts.sender.address.address,
        sent_to=", ".join(address.address for address in mail.to[:3]),
        received_at=raw.received_at,
        outcome=decision.plan.outcome,
        trace=trace,
        size_bytes=len(raw.content),
        key=raw.origin.key,
        item=decision.plan.item,
        workspace=decision.plan.workspace,
        beyond=beyond,
        stored=False,
    )


def changed(engine: Engine, other: Engine, mails: Iterator[Any]) -> Iterator[tuple[str, Decision, Decision]]:
    """Decide stored mails under two configurations or rule sets; gives the mail id and both decisions."""
    for row in mails:
        stored = engine.store.trace(row.mail)
        trace = None if stored is None else _readable(stored)
        yield (
            row.mail,
            decide_again(engine, row.raw, trace, mail=row.mail),
            decide_again(other, row.raw, trace, mail=row.mail),
        )


def from_file(path: Path | None, content: bytes, mailbox: str, now: Any) -> RawMail:
    """Bytes from a file or standard input, as if they had come to a mailbox."""
    import hashlib

    from engine.model import Origin

    digest = hashlib.sha256(content).hexdigest()
    return RawMail(content, Origin(mailbox, str(path or "-"), len(content)), now, digest)


def _beyond(engine: Engine, raw: RawMail | None, trace: Trace, mail: str) -> Decision | None:
    """What else would have happened, if the bytes are still there."""
    return None if raw is None else decide_again(engine, raw, trace, mail=mail, beyond=True)


def _readable(stored: bytes) -> Trace | None:
    """A trace of another release may be unreadable: the mail is then decided again."""
    try:
        return traces.decode(stored)
    except msgspec.DecodeError:
        return None
