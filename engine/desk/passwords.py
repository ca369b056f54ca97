"""What a password must be, and how one is proved without being kept.

Here: judging a new one, making what proves it (argon2id), proving one. Not here: whose it is, tries and waits
(`access.py`), where proofs are kept (`store/access.py`).
Invariant: a password is in no sentence, exception or line of the log. Proving costs the same whether somebody has a
password or not, and no more than `AT_ONCE` proofs are computed at a time in a process: memory has a bound.
"""

from __future__ import annotations

import threading
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.store.errors import Busy, Refused, StoreError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1000
"""Characters of a password."""

AT_ONCE, PATIENCE_S = 2, 5.0
"""So many proofs are computed at a time; whoever does not get a turn in this time is sent away."""

MISSING = "passwords need argon2-cffi, which is not installed: pip install 'allegra-mail[console]'"

COMMON = Path(__file__).with_name("common_passwords.txt")


class Cost(NamedTuple):
    """What computing a proof costs: memory, how often all of it is gone through, and by how many at a time."""

    memory_kib: int
    passes: int
    lanes: int


COST = Cost(19 * 1024, 2, 1)
"""40 ms of one processor; a password that was proved at a lower cost is proved at this one when it is next given."""

_turns = threading.BoundedSemaphore(AT_ONCE)


# ── a new one ─────────────────────────────────────────────────────────────────────────────────────────────────


def judge(password: str, own: Iterable[tuple[str, str]]) -> None:
    """Refuse a password that is too short, too long, or easily thought of, in a sentence that does not hold it.

    `own` are words of the account and the installation, each with what it is: `("anna", "the login")`.
    """
    count = len(password) if len(password) > LONGEST else len(_plain(password))
    if count > LONGEST:
        raise Refused(f"the password has more than {LONGEST:,} characters: that is too long")
    if count < SHORTEST:
        raise Refused(f"the password has {count} characters: at least {SHORTEST} are needed")
    begins = tuple(_begins(password))
    for word, meaning in own:
        if any(_is_made_of(each, _squeezed(word)) for each in begins):
            raise Refused(f"the password is {meaning}, or little more: that is tried first")
    if not _squeezed(password) or any(_repeated(each) for each in begins):
        raise Refused("the password is one of those that many people choose, or little more: that is tried first")


def _begins(password: str) -> Iterator[str]:
    """The password as it compares, and without some or all of the digits at its end."""
    said = _squeezed(password)
    for end in range(len(said), len(said.rstrip("0123456789")) - 1, -1):
        if end:
            yield said[:end]


def _repeated(text: str) -> bool:
    """Tell whether a text is one of the commonest passwords, once or several times."""
    lengths = (length for length in range(1, len(text) + 1) if len(text) % length == 0)
    return any(text[:length] in common() and _is_made_of(text, text[:length]) for length in lengths)


def _is_made_of(text: str, word: str) -> bool:
    return bool(word) and len(text) % len(word) == 0 and text == word * (len(text) // len(word))


def _squeezed(text: str) -> str:
    """The form in which a password is compared with words: in small letters, without blanks."""
    return "".join(_plain(text).split()).casefold()


@cache
def common() -> frozenset[str]:
    """Give the commonest passwords as they compare."""
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(_squeezed(line) for line in lines if line and not line.startswith("#"))


# ── proving ───────────────────────────────────────────────────────────────────────────────────────────────────


def proof_of(password: str) -> str:
    """Make what proves a password. Raises Busy where too many are at it, StoreError without the library."""
    hasher = _hasher(COST)
    with _turn():
        return hasher.hash(_bytes(password))


def is_right(password: str, proof: str) -> bool:
    """Tell whether this is the password; with "" for a proof it is not, and that costs the same.

    Raises Busy where too many are at it, StoreError without the library.
    """
    hasher = _hasher(COST)
    from argon2.exceptions import InvalidHashError, VerificationError

    fits = len(password) <= LONGEST
    with _turn():
        try:
            hasher.verify((proof or nobody(COST)).encode("ascii", "replace"), _bytes(password if fits else ""))
        except (VerificationError, InvalidHashError):
            return False
    return fits and bool(proof)


def costs_less(proof: str) -> bool:
    """Tell whether a password was proved at a lower cost than is usual now."""
    from argon2 import extract_parameters

    made = extract_parameters(proof)
    return any(was < now for was, now in zip((made.memory_cost, made.time_cost, made.parallelism), COST, strict=True))


def nobody(cost: Cost) -> str:
    """Give a proof that no password fits, at a cost: what is computed where nobody may come in."""
    salt, digest = (b64encode(bytes(length)).decode().rstrip("=") for length in (16, 32))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"


@cache
def _hasher(cost: Cost) -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError:
        raise StoreError(MISSING) from None
    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=PATIENCE_S):
        raise Busy("too many passwords are looked at just now: try again in a moment")
    try:
        yield
    finally:
        _turns.release()


def _plain(password: str) -> str:
    """One form for what keyboards write in several ways."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _plain(password).encode("utf-8", "surrogatepass")
