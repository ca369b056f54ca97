"""What is older than a mailbox is read from: on real servers, in files, by what a header says."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from servers.scripted import Scripted, pop3

from engine.sources import pop3 as pop3_source
from engine.sources.arrival import by_listing, is_before, of_from_line, of_header
from engine.sources.source import Listed, SourceError

SINCE = datetime(2026, 1, 10, 12, tzinfo=UTC)


def mail(at: datetime | None, number: int = 1) -> bytes:
    date = f"Date: {at:%a, %d %b %Y %H:%M:%S} +0000\r\n".encode() if at else b""
    return b"From: anna@example.com\r\n" + date + b"Subject: Number %d\r\n\r\nHello\r\n" % number


def judged(source, since=SINCE):
    """Which messages are older, by their place in the list, and which nobody asked about."""
    listed = source.list()
    found = source.judge(listed, since)
    keys = [each.key for each in listed]
    return [keys.index(key) for key in keys if key in found.older], [keys.index(k) for k in keys if k in found.unasked]


@pytest.mark.parametrize(
    ("header", "hour"),
    [
        (
            b"Received: from a; Sat, 10 Jan 2026 09:00:00 +0100\r\nReceived: x; Thu, 1 Jan 2026 00:00:00 +0000\r\n",
            8,
        ),
        (b"received: from a\r\n by b;\r\n\tSat, 10 Jan 2026 07:00:00 +0000 (UTC)\r\nDate: x\r\n", 7),
        (b"Received: from a by b without a date\r\nDate: Sat, 10 Jan 2026 06:00 -0000\r\n", 6),
        (b"Subject: x\nDate: 10 Jan 2026 05:00:00 GMT\n", 5),
        (b"Subject: x\r\n\r\n", None),
        (b"Date: 99 Foo 9999 99:99:99 +9999\r\n", None),
        (b"Date: \xff\xfe\x00\r\nReceived: ;;;\r\n", None),
        (b"", None),
    ],
)
def test_a_header_tells_when_a_mail_came(header, hour):
    assert of_header(header) == (None if hour is None else datetime(2026, 1, 10, hour, tzinfo=UTC))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"From anna@example.com Sat Jan 10 09:08:07 2026\n", True),
        (b"From anna@example.com  Sat, 10 Jan 2026 09:08:07 +0000\r\n", True),
        (b"From anna@example.com\n", False),
        (b"From \n", False),
        (b"From - some words that are no date\n", False),
    ],
)
def test_a_from_line_may_tell_when_a_mail_came(line, told):
    assert of_from_line(line) == (datetime(2026, 1, 10, 9, 8, 7, tzinfo=UTC) if told else None)


def test_what_has_no_date_is_new():
    listed = [Listed("a"), Listed("b", 1, SINCE), Listed("c", 1, SINCE - timedelta(seconds=1))]
    assert by_listing(listed, SINCE).older == {"c"}
    assert not is_before(None, SINCE)
    assert is_before(datetime(2026, 1, 10, 11), SINCE), "a server that tells no offset"


def test_imap_is_asked_for_the_day_and_then_for_the_hour(bench, dovecot):
    account = dovecot.account()
    times = [SINCE - timedelta(days=900), SINCE - timedelta(hours=20), SINCE - timedelta(minutes=1), SINCE,
             SINCE + timedelta(hours=30), SINCE + timedelta(days=30)]  # fmt: skip
    account.deliver(*(mail(None, number) for number in range(len(times))))
    for path, at in zip(account._files("INBOX"), times, strict=True):
        os.utime(path, (at.timestamp(), at.timestamp()))
    with bench.open(bench.of(account)) as source:
        assert judged(source) == ([0, 1, 2], [])
        assert judged(source, SINCE + timedelta(days=90)) == ([0, 1, 2, 3, 4, 5], [])
        assert judged(source, SINCE - timedelta(days=9000)) == ([], [])
    with bench.open(bench.of(account, query='NOT SUBJECT "Number 1"', use_message_id_as_uid=True)) as source:
        assert judged(source) == ([0, 1], []), "only what the query lists, whatever the keys are"


def test_pop3_is_asked_for_headers(bench, dovecot):
    account = dovecot.account()
    account.deliver(mail(SINCE - timedelta(days=1)), mail(SINCE), mail(None), mail(SINCE - timedelta(days=400)))
    with bench.open(bench.of(account, "pop3s")) as source:
        assert judged(source) == ([0, 3], [])
        assert len(source.list()) == 4, "the session goes on"


def test_pop3_asks_for_so_many_headers_in_a_pass_and_the_newest_first(bench, dovecot, monkeypatch):
    monkeypatch.setattr(pop3_source, "MOST_ASKED", 2)
    account = dovecot.account()
    account.deliver(*(mail(SINCE - timedelta(days=number), number) for number in (3, 2, 1)), mail(SINCE))
    with bench.open(bench.of(account, "pop3s")) as source:
        assert judged(source) == ([2], [0, 1])


def plain(bench, server):
    return bench.box(protocol="pop3", port=server.port, ssl=False, timeout=2.0)


def test_a_pop3_server_without_top_is_an_error_and_not_a_flood(bench):
    with (
        Scripted(pop3(mails=(mail(SINCE, 1), mail(SINCE, 2), mail(SINCE, 3)))) as server,
        pytest.raises(SourceError) as caught,
        bench.open(plain(bench, server)) as source,
    ):
        judged(source)
    assert (caught.value.code, "TOP" in caught.value.sentence) == ("source.protocol", True)


def test_one_header_that_is_refused_is_new(bench):
    def top(talk, rest):
        talk.send("-ERR broken" if rest.startswith(b"2") else "+OK\r\nDate: 1 Jan 2020 00:00:00 +0000\r\n\r\n.")

    with (
        Scripted(pop3(mails=(mail(None, 1), mail(None, 2), mail(None, 3)), top=top)) as server,
        bench.open(plain(bench, server)) as source,
    ):
        assert judged(source) == ([0, 2], [])


def test_a_session_that_ends_at_a_header_names_the_message(bench):
    def top(talk, rest):
        raise ConnectionError

    with (
        Scripted(pop3(mails=(mail(None),), top=top)) as server,
        pytest.raises(SourceError) as caught,
        bench.open(plain(bench, server)) as source,
    ):
        judged(source)
    assert caught.value.key == "m1"


def test_a_maildir_tells_by_the_time_of_its_files(bench, tmp_path):
    for name in ("tmp", "new", "cur"):
        (tmp_path / "box" / name).mkdir(parents=True)
    for number, at in enumerate((SINCE - timedelta(days=1), SINCE, SINCE + timedelta(days=1))):
        path = tmp_path / "box" / "new" / f"{number}.test"
        path.write_bytes(mail(None, number))
        os.utime(path, (at.timestamp(), at.timestamp()))
    with bench.open(bench.box(protocol="maildir", path=tmp_path / "box")) as source:
        assert judged(source) == ([0], [])


def test_an_mbox_tells_by_its_from_lines_else_by_its_own_time(bench, tmp_path):
    file = tmp_path / "mbox"
    file.write_bytes(
        b"From a@example.com Fri Jan  9 00:00:00 2026\nSubject: one\n\n1\n\n"
        b"From a@example.com Sun Jan 11 00:00:00 2026\nSubject: two\n\n2\n\n"
        b"From a@example.com\nSubject: three\n\n3\n"
    )
    box = bench.box(protocol="mbox", path=file)
    os.utime(file, (SINCE.timestamp() + 9e5,) * 2)
    with bench.open(box) as source:
        assert judged(source) == ([0], [])
    os.utime(file, (SINCE.timestamp() - 9e5,) * 2)
    with bench.open(box) as source:
        assert judged(source) == ([0, 2], [])
