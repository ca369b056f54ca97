"""From draft to plan."""

from __future__ import annotations

import pytest
from builders import answers, config, draft, facts, item, mail, raw

from engine.decision.seal import seal
from engine.mail.parse import parse
from engine.model.desk import Kind
from engine.model.draft import (
    AttachmentFate,
    Decider,
    Disposition,
    Draft,
    FieldChange,
    NewUser,
    PersonChange,
    Role,
    Target,
    Verdict,
)
from engine.model.facts import Facts
from engine.model.mail import Address, Mail
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CreateItem,
    CreateUser,
    Effect,
    Outcome,
    Plan,
    PostToTopic,
    SetCopies,
    SetField,
    Settle,
    Tell,
)

RULE = Decider("rule", "Night", "rules/support.toml", 9)


def complete(**known: object) -> Draft:
    return draft(**{"author": "jane", "title": "Printer", "text": "It burns.", **known})


def plan(about: Draft, toml: str = "", known: Facts | None = None, of: Mail | None = None) -> Plan:
    letter = of or mail()
    return seal(letter, known or facts(letter), about, config(toml))


def stopped(verdict: Verdict, code: str, toml: str = "", known: Facts | None = None, **more: object) -> Plan:
    by = Decider("gate", "dmarc")
    return plan(draft(disposition=Disposition(verdict, code, "because of this", by), **more), toml, known)


def changes(made: Plan) -> tuple[Effect, ...]:
    """What a plan does in the database, but for whom it copies; how it is told of comes last."""
    assert isinstance(made.effects[-1], Tell)
    return tuple(each for each in made.effects[:-1] if not isinstance(each, SetCopies))


def test_a_new_item_is_created_with_its_fields_then_what_hangs_on_it() -> None:
    letter = mail(attachments=[("a.txt", "text/plain", b"a"), ("b.txt", "text/plain", b"b")])
    first, second = letter.attachments
    made = plan(
        complete(
            fields=(FieldChange("priority", "High", RULE),),
            labels=("vip",),
            people=(PersonChange(Address("bob@example.com"), Role.READER, "bob"),),
            attachments=(AttachmentFate(first), AttachmentFate(second, False)),
            private=True,
        ),
        of=letter,
    )
    assert made.outcome is Outcome.CREATED
    assert made.disposition.code == "draft.created"
    assert made.settle is Settle.SUCCESS
    assert changes(made) == (
        CreateItem("support", "Printer", "It burns.", "jane", (("priority", "High"),), private=True, language="en"),
        AddLabel(0, "vip"),
        AddPerson(0, "bob", Role.READER),
        Attach(0, first),
    )


def test_how_a_plan_is_told_of_is_its_last_effect_and_there_is_one() -> None:
    for made in (plan(complete()), stopped(Verdict.HOLD, "rule.hold"), stopped(Verdict.DISCARD, "limits.duplicate")):
        assert [type(effect) for effect in made.effects].index(Tell) == len(made.effects) - 1


def test_an_item_speaks_the_language_of_who_wrote_it() -> None:
    (made, *_) = plan(complete(), known=facts(language="fr")).effects
    assert isinstance(made, CreateItem) and made.language == "fr"


def test_users_come_before_the_item_that_names_them() -> None:
    eve = NewUser(Address("eve@stranger.example", "Eve"), "Eve", "-")
    made = plan(complete(author="eve@stranger.example", new_users=(eve,)), known=facts(account=None))
    assert made.effects[0] == CreateUser(eve)


def test_people_in_cc_join_under_their_new_account() -> None:
    who = NewUser(Address("who@nowhere.example"), "Who", "-")
    made = plan(complete(new_users=(who,), people=(PersonChange(who.address, Role.READER),)))
    assert AddPerson(0, "who@nowhere.example", Role.READER) in made.effects


def test_a_reply_adds_a_comment_and_sets_fields() -> None:
    made = plan(complete(target=Target.COMMENT, item=item(7), fields=(FieldChange("status", "Closed", RULE),)))
    assert made.outcome is Outcome.COMMENT
    assert made.item == 7
    assert changes(made) == (AddComment(7, "It burns.", "jane"), SetField(7, "status", "Closed"))


def test_F119_a_note_is_internal() -> None:
    made = plan(complete(target=Target.NOTE, item=item(7)))
    assert made.outcome is Outcome.NOTE
    assert made.disposition.code == "draft.note"
    assert changes(made) == (AddComment(7, "It burns.", "jane", internal=True),)


def test_F118_replies_are_internal_where_the_log_is_the_note() -> None:
    made = plan(complete(target=Target.COMMENT, item=item(7)), '[items]\nlog_field = "note"\n')
    assert made.effects[0] == AddComment(7, "It burns.", "jane", internal=True)


def test_F120_a_post_goes_below_its_topic() -> None:
    made = plan(complete(target=Target.TOPIC_POST, item=item(12, kind=Kind.TOPIC), labels=("x",)))
    assert made.outcome is Outcome.COMMENT
    assert changes(made) == (PostToTopic(12, "It burns.", "jane", "Printer"),)


@pytest.mark.parametrize(
    ("known", "lacks"),
    [({"workspace": ""}, "a workspace"), ({"author": ""}, "an author"), ({"title": ""}, "a title"),
     ({"target": Target.COMMENT}, "an item to write on")],
)  # fmt: skip
def test_no_decision_means_hold(known: dict[str, object], lacks: str) -> None:
    made = plan(complete(**known))
    assert made.outcome is Outcome.HELD
    assert made.disposition.code == "draft.undecided"
    assert lacks in made.disposition.because
    assert changes(made) == ()


@pytest.mark.parametrize(
    ("verdict", "code", "outcome", "settle"),
    [
        (Verdict.HOLD, "gate.dmarc", Outcome.HELD, Settle.HOLD),
        (Verdict.REJECT, "rule.reject", Outcome.REJECTED, Settle.FAILURE),
        (Verdict.DISCARD, "gate.bounce", Outcome.DISCARDED, Settle.FAILURE),
        (Verdict.DISCARD, "limits.duplicate", Outcome.DUPLICATE, Settle.SUCCESS),
        (Verdict.DEFER, "config.broken", Outcome.DEFERRED, Settle.NOTHING),
    ],
)
def test_every_verdict_has_its_outcome_and_folder(
    verdict: Verdict, code: str, outcome: Outcome, settle: Settle
) -> None:
    made = stopped(verdict, code)
    assert (made.outcome, made.settle) == (outcome, settle)


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.REJECT, Verdict.DISCARD, Verdict.DEFER])
def test_F138_what_is_not_accepted_changes_nothing(verdict: Verdict) -> None:
    eve = NewUser(Address("eve@stranger.example"), "Eve", "-")
    by = Decider("gate", "dmarc")
    settled = complete(disposition=Disposition(verdict, "rule.hold", "so", by), new_users=(eve,), labels=("vip",))
    assert changes(plan(settled)) == ()


def test_F039_a_discarded_bounce_keeps_the_link_to_its_item() -> None:
    assert stopped(Verdict.DISCARD, "gate.bounce", item=item(7)).item == 7


def test_a_mail_of_which_only_the_header_was_taken_stays_where_it_is() -> None:
    letter = parse(raw("From: jane@bigcorp.example\nSubject: Big\n\n", truncated=True))
    by = Decider("gate", "too_big")
    held = draft(disposition=Disposition(Verdict.HOLD, "fetch.too_big", "too big", by))
    assert plan(held, of=letter).settle is Settle.NOTHING


def test_the_same_draft_gives_the_same_plan() -> None:
    letter = mail()
    known = facts(letter, thread=answers(item(7)))
    assert seal(letter, known, complete(), config()) == seal(letter, known, complete(), config())
