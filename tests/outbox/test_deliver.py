"""What waits in the outbox goes out: once, protected, and not too often."""

from __future__ import annotations

import email
import email.policy
import hmac
import itertools
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from posted import MAILBOX, NOW

from engine.config import Config, parse
from engine.model.events import Kind
from engine.model.hearing import Outgoing
from engine.outbox.deliver import Delivered, deliver
from engine.outbox.plain import text as clean
from engine.store import tables
from engine.store.database import us
from engine.store.store import Store

CANARY = "c4n4ry-smtp-pw"

Configure = Callable[..., Config]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    monkeypatch.setenv("SMTP_PW", CANARY)

    def configuring(port: int = 0, more: str = "", **smtp: Any) -> Config:
        options: dict[str, Any] = {
            "host": "127.0.0.1", "port": port, "ssl": False, "from": "Help desk <help@example.com>",
            "timeout": "2 s", **smtp,
        }  # fmt: skip
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
        return parse(MAILBOX + (f"[smtp]\n{lines}" if port else "") + more, tmp_path / "allegra.toml", {})

    return configuring


def queue(store: Store, *, to: str = "jane@bigcorp.example", kind: Kind = Kind.NOTICE, n: int = 1, **told: Any) -> int:
    template = "rejected" if kind is Kind.AUTO else "notice"
    outgoing = Outgoing(to, told.pop("template", template), events=("mail.rejected",), **told)
    return written(store, f"{n}:{kind}:{to}", f"<row{n}@example.com>", kind, "mail.rejected", outgoing)


def written(store: Store, key: str, message_id: str, kind: Kind, event: str, told: Outgoing, item: int = 0) -> int:
    row = tables.Outbox
    with store.writing():
        return store.database.add(
            row.insert(
                dedupe=key, message_id=message_id, kind=str(kind), event=event, generation=1, item=item or None,
                address_key=told.to.casefold(), payload=msgspec.json.encode(told).decode(), created_at=us(NOW),
            )
        )  # fmt: skip


def state(store: Store, row: int) -> tuple[str, str]:
    found = store.database.one("SELECT state, error FROM outbox WHERE id = ?", row)
    return found[0], found[1]


def send(store: Store, config: Config, now: datetime = NOW, limit: int = 100) -> Delivered:
    return deliver(store, config, limit, lambda: now)


def test_F140_a_queued_mail_is_sent_once(store: Store, sink: Any, configure: Configure) -> None:
    server = sink()
    row = queue(store)
    assert send(store, configure(server.port)) == Delivered(sent=1)
    assert send(store, configure(server.port)) == Delivered()
    (taken,) = server.taken
    assert (taken.reverse_path, taken.recipients) == ("help@example.com", ["jane@bigcorp.example"])
    assert email.message_from_bytes(taken.content)["Message-ID"] == "<row1@example.com>"
    assert state(store, row) == ("sent", "")


def test_automatic_mail_goes_out_with_a_null_reverse_path(store: Store, sink: Any, configure: Configure) -> None:
    server = sink()
    queue(store, kind=Kind.AUTO)
    assert send(store, configure(server.port)).sent == 1
    assert b"MAIL FROM:<>" in b"".join(server.heard).upper()


def test_one_connection_serves_many_mails(store: Store, sink: Any, configure: Configure) -> None:
    server = sink()
    for n in range(5):
        queue(store, n=n, to=f"u{n}@example.com")
    assert send(store, configure(server.port)).sent == 5
    assert server.connections == 1


def test_F144_the_pass_is_capped(store: Store, sink: Any, configure: Configure) -> None:
    server = sink()
    for n in range(5):
        queue(store, n=n, to=f"u{n}@example.com")
    assert send(store, configure(server.port), limit=2).sent == 2
    assert store.outbox.waiting(NOW) == 3


def test_without_a_server_mail_stays_queued_and_nothing_is_said(store: Store, configure: Configure) -> None:
    row = queue(store)
    assert send(store, configure()) == Delivered()
    assert state(store, row) == ("queued", "")


def test_F140_while_the_server_is_away_mail_waits_and_goes_out_later(
    store: Store, sink: Any, configure: Configure
) -> None:
    gone = sink()
    gone.close()
    row = queue(store)
    other = queue(store, n=2, to="b@example.com")
    done = send(store, configure(gone.port))
    assert done.failed == 1 and "cannot send by 127.0.0.1" in done.away
    assert state(store, row)[0] == "queued" and state(store, other) == ("queued", ""), "one try tells it of all"
    server = sink()
    assert send(store, configure(server.port), NOW + timedelta(minutes=2)).sent == 2


@pytest.mark.parametrize(
    ("verb", "reply", "after"),
    [
        ("RCPT", "550 5.1.1 nobody", "failed"),
        ("MAIL", "550 5.1.8 no", "queued"),
        ("DATA", "554 no", "failed"),
        ("DOT", "552 too big", "failed"),
        ("RCPT", "450 4.2.1 later", "queued"),
        ("DOT", "451 4.3.0 later", "queued"),
        ("MAIL", "421 closing", "queued"),
        ("GREETING", "554 no service", "queued"),
        ("GREETING", "", "queued"),
        ("DOT", "", "queued"),
    ],
)
def test_a_refusal_is_for_good_or_for_now(
    store: Store, sink: Any, configure: Configure, verb: str, reply: str, after: str
) -> None:
    server = sink(says={verb: reply})
    row = queue(store)
    assert send(store, configure(server.port)).failed == 1
    assert state(store, row)[0] == after
    if reply:
        assert reply.split(" ")[-1] in state(store, row)[1]


def test_one_refused_mail_does_not_stop_the_others(store: Store, sink: Any, configure: Configure) -> None:
    server = sink()
    bad = queue(store, to="no address")
    queue(store, n=2, to="b@example.com")
    assert send(store, configure(server.port)) == Delivered(sent=1, failed=1)
    assert state(store, bad) == ("failed", "'no address' has no address")


def test_automatic_mail_whose_fate_is_unknown_is_never_sent_again(
    store: Store, sink: Any, configure: Configure
) -> None:
    server = sink(says={"DOT": ""})
    row = queue(store, kind=Kind.AUTO)
    assert send(store, configure(server.port)).unknown == 1
    assert state(store, row)[0] == "unknown"
    assert send(store, configure(server.port), NOW + timedelta(days=1)) == Delivered()
    assert len(server.taken) == 1


def test_a_notification_whose_fate_is_unknown_is_sent_again_with_the_same_message_id(
    store: Store, sink: Any, configure: Configure
) -> None:
    first = sink(says={"DOT": ""})
    queue(store)
    send(store, configure(first.port))
    second = sink()
    assert send(store, configure(second.port), NOW + timedelta(hours=1)).sent == 1
    ids = [email.message_from_bytes(taken.content)["Message-ID"] for taken in (*first.taken, *second.taken)]
    assert ids == ["<row1@example.com>"] * 2


def test_a_mail_has_failed_when_the_time_to_try_it_is_over(store: Store, sink: Any, configure: Configure) -> None:
    config = configure(sink(says={"RCPT": "450 later"}).port, give_up_after="2 days")
    row = queue(store)
    send(store, config, NOW + timedelta(days=1))
    assert state(store, row)[0] == "queued"
    send(store, config, NOW + timedelta(days=3))
    assert state(store, row) == ("failed", "450 later (2 attempts)")


def test_an_answer_goes_out_with_the_bytes_of_its_first_attempt(store: Store, sink: Any, configure: Configure) -> None:
    first = sink(says={"DOT": "451 later"})
    queue(store, text="one")
    send(store, configure(first.port))
    second = sink()
    assert send(store, configure(second.port, "[replies]\nsignature = 'Another'\n"), NOW + timedelta(hours=1)).sent == 1
    assert first.taken[0].content == second.taken[0].content


# ── protection ────────────────────────────────────────────────────────────────────────────────────────────────


def wire_bytes(server: Any) -> bytes:
    return b"".join(server.heard)


def test_starttls_and_login(
    store: Store, sink: Any, configure: Configure, tls: ssl.SSLContext, certificate: Path
) -> None:
    server = sink(tls=tls, login=CANARY)
    queue(store)
    secure = {
        "host": "localhost",
        "ssl": "starttls",
        "ca_file": str(certificate),
        "username": "u",
        "password_env": "SMTP_PW",
    }
    done = send(store, configure(server.port, **secure))
    assert done == Delivered(sent=1)
    assert wire_bytes(server).index(b"STARTTLS") < wire_bytes(server).index(b"AUTH")


def test_implicit_tls(store: Store, sink: Any, configure: Configure, tls: ssl.SSLContext, certificate: Path) -> None:
    server = sink(tls=tls, implicit=True)
    queue(store)
    assert send(store, configure(server.port, host="localhost", ssl=True, ca_file=str(certificate))).sent == 1


def test_tls_on_a_port_without_it_says_which_port_and_word(store: Store, sink: Any, configure: Configure) -> None:
    server = sink()
    row = queue(store)
    assert send(store, configure(server.port, host="localhost", ssl=True)).sent == 0
    said = 'it speaks no TLS at first on this port: write  ssl = "starttls"  or  port = 465'
    assert said in state(store, row)[1]


@pytest.mark.parametrize("case", ["stripped", "refused", "self-signed", "wrong name", "implicit self-signed"])
def test_G15_no_credential_crosses_a_connection_that_is_not_protected(
    store: Store, sink: Any, configure: Configure, tls: ssl.SSLContext, certificate: Path, case: str
) -> None:
    server = sink(
        tls=None if case == "stripped" else tls,
        implicit=case.startswith("implicit"),
        login=CANARY,
        says={"STARTTLS": "454 not now"} if case == "refused" else {},
    )
    trust = {"ca_file": str(certificate)} if case in ("wrong name", "refused") else {}
    row = queue(store)
    config = configure(
        server.port, host="127.0.0.1" if case == "wrong name" else "localhost",
        ssl=True if case.startswith("implicit") else "starttls", username="u", password_env="SMTP_PW", **trust,
    )  # fmt: skip
    done = send(store, config)
    assert done.sent == 0 and done.away
    assert b"AUTH PLAIN " not in wire_bytes(server) and b"MAIL" not in wire_bytes(server)
    assert CANARY not in done.away + state(store, row)[1]


def test_a_refused_login_is_a_sentence_without_the_password(store: Store, sink: Any, configure: Configure) -> None:
    server = sink(login="another", says={"AUTH": f"535 5.7.8 wrong password {CANARY}"})
    queue(store)
    done = send(store, configure(server.port, username="u", password_env="SMTP_PW"))
    assert "535" in done.away and CANARY not in done.away


def test_a_secret_that_is_missing_stops_the_pass_and_loses_nothing(
    store: Store, sink: Any, configure: Configure
) -> None:
    server = sink()
    row = queue(store)
    done = send(store, configure(server.port, username="u", password_env="NOT_SET_AT_ALL"))
    assert "NOT_SET_AT_ALL" in done.away and state(store, row)[0] == "queued"


def test_G13_a_reply_without_end_is_left(store: Store, sink: Any, configure: Configure) -> None:
    server = sink(says={"GREETING": "\n".join(["220-more"] * 5000)})
    queue(store)
    assert "no end" in send(store, configure(server.port)).away


class Dripping:
    """A server that says something once and then one byte in a while, for ever."""

    def __init__(self, first: bytes, drips: bytes) -> None:
        self.first, self.drips = first, drips
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self.socket.accept()
            with client:
                client.sendall(self.first)
                for byte in itertools.cycle(self.drips):
                    client.sendall(bytes([byte]))
                    threading.Event().wait(0.1)

    def close(self) -> None:
        self.socket.close()
        self._thread.join(5)


@pytest.fixture
def dripping() -> Iterator[Callable[..., Dripping]]:
    made: list[Dripping] = []

    def making(first: bytes, drips: bytes) -> Dripping:
        made.append(Dripping(first, drips))
        return made[-1]

    yield making
    for each in made:
        each.close()


@pytest.mark.parametrize(
    "first",
    [b"", b"220 here\r\n", b"220 here\r\n250 here\r\n", b"220 here\r\n250 here\r\n250 ok\r\n250 ok\r\n354 go\r\n"],
)
def test_a_server_that_drips_is_left_after_the_timeout(
    store: Store, dripping: Any, configure: Configure, first: bytes
) -> None:
    row = queue(store)
    done = send(store, configure(dripping(first, b"2").port, timeout="0.5 s"))
    assert "does not answer in time" in done.away
    assert state(store, row)[0] == "queued"


def test_a_webhook_that_drips_is_left_after_the_timeout(store: Store, dripping: Any, configure: Configure) -> None:
    row = hook(store)
    port = dripping(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n").port
    chat = f"[webhooks.chat]\nurl = 'http://127.0.0.1:{port}/'\nevents = ['item.created']\ntimeout = '0.5 s'\n"
    assert send(store, configure(0, chat)).failed == 1
    assert state(store, row) == ("queued", "no answer: TimeoutError")


def test_a_long_mail_over_a_slow_line_has_the_time_of_many_replies(
    store: Store, sink: Any, configure: Configure
) -> None:
    """A timeout is for each piece, not for the whole."""
    row = queue(store, text="x" * 70 + "\n" + ("slow line\n" * 60_000))
    assert send(store, configure(sink().port, timeout="5 s")).sent == 1
    assert state(store, row)[0] == "sent"


def test_a_crash_leaves_one_mail_in_doubt_and_not_more(store: Store, sink: Any, configure: Configure) -> None:
    server = sink()
    rows = [queue(store, n=n, to=f"a@d{n}.example", kind=Kind.AUTO) for n in range(5)]

    class Killed(BaseException):
        pass

    def dying(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Killed):
        patched.setattr("engine.outbox.deliver.compose", dying)
        send(store, configure(server.port))
    assert sorted(state(store, row)[0] for row in rows) == ["queued"] * 4 + ["sending"]


# ── smuggling ─────────────────────────────────────────────────────────────────────────────────────────────────

SMUGGLED = st.lists(
    st.sampled_from(
        ["\n.\n", "\r.\r\n", "\n.\r\n", "\r\n.\r\n", "\r", "\n", ".", "MAIL FROM:<x@y.example>", "a", "\0", "ä"]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=SMUGGLED)
def test_G22_one_mail_in_is_one_mail_out(store: Store, sink: Any, configure: Configure, text: str) -> None:
    server = sink()
    store.database.run("DELETE FROM outbox")
    queue(store, kind=Kind.AUTO, text=text, because=text)
    assert send(store, configure(server.port)).sent == 1
    (taken,) = server.taken
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", taken.content)
    content = email.message_from_bytes(taken.content, policy=email.policy.default).get_content()
    assert clean(text).strip("\n") in content.replace("\r\n", "\n")
    server.close()


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def ear() -> Iterator[Any]:
    """A web server on this machine that hears POSTs; `answer` is the status it gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append((self.path, json.loads(body), self.headers["Idempotency-Key"]))  # type: ignore[attr-defined]
            server.signed.append((body, self.headers["X-Allegra-Signature"]))  # type: ignore[attr-defined]
            self.send_response(server.answer)  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.signed, server.answer = [], [], 204  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def hook(store: Store) -> int:
    return written(store, "1:1:1:", "<hook@example.com>", Kind.WEBHOOK, "item.created",
                   Outgoing("chat", workspace="support", number=4711, login="anna"), item=7)  # fmt: skip


def test_a_webhook_gets_ids_and_a_key_and_nothing_else(store: Store, ear: Any, configure: Configure) -> None:
    row = hook(store)
    config = configure(
        0, f"[webhooks.chat]\nurl = 'http://127.0.0.1:{ear.server_port}/x?k=1'\nevents = ['item.created']\n"
    )
    assert send(store, config).sent == 1
    told = {"schema": "allegra.webhook/2", "event": "item.created", "id": 4711, "item": 7, "topic": None, "mail": None,
            "workspace": "support", "actor": "anna"}  # fmt: skip
    assert ear.heard == [("/x?k=1", told, "<hook@example.com>")]
    assert ear.signed == [(json.dumps(told).encode(), None)]
    assert state(store, row)[0] == "sent"


def test_a_webhook_with_a_secret_is_signed_so_that_others_can_check_it(
    store: Store, ear: Any, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = f"url = 'http://127.0.0.1:{ear.server_port}/'\nevents = ['item.created']\nsecret_env = 'CHAT_SIGNS'\n"
    config = configure(0, f"[webhooks.chat]\n{lines}")
    row = hook(store)
    assert send(store, config).failed == 1 and ear.heard == []  # without the variable it waits: nothing unsigned goes
    assert "CHAT_SIGNS (secret_env) is not set" in state(store, row)[1]
    monkeypatch.setenv("CHAT_SIGNS", "correct horse")
    assert send(store, config, now=NOW + timedelta(hours=1)).sent == 1
    ((body, signed),) = ear.signed
    assert signed == "sha256=" + hmac.new(b"correct horse", body, "sha256").hexdigest()


def test_a_program_hears_while_mail_does_not_go_out(store: Store, ear: Any, sink: Any, configure: Configure) -> None:
    gone = sink()
    gone.close()
    mail, row = queue(store), hook(store)
    told = f"[webhooks.chat]\nurl = 'http://127.0.0.1:{ear.server_port}/'\nevents = ['smtp.down']\n"
    done = send(store, configure(gone.port, told))
    assert done.away and state(store, mail)[0] == "queued"
    assert state(store, row)[0] == "sent" and len(ear.heard) == 1


@pytest.mark.parametrize(("answer", "after"), [(500, "queued"), (429, "queued"), (404, "failed"), (302, "failed")])
def test_a_webhook_that_is_refused(store: Store, ear: Any, configure: Configure, answer: int, after: str) -> None:
    ear.answer = answer
    row = hook(store)
    send(store, configure(0, f"[webhooks.chat]\nurl = 'http://127.0.0.1:{ear.server_port}/'\nevents = ['mail.held']\n"))
    assert state(store, row)[0] == after and len(ear.heard) == 1


@pytest.mark.parametrize(
    ("answer", "event", "level"), [(204, "sent", "info"), (500, "waits", "warning"), (404, "failed", "error")]
)
def test_what_became_of_a_row_is_logged(
    store: Store, ear: Any, configure: Configure, tmp_path: Path, answer: int, event: str, level: str
) -> None:
    ear.answer, row = answer, hook(store)
    lines = f"[webhooks.chat]\nurl = 'http://127.0.0.1:{ear.server_port}/'\nevents = ['item.created']\n"
    send(store, configure(0, f"{lines}[log]\nfile = '{tmp_path / 'a.log'}'\nformat = 'json'\n"))
    line = json.loads((tmp_path / "a.log").read_text())
    assert (line["event"], line["level"], line["item"]) == (f"outbox.{event}", level, 7)
    assert line["said"].startswith(f"row {row} webhook item.created to chat")


@pytest.mark.parametrize(
    "url", ["http://chat.example.com/", "ftp://127.0.0.1/", "file:///etc/passwd", "http://[::1", "x"]
)
def test_a_webhook_is_called_by_https_only(store: Store, configure: Configure, url: str) -> None:
    row = hook(store)
    send(store, configure(0, f"[webhooks.chat]\nurl = '{url}'\nevents = ['mail.held']\n"))
    assert state(store, row)[0] == "failed"


def test_mail_that_has_no_server_any_more_is_not_kept_for_one(store: Store, ear: Any, configure: Configure) -> None:
    row = queue(store)
    config = configure(0, f"[webhooks.chat]\nurl = 'http://127.0.0.1:{ear.server_port}/'\nevents = ['mail.held']\n")
    send(store, config)
    assert store.database.one("SELECT state, why FROM outbox WHERE id = ?", row) == ("dropped", "no_smtp")
