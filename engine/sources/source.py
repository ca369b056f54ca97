"""What every source offers, what goes in and out of it, and how it fails.

Here: the protocol `Source`, its data, `SourceError`, the transport keys, `raw_mail`. Standard library only.
Not here: any protocol. Invariant: a key names one presentation of a message in one mailbox and is printable text.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar
from urllib.parse import quote, unquote

from msgspec import Struct

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.mail import RawMail
    from engine.sources.arrival import Judged

T = TypeVar("T")

BATCH = 50
"""Messages asked for in one command: more cost memory and gain nothing."""

BATCH_BYTES = 8_000_000
"""A batch is cut shorter when its messages are this big together."""

RENUMBERED = "another message has this number now"
"""The `why` of a Settled whose key no longer names the same message: the mailbox needs a new epoch."""


class SourceError(Exception):
    """A mailbox cannot be read now. Exit code 69; the other mailboxes go on.

    `code` is one of the dotted `source.…` words of docs/sources.md, `sentence` says it plainly, names the mailbox and
    never holds a secret. `key` is the message in hand, if one was: fetch it last next time.
    """

    def __init__(self, code: str, sentence: str, key: str = "") -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.key = code, sentence, key


class Limits(Protocol):
    """The part of `[limits]` that sources keep to, in bytes."""

    @property
    def raw(self) -> int:
        """The most that is taken of one mail; of a bigger one only the header."""

    @property
    def header_block(self) -> int:
        """The most that is taken as the header of a mail that is too big."""


class Listed(Struct, frozen=True):
    """A message that stands in the mailbox; the size is None where the server was not asked for it."""

    key: str
    size_bytes: int | None = None
    internaldate: datetime | None = None


class Action(Struct, frozen=True):
    """What to do with one message: `kind` is move, seen, delete or keep; `folder` the target of a move.

    `size_bytes` (0: unknown) and `message_id` are what the message had when it was fetched: it is compared before
    anything happens to it. `digest` is the sha256 of its bytes ("": unknown): by it a message is known again in a
    folder that we moved it to before.
    """

    key: str
    kind: str
    folder: str = ""
    size_bytes: int = 0
    message_id: str = ""
    digest: str = ""


class Settled(Struct, frozen=True):
    """What came of an action: done, gone (no such message any more), failed (try again later) or kept.

    `kept` means that the message stands where it is to stand already, and will be listed again. `moved_to` is the key
    that names it from now on, where that is known: an action that is decided later is asked for by this one too.
    """

    key: str
    state: str
    why: str = ""
    moved_to: str = ""


class Peek(Struct, frozen=True):
    """A look at a message that leaves no mark. `header` is the raw header, cut; `flags` as the server says them."""

    key: str
    size_bytes: int
    internaldate: datetime | None
    flags: tuple[str, ...]
    header: bytes


class Source(Protocol):
    """A mailbox to read from. Entering connects and logs in, leaving hangs up and never removes anything.

    Every method raises SourceError when the server is away, refuses, or does not keep to the protocol. A host that
    writes one inherits from this and writes `list`, `fetch` and `settle`; the rest has an answer already.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def epoch(self) -> str:
        """The UIDVALIDITY of an IMAP folder; "" where numbers cannot start over."""
        return ""

    @property
    def uidnext(self) -> int:
        """The next UID of an IMAP folder, 0 where there is none: lower than it was means numbers started over."""
        return 0

    @abstractmethod
    def list(self) -> list[Listed]:
        """Every message that stands there and is not deleted, oldest first. Nothing is fetched."""

    @abstractmethod
    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        """Yield the messages in the order asked; what has gone meanwhile is left out.

        Of a message over `limits.raw` only the header is taken (`truncated`). `origin.size_bytes` is the size the
        server claims: where it differs from the length of the content, the server was asked twice.
        """

    @abstractmethod
    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        """Do the actions, in bulk, each checked against the server first; one result for each, in order. Repeatable."""

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        """Tell which of the listed messages came before a moment. Nothing is fetched that costs more than a header."""
        from engine.sources.arrival import by_listing

        return by_listing(listed, since)

    def refusal(self, key: str) -> str:
        """What the server said when it did not hand out a message; "" where it said nothing."""
        return ""

    def peek(self, n: int) -> Sequence[Peek]:
        """Look at the first `n` messages of the list."""
        return ()

    def folders(self) -> Sequence[str]:
        """The folders beside this one, as `folder` and `move_on_…` would name them."""
        return ()

    def describe(self) -> Sequence[tuple[str, str]]:
        """What a person who tests the mailbox wants to know: pairs of a name and a value."""
        return ()


def raw_mail(
    mailbox: str, key: str, content: bytes, received_at: datetime, size_bytes: int = 0, truncated: bool = False
) -> RawMail:
    """Put the bytes, their origin and their sha256 together. `size_bytes` is the transport's claim, 0 for none."""
    from hashlib import sha256

    from engine.model.mail import Origin, RawMail

    origin = Origin(mailbox, key, size_bytes or len(content))
    return RawMail(content, origin, received_at, sha256(content).hexdigest(), truncated=truncated)


def account_of(mailbox: Mailbox) -> str:
    """Name whose messages the keys of a mailbox name; "" where a key means the same on every account."""
    if mailbox.protocol in ("gmail", "graph"):  # an id stays the same in every folder of a mailbox
        return f"{mailbox.username.casefold()}@{mailbox.protocol}"
    if mailbox.protocol not in ("imap", "pop3"):
        return ""
    folder = f"/{mailbox.folder or 'INBOX'}" if mailbox.protocol == "imap" else ""
    return f"{mailbox.username}@{mailbox.host.casefold()}{folder}"


def folders_before(mailbox: Mailbox, action: Action) -> tuple[str, ...]:
    """Name the folders that a message may have been moved to before, while it waited for a person or was refused.

    What is to be deleted may also lie where it went once all was done.
    """
    done = (mailbox.move_on_success,) if action.kind == "delete" else ()
    known = dict.fromkeys((mailbox.move_on_hold, mailbox.move_on_failure, *done))
    return tuple(folder for folder in known if folder and (action.kind, action.folder) != ("move", folder))


def header_of(content: bytes) -> bytes:
    """Cut a mail behind the empty line that ends its header; all of it where there is none."""
    ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := content.find(mark)) >= 0]
    return content[: min(ends)] if ends else content


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of `size`, the last one shorter."""
    return (values[start : start + size] for start in range(0, len(values), size))


# ── transport keys ────────────────────────────────────────────────────────────────────────────────────────────


def imap_key(folder: str, uidvalidity: int | str, uid: int) -> str:
    """`folder/UIDVALIDITY/UID`, the folder percent-encoded so that it holds no slash."""
    return f"{quote(folder, safe='')}/{uidvalidity}/{uid}"


def split_imap_key(key: str) -> tuple[str, str, int] | None:
    """Take `imap_key` apart; None for what it never made."""
    folder, _, rest = key.partition("/")
    validity, _, uid = rest.partition("/")
    if not (
        folder and validity.isascii() and validity.isdigit() and uid.isascii() and uid.isdigit() and len(uid) <= 10
    ):
        return None
    return unquote(folder), validity, int(uid)


def content_key(content: bytes) -> str:
    """The key of a message that has no name of its own: its sha256."""
    from hashlib import sha256

    return "sha256:" + sha256(content).hexdigest()


def message_id_key(header: bytes) -> str:
    """The key made of Message-ID (`use_message_id_as_uid`); "" for a message without one.

    Other content under a known Message-ID must not hide behind it, so a hash of the header goes with it:
    the trace lines of two deliveries never are the same.
    """
    from hashlib import sha256

    for line in header.replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"message-id" and value.strip():
            identity = printable(value.strip()[:250].decode("utf-8", "replace"))
            return f"mid:{identity}#{sha256(header).hexdigest()[:16]}"
    return ""


def file_key(name: str) -> str:
    """The key of a Maildir file: its name up to the colon, percent-encoded where it is not plain printable text."""
    base = name.partition(":")[0]
    return (
        base
        if base.isascii() and base.isprintable() and "%" not in base
        else quote(base, safe=" ,.=+@/", errors="surrogateescape")
    )


def printable(text: str) -> str:
    """Replace what is not printable, so that the text can stand in a log line or a key."""
    return "".join(char if char.isprintable() else "?" for char in text)
