"""What errors of PostgreSQL mean: by their SQLSTATE, never by their words.

Here: that table (PostgreSQL manual, appendix A). Not here: when a statement is run again (`postgres.py`).
Invariant: a mistake in the code is never called a broken database; a sentence names no secret.
"""

from __future__ import annotations

from engine.store.errors import Busy, Conflict, NotFound, Refused, StoreError

BUSY = {"40001": "another transaction came first", "40P01": "two transactions waited for each other",
        "55P03": "it is locked by another process"}  # fmt: skip
"""What passes when it is tried again."""

MEANINGS = (
    ("53100", "cannot grow: its disk is full"),
    ("53200", "has no memory left"),
    ("53300", "takes no more connections: raise max_connections, or run fewer processes"),
    ("53", "has too little of something"),
    ("25006", "is read-only: a standby, or set so"),
    ("25P03", "ended a transaction in which nothing happened for a minute"),
    ("28P01", "refuses the password"),
    ("28", "refuses this user"),
    ("3D000", "does not exist on that server: `createdb` makes it"),
    ("42501", "gives this user too few rights: the role has to own the tables, or to be granted all on them"),
    ("42P05", "is behind a pooler that shares connections: name the server itself, or have the pooler keep sessions"),
    ("26000", "is behind a pooler that shares connections: name the server itself, or have the pooler keep sessions"),
    ("57P", "is going down, or just came up"),
    ("58", "cannot be read or written: its server reports an error of the system"),
    ("08", "cannot be reached"),
)
"""The beginning of a SQLSTATE, and what is said."""

ADVICE = (
    ("too many", "raise max_connections or the limit of the role, or run fewer processes"),
    ("connection slots", "raise max_connections, or run fewer processes"),
    ("database", "createdb makes one"),
)
"""What to do, by words of a server that speaks English; another one is quoted without."""

TOO_LONG = "54000"
"""A row of an index has at most a third of a page."""

OWN_FAULT = ("22", "54")
"""What a value brings with it: too long, out of range. It is the fault of whoever gave it, not of the database."""


def meaning(error: Exception, named: str) -> Exception:
    """Turn an error of the driver into ours; what is a mistake in the code, or a value's fault, stays itself."""
    if isinstance(error, OverflowError):
        return NotFound("nothing here has so large a number")
    state = getattr(error, "sqlstate", None)
    if state is None:
        return _without_state(error, named)
    if state in BUSY:
        return Busy(f"the database {named} is busy: {BUSY[state]}")
    if state.startswith("23"):
        return Conflict(_first(error))
    if state == TOO_LONG:
        return Refused(f"the database {named} has no room for a value as long as this: {_first(error)}")
    if state.startswith(OWN_FAULT):
        return error
    for sign, sentence in MEANINGS:
        if state.startswith(sign):
            return StoreError(f"the database {named} {sentence} ({state})")
    return error


def refusal(error: Exception, named: str) -> Exception:
    """The same for whole rows, which nobody else is to blame for: a value's fault is said as well."""
    found = meaning(error, named)
    if found is error or isinstance(found, Refused):
        return StoreError(f"the database {named} refuses a row: {_first(error)}")
    return found


def refusal_to_connect(error: Exception, named: str) -> Exception:
    """Say why there is no connection: of that the driver has no SQLSTATE, only what the server or the system said."""
    said = _first(error)
    if "FATAL:" not in str(error):
        return StoreError(f"the database {named} cannot be reached: {said}")
    advice = next((f" ({advice})" for sign, advice in ADVICE if sign in said), "")
    return StoreError(f"the database {named} does not let us in: {said}{advice}")


def _without_state(error: Exception, named: str) -> Exception:
    if type(error).__name__ not in ("OperationalError", "InterfaceError"):
        return error
    return StoreError(f"the connection to the database {named} was lost: {_first(error)}")


def _first(error: Exception) -> str:
    """The line of an error that says what happened; a driver puts addresses and hints behind it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rpartition("FATAL:")[2].strip()[:300] if lines else type(error).__name__
