"""What a visit that finds nothing asks of a database on a server: it is most of what many mailboxes cost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.config import Config, load
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.store.store import Store
from engine.worker.fetching import Fetching

pytestmark = pytest.mark.server

MANY = 40

HEAD = """
schema = 1
[store]
driver = "postgresql"
url_env = "IDLE_URL"
[system]
default_workspace = "w0"
[people]
unknown_user = "create"
"""

ONE = """
[workspace.w{0}]
name = "Desk {0}"
[workspace.w{0}.mailbox]
protocol = "maildir"
path = "mail{0}"
addresses = ["help{0}@example.com"]
"""

MAIL = (
    b"From: a@example.com\r\nTo: help@example.com\r\nMessage-ID: <%d@example.com>\r\nSubject: Hello\r\n\r\nHello %d\r\n"
)


@pytest.fixture
def many(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Mailboxes in each of which lies one mail that was decided."""
    from engine.store.load import load as load_data

    monkeypatch.setenv("IDLE_URL", postgres_url)
    for number in range(MANY):
        for name in ("cur", "new", "tmp"):
            (tmp_path / f"mail{number}" / name).mkdir(parents=True)
        (tmp_path / f"mail{number}" / "cur" / "1.1.host:2,S").write_bytes(MAIL % (number, number))
    file = tmp_path / "allegra.toml"
    file.write_text(HEAD + "".join(ONE.format(number) for number in range(MANY)))
    file.chmod(0o600)
    config = load(file)
    with Store.open(config.store.where) as store:
        load_data(store, {"workspaces": [{"identifier": f"w{each}", "name": f"Desk {each}"} for each in range(MANY)]})
        reports = a_pass(config, store)
    assert sum(report.new for report in reports) == MANY
    return config


def a_pass(config: Config, store: Store) -> Any:
    engine = Engine(config, store)
    try:
        return Pass(engine).run(config.mailboxes)
    finally:
        engine.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """A function that gives the statements that are sent meanwhile; many rows of one are one."""
    import psycopg

    sent: list[tuple[int, str]] = []
    for name in ("execute", "executemany"):
        original = getattr(psycopg.RawCursor, name)

        def noting(self: Any, sql: bytes | str, *more: Any, original: Any = original, **named: Any) -> Any:
            text = sql if isinstance(sql, str) else sql.decode()
            sent.append((threading.get_ident(), " ".join(text.split())))
            return original(self, sql, *more, **named)

        monkeypatch.setattr(psycopg.RawCursor, name, noting)

    @contextmanager
    def during() -> Iterator[list[tuple[int, str]]]:
        del sent[:]
        yield sent

    return during


def test_an_idle_pass_asks_one_question_for_each_mailbox_and_few_for_all(
    many: Config, asked: Callable[[], Any]
) -> None:
    with Store.open(many.store.where) as store:
        a_pass(many, store)
        with asked() as sent:
            reports = a_pass(many, store)
        states = store.mailboxes.states()
    assert {report.state for report in reports} == {"ok"}
    assert {(state.holder, state.failures) for state in states} == {("", 0)} and all(state.ok_at for state in states)
    taken, once, ended = 5 * MANY, 10, 3 * MANY / 20
    assert len(sent) <= taken + once + ended, sent


def test_a_worker_asks_one_question_for_each_mailbox_and_none_where_it_is_as_it_was(
    many: Config, asked: Callable[[], Any]
) -> None:
    said: list[str] = []
    after_connecting, after_comparing = asyncio.run(rounds(many, said, asked, 2))
    assert said == []
    once, taken, ended = 7, 4 * (MANY // 20 + 1), 3 * MANY // 20 + 3
    assert len(after_connecting) <= MANY + once + 12 + taken + ended, after_connecting
    assert len(after_comparing) <= once + taken + ended, after_comparing


def test_what_comes_into_a_mailbox_that_was_as_it_was_is_read(
    many: Config, asked: Callable[[], Any], tmp_path: Path
) -> None:
    def comes(number: int) -> None:
        (tmp_path / "mail3" / "new" / f"2.{number}.host").write_bytes(MAIL % (1000 + number, number))

    asyncio.run(rounds(many, [], asked, 4, {2: lambda: comes(2), 3: lambda: comes(3)}))
    with Store.open(many.store.where) as store:
        assert store.database.one("SELECT count(*) FROM inbound")[0] == MANY + 2


async def rounds(
    config: Config, said: list[str], asked: Callable[[], Any], times: int,
    before: dict[int, Callable[[], None]] | None = None,
) -> list[list[str]]:  # fmt: skip
    """Let a worker visit all mailboxes so often; gives what each time was asked in its threads."""
    fetching = Fetching(config, 1, (), said.append, said.append)
    running = asyncio.create_task(fetching.run())
    found = list[list[str]]()
    for number in range(times):
        let_all_be_due(config)
        (before or {}).get(number, lambda: None)()
        with asked() as sent:
            fetching.ring()
            while not all_were_read(config):
                await asyncio.sleep(0.05)
            found.append([sql for thread, sql in sent if thread != threading.get_ident()])
    await fetching.stop(5.0)
    await running
    return found


def let_all_be_due(config: Config) -> None:
    with Store.open(config.store.where) as store, store.writing():
        store.database.run("UPDATE mailbox SET next_at = 0, ok_at = 0")


def all_were_read(config: Config) -> bool:
    with Store.open(config.store.where) as store:
        return store.database.rows("SELECT 1 FROM mailbox WHERE ok_at = 0 OR lease_owner <> ''") == []
