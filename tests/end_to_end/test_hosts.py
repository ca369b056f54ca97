"""Two hosts at one database, one of them cut off: what it had in hand is free in 40 s, what it says late is refused.

The other host is a network namespace of its own, with a wire between that is taken away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.postgres import Postgres, missing

from engine.store.place import Url
from engine.store.store import Store

HERE, THERE = "10.213.7.1", "10.213.7.2"

OTHER_HOST = """
import sys
from datetime import UTC, datetime
from hashlib import sha256
from engine.model.mail import Envelope, Origin, RawMail
from engine.store.errors import StoreError
from engine.store.place import Url
from engine.store.store import Store
with Store.open(Url(sys.argv[1])) as store:
    raws = []
    for number in range(3):
        data = b"From: a@example.com\\n\\n%d" % number
        origin = Origin("system", str(number), len(data))
        raws.append(RawMail(data, origin, datetime.now(UTC), sha256(data).hexdigest(), Envelope()))
    mails = store.ledger.spool(raws, store.owner)
    assert store.mailboxes.lease("system", store.owner, datetime.now(UTC))
    print(store.owner, flush=True)
    sys.stdin.readline()
    try:
        print("deferred" if store.ledger.defer(mails[0], "x", "late", datetime.now(UTC)) else "claim lost", flush=True)
    except StoreError as error:
        print(f"refused: {error}", flush=True)
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def wire() -> Iterator[str]:
    """A namespace with a wire to us; gives its name."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a host of its own needs root and iproute2")
    name = f"allegra{os.getpid()}"
    end, other = f"ag{os.getpid()}a"[-15:], f"ag{os.getpid()}b"[-15:]
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError:
        pytest.skip("no network namespace can be made here")
    try:
        ip("link", "add", end, "type", "veth", "peer", "name", other, "netns", name)
        ip("addr", "add", f"{HERE}/24", "dev", end)
        ip("link", "set", end, "up")
        ip("-n", name, "addr", "add", f"{THERE}/24", "dev", other)
        ip("-n", name, "link", "set", other, "up")
        yield name
    finally:
        ip("netns", "del", name)


@pytest.fixture
def server(wire: str) -> Iterator[Postgres]:
    if absent := missing():
        pytest.skip(f"not installed: {absent}")
    made = Postgres(f"listen_addresses={HERE}")
    rules = made.folder / "data" / "pg_hba.conf"
    rules.write_text(f"{rules.read_text()}\nhost all all {HERE}/24 trust\n")
    made.run("SELECT pg_reload_conf()")
    yield made
    made.stop()


@pytest.mark.server
@pytest.mark.timeout(180)
def test_what_a_host_that_is_cut_off_had_in_hand_is_free_in_40_s_and_what_it_says_late_is_refused(
    wire: str, server: Postgres
) -> None:
    name = server.furnished()
    command = [*["ip", "netns", "exec"], wire, sys.executable, "-c", OTHER_HOST,
               f"postgresql://test@{HERE}/{name}"]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with (
        subprocess.Popen(command, env=environ, text=True, **pipes) as other,
        Store.open(Url(server.url_of(name))) as ours,
    ):
        owner = other.stdout.readline().strip()
        now = ours.database.clock
        assert ours.database.is_alive(owner)
        assert (
            not ours.mailboxes.lease("system", ours.owner, now()) and ours.ledger.claim_any(9, now(), ours.owner) == []
        )
        ip("-n", wire, "link", "set", f"ag{os.getpid()}b"[-15:], "down")
        began = time.monotonic()
        while ours.database.is_alive(owner):
            assert time.monotonic() - began < 40, "the server still holds the session of a host that is gone"
            time.sleep(0.25)
        assert ours.mailboxes.lease("system", ours.owner, now())
        ours.mailboxes.take_over("system", ours.owner, now())
        assert len(ours.ledger.claim("system", 9, now(), ours.owner).mails) == 1  # each alone, after such an end
        ip("-n", wire, "link", "set", f"ag{os.getpid()}b"[-15:], "up")
        other.stdin.write("\n")
        other.stdin.flush()
        said = other.stdout.readline()
        assert said.startswith("refused") or said.strip() == "claim lost", said
        other.wait(60)
