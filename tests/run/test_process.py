"""From spooled mails to receipts: batches, answers that change, mails that break the machine."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from deciding import NOW, raw

from engine.decision import facts, pipeline
from engine.model.mail import Mail
from engine.model.plan import Outcome
from engine.run.engine import Engine
from engine.run.process import DECIDE_AGAIN, process
from engine.run.taking_up import MAX_ATTEMPTS
from engine.run.world import World
from engine.store.errors import StoreError


def outcomes(results: Any) -> list[Outcome]:
    return [result.outcome for result in results]


def test_mails_of_a_batch_come_out_in_the_order_they_went_in(engine: Engine) -> None:
    spooled = engine.store.ledger.spool([raw(key=str(number)) for number in range(5)], "a")
    assert [result.spooled.mail for result in process(engine, spooled, NOW)] == [each.mail for each in spooled]


def test_a_mail_that_breaks_the_machine_waits_and_the_next_one_goes_on(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gather = facts.gather

    def broken(mail: Mail, *rest: Any) -> Any:
        if mail.raw.origin.key == "bad":
            raise ZeroDivisionError("boom")
        return gather(mail, *rest)

    monkeypatch.setattr(facts, "gather", broken)
    results = process(engine, engine.store.ledger.spool([raw(key="bad"), raw(key="good")], "a"), NOW)
    assert outcomes(results) == [Outcome.DEFERRED, Outcome.CREATED]
    assert results[0].code == "fault.exception"
    assert "ZeroDivisionError: boom" in results[0].because


def test_after_its_last_attempt_a_mail_is_kept_for_a_person_with_the_reason(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(facts, "gather", broken)
    now = NOW
    results = process(engine, engine.store.ledger.spool([raw()], "a"), now)
    for _ in range(MAX_ATTEMPTS - 1):
        now += timedelta(days=1)
        results = process(engine, engine.store.ledger.claim("system", 10, now, "a").mails, now)
    assert outcomes(results) == [Outcome.ERROR]
    row = engine.store.archive.mail("last")
    assert (row.state, row.outcome) == ("quarantined", "error")
    assert "boom" in row.error
    assert engine.store.ledger.claim("system", 10, now + timedelta(days=9), "a").mails == []


def test_an_answer_that_changes_before_the_commit_sends_the_mail_back_to_be_decided(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decide = Engine.decide
    tried: list[Any] = []

    def meanwhile(self: Engine, *rest: Any) -> Any:
        cases = decide(self, *rest)
        if not tried:
            with self.store.writing():
                self.store.directory.remove_account("anna")
        tried.extend(case.decision.plan.outcome for case in cases)
        return cases

    monkeypatch.setattr(Engine, "decide", meanwhile)
    results = process(engine, engine.store.ledger.spool([raw()], "a"), NOW)
    assert tried == [Outcome.CREATED, Outcome.HELD]
    assert outcomes(results) == [Outcome.HELD]


def test_a_mail_whose_answers_never_come_to_rest_is_deferred(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []
    monkeypatch.setattr("engine.run.process.is_still_true", lambda store, decision: bool(tried.append(decision)))
    results = process(engine, engine.store.ledger.spool([raw()], "a"), NOW)
    assert outcomes(results) == [Outcome.DEFERRED]
    assert results[0].code == "commit.conflict"
    assert len(tried) == DECIDE_AGAIN + 1


def test_nothing_of_a_batch_is_kept_when_the_database_goes_away(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = engine.store.commit
    done: list[Any] = []

    def full(*arguments: Any) -> Any:
        if done:
            raise StoreError("the disk is full")
        done.append(commit(*arguments))
        return done[0]

    monkeypatch.setattr(engine.store, "commit", full)
    spooled = engine.store.ledger.spool([raw(key="1"), raw(key="2")], "a")
    with pytest.raises(StoreError):
        process(engine, spooled, NOW)
    assert engine.store.items.newest() == []
    assert {row.state for row in engine.store.archive.mails()} == {"received"}


def test_the_rate_of_a_sender_counts_the_mails_in_hand(engine: Engine) -> None:
    spooled = engine.store.ledger.spool([raw(key=str(number)) for number in range(62)], "a")
    ended = outcomes(process(engine, spooled, NOW))
    assert ended == [Outcome.CREATED] * 60 + [Outcome.HELD] * 2


def test_a_mail_that_breaks_its_commit_is_put_down_and_the_others_are_committed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = engine.store.commit

    def broken(spooled: Any, *rest: Any) -> Any:
        receipt = commit(spooled, *rest)
        if spooled.raw.origin.key == "bad":
            raise ZeroDivisionError("boom")
        return receipt

    monkeypatch.setattr(engine.store, "commit", broken)
    spooled = engine.store.ledger.spool([raw(key="1"), raw(key="bad"), raw(key="3")], "a")
    results = process(engine, spooled, NOW)
    assert outcomes(results) == [Outcome.CREATED, Outcome.DEFERRED, Outcome.CREATED]
    assert results[1].code == "fault.exception"
    assert len(engine.store.items.newest()) == 2, "nothing of the broken one is left"


def test_what_other_mails_of_the_batch_did_not_touch_is_not_asked_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    earlier = World.earlier_mail

    def counted(self: World, workspace: str, fingerprint: str) -> str:
        asked.append(fingerprint)
        return earlier(self, workspace, fingerprint)

    monkeypatch.setattr(World, "earlier_mail", counted)
    process(engine, engine.store.ledger.spool([raw(key=str(number)) for number in range(3)], "a"), NOW)
    assert len(asked) == len(set(asked)) == 3


def test_a_round_that_is_over_leaves_the_rest_to_the_next(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.run.hand.ROUND_S", -1.0)
    spooled = engine.store.ledger.spool([raw(key=str(number)) for number in range(4)], "a")
    results = process(engine, spooled, NOW)
    assert [result.spooled.row for result in results] == [each.row for each in spooled]
    assert outcomes(results) == [Outcome.CREATED] * 4


def test_what_is_settled_is_not_decided_anew_where_a_round_is_over(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered, clock = list[str](), [0.0]
    gather, seal = facts.gather, pipeline.seal

    def counted(mail: Mail, *rest: Any) -> Any:
        gathered.append(mail.raw.origin.key)
        return gather(mail, *rest)

    def slow(*given: Any) -> Any:
        clock[0] += 100.0
        return seal(*given)

    monkeypatch.setattr(facts, "gather", counted)
    monkeypatch.setattr(pipeline, "seal", slow)
    monkeypatch.setattr("engine.run.hand.time", SimpleNamespace(monotonic=lambda: clock[0]))
    refused = [raw("", key=str(number)) for number in range(3)]
    results = process(engine, engine.store.ledger.spool(refused, "a"), NOW)
    assert outcomes(results) == [Outcome.REJECTED] * 3
    assert gathered == ["0", "1", "2"]


def test_a_stop_in_the_middle_of_a_batch_gives_back_what_is_not_decided(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather = facts.gather

    def stopping(mail: Mail, *rest: Any) -> Any:
        engine.stop.set()
        return gather(mail, *rest)

    monkeypatch.setattr(facts, "gather", stopping)
    spooled = engine.store.ledger.spool([raw(key="1"), raw(key="2")], "a")
    assert process(engine, spooled, NOW) == []
    claimed = engine.store.ledger.claim("system", 10, NOW, "b").mails
    assert [(each.row, each.attempts) for each in claimed] == [(each.row, 1) for each in spooled]
