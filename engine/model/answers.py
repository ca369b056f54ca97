"""What a decision may be told by the world: the answers that are more than a number or a name.

Here: frozen data. Not here: what is asked (`questions.py`), who answers (`run/world.py`).
"""

from __future__ import annotations

from msgspec import Struct

from engine.model.desk import Account, ItemFacts
from engine.model.words import Stored


class Found(Stored):
    """How the account of an address is found: as one of its addresses, without a plus tag, by another address that the
    directory knows of the same person, or not at all."""

    EXACT = "exact"
    SUFFIX = "suffix"
    DIRECTORY = "directory"
    NOT = ""


class AccountMatch(Struct, frozen=True, omit_defaults=True):
    """The account an address belongs to."""

    account: Account | None = None
    by: Found = Found.NOT


class Standing(Stored):
    """What a directory knows of an address; AWAY where it could not be asked."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    DISABLED = "disabled"
    AWAY = "away"


class Listed(Struct, frozen=True, omit_defaults=True):
    """What a directory says of an address. Of who is not KNOWN there is no more than the standing.

    `addresses` are all of that person, `groups` have the names they have here; `said` is why it could not be asked, or
    what else there is to say.
    """

    standing: Standing = Standing.UNKNOWN
    directory: str = ""
    login: str = ""
    name: str = ""
    addresses: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    language: str = ""
    said: str = ""


class MessageMatch(Struct, frozen=True, omit_defaults=True):
    """The item or topic in whose conversation a Message-ID stands; `private` if that message was an internal note.

    `also` are the items that the same mail made in other workspaces; `ours` tells that we sent that message, `account`
    whom to; `imported` that a marker of another system stands for the item, which anybody may guess.
    """

    message_id: str
    item: ItemFacts
    private: bool = False
    also: tuple[ItemFacts, ...] = ()
    account: int = 0
    ours: bool = False
    imported: bool = False


class HookOutcome(Stored):
    """How a run of scripts ended; NONE where there was nothing to run."""

    OK = "ok"
    NONE = "none"
    COMPILE_ERROR = "compile-error"
    RUNTIME_ERROR = "runtime-error"
    RUNTIME_DENIED = "runtime-denied"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    KILLED = "killed"
    ATTACK = "attack"
    SANDBOX_MISSING = "sandbox-missing"
    DISABLED = "disabled"


class HookVerdict(Stored):
    """What a script wants; REFUSE is False without a reason."""

    ACCEPT = "accept"
    REJECT = "reject"
    HOLD = "hold"
    REFUSE = "refuse"


class HookAnswer(Struct, frozen=True, omit_defaults=True):
    """What the scripts said.

    `changes` are (field, new value as JSON) pairs, `dropped` attachment index and reason, `errors` the messages of
    ctx.error; `script`, `hook` (guard or activity), `line`, `error_type`, `message` tell where it refused or failed.
    A refusal stands beside a failure. For the audit: `hashes` script names with sha256, `fences` those that stood,
    `missing` mandatory ones that did not, `outdated` files whose last good version ran, with what is wrong with them.
    """

    outcome: HookOutcome = HookOutcome.NONE
    verdict: HookVerdict = HookVerdict.ACCEPT
    reason: str = ""
    script: str = ""
    line: int = 0
    message: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[int, str], ...] = ()
    errors: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    hashes: tuple[tuple[str, str], ...] = ()
    ms: float = 0.0
    hook: str = ""
    error_type: str = ""
    cpu_ms: float = 0.0
    fences: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    outdated: tuple[tuple[str, str], ...] = ()
