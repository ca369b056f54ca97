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
from contextlib import closing
from email import message_from_bytes
from email.message import Message
from email.utils import formatdate, parseaddr
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import load
from engine.decision import tokens
from engine.desk import items
from engine.desk.items import How
from engine.model.events import Kind
from engine.model.stored import OutboxLine
from engine.run.engine import Engine
from engine.run.passing import Pass, send
from engine.store.errors import StoreError, Unclear
from engine.store.load import load as load_data
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.config import Config
    from engine.run.line import Line


_RECEIVED = re.compile(rb"\A((?:Return-Path:[^\n]*\n)?Received:[^;]*; )[^\n]*")
"""When a sample mail reached our server: mail that came long before a mailbox was read first would tell nobody."""


class Said(Struct, frozen=True):
    """A turn of the conversation: who said what, and everybody who was considered for it."""

    who: str
    words: str
    told: tuple[OutboxLine, ...]


class Played(Struct, frozen=True):
    """What became of the mails of a demo, in the order they were decided in, and how long that took.

    `conversation` is what was said about item `ABOUT`: the mail that made it, two answers of a colleague, and a reply
    by mail between.
    """

    lines: tuple[Line, ...]
    took_s: float
    conversation: tuple[Said, ...] = ()


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


def play(folder: Path) -> Played:
    """Make the folder, load its data, and do one pass over its mailboxes; a demo that stands there is replaced.

    Raises Unclear where something else stands, and StoreError.
    """
    stands(folder)
    _copy(folder)
    config = load(folder / "allegra.toml")
    with Store.open(config.store.where, busy_s=config.store.busy_timeout) as store:
        load_data(store, tomllib.loads((folder / "data.toml").read_text(encoding="utf-8")))
        _put_mails(folder, config)
        with closing(Engine(config, store)) as engine:
            started = time.monotonic()
            reports = Pass(engine).run(config.mailboxes)
            took_s = time.monotonic() - started
            return Played(tuple(line for report in reports for line in report.lines), took_s, _talked(engine, folder))


def _talked(engine: Engine, folder: Path) -> tuple[Said, ...]:
    """Let a colleague answer, the customer reply to the mail they got, and the colleague close the item.

    The mail that the item was made of stands first.
    """
    colleague = How(items.whoever(engine, "bob", ""))
    send(engine)
    first = items.answer(engine, ABOUT, ANSWERS[0], colleague)
    send(engine)
    mail = next(each for each in first.told if each.kind is Kind.ANSWER)
    _reply(folder, mail.to, _sent(folder, engine.store.outbox.row(mail.id).message_id), ANSWERS[1])
    ((line,),) = [report.lines for report in Pass(engine).run(engine.config.mailboxes) if report.lines]
    last = items.answer(engine, ABOUT, ANSWERS[2], colleague, close=True)
    send(engine)
    rows = engine.store.outbox.told(item=ABOUT)
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


def _reply(folder: Path, sender: str, answered: Message, words: str) -> None:
    """Put a reply into the mailbox, as a mail program writes it."""
    to = parseaddr(str(answered["Reply-To"]))[1]
    mail = (
        f"From: Jane Doe <{sender}>\nTo: {to}\nSubject: {answered['Subject']}\nDate: {formatdate()}\n"
        f"Message-ID: <printer.9@mail.bigcorp.example>\nIn-Reply-To: {answered['Message-ID']}\n\n{words}\n"
    )
    (folder / "mail" / "system" / "new" / "20-thanks.demo").write_bytes(mail.encode())


def _copy(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with as_file(files("engine.demo")) as shipped:
        for name in ("allegra.toml", "data.toml"):
            shutil.copyfile(shipped / name, folder / name)
        for name in ("rules", "hooks", "mails"):
            shutil.copytree(shipped / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def _put_mails(folder: Path, config: Config) -> None:
    """Put the sample mails into the Maildirs, with reply tokens signed by this demo's own secret."""
    secret = config.instance.secret()
    marks = {
        b"@TOKEN2@": tokens.sign(2, secret).encode(),
        b"@TOPIC1@": tokens.sign(1, secret, "t").encode(),
        b"@MESSAGE_ID1@": tokens.message_id("demo-1", 1, secret, "example.com").encode(),
    }
    for box in ("system", "support"):
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / box / part).mkdir(parents=True, exist_ok=True)
    now = time.time()
    for number, source in enumerate(sorted((folder / "mails").glob("*.eml"))):
        content = source.read_bytes()
        for mark, value in marks.items():
            content = content.replace(mark, value)
        content = _RECEIVED.sub(rb"\1" + formatdate(now - 60 + number).encode(), content, count=1)
        box = "support" if source.stem.endswith(".support") else "system"
        place = folder / "mail" / box / "new" / f"{source.stem}.demo"
        place.write_bytes(content)
        os.utime(place, (now - 60 + number, now - 60 + number))
