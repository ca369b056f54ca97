"""What every store promises of mailboxes that could not be read, and of mails that broke the machine in a row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from store.desk import visited

from engine.model.stored import BROKEN, Standing

ME = "elsewhere/boot/7/7"


@pytest.fixture
def setbacks(store):
    return store.setbacks


def test_a_mailbox_stands_as_it_failed_last_until_it_works(desk, store, setbacks):
    assert setbacks.standing("system") == Standing()
    later = desk.now + timedelta(hours=1)
    store.mailboxes.failed("system", "source.login_refused", "no", desk.now, later, (desk.now,), "digest")
    found = setbacks.standing("system")
    assert (found.failures, found.code, found.retry_at, found.settings) == (1, "source.login_refused", later, "digest")
    assert found.refused == (desk.now,)
    assert store.mailboxes.states()[0].retry_at == later
    visited(store, at=desk.now)
    found = setbacks.standing("system")
    assert (found.failures, found.retry_at, found.refused) == (0, None, (desk.now,)), "an hour has only three refusals"


def test_a_mailbox_that_is_to_be_tried_again_has_nothing_against_it(desk, store, setbacks):
    store.mailboxes.failed("system", "x", "no", desk.now, desk.now, (desk.now,), "digest")
    setbacks.broke_alike("system", "KeyError", [1])
    setbacks.try_again("system")
    found = setbacks.standing("system")
    assert (found.retry_at, found.refused, found.settings, found.fault, found.faulty) == (None, (), "", "", ())
    assert found.failures == 1, "it still does not work"


def test_mails_that_break_alike_are_a_row_until_one_does_not(setbacks):
    setbacks.broke_alike("system", "KeyError", [1, 2])
    setbacks.broke_alike("system", "KeyError", [1])
    setbacks.broke_alike("support", "KeyError", [3])
    assert setbacks.standing("system").faulty == (1, 2, 1)
    assert sorted(setbacks.alike("KeyError")) == [1, 1, 2, 3]
    setbacks.broke_alike("system", "ValueError", [4])
    assert setbacks.standing("system").faulty == (4,)
    setbacks.goes_well("system")
    assert (setbacks.standing("system").fault, setbacks.alike("ValueError")) == ("", [])


def test_attempts_that_were_not_the_mails_own_are_taken_back(desk, store, setbacks):
    (spooled,) = desk.spool()
    store.ledger.fail(spooled, "KeyError: no", desk.now, [3600.0], 5)
    assert store.ledger.claim("system", 9, desk.now, ME).mails == []
    setbacks.refund({spooled.row: 1})
    (again,) = store.ledger.claim("system", 9, desk.now, ME).mails
    assert again.attempts == 1
    setbacks.refund({spooled.row: 1})
    assert store.archive.mail(spooled.mail).attempts == 1, "it is in work"


def test_a_mailbox_stands_again_as_it_did_but_for_the_mails_that_broke(desk, store, setbacks):
    later = desk.now + timedelta(hours=1)
    store.mailboxes.failed("system", "source.unreachable", "no", desk.now, later, (desk.now,), "digest")
    setbacks.broke_alike("system", "KeyError", [1])
    before = setbacks.standing("system")
    store.mailboxes.failed("system", "mailbox.broken", "paused", later, later, before.refused)
    setbacks.stands_as("system", before)
    assert setbacks.standing("system") == replace(before, fault="", faulty=())


def test_mailboxes_where_mail_broke_alike_or_whose_pause_is_over_are_in_doubt(desk, store):
    setbacks, later = store.setbacks, desk.now + timedelta(minutes=5)
    assert setbacks.doubtful(desk.now) == []
    store.mailboxes.number("system")
    setbacks.broke_alike("system", "ValueError x.py:1", [1])
    assert setbacks.doubtful(desk.now) == ["system"]
    store.mailboxes.failed("system", BROKEN, "it breaks", desk.now, later)
    assert (setbacks.doubtful(desk.now), setbacks.doubtful(later)) == ([], ["system"])
