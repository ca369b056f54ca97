"""The decision: eleven stages in order, a batch of mails in, a plan for each out.

Here: the order, how a decision is run and traced. Not here: what a stage asks (`stages/`), what a plan does (`store/`).
Invariant: `decide` is the only way to a plan; run, dry run, explain, replay and tests call it alike, one mail being a
batch of one. It touches the world through `Lookups` and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import compress
from operator import attrgetter, is_not
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from engine.decision import facts as gathering
from engine.decision import identity
from engine.decision.case import Case, Each, one_by_one
from engine.decision.foreseeing import foreseen
from engine.decision.seal import seal
from engine.lookups import Recorder
from engine.mail.parse import parse
from engine.model.desk import ItemFacts
from engine.model.draft import Disposition, Draft, FieldChange, NewUser, PersonChange, Reply, Skip
from engine.model.facts import Facts
from engine.model.mail import Address, Mail, Part
from engine.model.plan import DONE, Plan
from engine.model.questions import HooksSay
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
    from engine.model.changes import Versions
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
        self, cases: Sequence[Case], each: Each = one_by_one, *, beyond: bool = False, until: str = ""
    ) -> Sequence[Case]:
        """Decide about the mails of a batch; gives the cases that came to the end, each with its decision, in order.

        The batch goes through each step together, so that code and data of a step stay at hand for all of its mails.
        `beyond` goes on after a settled draft, as a release would, to tell what else would have happened; the plan
        is still that of the first settlement. `until` names the stage before which the way ends, for those who want
        the draft and not the plan.
        """
        going = each(self._gather, each(self._foresee, each(self._read, cases)))
        settled: list[Case] = []
        for stage in self.stages[: ORDER.index(until) if until else None]:
            if type(stage) is SenderStage and self.config.directories:
                going = each(self._look_up, going)
            if type(stage) is Guard:
                going = each(_wait, each(partial(_look_ahead, stage), going))
            going = each(partial(_ask, stage, beyond), going)
            if not beyond:
                settled += [case for case in going if case.settled is not None]
                going = [case for case in going if case.settled is None]
        ended = sorted([*settled, *going], key=attrgetter("number"))
        return each(self._close, each(self._seal, ended))

    def _read(self, case: Case) -> None:
        """Parse the bytes; those of a mail that broke the machine before in a process apart, later the header alone."""
        limits = self.config.settings("").limits
        if case.bare:
            from engine.mail import bare
            from engine.mail.isolated import parse_apart

            case.mail = bare.whole(parse_apart(bare.head(case.raw, limits), limits), case.raw)
        elif case.apart:
            from engine.mail.isolated import parse_apart

            case.mail = parse_apart(case.raw, limits)
        else:
            case.mail = parse(case.raw, limits)

    def _foresee(self, case: Case) -> None:
        """Let the world hear what all mails of the batch will ask, before the first one does."""
        for question in foreseen(case.mail, self.config, case.raw.origin.mailbox):
            case.look.foresee(question)

    def _gather(self, case: Case) -> None:
        began, mailbox = time.perf_counter_ns(), case.raw.origin.mailbox
        case.facts = facts = gathering.gather(
            case.mail, self.config, mailbox, case.look, case.release, case.duplicate_of
        )
        case.draft = Draft(workspace=facts.workspace, hops=(facts.workspace,), item=facts.thread.item)
        case.values = _values(case.draft)
        case.ns += time.perf_counter_ns() - began

    def _look_up(self, case: Case) -> None:
        """Look the sender up in the directory of the workspace that the mail went to, where it has another one."""
        people, known = self.config.settings(case.draft.workspace).people, case.facts.sender
        if people.directory == self.config.settings(case.facts.workspace).people.directory:
            return
        sender = identity.listed(known, people, case.look)
        if sender is not known:
            case.facts = replace(case.facts, sender=sender)

    def _seal(self, case: Case) -> None:
        began = time.perf_counter_ns()
        case.plan = seal(case.mail, case.facts, case.settled or case.draft, self.config)
        case.ns += time.perf_counter_ns() - began

    def _close(self, case: Case) -> None:
        """Put the trace together, and with it the decision."""
        plan, final = case.plan, case.settled or case.draft
        trace = Trace(
            mailbox=case.raw.origin.mailbox,
            facts=case.facts,
            stages=tuple(case.stages),
            disposition=plan.disposition,
            rules=final.rule_traces,
            answers=case.look.kept(),
            effects=tuple([DONE[type(effect)] for effect in plan.effects]),
            config_digest=self.config.digest,
            us=case.ns // 1000,
            defects=case.mail.defects[:MOST_DEFECTS],
        )
        case.decision = Decision(case.mail, case.facts, final, plan, trace, case.look, case.draft, case.versions)


def _look_ahead(stage: Guard, case: Case) -> None:
    began = time.perf_counter_ns()
    case.draft = stage.ahead(case.mail, case.facts, case.draft, case.look)
    case.ns += time.perf_counter_ns() - began


def _wait(case: Case) -> None:
    """Tell a mail whose scripts take long from the others, which need not wait for it."""
    asked = case.draft.asked
    case.slow = asked is not None and not case.look.is_ready(HooksSay(asked))


def _ask(stage: Stage, beyond: bool, case: Case) -> None:
    """Let a stage decide about one mail, and note what it changed. One whose scripts take long was waited for then."""
    case.slow = False
    began, before = time.perf_counter_ns(), case.draft
    draft = stage.decide(case.mail, case.facts, before, case.look)
    ns = time.perf_counter_ns() - began
    case.ns += ns
    changes = () if draft is before and not beyond else _changes(case, draft)
    case.stages.append(StageTrace(stage.name, ns // 1000, changes, draft.notes[len(before.notes) :]))
    if draft.disposition is not None:
        case.settled = case.settled or draft
        draft = _reopened(draft) if beyond else draft
    case.draft = draft


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


_NAMES = Draft.__struct_fields__[: Draft.__struct_fields__.index("hops")]


def _values(draft: Draft) -> tuple[Any, ...]:
    """Give what a trace tells of a draft, in the order of `_NAMES`."""
    return astuple(draft)[: len(_NAMES)]


def _changes(case: Case, draft: Draft) -> tuple[Change, ...]:
    """Compare what two drafts hold, so that a stage need not report what it did, only why."""
    before, after = case.values, _values(draft)
    if before == after:
        return ()
    case.values = after
    moved = compress(zip(_NAMES, before, after, strict=True), map(is_not, before, after))
    return tuple([_change(name, old, new, case.told) for name, old, new in moved])


def _change(name: str, old: Any, new: Any, known: dict[str, str | tuple[str, ...]]) -> Change:
    """Tell a change; `known` is how each value of the draft was told last."""
    before = known[name] if name in known else _listed(name, old)
    after = known[name] = _listed(name, new)
    return Change(name, before, after)


def _listed(name: str, value: Any) -> str | tuple[str, ...]:
    """Give a value of a draft as a few words, a list as those of its first elements."""
    if type(value) is tuple:
        listed = tuple(map(told, value[:MOST_LISTED]))
        return (*listed, "…") if len(value) > MOST_LISTED else listed
    return f"{len(value)} characters" if name == "text" else told(value)


def told(value: Any) -> str:
    """Give a value of a draft as a few words, such as traces keep."""
    kind = type(value)
    if isinstance(value, str):
        return value if len(value) <= 120 else value[:119] + "…"
    if value is None:
        return ""
    parts = _TOLD.get(kind)
    if parts is not None:
        return " ".join([told(each) for each in parts(value) if each or each == 0])
    if kind is tuple:
        return ", ".join(map(told, value[:MOST_LISTED])) + (" …" if len(value) > MOST_LISTED else "")
    if kind is bool:
        return "true" if value else "false"
    return f"{value.verdict}: {value.because}" if kind is Disposition else str(value)


_TOLD: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    FieldChange: attrgetter("name", "value"),
    PersonChange: attrgetter("address", "role"),
    Skip: attrgetter("gate", "because"),
    ItemFacts: attrgetter("workspace", "id"),
    Reply: attrgetter("template", "to"),
    NewUser: lambda user: (user.address,),
    Address: lambda address: (address.address,),
    Part: attrgetter("content_type", "path"),
}
"""What is told of things that are more than a text."""
