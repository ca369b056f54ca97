"""What the world must offer to the engine, told as protocols: the parts of a store, and the store that holds them.

Here: `Queue`, `Ledger`, `Mailboxes`, `Directory`, `Items`, `Outbox`, `Archive`, and `Store`, which has one of each and
the transactions they share. Not here: how it is done (`store/`), where mail is read from (`sources/source.py`).
Invariant: every promise is in a docstring and held by `tests/store/contracts/`, which knows nothing but these
protocols: a store that passes there can take the place of another.
Over 300 lines: signatures without any logic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Protocol

from engine.model import figures
from engine.model.acts import Act, Acted
from engine.model.answers import AccountMatch, MessageMatch
from engine.model.changes import Changes, Versions
from engine.model.desk import Account, Catalog, CustomField, ItemFacts
from engine.model.events import Kind
from engine.model.facts import Facts, Release
from engine.model.hearing import Actor, Batch, Heard, OnItem
from engine.model.mail import Cutting, Mail, RawMail
from engine.model.plan import Plan, Receipt, Tell
from engine.model.stored import (
    Claimed,
    DraftRow,
    EventRow,
    Forgotten,
    HeldSince,
    ItemRow,
    ItemView,
    LeftAlone,
    MailboxState,
    MailRow,
    OutboxContext,
    OutboxLine,
    OutboxRow,
    Pruned,
    Queued,
    Sorted,
    Spooled,
    StoredMail,
    TopicRow,
    TopicView,
    Trouble,
    TroubledAddress,
    Waiting,
)


class Scene(Protocol):
    """What is asked inside the transaction that writes what happened, to find out who hears of it."""

    def on_item(self, item: int, *, writers: bool = True) -> OnItem | None:
        """Tell who has to do with an item as it is now, with or without who wrote about it; None if it is gone."""

    def asked_before(self, item: int) -> tuple[str, ...]:
        """Give the addresses, without an account, of who wrote the items that were merged into this one."""

    def on_topic(self, topic: int) -> OnItem | None:
        """Tell who has written below a topic."""

    def members(self, workspace: str) -> tuple[Account, ...]:
        """Give the active accounts that a role in the workspace lets edit items."""

    def who_wait(self, workspace: str, usual: str) -> Mapping[str, tuple[Account, ...]]:
        """Give the members by what they want of new items: all, unassigned, none; who said nothing wants the usual."""

    def admins(self) -> tuple[Account, ...]:
        """Give the active admins that have an address."""

    def person(self, text: str) -> Account | None:
        """Find an account by login, address, or the only person of that name."""

    def in_group(self, name: str) -> tuple[Account, ...] | None:
        """Give the accounts in a group, the locked ones, too; None if there is no such group."""

    def may(self, login: str, permission: str, workspace: str) -> bool:
        """Tell whether an account may do something in a workspace."""

    def preference(self, account: int, workspace: str, key: str) -> str:
        """Give what somebody wants in a workspace, else in general; "" if nothing was said."""

    def is_suspended(self, address_key: str) -> bool:
        """Tell whether an address takes no mail any more."""

    def came_back(self, address_key: str) -> bool:
        """Tell whether a mail to an address came back, and nothing has come from there since."""

    def is_muted(self, address_key: str, item: int) -> bool:
        """Tell whether nothing goes to an address about an item for now."""

    def is_looping(self, address_key: str, item: int) -> bool:
        """Tell whether mails go to and fro between us and an address about an item; if so, note it for a day.

        That is: within ten minutes five mails of the address on the item, each within two minutes of one of ours to it;
        or within four hours five that say the same, with a notice or an answer of ours between them.
        """

    def is_repeating(self, address_key: str, row: int) -> bool:
        """Tell whether a mail is the third of its sender in an hour that says the same; if so, note it for a day.

        Then the address is muted about `AUTOMATIC`. Same: but for case, digits and blanks. Only those that made
        something count: who sends again what was refused does not repeat.
        """

    def written(self, kind: Kind, address_key: str = "", item: int = 0) -> int:
        """Count the rows of a kind written in the last hour, for anybody or one address, on one item or any.

        Those that were suppressed or dropped do not count, nor do those that go along with others.
        """

    def first_read(self, mailbox: str) -> datetime | None:
        """When a mailbox was read for the first time; None if it never was."""

    def lay_long(self, row: int, arrived: datetime, limit_s: float) -> bool:
        """Tell whether a mail of the ledger had arrived so long before it was first seen here."""

    def refused(self, code: str, since_s: float, address_key: str) -> int:
        """Count the automatic answers to an address that told it of this reason."""

    def reported(self, address_key: str, code: str, mailbox: str, since_s: float, most: int) -> tuple[datetime, ...]:
        """When reports of a reason and mailbox went to an address in so many seconds, the newest `most` of them."""

    def now(self) -> datetime:
        """The time at which what happens now is written."""


class Teller(Protocol):
    """Says who hears of what happened; it has the settings, which a store knows nothing of."""

    def hear(self, batch: Batch, scene: Scene) -> tuple[Batch, Sequence[Heard]]:
        """Give what happened by its right names, and everybody who is considered, once, with what comes of it."""


class Queue(Protocol):
    """The mails that wait to be decided."""

    def is_due(self, mailbox: str, now: datetime) -> bool:
        """Tell whether a mail waits that may be claimed, or that somebody has claimed; a read that holds nobody up."""

    def is_anything_to_tell(self, now: datetime) -> bool:
        """Tell whether anything waits that is told by the clock: what is held, and rows whose slot has come."""

    def due_mailboxes(self, now: datetime) -> frozenset[str]:
        """Name the mailboxes in which a mail is due."""

    def tried_mailboxes(self, now: datetime) -> frozenset[str]:
        """Name the mailboxes in which a mail that was tried before is due."""

    def waiting(self, mailbox: str) -> list[Waiting]:
        """Tell which mails of a mailbox wait and why, by their reason, the first that is due at the top."""

    def make_due(self, mailbox: str, codes: Collection[str]) -> None:
        """Let the mails of a mailbox that wait for one of these reasons be claimed at once."""

    def give_back(self, mailbox: str, now: datetime, in_hand: dict[str, int], waits_s: Sequence[float]) -> None:
        """Free what dead processes had claimed. `in_hand` tells of a process which row it worked on, 0 for none.

        Of a process of which that is known, only that mail is charged with the attempt; the others never began. Of a
        process of which nothing is known, each may be the culprit. A mail that was in hand is taken up at once, the
        second time alone behind all others; from the third time on it waits.

        Mails that wait longer than a day, and longer than any of `waits_s`, are due: a clock ran ahead that set it.
        """


class Ledger(Protocol):
    """What became of every mail: taken in, claimed, tried, closed; and what later decisions ask of it."""

    # ── taking in, claiming ───────────────────────────────────────────────────────────────────────────────────

    def spool(
        self, raws: Sequence[RawMail], owner: str, *, identical: str = "settle", quiet: bool = False,
        flushed: bool = True,
    ) -> list[Spooled]:  # fmt: skip
        """Store mails durably and claim them for `owner`, in one transaction: now the server may be told.

        Unless it is `flushed`, a power cut may take them until the next commit, and nobody may be told before that.

        Bytes that this mailbox has had before only get a presentation, and their mailbox action is planned again;
        with `identical="process"` (option `on_identical`) they are decided once more, as another generation. What comes
        of `quiet` mails tells nobody.
        """

    def claim(
        self, mailbox: str, limit: int, now: datetime, owner: str, max_attempts: int = 5, *, tried: bool = True,
        after_crash: tuple[str, str] = ("", ""),
    ) -> Claimed:  # fmt: skip
        """Take waiting mails to work on; the attempt is counted and committed before this returns.

        Free ones that are due, and those of an owner that died or let its time run out. A mail that was tried before
        comes alone, after the fresh ones; without `tried` only one that a process died on once, in its turn, for a
        reply to it may follow. One whose attempts are used up because each ended in a crash is quarantined here, with
        `after_crash` (kind, folder) planned for its mailbox, and told as `crashed`.
        """

    def claim_one(self, mail: str, now: datetime, owner: str) -> Spooled:
        """Claim one waiting mail, due or not. Raises NotFound, and Refused if it does not wait or is in work."""

    def unclaim(self, spooled: Sequence[Spooled]) -> None:
        """Give claims back without having worked on them: the attempts are not counted."""

    def in_hand(self, owner: str, now: datetime) -> dict[int, int]:
        """Give the mails that others than `owner` have claimed and work on: row, lowest first, and raw row of each."""

    def head(self, raw_row: int) -> bytes:
        """Give the first 64 KB of a mail; nothing of one that was purged."""

    # ── ends without a decision ───────────────────────────────────────────────────────────────────────────────

    def defer(self, spooled: Spooled, code: str, because: str, next_at: datetime, charge: bool = False) -> bool:
        """Let a mail wait until `next_at`; unless `charge`, the attempt is given back. False if the claim was lost."""

    def fail(
        self, spooled: Spooled, error: str, now: datetime, retry_waits: Sequence[float], max_attempts: int = 5,
        *, code: str = "fault.exception", action: str = "", folder: str = "",
    ) -> bool:  # fmt: skip
        """Count a failed attempt: the mail waits (`retry_waits`, seconds; the last one repeats), or is quarantined.

        Quarantine writes a receipt with outcome `error` and plans the mailbox action given. True if that happened.
        """

    def describe(self, spooled: Spooled, mail: Mail, facts: Facts) -> None:
        """Keep by what a mail is found and listed while it waits to be decided."""

    # ── what a person does ────────────────────────────────────────────────────────────────────────────────────

    def reopen(
        self, mail: str, release: Release | None, *,
        retry: bool = False, replay: bool = False, as_new: bool = False, notify: bool = False,
    ) -> None:  # fmt: skip
        """Start the next generation of a mail: it waits, with no attempts counted.

        With a `release` a held or quarantined mail goes on; `retry` tries a held, quarantined, ignored or waiting one
        again. Both are refused if an earlier generation made an item or a comment. `replay` decides any decided mail
        again: what it made is updated, or with `as_new` a second item is made; nobody is notified without `notify`.
        Raises NotFound, Refused.
        """

    def ignore(self, mail: str, by: str, reason: str, *, action: str = "", folder: str = "") -> None:
        """Close a held, quarantined or waiting mail as discarded. Raises NotFound, Refused."""

    def reject(
        self,
        mail: str,
        by: str,
        reason: str,
        tell: Tell | None = None,
        teller: Teller | None = None,
        *,
        action: str = "",
        folder: str = "",
    ) -> tuple[int, ...]:
        """Close a held, quarantined or waiting mail as rejected and tell of it; gives the rows. Raises as `ignore`."""

    def tell(
        self, spooled: Spooled, tell: Tell, actor: Actor, workspace: str, teller: Teller | None,
        once: dict[Kind, str] | None = None,
    ) -> tuple[int, ...]:  # fmt: skip
        """Tell of a mail that no receipt carries: it waits, or the machine broke on it; gives the rows.

        It happened once for each generation and reason code, however often it is told. `once` names the occasion for a
        kind of mail: whoever was told of it is not told again.
        """

    def happened(self, name: str, workspace: str, tell: Tell, teller: Teller | None) -> tuple[int, ...]:
        """Write what no mail and no act did, and who hears of it; gives the rows.

        Two that write it at the same time write it once for everybody who hears.
        """

    def not_arrived(
        self, number: int, said: str, teller: Teller | None, away_since: datetime | None = None
    ) -> tuple[int, ...]:
        """Write that a row of the outbox will not arrive, with what the server said, and who hears; gives the rows.

        What is remembered of the address is the same as where a report says so. `away_since` is since when no mail
        goes out, where that is why: of all notices to people inside that are given up meanwhile one is told.
        """

    def last_happened(self, name: str, workspace: str, code: str = "") -> datetime | None:
        """When that happened last in a workspace, to the script or template `code`; None if it never did."""

    def held(self) -> dict[str, HeldSince]:
        """Tell of each workspace where mail of others or ours is held since when."""

    def carry(self, now: datetime) -> tuple[int, ...]:
        """Write a row for each mail that carries rows whose slot has come, and mark them; gives their numbers."""

    def reset_status(self, mail: str) -> None:
        """Clear claim and back-off of a waiting mail, and nothing else. Raises NotFound, Refused."""

    # ── questions of decisions ────────────────────────────────────────────────────────────────────────────────

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        """Find the conversation of the first of these Message-IDs that is stored: of a mail that came, or of ours."""

    def duplicate(self, workspace: str, fingerprint: str, *, other_than: str = "", now: datetime | None = None) -> str:
        """Give the id of an earlier mail with this content that reached the workspace within 30 days, or "".

        `other_than` is the id of the mail that asks, when it is decided once more.
        """

    def sender_rate(self, address: str, seconds: int, before: datetime, separators: str = "") -> int:
        """Count the decided mails of a sender in the `seconds` before a time.

        A tag behind `+` or one of `separators` makes nobody new.
        """

    def total_rate(self, seconds: int, before: datetime) -> int:
        """Count all decided mails in the `seconds` before a time."""


class Mailboxes(Protocol):
    """Where mail comes from: what is known of each mailbox, who works on it, what is still to be done in it."""

    def number(self, name: str) -> int:
        """Give the number of a mailbox, made on first use: what keys hang on, so that a host may be renamed."""

    # ── who works on it ───────────────────────────────────────────────────────────────────────────────────────

    def lease(self, mailbox: str, owner: str, now: datetime, ttl_s: float = 60.0) -> bool:
        """Take the lease of a mailbox; False if another runner has it, or the schema is being upgraded."""

    def heartbeat(self, mailbox: str, owner: str, now: datetime, ttl_s: float = 60.0) -> bool:
        """Make a lease last longer; False if it is not ours any more."""

    def release(self, mailbox: str, owner: str) -> None:
        """Give a lease back; one that is not ours stays where it is."""

    def holder(self, mailbox: str) -> str:
        """Name who has the lease of a mailbox, for people; "" for nobody."""

    def take_over(self, mailbox: str, owner: str, now: datetime, waits_s: Sequence[float] = ...) -> None:
        """Begin to work under a lease: free what earlier holders left claimed, and charge the mail they died on."""

    def begin(self, mailbox: str, row: int) -> None:
        """Note which mail is in hand, 0 for none: should the process die now, that one is charged with it.

        Costs a microsecond. Without a lease nothing is noted, and all mails that the process had claimed are suspects.
        """

    # ── what it lists ─────────────────────────────────────────────────────────────────────────────────────────

    def begin_epoch(self, mailbox: str, epoch: str, uidnext: int = 0, account: str = "") -> bool:
        """Note the UIDVALIDITY (or its like) of a mailbox and its next UID; tells whether its numbers started anew.

        They did if the epoch or the `account` changed ("": not known, as in databases of earlier releases), or if the
        next UID is lower than it once was (0: not known). Then planned actions are void, for their numbers may name
        other messages now; every listed message is unknown, is fetched again and recognised by its bytes, and its
        action planned anew.
        """

    def unknown_keys(self, mailbox: str, keys: Sequence[str]) -> list[str]:
        """Give the keys that the ledger does not know, in order; notes once a day that the others still exist."""

    def sort_keys(self, mailbox: str, keys: Sequence[str]) -> Sorted:
        """Sort the keys of a listing; notes once a day that the known ones still exist."""

    def aside(self, mailbox: str) -> list[str]:
        """Give the keys of messages that broke a session twice while they were fetched, the latest at the end."""

    def broke(self, mailbox: str, key: str) -> None:
        """Note that a session broke over a message. Twice, and it is fetched after all others from then on.

        Once is the network; the order counts, for a reply to it may follow.
        """

    def whole(self, mailbox: str, keys: Collection[str]) -> None:
        """Note that messages could be fetched, or are not there any more."""

    def suspects(self, mailbox: str) -> list[str]:
        """Give the keys of all messages over which a session broke."""

    # ── how it fares ──────────────────────────────────────────────────────────────────────────────────────────

    def failed(self, name: str, code: str, sentence: str, now: datetime) -> None:
        """Note that a mailbox could not be read."""

    def worked(self, name: str, now: datetime) -> None:
        """Note that a mailbox was read."""

    def pause(self, name: str, reason: str) -> None:
        """Let passes leave a mailbox alone until `resume`."""

    def resume(self, name: str) -> None:
        """Let passes read a mailbox again."""

    def paused(self, name: str) -> str:
        """Say why a mailbox is paused, "" if it is not."""

    def states(self) -> list[MailboxState]:
        """Give the state of every mailbox that was ever read, by name."""

    # ── what is to be done in it ──────────────────────────────────────────────────────────────────────────────

    def pending_actions(self, mailbox: str, limit: int) -> list[tuple[str, str, str, int, str, str]]:
        """Give what is to be done in a mailbox: key, kind, folder, bytes, Message-ID, sha256; failed ones last."""

    def actions_done(self, mailbox: str, done: Sequence[tuple[str, ...]]) -> None:
        """Note what came of mailbox actions (TX3): key, state (done, gone, failed), perhaps why, perhaps another key.

        Under that a message stands now: it is one more presentation of it.
        """

    def actions_planned(self) -> int:
        """Count the mailbox actions that wait or failed, in all mailboxes."""

    def plan_closed(self, mailbox: str, action: str, folder: str, limit: int) -> int:
        """Plan an action for mails that were kept in their mailbox until their item is closed, and it is, or is gone.

        At most `limit` at a time; gives how many (F030). A topic counts as closed when it is locked.
        """

    def settle_again(self, mail: str, *, delete: bool = False) -> int:
        """Plan the mailbox action of a mail once more; gives the number of its presentations. Raises NotFound.

        With `delete` that it is deleted, wherever it still lies; Refused while it waits for a machine or a person.
        """


class Directory(Protocol):
    """People: accounts, groups, roles, and what they permit. Addresses and names compare case-folded, logins exactly.

    Every `put_…` adds, or changes what was given, and tells `added`, `changed` or `same`.
    """

    # ── questions of decisions ────────────────────────────────────────────────────────────────────────────────

    def account(self, address: str, separators: str) -> AccountMatch:
        """Find the account of a sender address: exactly first, then by suffix with one of `separators` (F061).

        Mail from `user@x` finds an account registered as `user+tag@x`. An address that has a suffix itself is only
        looked for exactly.
        """

    def login(self, login: str) -> Account | None:
        """Find an account by its login."""

    def person(self, text: str) -> Account | None:
        """Find an account by address, login or name (F087); a name that two people have finds nobody."""

    def account_by_id(self, number: int) -> Account | None:
        """Find an account by its number."""

    def group(self, name: str) -> str:
        """Give the group's name as stored, "" if there is none."""

    def group_logins(self, name: str) -> tuple[str, ...]:
        """Give the logins of the active accounts in a group that can be written to."""

    def may(self, login: str, permission: str, workspace: str) -> bool:
        """Tell whether somebody may do that there: admins everything, members what their roles permit.

        In a public workspace everyone who may log in, and a guest, may view and add items, comment and watch. Whether
        the workspace is open at all is another question (`Items.catalog`).
        """

    # ── lists ─────────────────────────────────────────────────────────────────────────────────────────────────

    def accounts(self) -> list[Account]:
        """Give every account by login."""

    def groups(self) -> list[tuple[str, tuple[str, ...]]]:
        """Give every group with the logins in it."""

    def roles(self) -> list[tuple[str, tuple[str, ...]]]:
        """Give every role with what it permits."""

    def members(self, workspace: str) -> list[tuple[str, str, str]]:
        """Give who is a member of a workspace: kind (user or group), login or name, role."""

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────

    def put_account(
        self, login: str, *, emails: Iterable[str] | None = None, groups: Iterable[str] | None = None, **columns: Any
    ) -> str:
        """Add or change an account; `columns` are name, status, language, admin. Groups are added to, never left.

        Raises Refused for an address of somebody else, NotFound for a group that does not exist.
        """

    def put_group(self, name: str, members: Iterable[str] = ()) -> str:
        """Add a group, and members to it by login. Raises NotFound for a login that does not exist."""

    def put_role(self, name: str, permissions: Iterable[str]) -> str:
        """Add or change a role."""

    def put_member(self, workspace: str, role: str, *, user: str = "", group: str = "") -> str:
        """Give a user or a group a role in a workspace. Raises NotFound."""

    def preference(self, account: int, workspace: str, key: str) -> str:
        """Give what somebody wants in a workspace, else in general; "" if nothing was said."""

    def preferences(self, login: str) -> dict[tuple[str, str], str]:
        """Give what somebody said they want to hear, by workspace ("" for everywhere) and key. Raises NotFound."""

    def put_preferences(self, login: str, workspace: str, wanted: Mapping[str, str | None]) -> str:
        """Note what somebody wants in a workspace or everywhere; None takes back what they said. Raises NotFound."""

    def remove_account(self, login: str) -> None:
        """Take an account away. Raises NotFound, or Refused if items, comments or topics are by it."""

    def remove_group(self, name: str) -> None:
        """Take a group away, with its memberships. Raises NotFound."""


class Items(Protocol):
    """Items and topics with their comments, posts and attachments, and the workspaces they live in."""

    # ── questions of decisions ────────────────────────────────────────────────────────────────────────────────

    def item(self, item: int) -> ItemFacts | None:
        """Find an item by number: of one that was merged that which it leads to.

        `people` are the logins and addresses of everyone on it, case-folded.
        """

    def exactly(self, item: int) -> ItemFacts | None:
        """Find the item that has this number itself, be it merged or not."""

    def topic(self, topic: int) -> ItemFacts | None:
        """Find a discussion topic by number."""

    def given(self, number: int, topic: bool) -> bool:
        """Tell whether an item, or a `topic`, ever had this number, be it gone or not."""

    def item_by_field(self, name: str, value: str) -> ItemFacts | None:
        """Find the newest item whose field holds exactly this value (`thread by`).

        Asks fields that admins added or rules set. The columns that many items share (type, status, priority,
        category, version, assignee) identify no item and find none.
        """

    # ── for people ────────────────────────────────────────────────────────────────────────────────────────────

    def newest(self, workspace: str = "", limit: int = 100, before: int = 0) -> list[ItemRow]:
        """List items, newest first; `before` goes on below an item number."""

    def found(self, query: str = "", limit: int = 100, now: datetime | None = None) -> tuple[list[ItemRow], bool]:
        """List the items that a query finds, newest first, and tell whether there are older ones it did not look at.

        Raises Unclear.
        """

    def count(self, workspace: str) -> int:
        """Count the items of a workspace."""

    def view(self, item: int) -> ItemView | None:
        """Show everything about an item."""

    def drafts(self, item: int = 0) -> list[DraftRow]:
        """List the drafts that wait to be sent, of one item or of all, the oldest first."""

    def blob(self, digest: str) -> bytes:
        """Give the bytes of an attachment. Raises NotFound for an unknown digest, StoreError for damaged bytes."""

    def html(self, reference: str) -> str:
        """Give the HTML that a reference of an item or comment points to, as it came: sanitise it before showing."""

    def cutting(self, reference: str) -> Cutting | None:
        """Tell how that HTML is to be cut before it is shown; None for all of it."""

    def pictures(self, reference: str) -> dict[str, str]:
        """Tell how that HTML names the pictures it shows, and the digests of these."""

    # ── workspaces ────────────────────────────────────────────────────────────────────────────────────────────

    def catalog(self, workspace: str) -> Catalog | None:
        """Give what a workspace offers, None if there is no such workspace."""

    def workspaces(self) -> list[Catalog]:
        """Give every workspace by identifier."""

    def workspace_id(self, identifier: str) -> int:
        """Give the number of a workspace. Raises NotFound."""

    def field_id(self, name: str) -> int:
        """Give the number of a field; one that no admin defined is noted by its name."""

    def is_closed(self, workspace: str, status: str) -> bool:
        """Tell whether a status ends the work in that workspace."""

    def put_workspace(self, identifier: str, *, lists: Mapping[str, Any] | None = None, **columns: Any) -> str:
        """Add or change a workspace; `lists` are those of `Catalog`, `columns` name, public, status, parent.

        A status is a name, or an object with `name` and `closed`.
        """

    def remove_workspace(self, identifier: str) -> None:
        """Take an empty workspace away. Raises NotFound, or Refused if there are items or topics in it."""

    def put_field(self, field: CustomField) -> str:
        """Add or change a custom field, by name."""

    # ── items of another system ───────────────────────────────────────────────────────────────────────────────

    def put_item(self, entry: Mapping[str, Any]) -> str:
        """Add or change an item as a data file tells it (docs/cli.md, `admin load`). Raises NotFound, Refused."""

    def put_topic(self, entry: Mapping[str, Any]) -> str:
        """Add or change a discussion topic with its posts. Raises NotFound."""


class History(Protocol):
    """What happened, for good: to one item, or what a query finds."""

    def of_item(self, item: int) -> list[EventRow]:
        """List what happened to an item, the oldest first."""

    def events(
        self, query: str = "", limit: int = 100, *, after: int = 0, now: datetime | None = None
    ) -> tuple[list[EventRow], bool]:
        """List the newest events that a query finds, the oldest first, and tell whether older ones were not looked at.

        With `after` only those behind an event. Raises Unclear.
        """

    def newest_event(self) -> int:
        """Give the number of the newest event, 0 where there is none."""


class TopicViews(Protocol):
    """Topics as people see them."""

    def newest(self, workspace: str = "", limit: int = 100) -> list[TopicRow]:
        """List topics, those with the newest numbers first."""

    def view(self, topic: int) -> TopicView | None:
        """Show everything about a topic."""


class Outbox(Protocol):
    """What is to be sent, a row for each mail to each recipient and each webhook: at most once, or at least once."""

    def waiting(self, now: datetime | None = None) -> int:
        """Count the rows that could be sent now.

        One that waits longer than a day is among them: nobody makes it wait so long but a clock that ran ahead.
        """

    def claim(self, limit: int, now: datetime, owner: str, kinds: Sequence[Kind] = ...) -> list[OutboxRow]:
        """Take rows to send, oldest first; the attempt is counted and committed before this returns.

        `kinds` are those that may go, in their order: all, with a person's words first, unless it is said.
        What a dead process was sending is given back; of automatic mail nobody knows whether it went out.
        """

    def row(self, number: int) -> OutboxRow:
        """Give a row as `claim` does, without claiming it."""

    def sent(self, number: int, now: datetime | None = None) -> None:
        """Note that a row went out."""

    def failed(self, number: int, error: str, retry_at: datetime | None) -> None:
        """Note that a row did not go out; it waits until `retry_at`, or has failed for good without one."""

    def postponed(self, number: int, why: str) -> None:
        """Let a row wait that was claimed and not tried: the attempt is taken back, its turn stays."""

    def overdue(self, before: datetime, limit: int) -> list[int]:
        """List mail that waits since before a time, at most `limit` rows."""

    def queued(self) -> Queued:
        """Count the rows that wait or are being sent, due or not, and give since when the first of them does."""

    def dropped(self, number: int, why: str, said: str = "") -> None:
        """Note that a row is not to be sent any more: a reason why, or "", and more of it in words."""

    def unknown(self, number: int) -> None:
        """Note that nobody knows whether an automatic mail went out: it is not sent again."""

    def told(self, mail: str = "", item: int = 0, topic: int = 0) -> list[OutboxLine]:
        """Give everybody who was considered for what a mail did, or for an item or topic, in the order of the rows."""

    def context(self, row: OutboxRow) -> OutboxContext:
        """Give what a row is about: the mail it answers, the item or topic, the words and what came with them."""

    def composed(self, number: int, message_id: str, content: bytes) -> None:
        """Keep the Message-ID and the bytes of the first attempt, so that the second one sends the same."""


class OutboxViews(Protocol):
    """The outbox as people see it and repair it."""

    def lines(
        self, query: str = "", *, everything: bool = False, limit: int = 100, now: datetime | None = None,
        separators: str = "",
    ) -> tuple[list[OutboxLine], bool]:  # fmt: skip
        """List the rows that a query finds, newest first, and tell whether only the newest ones were looked at.

        Unless `everything` or a state is asked for, what is over is left out: sent, suppressed, dropped, and what came
        back longer than 7 days ago. Raises Unclear for a query that means nothing.
        """

    def line(self, number: int) -> OutboxLine:
        """Give one row. Raises NotFound."""

    def content(self, number: int) -> bytes:
        """Give the bytes of a mail as they went out, or were about to; b"" where none are kept."""

    def change(
        self, act: str, numbers: Sequence[int], states: Sequence[str], by: str, said: str = "", via: str = "command"
    ) -> list[int]:
        """Do what a person wants (retry, hold, drop) to the rows that are in one of `states`; gives their numbers.

        `said` is kept with a row that is held or dropped.
        """

    def addresses(self, now: datetime | None = None) -> list[TroubledAddress]:
        """List the addresses that are suspended, failing or muted."""

    def clear(self, address_key: str, by: str, via: str = "command") -> bool:
        """Forget what is known against an address; False if nothing is."""


class Troubles(Protocol):
    """What does not work, and since when."""

    def begin(self, name: str, said: str, now: datetime) -> Trouble:
        """Note that something does not work, or still does not; gives since when."""

    def find(self, name: str) -> Trouble | None:
        """Give a trouble that lasts; None if there is none of that name."""

    def all(self) -> dict[str, Trouble]:
        """Give every trouble that lasts, by its name."""

    def may_be(self, now: datetime, silences_s: Sequence[float]) -> bool:
        """Tell whether anything may be wrong: a trouble lasts, or no mail came for half a day, or one of these times.

        Costs a few microseconds.
        """

    def told(self, name: str, now: datetime) -> None:
        """Note that a trouble was told aloud."""

    def over(self, name: str) -> None:
        """Note that it works again."""


class OldMail(Protocol):
    """What lies in mailboxes and is older than they are read from."""

    def first_read(self, mailbox: str) -> datetime | None:
        """When somebody first took the lease of a mailbox; None for nobody."""

    def left_alone(self, mailbox: str) -> LeftAlone | None:
        """Tell what the last pass left alone; None for nothing."""

    def leave_alone(self, mailbox: str, left: LeftAlone | None) -> None:
        """Note what is left alone, in place of what was; what has not changed is not written."""


class Figures(Protocol):
    """How an installation stands."""

    def now(self, at: datetime, give_up_s: float) -> figures.Figures:
        """Give the figures of a moment; `give_up_s` is how long a mail is tried until it has failed."""

    def pulses(self, at: datetime) -> list[figures.Pulse]:
        """Give how every mailbox fares and how often mail comes, by name."""

    def counted(self, since: tuple[int, int] | None) -> figures.Counted:
        """Count what was added since a mark; nothing where there is none, or the database is an older one."""


class Counting(Protocol):
    """What happened in a time."""

    def mails(self, by: str, since: datetime, zone: tzinfo) -> list[figures.Passed]:
        """Count the decided mails that came since then by a key: a word of `BY_MAIL`. Hours and days are of a zone.

        How long it took is told of the first decision of mail that came after its mailbox was first read.
        """

    def events(self, since: datetime) -> dict[str, int]:
        """How often what happened since then, by the name of the event."""

    def whys(self, since: datetime) -> dict[str, int]:
        """How many rows of the outbox were not sent on purpose since then, by why not."""

    def sent(self, since: datetime) -> tuple[int, int]:
        """How many rows that were made since then were sent, and how many were not on purpose."""


class Archive(Protocol):
    """Mails as people look for them, the bytes and traces behind them, and how long those are kept."""

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────

    def find_mail(self, ref: str) -> MailRow | None:
        """Find a mail by the beginning of its id, a Message-ID (the newest with it), `last` or `last-held`.

        None if there is none; raises NotFound if the beginning fits more than one.
        """

    def mail(self, ref: str) -> MailRow:
        """Find a mail as `find_mail` does. Raises NotFound if there is none."""

    def mails(self, query: str = "", limit: int = 100, now: datetime | None = None) -> list[MailRow]:
        """List the mails that a query finds, newest first. Raises Unclear for a query that means nothing."""

    def mails_of(self, sender: str, limit: int) -> list[MailRow]:
        """List the decided mails from an address, written as it is compared, newest first."""

    def held(self, workspace: str = "", limit: int = 10_000, query: str = "") -> list[MailRow]:
        """List what waits for a person, held or quarantined, oldest first; of a query as `mails`. Raises Unclear."""

    def waiting(self, limit: int = 10_000) -> list[MailRow]:
        """List mails that wait to be decided again, the oldest first."""

    def oldest(self) -> datetime | None:
        """When the first mail of the ledger came in; None while there is none."""

    def receipts(self, mail: str) -> list[Receipt]:
        """Give the receipts of a mail, one for each generation that ended."""

    def trace(self, mail: str, generation: int | None = None) -> bytes | None:
        """Give the stored trace of a mail's newest (or that) generation; None if there is none any more."""

    def raw(self, mail: str) -> RawMail | None:
        """Give the bytes of a mail as they came; None if they were purged. Raises NotFound for an unknown id."""

    def stored_mails(self, since: datetime, until: datetime | None = None) -> Iterator[StoredMail]:
        """Go through the decided mails of a time whose bytes are still there, oldest first, one at a time in memory."""

    # ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────

    def keep_text(self, digest: str, text: str) -> None:
        """Keep the text of a rule file by its hash: what traces are told with."""

    def text(self, digest: str) -> str:
        """Give a kept text, "" if there is none."""

    def prune(self, now: datetime, keep: float, keep_trace: float, keep_outbox: float | None = None) -> Pruned:
        """Let go of bytes older than `keep` seconds and traces older than `keep_trace` seconds.

        Attachments and HTML bodies that items show are given bytes of their own first.
        """

    def purge(self, mail: str) -> None:
        """Erase a mail: bytes, addresses, subject and trace; its digest, receipt and what it made stay.

        Raises NotFound, and Refused for a mail that waits for somebody or whose mailbox action is not done.
        """

    def not_to_purge(self, mail: str) -> str:
        """Say why a mail cannot be purged now, "" if it can be. Raises NotFound."""

    def forget(self, address: str, by: str, separators: str = "", names: Sequence[str] = ()) -> Forgotten:
        """Erase a person: address, names and words in mails, items, comments, posts, the outbox and the account.

        Numbers, times, codes and digests stay. `names` are further names, which are looked for where the person took
        part. Raises Refused while a mail of theirs waits or is to be moved, and for an item labelled `legal-hold`.
        """

    def wipe(self, *, anew: bool = False) -> None:
        """Take what was erased out of the log of the database, too; with `anew` the whole file is written again.

        Outside a transaction. Raises Busy while others work on the database, StoreError.
        """

    def backup(self, target: Path) -> int:
        """Write a consistent copy of the database while others work on it; gives its size in bytes.

        Raises StoreError, and Refused for a file that exists.
        """


class Store(Protocol):
    """One database for one thread: its parts, what happens in several of them at once, and the transactions."""

    @property
    def queue(self) -> Queue:
        """The mails that wait."""

    @property
    def ledger(self) -> Ledger:
        """What became of every mail."""

    @property
    def mailboxes(self) -> Mailboxes:
        """Where mail comes from."""

    @property
    def directory(self) -> Directory:
        """Who is known."""

    @property
    def items(self) -> Items:
        """What was made of mail."""

    @property
    def history(self) -> History:
        """What happened."""

    @property
    def topic_views(self) -> TopicViews:
        """Topics as people see them."""

    @property
    def outbox(self) -> Outbox:
        """What is to be sent."""

    @property
    def outbox_views(self) -> OutboxViews:
        """The outbox as people see it and repair it."""

    @property
    def troubles(self) -> Troubles:
        """What does not work."""

    @property
    def old_mail(self) -> OldMail:
        """What is left alone."""

    @property
    def figures(self) -> Figures:
        """How the installation stands."""

    @property
    def counting(self) -> Counting:
        """What happened in a time."""

    @property
    def archive(self) -> Archive:
        """What is kept of mails."""

    def commit(
        self, spooled: Spooled, mail: Mail, facts: Facts, plan: Plan, trace: bytes, action: str, folder: str,
        teller: Teller | None = None,
    ) -> Receipt:  # fmt: skip
        """Write everything that was decided about a mail, inside the caller's `writing` and `savepoint`.

        `action` (move, seen, delete, keep) and `folder` are what is to be done with it in its mailbox afterwards.
        Without a `teller` nobody is told. Raises ClaimLost if another runner has the mail now;
        then nothing was written.
        """

    def act(self, act: Act, teller: Teller | None) -> Acted:
        """Do what a person wants of an item, in one transaction; what was done under the same key is given again.

        Raises NotFound and Refused for what an effect cannot be done to; then nothing was written.
        """

    def acted(self, key: str) -> Acted | None:
        """Give what came of the act that was done under this key, None if none was."""

    def versions(self) -> Versions:
        """Give the present state; an equal one means that no answer about accounts, items or receipts has changed."""

    def changed_since(self, before: Versions) -> Changes:
        """Tell what may have changed since `before`: answers that it does not reach are what they were."""

    def writing(self, noted: bool = False) -> AbstractContextManager[None]:
        """Hold one write transaction: committed at the end, rolled back by an exception. It cannot be nested.

        In a rehearsal it is a savepoint: the rehearsal takes everything back at its end. One that is `noted` holds
        nothing but commits of mails: other processes hear what these touched, where after any other they forget all.
        """

    def joining(self) -> AbstractContextManager[None]:
        """Write in the transaction that is open, or in one of its own."""

    def reading(self) -> AbstractContextManager[None]:
        """Ask many questions of one state of the database. A write transaction that is begun inside ends it."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside `writing`: take back what an exception leaves behind here, keep the rest."""

    def rehearsal(self) -> AbstractContextManager[None]:
        """Do anything and keep nothing: how a dry run works."""

    def close(self) -> None:
        """Give back all leases and close the connection; twice does no harm."""
