"""Taking one mail, as a mail server or a program hands it over.

Here: whose mail it is, making its bytes ours, deciding it where nobody else is at work. Not here: the exit codes that
a pipe hears (`cli/deliver.py`), the doors that stay open (`reception.py`).
Invariant: what is `ours` is stored durably; what is not decided here the next run decides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.log import Entry, write
from engine.model.addresses import key_of
from engine.model.events import Why
from engine.model.mail import Envelope, Origin, RawMail
from engine.model.plan import Outcome
from engine.model.reasons import REASONS
from engine.run.at_once import decide_at_once
from engine.run.engine import Engine
from engine.run.room import lack
from engine.store.clock import now as utc_now
from engine.store.errors import Busy, NoRoom
from engine.store.migrations import check_version

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import Spooled
    from engine.store.store import Store

PATIENCE_S = 30.0
"""How long a mail server that wants an answer waits for another run on this mailbox."""


UPGRADE_WAIT_S = 10.0
"""How long a mail waits for an upgrade of the database, or for a backup that is put in its place."""


_PLAIN = r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,.\"]+(\.[^\s\x00-\x20\x7f()<>\[\]:;@\\,.\"]+)*"
"""What may stand before the @ without quotation marks."""


class Fate(StrEnum):
    """What the mail server hears."""

    OURS = "ours"
    LATER = "later"
    REFUSED = "refused"


class Taken(Struct, frozen=True):
    """What became of a mail in one mailbox: the sentence says why it was refused, or why it was not decided."""

    mail: str
    fate: Fate
    sentence: str = ""


def targets(config: Config, recipients: Sequence[str], name: str | None = None) -> dict[str, tuple[str, ...]]:
    """Find the mailboxes a mail is for, with the recipients of each: the one that is named, or by recipient.

    Without a name an address belongs to the mailbox of its plain form: help+x@ to help@.
    """
    if name is not None:
        return {each.name: tuple(recipients) for each in config.mailboxes if each.name == name}
    separators = {"+", *config.separators}
    homes = {key_of(unquoted(address)): each.name for each in reversed(config.mailboxes) for address in each.addresses}
    found: dict[str, tuple[str, ...]] = {}
    for recipient in recipients:
        local, _, domain = key_of(unquoted(recipient.strip("<>"))).rpartition("@")
        plain = (local[: local.index(each)] for each in separators if each in local)
        home = next((homes[name] for each in (local, *plain) if (name := f"{each}@{domain}") in homes), None)
        if home is not None:
            found[home] = (*found.get(home, ()), recipient)
    return found


def unquoted(address: str) -> str:
    """Give an address without quotation marks where it needs none: "help"@x is help@x (RFC 5321, 4.1.2)."""
    found = re.fullmatch(r'"((?:[^"\\]|\\.)+)"@([^@]+)', address)
    local = re.sub(r"\\(.)", r"\1", found[1]) if found else ""
    return f"{local}@{found[2]}" if found and re.fullmatch(_PLAIN, local) else address


def unknown(recipients: Sequence[str], found: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Give the recipients that are for none of the mailboxes found."""
    ours = {each for its in found.values() for each in its}
    return tuple(dict.fromkeys(each for each in recipients if each not in ours))


def astray(recipients: Sequence[str], door: str, mail: str) -> Entry:
    """Make the line of the log for recipients of a mail that are for none of our mailboxes."""
    said = f"there is no mailbox for {', '.join(recipients)}; the mail is ours for the others, by {door}"
    return Entry("warning", "recipient.unknown", said, mail=mail)


def handed_over(
    content: bytes, mailbox: str, recipients: Sequence[str] = (), sender: str | None = None, queue_id: str = ""
) -> RawMail:
    """Make a raw mail of bytes with their envelope; without a queue id the digest is the transport key."""
    digest = hashlib.sha256(content).hexdigest()
    key = f"pipe/{queue_id or digest}/{','.join(recipients)}"
    ours = tuple([unquoted(each) for each in recipients])
    envelope = Envelope(sender.strip("<>") if sender is not None else None, ours)
    return RawMail(content, Origin(mailbox, key, len(content)), utc_now(), digest, envelope)


def take(
    config: Config, store: Store, raws: Sequence[RawMail], *, at_once: bool = False, strays: Sequence[str] = ()
) -> list[Taken]:
    """Make a mail ours, for every mailbox in one transaction; then decide it where nobody else is at work.

    `at_once` waits for its turn and says what came of it, so that the mail server tells the sender of a refusal;
    `strays` are recipients that are none of ours. Raises StoreError: nothing was stored.
    """
    if said := lack(config):
        raise NoRoom(said)
    with _undisturbed(store):
        spooled = store.ledger.spool(raws, store.owner)
    if strays and config.logs:
        write(config, [astray(strays, "deliver", spooled[0].mail)])
    with closing(Engine(config, store, server_tells=at_once and len(raws) == 1)) as engine:
        return [_take(engine, each, at_once) for each in spooled]


def lay_down(store: Store, raws: Sequence[RawMail]) -> list[Spooled]:
    """Make a mail ours, for every mailbox in one transaction; whoever decides next decides it.

    Raises StoreError: nothing was stored.
    """
    with _undisturbed(store), store.writing(noted=True):
        spooled = store.ledger.spool(raws, store.owner)
        store.ledger.unclaim([each for each in spooled if not each.seen_before])
    return spooled


@contextmanager
def _undisturbed(store: Store) -> Iterator[None]:
    """Keep upgrades and restores away: what was taken in while a backup is put in place would be lost.

    Raises Busy after `UPGRADE_WAIT_S`, StoreError for a schema of another release.
    """
    lock = store.database.pass_lock(shared=True)
    if lock is None:
        yield
        return
    if not lock.acquire(UPGRADE_WAIT_S):
        raise Busy("the database is being upgraded or restored: try again when that is done")
    try:
        check_version(store.database)
        yield
    finally:
        lock.release()


def _take(engine: Engine, spooled: Spooled, at_once: bool) -> Taken:
    store, not_yet = engine.store, Fate.LATER if at_once else Fate.OURS
    if spooled.seen_before:
        again = at_once and _refused_before(store, spooled.mail)
        return Taken(spooled.mail, Fate.REFUSED if again else Fate.OURS)
    result, wrong = decide_at_once(engine, spooled, PATIENCE_S if at_once else 0.0)
    if result is None:
        return Taken(spooled.mail, not_yet, f"stored, the next run decides ({wrong})" if wrong else "")
    if at_once and result.outcome is Outcome.REJECTED:
        return Taken(spooled.mail, Fate.REFUSED, _said(result.code, result.because))
    return Taken(spooled.mail, Fate.OURS)


def _refused_before(store: Store, mail: str) -> bool:
    """Whether we refused these bytes before and left it to the mail server to say so: it did not hear us then."""
    receipts = store.archive.receipts(mail)
    told = [each.why for each in store.outbox.told(mail) if each.id in (receipts[-1].outbox if receipts else ())]
    return bool(receipts) and receipts[-1].outcome is Outcome.REJECTED and (not told or Why.MTA in told)


def _said(code: str, because: str) -> str:
    """What the sender may read in the bounce."""
    reason = REASONS.get(code)
    return because if reason is None or reason.sender else reason.sentence
