"""How mailboxes fare, and what lies in them; `tests/cli/test_mailbox.py` does it on a real Dovecot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from people import BOB

from engine.config import Config, load
from engine.desk import mailboxes, pausing
from engine.desk.choosing import named
from engine.run.lease import Lease
from engine.store.clock import now as utc_now
from engine.store.errors import Busy, Unclear
from engine.store.store import Store


@pytest.fixture
def config(desk: Any) -> Config:
    desk.configure(
        more='[workspace.sales]\nname = "Sales"\n[workspace.sales.mailbox]\nprotocol = "pipe"\n'
        'addresses = ["sales@example.com"]\nactive = false\n'
    )
    return load(desk.folder / "allegra.toml")


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.store.where) as made:
        yield made


def fares(config: Config, store: Store) -> dict[str, str]:
    return {each.mailbox.name: each.state for each in mailboxes.fares(config, store)}


def test_a_mailbox_fares_as_its_last_passes_did(config: Config, store: Store, desk: Any) -> None:
    assert fares(config, store) == {"system": "never read", "support": "never read", "sales": "off"}
    desk.run()
    (support,) = named(config, ["support"])
    pausing.pause(store, config, support, "moving\x1b[2J house" + "!" * 300, "anna")
    store.mailboxes.failed("system", "source.unreachable", "it is away", utc_now())
    assert fares(config, store) == {"system": "failing", "support": "paused", "sales": "off"}
    paused = mailboxes.fares(config, store)[1]
    assert "\x1b" not in paused.sentence and len(paused.sentence) == pausing.MOST_REASON
    assert paused.read_at is not None
    pausing.resume(store, config, support, "anna")
    assert fares(config, store)["support"] == "ok"


def test_without_names_the_active_mailboxes_are_meant(config: Config) -> None:
    assert [box.name for box in named(config)] == ["system", "support"]
    assert [box.name for box in named(config, ["sales", "sales"])] == ["sales"]
    with pytest.raises(Unclear, match="there is no mailbox 'x'; there are: system, support, sales"):
        named(config, ["x"])


def test_trying_tells_of_each_mailbox_and_how_the_mail_of_a_pipe_comes(config: Config, desk: Any) -> None:
    (desk.folder / "mail" / "support" / "new").rmdir()
    told = list(mailboxes.try_out(config, config.mailboxes))
    assert [(each.mailbox.name, each.works) for each in told] == [("system", True), ("support", False), ("sales", True)]
    assert (told[1].code, told[2].brought) == (
        "source.folder_missing",
        "mail arrives by allegra deliver, lmtp or serve",
    )


def test_a_look_into_a_mailbox_leaves_no_mark(config: Config, store: Store, desk: Any) -> None:
    desk.mail("First")
    (system,) = named(config, ["system"])
    (look,) = mailboxes.peek(config, store, system, 10)
    assert (look.is_new, look.sender, look.subject) == (True, "anna@example.com", "First")
    assert store.archive.mails() == [] and desk.files() == ["0001.test"]
    assert "INBOX" in mailboxes.folders(config, system)


def test_the_folders_are_listed_although_the_one_configured_is_wrong(config: Config) -> None:
    (system,) = named(config, ["system"])
    assert "INBOX" in mailboxes.folders(config, system.filled(folder="Nowhere"))


def test_what_the_ledger_lost_is_taken_in_once(config: Config, store: Store, desk: Any) -> None:
    desk.mail("Lost")
    (system,) = named(config, ["system"])
    assert mailboxes.reconcile(config, store, system).missing == 1
    assert store.archive.mails() == []
    assert mailboxes.reconcile(config, store, system, commit=True).missing == 1
    again = mailboxes.reconcile(config, store, system, commit=True)
    assert (again.on_server, again.known, again.missing) == (1, 1, 0)
    assert [row.state for row in store.archive.mails()] == ["received"]


@pytest.mark.parametrize(("notify", "why"), [(False, "quiet"), (True, "no_smtp")])
def test_what_was_taken_in_again_makes_its_item_and_tells_nobody_unless_asked(
    config: Config, store: Store, desk: Any, notify: bool, why: str
) -> None:
    desk.load(BOB)
    desk.mail("Lost", sender="anna@example.com")
    (system,) = named(config, ["system"])
    mailboxes.reconcile(config, store, system, commit=True, notify=notify)
    store.database.run("UPDATE inbound SET claimed_until = 0")
    desk.run()
    with Store.open(config.store.where) as now:
        assert [row.outcome for row in now.archive.mails()] == ["created"]
        assert desk.told("class, address_key, state, why") == [
            ("auto", "anna@example.com", "suppressed", why),
            ("notice", "anna@example.com", "suppressed", "actor"),
            ("notice", "bob@example.com", "suppressed", why),
        ]


def test_nothing_is_compared_while_another_run_is_at_work(config: Config, store: Store) -> None:
    (system,) = named(config, ["system"])
    with Store.open(config.store.where) as other, Lease(other, "system", utc_now) as lease:
        assert lease.held
        with pytest.raises(Busy, match="another run is working on it"):
            mailboxes.reconcile(config, store, system)


def test_a_first_look_counts_what_waits_and_shows_the_first_of_it(config: Config, desk: Any) -> None:
    for number in range(3):
        desk.mail(f"Subject {number}", sender="ann@example.com")
    (system,) = named(config, ["system"])
    look = mailboxes.first_look(config, system, 2)
    first = (("ann@example.com", "Subject 0"), ("ann@example.com", "Subject 1"))
    assert look == mailboxes.FirstLook(3, first, look.oldest) and look.oldest is not None
    assert len(desk.files("system")) == 3


def test_mailbox_test_tells_how_the_mail_of_a_program_comes(desk: Any) -> None:
    desk.configure(
        more='[workspace.sales]\nname = "Sales"\n[workspace.sales.mailbox]\nprotocol = "program"\n'
        'addresses = ["sales@example.com"]\n'
    )
    result = desk.allegra("mailbox", "test", "sales")
    said = "a program reads it (docs/library.md)"
    assert (result.exit_code, result.output) == (0, f"sales  nothing to log in to: {said}\n")
    (told,) = desk.lines("mailbox", "test", "sales")
    assert told == {"schema": "allegra.mailbox/1", "mailbox": "sales", "ok": True, "brought": said}
