"""imapclient behind bounds: nothing else talks through it.

Here: one IMAP session, its commands as the source needs them, every answer bounded, every failure a SourceError.
Not here: what is done with messages (`imap.py`, `imap_settle.py`).
Invariant: no credential leaves before the connection is as safe as the mailbox asks for; nothing we send holds a
line break of somebody else's; no reading goes past the allowance of its command.
Over 300 lines: one session, whose commands share its allowance and its way to fail.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]
from imapclient.imap_utf7 import encode as encode_utf7  # type: ignore[import-untyped]
from imapclient.imapclient import _literal  # type: ignore[import-untyped]
from msgspec import Struct
from msgspec.structs import replace

from engine.sources.imap_rows import Row, copied, read_rows, together, uid_set
from engine.sources.imap_stream import Imap4
from engine.sources.imap_words import ended, folder_name, words_of
from engine.sources.login import refused_login, secret_of
from engine.sources.sasl import MECHANISMS, answers
from engine.sources.source import SourceError
from engine.sources.wire import COMMAND_BYTES, LINE_BYTES, Overflow, Wire, one_line, tls_context
from engine.web.bearer import MECHANISMS as BEARER
from engine.web.bearer import TokenAnswers

if TYPE_CHECKING:
    from engine.config import Mailbox

SEARCH_BYTES = 16_000_000
"""The longest answer to a search; without ESEARCH it is one line, 1 MB at 150,000 messages."""

MOST_MESSAGES = 1_000_000
LOGOUT_S = 5.0

ODD = (
    imaplib.IMAP4.error,
    IMAPClientError,
    Overflow,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What imapclient and imaplib raise when a server talks nonsense."""

_CODE = re.compile(rb"\s*\[([A-Z0-9-]+)")
_ALL = re.compile(rb"\bALL ([0-9:,]+)")


class Answer(Struct, frozen=True):
    """The end of a command: done or refused, the response code (`TRYCREATE`, `OVERQUOTA`) and the server's words.

    `places` are UIDVALIDITY and UID in the other folder of what was copied or moved, where the server tells (UIDPLUS).
    """

    ok: bool
    code: str = ""
    text: str = ""
    places: Mapping[int, tuple[int, int]] = {}


class Selected(Struct, frozen=True):
    """What SELECT or EXAMINE told of a folder; `uidnext` is 0 where it was not told."""

    uidvalidity: int
    uidnext: int
    messages: int
    writable: bool
    keywords: bool
    sticky: bool


class Fetched(NamedTuple):
    """The answers to a FETCH: what came whole, the error if the session broke, the server's words if it said NO."""

    found: dict[int, Row]
    problem: SourceError | None = None
    refused: str = ""


class _Client(IMAPClient):  # type: ignore[misc]
    """imapclient on `Imap4`, with the debug output off that costs 300 us a message."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(wire.host, wire.port, ssl=False)
        self.folder_encode = False  # one name that cannot be decoded would cost us all of them
        self._imap.debug = 0

    def _create_IMAP4(self) -> Imap4:  # noqa: N802 - the name is imapclient's
        return Imap4(self._wire)


class Session:
    """A logged-in IMAP session. Every method raises SourceError and nothing else."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Connect, encrypt and log in."""
        secret = secret_of(mailbox)
        self.mailbox, self.wire = mailbox, Wire(mailbox)
        self.wire.hide(mailbox.username, secret)
        self.capabilities: frozenset[str] = frozenset()
        self._personal: tuple[str, str] | None = None
        try:
            self._begin()
            self._log_in(mailbox.username, secret)
        except BaseException:
            self.wire.close()
            raise

    # ── opening and closing ───────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        """Connect and reach the state in which a login is safe."""
        wire, mailbox = self.wire, self.mailbox
        context = tls_context(mailbox) if mailbox.ssl else None
        wire.connect()
        if context is not None and mailbox.ssl is True:
            wire.start_tls(context)
        with self.guard():
            self._client = _Client(wire)
            self._imap: Any = self._client._imap
            preauth = self._imap.state != "NONAUTH"
        if mailbox.ssl == "starttls":
            if preauth:
                raise wire.error("source.starttls_missing", "skips the login (PREAUTH), so TLS cannot begin; refused")
            if "STARTTLS" not in self._imap.capabilities:
                raise wire.error(
                    "source.starttls_missing", "does not offer STARTTLS; the login is not sent in the clear"
                )
            with self.guard():
                answer = self._imap.starttls(context)
            if answer[0] != "OK":
                raise wire.error("source.starttls_missing", "refuses STARTTLS; the login is not sent in the clear")
        elif preauth:
            raise wire.error("source.protocol", "skips the login (PREAUTH): it cannot know whose mailbox this is")

    def _log_in(self, user: str, secret: str) -> None:
        one_line(self.wire, user, "the user name")
        one_line(self.wire, secret, "the password")
        offered, auth = self._imap.capabilities, self.mailbox.auth or "login"
        plain_text = user.isascii() and secret.isascii()
        if auth == "login" and ("LOGINDISABLED" in offered or not plain_text):
            if "AUTH=PLAIN" not in offered:
                raise self.wire.error(
                    "source.login_refused", "does not let us log in with a password over this connection"
                )
            auth = "plain"
        with self.guard():
            try:
                answer = self._prove(auth, user, secret)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:  # BAD
                answer = Answer(False, "", self.wire.quoted(words_of(error)))
            if not answer.ok:
                busy = answer.code in ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")
                code, what = ("source.busy", "is busy") if busy else refused_login(self.mailbox, secret)
                raise self.wire.error(code, what, answer.text)
            self._imap.state = "AUTH"
            self._client._cached_capabilities = self._client._do_capabilites()
            self.capabilities = frozenset(each.decode("ascii", "replace") for each in self._client._cached_capabilities)

    def _prove(self, auth: str, user: str, secret: str) -> Answer:
        if auth == "login":
            words = (self._imap._quote(user), self._imap._quote(secret))
            return self._run("LOGIN", *words, may_fail=True)
        tokens = TokenAnswers(auth, user, secret, self.wire.host, self.wire.port) if auth in BEARER else None
        self._imap.literal = imaplib._Authenticator(tokens or answers(auth, user, secret)).process
        answer = self._run("AUTHENTICATE", (MECHANISMS | BEARER)[auth], may_fail=True)
        if tokens is not None and tokens.refusal:
            return replace(answer, text=self.wire.quoted(f"{tokens.refusal}: {answer.text}"))
        return answer

    def logout(self) -> None:
        """Leave in peace. LOGOUT expunges nothing; CLOSE would, and is never sent."""
        if self.wire.socket is None:
            return
        with suppress(SourceError), self.guard():
            self._imap.allowance = (min(LOGOUT_S, self.wire.timeout_s), COMMAND_BYTES, LINE_BYTES)
            self._imap._simple_command("LOGOUT")
        self.wire.close()

    def close(self) -> None:
        """Hang up without a word: the session may be in the middle of a command."""
        self.wire.close()

    # ── folders ───────────────────────────────────────────────────────────────────────────────────────────────

    def place(self, folder: str) -> str:
        """Name a folder the way this server does: `/` becomes its separator, below its personal namespace."""
        one_line(self.wire, folder, "the folder")
        if folder.upper() == "INBOX":
            return folder
        prefix, separator = self.namespace()
        name = folder.replace("/", separator) if separator else folder
        return name if name.startswith(prefix) else prefix + name

    def namespace(self) -> tuple[str, str]:
        """The prefix of personal folders and the separator, "" and "/" where the server does not tell (RFC 2342)."""
        if self._personal is None:
            with self.guard():
                if "NAMESPACE" in self.capabilities and (personal := self._client.namespace().personal):
                    self._personal = folder_name(personal[0][0] or ""), personal[0][1] or ""
                else:
                    told = self._client.list_folders("", "")
                    self._personal = "", (told[0][1] or b"").decode("ascii", "replace") if told else "/"
        return self._personal

    def select(self, folder: str, write: bool) -> Selected:
        """Open a folder, read-only unless `write`."""
        with self.guard():
            answer = self._run("SELECT" if write else "EXAMINE", self._named(folder), may_fail=True)
            if not answer.ok:
                raise self.wire.error("source.folder_missing", f"does not open the folder {folder}", answer.text)
            self._imap.state = "SELECTED"
            told = self._imap.untagged_responses
            validity = int(told["UIDVALIDITY"][0]) if "UIDVALIDITY" in told else 0
            if validity <= 0:
                raise self.wire.error("source.protocol", f"names no UIDVALIDITY for the folder {folder}")
            exists, uidnext = (int(told.get(name, [b"0"])[-1]) for name in ("EXISTS", "UIDNEXT"))
            keywords = any(rb"\*" in each for each in told.get("PERMANENTFLAGS", ()))
            writable, sticky = write and "READ-ONLY" not in told, "UIDNOTSTICKY" not in told
            return Selected(validity, uidnext, exists, writable, keywords, sticky)

    def folders(self) -> list[str]:
        """All folders of the account, in the server's order."""
        with self.guard():
            return [folder_name(name) for flags, _, name in self._client.list_folders() if b"\\Noselect" not in flags]

    def create(self, folder: str) -> Answer:
        """Make a folder and subscribe to it, so that people see it too."""
        with self.guard():
            answer = self._run("CREATE", self._named(folder), may_fail=True)
            if answer.ok:
                self._run("SUBSCRIBE", self._named(folder), may_fail=True)
            return answer

    def _named(self, folder: str) -> bytes:
        name: bytes = encode_utf7(one_line(self.wire, folder, "the folder"))
        return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    # ── messages ──────────────────────────────────────────────────────────────────────────────────────────────

    def search(self, criteria: str) -> list[int]:
        """UIDs that meet the criteria (RFC 9051, 6.4.4), ascending. Text beyond ASCII stands in double quotes."""
        one_line(self.wire, criteria, "the query")
        short = "ESEARCH" in self.capabilities
        words = [b"RETURN (ALL)"] if short else []
        if not criteria.isascii():
            words.append(b"CHARSET UTF-8")
        for piece in re.split(r'("(?:[^"\\]|\\.)*")', criteria) if not criteria.isascii() else [criteria]:
            if not piece.isascii():
                words.append(_literal(re.sub(r"\\(.)", r"\1", piece.strip('"')).encode()))
            elif piece.strip():
                words.append(piece.strip().encode())
        with self.guard():
            self._imap.allowance = (0.0, SEARCH_BYTES, SEARCH_BYTES)
            try:
                typ, data = self._client._raw_command(b"SEARCH", words)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                typ, data = "BAD", [words_of(error).encode()]
            if typ != "OK":
                what = f"does not accept the query {self.mailbox.query!r}"
                raise self.wire.error("source.query", what, data[0] or b"")
            told: list[Any] = self._imap.untagged_responses.get("ESEARCH" if short else "SEARCH", [])
            return self._uids(told, short)

    def _uids(self, told: Sequence[bytes], short: bool) -> list[int]:
        uids: set[int] = set()
        for line in told:
            if short:
                found = _ALL.search(line)
                for part in found.group(1).split(b",") if found else ():
                    first, _, last = part.partition(b":")
                    low, high = sorted((int(first), int(last or first)))
                    if high - low >= MOST_MESSAGES:
                        raise Overflow("a range of numbers without end")
                    uids.update(range(low, high + 1))
            else:
                uids.update(map(int, line.partition(b"(")[0].split()))
            if len(uids) > MOST_MESSAGES:
                raise self.wire.error(
                    "source.query", f"holds more than {MOST_MESSAGES} messages: narrow them with query"
                )
        if uids and not (min(uids) > 0 and max(uids) < 2**32):
            raise Overflow("numbers that are no UIDs")
        return sorted(uids)

    def rows(self, uids: Sequence[int], items: str, seconds: float = 0.0, size_bytes: int = COMMAND_BYTES) -> Fetched:
        """Fetch `items` of messages. When the session breaks midway, gives what came whole, and the error."""
        imap, problem, refused = self._imap, None, ""
        try:
            with self.guard():
                imap.allowance = (seconds, size_bytes, LINE_BYTES)
                tag = imap._command("UID", "FETCH", uid_set(uids), items)
                answer = self._answer(*imap._command_complete("FETCH", tag))
                if not answer.ok and answer.code != "EXPUNGEISSUED":  # somebody else removed them meanwhile
                    refused = answer.text or "it does not say why"
        except SourceError as error:
            problem = error
        asked = set(uids)
        found: dict[int, Row] = {}
        told: list[Any] = imap.untagged_responses.pop("FETCH", [])
        for uid, row in read_rows(told):
            if uid not in asked or (row.body is not None and uid in found and found[uid].body is not None):
                if row.body is not None and problem is None:
                    problem = self.wire.error("source.protocol", f"answers with message {uid}, which was not asked for")
                continue
            found[uid] = together(found[uid], row) if uid in found else row
        return Fetched(found, problem, refused)

    def store(self, uids: Sequence[int], flags: str) -> Answer:
        """Add flags."""
        with self.guard():
            return self._run("UID", "STORE", uid_set(uids), "+FLAGS.SILENT", f"({flags})", may_fail=True)

    def copy(self, uids: Sequence[int], folder: str, move: bool = False) -> Answer:
        """COPY, or MOVE where the server offers it (RFC 6851)."""
        with self.guard():
            answer = self._run("UID", "MOVE" if move else "COPY", uid_set(uids), self._named(folder), may_fail=True)
            return replace(answer, places=copied(self._imap.untagged_responses.get("COPYUID", ()), uids))

    def expunge(self, uids: Sequence[int] = ()) -> Answer:
        """Remove these deleted messages (UIDPLUS, RFC 4315); without UIDs every deleted one in the folder."""
        with self.guard():
            return (
                self._run("UID", "EXPUNGE", uid_set(uids), may_fail=True)
                if uids
                else self._run("EXPUNGE", may_fail=True)
            )

    # ── how every command ends ────────────────────────────────────────────────────────────────────────────────

    def _run(self, *words: str | bytes, may_fail: bool = False) -> Answer:
        answer = self._answer(*self._imap._simple_command(*words))
        if not answer.ok and not may_fail:
            raise self.wire.error("source.protocol", "refuses a command", answer.text)
        return answer

    def _answer(self, typ: str, data: Sequence[Any]) -> Answer:
        text = data[0] if data and isinstance(data[0], bytes) else b""
        code = found.group(1).decode() if (found := _CODE.match(text)) else ""
        return Answer(typ == "OK", code, self.wire.quoted(text))

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn whatever a server can make imapclient raise into a SourceError; the session is over then."""
        try:
            yield
        except SourceError as error:
            if error.code in ("source.timeout", "source.unreachable", "source.protocol", "source.tls"):
                self.wire.close()
            raise
        except ODD as error:
            self.wire.close()
            said = words_of(error)
            if ended(error):
                raise self.wire.error("source.unreachable", "ended the session", said) from None
            raise self.wire.error("source.protocol", "does not keep to the protocol", said) from None
