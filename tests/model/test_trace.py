"""The stored trace: to JSON and back, without the text of the mail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from engine.model.answers import AccountMatch, HookAnswer, MessageMatch
from engine.model.desk import Account, ItemFacts
from engine.model.draft import Decider, Disposition, Verdict, note
from engine.model.facts import Cut, Facts
from engine.model.trace import Change, StageTrace, Trace, decode, encode, recording

ANNA = Account(1, "anna", "Anna Berg", ("anna@example.com",))
ITEM = ItemFacts(7, "support", "Printer", closed_at=datetime(2026, 1, 1, tzinfo=UTC), fields=(("priority", "High"),))
TRACE = Trace(
    mailbox="system",
    facts=Facts("system"),
    stages=(StageTrace("config", 12, (Change("workspace", "", "support"),), (note("config.sound"),)),),
    disposition=Disposition(Verdict.HOLD, "gate.dmarc", "dmarc=fail", Decider("gate", "dmarc")),
    answers=(
        (("account", "anna@example.com", "+"), AccountMatch(ANNA, "exact")),
        (("item_by_message_ids", ("<a@x>", "<b@x>")), MessageMatch("<a@x>", ITEM)),
        (("item", 9), None),
        (("may", "anna", "add_items", "support"), True),
    ),
)


def test_a_trace_survives_the_way_through_json() -> None:
    again = decode(encode(TRACE))
    assert replace(again, answers=()) == replace(TRACE, answers=())


def test_the_recording_gives_the_answers_back_as_they_were() -> None:
    assert recording(decode(encode(TRACE))) == dict(TRACE.answers)


def test_no_text_of_the_mail_is_stored_only_where_it_was_cut() -> None:
    cut = Cut("the secret word", "> quoted", "-- \nAnna", "an attribution line")
    stored = encode(replace(TRACE, facts=replace(TRACE.facts, cut=cut)))
    assert b"secret" not in stored
    assert decode(stored).facts.cut == Cut(why="an attribution line")


def test_a_trace_that_release_0_1_0_stored_is_read_back() -> None:
    """One of its demo's mails, as it lay in the database; a trace is never written anew."""
    trace = decode((Path(__file__).parent / "trace_0_1_0.json").read_bytes())
    assert [stage.name for stage in trace.stages][:3] == ["config", "limits", "route"]
    assert (trace.disposition.verdict, trace.disposition.code) == (Verdict.ACCEPT, "draft.created")
    assert trace.disposition.by == Decider("engine", "seal")
    assert [change.name for stage in trace.stages for change in stage.changes if stage.name == "route"]
    answers = recording(trace)
    assert isinstance(answers["account", "jane@mail.bigcorp.example", "+"], AccountMatch)
    assert any(isinstance(answer, HookAnswer) for answer in answers.values())
