"""One mail from a pipe: whose it is, and what the mail server may be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databases
import pytest
from deciding import CONFIG, DATA
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Config, load
from engine.doors.taking import Fate, handed_over, take, targets
from engine.run.lease import Lease
from engine.store.errors import StoreError
from engine.store.load import load as load_data
from engine.store.store import Store

MAIL = b"From: anna@example.com\nTo: help@example.com\nSubject: Piped\nMessage-ID: <1@x>\n\nHello\n"
SILENT = MAIL.replace(b"Piped", b"")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "allegra.toml").write_text(
        CONFIG + '[workspace.support.mailbox]\nprotocol = "pipe"\naddresses = ["support@example.com"]\n'
    )
    return load(tmp_path / "allegra.toml")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(databases.place(tmp_path / "db")) as made:
        load_data(made, DATA)
        yield made


@pytest.mark.parametrize(
    ("recipients", "found"),
    [
        (("help@example.com",), {"system": ("help@example.com",)}),
        (("<Help@Example.com>",), {"system": ("<Help@Example.com>",)}),
        (("help+x@example.com",), {"system": ("help+x@example.com",)}),
        (
            ("help@example.com", "support+9@example.com"),
            {"system": ("help@example.com",), "support": ("support+9@example.com",)},
        ),
        (('"help"@example.com',), {"system": ('"help"@example.com',)}),
        (('<"He\\lp+x"@Example.com>',), {"system": ('<"He\\lp+x"@Example.com>',)}),
        (("nobody@example.com", "help", ""), {}),
        (('"help "@example.com', '"help@example.com"', '"help@example.com', '"x"help@example.com'), {}),
    ],
)
def test_a_mail_belongs_to_the_mailboxes_of_its_recipients(config: Config, recipients: Any, found: Any) -> None:
    assert targets(config, recipients) == found


def test_a_mailbox_that_is_named_takes_whatever_comes(config: Config) -> None:
    assert targets(config, ("x@y",), "support") == {"support": ("x@y",)}
    assert targets(config, ("help@example.com",), "nobody") == {}


@given(st.lists(st.text(max_size=40), max_size=5))
def test_recipients_of_any_shape_find_a_mailbox_or_none(recipients: list[str]) -> None:
    found = targets(CONFIGURED, recipients)
    assert sorted(each for its in found.values() for each in its) == sorted(
        each for each in recipients if any(each in its for its in found.values())
    )


def _configured() -> Config:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "allegra.toml"
        file.write_text(CONFIG)
        return load(file)


CONFIGURED = _configured()


def test_a_mail_is_ours_and_decided(config: Config, store: Store) -> None:
    (taken,) = take(config, store, [handed_over(MAIL, "system", sender="<anna@example.com>")])
    assert (taken.fate, taken.sentence) == (Fate.OURS, "")
    assert store.archive.mail(taken.mail).outcome == "created"


def test_a_mail_for_two_mailboxes_is_one_mail_in_each(config: Config, store: Store) -> None:
    taken = take(config, store, [handed_over(MAIL, "system"), handed_over(MAIL, "support")])
    assert [each.fate for each in taken] == [Fate.OURS] * 2
    assert sorted(row.mailbox for row in store.archive.mails()) == ["support", "system"]


def test_a_refusal_is_told_to_the_mail_server_that_asks_and_to_nobody_else(config: Config, store: Store) -> None:
    (told,) = take(config, store, [handed_over(SILENT, "system")], at_once=True)
    assert (told.fate, told.sentence) == (Fate.REFUSED, "the subject is empty")
    assert [(each.kind, each.state, each.why) for each in store.outbox.told(told.mail)] == [
        ("auto", "suppressed", "mta")
    ]
    (again,) = take(config, store, [handed_over(SILENT, "system", queue_id="2")], at_once=True)
    assert again.fate is Fate.REFUSED
    (quiet,) = take(config, store, [handed_over(SILENT, "system", queue_id="3")])
    assert quiet.fate is Fate.OURS


def test_while_another_run_is_at_work_the_mail_is_kept_for_it(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.doors.taking.PATIENCE_S", 0.0)
    monkeypatch.setattr("engine.run.at_once.Lease", _Taken)
    (taken,) = take(config, store, [handed_over(MAIL, "system")])
    (asked,) = take(config, store, [handed_over(SILENT, "system")], at_once=True)
    assert (taken.fate, asked.fate) == (Fate.OURS, Fate.LATER)
    assert {row.state for row in store.archive.mails()} == {"received"}


class _Taken(Lease):
    """A lease that somebody else has."""

    def __enter__(self) -> _Taken:
        return self


@pytest.mark.parametrize(("at_once", "fate"), [(False, Fate.OURS), (True, Fate.LATER)])
def test_what_is_stored_is_ours_when_the_database_goes_away_then(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch, at_once: bool, fate: Fate
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "commit", away)
    (taken,) = take(config, store, [handed_over(MAIL, "system")], at_once=at_once)
    assert taken.fate is fate
    assert "stored, the next run decides (StoreError: the disk is full)" in taken.sentence
    assert store.archive.raw(taken.mail) is not None


def test_nothing_is_ours_that_was_not_stored(config: Config, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store.ledger, "spool", away)
    with pytest.raises(StoreError):
        take(config, store, [handed_over(MAIL, "system")])
    assert store.archive.mails() == []
