"""The decision: eleven stages in order, one mail in, one plan out.

Here: the order, how a decision is run and traced. Not here: what a stage asks (`stages/`), what a plan does (`store/`).
Invariant: `decide` is the only way to a plan; run, dry run, explain, replay and tests call it alike. It touches the
world through `Lookups` and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.decision import facts as gathering
from engine.decision.seal import seal
from engine.lookups import Recorder
from engine.model.desk import ItemFacts
from engine.model.draft import Disposition, Draft, FieldChange, NewUser, PersonChange, Reply, Skip
from engine.model.facts import Facts, Release
from engine.model.mail import Address, Mail, Part
from engine.model.plan import DONE, Plan
from engine.model.trace import Change, StageTrace, Trace
from engine.stages.activity import Activity
from engine.stages.author import Author
from engine.stages.bounce import Bounce
from engine.stages.config import ConfigStage
from engine.stages.draft import DraftStage
from engine.stages.guard import Guard
from engine.stages.limits import Limits
from engine.stages.participants import Participants
from engine.stages.route import Route
from engine.stages.sender import SenderStage
from engine.stages.stage import Stage
from engine.stages.subject import Subject

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import Versions
    from engine.rulebook.book import Rulebook

ORDER = (
    "config",
    "limits",
    "route",
    "sender",
    "subject",
    "bounce",
    "draft",
    "guard",
    "activity",
    "author",
    "participants",
)
"""The stages by name, in the order they are asked."""

MOST_LISTED = 8
"""Elements of a list that the trace of a change tells."""

MOST_DEFECTS = 50
"""Oddities of one mail that its trace tells."""


class Decision(Struct, frozen=True):
    """What `decide` found: the plan, and everything that led to it.

    `draft` is what the plan was made of. `reached` is what came out of the last stage that was asked: another one only
    where the way went on beyond a settled draft.
    """

    mail: Mail
    facts: Facts
    draft: Draft
    plan: Plan
    trace: Trace
    look: Recorder
    reached: Draft
    versions: Versions | None = None


class Pipeline(Struct, frozen=True):
    """The stages of a configuration, ready to decide any number of mails."""

    config: Config
    stages: tuple[Stage, ...]

    def decide(
        self,
        mail: Mail,
        look: Recorder,
        *,
        release: Release | None = None,
        duplicate_of: str = "",
        beyond: bool = False,
        until: str = "",
        versions: Versions | None = None,
    ) -> Decision:
        """Decide about one mail.

        `beyond` goes on after a settled draft, as a release would, to tell what else would have happened; the plan
        is still that of the first settlement. `until` names the stage before which the way ends, for those who want
        the draft and not the plan. `versions` is the state of the store that the answers come from.
        """
        started = time.perf_counter_ns()
        mailbox = mail.raw.origin.mailbox
        facts = gathering.gather(mail, self.config, mailbox, look, release, duplicate_of)
        draft = Draft(workspace=facts.workspace, hops=(facts.workspace,), item=facts.thread.item)
        settled: Draft | None = None
        traces: list[StageTrace] = []
        values = _values(draft)
        for stage in self.stages[: ORDER.index(until) if until else None]:
            before, began = draft, time.perf_counter_ns()
            draft = stage.decide(mail, facts, draft, look)
            us, held = (time.perf_counter_ns() - began) // 1000, values
            values = _values(draft)
            traces.append(StageTrace(stage.name, us, _changes(held, values), draft.notes[len(before.notes) :]))
            if draft.disposition is not None:
                settled = settled or draft
                if not beyond:
                    break
                draft = _reopened(draft)
        final = settled or draft
        plan = seal(mail, facts, final, self.config)
        trace = Trace(
            mailbox=mailbox,
            facts=facts,
            stages=tuple(traces),
            disposition=plan.disposition,
            rules=final.rule_traces,
            answers=look.kept(),
            effects=tuple(DONE[type(effect)] for effect in plan.effects),
            config_digest=self.config.digest,
            us=(time.perf_counter_ns() - started) // 1000,
            defects=mail.defects[:MOST_DEFECTS],
        )
        return Decision(mail, facts, final, plan, trace, look, draft, versions)


def build(config: Config, book: Rulebook) -> Pipeline:
    """Make the stages for a configuration and its rules."""
    stages: tuple[Stage, ...] = (
        ConfigStage(book.broken, config.missing),
        Limits(config),
        Route(config, book.rules, book.vocabulary),
        SenderStage(config),
        Subject(config),
        Bounce(config),
        DraftStage(config),
        Guard(config),
        Activity(config),
        Author(config),
        Participants(config),
    )
    return Pipeline(config, stages)


def _reopened(draft: Draft) -> Draft:
    """Take the verdict off a settled draft, so that the stages behind it may be asked as well."""
    return replace(draft, disposition=None)


_QUIET = frozenset({"notes", "rule_traces", "quoted", "attachments", "hops"})
_NAMES = tuple(name for name in Draft.__struct_fields__ if name not in _QUIET)
_values = attrgetter(*_NAMES)


def _changes(before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[Change, ...]:
    """Compare what two drafts hold, so that a stage need not report what it did, only why."""
    if before == after:
        return ()
    held = zip(_NAMES, before, after, strict=True)
    return tuple([_change(name, old, new) for name, old, new in held if old is not new])


def _change(name: str, old: Any, new: Any) -> Change:
    if name == "text":
        return Change(name, _length(old), _length(new))
    return Change(name, _listed(old), _listed(new))


def _listed(value: Any) -> str | tuple[str, ...]:
    """Give a value of a draft as a few words, a list as those of its first elements."""
    if type(value) is not tuple:
        return told(value)
    more = ("…",) if len(value) > MOST_LISTED else ()
    return (*map(told, value[:MOST_LISTED]), *more)


def _length(text: str) -> str:
    return f"{len(text)} characters"


def told(value: Any) -> str:
    """Give a value of a draft as a few words, such as traces keep."""
    kind = type(value)
    if isinstance(value, str):
        return value if len(value) <= 120 else value[:119] + "…"
    if kind is tuple:
        return ", ".join(map(told, value[:MOST_LISTED])) + (" …" if len(value) > MOST_LISTED else "")
    if kind is bool:
        return "true" if value else "false"
    if kind is Disposition:
        return f"{value.verdict}: {value.because}"
    if kind in _TOLD:
        parts = [getattr(value, name) for name in _TOLD[kind]]
        return " ".join([told(each) for each in parts if each not in (None, "", ())])
    return "" if value is None else str(value)


_TOLD: Mapping[type, tuple[str, ...]] = {
    FieldChange: ("name", "value"),
    PersonChange: ("address", "role"),
    Skip: ("gate", "because"),
    ItemFacts: ("workspace", "id"),
    Reply: ("template", "to"),
    NewUser: ("address",),
    Address: ("address",),
    Part: ("content_type", "path"),
}
"""What is told of things that are more than a text."""
