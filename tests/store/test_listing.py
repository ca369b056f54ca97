"""What a mailbox lists, compared with the ledger: new, known, back again, and what breaks sessions."""

from __future__ import annotations

import pytest

from engine.model.plan import Outcome


def key(uid: int, validity: int = 1) -> str:
    return f"INBOX/{validity}/{uid}"


def taken_in(desk, *uids: int, action: str = "move", state: str = "done"):
    for uid in uids:
        (spooled,) = desk.spool(desk.raw(f"From: a@example.com\n\nmail {uid}".encode(), key=key(uid)))
        desk.commit(spooled, outcome=Outcome.DISCARDED, action=action, folder="Done")
        desk.store.mailboxes.actions_done("system", [(key(uid), state, "")])


@pytest.mark.parametrize(
    ("action", "state", "back"),
    [("move", "done", True), ("move", "gone", True), ("delete", "done", True), ("seen", "done", False),
     ("keep", "done", False), ("move", "failed", False), ("move", "kept", False)],
)  # fmt: skip
def test_a_key_is_back_if_its_mail_had_been_taken_away(desk, action, state, back):
    taken_in(desk, 1, action=action, state=state)
    unknown, again = desk.store.mailboxes.sort_keys("system", [key(1), key(2)])
    assert unknown == [key(2)]
    assert again == ([key(1)] if back else [])


def test_other_bytes_under_a_key_that_is_back_are_a_new_mail(desk):
    taken_in(desk, 1)
    (spooled,) = desk.spool(desk.raw(b"From: a@example.com\n\nanother", key=key(1)))
    assert not spooled.seen_before
    assert desk.store.mailboxes.sort_keys("system", [key(1)]) == ([], [])


def test_a_lower_next_uid_begins_a_new_epoch_and_makes_room_for_its_keys(desk):
    assert not desk.store.mailboxes.begin_epoch("system", "1", 5)
    assert not desk.store.mailboxes.begin_epoch("system", "1", 9)
    taken_in(desk, 7, 8)
    assert desk.store.mailboxes.begin_epoch("system", "1", 2)
    assert desk.store.mailboxes.unknown_keys("system", [key(7), key(8)]) == [key(7), key(8)]
    assert not desk.store.mailboxes.begin_epoch("system", "1", 3)
    (again,) = desk.spool(desk.raw(b"From: a@example.com\n\nmail 7", key=key(7)))
    assert again.seen_before
    assert desk.count("presentation") == 3


def test_keys_of_another_epoch_or_folder_are_left_alone(desk):
    desk.store.mailboxes.begin_epoch("system", "1", 9)
    desk.spool(desk.raw(key="INBOX/11/1"), desk.raw(key="mid:<a@example.com>#1"))
    desk.store.mailboxes.begin_epoch("system", "1", 2)
    assert desk.store.mailboxes.unknown_keys("system", ["INBOX/11/1", "mid:<a@example.com>#1"]) == []


def test_a_next_uid_that_is_not_told_says_nothing(desk):
    desk.store.mailboxes.begin_epoch("system", "1", 9)
    assert not desk.store.mailboxes.begin_epoch("system", "1", 0)
    assert not desk.store.mailboxes.begin_epoch("system", "1", 9)
    assert desk.store.mailboxes.begin_epoch("system", "1", 8)


def test_numbers_can_start_anew_again_and_again(desk):
    for round_ in range(3):
        desk.store.mailboxes.begin_epoch("system", "1", 9)
        desk.spool(desk.raw(b"From: a@example.com\n\n%d" % round_, key=key(1)))
        desk.store.mailboxes.begin_epoch("system", "1", 1)
    assert desk.count("presentation") == 3


def test_a_message_is_set_aside_when_it_broke_a_second_session(desk):
    store = desk.store
    store.mailboxes.broke("system", key(7))
    assert (store.mailboxes.aside("system"), store.mailboxes.suspects("system")) == ([], [key(7)])
    store.mailboxes.broke("system", key(7))
    store.mailboxes.broke("system", key(9))
    store.mailboxes.broke("system", key(9))
    assert store.mailboxes.aside("system") == [key(7), key(9)]
    store.mailboxes.broke("system", key(7))
    assert store.mailboxes.aside("system") == [key(9), key(7)], "who broke it last comes last"


def test_a_message_that_could_be_fetched_is_no_suspect_any_more(desk):
    for _ in range(2):
        desk.store.mailboxes.broke("system", key(7))
    desk.store.mailboxes.whole("system", [key(8)])
    assert desk.store.mailboxes.aside("system") == [key(7)]
    desk.store.mailboxes.whole("system", [key(7)])
    assert desk.store.mailboxes.suspects("system") == []


def test_a_hostile_server_does_not_fill_the_list_without_end(desk):
    for number in range(300):
        desk.store.mailboxes.broke("system", key(number))
    assert len(desk.store.mailboxes.suspects("system")) == 200
