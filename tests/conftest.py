"""What all tests share: `import builders` finds tests/builders.py from every folder, and `dovecot` a real server.

What tests write lies in memory where there is room, so that no commit waits for a disk: a process that is killed loses
nothing of it either, and no test cuts the power.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("allegra", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("allegra")  # how quick a machine is, is no law
sys.path.insert(0, str(Path(__file__).resolve().parent))

MEMORY, ROOM_BYTES = Path("/dev/shm"), 2 << 30
"""Where files lie in memory, and how much must be free there; else, and with TMPDIR, they lie where they always do."""


def _write_into_memory() -> None:
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    there = os.statvfs(MEMORY)
    if there.f_bavail * there.f_frsize >= ROOM_BYTES and not there.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"], tempfile.tempdir = str(MEMORY), None


_write_into_memory()
importlib.import_module("authorities").hide()
importlib.import_module("tables_once").remember()
databases = importlib.import_module("databases")

if TYPE_CHECKING:
    from servers.dovecot import Dovecot
    from servers.postfix import Postfix
    from servers.postgres import Postgres
    from servers.sink import Sink
    from servers.slapd import Slapd
    from servers.tokens import Tokens


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a server of Debian's carries the marker `server`; the short suite carries `quick`."""
    from quick import is_quick

    for item in items:
        servers = {"dovecot", "postfix", "dovecot_and_tokens", "slapd", "postgres"}
        if servers & {*getattr(item, "fixturenames", ())} or item.get_closest_marker("server"):
            item.add_marker(pytest.mark.server)
        elif is_quick(item.path.relative_to(Path(__file__).parent).as_posix()):
            item.add_marker(pytest.mark.quick)
        if databases.ON_SERVER and item.get_closest_marker("sqlite"):
            item.add_marker(pytest.mark.skip(reason="about the database that is a file"))


def pytest_collection_finish() -> None:
    """What was collected stays to the end: nobody looks through it for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> None:
    """What is said is masked by every secret that this process ever read, and one of them may be a word."""
    secrets = sys.modules.get("engine.config.secrets")
    if secrets is not None:
        secrets._revealed.clear()
        secrets._passing.clear()


@pytest.fixture(autouse=True)
def no_databases_of_other_tests() -> Iterator[None]:
    """What a test made on the server goes with it."""
    with databases.of_one_test():
        yield


@pytest.fixture(scope="session", autouse=True)
def no_server_is_left() -> Iterator[None]:
    """The PostgreSQL that desks lie in ends with the last of them."""
    yield
    databases.stop()


@pytest.fixture(scope="session")
def dovecot_server() -> Iterator[Dovecot | str]:
    """One Dovecot for all tests of this worker; what is missing where it is not installed."""
    from servers.dovecot import Dovecot, missing

    if absent := missing():
        yield absent
        return
    server = Dovecot()
    yield server
    server.stop()


@pytest.fixture
def dovecot(dovecot_server: Dovecot | str) -> Dovecot:
    """A real Dovecot; `dovecot.account()` makes a user for this test alone. Skips without one, fails if CI=true."""
    if not isinstance(dovecot_server, str):
        return dovecot_server
    reason = f"not installed: {dovecot_server} (apt-get install dovecot-imapd dovecot-pop3d openssl)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def token_servers() -> Iterator[tuple[Dovecot, Tokens] | str]:
    """One Dovecot that takes tokens, and the server that hands them out; what is missing where it is not installed."""
    from servers.dovecot import Dovecot, missing
    from servers.tokens import Tokens

    if absent := missing():
        yield absent
        return
    with Tokens() as tokens:
        server = Dovecot(f"http://127.0.0.1:{tokens.port}/introspect")
        yield server, tokens
        server.stop()


@pytest.fixture
def dovecot_and_tokens(token_servers: tuple[Dovecot, Tokens] | str) -> tuple[Dovecot, Tokens]:
    """A real Dovecot that takes no password but tokens. Skips without one, fails if CI=true."""
    if not isinstance(token_servers, str):
        return token_servers
    if os.environ.get("CI") == "true":
        pytest.fail(f"not installed: {token_servers}")
    pytest.skip(f"not installed: {token_servers}")


@pytest.fixture(scope="session")
def slapd_server() -> Iterator[Slapd | str]:
    """One OpenLDAP server for all tests of this worker; what is missing where it is not installed."""
    from servers.slapd import Slapd, missing

    if absent := missing():
        yield absent
        return
    server = Slapd()
    yield server
    server.stop()


@pytest.fixture
def slapd(slapd_server: Slapd | str) -> Slapd:
    """A real LDAP server, which a test may stop and must start again. Skips without one, fails if CI=true."""
    if not isinstance(slapd_server, str):
        return slapd_server
    reason = f"not installed: {slapd_server} (apt-get install slapd openssl)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres | str]:
    """One PostgreSQL for all tests of this worker, or what keeps it away."""
    yield databases.server()
    databases.stop()


@pytest.fixture
def postgres(postgres_server: Postgres | str) -> Postgres:
    """A real PostgreSQL, which a test may stop and must start again. Skips without one, fails if CI=true."""
    if not isinstance(postgres_server, str):
        return postgres_server
    reason = f"not installed: {postgres_server} (apt-get install postgresql)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of a database of this test's own, with our tables."""
    name = postgres.furnished()
    yield postgres.url_of(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def postfix_server(dovecot_server: Dovecot | str) -> Iterator[Postfix | str]:
    """One Postfix for all tests of this worker, beside the Dovecot that reads its mailboxes; or what keeps it away."""
    from servers.postfix import Postfix, missing

    if isinstance(dovecot_server, str) or (absent := missing()):
        yield f"not installed: {dovecot_server}" if isinstance(dovecot_server, str) else absent
        return
    server = Postfix(dovecot_server.base / "mail")
    yield server
    server.close()


@pytest.fixture
def postfix(postfix_server: Postfix | str) -> Iterator[Postfix]:
    """A real Postfix with empty mailboxes, which `dovecot.user(address)` reads; skips where it cannot run."""
    if isinstance(postfix_server, str):
        pytest.skip(postfix_server)
    postfix_server.empty()
    yield postfix_server
    postfix_server.again()


@pytest.fixture
def sink() -> Iterator[Callable[..., Sink]]:
    """Make servers that take mail and write down every byte; they are closed at the end."""
    from servers.sink import Sink

    made: list[Sink] = []

    def making(**options: Any) -> Sink:
        made.append(Sink(**options))
        return made[-1]

    yield making
    for each in made:
        each.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """An engine on a store in memory; see `deciding.py`."""
    from deciding import an_engine

    yield from an_engine(tmp_path)
