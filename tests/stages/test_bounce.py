"""Stage 6: what machines wrote."""

from __future__ import annotations

import pytest
from builders import JANE, World, answers, config, draft, facts, item, mail, proven

from engine.mail.parse import parse
from engine.model.draft import Decider, Draft, Skip, Target, Verdict
from engine.model.facts import Auto, Automatic, BouncedRecipient, Facts, Release
from engine.model.facts import Bounce as Report
from engine.model.mail import Mail
from engine.stages.bounce import Bounce, encrypted
from engine.wording.sentence import sentence

REPORT = Report((BouncedRecipient("gone@example.org", "failed", "5.1.1", "no such user"),), "<i7@example.com>")
BOUNCE = Automatic(Auto.BOUNCE, "multipart/report of type delivery-status")
REPLY = Automatic(Auto.AUTO_REPLY, "Auto-Submitted: auto-replied")


def decide(
    known: Facts, toml: str = "", about: Mail | None = None, before: Draft | None = None, world: World | None = None
) -> Draft:
    return Bounce(config(toml)).decide(about or mail(), known, before or draft(), world or World())


def code(decided: Draft) -> str:
    return decided.disposition.code if decided.disposition else ""


def test_F039_a_bounce_is_discarded_and_linked_to_the_item_it_is_about() -> None:
    world = World(messages={"<i7@example.com>": item(7)})
    decided = decide(facts(account=None, automatic=BOUNCE, bounce=REPORT), world=world)
    assert code(decided) == "gate.bounce"
    assert decided.disposition and decided.disposition.verdict is Verdict.DISCARD
    assert decided.item and decided.item.id == 7
    assert "gone@example.org failed 5.1.1" in decided.disposition.because
    assert "linked to #7" in decided.disposition.because


def test_F039_a_bounce_about_nothing_of_ours_is_discarded_too() -> None:
    decided = decide(facts(account=None, automatic=BOUNCE))
    assert code(decided) == "gate.bounce"
    assert decided.item is None


@pytest.mark.parametrize("kind", [Auto.FEEDBACK_REPORT, Auto.DISPOSITION, Auto.DOMAIN_REPORT])
def test_F039_other_reports_about_our_mail_go_the_way_of_bounces(kind: Auto) -> None:
    assert code(decide(facts(automatic=Automatic(kind, "multipart/report")))) == "gate.bounce"


def test_F040_an_automatic_reply_to_an_item_becomes_a_note_on_it() -> None:
    decided = decide(facts(automatic=REPLY, thread=answers(item(7))))
    assert decided.disposition is None
    assert decided.target is Target.NOTE
    assert decided.item and decided.item.id == 7


def test_F040_an_automatic_reply_to_nothing_is_held() -> None:
    decided = decide(facts(automatic=REPLY))
    assert code(decided) == "gate.auto_reply"
    assert decided.disposition and decided.disposition.verdict is Verdict.HOLD


def test_F040_a_guessed_marker_gives_an_automatic_reply_no_way_in() -> None:
    stranger = facts(account=None, automatic=REPLY, thread=answers(item(7), "subject"))
    assert code(decide(stranger)) == "gate.auto_reply"
    known = facts(account=JANE, automatic=REPLY, thread=answers(item(7, ("jane",)), "subject"))
    assert decide(known).target is Target.NOTE


@pytest.mark.parametrize("toml", ["[gates]\nblocked_senders = ['/bigcorp/']\n", ""])
def test_F040_who_is_blocked_or_fails_dmarc_leaves_no_note(toml: str) -> None:
    results = proven("pass" if toml else "fail")
    known = facts(automatic=REPLY, thread=answers(item(7)), authentication=results)
    assert code(decide(known, toml)) == "gate.auto_reply"


def test_F040_automatic_replies_are_discarded_where_that_is_set_even_to_an_item() -> None:
    known = facts(automatic=REPLY, thread=answers(item(7)))
    assert code(decide(known, '[gates]\nauto_reply = "discard"\n')) == "gate.auto_reply"


def test_F040_a_rule_lets_one_senders_automatic_mail_be_mail() -> None:
    rule = Decider("rule", "ServiceNow", "rules/system.toml", 35)
    before = draft(skips=(Skip("auto_reply", "people write there", rule),))
    decided = decide(facts(automatic=REPLY, thread=answers(item(7))), before=before)
    assert decided.disposition is None
    assert decided.target is Target.NEW_ITEM
    assert sum("people write there" in sentence(note) for note in decided.notes) == 1


def test_a_released_automatic_reply_goes_on() -> None:
    assert decide(facts(automatic=REPLY, released=Release("anna"))).disposition is None


def test_list_mail_is_told_and_passes() -> None:
    decided = decide(facts(automatic=Automatic(Auto.MAILING_LIST, "List-Id: <news.example.org>")))
    assert decided.disposition is None
    assert decided.notes[-1].code == "gate.mailing_list"


def test_list_mail_follows_its_verb() -> None:
    known = facts(automatic=Automatic(Auto.MAILING_LIST, "List-Id: <news.example.org>"))
    assert code(decide(known, '[gates]\nmailing_list = "discard"\n')) == "gate.mailing_list"


PGP = """From: jane@bigcorp.example
Subject: Secret
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b

--b
Content-Type: application/pgp-encrypted

Version: 1
--b
Content-Type: application/octet-stream

-----BEGIN PGP MESSAGE-----
--b--
"""
SMIME = """From: jane@bigcorp.example
Subject: Secret
Content-Type: application/pkcs7-mime; smime-type={kind}; name=smime.p7m
Content-Transfer-Encoding: base64

MIIB
"""


def _parsed(text: str) -> Mail:
    from builders import raw

    return parse(raw(text))


@pytest.mark.parametrize("text", [PGP, SMIME.format(kind="enveloped-data")])
def test_encrypted_mail_is_held(text: str) -> None:
    about = _parsed(text)
    assert code(decide(facts(about), about=about)) == "gate.encrypted"
    toml = '[attachments]\nsmime_pgp = { encrypted = "off" }\n'
    assert code(decide(facts(about), toml, about)) == ""


def test_inline_pgp_is_encrypted_and_signed_mail_is_not() -> None:
    assert encrypted(mail("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----"))
    assert not encrypted(_parsed(SMIME.format(kind="signed-data")))
    assert not encrypted(mail("We talked about PGP."))


def test_text_that_stays_in_a_closed_container_is_held_with_that_reason() -> None:
    about = _parsed(SMIME.format(kind="signed-data"))
    held = decide(facts(about), about=about)
    assert code(held) == "gate.closed_container"
    assert held.disposition and "smime.p7m, which could not be opened" in held.disposition.because
    assert code(decide(facts(about), '[gates]\nclosed_container = "off"\n', about)) == ""
    assert code(decide(facts(about, released=Release("anna")), about=about)) == ""


def test_closed_container_beside_a_text_is_a_file_like_any_other() -> None:
    about = mail("The words", attachments=[("winmail.dat", "application/ms-tnef", b"broken")])
    assert code(decide(facts(about), about=about)) == ""


def test_mail_of_a_person_passes() -> None:
    decided = decide(facts())
    assert decided.disposition is None
    assert decided.notes[-1].mark == "ok"
