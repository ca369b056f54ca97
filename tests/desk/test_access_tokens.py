"""What lets programs in: tokens."""

from __future__ import annotations

import pytest
from desk.conftest import Gate

from engine.desk import access_tokens as desk
from engine.store.errors import NotFound, Refused, Unclear


def made(gate: Gate, login: str = "anna", name: str = "backup", days: int = 30) -> str:
    return desk.make_token(gate.store, gate.config, login, name, days, login, gate.now)


def whose(gate: Gate, secret: str) -> str:
    account = desk.token(gate.store, secret, gate.now)
    return account.login if account is not None else ""


def test_a_token_lets_in_until_it_is_over_and_is_nowhere_in_the_database(gate: Gate) -> None:
    secret = made(gate, "anna.berg@example.com")
    assert secret.startswith("allegra_") and len(secret) == 51, "256 bits"
    assert whose(gate, secret) == "anna"
    gate.later(days=30, seconds=-1)
    assert whose(gate, secret) == "anna"
    gate.later(seconds=1)
    assert whose(gate, secret) == ""
    kept = str([gate.store.database.rows(f"SELECT * FROM {table}") for table in ("token", "event")])  # noqa: S608
    assert secret not in kept and secret not in gate.logged()


@pytest.mark.parametrize("secret", ["", "allegra_", "allegra_x", "x" * 51, "allegra_" + "x" * 10_000, "allegra_\ud800"])
def test_what_is_no_token_of_ours_is_nobodys(gate: Gate, secret: str) -> None:
    made(gate)
    assert whose(gate, secret) == ""


def test_a_token_ends_with_its_account_and_does_not_come_back(gate: Gate) -> None:
    secret = made(gate)
    gate.store.directory.put_account("anna", status="locked")
    assert whose(gate, secret) == ""
    gate.store.directory.put_account("anna", status="active")
    assert whose(gate, secret) == ""


def test_that_it_was_used_is_written_once_a_minute(gate: Gate) -> None:
    secret, written = made(gate), set()
    for _ in range(150):
        whose(gate, secret)
        written.add(desk.tokens_of(gate.store, "anna")[0].used_at)
        gate.later(seconds=1)
    assert len(written) == 3


def test_somebody_sees_and_ends_their_own_tokens_and_no_others(gate: Gate) -> None:
    mine, bobs = made(gate), made(gate, "bob", "chat")
    (listed,), (theirs,) = desk.tokens_of(gate.store, "anna"), desk.tokens_of(gate.store, "bob")
    assert (listed.name, listed.made_at) == ("backup", gate.now.replace(hour=10))
    with pytest.raises(NotFound, match="anna has no token"):
        desk.end_token(gate.store, gate.config, "anna", theirs.ref, "anna")
    desk.end_token(gate.store, gate.config, "anna", listed.ref, "anna")
    assert (whose(gate, mine), whose(gate, bobs)) == ("", "bob")


def test_what_is_done_about_tokens_is_written_down(gate: Gate) -> None:
    made(gate, name=" night\nly \x1b[31m")
    (listed,) = desk.tokens_of(gate.store, "anna")
    desk.end_token(gate.store, gate.config, "anna", listed.ref, "root")
    assert gate.events() == [
        ("token.made", "anna", f"anna: night ly [31m, {listed.ref}"), ("token.ended", "root", f"anna: {listed.ref}"),
    ]  # fmt: skip
    assert "token.made by anna" in gate.logged() and "token.ended by root" in gate.logged()


@pytest.mark.parametrize(
    ("login", "name", "days", "error", "said"),
    [
        ("anna", "", 1, Unclear, "1 to 60 characters"), ("anna", "x" * 61, 1, Unclear, "1 to 60 characters"),
        ("anna", "a", 0, Unclear, "1 to 366 days"), ("anna", "a", 367, Unclear, "1 to 366 days"),
        ("zoe", "a", 1, NotFound, "no user"), ("locked", "a", 1, Refused, "is locked"),
        ("guest", "a", 1, Refused, "is guest"),
    ],
)  # fmt: skip
def test_a_token_that_cannot_be_is_refused(
    gate: Gate, login: str, name: str, days: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        made(gate, login, name, days)
    assert gate.events() == []


def test_nobody_has_more_tokens_than_can_be_looked_over(gate: Gate) -> None:
    for each in range(desk.MOST_TOKENS):
        made(gate, name=f"token {each}", days=1)
    with pytest.raises(Refused, match="end one"):
        made(gate)
    gate.later(days=1)
    assert whose(gate, made(gate)) == "anna", "those that are over do not count"
