"""The server of the database, as `check --online` finds it: real ones, and answers of servers that nobody has here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deciding import CONFIG
from msgspec.structs import replace

from engine.config import load
from engine.store.place import Url
from engine.store.server import Server
from engine.store.store import Store
from engine.workbench import server_check
from engine.workbench.checks import look

SOUND = Server(
    150018, "15.18", False, False, 0.1, 0, 97, False,
    {"autovacuum": "on", "fsync": "on", "full_page_writes": "on", "max_connections": "100",
     "max_locks_per_transaction": "64", "superuser_reserved_connections": "3", "synchronous_commit": "on",
     "synchronous_standby_names": ""},
)  # fmt: skip

Configured = Callable[..., Any]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    def write(url: str = "postgresql://a@h/d", replica: str = "", more: str = "") -> Any:
        box = more if more.startswith("after") else ""
        text = CONFIG.replace('path = "mail"', f'path = "mail"\n{box}')
        text += f'[store]\ndriver = "postgresql"\nurl = "{url}"\n'
        text += f'replica_url = "{replica}"\n' if replica else ""
        (tmp_path / "allegra.toml").write_text(text + ("" if box else more))
        return load(tmp_path / "allegra.toml")

    return write


def codes(config: Any, server: Server) -> dict[str, str]:
    return {each.code: f"{each.severity} {each.message}" for each in server_check._problems(config, server, "server")}


def set_to(**settings: str) -> Server:
    return replace(SOUND, settings={**SOUND.settings, **settings})


@pytest.mark.parametrize(
    ("server", "code", "said"),
    [
        (replace(SOUND, number=130011, version="13.11"), "C203", "error PostgreSQL 13.11 is older than 14"),
        (set_to(fsync="off"), "C204", "error fsync is off"),
        (set_to(full_page_writes="off"), "C204", "warning full_page_writes is off"),
        (set_to(synchronous_commit="off"), "C204", "warning synchronous_commit is off: what others write"),
        (set_to(synchronous_commit="local"), "C204", "warning synchronous_commit is local"),
        (set_to(synchronous_commit="remote_write", synchronous_standby_names="*"), "C204", "warning synchronous_commit is remote_write"),  # noqa: E501
        (set_to(max_locks_per_transaction="10"), "C206", "warning the server has room for 1000 locks, and 4 deciders may hold 2000"),  # noqa: E501
        (replace(SOUND, most=20), "C206", "warning we get 20 connections, and one worker process takes 27"),
        (replace(SOUND, is_standby=True), "C207", "error the database is a standby: nothing can be written"),
        (replace(SOUND, is_read_only=True), "C207", "error the database is set to be read only"),
        (replace(SOUND, ahead_s=-7.2), "C208", "warning the clock of the server is 7 s behind that of this host"),
        (set_to(autovacuum="off"), "C210", "warning autovacuum is off"),
    ],
)  # fmt: skip
def test_what_a_server_lacks_is_said(configured: Configured, server: Server, code: str, said: str) -> None:
    found = codes(configured(more="[workers]\ndeciders = 4\n"), server)
    assert [*found] == [code] and found[code].startswith(said)


def test_a_sound_server_is_only_named(configured: Configured) -> None:
    assert codes(configured(more="[workers]\ndeciders = 4\n"), SOUND) == {}


def test_a_mailbox_that_deletes_wants_a_standby_to_confirm(configured: Configured) -> None:
    deletes, moves = configured(more='after_success = "delete"\nafter_failure = "delete"'), configured()
    assert "C209" in codes(deletes, replace(SOUND, standbys=1)) and "C209" not in codes(deletes, SOUND)
    assert "C209" not in codes(moves, replace(SOUND, standbys=1))


def online(config: Any) -> dict[str, list[str]]:
    from engine.workbench.checks import database_server

    return {each.name: [problem.code for problem in each.problems] for each in database_server(config)}


@pytest.fixture
def pooled(postgres: Any, request: Any) -> Iterator[Any]:
    from servers.pgbouncer import Pgbouncer, missing

    if absent := missing():
        reason = f"not installed: {absent} (apt-get install pgbouncer)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with Pgbouncer(postgres.folder, request.param) as pooler:
        yield pooler


@pytest.mark.parametrize(
    ("pooled", "expected"),
    [("session", ["C204", "C204"]), ("transaction", ["C205"]), ("statement", ["C205"])], indirect=["pooled"],
)  # fmt: skip
def test_a_pooler_that_shares_connections_is_found_out(
    configured: Configured, pooled: Any, postgres_url: str, expected: list[str]
) -> None:
    name = Url(postgres_url).name.partition(" ")[0]
    assert [*online(configured(pooled.url_of(name))).values()] == [expected]


def test_two_stores_behind_such_a_pooler_have_the_same_locks(postgres_url: str, postgres: Any) -> None:
    """Why it is refused: this is what goes wrong."""
    from servers.pgbouncer import Pgbouncer, missing

    if missing():
        pytest.skip("not installed: pgbouncer")
    with Pgbouncer(postgres.folder, "transaction") as pooler:
        url = Url(pooler.url_of(Url(postgres_url).name.partition(" ")[0]))
        with Store.open(url) as one, Store.open(url) as two:
            locks = [store.database.account_lock(1) for store in (one, two)]
            assert [lock is not None and lock.acquire() for lock in locks] == [True, True]


def test_settings_of_the_real_server_are_read(configured: Configured, postgres: Any, postgres_url: str) -> None:
    name = Url(postgres_url).name
    assert online(configured(postgres_url)) == {f"server of {name}": ["C204", "C204"]}, "fsync, full_page_writes"
    postgres.run(f"ALTER DATABASE {name.partition(' ')[0]} SET synchronous_commit = off")
    assert online(configured(postgres_url)) == {f"server of {name}": ["C204", "C204", "C204"]}


def test_a_role_without_any_rights_can_ask(configured: Configured, postgres: Any, postgres_url: str) -> None:
    postgres.run("DROP ROLE IF EXISTS plain")
    postgres.run("CREATE ROLE plain LOGIN CONNECTION LIMIT 7")
    found = [*online(configured(postgres_url.replace("test@", "plain@"))).values()]
    assert found == [[*["C212"] * 5, "C204", "C204", "C206"]]


def test_a_right_that_the_role_lacks_is_named_with_what_gives_it(
    configured: Configured, postgres: Any, postgres_url: str
) -> None:
    name = Url(postgres_url).name.partition(" ")[0]
    with Store.open(Url(postgres_url)):
        """The tables are there."""
    postgres.run("DROP ROLE IF EXISTS reader")
    postgres.run("CREATE ROLE reader LOGIN")
    postgres.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", name)
    config = configured(postgres_url.replace("test@", "reader@"))
    told = {each.message: each.help for _, _, found in server_check.looked_at(config) for each in found}
    said = "the role reader lacks the right INSERT on account, account_group, act, address_state and "
    (insert,) = [message for message in told if message.startswith(said)]
    assert told[insert] == "as the owner:  GRANT INSERT ON ALL TABLES IN SCHEMA public TO reader"
    assert not any("lacks the right SELECT" in each for each in told)
    assert any("lacks the right USAGE on account" in each for each in told)
    for right, kind in (("INSERT, UPDATE, DELETE", "TABLES"), ("USAGE", "SEQUENCES")):
        postgres.run(f"GRANT {right} ON ALL {kind} IN SCHEMA public TO reader", name)
    assert [*online(config).values()] == [["C204", "C204"]]
    postgres.run("DROP OWNED BY reader", name)


def test_a_database_that_is_no_utf8_does_not_open(configured: Configured, postgres: Any) -> None:
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        config = configured(postgres.url_of("latin"))
        said = [each for checked in look(config, online=True) for each in checked.problems if each.code == "C190"]
        assert len(said) == 1 and "has the encoding LATIN1: it has to be UTF8" in said[0].message
    finally:
        postgres.drop("latin")


def test_a_standby_is_no_database_and_is_a_replica(configured: Configured, postgres: Any, postgres_url: str) -> None:
    from servers.postgres import Postgres

    name = Url(postgres_url).name.partition(" ")[0]
    standby = Postgres(of=postgres)
    try:
        assert [*online(configured(standby.url_of(name))).values()] == [["C207", "C204", "C204"]]
        found = online(
            configured(postgres_url, standby.url_of(name), more='after_success = "delete"\nafter_failure = "delete"')
        )
        assert [*found.values()] == [["C204", "C204", "C209"], []]
        standby.halt()
        assert [*online(configured(postgres_url, standby.url_of(name))).values()][1] == ["C211"]
        standby.start()
    finally:
        standby.stop()
    assert [*online(configured(postgres_url, postgres.url)).values()][1] == ["C211"], "the primary is no replica"


def test_where_the_database_does_not_open_it_is_said_once(configured: Configured) -> None:
    config = configured("postgresql://a@/none?host=/nowhere")
    said = [each.code for checked in look(config, online=True) for each in checked.problems]
    assert said.count("C190") == 1 and not any(code.startswith("C20") for code in said)
