"""A backup in place of the database.

Here: `restore`. Not here: writing a backup (`retention.py`), looking at one (`reading.py`), comparing with mail servers
after it (`desk/mailboxes.py`). Invariant: what stood there before is kept beside it, under a name of its own; whoever
has the database open sees the old one or the new one, never a mixture; no number that may have been given since the
backup is given again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from engine.store import hot
from engine.store.copying import ONE_FILE, whole_file
from engine.store.errors import Busy, StoreError
from engine.store.file import before, beside, meaning, pass_file, prepare, take_away
from engine.store.locks import MADE, FileLock
from engine.store.migrations import bring_up_to_date
from engine.store.reading import damage, only_read, readable
from engine.store.sqlite import Sqlite
from engine.store.state_files import put_back, taken_out

GAP = 1000
"""Numbers of items left out after a restore, where nobody says how many were given since the backup."""

WAIT_S = 30.0

HELD = "held: it was queued when the backup was written and may have been sent since"


class Restored(Struct, frozen=True):
    """What a restore did: rows of the outbox that are held, the first number of an item made next, the old database.

    `files` are the names of the small files beside the database that came back.
    """

    held: int
    next_item: int
    kept: Path | None
    files: tuple[str, ...] = ()


def restore(
    path: Path,
    backup: Path,
    *,
    send_queued: bool = False,
    gap: int = GAP,
    wait_s: float = WAIT_S,
    places: Mapping[str, Path] | None = None,
) -> Restored:
    """Put a backup in place of the database at `path`, while no pass runs.

    Mail that was queued is held, unless `send_queued`; the next item gets a number at least `gap` above the highest.
    The small files in the backup go where `places` says by their names, after the database: whoever is stopped in
    between does it again.
    Raises Refused for a file that is no whole backup of ours, Busy while a pass runs, StoreError.
    """
    readable(backup)
    prepare(path, create=True)
    lock = FileLock(pass_file(path))
    if not lock.acquire(wait_s):
        raise Busy("a pass is running on this database: try again when it is done")
    made = path.with_name(path.name + ".restoring")
    try:
        take_away(made)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        files, held, next_item = _prepared(backup, made, send_queued, gap)
        kept = _put_in_place(made, path, stamp)
        lock.note(MADE)
        changed = put_back(files, places or {}, stamp)
    finally:
        for each in (made, pass_file(made)):
            take_away(each)
        lock.release()
    return Restored(held, next_item, kept, changed)


def _prepared(backup: Path, made: Path, send_queued: bool, gap: int) -> tuple[dict[str, bytes], int, int]:
    """Copy the backup and make the copy fit for today: its schema, its queue, its numbers; gives the files in it."""
    try:
        with only_read(backup) as old, whole_file(made) as new:
            old.backup(new)
            files = taken_out(new)
    except sqlite3.Error as error:
        raise StoreError(f"{backup} cannot be restored: {meaning(error, made)}") from error
    database = Sqlite(made)
    try:
        database.connect()
        bring_up_to_date(database, wait_s=0.0)
        with database.writing():
            held = 0 if send_queued else int(database.run(hot.HOLD_QUEUED, HELD).rowcount)
            (highest,) = database.one(hot.HIGHEST_NUMBER["item"])
            database.run(hot.NUMBER_ABOVE, "item", highest + gap)
            database.run(hot.LEFT_ANEW, database.now())  # whoever has the database open is to forget all
            database.run(hot.NOBODY_IN)  # a session that has ended since does not begin again
        database.run("PRAGMA wal_checkpoint(TRUNCATE)")
        database.run(ONE_FILE)
    except StoreError as error:
        raise StoreError(f"{backup} cannot be restored: {error}") from None
    finally:
        database.close()
    return files, held, highest + gap + 1


def _put_in_place(made: Path, path: Path, stamp: str) -> Path | None:
    """Write the copy over the database, whose content is kept beside it; one that is damaged is moved there."""
    if not path.stat().st_size:
        made.replace(path)
        return None
    kept = before(path, stamp)
    if damage(path):
        for there, away in zip((*beside(path), path), (*beside(kept), kept), strict=True):
            if there.exists():
                there.rename(away)
        made.replace(path)
        return kept
    with closing(sqlite3.connect(path, timeout=WAIT_S)) as live:
        try:
            with whole_file(kept) as copy:
                live.backup(copy)
        except sqlite3.Error as error:
            raise StoreError(
                f"what stands there cannot be kept: {meaning(error, kept)}; nothing was changed"
            ) from error
        try:
            with closing(sqlite3.connect(made)) as new:
                new.backup(live)
        except sqlite3.Error as error:
            said = f"the backup cannot be put in place: {error}; what stood there is in {kept}"
            raise StoreError(said) from error
    return kept
