"""Closed sets of words that are stored: the same on disk as ever, and open to what another release wrote."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from engine.model.answers import Found, HookOutcome, HookVerdict, Standing
from engine.model.desk import AccountStatus, Kind, WorkspaceStatus
from engine.model.draft import Decider, Mark, Verdict, Who
from engine.model.events import Kind as Row
from engine.model.events import Part, Why
from engine.model.facts import Auto, Meant, Way
from engine.model.known import strange
from engine.model.plan import DONE, Done, Effect, Outcome
from engine.model.trace import decode, encode
from engine.model.words import Stored

ROOT = Path(__file__).resolve().parents[2]
WORDS = {
    Outcome: "created comment note held rejected discarded duplicate deferred error",
    AccountStatus: "active registered locked guest",
    WorkspaceStatus: "active closed archived",
    Auto: "none bounce auto_reply auto_generated mailing_list feedback_report disposition domain_report",
    Verdict: "accept discard reject hold defer",
    Kind: "item topic",
    Who: "gate rule hook stage person engine",
    Mark: "ok warn stop info",
    Way: "token message_id plus subject calendar imported rule ",
    Meant: "note draft ",
    Found: "exact suffix directory ",
    Standing: "known unknown ambiguous disabled away",
    HookOutcome: (
        "ok none compile-error runtime-error runtime-denied timeout memory killed attack sandbox-missing disabled"
    ),
    HookVerdict: "accept reject hold refuse",
    Row: "auto notice answer webhook",
    Part: "sender assignee former assignee requester participant copy writer watcher named member owner admin",
    Why: (
        "actor has_it locked no_address not_permitted outside prefers_not suspended old quiet rule no_template "
        "stranger machine loop cap.reason cap.item cap.recipient cap.total cap.answers cap.notices cap.reports "
        "cap.hearers unproven mta nobody nobody_else no_smtp"
    ),
    Done: (
        "CreateUser CreateItem AddComment PostToTopic LockTopic SetField AddLabel AddPerson Attach DropLabel "
        "DropPerson Publish SendDraft EditWords DropDraft MergeItem DeleteItem "
        "SetCopies CameBack Unsubscribe Tell SendMail CallWebhook"
    ),
}

FORMER = {Done.SEND_MAIL, Done.CALL_WEBHOOK}
"""Effects of earlier releases, which traces still name."""


SETS: list[type[Stored]] = sorted(Stored.__subclasses__(), key=lambda each: each.__name__)


@pytest.mark.parametrize("words", SETS)
def test_a_word_is_stored_as_the_first_release_that_had_it_stored_it(words: type[Stored]) -> None:
    assert " ".join(word.value for word in words) == WORDS[words]
    assert msgspec.json.encode(list(words)) == msgspec.json.encode([str(word) for word in words])


@pytest.mark.parametrize("words", SETS)
def test_a_word_of_another_release_stays_that_word(words: type[Stored]) -> None:
    strange = msgspec.json.decode(b'"of_tomorrow"', type=words)
    assert strange == "of_tomorrow" and f"{strange}" == "of_tomorrow" and strange not in list(words)
    assert msgspec.json.encode(strange) == b'"of_tomorrow"'


def test_a_word_is_no_number() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"kind":1,"name":"x"}', type=Decider)


def test_a_trace_with_words_of_another_release_is_read_and_written_back() -> None:
    stored = (ROOT / "tests" / "model" / "trace_0_1_0.json").read_bytes()
    for old, new in (
        (b'"kind": "engine"', b'"kind": "oracle"'),
        (b'"matched_by": "exact"', b'"matched_by": "guess"'),
        (b'"mark": "ok"', b'"mark": "fine"'),
        (b'"CreateItem"', b'"Teleport"'),
        (b'"status": "active"', b'"status": "asleep"'),
        (b'"verdict": "accept"', b'"verdict": "forward"'),
        (b'"kind": "none"', b'"kind": "dream"'),
    ):
        assert old in stored or old.replace(b": ", b":") in stored
        stored = stored.replace(old, new).replace(old.replace(b": ", b":"), new)
    trace = decode(stored)
    assert trace.disposition.by.kind == "oracle" and trace.facts.sender.matched_by == "guess"
    assert "Teleport" in trace.effects
    assert (trace.disposition.verdict, trace.facts.automatic.kind) == ("forward", "dream")
    named = set(strange(trace))
    assert named >= {'disposition.verdict "forward"', 'facts.automatic.kind "dream"', 'disposition.by.kind "oracle"'}
    assert list(strange(decode((ROOT / "tests" / "model" / "trace_0_1_0.json").read_bytes()))) == []
    again = decode(encode(trace))
    assert (again.effects, again.disposition, again.stages) == (trace.effects, trace.disposition, trace.stages)


def test_every_effect_has_a_name_of_its_own_where_it_is_stored() -> None:
    assert set(DONE) == set(get_args(Effect))
    assert sorted((*DONE.values(), *FORMER)) == sorted(Done)


def test_no_word_of_a_closed_set_is_compared_as_a_bare_text() -> None:
    """A misspelt word in quotes is no type error; the member of the set is."""
    bare = set()
    for path in (ROOT / "engine").rglob("*.py"):
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(each, ast.Compare) or not isinstance(each.comparators[0], ast.Constant):
                continue
            left = ast.unparse(each.left)
            if left.endswith(
                (".by.kind", ".thread.by", ".matched_by", "answer.outcome", "answer.verdict", "account.status")
            ):
                bare.add(f"{path.relative_to(ROOT)}:{each.lineno}")
    assert bare == set()
