"""Where mail went, and who said so: three columns of names, and the mails between them.

Here: `flow`. Not here: how it is drawn (`draw_flow.py`), counting (`store/series.py`).
Invariant: every mail that was counted stands in exactly one stream. The columns have the order of the configuration,
of the stages and of the rule files, whatever came: the picture of yesterday can be laid over that of today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.desk.charts import TITLES, Flow, Node, Stream
from engine.model.draft import Who
from engine.model.gates import GATES

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.scope import Scope
    from engine.store.store import Store

STRONGEST = 9
"""Deciders that stand for themselves, beside those who had nothing against it."""

UNOPPOSED, OTHER = (Who.ENGINE.value, "seal"), ("", "")

_KEYS = ("mailbox", "workspace", "outcome", "by_kind", "by_name")

_TAKEN = ("created", "comment", "note")
_ENDS = ("held", "rejected", "discarded", "duplicate", "deferred", "error")
_KINDS = (Who.STAGE, Who.GATE, Who.RULE, Who.HOOK, Who.PERSON, Who.ENGINE)


def flow(store: Store, config: Config, scope: Scope, since: datetime, last: timedelta) -> Flow:
    """The flow of the mails that somebody sees and that came since then, which is so long ago."""
    counted = store.series.alike(_KEYS, since, sight=scope.sight)
    by, groups = Counter[tuple[str, str]](), Counter[tuple[str, tuple[str, str], str, str]]()
    for (_, _, _, kind, name), mails in counted.items():
        by[kind, name] += mails
    named = [each for each, _ in sorted(by.items(), key=lambda item: (-item[1], item[0])) if each != UNOPPOSED]
    shown = {UNOPPOSED, *named[:STRONGEST]} if len(named) > STRONGEST + 1 else {UNOPPOSED, *named}
    for (mailbox, workspace, outcome, kind, name), mails in counted.items():
        decider = (kind, name) if (kind, name) in shown else OTHER
        groups[mailbox, decider, workspace if outcome in _TAKEN else outcome, outcome] += mails
    came = sorted({key[0] for key in groups}, key=_order([box.name for box in config.mailboxes]))
    deciders = sorted({key[1] for key in groups}, key=lambda each: _rank(config, *each))
    ends = sorted({(key[3] in _TAKEN, key[2]) for key in groups}, key=lambda each: _end_rank(config, *each))
    ages = f"newer_than:{_age(last)}"
    streams = [
        Stream(
            came.index(mailbox), deciders.index(decider), ends.index((outcome in _TAKEN, end)), outcome, mails,
            _words(f"mailbox:{_quoted(mailbox)}", _by(decider), f"outcome:{outcome}",
                   f"workspace:{_quoted(end)}" if outcome in _TAKEN and end else "", ages),
        )
        for (mailbox, decider, end, outcome), mails in groups.items()
    ]  # fmt: skip
    streams.sort(key=lambda each: (each.came, each.by, each.end, (*_TAKEN, *_ENDS).index(each.outcome)
                                   if each.outcome in (*_TAKEN, *_ENDS) else 99))  # fmt: skip
    return Flow(
        "flow", TITLES["flow"],
        tuple([Node(each, "", " ".join(_words(f"mailbox:{_quoted(each)}", ages))) for each in came]),
        tuple([Node(_called(*each), "", " ".join(_words(_by(each), ages)) if _by(each) else "") for each in deciders]),
        tuple([_end(taken, each, ages) for taken, each in ends]),
        tuple(streams),
    )  # fmt: skip


def _order(names: list[str]) -> Callable[[str], tuple[int, str]]:
    places = {name: number for number, name in enumerate(names)}
    return lambda name: (places.get(name, len(places)), name)


def _rank(config: Config, kind: str, name: str) -> tuple[int, int, str]:
    """Nothing against it first, then gates in the order of the stages, rules by file, hooks; others last."""
    if (kind, name) == UNOPPOSED:
        return 0, 0, ""
    if (kind, name) == OTHER:
        return 99, 0, ""
    place = 0
    if kind == Who.GATE:
        gates = [gate.name for gate in GATES]
        place = gates.index(name) if name in gates else len(gates)
    if kind == Who.RULE:
        files = [str(each) for each in (config.system.rules, *[w.rules for w in config.workspaces.values()]) if each]
        place = next((n for n, file in enumerate(files) if file.endswith(name.partition(" ")[0])), len(files))
    return 1 + ([*map(str, _KINDS)].index(kind) if kind in map(str, _KINDS) else len(_KINDS)), place, name


def _end_rank(config: Config, taken: bool, name: str) -> tuple[int, int, str]:
    places = [*config.workspaces] if taken else [*_ENDS]
    return (0 if taken else 1), (places.index(name) if name in places else len(places)), name


def _called(kind: str, name: str) -> str:
    if (kind, name) == UNOPPOSED:
        return "no objection"
    if (kind, name) == OTHER:
        return "others"
    return f"{kind} {name.partition(' ')[2] or name if kind == Who.RULE else name}".rstrip()


def _end(taken: bool, name: str, ages: str) -> Node:
    if taken:
        return Node(
            name or "no workspace", "created", " ".join(_words(f"workspace:{_quoted(name)}", ages)) if name else ""
        )
    return Node(name, name, f"outcome:{name} {ages}")


def _by(decider: tuple[str, str]) -> str:
    """The word of a search for a decider, "" for others together."""
    kind, name = decider
    return "" if decider == OTHER else f"by:{_quoted(f'{kind} {name}'.rstrip())}"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _words(*words: str) -> tuple[str, ...]:
    """The words of a search; none where a value cannot be written."""
    return () if any(word.count('"') > 2 for word in words) else tuple(filter(None, words))


def _age(last: timedelta) -> str:
    return f"{last.days}d" if last.days and last.seconds == 0 else f"{int(last.total_seconds() // 3600)}h"
