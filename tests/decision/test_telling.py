"""What there is to tell of a decision: whom a machine may answer, with what, why not, and who else is named."""

from __future__ import annotations

import pytest
from builders import JANE, answers, config, draft, facts, item, mail, proven
from msgspec.structs import replace

from engine.decision.seal import seal
from engine.decision.telling import of_failure
from engine.model.draft import Decider, Disposition, Draft, NewUser, PersonChange, Reply, Role, Target, Verdict
from engine.model.events import Why
from engine.model.facts import Auto, Automatic, Facts
from engine.model.mail import Address, Mail
from engine.model.plan import Tell

EVE = NewUser(Address("eve@stranger.example", "Eve"), "Eve", "Stranger")
STRANGER = facts(account=None)


def complete(**known: object) -> Draft:
    return draft(**{"author": "jane", "title": "Printer", "text": "It burns.", **known})


def tell(about: Draft, toml: str = "", known: Facts | None = None, of: Mail | None = None) -> Tell:
    """How a draft is told of."""
    letter = of or mail()
    made = seal(letter, known or facts(letter), about, config(toml)).effects[-1]
    assert isinstance(made, Tell)
    return made


def stopped(verdict: Verdict, code: str, toml: str = "", known: Facts | None = None, **more: object) -> Tell:
    by = Decider("gate", "dmarc")
    return tell(draft(disposition=Disposition(verdict, code, "because of this", by), **more), toml, known)


def refused(code: str, toml: str = "", known: Facts | None = None, **more: object) -> Tell:
    """What a person who refuses a held mail comes to."""
    why = Disposition(Verdict.REJECT, code, "we sell no printers", Decider("person", "bob"))
    return tell(draft(disposition=why, **more), toml, known)


def answered(made: Tell) -> str:
    """The template that the sender gets; "" for none."""
    return made.template if made.answer_to and made.no_answer is None and not made.unanswerable else ""


# ── what was accepted ─────────────────────────────────────────────────────────────────────────────────────────


def test_F142_the_acknowledgement_follows_the_templates() -> None:
    assert answered(tell(complete())) == "ack"
    none = tell(complete(), '[replies]\nnew_item = ""\n')
    assert (answered(none), none.no_answer) == ("", Why.NO_TEMPLATE)
    comment = complete(target=Target.COMMENT, item=item(7))
    assert answered(tell(comment, '[replies]\nnew_comment = "comment_ack"\n')) == "comment_ack"


def test_F142_nobody_waits_for_an_answer_to_a_comment_that_no_setting_answers() -> None:
    made = tell(complete(target=Target.COMMENT, item=item(7)))
    assert (made.answer_to, made.no_answer) == ("", None)


def test_F119_a_note_is_never_acknowledged() -> None:
    made = tell(complete(target=Target.NOTE, item=item(7)), '[replies]\nnew_comment = "comment_ack"\n')
    assert (made.answer_to, made.template) == ("", "")


def test_a_rules_reply_takes_the_place_of_the_acknowledgement() -> None:
    assert answered(tell(complete(reply=Reply("ack-night")))) == "ack-night"
    assert tell(complete(reply=Reply("", text="Thanks."))).text == "Thanks."
    assert tell(complete(reply=Reply("ack-night"))).ordered and not tell(complete()).ordered
    assert answered(tell(complete(target=Target.NOTE, item=item(7), reply=Reply("ack-night")))) == "ack-night"
    quiet = tell(complete(no_reply=True))
    assert (answered(quiet), quiet.no_answer) == ("", Why.RULE)


def test_F060_whose_account_was_made_hears_of_it_with_the_acknowledgement() -> None:
    made = complete(author="eve@stranger.example", new_users=(EVE,))
    assert (answered(tell(made, known=STRANGER)), tell(made, known=STRANGER).account) == ("ack", True)
    assert not tell(made, "[people]\nno_account_notice = true\n", STRANGER).account
    assert not tell(complete()).account


@pytest.mark.parametrize("toml", ['[replies]\nnew_item = ""\n', ""])
def test_F060_it_goes_alone_where_there_is_no_acknowledgement(toml: str) -> None:
    made = complete(author="eve@stranger.example", new_users=(EVE,))
    assert answered(tell(made, toml, STRANGER)) == ("account" if toml else "ack")
    comment = replace(made, target=Target.COMMENT, item=item(7))
    assert answered(tell(comment, toml, STRANGER)) == "account"


def test_F060_who_wrote_a_forwarded_mail_hears_nothing_of_an_account_made_for_them() -> None:
    made = tell(complete(author="eve@stranger.example", new_users=(EVE,), original=EVE.address))
    assert (answered(made), made.account) == ("ack", False)


def test_F060_people_in_cc_hear_nothing_of_accounts_made_for_them() -> None:
    who = NewUser(Address("who@nowhere.example"), "Who", "-")
    made = tell(complete(new_users=(who,), people=(PersonChange(who.address, Role.READER),)))
    assert (answered(made), made.account) == ("ack", False)


def test_rules_name_people_and_addresses_once_each() -> None:
    made = tell(complete(forwards=("x@example.com", "x@example.com"), notifies=("bob@example.com", "staff", "staff")))
    assert (made.forwards, made.named) == (("x@example.com",), ("bob@example.com", "staff"))


# ── where an answer goes, and in which language ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reply_to", "dmarc", "to"),
    [
        ("Jane at home <home@bigcorp.example>", "", "home@bigcorp.example"),
        ("jane@home.example", "", "jane@bigcorp.example"),
        ("jane@home.example", "pass", "jane@home.example"),
        ("help@example.com", "pass", ""),
    ],
)
def test_F053_an_answer_goes_to_reply_to_in_the_domain_of_from_or_of_a_proven_sender(
    reply_to: str, dmarc: str, to: str
) -> None:
    letter = mail(headers=[("Reply-To", reply_to)])
    known = facts(letter, authentication=proven(dmarc)) if dmarc else facts(letter)
    assert tell(complete(), known=known, of=letter).answer_to == to


def test_answers_speak_the_language_of_the_account_then_of_the_mail() -> None:
    assert tell(complete(), known=facts(account=replace(JANE, language="de"))).language == "de"
    assert tell(complete(), known=facts(language="fr")).language == "fr"
    assert tell(complete(), '[instance]\nlanguage = "nl"\n', facts(language="")).language == "nl"


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (facts(automatic=Automatic(Auto.AUTO_REPLY, "Auto-Submitted: auto-replied")), "the mail is automatic"),
        (facts(own_loop=True), "X-Allegra-Loop"),
        (facts(authentication=proven("fail")), "DMARC failed"),
    ],
)
def test_machines_and_forgers_are_never_answered_and_it_is_said_why(known: Facts, why: str) -> None:
    for made in (tell(complete(), known=known), stopped(Verdict.REJECT, "rule.reject", known=known)):
        assert (answered(made), made.answer_to) == ("", "jane@bigcorp.example") and why in made.unanswerable


def test_what_kind_of_machine_wrote_it_is_told() -> None:
    alarm = facts(automatic=Automatic(Auto.AUTO_GENERATED, "Auto-Submitted: auto-generated"))
    assert tell(complete(), known=alarm).machine is Auto.AUTO_GENERATED
    assert tell(complete()).machine is None


def test_who_stands_in_to_and_cc_is_told() -> None:
    letter = mail(to="Help <HELP@example.com>", headers=[("Cc", "Karl <karl@Big.example>, bob@example.com")])
    assert tell(complete(), of=letter).copied == ("help@example.com", "karl@big.example", "bob@example.com")
    assert stopped(Verdict.HOLD, "rule.hold").copied == ("help@example.com",)


# ── proof ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("by", "account", "dmarc", "is_proven", "is_personal"),
    [
        ("subject", 0, "", False, False),
        ("plus", 0, "", False, False),
        ("token", 0, "", True, False),
        ("token", JANE.id, "", True, True),
        ("message_id", JANE.id, "", True, True),
        ("token", JANE.id + 1, "", True, False),
        ("subject", 0, "pass", True, True),
        ("token", 0, "none", True, False),
    ],
)
def test_words_are_proven_by_what_only_the_writer_was_sent(
    by: str, account: int, dmarc: str, is_proven: bool, is_personal: bool
) -> None:
    known = facts(thread=answers(item(7), by, account=account))
    if dmarc:
        known = replace(known, authentication=proven(dmarc))
    made = tell(complete(target=Target.COMMENT, item=item(7)), known=known)
    assert (made.proven, made.personal) == (is_proven, is_personal)


def test_the_message_id_of_a_mail_that_came_in_proves_nothing_for_all_who_were_copied_know_it() -> None:
    known = facts(thread=answers(item(7), "message_id", ours=False))
    assert not tell(complete(target=Target.COMMENT, item=item(7)), known=known).proven


def test_somebody_without_an_account_has_nothing_personal() -> None:
    known = facts(account=None, thread=answers(item(7), "token", account=0))
    made = tell(complete(target=Target.COMMENT, item=item(7)), known=known)
    assert (made.proven, made.personal) == (True, False)


# ── what was not accepted ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("verdict", "code", "event"),
    [
        (Verdict.HOLD, "rule.hold", "mail.held"),
        (Verdict.REJECT, "rule.reject", "mail.rejected"),
        (Verdict.DEFER, "config.broken", "mail.waits"),
        (Verdict.DISCARD, "gate.bounce", "mail.discarded"),
        (Verdict.DISCARD, "limits.duplicate", "mail.duplicate"),
    ],
)
def test_every_verdict_is_an_event_with_its_reason(verdict: Verdict, code: str, event: str) -> None:
    made = stopped(verdict, code)
    assert (made.event, made.code, made.because) == (event, code, "because of this")


@pytest.mark.parametrize("code", ["gate.bounce", "limits.duplicate"])
def test_what_is_discarded_is_answered_by_nothing(code: str) -> None:
    made = stopped(Verdict.DISCARD, code, "[errors]\nreport_incoming_email_errors = true\n")
    assert made.answer_to == ""


@pytest.mark.parametrize(
    ("reply_to", "reports", "to"),
    [
        ("eve@stranger.example", '"known"', "jane@bigcorp.example"),
        ("Jane@BigCorp.example", '"known"', "Jane@BigCorp.example"),
        ("jane@home.example", '"known"', "jane@home.example"),
        ("eve@stranger.example", "true", "eve@stranger.example"),
        ("help@example.com", '"known"', ""),
    ],
)
def test_F135_where_known_people_hear_why_it_goes_to_an_address_of_theirs(reply_to: str, reports: str, to: str) -> None:
    letter = mail(headers=[("Reply-To", reply_to)])
    jane = replace(JANE, emails=("jane@bigcorp.example", "jane@home.example"))
    stop = draft(disposition=Disposition(Verdict.REJECT, "rule.reject", "so", Decider("rule", "x")))
    known = facts(letter, account=jane, authentication=proven())
    made = tell(stop, f"[errors]\nreport_incoming_email_errors = {reports}\n", known, letter)
    assert made.answer_to == to


def test_F135_a_known_sender_hears_why_and_a_stranger_nothing() -> None:
    made = stopped(Verdict.REJECT, "rule.reject")
    assert (answered(made), made.told) == ("rejected", "because of this")
    stranger = stopped(Verdict.REJECT, "rule.reject", known=STRANGER)
    assert (answered(stranger), stranger.no_answer) == ("", Why.STRANGER)
    told = "[errors]\nreport_incoming_email_errors = true\n"
    assert answered(stopped(Verdict.REJECT, "rule.reject", told, STRANGER)) == "rejected"
    quiet = "[errors]\nreport_incoming_email_errors = false\n"
    assert stopped(Verdict.REJECT, "rule.reject", quiet).no_answer is Why.STRANGER


@pytest.mark.parametrize("status", ["locked", "registered"])
def test_F135_who_is_locked_or_not_believed_is_a_stranger(status: str) -> None:
    locked = facts(account=replace(JANE, status=status))
    assert stopped(Verdict.REJECT, "rule.reject", known=locked).no_answer is Why.STRANGER
    odd = facts()
    odd = replace(odd, sender=replace(odd.sender, problem="there are 2 From fields"))
    assert stopped(Verdict.REJECT, "rule.reject", known=odd).no_answer is Why.STRANGER


def test_F135_what_the_sender_may_not_know_is_told_in_general_words_and_the_admin_hears_the_rest() -> None:
    made = stopped(Verdict.REJECT, "gate.not_allowed")
    assert made.told == "The sender's address is not among those that may write here."
    assert made.because == "because of this"


def test_a_rules_refusal_is_said_in_its_own_words() -> None:
    made = stopped(Verdict.REJECT, "rule.reject", reply=Reply("", text="No programs, please."))
    assert (made.template, made.text) == ("rejected", "No programs, please.")
    assert stopped(Verdict.REJECT, "rule.reject", reply=Reply("no-programs")).template == "no-programs"
    quiet = stopped(Verdict.REJECT, "rule.reject", no_reply=True)
    assert (answered(quiet), quiet.no_answer) == ("", Why.RULE)


@pytest.mark.parametrize("code", ["rule.hold", "gate.not_allowed", "gate.unknown_sender", "limits.too_big"])
def test_F135_the_sentence_of_a_person_is_for_the_sender_whatever_held_the_mail(code: str) -> None:
    made = refused(code, reply=Reply("by-rule", text="By a rule"))
    assert (answered(made), made.told, made.text, made.code) == ("rejected", "we sell no printers", "", code)
    assert not made.report, "what a person refuses the admin had before"


@pytest.mark.parametrize("code", ["rule.hold", "gate.unknown_sender"])
def test_F135_a_person_tells_strangers_no_more_than_the_engine_does(code: str) -> None:
    toml = '[people]\nunknown_sender_reply = "unknown_sender"\n'
    assert refused(code, toml, STRANGER).no_answer is Why.STRANGER
    assert refused(code, no_reply=True).no_answer is Why.RULE


def test_F057_an_unknown_sender_gets_a_reply_only_where_that_is_set() -> None:
    silent = stopped(Verdict.HOLD, "gate.unknown_sender", known=STRANGER)
    assert (answered(silent), silent.no_answer) == ("", Why.NO_TEMPLATE)
    toml = '[people]\nunknown_sender_reply = "unknown_sender"\n'
    assert answered(stopped(Verdict.HOLD, "gate.unknown_sender", toml, STRANGER)) == "unknown_sender"


@pytest.mark.parametrize(
    ("verdict", "replies", "template"),
    [(Verdict.HOLD, '[replies]\nheld = "held"\n', "held"), (Verdict.REJECT, "", "rejected")],
)
def test_F057_a_sender_nobody_knows_is_as_others_are_where_no_template_is_for_them(
    verdict: Verdict, replies: str, template: str
) -> None:
    assert stopped(verdict, "gate.unknown_sender", replies, STRANGER).no_answer is Why.STRANGER
    told = replies + "[errors]\nreport_incoming_email_errors = true\n"
    assert answered(stopped(verdict, "gate.unknown_sender", told, STRANGER)) == template
    own = '[people]\nunknown_sender_reply = "unknown_sender"\n'
    assert answered(stopped(verdict, "gate.unknown_sender", own + told, STRANGER)) == "unknown_sender"


def test_F021_who_waits_because_of_our_configuration_is_told_so() -> None:
    assert answered(stopped(Verdict.DEFER, "config.broken")) == "waits"
    assert stopped(Verdict.DEFER, "config.broken", known=STRANGER).no_answer is Why.STRANGER
    assert stopped(Verdict.DEFER, "gate.virus_unavailable").no_answer is Why.NO_TEMPLATE


def test_held_mail_is_told_to_the_sender_only_where_that_is_set() -> None:
    assert stopped(Verdict.HOLD, "rule.hold").no_answer is Why.NO_TEMPLATE
    assert answered(stopped(Verdict.HOLD, "rule.hold", '[replies]\nheld = "held"\n')) == "held"


def test_F136_the_admin_hears_where_the_reason_says_so() -> None:
    assert stopped(Verdict.HOLD, "limits.too_big").report
    assert not stopped(Verdict.HOLD, "rule.hold").report


def test_F136_the_admin_hears_of_every_mail_that_the_machine_broke_on() -> None:
    made = of_failure("ValueError: no", "fault.exception")
    assert (made.event, made.because, made.code, made.report) == (
        "mail.failed",
        "ValueError: no",
        "fault.exception",
        True,
    )
    assert (made.answer_to, made.no_answer) == ("", None)


def test_the_same_draft_is_told_of_in_the_same_way() -> None:
    letter = mail()
    known = facts(letter, thread=answers(item(7)))
    assert tell(complete(), known=known, of=letter) == tell(complete(), known=known, of=letter)
