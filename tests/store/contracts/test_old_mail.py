"""What is left alone in a mailbox is remembered from pass to pass."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store.desk import visited

from engine.model.stored import LeftAlone


@pytest.fixture
def old_mail(store):
    store.mailboxes.number("system")
    return store.old_mail


def test_a_mailbox_was_first_read_when_somebody_first_took_its_lease(desk, store, old_mail):
    assert old_mail.first_read("system") is None and old_mail.first_read("other") is None
    store.mailboxes.lease("system", "me", desk.now)
    visited(store, "me")
    store.mailboxes.lease("system", "me", desk.now + timedelta(days=1))
    assert old_mail.first_read("system") == desk.now


def test_what_is_left_alone_replaces_what_was(desk, store, old_mail):
    assert old_mail.left_alone("system") is None
    first = LeftAlone(desk.now, 3, frozenset({"a", "b", "c"}))
    for left in (first, first, LeftAlone(desk.now + timedelta(days=1), 3410), None, None):
        old_mail.leave_alone("system", left)
        assert old_mail.left_alone("system") == left
        (state,) = store.mailboxes.states()
        assert (state.left_alone, state.older_than) == ((left.mails, left.since) if left else (0, None))
    assert old_mail.left_alone("support") is None


def test_what_has_not_changed_is_not_written(desk, store, old_mail):
    old_mail.leave_alone("system", LeftAlone(desk.now, 1))
    before = store.database.written
    old_mail.leave_alone("system", LeftAlone(desk.now, 1))
    assert store.database.written == before
