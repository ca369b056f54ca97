"""Stage 4: who may write here."""

from __future__ import annotations

import pytest
from builders import ANNA, JANE, LOCKED, World, answers, config, draft, facts, item, mail, proven

from engine.model.draft import Decider, Draft, Skip, Verdict
from engine.model.facts import Authentication, Auto, Automatic, Facts, Release, Sender
from engine.model.mail import Address, Mail
from engine.stages.sender import SenderStage
from engine.wording.sentence import sentence

RULE = Decider("rule", "Robots are people", "rules/system.toml", 3)
MACHINE = Automatic(Auto.AUTO_REPLY, "Auto-Submitted: auto-replied")


def decide(known: Facts, toml: str = "", about: Mail | None = None, before: Draft | None = None) -> Draft:
    return SenderStage(config(toml)).decide(about or mail(), known, before or draft(), World())


def code(decided: Draft) -> str:
    return decided.disposition.code if decided.disposition else ""


def unknown(**known: object) -> Facts:
    return facts(mail(sender="Eve <eve@stranger.example>"), account=None, **known)


def test_F036_a_known_sender_passes() -> None:
    decided = decide(facts())
    assert decided.disposition is None
    assert sentence(decided.notes[0]) == "jane@bigcorp.example is jane"


def test_F036_F054_F058_an_unknown_sender_is_held_by_default() -> None:
    decided = decide(unknown())
    assert code(decided) == "gate.unknown_sender"
    assert decided.disposition and decided.disposition.verdict is Verdict.HOLD


@pytest.mark.parametrize("verb", ["reject", "discard"])
def test_F054_an_unknown_sender_follows_the_verb(verb: str) -> None:
    decided = decide(unknown(), f'[gates]\nunknown_sender = "{verb}"\n')
    assert decided.disposition and decided.disposition.verdict == verb


@pytest.mark.parametrize("policy", ["accept", "create"])
def test_F055_F056_unknown_senders_are_welcome_where_that_is_set(policy: str) -> None:
    assert code(decide(unknown(), f'[people]\nunknown_user = "{policy}"\n')) == ""


def test_F047_F062_who_may_create_by_mail_is_set_for_each_workspace() -> None:
    toml = '[workspace.support.people]\nunknown_user = "create"\n'
    assert code(decide(unknown(), toml)) == ""
    assert code(decide(unknown(), toml, before=draft(workspace="finance"))) == "gate.unknown_sender"


def test_F053_a_from_that_is_not_believed_is_nobody_even_with_an_account() -> None:
    doubted = facts(sender=Sender(Address("anna@example.com"), ANNA, "exact", "two From fields"))
    assert code(decide(doubted)) == "gate.unknown_sender"
    assert code(decide(doubted, '[people]\nunknown_user = "create"\n')) == "gate.unknown_sender"


def test_F046_who_proves_to_answer_an_item_passes_the_unknown_gate_without_an_account() -> None:
    on = item(7, ("eve@stranger.example",))
    assert code(decide(unknown(thread=answers(on)))) == ""
    assert code(decide(unknown(thread=answers(on, "subject")))) == "gate.unknown_sender"
    assert code(decide(unknown(thread=answers(item(7, ("bob",)))))) == ""


ALLOWED = "[gates]\nallowed_senders = ['/@example\\.com$/i']\n"


def test_F037_only_permitted_addresses_may_write() -> None:
    assert code(decide(facts(account=ANNA), ALLOWED)) == ""
    decided = decide(facts(account=JANE), ALLOWED)
    assert code(decided) == "gate.not_allowed"
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT


def test_F037_the_pattern_binds_workspace_mailboxes_with_the_system_mailbox_off() -> None:
    login = "host = 'i.example.com'\npassword_env = 'X'\n"
    base = (
        f"schema = 1\n[system.mailbox]\nactive = false\n{login}username = 'a'\naddresses = ['help@example.com']\n"
        f"[workspace.support.mailbox]\n{login}username = 'b'\naddresses = ['support@example.com']\n"
    )
    stage = SenderStage(config(ALLOWED, base))
    assert code(stage.decide(mail(), facts(account=JANE), draft(), World())) == "gate.not_allowed"


def test_F037_of_two_lists_both_must_match() -> None:
    toml = ALLOWED + "[workspace.support.gates]\nallowed_senders = ['/^bob/', '/^jane/']\n"
    assert code(decide(facts(account=ANNA), toml)) == "gate.not_allowed"
    bob = facts(sender=Sender(Address("bob@example.com"), ANNA, "exact"))
    assert code(decide(bob, toml)) == ""


def test_F037_a_from_that_is_not_believed_is_not_permitted() -> None:
    doubted = facts(sender=Sender(Address("anna@example.com"), ANNA, "exact", "two From fields"))
    assert code(decide(doubted, ALLOWED)) == "gate.not_allowed"


@pytest.mark.parametrize(
    ("option", "pattern"),
    [
        ("blocked_senders", "/@BIGCORP\\.example$/i"),
        ("blocked_names", "/^Jane/"),
        ("blocked_bodies", "/on fire/"),
    ],
)
def test_F050_blocked_senders_names_and_bodies_are_discarded(option: str, pattern: str) -> None:
    about = mail()
    decided = decide(facts(about), f"[gates]\n{option} = ['{pattern}']\n", about)
    assert code(decided) == "gate.blocked"
    assert decided.disposition and decided.disposition.verdict is Verdict.DISCARD
    assert option in decided.disposition.because


def test_F043_a_locked_user_is_held_by_default() -> None:
    assert code(decide(facts(account=LOCKED))) == "gate.inactive_sender"
    assert code(decide(facts(account=LOCKED), '[people]\ninactive_user = "off"\n')) == ""


def test_F051_a_mail_that_fails_dmarc_is_held() -> None:
    decided = decide(facts(authentication=proven("fail")))
    assert code(decided) == "gate.dmarc"
    assert decided.disposition and "mx.example.com" in decided.disposition.because


def test_F051_spf_softfail_warns_unless_dmarc_passes() -> None:
    soft = decide(facts(authentication=Authentication(spf="softfail", authserv_id="mx.example.com")))
    assert soft.disposition is None
    assert any(note.mark == "warn" and "spf=softfail" in sentence(note) for note in soft.notes)
    aligned = Authentication(spf="softfail", dmarc="pass", authserv_id="mx.example.com")
    assert not any(note.mark == "warn" for note in decide(facts(authentication=aligned)).notes)


def test_bounces_and_automatic_replies_are_left_to_their_stage() -> None:
    decided = decide(unknown(automatic=MACHINE))
    assert decided.disposition is None
    assert sentence(decided.notes[0]).startswith("left to gate auto_reply")


def test_automatic_mail_is_judged_here_where_its_gate_is_off_or_only_warns() -> None:
    for verb in ("off", "warn"):
        assert code(decide(unknown(automatic=MACHINE), f'[gates]\nauto_reply = "{verb}"\n')) == "gate.unknown_sender"


def test_automatic_mail_is_judged_here_where_a_rule_skips_its_gate() -> None:
    before = draft(skips=(Skip("auto_reply", "the vendor marks every mail", RULE),))
    assert code(decide(unknown(automatic=MACHINE), before=before)) == "gate.unknown_sender"


def test_a_rule_can_skip_a_gate_and_the_note_says_who_and_why() -> None:
    before = draft(skips=(Skip("dmarc", "a forwarder breaks it", RULE),))
    decided = decide(facts(authentication=proven("fail")), before=before)
    assert decided.disposition is None
    told = [sentence(note) for note in decided.notes]
    assert any("a forwarder breaks it" in each and "rules/system.toml:3" in each for each in told)


def test_a_release_passes_holds_but_no_rejection() -> None:
    assert code(decide(unknown(released=Release("anna")))) == ""
    assert code(decide(unknown(released=Release("anna")), ALLOWED)) == "gate.not_allowed"


def test_F035_the_most_severe_gate_speaks_first() -> None:
    about = mail(sender="Eve <eve@stranger.example>")
    known = facts(about, account=None, authentication=proven("fail"))
    toml = "[gates]\nblocked_senders = ['/stranger/']\nallowed_senders = ['/@example\\.com$/']\n"
    assert code(decide(known, toml, about)) == "gate.blocked"
