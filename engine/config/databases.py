"""What goes together in [store] and [workers], and what does nothing beside a driver.

Here: the defaults that depend on the driver, ways to one URL, URLs that are none, options of the other driver. Not
here: the options (`store.py`), URLs that stand elsewhere (whoever opens the database reads them, `allegra check` too).
Invariant: no finding repeats a URL or shows the line where one stands; only what was written and is not the default is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.config.root import Root
from engine.config.section import options
from engine.config.store import Store, Workers
from engine.config.tidy import Finding
from engine.model.place import Url

FILE = "allegra.sqlite3"
"""The name of the file in `instance.state_dir` where no path is given."""

DATABASE_URL = "ALLEGRA_DATABASE_URL"
"""The variable that holds the URL where nothing else is said."""

WAYS = ("", "_env", "_file", "_command")


def settled(store: Store, state_dir: Path) -> Store:
    """Work out where the database is, where the file does not say."""
    if "path" not in store.written:
        store = store.filled(path=state_dir / FILE)
    if store.driver == "postgresql" and not _given(store, "url"):
        store = store.filled(url_env=DATABASE_URL)
    return store


def findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the URLs, and what does nothing."""
    if root.store.driver == "sqlite":
        yield from _for_a_server(root)
        return
    if "path" in root.store.written and root.store.path != root.instance.state_dir / FILE:
        said = 'path does nothing with  driver = "postgresql"'
        yield Finding("C118", said, ("store", "path"), "take it out; it is for sqlite", on_key=True)
    for option in ("url", "replica_url"):
        given = _given(root.store, option)
        for name in given[1:]:
            said = f"the {option} is given twice: {given[0]} and {name}"
            yield Finding("C115", said, ("store", name), on_key=True, blind=True)
        if written := getattr(root.store, option):
            yield from _url(option, written)


def _given(store: Store, option: str) -> list[str]:
    return [option + way for way in WAYS if getattr(store, option + way)]


def _url(option: str, written: str) -> Iterator[Finding]:
    try:
        Url(written)
    except ValueError as error:
        yield Finding("C105", f"the {option} cannot be used: {error}", ("store", option), on_key=True, blind=True)


def _for_a_server(root: Root) -> Iterator[Finding]:
    """What only a database on a server has."""
    defaults = {name: option.default for name, option in options(Workers).items()}
    written = [("store", name) for option in ("url", "replica_url") for name in _given(root.store, option)]
    own = root.workers
    written += [("workers", name) for name in defaults if name in own.written and getattr(own, name) != defaults[name]]
    for section, name in written:
        said = f'{name} does nothing with  driver = "sqlite"'
        advice = 'take it out, or write  driver = "postgresql"  in [store]'
        yield Finding("C118", said, (section, name), advice, on_key=True, blind=section == "store")
