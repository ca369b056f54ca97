"""Processes that decide one desk's mail beside each other conclude what one alone would, whatever the luck.

The corpus is hostile to that: threads, equal mails in two mailboxes, strangers who write twice at once, values that
mails thread by, items that everybody comments on. Without keys, and without waiting for parents, it goes wrong.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from manned import DATA
from run.test_two import CONFIG, MORE, RULES

from engine.model.mail import Envelope, Origin, RawMail
from engine.store.load import load as load_data
from engine.store.place import Url
from engine.store.store import Store

CHILD = Path(__file__).resolve().parents[1] / "servers" / "deciding_beside.py"
ROOT = CHILD.parents[2]
DESK = """[store]
driver = "postgresql"
"""
THREADS, PAIRS, STRANGERS, VALUES, COMMENTS = 20, 20, 8, 8, 24


def mail(subject: str, key: str, sender: str = "jane@big.example", more: str = "", body: str = "") -> str:
    head = f"From: {sender}\nTo: help@example.com\nSubject: {subject}\nMessage-ID: <{key}@big.example>\n"
    return f"{head}{more}\n{body or subject + ' ' + key}\n"


def corpus() -> Iterator[list[tuple[str, str]]]:
    """Conversations: (mailbox, content), each in its order."""
    for n in range(THREADS):
        yield [
            ("system", mail(f"Thread {n}", f"t{n}")),
            ("system", mail(f"Re: Thread {n}", f"t{n}r", more=f"In-Reply-To: <t{n}@big.example>\n")),
            ("system", mail(f"Re: Thread {n}", f"t{n}s", more=f"In-Reply-To: <t{n}r@big.example>\n")),
        ]
    for n in range(PAIRS):
        yield [(box, mail(f"Pair {n}", f"p{n}", more=f"X-Way: {box}\n", body="same")) for box in ("system", "other")]
    for n in range(STRANGERS):
        yield [("system", mail(f"Stranger {n}", f"s{n}-{k}", f"N{n} <n{n}@elsewhere.example>")) for k in range(2)]
    for n in range(VALUES):
        yield [("system", mail(f"[EXT-{n}] Value", f"v{n}-{k}")) for k in range(2)]
    for n in range(COMMENTS):
        yield [("system", mail(f"[#{12 + n % 2}] Comment", f"c{n}", "jane@big.example"))]


def mixed(seed: int) -> list[tuple[str, str]]:
    """All mails, those of a conversation in their order and near each other."""
    chance, left = random.Random(seed), [list(each) for each in corpus()]  # noqa: S311 - luck that can be had again
    chance.shuffle(left)
    found: list[tuple[str, str]] = []
    while left:
        conversation = left[chance.randrange(min(4, len(left)))]
        found.append(conversation.pop(0))
        left = [each for each in left if each]
    return found


@pytest.fixture
def desk(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("ALLEGRA_DATABASE_URL", postgres_url)
    (tmp_path / "allegra.toml").write_text(CONFIG.replace("[people]", DESK + "[people]"))
    (tmp_path / "rules.toml").write_text(RULES)
    with Store.open(Url(postgres_url)) as store:
        load_data(store, {**DATA, **MORE})
        yield store


def take_in(store: Store, mails: list[tuple[str, str]]) -> None:
    now, raws = datetime.now(UTC), []
    for number, (box, content) in enumerate(mails):
        data = content.encode()
        raws.append(RawMail(data, Origin(box, str(number), len(data)), now, sha256(data).hexdigest(), Envelope()))
    for raw in raws:  # one after the other: their numbers are the order
        store.ledger.unclaim(store.ledger.spool([raw], store.owner))


def decide(folder: Path, processes: int, batch: int, *words: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(CHILD), str(folder / "allegra.toml"), str(batch), str(processes), *words]
    started = [subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) for _ in range(processes)]
    for each in started:
        _, said = each.communicate(timeout=100)
        assert each.returncode == 0, said


def wrong(store: Store) -> dict[str, int]:
    """What one process alone would not have concluded."""
    one = lambda sql: int(store.database.one(sql)[0])  # noqa: E731
    return {
        "undecided": one("SELECT count(*) FROM inbound WHERE state = 'received'"),
        "receipts": one("SELECT count(*) FROM inbound") - one("SELECT count(*) FROM receipt"),
        "replies that became items": one("SELECT count(*) FROM item WHERE title LIKE '%Thread %'") - THREADS,
        "pairs both created": one("SELECT count(*) FROM item WHERE title LIKE 'Pair %'") - PAIRS,
        "second items of a value": one("SELECT count(*) FROM item WHERE title LIKE '%EXT-%'") - VALUES,
        "items of strangers": one("SELECT count(*) FROM item WHERE title LIKE 'Stranger %'") - 2 * STRANGERS,
        "comments": one("SELECT count(*) FROM comment WHERE item_id IN (12, 13)") - COMMENTS,
        "faults": one("SELECT count(*) FROM inbound WHERE error <> ''"),
    }


@pytest.mark.parametrize(("processes", "batch"), [(4, 2), (3, 20)])
def test_what_processes_conclude_beside_each_other_is_what_one_would(desk, tmp_path, processes, batch):
    take_in(desk, mixed(processes * batch))
    decide(tmp_path, processes, batch)
    assert {what: count for what, count in wrong(desk).items() if count} == {}


def test_without_keys_and_parents_it_goes_wrong(desk: Any, tmp_path: Path) -> None:
    take_in(desk, mixed(1))
    decide(tmp_path, 4, 2, "without")
    found = wrong(desk)
    assert (found["undecided"], found["receipts"]) == (0, 0), "the ledger keeps its promise without them"
    assert found["replies that became items"] + found["pairs both created"] + found["second items of a value"] > 0
