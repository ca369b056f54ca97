"""The configured mailboxes: how they fare, what they can, what lies in them; compared.

Here: what a person asks about a mailbox or does to one. Not here: leaving one alone (`pausing.py`), reading mail into
items (`run/passing.py`), the protocols (`sources/`).
Invariant: everything but `reconcile` with `commit` only looks; nothing changes on a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.config.kinds import show_moment
from engine.model.told import Told, nobody
from engine.run.lease import Lease
from engine.run.rehearsal import unknown
from engine.run.room import lack
from engine.run.since import lying_there, of_file, part, since_of
from engine.sources import BROUGHT, KINDS, handed
from engine.sources.source import Listed, SourceError, account_of
from engine.store.clock import now as utc_now
from engine.store.errors import Busy

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.mail import Mail, RawMail
    from engine.model.stored import MailboxState, Waiting
    from engine.sources.source import Peek, Source
    from engine.store.store import Store


class Fare(Struct, frozen=True):
    """How a mailbox fares. `state` is off, never read, ok, incomplete, paused or failing, `since` when, `sentence` why.

    It is incomplete while the server lists messages that it does not hand out. `left_alone` mails are older than
    `older_than`, from when it is read. `waiting` is which of its mails wait to be decided again, and why. One that
    fails is not tried again before `retry_at`.
    """

    mailbox: Mailbox
    state: str
    since: datetime | None = None
    sentence: str = ""
    holder: str = ""
    read_at: datetime | None = None
    left_alone: int = 0
    older_than: datetime | None = None
    waiting: tuple[Waiting, ...] = ()
    retry_at: datetime | None = None


class Tried(Struct, frozen=True):
    """What came of a log-in: pairs of a name and a value, or the code and sentence of what went wrong.

    `brought` says how the mail comes where there is nothing to log in to.
    """

    mailbox: Mailbox
    told: tuple[tuple[str, str], ...] = ()
    code: str = ""
    sentence: str = ""
    brought: str = ""

    @property
    def works(self) -> bool:
        """Tell whether the mailbox can be read."""
        return not self.code


class Peeked(Struct, frozen=True):
    """A mail as it lies in a mailbox; `is_new` if it was not read in yet, `is_old` if it is too old to be."""

    key: str
    is_new: bool
    is_old: bool
    received_at: datetime | None
    sender: str
    subject: str
    message_id: str
    size_bytes: int
    flags: tuple[str, ...]

    @property
    def state(self) -> str:
        """Say whether it was read in, in a word or two."""
        return "new" if self.is_new else "left alone" if self.is_old else "read in"


class FirstLook(Struct, frozen=True):
    """How many mails wait in a mailbox; of the first ones who wrote and the subject, and when the oldest of these came.

    `left_alone` of them are older than the mailbox is read from, None where too many would have to be asked for.
    """

    waiting: int
    first: tuple[tuple[str, str], ...]
    oldest: datetime | None = None
    left_alone: int | None = 0


class Reconciled(Struct, frozen=True):
    """What a folder holds and what of it we have. `known_by_content` were not known by their key.

    `withheld` are those that the server lists and does not hand out, with its words: nobody knows whether we have them.
    `left_alone` are older than the mailbox is read from.
    """

    place: str
    on_server: int
    missing: int
    known_by_content: int
    withheld: Mapping[str, str] = {}
    left_alone: int = 0

    @property
    def known(self) -> int:
        """Mails that are ours already."""
        return self.on_server - self.missing - len(self.withheld) - self.left_alone


def fares(config: Config, store: Store) -> list[Fare]:
    """Tell of every configured mailbox how it fares."""
    state = {each.name: each for each in store.mailboxes.states()}.get
    return [_with_mails(_fare(config, box, state(box.name)), state(box.name), store) for box in config.mailboxes]


def _with_mails(fare: Fare, state: MailboxState | None, store: Store) -> Fare:
    """The mails of it that wait, and those that are left alone."""
    if state is None:
        return fare
    fare = replace(fare, waiting=tuple(store.queue.waiting(fare.mailbox.name)))
    if not state.left_alone or fare.mailbox.since is None:
        return fare
    return replace(fare, left_alone=state.left_alone, older_than=state.older_than)


def _fare(config: Config, box: Mailbox, state: MailboxState | None) -> Fare:
    holder, read_at = (state.holder, state.ok_at) if state is not None else ("", None)
    if not box.active:
        return Fare(box, "off", None, "active = false", holder, read_at)
    if state is not None and state.paused:
        return Fare(box, "paused", None, state.paused, holder, read_at)
    if state is not None and state.failures:
        retry_at = state.retry_at if state.retry_at is not None and state.retry_at > utc_now() else None
        return Fare(box, "failing", state.failing_since, state.sentence, holder, read_at, retry_at=retry_at)
    if room := lack(config):
        return Fare(box, "failing", None, room, holder, read_at)
    if state is not None and state.withheld:
        said = f"listed but not handed out: {handed.named(dict.fromkeys(state.withheld, ''))}"
        return Fare(box, "incomplete", read_at, said, holder, read_at)
    return Fare(box, "ok" if read_at else "never read", read_at, "", holder, read_at)


def try_out(config: Config, boxes: Iterable[Mailbox]) -> Iterator[Tried]:
    """Log in to mailboxes, one after the other, and tell what the servers can, or how else their mail comes."""
    for box in boxes:
        if box.protocol not in KINDS:
            yield Tried(box, brought=BROUGHT.get(box.protocol, ""))
            continue
        try:
            with _open(config, box) as source:
                told = [*source.describe()]
                if box.since is not None and (older := lying_there(config, source, box, source.list())):
                    told.append(("since", f"{show_moment(box.since)}: {older}"))
                yield Tried(box, tuple(told))
        except SourceError as error:
            yield Tried(box, (), error.code, error.sentence)


def peek(config: Config, store: Store, box: Mailbox, count: int) -> list[Peeked]:
    """Look at the first mails of a mailbox without a mark. Raises SourceError."""
    with _open(config, box) as source:
        looks = source.peek(count)
        listed = [Listed(look.key, look.size_bytes, look.internaldate) for look in looks]
        new = unknown(store, box, source, [look.key for look in looks])
        fresh = {*part(store, source, box, listed, new, since_of(config, store, box)).fresh}
    found = []
    for look in looks:
        mail, is_new = _read(box, look), look.key in fresh
        found.append(
            Peeked(look.key, is_new, look.key in new and not is_new, look.internaldate, _sender(mail), mail.subject,
                   mail.message_id, look.size_bytes, look.flags)
        )  # fmt: skip
    return found


def first_look(config: Config, box: Mailbox, count: int) -> FirstLook:
    """Look into a mailbox that nothing was read from yet, without a mark. Raises SourceError."""
    from engine.sources.arrival import of_header

    with _open(config, box) as source:
        listed, looks = source.list(), source.peek(count)
        since = of_file(config, box)
        judged = source.judge(listed, since) if since is not None else None
    mails = [_read(box, look) for look in looks]
    came = [at for look in looks if (at := look.internaldate or of_header(look.header)) is not None]
    left = 0 if judged is None else None if judged.unasked else len(judged.older)
    first = tuple((_sender(mail), mail.subject) for mail in mails)
    return FirstLook(len(listed), first, min(came, default=None), left)


def _read(box: Mailbox, look: Peek) -> Mail:
    from engine.mail.parse import parse
    from engine.sources.source import raw_mail

    return parse(raw_mail(box.name, look.key, look.header, utc_now(), look.size_bytes, truncated=True))


def _sender(mail: Mail) -> str:
    return mail.from_[0].address if mail.from_ else ""


def folders(config: Config, box: Mailbox) -> list[str]:
    """List the folders of a mailbox, as `folder` and `move_on_success` name them. Raises SourceError.

    They are listed from INBOX, which every account has: the folder that is configured may be the wrong one.
    """
    with _open(config, box.filled(folder="INBOX")) as source:
        return list(source.folders())


def reconcile(
    config: Config,
    store: Store,
    box: Mailbox,
    folder: str = "",
    *,
    commit: bool = False,
    notify: bool = False,
    told: Told = nobody,
) -> Reconciled:
    """Compare the mails of a folder (the mailbox's own where none is named) with ours, by their bytes.

    With `commit` those that are missing are taken in; the next run decides them. It tells nobody of them, for people
    were told before the backup was restored, unless `notify`. Raises SourceError, and Busy while another run is at
    work there.
    """
    elsewhere = box.filled(folder=folder) if folder else box
    with Lease(store, box.name, utc_now) as lease:
        if not lease.held:
            raise Busy(f"mailbox {box.name}: another run is working on it ({lease.holder})")
        with _open(config, elsewhere) as source:
            listed = source.list()
            keys = [each.key for each in listed]
            if commit and not folder:
                store.mailboxes.begin_epoch(box.name, source.epoch(), source.uidnext, account_of(box))
            new = store.mailboxes.unknown_keys(box.name, keys) if folder else unknown(store, box, source, keys)
            fresh = part(store, source, box, listed, new, since_of(config, store, box)).fresh
            counted = handed.Handed(source, box)
            raws = counted.fetch(fresh, config.settings().limits)
            known, missing = _take_in(store, raws, lease.owner, commit, not notify, lambda done: told(done, len(fresh)))
            withheld = counted.withheld(fresh)
    place = elsewhere.folder if box.protocol in ("imap", "gmail", "graph", "maildir") else box.place
    return Reconciled(place, len(listed), missing, known, withheld, len(new) - len(fresh))


def _take_in(
    store: Store, raws: Iterator[RawMail], owner: str, commit: bool, quiet: bool, told: Callable[[int], object]
) -> tuple[int, int]:
    """Spool mails, for good or as a rehearsal; the numbers of known and of missing ones."""
    known = missing = 0
    for raw in raws:
        if commit:
            (spooled,) = store.ledger.spool([raw], owner, quiet=quiet)
            if not spooled.seen_before:
                store.ledger.unclaim([spooled])
        else:
            with store.rehearsal():
                (spooled,) = store.ledger.spool([raw], owner)
        known += spooled.seen_before
        missing += not spooled.seen_before
        told(known + missing)
    return known, missing


def _open(config: Config, box: Mailbox) -> Source:
    from engine.sources import open_source

    return open_source(box, config.settings().limits, utc_now)
