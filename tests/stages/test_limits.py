"""Stage 2: size, readability, scanner, content, loops, rates."""

from __future__ import annotations

import pytest
from builders import World, config, draft, facts, mail, raw
from msgspec.structs import replace

from engine.mail.parse import parse
from engine.model.draft import Draft, Verdict
from engine.model.facts import Facts, Release
from engine.model.mail import Mail
from engine.model.questions import VirusFound
from engine.stages.limits import Limits
from engine.wording.sentence import sentence


def decide(about: Mail, toml: str = "", known: Facts | None = None, world: World | None = None) -> Draft:
    return Limits(config(toml)).decide(about, known or facts(about), draft(), world or World())


def code(decided: Draft) -> str:
    return decided.disposition.code if decided.disposition else ""


def test_ordinary_mail_passes_with_its_size_in_the_trace() -> None:
    decided = decide(mail())
    assert decided.disposition is None
    assert "≤ 10 MB" in sentence(decided.notes[0])


def test_F044_a_mail_over_the_maximum_size_is_held() -> None:
    decided = decide(mail("x" * 2000), '[gates]\nmaximum_email_size = "1 kB"\n')
    assert code(decided) == "limits.too_big"
    assert decided.disposition and decided.disposition.verdict is Verdict.HOLD
    assert "gates.maximum_email_size 1.0 kB" in decided.disposition.because


def test_F044_a_maximum_of_nothing_is_no_maximum() -> None:
    assert code(decide(mail("x" * 20000), "[gates]\nmaximum_email_size = 0\n")) == ""


@pytest.mark.parametrize("verb", ["warn", "hold", "reject", "discard"])
def test_F044_what_is_too_big_follows_the_verb(verb: str) -> None:
    decided = decide(mail("x" * 2000), f'[gates]\nmaximum_email_size = "1 kB"\ntoo_big = "{verb}"\n')
    verdict = str(decided.disposition.verdict) if decided.disposition else "warn"
    assert verdict == verb


def test_F044_a_mail_of_which_only_the_header_was_taken_is_held_even_with_the_gate_off() -> None:
    about = parse(raw("From: jane@bigcorp.example\nSubject: Big\n\n", truncated=True, announced=60 << 20))
    assert code(decide(about, '[gates]\ntoo_big = "off"\n')) == "fetch.too_big"


def test_fewer_bytes_than_announced_are_told_and_taken() -> None:
    decided = decide(mail(announced=99_999))
    assert decided.disposition is None
    assert any(note.code == "fetch.truncated" for note in decided.notes)


@pytest.mark.parametrize("content", [b"", b"\0\1\2\3", b"\n\n\n", b"x: y\n\nnoise", bytes(range(256)) * 20])
def test_F048_bytes_that_are_no_mail_are_held(content: bytes) -> None:
    assert code(decide(parse(raw(content)))) == "limits.unreadable"


def test_F048_an_odd_mail_is_read_as_far_as_it_goes() -> None:
    about = parse(raw("From: jane@bigcorp.example\nSubject: one\nSubject: two\nFrom: eve@example.org\n"))
    assert code(decide(about)) == ""


SCANNER = '[gates]\nantivirus = { clamd = "/run/clamd", infected = "reject" }\n'


def test_F049_an_infected_mail_follows_its_verb() -> None:
    decided = decide(mail(), SCANNER, world=World(found="Eicar"))
    assert code(decided) == "gate.virus"
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT
    assert "Eicar" in decided.disposition.because


def test_F049_mail_waits_while_the_scanner_is_away() -> None:
    decided = decide(mail(), SCANNER, world=World(found="unavailable"))
    assert code(decided) == "gate.virus_unavailable"
    assert decided.disposition and decided.disposition.verdict is Verdict.DEFER


def test_F049_the_scanner_is_asked_only_where_there_is_one() -> None:
    world = World()
    decide(mail(), world=world)
    assert not world.counted(VirusFound)


def test_F017_content_that_was_processed_is_discarded_and_the_first_mail_named() -> None:
    about = mail()
    decided = decide(about, known=facts(about, duplicate_of="m-4f2a"))
    assert code(decided) == "limits.duplicate"
    assert decided.disposition and "m-4f2a" in decided.disposition.because


def test_F042_mail_that_carries_our_own_loop_header_is_discarded() -> None:
    about = mail()
    assert code(decide(about, known=facts(about, own_loop=True))) == "limits.own_loop"


@pytest.mark.parametrize("address", ["HELP@Example.com", "help+support@example.com"])
def test_F042_mail_from_an_address_of_ours_is_held_with_who_seems_to_be_behind_it(address: str) -> None:
    about = mail(
        sender=f"'Jane Doe' via Support <{address}>", headers=[("Reply-To", "Jane Doe <jane@bigcorp.example>")]
    )
    known = facts(about, account=None)
    decided = decide(about, known=known)
    assert code(decided) == "limits.own_address"
    assert decided.disposition and decided.disposition.verdict is Verdict.HOLD
    assert "it seems to be from Jane Doe <jane@bigcorp.example>" in decided.disposition.because
    assert code(decide(about, '[gates]\nown_loop = "reject"\n', known=known)) == "limits.own_address"
    assert code(decide(about, '[gates]\nown_loop = "off"\n', known=known)) == ""


def test_mail_that_went_round_is_discarded() -> None:
    about = mail()
    assert code(decide(about, known=facts(about, hops=51))) == "limits.hop_limit"
    assert code(decide(about, known=facts(about, hops=50))) == ""


def test_one_sender_over_the_rate_is_held() -> None:
    toml = '[gates]\nmails_per_sender = { limit = 3, per = "1 hour" }\n'
    assert code(decide(mail(), toml, world=World(mails=2))) == ""
    decided = decide(mail(), toml, world=World(mails=3))
    assert code(decided) == "limits.rate_sender"
    assert decided.disposition and "in 1 hour" in decided.disposition.because


def test_all_mail_over_the_rate_follows_its_verb() -> None:
    toml = (
        '[gates]\nmails_per_sender = { limit = 0 }\ntotal_rate = { limit = 3, per = "2 minutes", then = "discard" }\n'
    )
    decided = decide(mail(), toml, world=World(mails=3))
    assert code(decided) == "limits.rate_total"
    assert decided.disposition and decided.disposition.verdict is Verdict.DISCARD


def test_a_release_passes_what_would_hold_and_says_so() -> None:
    about = mail("x" * 2000)
    known = facts(about, released=Release("anna"))
    decided = decide(about, '[gates]\nmaximum_email_size = "1 kB"\n', known)
    assert decided.disposition is None
    assert any("anna released it" in sentence(note) for note in decided.notes)


def test_a_release_does_not_pass_a_loop() -> None:
    about = mail()
    assert code(decide(about, known=facts(about, own_loop=True, released=Release("anna")))) == "limits.own_loop"


def test_the_settings_are_those_of_the_mailbox() -> None:
    about = mail("x" * 2000)
    toml = '[workspace.support.gates]\nmaximum_email_size = "1 kB"\n'
    assert code(decide(about, toml)) == ""
    assert code(decide(about, toml, replace(facts(about), workspace="support"))) == "limits.too_big"
