"""The demo: a help desk in a folder, with mails of every kind of result, decided once.

Here: copying the files of `engine/demo/`, the sample mails with tokens of their own, one pass over them. Not here: the
files, what is told of them (`cli/demo.py`).
Invariant: only a folder that is empty or holds a demo is written to.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime, formatdate, parseaddr
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import load
from engine.decision import tokens
from engine.desk import items
from engine.desk.demo_month import DAYS, Clock, Month, accounts
from engine.desk.items import How
from engine.model.events import Kind
from engine.model.stored import OutboxLine
from engine.run.engine import Engine
from engine.run.passing import Pass, send
from engine.store.clock import now as utc_now
from engine.store.errors import StoreError, Unclear
from engine.store.load import load as load_data
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.config import Config
    from engine.run.line import Line


_RECEIVED = re.compile(rb"\A((?:Return-Path:[^\n]*\n)?Received:[^;]*; )[^\n]*")
"""When a sample mail reached our server: mail that came long before a mailbox was read first would tell nobody."""


_NUMBER = re.compile(rb"#([12])\b")
"""The number of an item, as a sample mail has it where no item was there before."""

LATELY_MIN = 160
"""Minutes at the end of a month in which the sample mails come."""


class Said(Struct, frozen=True):
    """A turn of the conversation: who said what, and everybody who was considered for it."""

    who: str
    words: str
    told: tuple[OutboxLine, ...]


class Played(Struct, frozen=True):
    """What became of the mails of a demo, in the order they were decided in, and how long that took.

    `conversation` is what was said about item `ABOUT`: the mail that made it, two answers of a colleague, and a reply
    by mail between. `before` are the mails of the month before, and `month_s` how long it took; 0 without one.
    """

    lines: tuple[Line, ...]
    took_s: float
    conversation: tuple[Said, ...] = ()
    before: int = 0
    month_s: float = 0.0


MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
"""Where a month is played quickly: each mail and each letter is flushed to the disk, and there is none."""

ABOUT = 2
"""The item that the demo talks about."""

ANSWERS = ("There is paper stuck in tray 2. I am on my way.", "Thank you, it prints again!", "You are welcome.")


def stands(folder: Path) -> bool:
    """Tell whether a demo stands there already. Raises Unclear where something else does."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    if not (folder / "data.toml").is_file():
        raise Unclear(f"{folder} is not empty and holds no demo; choose another place with --dir")
    return True


def play(folder: Path, *, month: datetime | None = None) -> Played:
    """Make the folder, load its data, and do one pass over its mailboxes; a demo that stands there is replaced.

    With `month` a month of mail up to that time comes before. Raises Unclear where something else stands, and
    StoreError.
    """
    stands(folder)
    if month is not None and MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and not folder.is_relative_to(MEMORY):
        with TemporaryDirectory(prefix="allegra-demo-", dir=MEMORY) as scratch:
            played = play(Path(scratch) / "demo", month=month)
            _clear(folder)
            shutil.copytree(Path(scratch) / "demo", folder, symlinks=True)
            return played
    _copy(folder)
    config = load(folder / "allegra.toml")
    clock = Clock() if month is not None else None
    with Store.open(config.store.where, busy_s=config.store.busy_timeout, clock=clock) as store:
        load_data(store, tomllib.loads((folder / "data.toml").read_text(encoding="utf-8")))
        _folders(folder)
        with closing(Engine(config, store)) as engine:
            before, month_s = _month(engine, folder, clock, month) if clock and month else (0, 0.0)
            first = max([row.id for row in store.items.found("", 1)[0]], default=0)
            started = time.monotonic()
            lines = _decided(engine, folder, first, clock)
            took_s = time.monotonic() - started
            said = _talked(engine, folder, ABOUT + first, clock or utc_now)
            return Played(lines, took_s, said, before, month_s)


def open_to_all(folder: Path, place: str) -> Path:
    """Let whoever is on this machine into the console of a demo; gives the file that says so."""
    file = folder / "allegra.toml"
    remark = "# Whoever is on this machine sees all of it, and decides: allegra console"
    own = f'\n{remark}\n[console]\nlisten = "{place}"\nauth = "none"\n'
    file.write_text(file.read_text(encoding="utf-8") + own, encoding="utf-8")
    return file


def _month(engine: Engine, folder: Path, clock: Clock, end: datetime) -> tuple[int, float]:
    """Play what came before; gives how many mails that were, and how long it took."""
    started = time.monotonic()
    words = tomllib.loads(files("engine.demo").joinpath("month.toml").read_text(encoding="utf-8"))
    users = [
        {"login": login, "name": name, "emails": [address], "groups": ["customers"]}
        for login, name, address in accounts(words)
    ]
    clock.at = end - timedelta(days=DAYS)
    load_data(engine.store, {"users": users})
    lines = Month(engine, folder, words, clock, end - timedelta(minutes=LATELY_MIN)).play()
    clock.at = end
    return len(lines), time.monotonic() - started


def _talked(engine: Engine, folder: Path, about: int, now: Callable[[], datetime]) -> tuple[Said, ...]:
    """Let a colleague answer, the customer reply to the mail they got, and the colleague close the item.

    The mail that the item was made of stands first.
    """
    colleague = How(items.whoever(engine, "bob", ""))
    send(engine, now)
    first = items.answer(engine, about, ANSWERS[0], colleague)
    send(engine, now)
    mail = next(each for each in first.told if each.kind is Kind.ANSWER)
    _reply(folder, mail.to, _sent(folder, engine.store.outbox.row(mail.id).message_id), ANSWERS[1], now())
    ((line,),) = [report.lines for report in Pass(engine, now=now).run(engine.config.mailboxes) if report.lines]
    last = items.answer(engine, about, ANSWERS[2], colleague, close=True)
    send(engine, now)
    rows = engine.store.outbox.told(item=about)
    asked = tuple(row for row in rows if row.event == "item.created")
    return (
        Said(mail.to, asked[0].title, asked),
        Said("bob", ANSWERS[0], tuple(row for row in rows if row.act == first.ref)),
        Said(mail.to, ANSWERS[1], tuple(row for row in rows if row.mail == line.mail)),
        Said("bob", f"{ANSWERS[2]} (closed)", tuple(row for row in rows if row.act == last.ref)),
    )


def _sent(folder: Path, message_id: str) -> Message:
    """The mail of ours with a Message-ID, as the customer has it."""
    for place in (folder / "mail" / "outgoing" / "new").iterdir():
        found = message_from_bytes(place.read_bytes())
        if found["Message-ID"] == message_id:
            return found
    raise StoreError(f"the demo did not send {message_id}")


def _reply(folder: Path, sender: str, answered: Message, words: str, now: datetime) -> None:
    """Put a reply into the mailbox, as a mail program writes it."""
    to = parseaddr(str(answered["Reply-To"]))[1]
    mail = (
        f"From: Jane Doe <{sender}>\nTo: {to}\nSubject: {answered['Subject']}\nDate: {format_datetime(now)}\n"
        f"Message-ID: <printer.9@mail.bigcorp.example>\nIn-Reply-To: {answered['Message-ID']}\n\n{words}\n"
    )
    (folder / "mail" / "system" / "new" / "20-thanks.demo").write_bytes(mail.encode())


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _copy(folder: Path) -> None:
    _clear(folder)
    folder.mkdir(parents=True)
    with as_file(files("engine.demo")) as shipped:
        for name in ("allegra.toml", "data.toml"):
            shutil.copyfile(shipped / name, folder / name)
        for name in ("rules", "hooks", "mails"):
            shutil.copytree(shipped / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def _folders(folder: Path) -> None:
    """Make the Maildirs."""
    for box in ("system", "support"):
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / box / part).mkdir(parents=True, exist_ok=True)


def _decided(engine: Engine, folder: Path, first: int, clock: Clock | None) -> tuple[Line, ...]:
    """Decide the sample mails: in one pass, or each when it came, in the last hours of a month.

    `first` is the number of the item before theirs.
    """
    mails, boxes = list(_mails(folder, engine.config, first)), engine.config.mailboxes
    if clock is None:
        now = time.time()
        for number, mail in enumerate(mails):
            mail.put(folder, now - 60 + number)
        return tuple([line for report in Pass(engine).run(boxes) for line in report.lines])
    lines: list[Line] = []
    end = clock.at
    for number, mail in enumerate(mails):
        clock.at = end - timedelta(minutes=LATELY_MIN * (len(mails) - number) / len(mails) - number % 3)
        mail.put(folder, clock.at.timestamp())
        lines += [line for report in Pass(engine, now=clock).run(boxes) for line in report.lines]
    clock.at = end
    return tuple(lines)


class _Mail(Struct, frozen=True):
    """A sample mail: the mailbox it is in, its name, its bytes."""

    box: str
    name: str
    content: bytes

    def put(self, folder: Path, at: float) -> None:
        """Put it into its Maildir, as if our server had got it then."""
        content = _RECEIVED.sub(rb"\1" + formatdate(at).encode(), self.content, count=1)
        place = folder / "mail" / self.box / "new" / f"{self.name}.demo"
        place.write_bytes(content)
        os.utime(place, (at, at))


def _mails(folder: Path, config: Config, first: int) -> Iterator[_Mail]:
    """Give the sample mails in their order, with reply tokens signed by this demo's own secret."""
    secret = config.instance.secret()
    marks = {
        b"@TOKEN2@": tokens.sign(ABOUT + first, secret).encode(),
        b"@TOPIC1@": tokens.sign(1, secret, "t").encode(),
        b"@MESSAGE_ID1@": tokens.message_id("demo-1", 1 + first, secret, "example.com").encode(),
    }
    for source in sorted((folder / "mails").glob("*.eml")):
        content = source.read_bytes()
        for mark, value in marks.items():
            content = content.replace(mark, value)
        content = _NUMBER.sub(lambda found: b"#%d" % (int(found[1]) + first), content)
        yield _Mail("support" if source.stem.endswith(".support") else "system", source.stem, content)
