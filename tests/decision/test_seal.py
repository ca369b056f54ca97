"""From draft to plan."""

from __future__ import annotations

import pytest
from builders import JANE, answers, config, draft, facts, item, mail, proven, raw
from msgspec.structs import replace

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
    Reply,
    Role,
    Target,
    Verdict,
)
from engine.model.facts import Auto, Automatic, Facts
from engine.model.mail import Address, Mail
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CallWebhook,
    CreateItem,
    CreateUser,
    Outcome,
    Plan,
    PostToTopic,
    SendMail,
    SetField,
    Settle,
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


def mails(made: Plan) -> list[tuple[str, str]]:
    return [(effect.kind, effect.template) for effect in made.effects if isinstance(effect, SendMail)]


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
    assert made.effects == (
        CreateItem("support", "Printer", "It burns.", "jane", (("priority", "High"),), private=True),
        AddLabel(0, "vip"),
        AddPerson(0, "bob", Role.READER),
        Attach(0, first),
        SendMail("ack", "ack", ("jane@bigcorp.example",), "en"),
    )


def test_users_come_before_the_item_that_names_them_and_hear_of_their_account() -> None:
    eve = NewUser(Address("eve@stranger.example", "Eve"), "Eve", "-")
    known = facts(account=None)
    made = plan(complete(author="eve@stranger.example", new_users=(eve,)), known=known)
    assert made.effects[0] == CreateUser(eve)
    assert mails(made) == [("account", "account"), ("ack", "ack")]
    quiet = plan(
        complete(author="eve@stranger.example", new_users=(eve,)), "[people]\nno_account_notice = true\n", known
    )
    assert mails(quiet) == [("ack", "ack")]


def test_who_wrote_a_forwarded_mail_hears_nothing_of_an_account_made_for_them() -> None:
    eve = NewUser(Address("eve@stranger.example"), "Eve", "Stranger")
    forwarded = complete(author="eve@stranger.example", new_users=(eve,), original=eve.address)
    assert mails(plan(forwarded)) == [("ack", "ack")]


def test_people_in_cc_hear_nothing_of_accounts_made_for_them() -> None:
    who = NewUser(Address("who@nowhere.example"), "Who", "-")
    made = plan(complete(new_users=(who,), people=(PersonChange(who.address, Role.READER),)))
    assert mails(made) == [("ack", "ack")]
    assert AddPerson(0, "who@nowhere.example", Role.READER) in made.effects


def test_a_reply_adds_a_comment_and_sets_fields() -> None:
    made = plan(complete(target=Target.COMMENT, item=item(7), fields=(FieldChange("status", "Closed", RULE),)))
    assert made.outcome is Outcome.COMMENT
    assert made.item == 7
    assert made.effects == (AddComment(7, "It burns.", "jane"), SetField(7, "status", "Closed"))


def test_F119_a_note_is_internal_and_never_acknowledged() -> None:
    made = plan(complete(target=Target.NOTE, item=item(7)), '[replies]\nnew_comment = "comment_ack"\n')
    assert made.outcome is Outcome.NOTE
    assert made.disposition.code == "draft.note"
    assert made.effects == (AddComment(7, "It burns.", "jane", internal=True),)


def test_F118_replies_are_internal_where_the_log_is_the_note() -> None:
    made = plan(complete(target=Target.COMMENT, item=item(7)), '[items]\nlog_field = "note"\n')
    assert made.effects[0] == AddComment(7, "It burns.", "jane", internal=True)


def test_F120_a_post_goes_below_its_topic() -> None:
    made = plan(complete(target=Target.TOPIC_POST, item=item(12, kind=Kind.TOPIC), labels=("x",)))
    assert made.outcome is Outcome.COMMENT
    assert made.effects == (PostToTopic(12, "It burns.", "jane", "Printer"),)


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
    assert not any(isinstance(effect, CreateItem | AddComment | CreateUser) for effect in made.effects)


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
    made = plan(settled)
    assert all(isinstance(effect, SendMail | CallWebhook) for effect in made.effects)


def test_F039_a_discarded_bounce_keeps_the_link_to_its_item() -> None:
    assert stopped(Verdict.DISCARD, "gate.bounce", item=item(7)).item == 7


def test_a_mail_of_which_only_the_header_was_taken_stays_where_it_is() -> None:
    letter = parse(raw("From: jane@bigcorp.example\nSubject: Big\n\n", truncated=True))
    by = Decider("gate", "too_big")
    held = draft(disposition=Disposition(Verdict.HOLD, "fetch.too_big", "too big", by))
    assert plan(held, of=letter).settle is Settle.NOTHING


def test_F142_the_acknowledgement_follows_the_templates() -> None:
    assert mails(plan(complete(), '[replies]\nnew_item = ""\n')) == []
    comment = complete(target=Target.COMMENT, item=item(7))
    assert mails(plan(comment, '[replies]\nnew_comment = "comment_ack"\n')) == [("comment_ack", "comment_ack")]


def test_a_rules_reply_takes_the_place_of_the_acknowledgement() -> None:
    assert mails(plan(complete(reply=Reply("ack-night")))) == [("ack", "ack-night")]
    assert mails(plan(complete(no_reply=True))) == []


def test_F053_answers_go_to_reply_to() -> None:
    letter = mail(headers=[("Reply-To", "Jane at home <jane@home.example>")])
    made = plan(complete(), of=letter)
    assert made.effects[-1] == SendMail("ack", "ack", ("jane@home.example",), "en")


def test_answers_speak_the_language_of_the_account_then_of_the_mail() -> None:
    german = facts(account=replace(JANE, language="de"))
    assert [e.language for e in plan(complete(), known=german).effects if isinstance(e, SendMail)] == ["de"]
    french = facts(language="fr")
    assert [e.language for e in plan(complete(), known=french).effects if isinstance(e, SendMail)] == ["fr"]


@pytest.mark.parametrize(
    "known",
    [
        facts(automatic=Automatic(Auto.AUTO_REPLY, "Auto-Submitted: auto-replied")),
        facts(own_loop=True),
        facts(authentication=proven("fail")),
    ],
)
def test_machines_and_forgers_are_never_answered(known: Facts) -> None:
    assert mails(plan(complete(), known=known)) == []
    assert mails(stopped(Verdict.REJECT, "rule.reject", known=known)) == []


@pytest.mark.parametrize(
    ("reply_to", "reports", "told"),
    [
        ("eve@stranger.example", '"known"', "jane@bigcorp.example"),
        ("Jane@BigCorp.example", '"known"', "Jane@BigCorp.example"),
        ("jane@home.example", '"known"', "jane@home.example"),
        ("eve@stranger.example", "true", "eve@stranger.example"),
        ("help@example.com", '"known"', ""),
    ],
)
def test_F135_where_known_people_hear_why_it_goes_to_an_address_of_theirs(
    reply_to: str, reports: str, told: str
) -> None:
    letter = mail(headers=[("Reply-To", reply_to)])
    jane = replace(JANE, emails=("jane@bigcorp.example", "jane@home.example"))
    stop = draft(disposition=Disposition(Verdict.REJECT, "rule.reject", "so", Decider("rule", "x")))
    made = plan(stop, f"[errors]\nreport_incoming_email_errors = {reports}\n", facts(letter, account=jane), letter)
    refusals = [effect for effect in made.effects if isinstance(effect, SendMail) and effect.kind == "rejected"]
    assert [to for refusal in refusals for to in refusal.to] == ([told] if told else [])


def test_F135_a_known_sender_hears_why_and_a_stranger_nothing() -> None:
    made = stopped(Verdict.REJECT, "rule.reject")
    (sent,) = (effect for effect in made.effects if isinstance(effect, SendMail))
    assert (sent.kind, sent.template, sent.reason) == ("rejected", "rejected", "because of this")
    assert mails(stopped(Verdict.REJECT, "rule.reject", known=facts(account=None))) == []
    told = "[errors]\nreport_incoming_email_errors = true\n"
    assert mails(stopped(Verdict.REJECT, "rule.reject", told, facts(account=None))) == [("rejected", "rejected")]
    quiet = "[errors]\nreport_incoming_email_errors = false\n"
    assert mails(stopped(Verdict.REJECT, "rule.reject", quiet)) == []


def test_F135_what_the_sender_may_not_know_is_told_in_general_words() -> None:
    made = stopped(Verdict.REJECT, "gate.not_allowed")
    (sent,) = (effect for effect in made.effects if isinstance(effect, SendMail))
    assert "because of this" not in sent.reason
    assert sent.reason == "The sender's address is not among those that may write here."


def test_a_rules_refusal_is_said_in_its_own_words() -> None:
    made = stopped(Verdict.REJECT, "rule.reject", reply=Reply("", text="No programs, please."))
    (sent,) = (effect for effect in made.effects if isinstance(effect, SendMail))
    assert (sent.template, sent.text) == ("rejected", "No programs, please.")


def refused(code: str, toml: str = "", known: Facts | None = None, **more: object) -> Plan:
    """What a person who refuses a held mail comes to."""
    why = Disposition(Verdict.REJECT, code, "we sell no printers", Decider("person", "bob"))
    return plan(draft(disposition=why, **more), toml, known)


@pytest.mark.parametrize("code", ["rule.hold", "gate.not_allowed", "gate.unknown_sender", "limits.too_big"])
def test_F135_the_sentence_of_a_person_is_for_the_sender_whatever_held_the_mail(code: str) -> None:
    made = refused(code, '[errors]\nforward_to = ["admin@example.com"]\n', reply=Reply("", text="By a rule"))
    (sent,) = (effect for effect in made.effects if isinstance(effect, SendMail))
    assert (sent.kind, sent.reason, sent.text) == ("rejected", "we sell no printers", "")


@pytest.mark.parametrize("code", ["rule.hold", "gate.unknown_sender"])
def test_F135_a_person_tells_strangers_no_more_than_the_engine_does(code: str) -> None:
    answered = '[people]\nunknown_sender_reply = "unknown_sender"\n'
    assert mails(refused(code, answered, facts(account=None))) == []
    assert mails(refused(code, no_reply=True)) == []


def test_F057_an_unknown_sender_gets_a_reply_only_where_that_is_set() -> None:
    stranger = facts(account=None)
    assert mails(stopped(Verdict.HOLD, "gate.unknown_sender", known=stranger)) == []
    toml = '[people]\nunknown_sender_reply = "unknown_sender"\n'
    assert mails(stopped(Verdict.HOLD, "gate.unknown_sender", toml, stranger)) == [("rejected", "unknown_sender")]


def test_F021_who_waits_because_of_our_configuration_is_told_so() -> None:
    assert mails(stopped(Verdict.DEFER, "config.broken")) == [("held", "config_error")]
    assert mails(stopped(Verdict.DEFER, "config.broken", known=facts(account=None))) == []
    assert mails(stopped(Verdict.DEFER, "gate.virus_unavailable")) == []


def test_held_mail_is_told_to_the_sender_only_where_that_is_set() -> None:
    assert mails(stopped(Verdict.HOLD, "rule.hold")) == []
    assert mails(stopped(Verdict.HOLD, "rule.hold", '[replies]\nheld = "held"\n')) == [("held", "held")]


def test_F136_the_admin_gets_a_report_where_the_reason_says_so() -> None:
    toml = '[errors]\nforward_to = ["it-admin@example.com"]\n[workspace.support.replies]\nrejected = ""\n'
    assert mails(stopped(Verdict.HOLD, "limits.too_big", toml)) == [("report", "report")]
    assert mails(stopped(Verdict.HOLD, "rule.hold", toml)) == []
    assert mails(stopped(Verdict.HOLD, "limits.too_big")) == []


def test_rules_send_the_mail_or_word_of_it_to_others_once_each() -> None:
    made = plan(complete(no_reply=True, forwards=("x@example.com", "x@example.com"), notifies=("bob@example.com",)))
    assert mails(made) == [("forward", "forward"), ("notify", "notify")]
    assert not any(effect.automatic for effect in made.effects if isinstance(effect, SendMail))


HOOKED = '[webhooks.chat]\nurl = "https://chat.example.com/x"\nevents = ["item.created", "mail.held"]\n'


def test_webhooks_hear_of_the_events_they_ask_for() -> None:
    assert CallWebhook("chat", "item.created") in plan(complete(), HOOKED).effects
    assert CallWebhook("chat", "mail.held") in stopped(Verdict.HOLD, "rule.hold", HOOKED).effects
    comment = plan(complete(target=Target.COMMENT, item=item(7)), HOOKED)
    assert not any(isinstance(effect, CallWebhook) for effect in comment.effects)


def test_the_same_draft_gives_the_same_plan() -> None:
    letter = mail()
    known = facts(letter, thread=answers(item(7)))
    assert seal(letter, known, complete(), config()) == seal(letter, known, complete(), config())
