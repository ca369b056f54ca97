"""The parts of a store, put together: which hands make up what `engine.ports` promises under one name.

Here: `Ledger`, `Mailboxes`, `Items`, `Archive`, each with the methods of those that do the work. Not here: any work;
the parts that are of one piece (`Queue`, `Directory`, `Outbox`, …). Invariant: a part has exactly the methods of its
protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.store.blobs import Blobs
    from engine.store.claims import Claims
    from engine.store.closing import Closing
    from engine.store.facets import Facets
    from engine.store.forgetting import Forgetting
    from engine.store.item_facts import ItemLookups
    from engine.store.item_views import ItemViews
    from engine.store.lease import Leases
    from engine.store.listing import Listing
    from engine.store.load_items import Loading
    from engine.store.mails import Mails
    from engine.store.receipts import Receipts
    from engine.store.retention import Retention
    from engine.store.settling import Settling
    from engine.store.spool import Spool
    from engine.store.telling import Telling
    from engine.store.workspaces import Workspaces


class Ledger:
    """What became of every mail."""

    def __init__(
        self, spool: Spool, claims: Claims, closing: Closing, receipts: Receipts, telling: Telling
    ) -> None:  # fmt: skip
        self.spool = spool.spool
        self.claim, self.claim_one, self.unclaim = claims.claim, claims.claim_one, claims.unclaim
        self.claim_any, self.spent = claims.claim_any, claims.spent
        self.defer, self.fail, self.describe = claims.defer, claims.fail, claims.describe
        self.undecided, self.reset_status = claims.undecided, claims.reset_status
        self.tell, self.happened, self.not_arrived = telling.tell, telling.happened, telling.not_arrived
        self.last_happened, self.held, self.carry = telling.last, telling.held, telling.carry
        self.reopen, self.ignore, self.reject = closing.reopen, closing.ignore, closing.reject
        self.item_by_message_ids, self.duplicate = receipts.item_by_message_ids, receipts.duplicate
        self.sender_rate, self.total_rate = receipts.sender_rate, receipts.total_rate


class Mailboxes:
    """Where mail comes from."""

    def __init__(self, listing: Listing, leases: Leases, settling: Settling) -> None:
        self.number, self.begin_epoch = listing.number, listing.begin_epoch
        self.unknown_keys, self.sort_keys = listing.unknown_keys, listing.sort_keys
        self.aside, self.broke = listing.aside, listing.broke
        self.whole, self.suspects = listing.whole, listing.suspects
        self.lease, self.heartbeat, self.end = leases.lease, leases.heartbeat, leases.end
        self.holder, self.take_over, self.noting = leases.holder, leases.take_over, leases.noting
        self.failed, self.states, self.know = leases.failed, leases.states, listing.know
        self.pause, self.resume, self.paused = leases.pause, leases.resume, leases.paused
        self.pending_actions, self.actions_done = settling.pending_actions, settling.actions_done
        self.actions_planned, self.plan_closed = settling.actions_planned, settling.plan_closed
        self.settle_again = settling.settle_again


class Items:
    """What was made of mail, and the workspaces it lives in."""

    def __init__(
        self, lookups: ItemLookups, views: ItemViews, blobs: Blobs, workspaces: Workspaces, loading: Loading,
    ) -> None:  # fmt: skip
        self.item, self.topic, self.given = lookups.item, lookups.topic, lookups.given
        self.item_by_field, self.exactly = lookups.item_by_field, lookups.exactly
        self.newest, self.found, self.gathered = views.newest, views.found, views.gathered
        self.count, self.view = views.count, views.view
        self.drafts = views.drafts
        self.blob, self.html, self.pictures, self.cutting = blobs.blob, blobs.html, blobs.pictures, blobs.cutting
        self.catalog, self.workspaces = workspaces.catalog, workspaces.workspaces
        self.workspace_id, self.field_id = workspaces.workspace_id, workspaces.field_id
        self.is_closed = workspaces.is_closed
        self.put_workspace, self.remove_workspace = workspaces.put_workspace, workspaces.remove_workspace
        self.put_field = workspaces.put_field
        self.put_item, self.put_topic = loading.put_item, loading.put_topic


class Archive:
    """What is kept of mails."""

    def __init__(self, mails: Mails, facets: Facets, retention: Retention, forgetting: Forgetting) -> None:
        self.find_mail, self.mail, self.mails, self.held = mails.find_mail, mails.mail, mails.mails, mails.held
        self.held_by_code = mails.held_by_code
        self.waiting, self.search, self.seen, self.facets = mails.waiting, mails.search, mails.seen, facets.facets
        self.mails_of = mails.mails_of
        self.oldest, self.receipts, self.trace = mails.oldest, mails.receipts, mails.trace
        self.raw, self.stored_mails = mails.raw, mails.stored_mails
        self.keep_text, self.text = retention.keep_text, retention.text
        self.prune, self.purge, self.backup = retention.prune, retention.purge, retention.backup
        self.not_to_purge, self.wipe = retention.not_to_purge, retention.wipe
        self.forget, self.recount = forgetting.forget, retention.recount
