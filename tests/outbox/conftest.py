"""An office (`offices.py`), an empty store, and certificates for the mail server `sink` of tests/conftest.py."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import builders
import databases
import posted
import pytest
from outbox.offices import Office

from engine.store.store import Store


@pytest.fixture(scope="session")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Office]]:
    """Make offices; for tests that need many, one for each is too slow."""
    made: list[Store] = []

    def making() -> Office:
        store = Store.open(databases.fresh(), clock=lambda: builders.NOW)
        made.append(store.__enter__())
        return Office(made[-1], tmp_path_factory.mktemp("office"))

    yield making
    for store in made:
        store.__exit__(None, None, None)


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty store, for rows written by `posted.row`."""
    with Store.open(databases.fresh(), clock=lambda: posted.NOW) as opened:
        yield opened


@pytest.fixture
def office(offices: Callable[[], Office]) -> Office:
    return offices()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signed itself, key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl")
    file = tmp_path_factory.mktemp("tls") / "pair.pem"
    key = file.with_name("key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
