"""Samples fit: what a notice says is what happened, in every language; the line that replies begin at is cut off."""

from __future__ import annotations

import pytest

from engine.mail.reply import cut
from engine.model.events import EVENTS, Kind
from engine.outbox.names import EMPTY, SAMPLE
from engine.outbox.samples import event_of, kind_of, sample
from engine.outbox.templates import FAMILY, FORMER, LANGUAGES, NAMES, Templates, built_in, in_words, render_line

TOLD = [(event.name, event.template) for event in EVENTS if event.template in FAMILY]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*NAMES, *FORMER])
def test_every_template_renders_with_values_that_fit(name: str, language: str) -> None:
    values = sample(name, language)
    assert values.keys() == SAMPLE.keys() and all(type(values[each]) is type(EMPTY[each]) for each in values)
    subject, body, replaced = Templates(None).render(name, language, values)
    assert subject and replaced == "" and "\n\n\n" not in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_has_a_sentence_of_its_own_in_every_language(language: str) -> None:
    said = {event: str(sample(name, language, event)["sentence"]) for event, name in TOLD}
    assert {event for event, _ in TOLD} <= built_in(language)["sentence"].keys()
    shown = [sentence for event, sentence in said.items() if event != "topic.posted"]
    assert len(set(shown)) == len(shown) and all("[#4711]" in sentence for sentence in shown)
    assert "[msg12]" in said["topic.posted"]
    for event, name in TOLD:
        body = Templates(None).render(name, language, sample(name, language, event)).body
        assert said[event] in body.split("\n"), event


def test_what_was_closed_is_closed_and_what_was_noted_reaches_nobody_outside() -> None:
    assert sample("closed")["status"] == "Closed" and "closed [#4711]" in str(sample("closed")["sentence"])
    assert sample("noted")["reply_reaches"] == () and sample("noted")["note_address"] == ""
    assert sample("answer")["status"] == "" and sample("undeliverable")["actor"] == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_told_of_a_mailbox_is_about_no_item(language: str) -> None:
    events = [event.name for event in EVENTS if event.template == "mailbox"]
    said = {event: Templates(None).render("mailbox", language, sample("mailbox", language, event)) for event in events}
    assert len({each.body for each in said.values()}) == len(events) == 6
    for event, (subject, body, _) in said.items():
        assert "4711" not in subject + body and "2026-11-02 09:15" in body
        of_a_mailbox = event.startswith("mailbox.")
        assert ("smtp.example.com" in body, "imap.example.com" in body) == (event == "smtp.up", of_a_mailbox)
        assert ("cannot be reached" in body) == (event == "mailbox.down")


@pytest.mark.parametrize(
    ("name", "event", "kind"),
    [("ack", "item.created", Kind.AUTO), ("held", "mail.held", Kind.AUTO), ("answer", "item.answered", Kind.ANSWER),
     ("notify", "", Kind.AUTO), ("notice", "item.commented", Kind.NOTICE), ("report", "mail.rejected", Kind.NOTICE),
     ("unknown_sender", "mail.rejected", Kind.AUTO), ("vip", "", Kind.AUTO), ("posted", "topic.posted", Kind.NOTICE)],
)  # fmt: skip
def test_a_template_is_for_an_event_and_a_class(name: str, event: str, kind: Kind) -> None:
    assert (event_of(name), kind_of(name)) == (event, kind)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in NAMES if name in FAMILY or name in ("answer", "notice")])
@pytest.mark.parametrize("mark", ["", "> "])
def test_the_reply_line_of_every_language_and_what_stands_below_it_is_cut(language: str, name: str, mark: str) -> None:
    body = Templates(None).render(name, language, sample(name, language)).body
    assert body.startswith(in_words("words", "reply_line", language) + "\n")
    reply = "Danke!\n\n" + "".join(f"{mark}{line}".rstrip() + "\n" for line in body.split("\n"))
    assert cut(reply).new == "Danke!"


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_a_note_was_made_public_is_told_with_who_wrote_it(language: str) -> None:
    said = render_line("sentence", "published", language, {**sample("commented", language), "author": "Karl Roe"})
    assert "Karl Roe" in said and "Jane Doe" in said and "[#4711]" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notice_of_a_stranger_s_note_says_what_its_command_does(language: str) -> None:
    values = {**sample("noted", language), "actor_inside": False}
    lines = Templates(None).render("noted", language, values).body.split("\n")
    at = lines.index("allegra item publish 4711 31 --authorise")
    assert lines[at - 1].endswith(":") and 20 < len(lines[at - 1]) <= 80
