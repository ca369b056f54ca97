"""`allegra lmtp` behind a real Postfix: delivered, refused, deferred, and killed between the mails."""

from __future__ import annotations

import random
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from servers.doors import wait_for
from servers.postfix import Postfix

GATES = "mails_per_sender = { limit = 0 }\ntotal_rate = { limit = 0 }"
MAILS, KILLS = 200, 20


class Behind:
    """The door that Postfix hands its mail to: `open` starts it, `kill` ends it as `kill -9` does."""

    def __init__(self, desk: Any, postfix: Postfix) -> None:
        self._desk, self._postfix = desk, postfix
        self.process: Any = None

    def open(self) -> None:
        self.process = self._desk.start("-q", "lmtp", "--listen", str(self._postfix.lmtp), "--mode", "0666")
        wait_for(self._postfix.lmtp)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture
def behind(desk: Any, postfix: Postfix) -> Iterator[Behind]:
    desk.configure(gates=GATES, more='[errors]\nretry = ["0 s"]\n')
    toml = desk.folder / "allegra.toml"
    toml.write_text(toml.read_text().replace("@example.com", "@lmtp.test"))
    made = Behind(desk, postfix)
    yield made
    made.kill()


def post(postfix: Postfix, subject: str, *recipients: str) -> None:
    mail = f"From: anna@example.com\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n\r\n.It takes an hour.\r\n"
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.sendmail("anna@example.com", list(recipients), mail)


def rows(desk: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = desk.rows(sql)
    return found


def decided(desk: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while rows(desk, "SELECT count(*) FROM inbound WHERE state = 'received'") != [(0,)]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_F006_a_real_mail_server_hands_its_mail_over(desk: Any, behind: Behind, postfix: Postfix) -> None:
    before = len(postfix.log())
    behind.open()
    post(postfix, "The scanner is slow", "help@lmtp.test", "help+1@lmtp.test", "support@lmtp.test")
    postfix.wait()
    decided(desk)
    assert postfix.log()[before:].count("status=sent (250 2.0.0 <") == 3
    ((item,),) = rows(desk, "SELECT title FROM item")
    assert item == "The scanner is slow"
    keys = sorted(key for (key,) in rows(desk, "SELECT key FROM presentation"))
    (queue_id,) = {key.split("/")[1] for key in keys}
    assert sorted(keys[0].split("/")[2].split(",")) == ["help+1@lmtp.test", "help@lmtp.test"]
    assert keys[1] == f"pipe/{queue_id}/support@lmtp.test"
    assert f"{queue_id}: to=<support@lmtp.test>" in postfix.log()
    (content,) = rows(desk, "SELECT content FROM raw_mail")[0]
    assert bytes(content).endswith(b"\r\n\r\n.It takes an hour.\r\n")


def test_an_unknown_recipient_comes_back_with_our_sentence(desk: Any, behind: Behind, postfix: Postfix) -> None:
    behind.open()
    post(postfix, "The scanner is slow", "help@lmtp.test", "nobody@lmtp.test")
    postfix.wait()
    (back,) = postfix.mails("anna@example.com")
    assert b"there is no mailbox of this address" in b" ".join(back.split())
    decided(desk)
    assert rows(desk, "SELECT count(*) FROM item") == [(1,)]


def test_what_cannot_be_stored_waits_at_the_mail_server(desk: Any, behind: Behind, postfix: Postfix) -> None:
    toml = desk.folder / "allegra.toml"
    whole, before = toml.read_text(), len(postfix.log())
    behind.open()
    toml.write_text(whole + "[nonsense]\n")
    post(postfix, "The scanner is slow", "help@lmtp.test")
    end = time.monotonic() + 20
    while "our configuration does not load" not in postfix.log()[before:]:
        assert time.monotonic() < end, postfix.log()[-1500:]
        time.sleep(0.05)
    behind.kill()
    toml.write_text(whole)
    behind.open()
    postfix.wait()
    decided(desk)
    assert rows(desk, "SELECT title FROM item") == [("The scanner is slow",)]
    assert "status=bounced" not in postfix.log()[before:]


@pytest.mark.timeout(300)
def test_G30_killed_twenty_times_over_two_hundred_mails(desk: Any, behind: Behind, postfix: Postfix) -> None:
    chance = random.Random(30)  # noqa: S311 - a test that runs the same way again
    before = len(postfix.log())
    wanted: dict[str, set[str]] = {}
    behind.open()

    def posting() -> None:
        for number in range(MAILS):
            boxes = chance.choice((("help",), ("support",), ("help", "support")))
            many = chance.randint(1, 20)
            recipients = [f"{boxes[n % len(boxes)]}+{n}@lmtp.test" for n in range(many)]
            subject = f"Mail {number:03d}"
            wanted[subject] = {"system" if each.startswith("help") else "support" for each in recipients}
            post(postfix, subject, *recipients)

    poster = threading.Thread(target=posting)
    poster.start()
    kills = 0
    while kills < KILLS:
        time.sleep(chance.uniform(0.05, 0.5))
        behind.kill()
        kills += 1
        behind.open()
    poster.join()
    postfix.wait(120)
    for _ in range(3):  # a mail that was in hand at a kill is tried again by a pass
        assert desk.allegra("run", "--wait", "30").exit_code == 0
    decided(desk)
    said = postfix.log()[before:]
    assert "status=bounced" not in said and not postfix.mails("anna@example.com")
    assert "status=deferred" in said, "a kill was felt"
    stored = rows(
        desk,
        "SELECT mailbox.name, content FROM inbound "
        "JOIN mailbox ON mailbox.id = mailbox_id JOIN raw_mail ON raw_mail.id = raw_id",
    )
    found = Counter((name, content.partition(b"Subject: ")[2][:8].decode()) for name, content in stored)
    assert set(found.values()) == {1}, "stored twice"
    assert {*found} == {(name, subject) for subject, names in wanted.items() for name in names}
    titles = Counter(title for (title,) in rows(desk, "SELECT title FROM item"))
    assert titles == Counter(wanted.keys()), "lost, or made twice"
    assert rows(desk, "SELECT count(*) FROM receipt") == rows(desk, "SELECT count(*) FROM inbound")
