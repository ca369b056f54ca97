"""Backups of a database on a server, made and put back as docs/scale.md says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from store.desk import Desk, furnish, notice

from engine.store.place import Url
from engine.store.store import Store

pytestmark = pytest.mark.server

TOLD = (Path(__file__).resolve().parents[2] / "docs" / "scale.md").read_text("utf-8")


def test_a_dump_is_put_back_and_what_may_have_been_sent_is_held_and_no_number_is_given_again(
    postgres: Any, postgres_url: str, tmp_path: Path
) -> None:
    assert "pg_dump --format=custom --exclude-table-data=trail" in TOLD
    by_hand = TOLD.partition("<<'SQL'\n")[2].partition("\nSQL\n")[0]
    file = postgres.folder / "desk.dump"
    with Store.open(Url(postgres_url), clock=lambda: old.now) as store:
        old = Desk(store)
        furnish(store)
        last = old.item("Printer", told=(notice(),), content=b"From: a@example.com\n\nfirst").item
        postgres.dump(Url(postgres_url).name.partition(" ")[0], file, "--exclude-table-data=trail")
        lost = old.item("Lost").item
    name = postgres.empty()
    try:
        postgres.restore(name, file)
        for statement in by_hand.split(";\n"):
            postgres.run(statement, name)
        with Store.open(Url(postgres.url_of(name)), clock=lambda: new.now) as store:
            new = Desk(store, numbers=iter(range(100, 200)))
            assert new.count("outbox", "state = 'held'") == 1 and new.count("outbox", "state = 'queued'") == 0
            assert new.spool(b"From: a@example.com\n\nfirst")[0].seen_before
            assert new.item("Scanner").item > lost > last
            store.versions()
    finally:
        postgres.drop(name)
        shutil.rmtree(file, ignore_errors=True)
