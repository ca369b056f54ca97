"""LMTP: what a mail server hears, and what is ours by then."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import databases
import pytest
from servers.doors import Mta, Standing, talking

from engine.store.store import Store

MAIL = b"From: anna@example.com\r\nTo: help@example.com\r\nSubject: Handed over\r\nMessage-ID: <1@x>\r\n\r\n.Hello\r\n"

Opening = Callable[..., Standing]


def mails(store: Store) -> list[tuple[str, str]]:
    return sorted((row.mailbox, row.state) for row in store.archive.mails())


def test_F006_each_recipient_hears_of_itself_and_the_mail_is_ours(lmtp: Opening, store: Store) -> None:
    door = lmtp()
    with Mta(door.at) as mta:
        assert "LMTP" in mta.greeting
        rcpt = mta.begin("help+x@example.com", "nobody@example.com", "support@example.com")
        assert [each[:9] for each in rcpt] == ["250 2.1.5", "550 5.1.1", "250 2.1.5"]
        replies = mta.data(MAIL, 2)
        assert mta.say("QUIT").startswith("221")
    ids = {row.mailbox: row.mail for row in store.archive.mails()}
    assert replies == [
        f"250 2.0.0 <help+x@example.com> {ids['system']}",
        f"250 2.0.0 <support@example.com> {ids['support']}",
    ]
    assert [store.archive.raw(each).content for each in ids.values()] == [MAIL, MAIL]
    envelope = store.archive.raw(ids["system"]).envelope
    assert (envelope.reverse_path, envelope.forward_paths) == ("jane@big.example", ("help+x@example.com",))
    assert mails(store) == [("support", "received"), ("system", "received")]
    door.decide()
    assert mails(store) == [("support", "duplicate"), ("system", "done")]


def test_a_mail_that_comes_again_is_known_by_its_bytes(lmtp: Opening, store: Store) -> None:
    at = lmtp().at
    for _ in range(3):
        with Mta(at) as mta:
            (reply,) = mta.hand_over(MAIL, "help@example.com")
            assert reply.startswith("250")
    assert mails(store) == [("system", "received")]


def test_the_queue_id_that_the_mail_server_tells_is_in_the_transport_key(lmtp: Opening, store: Store) -> None:
    with Mta(lmtp().at) as mta:
        assert "XFORWARD IDENT" in mta.say("LHLO x")
        mta.say("XFORWARD IDENT=4Xyz+2E7")
        mta.hand_over(MAIL, "help@example.com")
        mta.hand_over(MAIL + b"2\r\n", "help@example.com")
    keys = [key for (key,) in store.database.rows("SELECT key FROM presentation ORDER BY inbound_id")]
    assert keys[0] == "pipe/4Xyz.7/help@example.com"
    assert keys[1].startswith("pipe/") and "4Xyz" not in keys[1], "it belonged to the mail before"


def test_two_mailboxes_are_one_transaction(lmtp: Opening, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.store.spool import Spool

    once = Spool._spool

    def breaks(self: Any, raw: Any, *rest: Any) -> Any:
        if raw.origin.mailbox == "support":
            from engine.store.errors import StoreError

            raise StoreError("the disk is full")
        return once(self, raw, *rest)

    monkeypatch.setattr(Spool, "_spool", breaks)
    with Mta(lmtp().at) as mta:
        replies = mta.hand_over(MAIL, "help@example.com", "support@example.com")
        assert [each[:9] for each in replies] == ["451 4.3.0"] * 2 and "the disk is full" in replies[0]
        assert mails(store) == []
        monkeypatch.undo()
        assert [each[:3] for each in mta.hand_over(MAIL, "help@example.com", "support@example.com")] == ["250"] * 2


def test_too_little_room_is_later_by_its_own_status(lmtp: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.run.room.free", lambda config: 0)
    with Mta(lmtp().at) as mta:
        (reply,) = mta.hand_over(MAIL, "help@example.com")
        assert reply.startswith("451 4.3.1 ") and "store.keep_free" in reply
        monkeypatch.undo()
        assert [each[:3] for each in mta.hand_over(MAIL, "help@example.com")] == ["250"]


def test_a_locked_database_is_later_for_everybody(
    lmtp: Opening, store: Store, monkeypatch: pytest.MonkeyPatch, config: Any
) -> None:
    monkeypatch.setattr("engine.doors.reception.BUSY_S", 0.3)
    with Mta(lmtp().at) as mta:
        with databases.locked(config.store.where):
            said = mta.hand_over(MAIL, "help@example.com", "help+1@example.com")
        assert [each[:3] for each in said] == ["451", "451"]
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")


def test_a_mail_whose_turn_does_not_come_is_later(lmtp: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.doors.reception.PATIENCE_S", -1.0)
    with Mta(lmtp().at) as mta:
        assert "busy for too long" in mta.hand_over(MAIL, "help@example.com")[0]


@pytest.mark.parametrize("where", ["upgraded", "restored"])
def test_nothing_is_taken_while_the_database_is_upgraded_or_restored(
    lmtp: Opening, config: Any, monkeypatch: pytest.MonkeyPatch, where: str, store: Store
) -> None:
    monkeypatch.setattr("engine.doors.taking.UPGRADE_WAIT_S", 0.0)
    with Mta(lmtp().at) as mta:
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")
        lock = store.database.pass_lock()
        assert lock is not None and lock.acquire()
        assert mta.hand_over(MAIL + b"2", "help@example.com")[0].startswith("451")
        lock.release()
    assert len(mails(store)) == 1


@pytest.mark.sqlite
def test_a_database_that_was_put_in_its_place_is_opened_anew(lmtp: Opening, config: Any, store: Store) -> None:
    path: Path = config.store.path
    with Mta(lmtp().at) as mta:
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")
        store.close()
        copy = path.with_name("copy")
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        copy.replace(path)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        assert mta.hand_over(MAIL + b"2", "help@example.com")[0].startswith("250")
    with Store.open(path) as there:
        assert len(mails(there)) == 2


def small(config: Any, raw: str = "2 kB") -> None:
    """Let mail be no larger than that, from now on: the file is read again."""
    config.path.write_text(config.path.read_text() + f'[limits]\nraw = "{raw}"\n')


def test_too_big_is_said_at_once_where_it_is_told_and_at_the_end_where_it_is_not(
    lmtp: Opening, config: Any, store: Store
) -> None:
    small(config)
    with Mta(lmtp().at) as mta:
        assert "SIZE 2048" in mta.say("LHLO x")
        assert mta.say("MAIL FROM:<a@b> SIZE=2049").startswith("552 5.3.4")
        replies = mta.hand_over(MAIL + b"x" * 100_000, "help@example.com", "support@example.com")
        assert [each[:9] for each in replies] == ["552 5.3.4"] * 2
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250"), "and it goes on"
    assert len(mails(store)) == 1


def test_a_configuration_that_changes_is_heard_of_and_one_that_breaks_is_later(
    lmtp: Opening, config: Any, tmp_path: Path
) -> None:
    text = config.path.read_text()
    with Mta(lmtp().at) as mta:
        assert mta.begin("new@example.com")[0].startswith("550")
        mta.say("RSET")
        config.path.write_text(text.replace('"help@example.com"', '"help@example.com", "new@example.com"'))
        assert mta.hand_over(MAIL, "new@example.com")[0].startswith("250")
        config.path.write_text(text + "[nonsense]\n")
        mta.say("LHLO x")
        assert mta.say("MAIL FROM:<a@b>").startswith("451 4.3.5")
        config.path.unlink()
        assert mta.say("MAIL FROM:<a@b>").startswith("451 4.3.5")
        config.path.write_text(text)
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")
    assert "door.config allegra.toml does not load" in (tmp_path / "log").read_text()


def test_commands_may_come_all_at_once(lmtp: Opening) -> None:
    with Mta(lmtp().at) as mta:
        mta.socket.sendall(
            b"LHLO x\r\nmail from: <a@b> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<help@example.com>\r\nRCPT TO:<no@x>\r\n"
            b"rcpt to:<support@example.com>\r\nDATA\r\nSubject: x\r\n\r\ny\r\n.\r\nNOOP\r\nQUIT\r\n"
        )
        codes = [mta.hear()[:3] for _ in range(10)]
    assert codes == ["250", "250", "250", "550", "250", "354", "250", "250", "250", "221"]


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("EHLO x", "500 5.5.1"), ("LHLO", "501"), ("HELP", "500 5.5.2"), ("", "500"), ("RCPT TO:<a@b>", "503"),
        ("DATA", "503"), ("MAIL TO:<a@b>", "501"), ("MAIL FROM:a@b", "501"), ("MAIL FROM:<a@b> X=1", "555"),
        ("MAIL FROM:<a@b> SIZE=x", "555"), ("MAIL FROM:<a\x07@b>", "501 5.1.3"), ("VRFY x", "252"), ("BDAT 1", "500"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_costs_nothing(lmtp: Opening, said: str, reply: str) -> None:
    with Mta(lmtp().at) as mta:
        mta.say("LHLO x")
        assert mta.say(said).startswith(reply)
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")


def test_odd_senders_are_senders(lmtp: Opening, store: Store) -> None:
    wanted = ["", 'a"b >c"@x', "ü@bücher.example", "user@x"]
    with Mta(lmtp().at) as mta:
        for number, sender in enumerate(("", 'a"b >c"@x', "ü@bücher.example", "@relay,@other:user@x")):
            mta.begin("help@example.com", sender=sender)
            assert mta.data(MAIL + bytes(str(number), "ascii"))[0].startswith("250")
    found = store.database.rows("SELECT reverse_path FROM inbound ORDER BY id")
    assert [sender for (sender,) in found] == wanted


def test_what_never_makes_sense_is_let_go(lmtp: Opening) -> None:
    at = lmtp().at
    with Mta(at) as mta:
        replies = [mta.say("NONSENSE") for _ in range(20)]
        assert mta.hear().startswith("421 4.7.0") and {each[:3] for each in replies} == {"500"}
    with Mta(at) as mta:
        mta.socket.sendall(b"x" * 10_000)
        assert mta.hear().startswith("500 5.5.2 the line is too long")
        assert mta.hear() == ""


def test_more_recipients_than_are_taken_at_a_time_are_later(lmtp: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.doors.lmtp.MOST_RECIPIENTS", 3)
    with Mta(lmtp().at) as mta:
        rcpt = mta.begin(*(f"help+{number}@example.com" for number in range(5)))
        assert [each[:9] for each in rcpt] == ["250 2.1.5"] * 3 + ["452 4.5.3"] * 2
        assert [each[:3] for each in mta.data(MAIL, 3)] == ["250"] * 3


def test_a_mail_that_holds_nothing_is_none(lmtp: Opening, store: Store) -> None:
    with Mta(lmtp().at) as mta:
        assert mta.hand_over(b" \r\n", "help@example.com")[0].startswith("554 5.6.0")
    assert mails(store) == []


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(lmtp: Opening, store: Store) -> None:
    at = lmtp().at
    for cut in (b"", b"Subject: x\r\n", MAIL + b"\r\n.\r"):
        with Mta(at) as mta:
            mta.begin("help@example.com")
            mta.say("DATA")
            mta.socket.sendall(cut)
    with Mta(at) as mta:
        assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")
    assert len(mails(store)) == 1


def test_who_drips_is_let_go_in_time_and_stops_nobody(lmtp: Opening, store: Store) -> None:
    at = lmtp(timeout=1.0).at
    with Mta(at) as slow, Mta(at) as in_a_mail, Mta(at) as silent:
        in_a_mail.begin("help@example.com")
        in_a_mail.say("DATA")
        over = threading.Event()

        def drip() -> None:
            try:
                while not over.wait(0.1):
                    slow.socket.sendall(b"N")
                    in_a_mail.socket.sendall(b"x\r\n")
            except OSError:
                pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
        with Mta(at) as quick:
            assert quick.hand_over(MAIL, "help@example.com")[0].startswith("250")
        assert [each.hear()[:9] for each in (slow, in_a_mail, silent)] == ["421 4.4.2"] * 3
        assert 0.9 < time.monotonic() - began < 5
        over.set()
        dripping.join()
    assert len(mails(store)) == 1


def test_one_client_too_many_is_later(lmtp: Opening) -> None:
    at = lmtp(clients=2).at
    with Mta(at) as first, Mta(at) as second:
        with Mta(at) as third:
            assert third.greeting.startswith("421 4.3.2 too many connections")
        assert first.say("NOOP").startswith("250") and second.say("QUIT").startswith("221")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with Mta(at) as again:
                if again.greeting.startswith("220"):
                    break
        assert again.greeting.startswith("220")


def test_who_is_turned_away_hears_why_although_it_still_sends(lmtp: Opening) -> None:
    at = lmtp(clients=1).at
    with Mta(at):
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(at)
                client.sendall(b"LHLO x\r\n" * 20_000)
                assert client.recv(100).startswith(b"421 4.3.2 too many connections")


def test_an_address_in_quotation_marks_is_the_same_address(lmtp: Opening, store: Store) -> None:
    with Mta(lmtp().at) as mta:
        (reply,) = mta.hand_over(MAIL, '"help+x"@example.com')
    assert reply.startswith('250 2.0.0 <"help+x"@example.com> m-')
    assert store.database.rows("SELECT forward_paths FROM inbound") == [("help+x@example.com",)]


def test_without_a_thread_for_it_a_client_is_one_too_many(lmtp: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    at = lmtp().at

    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        with Mta(at) as mta:
            assert mta.greeting.startswith("421 4.3.2")
    with Mta(at) as mta:
        assert mta.greeting.startswith("220")


def test_a_request_to_stop_ends_who_waits_and_finishes_what_is_in_hand(lmtp: Opening, store: Store) -> None:
    door = lmtp()
    with Mta(door.at) as idle, Mta(door.at) as busy:
        busy.begin("help@example.com", "support@example.com")
        busy.say("DATA")
        busy.socket.sendall(MAIL[:20])
        ending = threading.Thread(target=door.listener.end)
        ending.start()
        assert idle.hear().startswith("421 4.3.2 closing")
        busy.socket.sendall(MAIL[20:] + b"\r\n.\r\n")
        assert [busy.hear()[:3] for _ in range(3)] == ["250", "250", "421"]
        ending.join(10)
        assert not ending.is_alive()
    assert len(mails(store)) == 2


def test_a_fault_of_ours_costs_its_client_and_nobody_else(lmtp: Opening) -> None:
    door = lmtp(talking(b"220 hello\r\n"))
    with Mta(door.at) as mta:
        assert mta.hear().startswith("421 4.3.0 something broke")
    assert [str(each) for each in door.broken] == ["a fault of ours"]
    door.broken.clear()


def test_what_is_taken_and_refused_is_in_the_log(lmtp: Opening, tmp_path: Path) -> None:
    with Mta(lmtp().at) as mta:
        (reply,) = mta.hand_over(MAIL, "help@example.com", "nobody@example.com")
        mta.hand_over(MAIL, "help@example.com")
    mail = reply.split()[-1]
    lines = [line.split(maxsplit=1)[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert lines == [
        "warning lmtp.refused RCPT: there is no mailbox for nobody@example.com, from a unix socket",
        f"info    mail.taken {mail} system from jane@big.example for help@example.com by LMTP, {len(MAIL)} B",
        f"info    mail.seen {mail} system from jane@big.example for help@example.com by LMTP, {len(MAIL)} B",
    ]
