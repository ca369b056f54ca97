"""IMAP against a real Dovecot: listing, fetching, looking."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from engine.sources.source import SourceError


@pytest.mark.parametrize(("port", "ssl"), [("imaps", True), ("imap", "starttls"), ("imap", False)])
def test_F002_F008_F009_mail_is_fetched_over_tls_starttls_and_plain(bench, dovecot, mails, port, ssl):
    account = dovecot.account()
    account.deliver(*mails(3))
    assert bench.read(bench.of(account, port, ssl=ssl)) == mails(3)


def test_F012_the_system_mailbox_and_one_of_a_workspace_are_read_apart(bench, dovecot, mails):
    system, support = dovecot.account(), dovecot.account()
    first, second = mails(2)
    system.deliver(first)
    support.deliver(second)
    assert bench.read(bench.of(system)) == [first]
    assert bench.read(bench.of(support, name="support", workspace="support")) == [second]


def test_listing_and_fetching_leave_no_mark_on_the_server(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(2))
    bench.read(bench.of(account))
    assert account.mails() == mails(2)
    assert set(account.flags()) == {""}


def test_a_raw_mail_knows_where_it_comes_from(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(1))
    with bench.open(bench.of(account)) as source:
        (listed,) = source.list()
        (raw,) = source.fetch([listed.key], bench.limits)
        assert listed.key == f"INBOX/{source.epoch()}/1"
    assert raw.origin.mailbox == "system"
    assert raw.origin.key == listed.key
    assert raw.origin.size_bytes == len(raw.content)
    assert raw.digest == hashlib.sha256(mails(1)[0]).hexdigest()
    assert raw.received_at == bench.now


def test_F016_seen_mail_is_listed_too_and_deleted_mail_is_not(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(3))
    account.doveadm("flags", "add", "\\Seen", "mailbox", "INBOX", "uid", "1")
    account.doveadm("flags", "add", "\\Deleted", "mailbox", "INBOX", "uid", "2")
    with bench.open(bench.of(account)) as source:
        assert [each.key.rpartition("/")[2] for each in source.list()] == ["1", "3"]


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        ('SUBJECT "Number 2"', ["2"]),
        ('OR SUBJECT "Number 1" SUBJECT "Number 3"', ["1", "3"]),
        ('SUBJECT "Gr\u00fc\u00dfe"', ["4"]),
        ('NOT (SUBJECT "Number")', ["4"]),
        ("LARGER 100000", []),
    ],
)
def test_F016_the_query_narrows_the_list(bench, dovecot, mails, query, uids):
    account = dovecot.account()
    account.deliver(*mails(3), "Subject: Gr\u00fc\u00dfe\r\n\r\nx\r\n".encode())
    with bench.open(bench.of(account, query=query)) as source:
        assert [each.key.rpartition("/")[2] for each in source.list()] == uids


def test_a_query_the_server_does_not_understand_is_a_plain_sentence(bench, dovecot):
    account = dovecot.account()
    with bench.open(bench.of(account, query="UNREADABLE (")) as source, pytest.raises(SourceError) as caught:
        source.list()
    assert caught.value.code == "source.query"
    assert caught.value.sentence.startswith(f"mailbox system: localhost:{dovecot.imaps} does not accept the query")


def test_F016_the_order_may_be_turned(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(3))
    assert bench.read(bench.of(account, order="newest-first")) == mails(3)[::-1]


@pytest.mark.parametrize("folder", ["Sub/Folder", "Entw\u00fcrfe", 'odd "name"', "back\\slash", "with & and ~"])
def test_F007_mail_is_read_from_a_folder_of_any_name(bench, dovecot, mails, folder):
    account = dovecot.account()
    account.doveadm("mailbox", "create", folder)
    account.doveadm("save", "-m", folder)
    with bench.open(bench.of(account, folder=folder)) as source:
        (listed,) = source.list()
        assert len(list(source.fetch([listed.key], bench.limits))) == 1
        assert listed.key.count("/") == 2
        assert folder in source.folders()


def test_F007_a_folder_that_is_missing_is_named(bench, dovecot):
    with (
        pytest.raises(SourceError, match="Nowhere") as caught,
        bench.open(bench.of(dovecot.account(), folder="Nowhere")),
    ):
        pass
    assert caught.value.code == "source.folder_missing"


@pytest.mark.parametrize("name", ["a\r\nA1 CREATE evil", "a\nb", "a\0b"])
@pytest.mark.parametrize("option", ["folder", "username", "password", "query"])
def test_a_line_break_in_a_name_never_reaches_the_server(bench, dovecot, chaos, name, option):
    account = dovecot.account()
    proxy = chaos(dovecot.imap)
    box = bench.of(account, "imap", port=proxy.port, **{option: name})
    with pytest.raises(SourceError) as caught, bench.open(box) as source:
        source.list()
    assert caught.value.code == "source.bad_name"
    assert b"evil" not in proxy.heard


def test_F044_of_a_mail_over_the_limit_only_the_header_is_taken(bench, dovecot, mails):
    account = dovecot.account()
    big = b"Subject: Big\r\nFrom: a@example.com\r\n\r\n" + b"x" * 70 + b"\r\n" + b"y" * 20_000 + b"\r\n"
    account.deliver(mails(1)[0], big, mails(2)[1])
    limits = type(bench.limits)(raw=10_000, header_block=1000)
    with bench.open(bench.of(account), limits) as source:
        raws = list(source.fetch([each.key for each in source.list()], limits))
    assert [raw.truncated for raw in raws] == [False, True, False]
    assert raws[1].content == b"Subject: Big\r\nFrom: a@example.com\r\n\r\n"
    assert raws[1].origin.size_bytes == len(big)


def test_many_mails_come_in_order_and_whole(bench, dovecot):
    account = dovecot.account()
    sent = [b"Subject: %d\r\n\r\n" % n + b"z" * (n * 37 % 900) + b"\r\n" for n in range(120)]
    account.deliver(*sent)
    assert bench.read(bench.of(account)) == sent


def test_bytes_come_unchanged(bench, dovecot):
    account = dovecot.account()
    odd = b"Subject: =?x?\r\n\r\n" + bytes(range(1, 256)).replace(b"\n", b"").replace(b"\r", b"") + b"\r\n.\r\n..\r\n"
    account.deliver(odd)
    assert bench.read(bench.of(account)) == [odd]


def test_a_mail_that_went_away_meanwhile_is_left_out(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(3))
    with bench.open(bench.of(account)) as source:
        keys = [each.key for each in source.list()]
        account.doveadm("expunge", "mailbox", "INBOX", "uid", "2")
        assert [raw.content for raw in source.fetch(keys, bench.limits)] == [mails(3)[0], mails(3)[2]]


def test_keys_of_another_epoch_or_folder_fetch_nothing(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(1))
    with bench.open(bench.of(account)) as source:
        epoch = source.epoch()
        keys = [f"INBOX/{int(epoch) + 1}/1", f"Other/{epoch}/1", "INBOX/x/1", "nonsense", ""]
        assert list(source.fetch(keys, bench.limits)) == []


def test_a_new_uidvalidity_is_a_new_epoch(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(1))
    bench.read(bench.of(account))
    account.doveadm("mailbox", "update", "--uid-validity", "4242", "INBOX")
    with bench.open(bench.of(account)) as source:
        assert source.epoch() == "4242"
        assert source.list()[0].key == "INBOX/4242/1"


def test_F017_use_message_id_as_uid_survives_new_numbers(bench, dovecot, mails):
    account = dovecot.account()
    twin = mails(1)[0].replace(b"Subject:", b"Received: by mx.example\r\nSubject:")
    account.deliver(*mails(2), twin, b"Subject: without\r\n\r\nx\r\n")
    box = bench.of(account, use_message_id_as_uid=True)
    with bench.open(box) as source:
        before = [each.key for each in source.list()]
    account.doveadm("mailbox", "update", "--uid-validity", "77", "INBOX")
    with bench.open(box) as source:
        assert [each.key for each in source.list()][:3] == before[:3]
        assert len({*before}) == 4
        assert [raw.content for raw in source.fetch(before[:3], bench.limits)] == [*mails(2), twin]
    assert before[0].startswith("mid:<n1@example.com>#")


def test_F014_peek_shows_headers_and_leaves_no_mark(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(7))
    with bench.open(bench.of(account)) as source:
        seen = source.peek(5)
    assert [b"Subject: Number %d" % n in each.header for n, each in enumerate(seen, 1)] == [True] * 5
    assert seen[0].internaldate is not None
    assert seen[0].size_bytes == len(mails(1)[0])
    assert all(first.internaldate <= second.internaldate for first, second in pairwise(seen))
    assert set(account.flags()) == {""}


def test_F014_describe_tells_what_the_server_can(bench, dovecot):
    with bench.open(bench.of(dovecot.account(), move_on_success="Allegra/Done")) as source:
        told = dict(source.describe())
    assert told["encryption"].startswith("TLSv1.")
    assert "MOVE UIDPLUS" in told["server can"]
    assert told["move_on_success"] == "Allegra/Done (will be made)"


@pytest.mark.parametrize("auth", ["login", "plain", "cram-md5"])
def test_F010_every_way_to_log_in(bench, dovecot, mails, auth):
    account = dovecot.account()
    account.deliver(*mails(1))
    assert bench.read(bench.of(account, "imap", auth=auth)) == mails(1)


def test_a_refused_login_is_a_sentence_without_the_password(bench, dovecot):
    account = dovecot.account()
    with pytest.raises(SourceError) as caught, bench.open(bench.of(account, password="canary-wrong")):
        pass
    assert caught.value.code == "source.login_refused"
    assert f"refuses the login of {account.user}" in caught.value.sentence
    assert "canary" not in caught.value.sentence
