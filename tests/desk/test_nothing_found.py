"""Where a search finds nothing: what is told of mailboxes and of addresses that look alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from console.offices import played

from engine.config import load
from engine.desk import nothing_found
from engine.desk.scope import EVERYTHING, Scope
from engine.run.engine import Engine
from engine.store.store import Store


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("nothing") / "demo"
    played(folder)
    config = load(folder / "allegra.toml")
    with Store.open(config.store.where) as store, closing(Engine(config, store)) as made:
        yield made


def near(engine: Engine, query: str, scope: Scope) -> list[str]:
    return [each.address for each in nothing_found.told(engine.store, engine.config, scope, query).near]


def whole(engine: Engine) -> Scope:
    """An admin, as the console makes one."""
    account = engine.store.directory.login("anna")
    assert account is not None
    return Scope.of(engine.store, engine.config, account)


@pytest.mark.parametrize(
    "query",
    ["from:jane@mail.bigcorp.exmaple", "jane@mail.bigcrop.example", "from:jame@mail.bigcorp.example outcome:held",
     "janet@mail.bigcorp.example"],
)  # fmt: skip
def test_an_address_that_is_mistyped_leads_to_the_one_that_was_meant(engine: Engine, query: str) -> None:
    assert near(engine, query, whole(engine))[0] == "jane@mail.bigcorp.example"


@pytest.mark.parametrize("query", ["", "outcome:held", "from:x@y.zz", "subject:jane", "from:"])
def test_nobody_is_named_where_nobody_looks_like_it(engine: Engine, query: str) -> None:
    assert near(engine, query, whole(engine)) == []


def test_mailboxes_are_told_of_with_when_they_were_read(engine: Engine) -> None:
    told = nothing_found.told(engine.store, engine.config, whole(engine), "nothing")
    assert [each.mailbox.name for each in told.mailboxes] == [box.name for box in engine.config.mailboxes]
    assert told.since is not None and all(each.read_at for each in told.mailboxes)


def test_who_sees_one_workspace_is_told_of_nothing_else(engine: Engine) -> None:
    one = Scope("olga", workspaces={"view_mail": frozenset({"finance"})}, places={"system": "", "support": "support"})
    told = nothing_found.told(engine.store, engine.config, one, "jane@mail.bigcorp.exmaple")
    theirs = [row for row in engine.store.archive.mails("from:jane", 100) if row.home == "finance"]
    assert [(row.address, row.mails) for row in told.near] == [("jane@mail.bigcorp.example", len(theirs))]
    assert told.mailboxes == ()
    nobody = nothing_found.told(engine.store, engine.config, Scope("x"), "jane@mail.bigcorp.exmaple")
    assert (nobody.since, nobody.mailboxes, nobody.near) == (None, (), ())
    assert nothing_found.told(engine.store, engine.config, EVERYTHING, "x").near == ()
