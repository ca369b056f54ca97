"""Which mails of a batch wait for the mails they answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import databases
import pytest

from engine.model.mail import Origin, RawMail
from engine.model.stored import Spooled
from engine.run.parents import parted, waited_for
from engine.store.locks import owner
from engine.store.store import Store

HOUR = timedelta(hours=1)
OTHER = "elsewhere/boot/7/7"


def now() -> datetime:
    return datetime.now(UTC)


class Two:
    """One database, two processes: each has a connection."""

    def __init__(self, mine: Store, others: Store) -> None:
        self.mine, self.others, self.number = mine, others, 0

    def mail(self, name: str, *answers: str, other: bool = False) -> Spooled:
        """Spool a mail with this Message-ID; gives it as its process has it in hand."""
        self.number += 1
        head = f"From: anna@example.com\nMessage-ID: <{name}@x>\nReferences: {' '.join(f'<{a}@x>' for a in answers)}\n"
        box = "support" if other else "system"
        content = head.encode() + b"\nHello\n"
        mail = RawMail(content, Origin(box, f"k{self.number}", 9), now(), hashlib.sha256(content).hexdigest())
        store, whose = (self.others, OTHER) if other else (self.mine, owner())
        (spooled,) = store.ledger.spool([mail], whose)
        return spooled

    def parted(self, *batch: Spooled) -> tuple[list[int], list[int]]:
        ready, late = parted(self.mine, batch, owner(), now())
        return [batch.index(each) for each in ready], [batch.index(each) for each in late]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with Store.open(databases.place(tmp_path / "db")) as mine, Store.open(databases.place(tmp_path / "db")) as others:
        yield Two(mine, others)


def test_a_reply_waits_for_what_another_process_has_in_hand_and_what_answers_it_waits_too(two: Two) -> None:
    theirs = two.mail("theirs", other=True)
    batch = two.mail("a"), two.mail("b", "theirs"), two.mail("c", "b"), two.mail("d")
    assert two.parted(*batch) == ([0, 3], [1, 2])
    two.others.ledger.unclaim([theirs])
    assert two.parted(*batch) == ([0, 1, 3], [2])


def test_a_mail_that_came_later_is_not_waited_for(two: Two) -> None:
    mine = two.mail("a", "later")
    two.mail("later", "a", other=True)
    assert two.parted(mine) == ([0], [])


def test_a_reply_waits_for_its_parent_in_the_same_batch(two: Two) -> None:
    batch = two.mail("a"), two.mail("b", "a"), two.mail("c"), two.mail("d", "c", "a")
    assert two.parted(*batch) == ([0, 2], [1, 3])
    assert two.parted(*batch[1::2]) == ([0, 1], [])


def test_a_mail_that_answers_itself_does_not_wait(two: Two) -> None:
    assert two.parted(two.mail("a", "a")) == ([0], [])


def test_a_reply_waits_for_one_that_waits_itself_and_what_answers_the_reply_waits_too(two: Two) -> None:
    parent = two.mail("parent")
    two.mine.ledger.unclaim([parent])
    batch = two.mail("a"), two.mail("b", "parent"), two.mail("c", "b"), two.mail("d", "a")
    waits = waited_for(two.mine, batch, now(), HOUR)
    assert {row: each.mail for row, each in waits.items()} == {batch[1].row: parent.mail, batch[2].row: batch[1].mail}
    assert waited_for(two.mine, batch, now(), timedelta(0)) == {}, "nobody waits for ever"
    two.mine.ledger.claim_one(parent.mail, now(), owner())
    two.mine.ledger.ignore(parent.mail, "anna", "seen")
    assert waited_for(two.mine, batch, now(), HOUR) == {}


def test_nothing_waits_for_a_mail_that_came_later_even_if_that_waits(two: Two) -> None:
    mine = two.mail("a", "later")
    two.mine.ledger.unclaim([two.mail("later", "a")])
    assert waited_for(two.mine, [mine], now(), HOUR) == {}
