"""The sections of the database and of the processes that need one on a server: [store], [store.archive], [workers].

Here: their options and defaults, and where the database is. Not here: what must be there together
(`databases.py`), what a URL is (`engine/model/place.py`), opening it (`engine/store`).
"""

from pathlib import Path
from typing import ClassVar, Literal

from engine.config.kinds import Command, Count, Duration, FilePath, Line, OptionalPath, Poll, Positive, Room
from engine.config.problems import SecretError
from engine.config.secrets import Secrets, reveal
from engine.config.section import Section
from engine.model.place import Url, Where


class Archive(Section, frozen=True):
    """How long the original of a mail and the trace of its decision are kept.

    Times are seconds.
    """

    enabled: bool = True
    where: Literal["database"] = "database"
    keep: Duration = 90 * 86400.0
    keep_trace: Duration = 5 * 31536000.0


class Store(Section, frozen=True):
    """The database: a file of SQLite (`path`), or one on a PostgreSQL server (`url`).

    `busy_timeout` is how long a statement waits for another process that writes, or for a lock, in seconds. `keep_free`
    bytes have to be free where our files are, or no mail is fetched; "auto" is 200 MB, or four times `limits.raw`.
    """

    words: ClassVar = {("driver", "postgres"): "postgresql", ("driver", "sqlite3"): "sqlite"}

    driver: Literal["sqlite", "postgresql"] = "sqlite"
    path: FilePath = Path("var/allegra.sqlite3")
    url: Line = ""
    url_env: Line = ""
    url_file: OptionalPath = None
    url_command: Command = ()
    replica_url: Line = ""
    replica_url_env: Line = ""
    replica_url_file: OptionalPath = None
    replica_url_command: Command = ()
    busy_timeout: Duration = 60.0
    keep_free: Room = "auto"
    archive: Archive = Archive()

    @property
    def where(self) -> Where:
        """Where it is; the URL is read now. Raises: SecretError with a plain sentence."""
        if self.driver == "sqlite":
            return self.path
        ways = self.url, self.url_env, self.url_file, self.url_command
        return _url(Secrets("store", *ways, "url"), self.path.with_suffix(""))

    @property
    def replica(self) -> Url | None:
        """Where a copy is that may be read, read now; None where there is none. Raises: SecretError."""
        ways = self.replica_url, self.replica_url_env, self.replica_url_file, self.replica_url_command
        return _url(Secrets("store", *ways, "replica_url")) if any(ways) else None


def _url(secret: Secrets, beside: Path | None = None) -> Url:
    """Read a URL; nothing of it that is secret is ever printed from now on."""
    try:
        url = Url(secret.read(), beside)
    except ValueError as error:
        raise SecretError(f"{secret.of}: the {secret.option} cannot be used: {error}") from None
    for part in url.parts:
        reveal(part, stays=True)
    return url


class Workers(Section, frozen=True):
    """The processes of `allegra worker`, with a database on a PostgreSQL server.

    `deciders` 0 is one for each core, `fetchers` is how many mailboxes one process reads at a time. Every `tick`
    seconds they look for what is due; who is asked to stop has `drain` seconds.
    """

    deciders: Count = 0
    fetchers: Positive = 16
    tick: Poll = 10.0
    drain: Duration = 30.0
