"""A process that decides what waits, beside others that do the same, until nothing is left.

`python deciding_beside.py CONFIG BATCH PROCESSES [without]`: it begins when so many are there; `without` keys, and
without waiting for parents.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.config import load
from engine.run import process as processing
from engine.run.engine import Engine
from engine.run.parents import parted
from engine.store.postgres import Postgres
from engine.store.store import Store

WAITING = "SELECT count(*) FROM inbound WHERE state = 'received'"

LONGEST_S = 90.0


def main(config: Path, batch: int, processes: int = 1, *, careless: bool) -> None:
    """Claim and decide; what has to wait a minute for a parent is looked at again at once."""
    if careless:
        Postgres.lock = lambda self, keys: None  # type: ignore[method-assign]
        processing.put_off = lambda *_: {}  # type: ignore[assignment]
    read, until = load(config), time.monotonic() + LONGEST_S
    with Store.open(read.store.where) as store:
        engine = Engine(read, store)
        (config.parent / f"there-{os.getpid()}").touch()
        while len([*config.parent.glob("there-*")]) < processes and time.monotonic() < until:
            time.sleep(0.005)
        while store.database.one(WAITING)[0] and time.monotonic() < until:
            if not _decided(engine, batch):
                with store.writing():
                    store.database.run("UPDATE inbound SET next_at = 0 WHERE state = 'received' AND owner IS NULL")
                time.sleep(0.02)
        engine.close()


def _decided(engine: Engine, batch: int) -> list[Any]:
    now, store = datetime.now(UTC), engine.store
    mails = store.ledger.claim_any(batch, now, store.owner) or store.ledger.claim_any(1, now, store.owner, tried=True)
    done: list[Any] = []
    while mails:
        ready, mails = parted(store, mails, store.owner, now)
        done += processing.process(engine, ready or mails, now)
        mails = mails if ready else []
    return done


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), careless=sys.argv[4:] == ["without"])
