"""What a template may use: every name in every mail, and outside people learn nothing that is not theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outbox.offices import Office

from engine.mail.reply import cut
from engine.model.events import BY_NAME, EVENTS, Kind, Part
from engine.model.hearing import Change
from engine.model.reasons import REASONS
from engine.outbox.names import EMPTY, NAMES, SAMPLE
from engine.outbox.templates import FAMILY, LANGUAGES, built_in

KINDS = (Kind.AUTO, Kind.NOTICE, Kind.ANSWER)


def said(office: Office, kind: Kind = Kind.ANSWER, event: str = "item.answered", **row: Any) -> dict[str, Any]:
    return dict(office.letter(office.row(kind, event, **row)).values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("event", [event.name for event in EVENTS])
@pytest.mark.parametrize("inside", [True, False])
def test_every_name_stands_in_every_mail_and_keeps_its_kind(
    office: Office, kind: Kind, event: str, inside: bool
) -> None:
    mail = office.mail()
    item = office.item(mail)
    for about in ({"item": item, "comment": office.comment(item)}, {"mail": mail}, {"topic": office.topic()}, {}):
        values = said(office, kind, event, inside=inside, login="anna" if inside else "", **about)
        assert values.keys() == EMPTY.keys()
        assert {name: type(value) for name, value in values.items() if not isinstance(value, list | tuple)} == {
            name: type(value) for name, value in EMPTY.items() if not isinstance(value, tuple)
        }


def test_samples_are_of_the_kind_of_what_is_empty() -> None:
    assert [each.name for each in NAMES if type(each.empty) is not type(each.sample)] == []
    assert all(SAMPLE.values()) or SAMPLE["actor_inside"] is False


SECRETS = {
    "type": "s3cret-type", "status": "s3cret-status", "priority": "s3cret-priority", "assigned_to": "s3cret-assignee",
}  # fmt: skip
OUTSIDE_EVENTS = [event.name for event in EVENTS if event.outside or event.auto]


@settings(max_examples=300)
@given(data=st.data())
def test_notes_fields_and_internal_reasons_never_stand_in_a_mail_to_somebody_outside(
    offices: Callable[[], Office], data: Any
) -> None:
    """Whatever the template is: of what it could use nothing is internal."""
    office = _shared(offices)
    item = office.items[data.draw(st.integers(0, len(office.items) - 1))]
    kind = data.draw(st.sampled_from(KINDS))
    event = data.draw(st.sampled_from(OUTSIDE_EVENTS))
    words = data.draw(st.sampled_from((0, *office.notes[item], office.public[item])))
    row = office.row(
        kind, event, item=item, comment=words, mail=data.draw(st.sampled_from(("", office.staff_mail))),
        parts=data.draw(st.lists(st.sampled_from(Part), min_size=1, max_size=3, unique=True)),
        login=data.draw(st.sampled_from(("", "jane"))), language=data.draw(st.sampled_from(LANGUAGES)),
        because="" if kind is Kind.AUTO else "s3cret-reason", code="" if kind is Kind.AUTO else "s3cret.code",
        changes=(Change("priority", "s3cret-low", "s3cret-high"), Change("status", "New", "Closed")),
        actor="Anna Berg", actor_inside=True,
    )  # fmt: skip
    composed = office.letter(row)
    assert "s3cret" not in repr({name: value for name, value in composed.values.items() if kind is not Kind.AUTO
                                 or name not in ("sender", "subject")})  # fmt: skip
    assert not [file for file in composed.files if "s3cret" in file.name]
    for name in ("type", "status", "priority", "assignee", "requester", "opened", "note_address", "why"):
        assert composed.values[name] == ""
    for template in (*built_in("en"), "vip"):
        if template not in ("sentence", "why", "words", "advice") and kind is not Kind.AUTO:
            text = office.text(composed, template)
            assert "s3cret" not in text, template


class _Shared(Office):
    """One office for many examples: items with notes, fields, files and people that nobody outside may learn of."""

    items: list[int]
    notes: dict[int, tuple[int, ...]]
    public: dict[int, int]
    staff_mail: str

    def fill(self) -> None:
        self.items, self.notes, self.public = [], {}, {}
        self.staff_mail = self.mail(sender="s3cret@example.com", subject="s3cret subject", message_id="<s3cret@x>")
        (self.folder / "templates").mkdir()
        every = "".join(f"{each.name}={{{{ {each.name} }}}}\n" for each in NAMES)
        (self.folder / "templates" / "vip.en.txt").write_text(f"Subject: x\n\n{every}", "utf-8")
        for number in range(5):
            item = self.item(self.mail(), **SECRETS)
            note = self.comment(item, f"s3cret note {number}", internal=True)
            self.file(item, b"s3cret %d" % number, f"s3cret-{number}.txt", note)
            self.public[item] = self.comment(item, "Which printer?")
            later = self.comment(item, f"s3cret later {number}", internal=True)
            self.items.append(item)
            self.notes[item] = (note, later)

    def text(self, letter: Any, template: str) -> str:
        from engine.outbox.templates import Templates

        return str(Templates(self.folder / "templates").render(template, letter.language, letter.values))


_made: list[Any] = []


def _shared(offices: Callable[..., Office]) -> Any:
    if not _made:
        office = offices()
        office.__class__ = _Shared
        office.fill()  # type: ignore[attr-defined]
        _made.append(office)
    return _made[0]


def test_outside_people_hear_of_the_status_and_of_no_other_change(office: Office) -> None:
    changes = (Change("priority", "Low", "High"), Change("status", "New", "Closed"))
    item = office.item()
    outside = said(office, Kind.NOTICE, "item.closed", item=item, changes=changes)
    inside = said(office, Kind.NOTICE, "item.closed", item=item, changes=changes, inside=True, language="de")
    assert outside["changes"] == [{"name": "Status", "before": "New", "after": "Closed"}]
    assert [each["name"] for each in inside["changes"]] == ["Priorität", "Status"]


def test_people_inside_read_the_facts_of_the_item_and_whom_a_reply_reaches(office: Office) -> None:
    item = office.item(author=None, sender="Jane Doe <jane@big.example>")
    values = said(
        office, Kind.NOTICE, "item.commented", item=item, login="anna", inside=True, parts=[Part.ASSIGNEE],
        actor="Jane Doe",
    )  # fmt: skip
    assert (values["status"], values["assignee"], values["type"]) == ("New", "anna", "Task")
    assert values["requester"] == "Jane Doe <jane@big.example>" and values["reply_reaches"] == [values["requester"]]
    assert values["why"] == "you are assigned to it" and values["roles"] == ["assignee"]
    assert values["sentence"] == "Jane Doe wrote about [#1] Printer broken."
    assert values["opened"] == "2026-11-20 10:31"


@pytest.mark.parametrize("lines", [1, 39, 40, 41, 5000])
def test_an_answer_quotes_the_last_words_and_no_more_than_forty_lines(office: Office, lines: int) -> None:
    item = office.item(text="\n".join(f"line {number}" for number in range(lines)))
    quote = said(office, item=item, comment=office.comment(item))["quote"].split("\n")
    assert quote[0] == "Jane Doe wrote on 2026-11-20 10:31:"
    assert len([line for line in quote if line.startswith("> line")]) == min(lines, 40)
    assert (quote[-1] == "> …") == (lines > 40)


def test_a_quotation_of_one_long_line_has_an_end(office: Office) -> None:
    item = office.item(text="x" * 300_000)
    assert len(said(office, item=item, comment=office.comment(item))["quote"]) < 21_000


def test_nothing_is_quoted_where_a_setting_says_so(office: Office) -> None:
    office.configure("[replies]\nquote = 'none'\nreply_line = false\nsignature = 'Kind regards'\n")
    item = office.item()
    values = said(office, item=item, comment=office.comment(item))
    assert (values["quote"], values["reply_line"], values["signature"]) == ("", "", "Kind regards")


def test_F141_an_answer_is_signed_by_who_wrote_it(office: Office) -> None:
    office.configure("[replies]\nsignature = 'Kind regards'\n")
    item = office.item()
    by_anna = {"actor": "Anna Berg", "actor_address": "anna@example.com", "actor_inside": True}
    for key, value in (("signature", "Anna Berg\r\nIT\1"), ("new", "all")):
        office.prefers("anna", key, value)
    assert said(office, item=item, comment=office.comment(item), **by_anna)["signature"] == "Anna Berg\nIT"
    for row in (
        {"kind": Kind.NOTICE}, {"kind": Kind.AUTO}, {"actor_inside": False}, {"actor_address": "bob@example.com"},
        {"actor_address": ""},
    ):  # fmt: skip
        values = said(office, item=item, comment=office.comment(item), **{**by_anna, **row})
        assert values["signature"] == "Kind regards", row


def test_an_internal_note_is_never_quoted(office: Office) -> None:
    item = office.item()
    office.comment(item, "she is a pain", internal=True)
    values = said(office, item=item, comment=office.comment(item))
    assert "pain" not in values["quote"] and "It is on fire." in values["quote"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reply_line_and_all_below_it_is_cut_off_an_answer(office: Office, language: str) -> None:
    item = office.item()
    message = office.message(office.row(item=item, comment=office.comment(item), language=language))
    ours = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert ours.startswith(built_in(language)["words"]["reply_line"])
    for below in (ours, "\n".join(f"> {line}" for line in ours.split("\n"))):
        assert cut(f"It is fixed now.\n\n{below}").new == "It is fixed now."


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_advice_for_the_same_codes(language: str) -> None:
    advice = built_in(language)["advice"]
    assert advice.keys() == built_in("en")["advice"].keys() <= REASONS.keys()
    without = {"rule.reject", "hook.guard_reject"}  # whoever wrote the rule or the script says it
    assert {code for code, reason in REASONS.items() if reason.sender} - without <= advice.keys()


def test_F135_a_refused_sender_reads_why_and_what_to_do(office: Office) -> None:
    mail = office.mail(subject="Big")
    row = office.row(
        Kind.AUTO, "mail.rejected", mail=mail, template="rejected", because="the mail has no subject",
        code="gate.empty_subject", last=True,
    )  # fmt: skip
    message = office.message(row)
    text = message.get_body().get_content()
    assert message["Subject"] == "Not accepted: Big"
    assert "The mail has no subject." in text and "Send it again with a subject." in text
    assert "will not be answered" in text


@pytest.mark.parametrize(
    ("because", "sentence"),
    [
        ("too big", "Too big."),
        ("Why?", "Why?"),
        ("", ""),
        ("ça va", "Ça va."),
        ("a\r\nb", "A b."),
        ("だめです。", "だめです。"),
    ],
)
def test_a_reason_is_a_sentence(office: Office, because: str, sentence: str) -> None:
    assert said(office, Kind.AUTO, "mail.rejected", because=because)["reason"] == sentence


def test_a_code_without_advice_gives_none(office: Office) -> None:
    assert said(office, Kind.AUTO, "mail.rejected", code="gate.blocked")["what_to_do"] == ""


# ── links and names ───────────────────────────────────────────────────────────────────────────────────────────


def test_links_stand_only_where_somebody_answers_there(office: Office) -> None:
    item = office.item()
    assert said(office, item=item)["url"] == ""
    office.configure(base_url="https://desk.example.com")
    assert said(office, item=item)["url"] == ""
    office.configure("[replies]\nlinks = true\n", base_url="https://desk.example.com")
    assert said(office, item=item)["url"] == f"https://desk.example.com/items/{item}"


def test_a_stranger_is_greeted_by_the_name_in_the_mail(office: Office) -> None:
    mail = office.mail()
    assert said(office, Kind.AUTO, "item.created", mail=mail)["person"] == "Jane Doe"
    assert said(office, Kind.AUTO, "item.created", mail=mail, login="anna")["person"] == "Anna Berg"
    assert said(office, Kind.ANSWER, item=office.item(), name="Karl")["person"] == "Karl"


def test_a_language_without_texts_is_answered_in_that_of_the_installation(office: Office) -> None:
    letter = office.letter(office.row(Kind.NOTICE, "item.closed", item=office.item(), language="zh"))
    assert letter.language == "en" and str(letter.values["sentence"]).endswith("closed [#1] Printer broken.")


def test_every_event_that_people_hear_of_has_its_sentence() -> None:
    told = {name for name, event in BY_NAME.items() if event.words or event.inside} - {"mail.forwarded"}
    for language in LANGUAGES:
        assert {name for name in told if BY_NAME[name].template in FAMILY} <= built_in(language)["sentence"].keys()
        assert set(map(str, Part)) - {"sender"} == built_in(language)["why"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_owner_is_not_told_that_nobody_else_hears(language: str) -> None:
    why = built_in(language)["why"]
    assert why["owner"] not in ("", why["admin"], why["member"])
    assert built_in("en")["why"]["owner"] == "you look after this workspace"
