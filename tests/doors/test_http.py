"""HTTP: what a program hears that pushes a mail, and what is ours by then."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import databases
import pytest
from servers.doors import KEY, Answer, Standing, asked, pushed, request, talking

from engine.doors.listening import Client
from engine.store.store import Store

MAIL = b"From: anna@example.com\r\nTo: help@example.com\r\nSubject: Pushed\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n"

Opening = Callable[..., Standing]


def mails(store: Store) -> list[tuple[str, str]]:
    return sorted((row.mailbox, row.state) for row in store.archive.mails())


def one(answers: list[Answer]) -> Answer:
    (answer,) = answers
    return answer


@pytest.mark.parametrize(
    ("target", "boxes"),
    [
        ("/mail/support", ["support"]),
        ("/mail?mailbox=support", ["support"]),
        ("/mail?to=help%2Bx@example.com", ["system"]),
        ("/mail?to=help@example.com&to=support@example.com&to=nobody@x&from=jane@big.example", ["support", "system"]),
    ],
)
def test_F006_a_pushed_mail_is_ours_when_202_is_said(
    http: Opening, store: Store, target: str, boxes: list[str]
) -> None:
    door = http()
    answer = pushed(door.at, target, MAIL)
    assert answer.status == 202 and answer.data["schema"] == "allegra.taken/1"
    rows = {row.mailbox: row.mail for row in store.archive.mails()}
    assert {each["mailbox"]: each["mail"] for each in answer.data["mails"]} == rows and sorted(rows) == boxes
    assert store.archive.raw(rows[boxes[0]]).content == MAIL
    door.decide()
    assert {state for _, state in mails(store)} <= {"done", "duplicate"}


def test_a_recipient_that_is_not_ours_is_in_the_answer_and_in_the_log(
    http: Opening, store: Store, tmp_path: Path
) -> None:
    at = http().at
    answer = pushed(at, "/mail?to=help@example.com&to=typo@example.com&to=typo@example.com", MAIL)
    assert answer.status == 202 and answer.data["unknown"] == ["typo@example.com"]
    form = json.dumps({"RawEmail": MAIL.decode() + "2", "OriginalRecipient": "help@example.com"}).encode()
    assert pushed(at, "/mail", form, kind="application/json").data["unknown"] == []
    (line,) = [line for line in (tmp_path / "log").read_text().splitlines() if "recipient.unknown" in line]
    mail = answer.data["mails"][0]["mail"]
    assert line.endswith(
        f"warning recipient.unknown {mail} there is no mailbox for typo@example.com; "
        "the mail is ours for the others, by HTTP, key all"
    )


def test_the_envelope_is_that_of_the_parameters(http: Opening, store: Store) -> None:
    at = http().at
    pushed(at, "/mail?to=help%2Bx@example.com&from=jane@big.example", MAIL)
    pushed(at, "/mail/system?from=", MAIL + b"2")
    pushed(at, "/mail/system", MAIL + b"3")
    found = store.database.rows("SELECT reverse_path, forward_paths FROM inbound ORDER BY id")
    assert found == [("jane@big.example", "help+x@example.com"), ("", ""), (None, "")]


def test_the_same_mail_again_is_known_by_its_bytes(http: Opening, store: Store) -> None:
    at = http().at
    answers = [pushed(at, "/mail/system", MAIL) for _ in range(3)]
    assert [each.data["mails"][0]["seen_before"] for each in answers] == [False, True, True]
    assert len({each.data["mails"][0]["mail"] for each in answers}) == 1 == len(mails(store))


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"key": ""}, 401, "key.wrong"),
        ({"key": KEY[:-1]}, 401, "key.wrong"),
        ({"key": KEY + "x"}, 401, "key.wrong"),
        ({"key": "ü"}, 401, "key.wrong"),
        ({"key": "", "fields": [f"Authorization: Basic {KEY}"]}, 401, "key.wrong"),
        ({"key": "", "fields": [f"Authorization: {KEY}"]}, 401, "key.wrong"),
        ({"key": KEY + "-support"}, 403, "key.mailbox"),
        ({"target": "/mail/nowhere"}, 404, "mailbox.unknown"),
        ({"target": "/mail?to=nobody@example.com"}, 404, "mailbox.unknown"),
        ({"target": "/mail"}, 400, "mailbox.missing"),
        ({"target": "/mail/a/b/c"}, 404, "path.unknown"),
        ({"target": "/"}, 404, "path.unknown"),
        ({"target": "/other"}, 404, "path.unknown"),
        ({"target": "/mail/system?workspace=x"}, 400, "parameter.unknown"),
        ({"target": "/mail/system?from=a&from=b"}, 400, "parameter.twice"),
        ({"target": "/mail/system?from=a%0Ab"}, 400, "address.bad"),
        ({"target": "/mail/system?to=a%00b@x"}, 400, "address.bad"),
        ({"target": "/mail/system?" + "&".join(["to=a"] * 1500)}, 400, "request.bad"),
        ({"kind": "text/plain"}, 415, "type.unknown"),
        ({"kind": ""}, 415, "type.unknown"),
        ({"method": "GET"}, 405, "method.wrong"),
        ({"content": b" \r\n"}, 400, "mail.empty"),
        ({"content": b""}, 400, "mail.empty"),
    ],
)
def test_what_is_refused_says_why(http: Opening, store: Store, options: dict[str, Any], status: int, code: str) -> None:
    given = {"target": "/mail/system", "content": MAIL, **options}
    answer = one(asked(http().at, request(**given)))
    assert (answer.status, answer.code) == (status, code) and answer.data["sentence"]
    assert mails(store) == []


def test_a_key_may_be_the_password_of_a_user_of_any_name(http: Opening, store: Store) -> None:
    shown = base64.b64encode(b"anybody:" + KEY.encode()).decode()
    assert pushed(http().at, "/mail/system", MAIL, [f"Authorization: Basic {shown}"], key="").status == 202


def test_a_key_is_withdrawn_by_taking_it_out(http: Opening, config: Any) -> None:
    at = http().at
    assert pushed(at, "/mail/support", MAIL, key=KEY + "-support").status == 202
    text = config.path.read_text()
    config.path.write_text(re.sub(r"\[http.keys.support\]\n.*\n.*\n", "", text))
    assert pushed(at, "/mail/support", MAIL, key=KEY + "-support").status == 401
    assert pushed(at, "/mail/support", MAIL).status == 202


def test_wrong_keys_are_counted_and_logged_without_the_key(http: Opening, tmp_path: Path) -> None:
    at = http().at
    for _ in range(5):
        pushed(at, "/mail/system", MAIL, ["X-Forwarded-For: 192.0.2.7"], key="a-wrong-key-of-somebody")
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.endswith("http.refused 401 key.wrong: no key or a wrong one, 1 so far, from 127.0.0.1 for 192.0.2.7")


def small(config: Any, raw: str = "2 kB") -> None:
    config.path.write_text(config.path.read_text() + f'[limits]\nraw = "{raw}"\n')


def test_too_big_is_said_before_the_body_comes(http: Opening, store: Store) -> None:
    at = http().at
    head = request("/mail/system", b"", [f"Content-Length: {1 << 30}"])
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", int(at.rpartition(":")[2]))) as connection:
        connection.settimeout(10)
        connection.sendall(head)
        assert b"413 Content Too Large" in connection.recv(65536)
    assert time.monotonic() - began < 2
    waiting = request("/mail/system", b"", [f"Content-Length: {1 << 30}", "Expect: 100-continue"])
    assert one(asked(at, waiting)).status == 413


def test_too_big_is_said_while_it_comes_in_pieces(http: Opening, config: Any, store: Store) -> None:
    small(config)
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    head = request("/mail/system", b"", ["Transfer-Encoding: chunked"])
    answer = one(asked(http().at, head, *[chunk] * 500))
    assert (answer.status, answer.code, answer.fields["connection"]) == (413, "mail.too_big", "close")
    assert mails(store) == []


def test_a_mail_in_pieces_is_a_mail(http: Opening, store: Store) -> None:
    head = request("/mail/system", b"", ["Transfer-Encoding: chunked", "Expect: 100-continue"])
    chunks = [f"{len(each):x}\r\n".encode() + each + b"\r\n" for each in (MAIL[:7], MAIL[7:])]
    waits, answer = asked(http().at, head, *chunks, b"0\r\n\r\n", pause_s=0.05)
    assert (waits.status, answer.status) == (100, 202)
    (row,) = store.archive.mails()
    assert store.archive.raw(row.mail).content == MAIL


HOSTILE = {
    "two lengths": (request("/mail/system", MAIL, ["Content-Length: 10", "Content-Length: 20"]), 400),
    "length and chunked": (request("/mail/system", MAIL, ["Content-Length: 10", "Transfer-Encoding: chunked"]), 400),
    "negative": (request("/mail/system", MAIL, ["Content-Length: -1"]), 400),
    "no number": (request("/mail/system", MAIL, ["Content-Length: 1e3"]), 400),
    "length of 500 digits": (request("/mail/system", MAIL, ["Content-Length: " + "9" * 500]), 400),
    "gzip": (request("/mail/system", MAIL, ["Transfer-Encoding: gzip"]), 501),
    "bad chunk": (request("/mail/system", b"zz\r\n", ["Transfer-Encoding: chunked"]), 400),
    "flood of fields": (request("/mail/system", MAIL, [f"X-{number}: {'y' * 100}" for number in range(1000)]), 431),
    "one long field": (request("/mail/system", MAIL, ["X: " + "y" * 100_000]), 431),
    "larger than 32 kB": (request("/mail/system", MAIL, [f"X-{n}: {'y' * 1000}" for n in range(33)]), 431),
    "long target": (request("/mail/" + "y" * 100_000, MAIL), 431),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + b"\r\n\r\n", 400),
    "SMTP": (b"EHLO x\r\nMAIL FROM:<a@b>\r\n\r\n", 400),
    "folded field": (request("/mail/system", MAIL, ["X: a\r\n b: c\x00"]), 400),
    "no host": (b"POST /mail/system HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_comes_is_answered_once_and_the_door_stays_open(http: Opening, store: Store, name: str) -> None:
    content, status = HOSTILE[name]
    at = http().at
    answer = one(asked(at, content))
    assert answer.status == status
    assert pushed(at, "/mail/system", MAIL).status == 202
    assert mails(store) == [("system", "received")]


def test_what_drips_is_too_slow(http: Opening, store: Store) -> None:
    at = http(timeout=0.5).at
    began = time.monotonic()
    head = request("/mail/system", b"", ["Content-Length: 1000"])
    for first in (head, head[:50]):
        answer = one(asked(at, first, *[b"x"] * 20, pause_s=0.1))
        assert (answer.status, answer.code) == (408, "request.slow")
    assert time.monotonic() - began < 10
    assert asked(at, b"") == [], "who says nothing hears nothing"
    assert pushed(at, "/mail/system", MAIL).status == 202 and len(mails(store)) == 1


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(http: Opening, store: Store) -> None:
    at = http().at
    whole = request("/mail/system", MAIL)
    for end in (10, len(whole) - len(MAIL), len(whole) - 1):
        asked(at, whole[:end])
    assert mails(store) == []


def test_a_locked_database_is_later(http: Opening, store: Store, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.doors.reception.BUSY_S", 0.2)
    at = http().at
    with databases.locked(config.store.where):
        answer = pushed(at, "/mail/system", MAIL)
    assert (answer.status, answer.code, answer.fields["retry-after"]) == (503, "later", "60")
    assert pushed(at, "/mail/system", MAIL).status == 202


def test_a_configuration_that_does_not_load_is_later_and_not_up(http: Opening, config: Any) -> None:
    at = http().at
    up = request("/healthz", method="GET", key="", kind="")
    assert [(each.status, each.data) for each in asked(at, up)] == [(200, {"schema": "allegra.up/1", "up": True})]
    config.path.write_text(config.path.read_text() + "[nonsense]\n")
    assert [(each.status, each.data) for each in asked(at, up)] == [(503, {"schema": "allegra.up/1", "up": False})]
    answer = pushed(at, "/mail/system", MAIL)
    assert (answer.status, answer.code) == (503, "later") and "does not load" in answer.data["sentence"]


def test_too_little_room_is_later_and_not_up(http: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    at = http().at
    monkeypatch.setattr("engine.run.room.free", lambda config: 0)
    assert one(asked(at, request("/healthz", method="GET", key="", kind=""))).status == 503
    answer = pushed(at, "/mail/system", MAIL)
    assert (answer.status, answer.code) == (503, "later")
    monkeypatch.undo()
    assert one(asked(at, request("/healthz", method="GET", key="", kind=""))).status == 200


@pytest.mark.sqlite
def test_a_database_that_does_not_open_is_not_up(http: Opening, config: Any, store: Store) -> None:
    at = http().at
    store.close()
    for path in config.store.path.parent.glob("allegra.sqlite3*"):
        path.unlink()
    config.store.path.write_bytes(b"no database" * 1000)
    assert one(asked(at, request("/healthz", method="HEAD", key="", kind=""))).status == 503
    assert pushed(at, "/mail/system", MAIL).status == 503


def test_requests_follow_each_other_on_one_connection(http: Opening, store: Store) -> None:
    three = b"".join(request("/mail/system", MAIL + bytes(str(number), "ascii")) for number in range(3))
    wrong = request("/mail/nowhere", MAIL)
    up = request("/healthz", method="GET", key="", kind="")
    answers = asked(http().at, up + three + wrong)
    assert [each.status for each in answers] == [200, 202, 202, 202, 404]
    assert len(mails(store)) == 3


def test_one_client_too_many_is_later(http: Opening) -> None:
    at = http(clients=1).at
    with socket.create_connection(("127.0.0.1", int(at.rpartition(":")[2]))):
        time.sleep(0.3)
        answer = one(asked(at, b""))
        assert (answer.status, answer.code, answer.fields["retry-after"]) == (503, "busy", "60")


def test_who_is_turned_away_hears_why_although_it_still_sends(http: Opening) -> None:
    address = ("127.0.0.1", int(http(clients=1).at.rpartition(":")[2]))
    with socket.create_connection(address):
        for _ in range(20):
            with socket.create_connection(address, 10) as client, client.makefile("rb") as heard:
                client.sendall(request("/mail/system", MAIL + b"x" * 4_000_000))
                assert b'"busy"' in heard.read()


def test_who_is_turned_away_and_never_ends_is_let_go(http: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.doors.listening.LINGER_S", 0.2)
    monkeypatch.setattr("engine.doors.listening.MOST_TURNED_AWAY", 2)
    address = ("127.0.0.1", int(http(clients=1).at.rpartition(":")[2]))
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(4)]
        for each in clients[1:]:
            each.settimeout(10)
            with each.makefile("rb") as heard:
                assert b"busy" in heard.read()
        with pytest.raises(OSError), suppress(TimeoutError):
            for _ in range(1000):
                clients[1].sendall(b"x")
                time.sleep(0.01)


def test_who_comes_back_has_the_place_that_was_left(http: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    close = Client.close

    def closed_and_then_slow(self: Client) -> None:
        close(self)
        time.sleep(0.3)

    monkeypatch.setattr(Client, "close", closed_and_then_slow)
    at = http(clients=1).at
    assert [pushed(at, "/mail/system", MAIL).status for _ in range(3)] == [202] * 3


def test_a_request_to_stop_finishes_what_is_in_hand(http: Opening, store: Store) -> None:
    door = http()
    address = ("127.0.0.1", int(door.at.rpartition(":")[2]))
    whole = request("/mail/system", MAIL)
    with socket.create_connection(address) as idle, socket.create_connection(address) as busy:
        busy.sendall(whole[:-10])
        time.sleep(0.3)
        ending = threading.Thread(target=door.listener.end)
        ending.start()
        idle.settimeout(10)
        assert idle.recv(100) == b""
        busy.sendall(whole[-10:])
        busy.settimeout(10)
        answer = busy.recv(65536)
        assert b"202 Accepted" in answer and b"connection: close" in answer
        ending.join(10)
    assert len(mails(store)) == 1


def test_a_fault_of_ours_is_one_answer(http: Opening) -> None:
    door = http(talking(b""))
    assert one(asked(door.at, b"")).code == "broken"
    door.broken.clear()


# ── forms of services ─────────────────────────────────────────────────────────────────────────────────────────────


def multipart(*parts: tuple[str, bytes], more: str = "") -> tuple[str, bytes]:
    """The type and the body of a form."""
    body = b"".join(
        b'--XX\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name.encode(), more.encode(), content)
        for name, content in parts
    )
    return "multipart/form-data; boundary=XX", body + b"--XX--\r\n"


def urlencoded(*parts: tuple[str, bytes]) -> tuple[str, bytes]:
    return "application/x-www-form-urlencoded", "&".join(f"{n}={quote_plus(c)}" for n, c in parts).encode()


EIGHT_BIT = MAIL + bytes(range(256)) * 20 + b"\r\n--X\r\n=3D+%41&x=y"
SENDGRID = (("envelope", b'{"to":["help+1@example.com"],"from":"jane@big.example"}'), ("spam_score", b"0.1"))
MAILGUN = (("recipient", b"help+1@example.com"), ("sender", b"jane@big.example"), ("token", b"x" * 100_000))


@pytest.mark.parametrize("form", [multipart, urlencoded])
@pytest.mark.parametrize(("fields", "name"), [(SENDGRID, "email"), (MAILGUN, "body-mime")])
@pytest.mark.parametrize("first", [True, False])
def test_F006_forms_of_services_hold_the_mail_byte_for_byte(
    http: Opening, store: Store, form: Any, fields: Any, name: str, first: bool
) -> None:
    kind, body = form(*((*fields, (name, EIGHT_BIT)) if first else ((name, EIGHT_BIT), *fields)))
    answer = pushed(http().at, "/mail/mime", body, kind=kind)
    assert answer.status == 200, answer
    (row,) = store.archive.mails()
    assert store.archive.raw(row.mail).content == EIGHT_BIT
    assert store.database.rows("SELECT reverse_path, forward_paths FROM inbound") == [
        ("jane@big.example", "help+1@example.com")
    ]


def test_the_address_may_name_what_the_form_does_not(http: Opening, store: Store) -> None:
    kind, body = multipart(("email", MAIL))
    at = http().at
    assert pushed(at, "/mail/mime", body, kind=kind).code == "mailbox.missing"
    assert pushed(at, "/mail/support/mime", body, kind=kind).status == 200
    assert pushed(at, "/mail/nowhere", body, kind=kind).status == 404
    kind, body = multipart(("email", MAIL), *SENDGRID)
    assert pushed(at, "/mail", body, kind=kind, key=KEY + "-support").status == 403
    assert mails(store) == [("support", "received")]


def test_F006_postmark_posts_the_mail_in_json(http: Opening, store: Store) -> None:
    told = {"OriginalRecipient": "help@example.com", "MessageStream": "inbound", "RawEmail": MAIL.decode() + "ü"}
    at = http().at
    assert pushed(at, "/mail", json.dumps(told).encode(), kind="application/json").status == 200
    (row,) = store.archive.mails()
    assert store.archive.raw(row.mail).content == MAIL + "ü".encode()
    del told["RawEmail"]
    answer = pushed(at, "/mail", json.dumps(told).encode(), kind="application/json")
    assert (answer.status, answer.code) == (503, "mail.in_parts")
    assert "Include raw email content in JSON payload" in answer.data["sentence"]
    for bad in (b"{", b"[]", b'{"RawEmail": 3}', b"[" * 100_000, b'{"RawEmail": "\\ud800"}', b"\xff"):
        assert pushed(at, "/mail", bad, kind="application/json").status in (400, 503)
    assert len(mails(store)) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ((("charsets", b"{}"), ("text", b"Hello")), "SendGrid posts this mail in parts: switch on"),
        ((("body-plain", b"Hello"), ("recipient", b"x")), "Mailgun posts this mail in parts: let the address"),
        ((("something", b"else"),), "let the service post the raw MIME message"),
    ],
)
def test_a_form_that_holds_the_mail_in_parts_is_kept_by_the_service_until_that_is_set(
    http: Opening, store: Store, fields: Any, said: str, tmp_path: Path
) -> None:
    kind, body = multipart(*fields)
    answer = pushed(http().at, "/mail", body, kind=kind)
    assert (answer.status, answer.code, answer.fields["retry-after"]) == (503, "mail.in_parts", "3600")
    assert said in answer.data["sentence"] and said in (tmp_path / "log").read_text()
    assert mails(store) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--XX\r\n"),
        ("multipart/form-data; boundary=XX", b"nothing"),
        ("multipart/form-data; boundary=XX", multipart(("email", MAIL))[1][:-10]),
        ("multipart/form-data; boundary=XX", multipart(*[(f"f{n}", b"") for n in range(300)])[1]),
        ("multipart/form-data; boundary=XX", multipart(("email", MAIL), more="x" * 10_000)[1]),
        ("application/x-www-form-urlencoded", b"&".join(b"f%d=" % n for n in range(300)) + b"&"),
        ("application/x-www-form-urlencoded", b"x" * 100_000),
    ],
)
def test_a_form_that_is_none_is_refused(http: Opening, store: Store, kind: str, body: bytes) -> None:
    answer = pushed(http().at, "/mail/system", body, kind=kind)
    assert (answer.status, answer.code) in ((400, "form.broken"), (503, "mail.in_parts")), answer
    assert mails(store) == []


@pytest.mark.parametrize("form", [multipart, urlencoded])
def test_the_mail_in_a_form_may_be_as_large_as_any(http: Opening, config: Any, store: Store, form: Any) -> None:
    small(config, "64 kB")
    at = http().at
    kind, body = form(("email", b"Subject: x\r\n\r\n" + b"\xff" * (64 * 1024 - 20)), *MAILGUN[:2])
    assert pushed(at, "/mail", body, kind=kind).status == 200
    kind, body = form(("email", b"Subject: x\r\n\r\n" + b"\xff" * (64 * 1024)), *MAILGUN[:2])
    assert pushed(at, "/mail", body, kind=kind).status == 413
    assert len(mails(store)) == 1


def test_attachments_beside_the_mail_are_thrown_away(http: Opening, store: Store) -> None:
    files = [(f"attachment-{n}", b"y" * 50_000) for n in range(5)]
    kind, body = multipart(*files, ("body-mime", MAIL), *MAILGUN[:2], more='; filename="a.bin"')
    assert pushed(http().at, "/mail/system", body, kind=kind).status == 200
    (row,) = store.archive.mails()
    assert store.archive.raw(row.mail).content == MAIL
