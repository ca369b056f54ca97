"""The desk: people and what they may, items and topics.

Here: `Directory`, `Ahead`, `Items`, `Markers` and `TopicViews`. Not here: what happened to them (`history.py`), mails
(`ledger.py`, `archive.py`), who was told of it (`outbox.py`).
Invariant: what decisions ask follows an item to where it was merged into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from engine.model.answers import AccountMatch, MessageMatch
from engine.model.desk import Account, Catalog, CustomField, ItemFacts
from engine.model.figures import ItemKinds
from engine.model.mail import Cutting
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.model.stored import (
    DraftRow,
    ItemRow,
    ItemView,
    TopicRow,
    TopicView,
)


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

    def permitted(self, login: str) -> Mapping[str, frozenset[str]]:
        """Give all that `may` would say yes to, by workspace; one where somebody may nothing is left out."""

    # ── lists ─────────────────────────────────────────────────────────────────────────────────────────────────

    def accounts(self) -> list[Account]:
        """Give every account by login."""

    def admins(self) -> list[Account]:
        """Give the active admins by login."""

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


class ListedAddresses(Protocol):
    """What directories said of addresses, kept for a while."""

    def find(self, directory: str, address: str) -> tuple[datetime, str] | None:
        """Give what a directory said of an address by its key, and when; None where nothing is kept."""

    def keep(self, directory: str, address: str, answer: str) -> None:
        """Keep an answer of now, in place of an older one."""

    def let_go(self, before: datetime) -> None:
        """Let go of all answers from before a time."""


class Ahead(Protocol):
    """Hears inside `reading` what decisions will ask most likely: where a question costs a trip, many go in one.

    Each has the words of the question; no answer is another one for it.
    """

    def account(self, address: str, separators: str) -> None:
        """`Directory.account` will be asked."""

    def item(self, number: int) -> None:
        """`Items.item` will be asked."""

    def duplicate(self, fingerprint: str, other_than: str, now: datetime) -> None:
        """`Ledger.duplicate` will be asked, of whatever workspace."""

    def sender_rate(self, address: str, seconds: int, before: datetime, separators: str) -> None:
        """`Ledger.sender_rate` will be asked."""

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> None:
        """`Ledger.item_by_message_ids` will be asked, and what that leads to."""


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

    def found(
        self, query: str = "", limit: int = 100, now: datetime | None = None, *, before: int = 0,
        sight: ItemSight = EVERY_ITEM,
    ) -> tuple[list[ItemRow], bool]:  # fmt: skip
        """List the items that a query finds, newest first, and tell whether there are older ones it did not look at.

        `before` goes on below an item number; only what is in `sight` is found. Raises Unclear, who sees all also for a
        status that there is not.
        """

    def gathered(
        self, query: str = "", limit: int = 100, now: datetime | None = None, *, sight: ItemSight = EVERY_ITEM
    ) -> tuple[list[ItemRow], bool, ItemKinds]:  # fmt: skip
        """Do as `found`, and count what the newest thousand that are found have in common. Raises as `found`."""

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


class TopicViews(Protocol):
    """Topics as people see them."""

    def newest(
        self, workspace: str = "", limit: int = 100, *, before: int = 0, sight: ItemSight = EVERY_ITEM
    ) -> list[TopicRow]:  # fmt: skip
        """List topics of workspaces in `sight`, those with the newest numbers first; `before` goes on below one."""

    def view(self, topic: int) -> TopicView | None:
        """Show everything about a topic."""


class Markers(Protocol):
    """Markers of another system (`mail/old_markers.py`) and the items they mean here."""

    def item_of(self, markers: tuple[str, ...]) -> MessageMatch | None:
        """Find the item of the first of these markers that was put; asks nothing while none was."""

    def by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        """Find the item of the first of these Message-IDs that a marker stands for."""

    def put(self, marker: str, item: int, *, internal: bool = False, again: bool = False) -> str:
        """Note that a marker means an item, `internal` if what it stands in was a note there: added, changed or same.

        Raises NotFound for no such item, and Refused where it means another one already, unless that is asked `again`.
        """
