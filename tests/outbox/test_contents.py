"""What a row means: whom it comes from, whom a reply reaches, the thread, the files; the header, class by class."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outbox.offices import MAIL_ID, Office

from engine.decision import tokens
from engine.model.events import BY_NAME, Kind, Part
from engine.model.hearing import Change
from engine.outbox.contents import Gone
from engine.outbox.letter import ComposeError
from engine.outbox.templates import NAMES, ORIGINALS

MACHINES = ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress")
LISTS = ("List-Id", "List-Unsubscribe")


def fields(message: Any) -> dict[str, str]:
    return {name: " ".join(str(value).split()) for name, value in message.items()}


def reply_to(message: Any) -> str:
    return str(message["Reply-To"].addresses[0].addr_spec)


def token(office: Office, text: str) -> tokens.Token | None:
    return tokens.read(text, office.config.instance.secret())


def root(office: Office, number: int, kind: str = "i") -> str:
    return tokens.root_id(number, office.config.instance.secret(), "example.com", kind)


# ── the table of header fields ────────────────────────────────────────────────────────────────────────────────


def test_F142_an_automatic_answer_is_marked_as_a_machines_and_answers_the_mail(office: Office) -> None:
    mail = office.mail()
    row = office.row(Kind.AUTO, "item.created", item=office.item(mail), mail=mail)
    composed, message = office.composed(row), office.message(row)
    assert (composed.reverse_path, composed.recipients) == ("", ("jane@big.example",))
    assert fields(message)["From"] == "Support <help@example.com>"
    assert fields(message)["To"] == "jane@big.example"
    assert message["Subject"] == "Re: [#1] Printer broken"
    assert message["In-Reply-To"] == MAIL_ID
    assert message["References"].split() == ["<m0@big.example>", MAIL_ID]
    assert [message[name] for name in MACHINES] == ["auto-replied", "bulk", "All"]
    assert [message[name] for name in LISTS] == [None, None]
    assert (message["X-Allegra-Loop"], message["X-Allegra-Item"]) == ("Example help desk", "1")
    assert message.get_content_type() == "text/plain"
    assert token(office, reply_to(message)) == tokens.Token(1)


def test_a_notice_is_marked_as_a_machines_and_a_reply_to_it_proves_who_writes(office: Office) -> None:
    item = office.item(office.mail())
    comment = office.comment(item, login="jane")
    row = office.row(
        Kind.NOTICE, "item.commented", to="anna@example.com", login="anna", item=item, inside=True, comment=comment,
        actor="Jane Doe", actor_address="jane@big.example", parts=[Part.ASSIGNEE],
    )  # fmt: skip
    composed, message = office.composed(row), office.message(row)
    assert (composed.reverse_path, composed.recipients) == ("help@example.com", ("anna@example.com",))
    assert fields(message)["From"] == '"Jane Doe (big.example) via Support" <help@example.com>'
    assert message["In-Reply-To"] == message["References"] == root(office, item)
    assert [message[name] for name in MACHINES] == ["auto-generated", "bulk", "All"]
    assert (message["List-Id"], message["X-Allegra-Item"]) == ("<support.example.com>", "1")
    assert token(office, reply_to(message)) == tokens.Token(item, account=office.account("anna"))
    assert message.get_content_type() == "multipart/alternative"


def test_an_answer_is_a_persons_and_nothing_in_it_says_that_a_machine_wrote_it(office: Office) -> None:
    item = office.item(office.mail())
    office.comment(item, "More smoke", login="jane", mail=office.mail(message_id="<m7@big.example>"))
    row = office.row(item=item, comment=office.comment(item), actor="Anna Berg", actor_inside=True)
    composed, message = office.composed(row), office.message(row)
    assert (composed.reverse_path, composed.recipients) == ("help@example.com", ("jane@big.example",))
    assert fields(message)["From"] == "Anna Berg via Support <help@example.com>"
    assert [message[name] for name in (*MACHINES, *LISTS)] == [None] * 5
    assert message["References"].split() == [MAIL_ID, root(office, item), "<m7@big.example>"]
    assert message["In-Reply-To"] == "<m7@big.example>"
    assert (message["X-Allegra-Loop"], message["X-Allegra-Item"]) == ("Example help desk", "1")
    assert token(office, reply_to(message)) == tokens.Token(item)
    assert message["Cc"] is None and message["Bcc"] is None


def test_all_mail_about_an_item_has_one_subject_and_shares_the_root(office: Office) -> None:
    item = office.item(office.mail())
    rows = [
        office.row(Kind.ANSWER, item=item, comment=office.comment(item)),
        office.row(Kind.NOTICE, "item.closed", to="anna@example.com", login="anna", item=item, inside=True),
        office.row(Kind.NOTICE, "item.created", to="bob@example.com", item=item),
    ]
    messages = [office.message(row) for row in rows]
    assert {str(message["Subject"]) for message in messages} == {"Re: [#1] Printer broken"}
    assert all(root(office, item) in message["References"] for message in messages)


def test_a_reply_to_the_notice_of_a_note_becomes_a_note(office: Office) -> None:
    item = office.item()
    note = office.comment(item, internal=True)
    row = office.row(
        Kind.NOTICE, "item.noted", to="anna@example.com", login="anna", item=item, inside=True, comment=note
    )
    message = office.message(row)
    assert token(office, reply_to(message)) == tokens.Token(item, account=office.account("anna"), private=True)
    assert message["Reply-To"].addresses[0].username.startswith("support+n1-")


def test_a_notice_names_the_address_for_an_internal_note_to_people_inside_only(office: Office) -> None:
    item, anna = office.item(), office.account("anna")
    inside = office.letter(office.row(Kind.NOTICE, "item.closed", login="anna", item=item, inside=True))
    outside = office.letter(office.row(Kind.NOTICE, "item.closed", login="jane", item=item))
    assert token(office, str(inside.values["note_address"])) == tokens.Token(item, account=anna, private=True)
    assert outside.values["note_address"] == ""
    assert token(office, outside.reply_to) == tokens.Token(item)


def test_a_topic_has_tokens_and_marks_of_its_own(office: Office) -> None:
    topic = office.topic()
    message = office.message(office.row(Kind.NOTICE, "topic.posted", topic=topic))
    assert token(office, reply_to(message)) == tokens.Token(topic, topic=True)
    assert message["Subject"] == "Re: [msg1] News"
    assert (message["X-Allegra-Topic"], message["X-Allegra-Item"]) == ("1", None)
    assert message["References"] == root(office, topic, "t")


# ── whom it comes from ────────────────────────────────────────────────────────────────────────────────────────


def test_each_workspace_may_write_from_its_own_address(office: Office) -> None:
    office.configure("[workspace.support.replies]\nfrom = 'IT <it@example.com>'\n")
    row = office.row(item=office.item(), actor="Anna Berg", actor_inside=True)
    assert fields(office.message(row))["From"] == "Anna Berg via IT <it@example.com>"
    assert office.composed(row).reverse_path == "it@example.com"


def test_the_name_of_a_person_can_be_left_out(office: Office) -> None:
    office.configure("send_as = 'system'\n")  # the section of the server is the last one
    row = office.row(item=office.item(), actor="Anna Berg", actor_inside=True)
    assert fields(office.message(row))["From"] == "Support <help@example.com>"


def test_the_name_of_a_person_never_takes_the_address(office: Office) -> None:
    row = office.row(item=office.item(), actor='Anna "<evil@evil.example>" Berg', actor_inside=True)
    sender = office.message(row)["From"].addresses[0]
    assert sender.addr_spec == "help@example.com"
    assert "@" not in sender.display_name and sender.display_name.startswith("Anna")


def test_without_tokens_the_reply_address_is_plain(office: Office) -> None:
    office.configure("[items.threading]\nreply_token = false\n")
    item = office.item()
    assert reply_to(office.message(office.row(item=item))) == "support@example.com"
    notice = office.row(Kind.NOTICE, "item.closed", login="anna", item=item, inside=True)
    assert office.letter(notice).values["note_address"] == ""


# ── the thread ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_has_the_same_message_id_at_each_attempt(office: Office) -> None:
    row = office.row(item=office.item())
    first, again = office.composed(row), office.composed(row)
    assert first.message_id == again.message_id == office.message(row)["Message-ID"]
    assert tokens.read_message_id(first.message_id, office.config.instance.secret()) == 1
    assert first.content == again.content


def test_an_answer_on_an_item_that_no_mail_made_begins_with_the_root(office: Office) -> None:
    item = office.item()
    message = office.message(office.row(item=item))
    assert message["References"] == message["In-Reply-To"] == root(office, item)


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────


def attached(message: Any) -> dict[str, bytes]:
    return {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}


def test_files_go_along_smallest_first_and_the_rest_is_named_with_its_size(office: Office) -> None:
    office.configure("[replies]\nattach_up_to = '9 kB'\n")
    item = office.item()
    comment = office.comment(item)
    for name, size in (("big.bin", 100_000), ("small.txt", 10), ("middle.txt", 4000), ("more.txt", 4001)):
        office.file(item, name[:1].encode() * size, name, comment)
    message = office.message(office.row(item=item, comment=comment))
    assert attached(message) == {"small.txt": b"s" * 10, "middle.txt": b"m" * 4000}
    text = message.get_body(("plain",)).get_content()
    assert "\r\nsmall.txt (10 B)\r\nmiddle.txt (3.9 kB)\r\n" in text
    assert "more.txt (3.9 kB, not attached)\r\n" in text and "big.bin (98 kB, not attached)\r\n" in text


def test_what_files_take_up_in_a_mail_stays_below_the_limit(office: Office) -> None:
    office.configure("[replies]\nattach_up_to = '40 kB'\n")
    item = office.item()
    comment = office.comment(item)
    for number in range(30):
        office.file(item, bytes([number]) * (number * 130), f"{number}.bin", comment)
    row = office.row(item=item, comment=comment)
    alone = office.row(item=item, comment=office.comment(item))
    assert len(office.composed(row).content) - len(office.composed(alone).content) < (40 << 10) + 3000


@pytest.mark.parametrize("name", ["Übersicht 2026.pdf", "名前.png", 'a"b;c.txt', "x" * 150 + ".txt", "a\r\nb.txt"])
def test_names_of_files_survive(office: Office, name: str) -> None:
    item = office.item()
    comment = office.comment(item)
    office.file(item, b"x", name, comment)
    message = office.message(office.row(item=item, comment=comment))
    (found,) = attached(message)
    assert found == " ".join(name.split())[:150]


def test_files_of_other_words_do_not_go_along(office: Office) -> None:
    item = office.item()
    first, second = office.comment(item), office.comment(item, "Again")
    office.file(item, b"first", "first.txt", first)
    office.file(item, b"item", "item.txt")
    assert attached(office.message(office.row(item=item, comment=second))) == {}


def test_an_automatic_answer_carries_no_files(office: Office) -> None:
    item = office.item()
    office.file(item, b"item", "item.txt")
    assert attached(office.message(office.row(Kind.AUTO, "item.created", item=item))) == {}


def test_html_goes_along_as_a_file_and_is_never_shown(office: Office) -> None:
    item = office.item()
    comment = office.comment(item)
    office.file(item, b"<script>x</script>", "page.html", comment, "text/html")
    message = office.message(office.row(item=item, comment=comment))
    (part,) = message.iter_attachments()
    assert (part.get_content_type(), part.get_content_disposition()) == ("text/html", "attachment")


# ── the original ──────────────────────────────────────────────────────────────────────────────────────────────


def test_F136_a_report_holds_the_original_and_goes_nowhere_else(office: Office) -> None:
    mail = office.mail("From: x@y.example\nSubject: Broken\n\nbare\n", subject="Broken")
    row = office.row(
        Kind.NOTICE, "mail.failed", to="it@example.com", mail=mail, template="report", parts=[Part.ADMIN],
        because="the machine broke", code="fault.exception",
    )  # fmt: skip
    message = office.message(row)
    assert attached(message) == {"original.eml": b"From: x@y.example\nSubject: Broken\n\nbare\n"}
    assert "The machine broke." in message.get_body().get_content() and "Broken" in message["Subject"]
    assert message["Reply-To"] is None and message["In-Reply-To"] is None and message["List-Id"] is None
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_forward_holds_the_original_and_nothing_internal(office: Office) -> None:
    mail = office.mail("From: x@y.example\n\nwords\n")
    row = office.row(
        Kind.NOTICE, "mail.forwarded", to="partner@x.example", mail=mail, item=office.item(mail), template="forward",
        parts=[Part.NAMED],
    )  # fmt: skip
    message = office.message(row)
    assert list(attached(message)) == ["original.eml"] and "New" not in message.get_body().get_content()
    assert message["Reply-To"] is None


def test_an_original_that_is_gone_leaves_a_shorter_mail(office: Office) -> None:
    mail = office.mail()
    with office.store.writing():
        office.store.database.run("UPDATE raw_mail SET content = NULL")
    row = office.row(Kind.NOTICE, "mail.failed", to="it@example.com", mail=mail, template="report")
    assert attached(office.message(row)) == {}


# ── what is gone meanwhile ────────────────────────────────────────────────────────────────────────────────────


def test_who_was_locked_meanwhile_is_not_written_to(office: Office) -> None:
    with pytest.raises(Gone, match="locked"):
        office.letter(office.row(Kind.NOTICE, "item.closed", login="lola", item=office.item()))


@pytest.mark.parametrize("gone", ["item", "topic"])
def test_what_was_deleted_meanwhile_is_not_told_of(office: Office, gone: str) -> None:
    with pytest.raises(Gone, match=f"the {gone} is gone"):
        office.letter(office.row(**{gone: 99}))


def test_a_comment_that_is_gone_leaves_a_mail_without_its_words(office: Office) -> None:
    row = office.row(item=office.item(), comment=99)
    assert "Printer broken" in office.message(row).get_body(("plain",)).get_content()


def test_who_has_no_address_is_told_so(office: Office) -> None:
    with pytest.raises(ComposeError, match="'anna' has no address"):
        office.letter(office.row(to="anna"))


def test_somebody_who_wants_text_gets_text(office: Office) -> None:
    office.prefers("anna", "format", "text")
    item = office.item()
    notice = office.message(office.row(Kind.NOTICE, "item.closed", login="anna", item=item, inside=True))
    assert notice.get_content_type() == "text/plain"
    assert office.message(office.row(item=item, login="jane")).get_content_type() == "multipart/alternative"


# ── whatever stands in a row ──────────────────────────────────────────────────────────────────────────────────

HOSTILE = st.text(max_size=40) | st.sampled_from(
    ["\r\nBcc: evil@evil.example", "a\u2028b", "\0", "\u202etxt.exe", "=?utf-8?q?=0ABcc:?=", "x" * 10_000,
     'Name" <evil@evil.example>,', "a, b;", "\\", "evil@evil.example", "<x@y>", "\x85", "{{ 7 * 7 }}", "(c)"]
)  # fmt: skip
FREE = HOSTILE.map(lambda value: value.encode("utf-8", "replace").decode())
_offices: list[Office] = []


@settings(max_examples=500)
@given(data=st.data())
def test_G21_whatever_a_row_tells_of_the_mail_goes_to_one_person_with_the_fields_of_its_class(
    offices: Callable[[], Office], data: Any
) -> None:
    if not _offices:
        office = offices()
        item = office.item(office.mail())
        office.file(item, b"x", "a.txt", office.comment(item))
        _offices.append(office)
    office, free = _offices[0], lambda: data.draw(FREE)
    for table, column in (("item", "title"), ("item", "text"), ("item", "sender"), ("item", "status"),
                          ("comment", "text"), ("attachment", "name"), ("inbound", "subject"), ("inbound", "sender"),
                          ("inbound", "message_id")):  # fmt: skip
        with office.store.writing():
            office.store.database.run(f"UPDATE {table} SET {column} = ?", free())  # noqa: S608 -- names of this file
    kind = data.draw(st.sampled_from((Kind.AUTO, Kind.NOTICE, Kind.ANSWER)))
    inside = data.draw(st.booleans())
    row = office.row(
        kind, data.draw(st.sampled_from([*BY_NAME])), item=1, comment=data.draw(st.sampled_from((0, 1))),
        mail=office.store.database.one("SELECT ref FROM inbound")[0], login=data.draw(st.sampled_from(("", "anna"))),
        template=data.draw(st.sampled_from(NAMES)), parts=data.draw(st.lists(st.sampled_from(Part), max_size=3)),
        language=data.draw(st.sampled_from(("", "en", "ja", "xx"))), name=free(), actor=free(), actor_address=free(),
        actor_inside=data.draw(st.booleans()), inside=inside, because=free(), code=free(), text=free(),
        changes=(Change(free(), free(), free()), Change("status", free(), free())), last=data.draw(st.booleans()),
    )  # fmt: skip
    composed, message = office.composed(row), office.message(row)
    assert composed.recipients == ("jane@big.example",) and composed.replaced == ""
    assert composed.reverse_path == ("" if kind is Kind.AUTO else "help@example.com")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", composed.content)
    assert max(map(len, composed.content.split(b"\r\n"))) <= 998
    assert [each.addr_spec for each in (*message["To"].addresses, *message["From"].addresses)] == [
        "jane@big.example", "help@example.com",
    ]  # fmt: skip
    told = (message["Auto-Submitted"], message["Precedence"], message["X-Auto-Response-Suppress"])
    assert told == {Kind.AUTO: ("auto-replied", "bulk", "All"), Kind.NOTICE: ("auto-generated", "bulk", "All"),
                    Kind.ANSWER: (None, None, None)}[kind]  # fmt: skip
    assert message["X-Allegra-Loop"] == "Example help desk" and message["X-Allegra-Item"] == "1"
    assert (message["List-Id"] is not None) == (kind is Kind.NOTICE and row.told.template not in ORIGINALS)
    assert message["Cc"] is None and message["Bcc"] is None and not message.defects
    for name in ("In-Reply-To", "References"):
        assert all(re.fullmatch(r"<[!-~]+>", each) for each in str(message[name] or "").split())
