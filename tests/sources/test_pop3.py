"""POP3 against a real Dovecot, and against servers that are not what they should be."""

from __future__ import annotations

import time
from contextlib import contextmanager

import pytest
from servers.scripted import BODY, Scripted, pop3

from engine.sources.source import Action, SourceError, content_key

QUICK_S = 0.4


def keys(source):
    return [each.key for each in source.list()]


def doomed(source):
    return [Action(key, "delete") for key in keys(source)]


def states(settled):
    return [each.state for each in settled]


@pytest.mark.parametrize(("port", "ssl"), [("pop3s", True), ("pop3", "starttls"), ("pop3", False)])
def test_F003_F009_mail_is_fetched_over_tls_stls_and_plain(bench, dovecot, mails, port, ssl):
    account = dovecot.account()
    account.deliver(*mails(3))
    assert bench.read(bench.of(account, port, ssl=ssl)) == mails(3)
    assert account.mails() == mails(3)


@pytest.mark.parametrize("auth", ["login", "user", "plain", "auth-login", "cram-md5", "apop"])
def test_F010_every_way_to_log_in(bench, dovecot, mails, auth):
    account = dovecot.account()
    account.deliver(*mails(1))
    assert bench.read(bench.of(account, "pop3", auth=auth)) == mails(1)


@pytest.mark.parametrize("auth", ["login", "plain", "cram-md5", "apop"])
def test_a_refused_login_is_a_sentence_without_the_password(bench, dovecot, auth):
    account = dovecot.account()
    with (
        pytest.raises(SourceError) as caught,
        bench.open(bench.of(account, "pop3", auth=auth, password="canary-wrong")),
    ):
        pass
    assert caught.value.code == "source.login_refused"
    assert "canary" not in caught.value.sentence


def test_keys_are_uidls_and_stay(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(2))
    box = bench.of(account, "pop3s")
    with bench.open(box) as source:
        before = keys(source)
        assert [each.size_bytes for each in source.list()] == [len(each) for each in mails(2)]
    with bench.open(box) as source:
        assert keys(source) == before
    assert len({*before}) == 2


def test_F025_deleting_takes_effect_and_twice_is_gone(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(3))
    with bench.open(bench.of(account, "pop3s")) as source:
        planned = doomed(source)[:2]
        assert states(source.settle(planned)) == ["done", "done"]
        assert len(source.list()) == 1
        assert states(source.settle(planned)) == ["gone", "gone"]
    assert account.mails() == mails(3)[2:]


def test_F031_keep_and_seen_leave_the_mail_and_move_is_impossible(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(1))
    with bench.open(bench.of(account, "pop3s")) as source:
        (key,) = keys(source)
        settled = [source.settle([Action(key, kind, "Done")])[0] for kind in ("keep", "seen", "move")]
    assert states(settled) == ["done", "done", "failed"]
    assert account.mails() == mails(1)


@pytest.mark.parametrize("fault", ["drop_reply", "drop_command"])
def test_a_quit_that_was_not_answered_deletes_nothing_for_certain_and_is_repeated(bench, dovecot, chaos, mails, fault):
    account = dovecot.account()
    account.deliver(*mails(3))
    proxy = chaos(dovecot.pop3)
    setattr(proxy, fault, b"QUIT")
    box = bench.of(account, "pop3", port=proxy.port, ssl=False)
    with pytest.raises(SourceError), bench.open(box) as source:
        planned = doomed(source)
        source.settle(planned)
    with bench.open(box) as source:
        again = states(source.settle(planned))
    assert again == (["gone"] * 3 if fault == "drop_reply" else ["done"] * 3)
    assert account.mails() == []


def test_leaving_in_the_middle_of_deleting_deletes_nothing(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(2))
    with pytest.raises(KeyboardInterrupt), bench.open(bench.of(account, "pop3s")) as source:
        source._ready().mark(1)
        raise KeyboardInterrupt
    assert account.mails() == mails(2)


def test_a_session_holds_at_most_fifty_messages(bench, dovecot, chaos, mails):
    account = dovecot.account()
    account.deliver(*mails(120))
    proxy = chaos(dovecot.pop3)
    box = bench.of(account, "pop3", port=proxy.port, ssl=False)
    assert bench.read(box) == mails(120)
    assert proxy.heard.count(b"PASS ") == 3
    with bench.open(box) as source:
        assert states(source.settle(doomed(source))) == ["done"] * 120
    assert account.mails() == []
    assert proxy.heard.count(b"PASS ") == 6


def test_fetching_goes_on_after_settling_in_between(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(5))
    with bench.open(bench.of(account, "pop3s")) as source:
        got = []
        for raw in source.fetch(keys(source), bench.limits):
            got.append(raw.content)
            source.settle([Action(raw.origin.key, "delete")])
    assert got == mails(5)
    assert account.mails() == []


def test_lines_of_any_length_and_dots_come_unchanged(bench, dovecot):
    account = dovecot.account()
    odd = [
        b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n",
        b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\nx.\r\n.\r\n",
        b".first\r\n\r\nbody\r\n",
        b"Subject: bytes\r\n\r\n" + bytes(range(128, 256)) + b"\r\n",
    ]
    account.deliver(*odd)
    assert bench.read(bench.of(account, "pop3s")) == odd


def test_F044_of_a_mail_over_the_limit_only_the_header_is_taken(bench, dovecot, mails):
    account = dovecot.account()
    big = b"Subject: Big\r\n\r\n" + b"y" * 20_000 + b"\r\n"
    account.deliver(mails(1)[0], big, mails(2)[1])
    limits = type(bench.limits)(raw=10_000, header_block=1000)
    with bench.open(bench.of(account, "pop3s"), limits) as source:
        raws = list(source.fetch(keys(source), limits))
    assert [raw.truncated for raw in raws] == [False, True, False]
    assert raws[1].content == b"Subject: Big\r\n\r\n"
    assert raws[1].origin.size_bytes == len(big)


def test_F014_peek_shows_headers(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(3))
    with bench.open(bench.of(account, "pop3s")) as source:
        assert [b"Subject: Number %d" % n in each.header for n, each in enumerate(source.peek(2), 1)] == [True, True]
        assert dict(source.describe())["messages"] == "3"


@pytest.mark.parametrize(
    "uidl",
    [
        "-ERR no UIDL",
        "+OK\r\n1 same\r\n2 same\r\n.",
        "+OK\r\n.",
        "+OK\r\n1 \x07\r\n2 " + "x" * 300 + "\r\n.",
        "+OK\r\nx y\r\n.",
    ],
    ids=["missing", "twice", "empty", "odd", "nonsense"],
)
def test_without_unique_ids_the_key_is_the_content(bench, uidl):
    mails = (b"Subject: one\r\n", b"Subject: two\r\n")
    with Scripted(pop3(mails=mails, uidl=uidl)) as server:
        with bench.open(bench.box(protocol="pop3", port=server.port, ssl=False)) as source:
            assert keys(source) == [content_key(each) for each in mails]
            assert [raw.content for raw in source.fetch(keys(source), bench.limits)] == list(mails)
            assert states(source.settle(doomed(source)[1:])) == ["done"]
        assert b"DELE 2" in server.heard
        assert b"DELE 1" not in server.heard


def test_F017_use_message_id_as_uid(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(2))
    with bench.open(bench.of(account, "pop3s", use_message_id_as_uid=True)) as source:
        assert [key.partition("#")[0] for key in keys(source)] == ["mid:<n1@example.com>", "mid:<n2@example.com>"]
        assert [raw.content for raw in source.fetch(keys(source), bench.limits)] == mails(2)


# ── servers that are not what they should be ──────────────────────────────────────────────────────────────────


@contextmanager
def serving(bench, script):
    with Scripted(script) as server, bench.open(bench.box(protocol="pop3", port=server.port, ssl=False)) as source:
        yield source


def against(bench, script, deed=lambda source: None, **options):
    options = {"protocol": "pop3", "ssl": False, "timeout": QUICK_S} | options
    with Scripted(script) as server:
        began = time.monotonic()
        with pytest.raises(SourceError) as caught, bench.open(bench.box(port=server.port, **options)) as source:
            deed(source)
        assert time.monotonic() - began < 3
        caught.value.heard = server.heard  # type: ignore[attr-defined]
        return caught.value


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (lambda talk: talk.drip(b"+OK " + b"x" * 500), "source.timeout"),
        (lambda talk: talk.hang(), "source.timeout"),
        (lambda talk: talk.raw(b"x" * 100_000), "source.protocol"),
        (lambda talk: talk.send("* OK IMAP ready"), "source.protocol"),
        (lambda talk: None, "source.unreachable"),
        (pop3(greeting="-ERR [SYS/TEMP] closed"), "source.busy"),
        (pop3(**{"pass": "-ERR [IN-USE] locked by another session"}), "source.busy"),
        (pop3(**{"pass": "-ERR [AUTH] wrong"}), "source.login_refused"),
        (pop3(list="-ERR no"), "source.protocol"),
        (pop3(list="+OK\r\none two\r\n."), "source.protocol"),
        (pop3(list="+OK\r\n1 99999999999999999999\r\n."), "source.protocol"),
        (pop3(uidl=lambda talk, rest: talk.drip(b"+OK\r\n" + b"1 x\r\n" * 200)), "source.timeout"),
    ],
)
def test_a_bad_server_is_left_in_time_with_a_sentence(bench, script, code):
    error = against(bench, script)
    assert error.code == code
    assert error.sentence.startswith("mailbox system: localhost:")


def test_a_listing_without_end_is_cut(bench):
    def endless(talk, rest):
        talk.raw(b"+OK\r\n")
        for _ in range(2000):
            talk.raw(b"1 abc\r\n" * 10_000)

    assert against(bench, pop3(uidl=endless), timeout=5.0).code == "source.protocol"


def test_a_message_far_over_its_size_is_not_read(bench):
    def endless(talk, rest):
        talk.raw(b"+OK\r\n")
        for _ in range(2000):
            talk.raw(b"x" * 100_000)

    limits = type(bench.limits)(raw=100_000, header_block=1000)
    error = against(bench, pop3(retr=endless), lambda source: list(source.fetch(["m1"], limits)), timeout=5.0)
    assert (error.code, error.key) == ("source.protocol", "m1")


def test_a_message_that_is_refused_does_not_stop_the_others(bench):
    def second_only(talk, rest):
        if rest == b"1":
            talk.send("-ERR broken")
        else:
            talk.raw(b"+OK\r\n" + BODY + b".\r\n")

    with serving(bench, pop3(mails=(BODY, BODY), retr=second_only)) as source:
        assert [raw.origin.key for raw in source.fetch(keys(source), bench.limits)] == ["m2"]


def test_a_quit_that_is_refused_is_not_done(bench):
    with serving(bench, pop3(quit="-ERR some messages not removed")) as source:
        (settled,) = source.settle([Action("m1", "delete")])
    assert settled.state == "failed"


def test_a_message_that_cannot_be_marked_fails_alone(bench):
    dele = lambda talk, rest: talk.send("-ERR locked" if rest == b"1" else "+OK")  # noqa: E731
    with serving(bench, pop3(mails=(BODY, BODY), dele=dele)) as source:
        assert states(source.settle(doomed(source))) == ["failed", "done"]


@pytest.mark.parametrize("option", ["username", "password"])
def test_a_line_break_in_a_credential_never_reaches_the_server(bench, option):
    error = against(bench, pop3(), **{option: "a\r\nDELE 1"})
    assert error.code == "source.bad_name"
    assert b"DELE" not in error.heard


def test_apop_wants_a_time_stamp(bench):
    error = against(bench, pop3(greeting="+OK no stamp"), auth="apop")
    assert error.code == "source.login_refused"
    assert b"APOP" not in error.heard


def test_a_server_without_user_gets_auth_login(bench):
    def log_in(talk, rest):
        assert rest == b"LOGIN"
        talk.send("+ VXNlcm5hbWU6")
        assert talk.line() == b"c29tZWJvZHk="
        talk.send("+ UGFzc3dvcmQ6")
        talk.line()
        talk.send("+OK")

    with Scripted(pop3(capa="+OK\r\nSASL LOGIN\r\nUIDL\r\n.", auth=log_in)) as server:
        assert bench.read(bench.box(protocol="pop3", port=server.port, ssl=False)) == [BODY]


def test_challenges_without_end_are_left(bench):
    def ask(talk, rest):
        for _ in range(50):
            talk.send("+ eA==")
            talk.line()

    assert against(bench, pop3(auth=ask), auth="plain").code == "source.protocol"
