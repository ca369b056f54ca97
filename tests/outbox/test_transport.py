"""Mail goes out by a server, by a program, or into a folder; which one makes no difference to what is promised."""

from __future__ import annotations

import email
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from posted import MAILBOX, NOW, later, of, row

from engine.config import Config, ConfigError, parse
from engine.outbox.deliver import Delivered, deliver
from engine.outbox.transport import Away, Refused, transport
from engine.outbox.wire import Wire
from engine.run.sending import send
from engine.store.store import Store

Configure = Callable[..., Config]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def configuring(**smtp: Any) -> Config:
        lines = "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in {"from": "help@example.com", **smtp}.items()
        )
        return parse(f"{MAILBOX}[smtp]\n{lines}", tmp_path / "allegra.toml", {})

    return configuring


def out(store: Store, config: Config) -> Delivered:
    return deliver(store, config, 100, lambda: NOW)


# ── a folder ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_gets_a_file_for_each_mail_with_its_envelope(
    store: Store, configure: Configure, tmp_path: Path
) -> None:
    for kind in ("auto", "answer"):
        row(store, kind, f"{kind}@example.com")
    assert out(store, configure(transport="maildir", path="out/mail")).sent == 2
    files = sorted((tmp_path / "out/mail/new").iterdir())
    mails = [email.message_from_bytes(file.read_bytes()) for file in files]
    assert [(mail["Return-Path"], mail["Delivered-To"], mail["To"]) for mail in mails] == [
        ("<help@example.com>", "answer@example.com", "answer@example.com"),
        ("<>", "auto@example.com", "auto@example.com"),
    ]
    assert list((tmp_path / "out/mail/tmp").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_server_that_is_away(
    store: Store, configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    number = row(store)
    done = send(store, configure(transport="maildir", path="out"), now=lambda: NOW)
    assert "cannot write to" in done.away and done.waiting == 1
    assert of(store, number, "state", "attempts") == ("queued", 0)


# ── a program ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Make a program that writes down its words and its input, then does what a script says."""

    def making(script: str = "") -> Path:
        file = tmp_path / "takes-mail"
        file.write_text(f'#!/bin/sh\ncd {tmp_path}\nprintf "%s\\n" "$@" > words\ncat > input\n{script}\n')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    return making


def by(configure: Configure, program: Path, **more: Any) -> Config:
    return configure(transport="sendmail", command=[str(program), "-i"], **more)


def test_a_program_gets_the_mail_and_its_recipient_behind_two_dashes(
    store: Store, configure: Configure, program: Any, tmp_path: Path
) -> None:
    row(store, "answer", "-oQ/tmp@example.com")
    assert out(store, by(configure, program())).sent == 1
    words = (tmp_path / "words").read_text().splitlines()
    assert words == ["-i", "-f", "help@example.com", "--", "-oQ/tmp@example.com"]
    content = (tmp_path / "input").read_bytes()
    assert b"\r" not in content and email.message_from_bytes(content)["To"] == "-oQ/tmp@example.com"


def test_an_automatic_answer_leaves_with_a_null_sender(
    store: Store, configure: Configure, program: Any, tmp_path: Path
) -> None:
    row(store, "auto")
    assert out(store, by(configure, program())).sent == 1
    assert (tmp_path / "words").read_text().splitlines()[1:3] == ["-f", "<>"]


@pytest.mark.parametrize(
    ("script", "state", "said"),
    [
        ("echo 'no such user' >&2; exit 67", "failed", "ended with code 67: no such user"),
        ("exit 65", "failed", "ended with code 65"),
        ("exit 75", "queued", "ended with code 75"),
        ("echo 'queue is full' >&2; exit 1", "queued", "ended with code 1: queue is full"),
        ("printf 'a\\033[2Jb' >&2; exit 67", "failed", "a [2Jb"),
    ],
)
def test_what_a_program_ends_with_says_what_becomes_of_the_mail(
    store: Store, configure: Configure, program: Any, script: str, state: str, said: str
) -> None:
    number = row(store, "answer")
    out(store, by(configure, program(script)))
    assert of(store, number) == state and said in of(store, number, "error")


def test_a_program_that_is_not_there_is_a_server_that_is_away(
    store: Store, configure: Configure, tmp_path: Path
) -> None:
    number = row(store, "auto")
    done = send(store, configure(transport="sendmail", command=[str(tmp_path / "nothing")]), now=lambda: NOW)
    assert "there is no such program" in done.away
    assert of(store, number, "state", "attempts") == ("queued", 0)


def test_a_program_that_does_not_end_is_ended_and_nobody_knows_whether_the_mail_went_out(
    store: Store, configure: Configure, program: Any
) -> None:
    rows = [row(store, kind) for kind in ("auto", "notice")]
    config, started = by(configure, program("sleep 60"), timeout="0.3 s"), time.monotonic()
    done = out(store, config)
    assert time.monotonic() - started < 20
    assert [of(store, number) for number in rows] == ["unknown", "queued"]
    assert "does not end in time" in done.away


# ── what both say no to ───────────────────────────────────────────────────────────────────────────────────────


def test_a_look_at_the_way_out_sends_nothing(configure: Configure, program: Any, tmp_path: Path) -> None:
    for config in (by(configure, program()), configure(transport="maildir", path="out")):
        assert config.smtp is not None
        with transport(config.smtp, "localhost") as way:
            way.open()
    assert not (tmp_path / "input").exists() and list((tmp_path / "out/new").iterdir()) == []


def test_away_and_refused_say_what_a_sender_has_to_know(configure: Configure, sink: Any) -> None:
    gone = sink()
    gone.close()
    config = configure(host="127.0.0.1", port=gone.port, ssl=False)
    assert config.smtp is not None
    with Wire(config.smtp, "example.com") as wire, pytest.raises(Away) as away:
        wire.send("a@example.com", "b@example.com", b"Subject: x\r\n\r\n")
    assert (away.value.met, away.value.sent) == (False, False)
    busy = sink(says={"RCPT": "452 4.2.2 full"})
    config = configure(host="127.0.0.1", port=busy.port, ssl=False)
    assert config.smtp is not None
    with Wire(config.smtp, "example.com") as wire, pytest.raises(Refused) as refused:
        wire.send("a@example.com", "b@example.com", b"Subject: x\r\n\r\n")
    assert (refused.value.later, refused.value.ours) == (True, False)


def test_lines_of_dots_cross_the_wire_as_they_are(configure: Configure, sink: Any) -> None:
    server = sink()
    config = configure(host="127.0.0.1", port=server.port, ssl=False)
    assert config.smtp is not None
    for content in (b"A: b\r\n\r\n.\r\n..\r\n.x\r\n", b".A: b\r\n\r\n.", b"A: b\r\n\r\n" + b".\r\n" * 50_000):
        with Wire(config.smtp, "example.com") as wire:
            wire.send("a@example.com", "b@example.com", content)
        assert server.taken[-1].content.rstrip(b"\r\n") == content.rstrip(b"\r\n")


@pytest.mark.parametrize(
    ("smtp", "said"),
    [
        ({"transport": "maildir"}, "[smtp] needs a path"),
        ({"transport": "sendmail", "command": []}, "[smtp] needs a command"),
        ({}, "[smtp] needs a host"),
        ({"transport": "maildir", "path": "out", "host": "h"}, "host does nothing with"),
        ({"host": "h", "path": "out"}, "path does nothing with"),
        ({"transport": "pigeon", "host": "h"}, "pigeon"),
    ],
)
def test_a_transport_says_what_it_lacks_and_what_does_nothing(
    configure: Configure, smtp: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        configure(**smtp)
    assert any(said in problem.message for problem in error.value.problems)


def test_what_went_into_a_folder_is_written_down_like_any_other(
    store: Store, configure: Configure, tmp_path: Path
) -> None:
    number = row(store, "notice")
    config = configure(transport="maildir", path="out")
    assert send(store, config, now=lambda: later(minutes=1)).sent == 1
    state, content = of(store, number, "state", "content")
    assert state == "sent" and email.message_from_bytes(content)["Message-ID"] == of(store, number, "message_id")
    assert len(list((tmp_path / "out/new").iterdir())) == 1
