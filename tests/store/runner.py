"""A whole pass in small, to be killed anywhere: a folder is the mail server, a file is what was sent.

Here: the pass, and a switch that kills the process before its k-th step (any statement, any act on the server).
Not here: what must be true afterwards (`test_crash.py`).
"""

from __future__ import annotations

import hashlib
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from store.desk import Hears, auto, notice

from engine.model.draft import Decider, Disposition, Verdict
from engine.model.facts import Facts, Sender
from engine.model.mail import Address, Mail, Origin, RawMail
from engine.model.plan import CreateItem, Outcome, Plan
from engine.model.stored import Spooled
from engine.run.lease import Lease
from engine.store.locks import owner
from engine.store.store import Store

BATCH = 2


class Killer:
    """Counts steps and dies before the one it was told. A step has a name when it is an act on the outside."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0
        self.names: list[str] = []

    def step(self, name: str = "") -> None:
        self.steps += 1
        self.names.append(name)
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def now() -> datetime:
    return datetime.now(UTC)


def one_pass(home: Path, kill_at: int = 0, with_lease: bool = True) -> list[str]:
    """Read, decide, settle and send everything; gives the names of the steps taken."""
    killer = Killer(kill_at)
    with Store.open(home / "db.sqlite3") as store:
        run = store.database.run

        def counted(sql: str, *params: Any) -> Any:
            killer.step(sql.split()[0] if sql.split()[0] in ("COMMIT", "RELEASE") else "")
            return run(sql, *params)

        store.database.run = counted  # type: ignore[method-assign]
        if with_lease:
            with Lease(store, "system", now, wait_s=60) as lease:
                if lease.held:
                    mailbox(store, home, killer)
        else:
            mailbox(store, home, killer)
        deliver(store, home, killer)
    return killer.names


def mailbox(store: Store, home: Path, killer: Killer) -> None:
    store.mailboxes.begin_epoch("system", "1")
    while batch := store.ledger.claim("system", BATCH, now(), owner()).mails:
        process(store, batch)
    settle(store, home, killer)
    keys = store.mailboxes.unknown_keys("system", sorted(each.name for each in (home / "inbox").iterdir()))
    for start in range(0, len(keys), BATCH):
        raws = [raw for key in keys[start : start + BATCH] if (raw := fetch(home, key))]
        spooled = store.ledger.spool(raws, owner())
        killer.step("spooled")
        process(store, [each for each in spooled if not each.seen_before])
        killer.step("committed")
        settle(store, home, killer)


def fetch(home: Path, key: str) -> RawMail | None:
    try:
        content = (home / "inbox" / key).read_bytes()
    except FileNotFoundError:
        return None
    return RawMail(content, Origin("system", key, len(content)), now(), hashlib.sha256(content).hexdigest())


def process(store: Store, batch: list[Spooled]) -> None:
    with store.writing():
        for spooled in batch:
            with store.savepoint():
                commit(store, spooled)


def commit(store: Store, spooled: Spooled) -> None:
    title = spooled.raw.content.decode()
    teller = Hears(auto(f"{title}@auto.example"), notice(f"{title}@normal.example"))
    disposition = Disposition(Verdict.ACCEPT, "draft.created", "so", Decider("engine", "seal"))
    facts = Facts("system", "support", Sender(Address("a@example.com")))
    plan = Plan(disposition, Outcome.CREATED, "support", (CreateItem("support", title, "", ""),))
    mail = Mail(spooled.raw, message_id=f"<{title}@example.com>")
    store.commit(spooled, mail, facts, plan, b"{}", "move", "done", teller)


def settle(store: Store, home: Path, killer: Killer) -> None:
    done = []
    for key, _, folder, *_ in store.mailboxes.pending_actions("system", 500):
        killer.step("move")
        try:
            (home / "inbox" / key).rename(home / folder / key)
            done.append((key, "done"))
        except FileNotFoundError:
            done.append((key, "gone"))
    killer.step("moved")
    store.mailboxes.actions_done("system", done)


def deliver(store: Store, home: Path, killer: Killer) -> None:
    for row in store.outbox.claim(50, now(), owner()):
        made = row.message_id or f"<{row.id}.{os.getpid()}@desk.example>"
        store.outbox.composed(row.id, made, b"")
        killer.step("send")
        with (home / "sent").open("a") as sent:
            sent.write(f"{row.told.to} {made}\n")
        killer.step("sent")
        store.outbox.sent(row.id)


def passes(home: Path, kills: tuple[int, ...], with_lease: bool = True) -> None:
    """What a child process does."""
    one_pass(home, kills[0] if kills else 0, with_lease)
