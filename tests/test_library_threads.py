"""Threads that decide at the same time: through one pipeline, and through desks of their own."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import builders
import hosting
from msgspec.structs import asdict, replace

import engine
from engine.config import load
from engine.decision.case import Case
from engine.decision.pipeline import Decision, Pipeline, build
from engine.lookups import Recorder
from engine.model.mail import Mail
from engine.rulebook.book import load_rules

THREADS, ROUNDS = 8, 3
ROOT = Path(__file__).resolve().parent.parent
OURS = (str(ROOT / "engine"), str(ROOT / "rules"))
RULES = """
[define]
urgent = 'subject contains "7" or headers["X-Number"] contains "3"'
[[rule]]
name = "Urgent"
when = 'urgent and body matches /burns (?<times>\\d+) times/'
then = ['add label "n{times}"', 'set priority "High"']
[[rule]]
name = "Unwanted"
when = 'headers["X-Number"] is "5"'
then = ['discard because "it is number {subject}"']
"""


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Do the work in all threads, and let another one go on between any two lines of ours, often.

    Left alone, an interpreter changes threads so rarely that hardly anything would meet.
    """
    dice = random.Random(1)  # noqa: S311

    def line(frame: FrameType, event: str, arg: object) -> Any:
        if dice.random() < 0.02:
            time.sleep(0)
        return line

    def call(frame: FrameType, event: str, arg: object) -> Any:
        return line if frame.f_code.co_filename.startswith(OURS) else None

    def watched(number: int) -> Any:
        sys.settrace(call)
        try:
            return work(number)
        finally:
            sys.settrace(None)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(watched, range(THREADS)))


def mails() -> list[Mail]:
    """Mails that differ in header, text, sender, reply and attachment."""
    return [
        builders.mail(
            text=f"It burns {number} times.\n\nOn Friday, Bob Lund wrote:\n> number {number}\n> is hot\n",
            subject=f"{'Re: ' if number % 2 else ''}Printer {number}",
            sender=("Jane Doe <jane@bigcorp.example>", "Eve <eve@stranger.example>")[number % 2],
            headers=[("X-Number", str(number)), *[("Received", f"from a{number} by b")] * number],
            attachments=[(f"{number}.txt", "text/plain", b"x" * number)],
            html=f"<p>It burns {number} times.</p>" if number % 3 == 0 else "",
        )
        for number in range(THREADS)
    ]


def a_pipeline(folder: Path) -> Pipeline:
    """A pipeline with rules and scripts: two stages make the question to the scripts together."""
    (folder / "hooks").mkdir()
    for name in ("guard", "activity"):
        (folder / "hooks" / f"{name}.py").touch()
    path = hosting.installation(folder, '[hooks]\nguard = ["guard.py"]\nactivity = ["activity.py"]\n', RULES)
    config = load(path)
    return build(config, load_rules(config))


def decided(pipeline: Pipeline, mail: Mail) -> Decision:
    case = Case(mail.raw, Recorder(builders.World(), builders.NOW))
    pipeline.decide([case])
    return case.decision


def plain(decision: Decision) -> tuple[Any, ...]:
    """All of a decision but how long it took."""
    stages = tuple((each.name, each.changes, each.notes) for each in decision.trace.stages)
    return decision.plan, decision.draft, decision.facts, stages, decision.trace.rules, decision.trace.answers


def test_threads_that_share_a_pipeline_decide_like_one(tmp_path: Path) -> None:
    pipeline = a_pipeline(tmp_path)
    alone = [plain(decided(pipeline, mail)) for mail in mails()]
    assert len({each[0].outcome for each in alone}) > 2

    def work(number: int) -> list[tuple[int, Any]]:
        # every thread goes through all mails, beginning with another one: the same mail is decided by two at once
        order = [(number + step) % THREADS for step in range(THREADS)]
        shared = mails()
        return [(index, plain(decided(pipeline, shared[index]))) for _ in range(ROUNDS) for index in order]

    for results in at_once(work):
        assert all(found == alone[index] for index, found in results)


def test_threads_may_ask_one_mail_at_once() -> None:
    for _ in range(ROUNDS):
        mail = builders.mail(headers=[(f"X-{number}", str(number)) for number in range(50)])
        found = at_once(lambda number, mail=mail: (mail.header(f"x-{number}"), dict(mail.fields)))  # type: ignore[misc]
        assert [each[0] for each in found] == [str(number) for number in range(THREADS)]
        assert all(each[1] == dict(mail.fields) for each in found)


def test_threads_with_desks_of_their_own_decide_like_one(tmp_path: Path) -> None:
    path = hosting.installation(tmp_path, rules=RULES)
    contents = [hosting.mail(f"Printer {number}", number=number) for number in range(THREADS)]
    with engine.open(path) as desk:
        alone = [desk.decide(content) for content in contents]

    def work(number: int) -> list[tuple[int, Decision]]:
        with engine.open(path) as desk:
            order = [(number + step) % THREADS for step in range(THREADS)]
            return [(index, desk.decide(contents[index])) for _ in range(3) for index in order]

    for results in at_once(work):
        assert all(untimed(found) == untimed(alone[index]) for index, found in results)


def untimed(decision: Decision) -> Any:
    """What is to be done, but for when the mail reached us: each decision takes it in anew."""
    effects = [{**asdict(each), "arrived_at": None} for each in decision.plan.effects]
    return replace(decision.plan, effects=()), effects, decision.draft


def test_threads_that_take_the_same_mails_make_each_item_once(tmp_path: Path) -> None:
    path = hosting.installation(tmp_path)
    contents = [hosting.mail(f"Printer {number}", number=number) for number in range(THREADS)]

    def work(number: int) -> list[engine.Taken]:
        with engine.open(path) as desk:
            return [desk.take(contents[(number + step) % THREADS]) for step in range(THREADS)]

    taken = [each for results in at_once(work) for each in results]
    assert len({each.mail for each in taken}) == THREADS
    assert sum(not each.seen_before for each in taken) == THREADS
    with engine.open(path) as desk:
        desk.run()
        ended = [desk.take(content) for content in contents]
        assert {each.outcome for each in ended} == {engine.Outcome.CREATED}
        assert sorted(each.item for each in ended) == list(range(1, THREADS + 1))


def test_threads_that_make_the_secret_at_once_agree_on_it(tmp_path: Path) -> None:
    from engine.config.secrets import shared_secret

    for number in range(20):
        assert len(set(at_once(lambda _, file=tmp_path / f"{number}": shared_secret(file)))) == 1  # type: ignore[misc]
