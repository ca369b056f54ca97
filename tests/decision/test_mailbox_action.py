"""Which action the mailbox options want: the comments of the configuration, line by line."""

from __future__ import annotations

import pytest
from mailboxes import Box

from engine.decision.mailbox_action import plan_action
from engine.model.plan import Outcome, Settle

SUCCESS = (Outcome.CREATED, Outcome.COMMENT, Outcome.NOTE, Outcome.DUPLICATE)
FAILURE = (Outcome.REJECTED, Outcome.DISCARDED, Outcome.ERROR)
FOLDERS = {"move_on_success": "Done", "move_on_failure": "Failed", "move_on_hold": "Held"}


def plan(settle, outcome, on_error="mark", item_closed=False, **options):
    return tuple(plan_action(Box(**options), settle, outcome, on_error=on_error, item_closed=item_closed))


@pytest.mark.parametrize("outcome", SUCCESS)
def test_F026_success_moves_where_a_folder_is_set(outcome):
    assert plan(Settle.SUCCESS, outcome, **FOLDERS) == ("move", "Done")


@pytest.mark.parametrize("outcome", SUCCESS)
def test_F031_success_without_a_folder_marks_seen_and_keeps(outcome):
    assert plan(Settle.SUCCESS, outcome) == ("seen", "")


@pytest.mark.parametrize("word", ["seen", "delete", "keep"])
@pytest.mark.parametrize("settle", [Settle.SUCCESS, Settle.FAILURE])
def test_F025_the_other_words_are_done_as_they_stand(settle, word):
    outcome = Outcome.CREATED if settle is Settle.SUCCESS else Outcome.REJECTED
    assert plan(settle, outcome, after_success=word, after_failure=word, **FOLDERS) == (word, "")


@pytest.mark.parametrize("outcome", FAILURE)
def test_F027_failure_moves_where_a_folder_is_set_and_else_stays(outcome):
    assert plan(Settle.FAILURE, outcome, **FOLDERS) == ("move", "Failed")
    assert plan(Settle.FAILURE, outcome) == ("keep", "")


def test_F029_failed_mail_may_be_marked_read():
    assert plan(Settle.FAILURE, Outcome.REJECTED, after_failure="seen") == ("seen", "")


def test_held_mail_moves_where_a_folder_is_set_and_else_stays():
    assert plan(Settle.HOLD, Outcome.HELD, **FOLDERS) == ("move", "Held")
    assert plan(Settle.HOLD, Outcome.HELD) == ("keep", "")


@pytest.mark.parametrize("settle", list(Settle))
def test_deferred_mail_and_nothing_are_kept(settle):
    assert plan(settle, Outcome.DEFERRED, **FOLDERS) == ("keep", "")
    assert plan(Settle.NOTHING, Outcome.CREATED, **FOLDERS) == ("keep", "")


def test_F032_errors_are_marked_or_deleted():
    assert plan(Settle.FAILURE, Outcome.ERROR, **FOLDERS) == ("move", "Failed")
    assert plan(Settle.FAILURE, Outcome.ERROR, on_error="delete", **FOLDERS) == ("delete", "")
    assert plan(Settle.FAILURE, Outcome.REJECTED, on_error="delete", **FOLDERS) == ("move", "Failed")


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.DISCARDED])
def test_F028_pop3_deletes_what_was_refused_only_when_told(outcome):
    assert plan(Settle.FAILURE, outcome, protocol="pop3", **FOLDERS) == ("keep", "")
    assert plan(Settle.FAILURE, outcome, protocol="pop3", delete_unprocessed=True) == ("delete", "")
    assert plan(Settle.FAILURE, outcome, protocol="imap", delete_unprocessed=True) == ("keep", "")
    assert plan(Settle.HOLD, Outcome.HELD, protocol="pop3", delete_unprocessed=True) == ("keep", "")


@pytest.mark.parametrize("protocol", ["pop3", "mbox", "pipe"])
def test_protocols_without_folders_keep_in_place_of_moving_or_flagging(protocol):
    for word in ("move", "seen", "keep"):
        assert plan(Settle.SUCCESS, Outcome.CREATED, protocol=protocol, after_success=word, **FOLDERS) == (
            "keep",
            "",
        )


def test_F025_pop3_deletes_after_success():
    assert plan(Settle.SUCCESS, Outcome.CREATED, protocol="pop3", after_success="delete") == ("delete", "")
    assert plan(Settle.SUCCESS, Outcome.CREATED, protocol="mbox", after_success="delete") == ("keep", "")


def test_F030_mail_is_kept_until_its_item_is_closed():
    options = {"keep_until": "item-closed", "after_success": "delete"}
    assert plan(Settle.SUCCESS, Outcome.CREATED, **options) == ("keep", "")
    assert plan(Settle.SUCCESS, Outcome.CREATED, item_closed=True, **options) == ("delete", "")
    assert plan(Settle.FAILURE, Outcome.REJECTED, **options) == ("keep", "")
