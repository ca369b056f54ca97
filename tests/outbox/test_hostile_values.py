"""Ten thousand hostile values, from the database to the bytes: every field that a stranger fills, every class, every
template. What comes out is read back by three parsers: one written here, that of Python, that of the engine.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import builders
import databases
import pytest
from outbox.offices import Office

from engine.mail.parse import parse
from engine.model.events import EVENTS, Kind, Part
from engine.model.hearing import Change
from engine.outbox.letter import Composed, ComposeError
from engine.outbox.plain import SUBJECT_CHARS, one_line
from engine.outbox.samples import event_of
from engine.outbox.templates import LANGUAGES, NAMES, ORIGINALS
from engine.store import tables
from engine.store.store import Store

PIECES = (
    "\r", "\n", "\r\n", "\0", "\u2028", "\u2029", "\u202e", "\u2066", "\x85", "\x0b", "\t", " ", ",", ";", ":", '"',
    "'", "\\", "<", ">", "(", ")", "@", "=?utf-8?q?=0D=0ABcc:_x@y.example?=", "=?utf-8?b?DQpCY2M6IHhAeS5leGFtcGxl?=",
    "=?=", "?=", "\r\nBcc: evil@evil.example", "\nTo: evil@evil.example\n\n", "\r\n.\r\n", "\n\n--=_alt", "{{ 7 * 7 }}",
    "{% if %}", "<script>", "</body>", "Subject: evil", "ä", "日本", "🖨", "a" * 997, "evil@evil.example", "Jane", "-- ",
    "<evil@evil.example>", 'Name" <evil@evil.example>,', "&amp;", "%0d%0a", "\x1b[31m", "\x7f", "e\u0301",
)  # fmt: skip
WHOLE = ("x" * 10_000, "ä" * 10_000, "\r\n" * 5_000, ", " * 5_000, "=?utf-8?q?" * 1_000, "", " ", "\u202e" * 100)
ROUNDS = 12
HOLDS_ITEM = {each.name for each in EVENTS if each.name.startswith(("item.", "mail.undeliverable"))}
ALL = ["From", "To", "Subject", "Date", "Message-ID"]
MARKS = {
    Kind.AUTO: {"X-Allegra-Loop", "X-Auto-Response-Suppress", "Auto-Submitted", "Precedence"},
    Kind.NOTICE: {"X-Allegra-Loop", "X-Auto-Response-Suppress", "Auto-Submitted", "Precedence"},
    Kind.ANSWER: {"X-Allegra-Loop"},
}


class Hostile:
    """Makes values and counts them."""

    def __init__(self) -> None:
        self._random, self.made = Random(20261129), 0  # noqa: S311 -- the same values each time

    def __call__(self) -> str:
        self.made += 1
        if self._random.random() < 0.05:
            return self._random.choice(WHOLE)
        return "".join(self._random.choices(PIECES, k=self._random.randint(1, 6)))

    def pick(self, *these: Any) -> Any:
        return self._random.choice(these)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Store.open(databases.fresh(), clock=lambda: builders.NOW) as store:
        made = Office(store, tmp_path)
        made.configure("[replies]\nlinks = true\nattach_up_to = '20 kB'\n", "https://desk.example.com")
        yield made


def filled(office: Office, hostile: Hostile) -> tuple[int, int, str]:
    """An item, a comment and a mail in which a stranger filled whatever can be filled."""
    one = one_line(hostile(), 200).replace('"', "")
    raw = f'From: "{one}" <jane@big.example>\nReferences: <m0@big.example>\nSubject: x\n\n{hostile.made}'
    mail = office.mail(raw, subject=hostile(), message_id=hostile(), sender=hostile())
    item = office.item(
        mail, title=hostile(), text=hostile(), status=hostile(), type=hostile(), priority=hostile(),
        assigned_to=hostile(), author=hostile.pick(None, office.account("jane")), sender=hostile(),
    )  # fmt: skip
    comment = office.comment(item, hostile(), hostile.pick("", "anna", "jane"), mail, sender=hostile())
    for number in range(hostile.pick(0, 2)):
        content = f"{hostile.made}-{number}".encode()
        office.file(item, content, hostile() or "x", hostile.pick(0, comment), hostile.pick("text/html", hostile()))
    with office.store.writing():
        name = tables.Account.update(name=hostile()).where(tables.Account.login == hostile.pick("anna", "jane"))
        office.store.database.do(name)
        office.store.database.do(tables.Account.update(admin=True))  # or rows to people inside would be dropped
    office.store.changed_since(office.store.versions())
    return item, comment, mail


def composed(office: Office, hostile: Hostile, kind: Kind, template: str, address: str = "") -> tuple[Composed, str]:
    item, comment, mail = filled(office, hostile)
    event = event_of(template)
    topic = office.topic(hostile()) if event.startswith("topic.") else 0
    row = office.row(
        kind, event or "item.created", to=address or "jane@big.example", template=template, mail=mail, topic=topic,
        item=item if event in HOLDS_ITEM else 0, language=hostile.pick(*LANGUAGES, hostile()),
        login=hostile.pick("", "anna", "jane"), parts=(hostile.pick(*Part),), inside=hostile.pick(True, False),
        actor=hostile(), actor_address=hostile(), actor_inside=hostile.pick(True, False), name=hostile(),
        comment=hostile.pick(0, comment) if event in HOLDS_ITEM else 0, because=hostile(), code=hostile(),
        text=hostile(), changes=(Change("status", hostile(), hostile()), Change(hostile(), hostile(), hostile())),
        workspace="support", account=hostile.pick(True, False),
    )  # fmt: skip
    return office.composed(row), row.told.template


def header(content: bytes) -> list[tuple[str, str]]:
    """The fields of a header, read by the letter (RFC 5322, 2.2): a name, a colon, lines that go on with a blank."""
    head = content.partition(b"\r\n\r\n")[0].decode()
    fields: list[tuple[str, str]] = []
    for line in head.split("\r\n"):
        if line[0] in " \t":
            assert fields and line.strip(), "a line that goes on and says nothing"
            fields[-1] = (fields[-1][0], fields[-1][1] + line)
        else:
            name, colon, value = line.partition(":")
            assert colon and re.fullmatch(r"[!-9;-~]+", name), line
            fields.append((name, value))
    return fields


def proven(composed: Composed, kind: Kind, template: str, address: str = "jane@big.example") -> None:
    """The mail has the fields that were meant and no other, one recipient, whole line ends."""
    content = composed.content
    assert composed.recipients == (address,)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", content)
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    fields = header(content)
    assert content.partition(b"\r\n\r\n")[0].isascii()
    names = [name for name, _ in fields]
    assert names[:5] == ALL and len(names) == len(set(names))
    optional = {"In-Reply-To", "References", "Reply-To", "X-Allegra-Item", "X-Allegra-Topic", "List-Id",
                "List-Unsubscribe"}  # fmt: skip
    mime = {"MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert MARKS[kind] <= set(names) - {*ALL} - mime <= MARKS[kind] | optional
    assert ("List-Id" in names) == (kind is Kind.NOTICE and template not in ORIGINALS)
    assert dict(fields)["To"] == f" {address}"
    assert re.search(r"<?help@example\.com>?$", dict(fields)["From"])
    read = email.message_from_bytes(content, policy=email.policy.default)
    assert [name for name in read.keys()] == names and not read.defects  # noqa: SIM118, C416 -- keeps order
    assert [each.addr_spec for each in read["To"].addresses] == [address]
    assert [each.addr_spec for each in read["From"].addresses] == ["help@example.com"]
    assert not any(part.defects for part in read.walk() if not part.is_multipart())
    html = read.get_body(("html",))
    assert html is None or "<script" not in html.get_content()
    ours = parse(builders.raw(content))
    assert [each.key for each in ours.to] == [address] and not ours.cc
    assert [each.key for each in ours.from_] == ["help@example.com"]


@pytest.mark.parametrize("kind", [Kind.AUTO, Kind.NOTICE, Kind.ANSWER])
def test_G21_ten_thousand_hostile_values_make_no_field_no_recipient_and_no_line(office: Office, kind: Kind) -> None:
    hostile = Hostile()
    for number in range(ROUNDS):
        for template in NAMES:
            made, told = composed(office, hostile, kind, template)
            assert made.replaced == "", (number, template)
            proven(made, kind, told)
    assert hostile.made > 3_400, "10,000 in the three classes"


def test_what_is_no_address_gets_no_mail_and_what_is_gets_one(office: Office) -> None:
    hostile, sent = Hostile(), 0
    for _ in range(300):
        address = hostile.pick("jane@big.example", hostile(), hostile() + "@big.example", "jane@" + hostile())
        try:
            made, told = composed(office, hostile, Kind.ANSWER, "answer", address)
        except ComposeError:
            continue
        sent += 1
        assert re.fullmatch(r"[^\s<>,;:\"()\\]+@[a-z0-9._-]+", made.recipients[0], re.IGNORECASE), made.recipients
        if made.recipients[0].isascii():
            proven(made, Kind.ANSWER, told, made.recipients[0])
        else:  # RFC 6532
            assert dict(header(made.content))["To"] == f" {made.recipients[0]}"
    assert sent > 50


def test_a_title_is_read_in_the_subject_as_it_was_meant(office: Office) -> None:
    hostile = Hostile()
    for _ in range(100):
        title = hostile().replace("\0", "")  # what becomes of it, the database says
        item = office.item(title=title)
        message = office.message(office.row(item=item))
        assert message["Subject"] == one_line(f"Re: [#{item}] {one_line(title, SUBJECT_CHARS)}", SUBJECT_CHARS)
