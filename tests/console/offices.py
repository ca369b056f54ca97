"""The demo's help desk with a console before it, and hostile mail in it.

Here: making and serving it, asking it without a browser. Not here: fixtures (`conftest.py`).
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import databases

from engine.config import load
from engine.console.app import create
from engine.desk.demo import play
from engine.desk.installation import Installation
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.store.store import Store

HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "{{9371*7919}}{% raw %}",
    "</title><svg onload=alert(1)>", "' onmouseover='alert(1)", "\u202egpj.exe", "\x1b[2J\x07",
    "<iframe src=//evil.example>", "&lt;b&gt;", "%00%0d%0aX: y", "\u200b\u2066hidden\u2069", "a" * 3000,
    "\u65e5\u672c\u8a9e \u00fcn\u00efc\u00f6d\u00e9 \U0001f469\u200d\U0001f467", "<!--", "]]>",
    "${9371*7919}", "\ufeff",
)  # fmt: skip
"""What strangers put where a page shows it."""

EVIL_BODY = (
    '<html><head><meta http-equiv="refresh" content="0;url=http://evil.example/"><base href="http://evil.example/">'
    '<style>@import "http://evil.example/a.css";body{{background:url(http://evil.example/b)}}</style></head>'
    '<body onload="alert(1)"><script>alert(2)</script><img src="http://evil.example/pixel.gif">'
    '<a href="javascript:alert(3)">x</a><form action="http://evil.example/"><input name=p></form><iframe src="http://evil.example/"></iframe>'
    '<svg><script>alert(4)</script></svg><object data="http://evil.example/o"></object>{}</body></html>'
)


def hostile(number: int, text: str) -> bytes:
    """A mail with this text wherever a stranger can write."""
    mail = EmailMessage()
    flat = re.sub(r"[\r\n]", " ", text)
    mail["From"] = (
        f"=?utf-8?q?{''.join(f'={each:02X}' for each in flat[:200].encode())}?= <evil{number}@attacker.example>"
    )
    mail["To"] = "help@example.com"
    mail["Subject"] = flat.replace("\x00", "")[:900] or "none"
    mail["Message-ID"] = f"<evil.{number}@attacker.example>"
    mail["X-Evil"] = flat[:200]
    mail.set_content(text)
    mail.add_alternative(EVIL_BODY.format(text), subtype="html")
    mail.add_attachment(b"GIF89a<script>alert(5)</script>", maintype="image", subtype="gif", filename=flat[:100])
    return mail.as_bytes()


@dataclass
class Office:
    """The desk, and its console as a test client."""

    folder: Path
    installation: Installation
    app: Any
    _tokens: list[str] = field(default_factory=list)

    @property
    def client(self) -> Any:
        """Asks without a browser."""
        return self.app.test_client()

    def get(self, address: str, **headers: str) -> Any:
        """Ask for a page."""
        return self.client.get(address, base_url="http://localhost", headers=headers, buffered=True)

    def token(self) -> str:
        """The token that a form carries."""
        page = self.get("/held/" + self.refs("outcome:held")[0]).get_data(as_text=True)
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    def form_token(self, item: int = 0) -> str:
        """The token that the form of some item carries, for whoever asks: it is one for all where nobody signs in."""
        if not self._tokens:
            page = self.get(f"/item/{item or 1}").get_data(as_text=True)
            self._tokens += re.findall(r'name="csrf" value="([^"]+)"', page)
        return self._tokens[0]

    def post(self, address: str, site: str = "same-origin", token: str | None = None, **form: Any) -> Any:
        """Send a form as a browser does."""
        form["csrf"] = self.token() if token is None else token
        return self.client.post(address, base_url="http://localhost", headers={"Sec-Fetch-Site": site}, data=form)

    def refs(self, query: str = "") -> list[str]:
        """The ids of the mails that a search finds."""
        with self.installation.store() as store:
            return [row.mail for row in store.archive.mails(query, 1000)]

    def evil(self) -> list[str]:
        """The ids of the hostile mails."""
        return [ref for (ref,) in self.rows("SELECT ref FROM inbound WHERE message_id LIKE '<evil.%' ORDER BY id")]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the database."""
        with self.installation.store() as store:
            return store.database.rows(sql)

    def take(self, *mails: bytes) -> None:
        """Let mails come in and be decided."""
        config = self.installation.config
        inbox = self.folder / "mail" / "system" / "new"
        inbox.mkdir(parents=True, exist_ok=True)
        for number, mail in enumerate(mails):
            (inbox / f"{time.time_ns()}.{number}.test").write_bytes(mail)
        with Store.open(config.store.where) as store, closing(Engine(config, store)) as engine:
            Pass(engine, hosted=True).run(config.mailboxes)


def queue_letters(made: Office) -> None:
    """Let some letters about items of all workspaces wait: what the demo writes has gone out."""
    with made.installation.store() as store, store.writing():
        store.database.run("UPDATE outbox SET state = 'queued' WHERE state = 'sent' AND item IS NOT NULL")


_DEMO: list[tempfile.TemporaryDirectory[str]] = []
"""The folder with the demo as it is when it was played; none before that."""


def played(folder: Path) -> None:
    """Play the demo: once in a process, where its database is a file beside it."""
    if databases.ON_SERVER:
        play(folder)
        return
    if not _DEMO:
        _DEMO.append(tempfile.TemporaryDirectory(prefix="allegra-tests-"))
        play(Path(_DEMO[0].name) / "demo")
    shutil.copytree(Path(_DEMO[0].name) / "demo", folder, symlinks=True)


@contextmanager
def office(folder: Path, auth: str = "none") -> Iterator[Office]:
    """The demo, decided, with a console for whoever reaches it, or for accounts."""
    played(folder)
    file = folder / "allegra.toml"
    file.write_text(file.read_text(encoding="utf-8") + f'\n[console]\nauth = "{auth}"\n', encoding="utf-8")
    installation = Installation(file, load(file))
    try:
        yield Office(folder, installation, create(installation))
    finally:
        installation.close()


@contextmanager
def served(app: Any, threads: int = 4) -> Iterator[str]:
    """Serve an application on loopback for the length of a `with`; gives the host with its port."""
    from waitress.server import create_server
    from waitress.wasyncore import close_all

    open_here: dict[int, Any] = {}
    server = create_server(app, map=open_here, listen="127.0.0.1:0", threads=threads)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join(5)
        server.task_dispatcher.shutdown()
        close_all(open_here, ignore_all=True)  # a browser leaves its connections open


PASSWORD = "seven grey kettles hum at dusk"
"""Of anna and of bob, where people sign in."""

BASE = "http://localhost"


def enter(client: Any, who: str = "anna", password: str = PASSWORD, **more: Any) -> Any:
    """Sign in."""
    form = {"who": who, "password": password, **more}
    return client.post("/login", base_url=BASE, data=form, headers={"Sec-Fetch-Site": "same-origin"})


class Seat:
    """Somebody who is signed in, and what they send."""

    def __init__(self, made: Office, who: str = "anna") -> None:
        self.client = made.client
        assert enter(self.client, who).status_code == 303

    def get(self, address: str) -> Any:
        """Ask for a page."""
        return self.client.get(address, base_url=BASE)

    def text(self, address: str) -> str:
        """The HTML of a page."""
        return str(self.get(address).get_data(as_text=True))

    def post(self, address: str, **form: Any) -> Any:
        """Send a form of theirs."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.text("/me"))
        assert found is not None
        sent = {"csrf": found[1], **form}
        return self.client.post(address, base_url=BASE, headers={"Sec-Fetch-Site": "same-origin"}, data=sent)
