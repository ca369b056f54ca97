"""A held mail as a person needs to see it to decide, and a sender who is known from now on.

Here: what stands in the mail, what a release would come to, what was decided on its sender's mails before; trusting a
sender. Not here: the other decisions (`held.py`), printing (`cli/held.py`).
Invariant: what would come of a release is what comes of it, taken back; who is trusted was not forged.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.desk.held import release_all, waiting
from engine.explain.replay import decide_again, parse_stored
from engine.model.addresses import key_of
from engine.model.extra import ExtraError
from engine.model.facts import Release
from engine.model.sight import ALL, Sight
from engine.store.errors import NotFound, Refused

if TYPE_CHECKING:
    from engine.model.desk import Account
    from engine.model.mail import Mail
    from engine.model.stored import MailRow, OutboxLine
    from engine.run.engine import Engine
    from engine.run.line import Line

UNKNOWN = "gate.unknown_sender"

MOST_BEFORE = 10
"""Earlier mails of a sender that are shown."""


class HeldFile(Struct, frozen=True):
    """A file that came with a mail."""

    name: str
    content_type: str
    size_bytes: int


class HeldMail(Struct, frozen=True):
    """A held mail, read. `now` is what a release would come to and `told` who would hear; `because` says why not.

    Of what broke the machine nothing is read again: `mail` is None. `before` are the sender's earlier mails, the newest
    first.
    """

    row: MailRow
    mail: Mail | None = None
    files: tuple[HeldFile, ...] = ()
    now: Line | None = None
    because: str = ""
    told: tuple[OutboxLine, ...] = ()
    before: tuple[MailRow, ...] = ()


class Trusted(Struct, frozen=True):
    """A sender who is known now, with the mails that were released; `account` is None where none came of it."""

    account: Account | None
    lines: tuple[Line, ...]


def shown(engine: Engine, ref: str, by: str, sight: Sight = ALL) -> HeldMail:
    """Show a mail that waits for a person. Raises NotFound, Refused for one that does not."""
    store = engine.store
    row = store.archive.mail(ref)
    if row.state not in ("held", "quarantined"):
        raise Refused(f"{row.mail[:8]} is not held: it ended as {row.outcome}; allegra mail show {row.mail[:8]}")
    raw = store.archive.raw(row.mail)
    mails = store.archive.mails_of(row.sender, MOST_BEFORE + 1, sight=sight) if row.sender else ()
    seen = HeldMail(row, before=tuple([each for each in mails if each.mail != row.mail])[:MOST_BEFORE])
    if raw is None or row.state == "quarantined":
        return replace(seen, because="it broke the machine: allegra mail retry lets the next run try it again")
    mail = parse_stored(engine.config, raw)
    files = tuple([HeldFile(each.name, each.content_type, each.size_bytes) for each in mail.attachments])
    now, told, because = _if_released(engine, row, by)
    return replace(seen, mail=mail, files=files, now=now, told=told, because=because)


def _if_released(engine: Engine, row: MailRow, by: str) -> tuple[Line | None, tuple[OutboxLine, ...], str]:
    """Release it, look what came of it, and take it back."""
    store = engine.store
    with store.rehearsal():
        told = {each.id for each in store.outbox.told(row.mail)}
        try:
            lines = [*release_all(engine, [row], Release(by))]
        except (ExtraError, NotFound, Refused) as error:
            return None, (), str(error)
        new = tuple([each for each in store.outbox.told(row.mail) if each.id not in told])
        return lines[0] if lines else None, new, ""


# ── trusting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def trust(
    engine: Engine, sender: str, by: str, workspace: str = "", *, unproven: bool = False, dry_run: bool = False,
    via: str = "command", may: Callable[[MailRow], bool] = lambda _: True,
) -> Trusted:  # fmt: skip
    """Give a sender an account, as `people.create_defaults` say, and let go what is held because nobody knew them.

    Of these mails only those that somebody `may` decide about.
    Refused where the newest of these mails failed DMARC, and, unless `unproven`, where no server is trusted to say so.
    Raises NotFound, Refused.
    """
    store, key = engine.store, key_of(sender.strip())
    if "@" not in key:
        raise NotFound(f"{sender!r} is no address: allegra held list shows who wrote")
    rows = [each for each in waiting(store, workspace, f"code:{UNKNOWN}") if each.sender == key and may(each)]
    if not rows:
        raise NotFound(f"nothing of {sender} is held because nobody knows them ({UNKNOWN}); allegra user add")
    _is_proven(engine, max(rows, key=lambda each: (each.received_at, each.row)), sender, unproven)
    with store.rehearsal() if dry_run else nullcontext():
        lines = [*release_all(engine, rows, Release(by, f"trusts {key}", trust=True), via=via)]
        return Trusted(store.directory.account(key, "").account, tuple(lines))


def _is_proven(engine: Engine, newest: MailRow, sender: str, unproven: bool) -> None:
    """Ask what the newest mail proves: of a forged one the reader of an address hears nothing."""
    raw = engine.store.archive.raw(newest.mail)
    if raw is None:
        raise Refused(f"the bytes of {newest.mail[:8]} are not kept any more: it cannot be released")
    proof = decide_again(engine, raw, mail=newest.mail, until="sender").facts.authentication
    if proof.dmarc == "fail":
        raise Refused(f"{newest.mail[:8]}, the newest mail of {sender}, failed DMARC: somebody may have forged it")
    trusted = engine.config.settings(newest.workspace).gates.trusted_authserv_ids
    if not trusted and not unproven:
        raise Refused(
            f"nobody says whether {sender} wrote that: gates.trusted_authserv_ids names no server; "
            "--unproven trusts them all the same"
        )
