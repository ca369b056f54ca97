"""A domain of our own, example.test: its name server, its certificates, and what its hosts say."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.dovecot import make_certificate

from engine.discovery.found import Found
from engine.discovery.search import find
from engine.discovery.world import World

HOSTS = ("example.test", "autoconfig.example.test", "imap.example.test", "mail.example.test", "smtp.example.test",
         "other.test", "mx.hoster.test")  # fmt: skip


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """The certificate of all hosts of example.test, and a server's context with it."""
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl")
    folder = tmp_path_factory.mktemp("certificate")
    file, key = make_certificate(folder, "hosts", ",".join(f"DNS:{host}" for host in HOSTS))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


@pytest.fixture
def trusted(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context whose certificate this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    return certificate[1]


@pytest.fixture
def search() -> Iterator[Callable[..., Found]]:
    """Search for me@example.test where the names and ports are those given; what is told is in `.told`."""
    from servers.names import Names

    made: list[Names] = []

    class Search:
        told: list[str]

        def __call__(self, records: Any, ports: Any = None, protocol: str = "", silent: Any = ()) -> Found:
            made.append(Names(records, silent))
            closed = dict.fromkeys((443, 993, 143, 995, 465, 587), 9)  # nobody is there
            self.told = []
            world = World(made[-1].address, {**closed, **(ports or {})})
            return find("me@example.test", self.told.append, protocol, world)

    yield Search()
    for each in made:
        each.__exit__(None, None, None)
