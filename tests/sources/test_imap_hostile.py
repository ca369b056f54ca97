"""IMAP servers that are slow, broken or hostile: the session ends in time, in a sentence, with nothing wrong done."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from servers.scripted import BODY, Scripted, imap

from engine.sources.source import Action, SourceError

QUICK_S = 0.4
KEY = "INBOX/9/7"


def against(bench, script, deed, **options):
    """Run a deed against a script; gives the error and how long it took."""
    options = {"ssl": False, "timeout": QUICK_S} | options
    with Scripted(script) as server:
        began = time.monotonic()
        with pytest.raises(SourceError) as caught, bench.open(bench.box(port=server.port, **options)) as source:
            deed(source)
        caught.value.heard = server.heard  # type: ignore[attr-defined]
        return caught.value, time.monotonic() - began


def fetch(source):
    return list(source.fetch([KEY], source._limits))


def listed(source):
    return source.list()


def says(*lines):
    return lambda talk, tag, rest: (talk.send(*lines), talk.hang())


def test_the_scripted_server_is_sound_when_nothing_spoils_it(bench):
    with Scripted(imap()) as server, bench.open(bench.box(port=server.port, ssl=False)) as source:
        assert [each.key for each in source.list()] == [KEY]
        assert [raw.content for raw in fetch(source)] == [BODY]
        assert source.settle([Action(KEY, "move", "Done")])[0].state == "done"


@pytest.mark.parametrize(
    "script",
    [
        lambda talk: talk.drip(b"* OK " + b"x" * 500),
        lambda talk: talk.hang(),
        imap(login=lambda talk, tag, rest: talk.drip(b"* OK " + b"x" * 500)),
        imap(uid_search=lambda talk, tag, rest: talk.drip(b"* SEARCH" + b" 1" * 500)),
        imap(examine=lambda talk, tag, rest: talk.hang()),
    ],
)
def test_a_server_that_drips_or_hangs_is_left_at_the_deadline(bench, script):
    error, took = against(bench, script, listed)
    assert error.code == "source.timeout"
    assert error.sentence.startswith("mailbox system: localhost:")
    assert took < 10 * QUICK_S  # the drips would go on for a minute


def test_a_body_that_drips_is_left_at_the_deadline_of_the_fetch(bench):
    script = imap(
        uid_fetch=lambda talk, tag, rest: (
            (talk.drip(b"* 1 FETCH (UID 7 BODY[] {500}\r\n" + b"x" * 500), talk.hang())
            if b"BODY" in rest
            else talk.send("* 1 FETCH (UID 7 RFC822.SIZE 500)", tag + b" OK x")
        )
    )
    error, took = against(bench, script, fetch, timeout=0.1)
    assert error.code == "source.timeout"
    assert error.key == KEY
    assert took < 2


def flood(line, times=3000):
    def script(talk, tag, rest):
        for _ in range(times):
            talk.raw(line * 1000)

    return script


@pytest.mark.parametrize(
    "script",
    [
        imap(uid_search=flood(b"* 1 FETCH (UID 1)\r\n")),
        imap(uid_search=flood(b"* OK still here\r\n")),
        imap(uid_search=flood(b"+ go on\r\n")),
        imap(examine=flood(b"x" * 100)),
        imap(login=flood(b"* " + b"A" * 50 + b" x\r\n")),
        imap(list="* LIST () NIL " + "(" * 5000),
        imap(uid_search="* SEARCH 1 {6000000000}"),
        imap(
            uid_search=lambda talk, tag, rest: talk.send(
                *(f"* X{chr(65 + n % 26)}{chr(65 + n // 26)} y" for n in range(600))
            )
        ),
    ],
    ids=["untagged", "ok", "continuation", "line", "kinds", "nesting", "literal", "words"],
)
def test_an_answer_without_end_ends_the_session_and_costs_little_memory(bench, script):
    tracemalloc.start()
    try:
        error, _ = against(bench, script, lambda source: (source.list(), source.folders()), timeout=0.8)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert error.code in ("source.protocol", "source.timeout")
    assert peak < 100_000_000  # 64 MB for the session, the rest is what the flooding server itself holds


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("* SEARCH 1 two", "source.protocol"),
        ("* SEARCH 0", "source.protocol"),
        ("* SEARCH 99999999999", "source.protocol"),
        ("* SEARCH -5", "source.protocol"),
        ("* 5 5 5", "source.protocol"),
        ("nonsense", "source.protocol"),
        ("* BYE going down", "source.unreachable"),
    ],
)
def test_nonsense_in_a_search_is_a_protocol_error(bench, answer, code):
    error, _ = against(bench, imap(uid_search=answer), listed)
    assert error.code == code


@pytest.mark.parametrize("answer", ['* ESEARCH (TAG "x") UID ALL 1:4294967295', "* ESEARCH UID ALL 1:2000000,5"])
def test_a_range_without_end_is_not_written_out(bench, answer):
    error, took = against(bench, imap(capability="IMAP4rev1 ESEARCH", uid_search=answer), listed)
    assert error.code == "source.protocol"
    assert took < 1


def test_search_without_esearch_copes_with_a_line_of_a_megabyte(bench):
    numbers = " ".join(map(str, range(1_000_000, 1_150_000)))
    script = imap(uid_search=f"* SEARCH {numbers}")
    with Scripted(script) as server, bench.open(bench.box(port=server.port, ssl=False)) as source:
        assert len(source.list()) == 150_000


def bodies(*replies):
    """A fetch that tells a size of 12 and then gives these replies, the last one for ever."""
    left = list(replies)

    def script(talk, tag, rest):
        if b"BODY" not in rest:
            talk.send("* 1 FETCH (UID 7 RFC822.SIZE 12 FLAGS ())", tag + b" OK x")
        else:
            talk.raw(left.pop(0) if len(left) > 1 else left[0])
            talk.send(tag + b" OK x")

    return imap(uid_fetch=script)


def literal(body, uid=7, extra=b""):
    return b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s%s)\r\n" % (uid, len(body), body, extra)


def contents(bench, script):
    with Scripted(script) as server, bench.open(bench.box(port=server.port, ssl=False, timeout=2.0)) as source:
        return [(raw.content, raw.origin.size_bytes) for raw in fetch(source)]


@pytest.mark.parametrize(
    "reply",
    [
        b"* 1 FETCH (BODY[] {12}\r\nSubject: x\r\n UID 7)\r\n",
        b'* 1 FETCH (UID 7 BODY[] "Subject: \\"x\\"")\r\n',
        b"* 1 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (FLAGS () uid 7 body[] {12}\r\nSubject: x\r\n)\r\n",
    ],
)
def test_the_order_and_shape_of_an_answer_do_not_matter(bench, reply):
    assert contents(bench, bodies(reply))[0][0] in (BODY, b'Subject: "x"')


def test_a_size_that_does_not_fit_is_asked_again_and_then_believed(bench):
    assert contents(bench, bodies(literal(b"short"), literal(BODY))) == [(BODY, 12)]
    assert contents(bench, bodies(literal(b"always short"[:5]))) == [(b"alway", 12)]


def test_an_empty_body_is_no_mail(bench):
    assert contents(bench, bodies(b"* 1 FETCH (UID 7 BODY[] NIL)\r\n")) == []
    assert contents(bench, bodies(literal(b""))) == []
    assert contents(bench, bodies(b"")) == []


@pytest.mark.parametrize("reply", [literal(b"not yours!!!", uid=8), literal(BODY) + literal(b"another one!")])
def test_a_message_that_was_not_asked_for_ends_the_session(bench, reply):
    with pytest.raises(SourceError, match="was not asked for"):
        contents(bench, bodies(reply))


def test_a_literal_far_bigger_than_its_size_is_not_read(bench):
    error, _ = against(bench, bodies(b"* 1 FETCH (UID 7 BODY[] {6000000000}\r\n"), fetch)
    assert (error.code, error.key) == ("source.protocol", KEY)


def test_what_came_whole_before_the_line_broke_is_kept(bench):
    def half(talk, tag, rest):
        if b"BODY" not in rest:
            talk.send("* 1 FETCH (UID 7 RFC822.SIZE 12)", "* 2 FETCH (UID 8 RFC822.SIZE 12)", tag + b" OK x")
        else:
            talk.raw(literal(BODY) + b"* 2 FETCH (UID 8 BODY[] {12}\r\nSubj")
            talk.socket.close()

    got = []
    error, _ = against(
        bench, imap(uid_fetch=half), lambda source: got.extend(source.fetch([KEY, "INBOX/9/8"], source._limits))
    )
    assert [raw.content for raw in got] == [BODY]
    assert error.key == "INBOX/9/8"


def test_bye_in_the_middle_of_a_fetch_is_a_closed_session(bench):
    def bye(talk, tag, rest):
        talk.send("* BYE shutting down")
        talk.socket.close()

    error, _ = against(bench, imap(uid_fetch=bye), fetch)
    assert error.code == "source.unreachable"
    assert "shutting down" in error.sentence


BYES = {
    "greeting": imap(greeting='* BYE [UNAVAILABLE] "down" for maintenance'),
    "login": imap(login='* BYE [UNAVAILABLE] "down" for maintenance'),
    "search": imap(uid_search='* BYE [UNAVAILABLE] "down" for maintenance'),
}


@pytest.mark.parametrize("where", BYES)
def test_a_bye_is_told_in_the_words_of_the_server(bench, where):
    error, _ = against(bench, BYES[where], listed)
    assert error.code == "source.unreachable"
    assert error.sentence.endswith('ended the session ([UNAVAILABLE] "down" for maintenance)')


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (imap(examine=lambda talk, tag, rest: talk.send(tag + b' BAD it\'s "closed"')), 'it\'s "closed"'),
        (imap(login=lambda talk, tag, rest: talk.send(tag + " BAD größer".encode())), "BAD größer"),
        (imap(uid_search=lambda talk, tag, rest: talk.send(tag + b" BAD what?")), "BAD what?"),
        (imap(uid_search="what is this"), "unexpected response: what is this"),
        (imap(greeting="* NO not today"), "* NO not today"),
    ],
)
def test_bytes_are_never_shown_as_python_writes_them(bench, script, said):
    error, _ = against(bench, script, listed)
    assert said in error.sentence
    assert "b'" not in error.sentence and 'b"' not in error.sentence


BROKEN = '* LIST () "/" INBOX\r\n* LIST () "/" "Br&AOk"\r\n* LIST () "/" "&!!!-x"\r\n* LIST () "/" "Gel&APY-scht"'


def test_a_folder_whose_name_cannot_be_decoded_is_listed_as_it_was_sent(bench):
    def lists(talk, tag, rest):
        talk.send(BROKEN if rest.endswith((b'"*"', b" *")) else '* LIST (\\Noselect) "/" ""', tag + b" OK x")

    with Scripted(imap(list=lists)) as server, bench.open(bench.box(port=server.port, ssl=False)) as source:
        folders = source.folders()
        assert ("INBOX" in folders, "Gelöscht" in folders, len(folders)) == (True, True, 4)
        assert dict(source.describe())["folder"].startswith("INBOX, 1 messages")


@pytest.mark.parametrize(
    ("command", "no", "bad", "ok"),
    [
        ("capability", "source.protocol", "source.protocol", "source.protocol"),
        ("login", "source.login_refused", "source.login_refused", [BODY]),
        ("examine", "source.folder_missing", "source.protocol", "source.protocol"),
        ("uid_search", "source.query", "source.query", []),
        ("uid_fetch", [], "source.protocol", []),
        ("logout", [BODY], [BODY], [BODY]),
    ],
)
@pytest.mark.parametrize("word", ["NO", "BAD", "OK"])
def test_no_and_bad_to_anything_are_sentences_or_harmless(bench, command, no, bad, ok, word):
    script = imap(**{command: lambda talk, tag, rest: talk.send(tag + f" {word} [X] because".encode())})
    expected = {"NO": no, "BAD": bad, "OK": ok}[word]
    try:
        with Scripted(script) as server, bench.open(bench.box(port=server.port, ssl=False, timeout=QUICK_S)) as source:
            keys = [each.key for each in source.list()]
            assert [raw.content for raw in source.fetch(keys, source._limits)] == expected
    except SourceError as error:
        assert error.code == expected
        assert error.sentence.startswith("mailbox system: localhost:")


@pytest.mark.parametrize("command", ["select", "uid_fetch", "uid_move", "uid_store", "uid_expunge", "uid_copy"])
@pytest.mark.parametrize("capability", ["IMAP4rev1 MOVE UIDPLUS", "IMAP4rev1 UIDPLUS", "IMAP4rev1"])
def test_a_refused_action_is_never_called_done(bench, command, capability):
    script = imap(capability=capability, **{command: lambda talk, tag, rest: talk.send(tag + b" NO no")})
    with Scripted(script) as server:
        try:
            with bench.open(bench.box(port=server.port, ssl=False, timeout=QUICK_S)) as source:
                (settled,) = source.settle([Action(KEY, "move", "Done")])
        except SourceError:
            return
        moves = "MOVE" in capability
        used = {"uid_move": moves, "uid_copy": not moves, "uid_store": not moves, "uid_fetch": True, "select": True}
        used["uid_expunge"] = not moves and "UIDPLUS" in capability
        if used[command]:
            assert (settled.state, settled.why) == ("failed", "the server refuses: no")
        else:
            assert settled.state == "done"


@pytest.mark.parametrize(
    ("capability", "kind", "silent"),
    [
        ("IMAP4rev1 MOVE UIDPLUS", "move", "uid_move"),
        ("IMAP4rev1 UIDPLUS", "move", "uid_store"),
        ("IMAP4rev1 UIDPLUS", "delete", "uid_store"),
        ("IMAP4rev1", "delete", "uid_store"),
    ],
)
def test_what_is_answered_ok_and_not_done_is_never_called_done(bench, capability, kind, silent):
    script = imap(capability=capability, **{silent: lambda talk, tag, rest: talk.send(tag + b" OK done")})
    if "UIDPLUS" in capability:
        script = imap(
            capability=capability, uid_expunge="", **{silent: lambda talk, tag, rest: talk.send(tag + b" OK x")}
        )
    with Scripted(script) as server, bench.open(bench.box(port=server.port, ssl=False)) as source:
        (settled,) = source.settle([Action(KEY, kind, "Done" if kind == "move" else "")])
    assert (settled.state, settled.why) == ("failed", "the server says OK and leaves it where it is")


def test_a_look_for_held_mail_that_is_refused_is_not_the_end_of_it(bench):
    def refuse(talk, tag, rest):
        talk.send(tag + b" NO [SERVERBUG] not today")

    script = imap(uid_fetch=refuse, select="* 1 EXISTS\r\n* OK [UIDVALIDITY 9] ok")
    with Scripted(script) as server:
        box = bench.box(port=server.port, ssl=False, move_on_hold="Held")
        with bench.open(box) as source:
            (settled,) = source.settle([Action("Held/9/7", "move", "Done", len(BODY), "", "00" * 32)])
    assert (settled.state, settled.why) == ("failed", "the server refuses: [SERVERBUG] not today")


def test_a_server_that_takes_no_keywords_is_asked_whether_the_copy_is_there_already(bench):
    heard = []
    script = imap(
        capability="IMAP4rev1 UIDPLUS",
        uid_store=lambda talk, tag, rest: talk.send(tag + (b" NO no" if b"Allegra" in rest else b" OK x")),
        uid_copy=lambda talk, tag, rest: (heard.append(rest), talk.send(tag + b" OK x")),
        uid_expunge=lambda talk, tag, rest: talk.send(tag + b" NO no"),
        uid_search=lambda talk, tag, rest: talk.send("* SEARCH 7", tag + b" OK x"),
    )
    with Scripted(script) as server, bench.open(bench.box(port=server.port, ssl=False)) as source:
        source.settle([Action(KEY, "move", "Done", len(BODY), "<x@example.com>")])
    assert heard == []


def test_a_folder_that_is_read_only_fails_every_action(bench):
    script = imap(select="* 1 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n* OK [READ-ONLY] ok")
    with Scripted(script) as server, bench.open(bench.box(port=server.port, ssl=False)) as source:
        (settled,) = source.settle([Action(KEY, "seen")])
    assert (settled.state, settled.why) == ("failed", "the folder is read-only")


def test_a_folder_that_is_replaced_during_a_session_ends_it(bench):
    script = imap(select="* 1 EXISTS\r\n* OK [UIDVALIDITY 10] ok")
    error, _ = against(bench, script, lambda source: source.settle([Action(KEY, "delete")]))
    assert "replaced the folder INBOX" in error.sentence
    assert b"STORE" not in error.heard


def test_a_server_without_uidvalidity_is_refused(bench):
    error, _ = against(bench, imap(examine="* 1 EXISTS"), listed)
    assert error.code == "source.protocol"


def test_folders_are_named_with_the_separator_of_the_server(bench):
    heard = []
    script = imap(
        capability="IMAP4rev1 NAMESPACE MOVE",
        namespace='* NAMESPACE (("INBOX." ".")) NIL NIL',
        uid_move=lambda talk, tag, rest: (heard.append(rest), talk.send(tag + b" OK x")),
    )
    with Scripted(script) as server, bench.open(bench.box(port=server.port, ssl=False)) as source:
        source.settle([Action(KEY, "move", "Allegra/Done")])
    assert heard == [b'UID MOVE 7 "INBOX.Allegra.Done"']


@pytest.mark.parametrize(
    "text", ["[AUTHENTICATIONFAILED] no", "wrong password canary-4711 for somebody", "Y2FuYXJ5LTQ3MTE= seen"]
)
def test_a_server_that_echoes_the_password_does_not_get_it_into_the_sentence(bench, text):
    error, _ = against(bench, imap(login=lambda talk, tag, rest: talk.send(tag + b" NO " + text.encode())), listed)
    assert error.code == "source.login_refused"
    assert "canary" not in str(error)
    assert "Y2FuYXJ5" not in str(error)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INUSE"])
def test_a_busy_server_is_not_a_wrong_password(bench, code):
    error, _ = against(
        bench, imap(login=lambda talk, tag, rest: talk.send(tag + b" NO [%s] later" % code.encode())), listed
    )
    assert error.code == "source.busy"


def test_control_characters_of_a_server_do_not_reach_the_terminal(bench):
    error, _ = against(
        bench, imap(login=lambda talk, tag, rest: talk.send(tag + b" NO \x1b[31m\x07\xe2\x80\xaered")), listed
    )
    assert error.sentence.isprintable()


def test_logindisabled_sends_no_password(bench):
    error, _ = against(bench, imap(capability="IMAP4rev1 LOGINDISABLED"), listed)
    assert error.code == "source.login_refused"
    assert b"canary" not in error.heard


def test_F005_xoauth2_sends_the_token_and_understands_the_refusal(bench):
    def refuse(talk, tag, rest):
        talk.send("+ ")
        talk.line()
        talk.send("+ eyJzdGF0dXMiOiI0MDAifQ==")
        assert talk.line() == b""
        talk.send(tag + b" NO [AUTHENTICATIONFAILED] expired")

    error, _ = against(bench, imap(authenticate=refuse), listed, auth="xoauth2")
    assert error.code == "source.login_refused"
    assert b"dXNlcj1zb21lYm9keQFhdXRoPUJlYXJlciBjYW5hcnktNDcxMQEB" in error.heard


def test_nobody_there_is_a_sentence(bench):
    with Scripted(imap()) as server:
        port = server.port
    with pytest.raises(SourceError) as caught, bench.open(bench.box(port=port, ssl=False)):
        pass
    assert caught.value.code == "source.unreachable"
    assert caught.value.sentence == f"mailbox system: localhost:{port} cannot be reached (Connection refused)"


def test_a_host_that_does_not_exist_is_a_sentence(bench):
    with pytest.raises(SourceError) as caught, bench.open(bench.box(host="no.such.host.invalid", port=993)):
        pass
    assert caught.value.code == "source.unreachable"
