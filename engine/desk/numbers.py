"""The numbers of the pictures: from what was counted, of what somebody sees, as data.

Here: each picture by its name, and all of them. Not here: drawing (`draw.py`), the flow (`flow.py`), counting
(`store/series.py`).
Invariant: no mail is read. What is counted of the whole house only, senders and rules of all mail, is shown to those
who see all of it.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk.charts import HEADS, TITLES, Chart, Kind, Picture, Row
from engine.desk.flow import flow
from engine.desk.measures import answers, hooks, lag, size
from engine.desk.periods import MONTH, MOST_DAYS, WEEK, Period
from engine.model.events import Kind as Class
from engine.model.figures import Span
from engine.model.reasons import REASONS

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.scope import Scope
    from engine.model.figures import RuleHit, Timed
    from engine.store.store import Store

OUTCOMES = ("created", "comment", "note", "held", "rejected", "discarded", "duplicate", "deferred", "error")
"""What becomes of mail, in the order in which pictures show it."""

TAKEN = ("created", "comment", "note")

MOST_REASONS, MOST_DOMAINS, MOST_RULES = 15, 15, 25

WEEKS = timedelta(weeks=13)
"""Rules and senders are shown by weeks, of so long at least."""

STATES = {
    "sent": "good", "queued": "comment", "sending": "comment", "digest": "deferred", "held": "held",
    "suppressed": "discarded", "dropped": "quiet", "unknown": "duplicate", "failed": "bad", "bounced": "error",
}  # fmt: skip
"""The states of a row of the outbox, in their order, with their colours."""

PROOFS = Kind("good", "DMARC passed"), Kind("quiet", "no DMARC result"), Kind("bad", "DMARC failed")
NEWCOMERS = Kind("good", "with an account"), Kind("held", "without one")
"""What a domain could prove, and who writes for the first time."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Asked(Struct, frozen=True, dict=True):
    """Of what pictures are asked for: who looks, and of how long until now, as clocks in a zone show it."""

    store: Store
    config: Config
    scope: Scope
    last: timedelta
    now: datetime
    zone: tzinfo

    @cached_property
    def period(self) -> Period:
        """That time, in slots."""
        return Period.of(self.last, self.now, self.zone)

    @cached_property
    def letters(self) -> tuple[list[Timed], str]:
        """The letters of that time by state and class, and what one has to know where some are left out."""
        period = self.period
        found, cut = self.store.series.letters(period.since, period.span, sight=self.scope.letters)
        first = min([each.at for each in found], default=period.now)
        return found, f"only the newest letters, from {first.astimezone(period.zone):%Y-%m-%d} on" if cut else ""

    @property
    def weeks(self) -> Period:
        """That time, or 13 weeks where it is shorter, in weeks or months."""
        return Period.of(max(self.last, WEEKS), self.now, UTC)


def pictures(asked: Asked, names: Sequence[str] = ()) -> tuple[Picture, ...]:
    """The pictures of these names, or all; those that are not for who looks are left out."""
    found = [make(asked) for name, make in PICTURES.items() if not names or name in names]
    return tuple([each for each in found if each is not None])


def query(*words: str) -> str:
    """Put words of a search together; none where a value cannot be written."""
    return "" if any('"' in word.partition(":")[2].strip('"') for word in words) else " ".join(words)


def by_slot(period: Period, found: Sequence[Timed], kinds: Mapping[str, str]) -> tuple[Row, ...]:
    """A row for each slot of a time, with the numbers of these keys; their search by a word for each, if any."""
    counts = Counter[tuple[int, str]]()
    slots = {at: period.slot(at) for at in {each.at for each in found}}
    for at, (key, *_), count in found:
        counts[slots[at], key] += count
    return tuple([
        Row(
            slot.name, tuple([counts[number, key] for key in kinds]),
            tuple([query(said, *slot.words) if slot.words and said else "" for said in kinds.values()]),
        )
        for number, slot in enumerate(period.slots)
    ])  # fmt: skip


def outcomes(asked: Asked) -> Chart:
    """How much came, and what became of it."""
    period = asked.period
    found = asked.store.series.timed(("outcome",), period.since, period.span, sight=asked.scope.sight)
    there = {each.keys[0] for each in found}
    shown = {name: f"outcome:{name}" for name in OUTCOMES if name in there}
    kinds = tuple([Kind(name, name) for name in shown])
    return Chart("outcomes", TITLES["outcomes"], "columns", period.step, kinds,
                 by_slot(period, found, shown), _weeks(period))  # fmt: skip


def reasons(asked: Asked) -> Chart:
    """Why mail was not taken."""
    found, period = Counter[str](), asked.period
    of: dict[str, Counter[str]] = {}
    counted = asked.store.series.alike(("outcome", "code"), period.since, sight=asked.scope.sight)
    for (outcome, code), mails in counted.items():
        if outcome not in TAKEN:
            found[code] += mails
            of.setdefault(code, Counter())[outcome] += mails
    shown = [outcome for outcome in OUTCOMES if any(outcome in each for each in of.values())]
    since = f"newer_than:{max((period.now - period.since).days, 1)}d"
    rows = [
        Row(code, tuple([of[code][each] for each in shown]),
            tuple([query(f"code:{code}", f"outcome:{each}", since) for each in shown]),
            REASONS[code].sentence if code in REASONS else "")
        for code, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]  # fmt: skip
    left = sum(int(row.total) for row in rows[MOST_REASONS:])
    note = f"{left:,} more for {len(rows) - MOST_REASONS} other reasons" if left else ""
    kinds = tuple([Kind(each, each) for each in shown])
    return Chart("reasons", TITLES["reasons"], "bars", HEADS["reasons"], kinds, tuple(rows[:MOST_REASONS]), note)


def hours(asked: Asked) -> Chart:
    """When mail comes: the days of the week by the hours of the day."""
    last, counts = min(asked.last, MOST_DAYS), Counter[tuple[int, int]]()
    for at, _, mails in asked.store.series.timed((), asked.now - last, Span.QUARTER, sight=asked.scope.sight):
        local = at.astimezone(asked.zone)
        counts[local.weekday(), local.hour] += mails
    rows = [Row(name, tuple([counts[day, hour] for hour in range(24)])) for day, name in enumerate(WEEKDAYS)]
    kinds = tuple([Kind("plain", f"{hour:02}") for hour in range(24)])
    note = f"of the last {last.days} days" if last < asked.last else ""
    return Chart("hours", TITLES["hours"], "map", HEADS["hours"], kinds, tuple(rows), note)


def proof(asked: Asked) -> Chart | None:
    """Who can be believed: what was said of DMARC, by domain; for who sees all mail, of which domains are counted."""
    if not asked.scope.sight.all:
        return None
    rows = [
        Row(each.domain, (each.passed, max(each.mails - each.passed - each.failed, 0), each.failed),
            (query(f'domain:"{each.domain}"'),) * 3)
        for each in asked.store.series.domains(asked.period.since, MOST_DOMAINS)
    ]  # fmt: skip
    note = "all mail of the 15 strongest domains from which some came in this time"
    return Chart("proof", TITLES["proof"], "bars", HEADS["proof"], PROOFS, tuple(rows), note)


def senders(asked: Asked) -> Chart | None:
    """Who is new: addresses by the week or month in which they wrote first; for who sees all mail."""
    if not asked.scope.sight.all:
        return None
    period = asked.weeks
    counts = Counter[tuple[int, int]]()
    for at, (known, others) in asked.store.series.newcomers(period.since).items():
        counts[period.slot(at), 0] += known
        counts[period.slot(at), 1] += others
    rows = [Row(slot.name, (counts[number, 0], counts[number, 1])) for number, slot in enumerate(period.slots)]
    return Chart("senders", TITLES["senders"], "columns", period.step, NEWCOMERS, tuple(rows), _weeks(period))


def sent(asked: Asked) -> Chart:
    """Whether what we write leaves the house."""
    found, note = asked.letters
    kinds = _states(found)
    shown = {kind.name: "" for kind in kinds}
    return Chart("sent", TITLES["sent"], "columns", asked.period.step, kinds,
                 by_slot(asked.period, found, shown), note)  # fmt: skip


def classes(asked: Asked) -> Chart:
    """The same by the class of the letter: answers of people, automatic ones, notices, webhooks."""
    found, note = asked.letters
    kinds, counts = _states(found), Counter[tuple[str, ...]]()
    for _, (state, of), many in found:
        counts[of, state] += many
    rows = [Row(of, tuple([counts[of, kind.name] for kind in kinds])) for of in map(str, Class)]
    rows = [row for row in rows if row.total]
    return Chart("classes", TITLES["classes"], "bars", HEADS["classes"], kinds, tuple(rows), note)


def _states(found: Sequence[Timed]) -> tuple[Kind, ...]:
    there = {each.keys[0] for each in found}
    return tuple([Kind(colour, state) for state, colour in STATES.items() if state in there])


def _weeks(period: Period) -> str:
    return f"{period.step}s of days in UTC" if period.step in (WEEK, MONTH) else ""


# ── rules ─────────────────────────────────────────────────────────────────────────────────────────────────────


def rules(asked: Asked) -> Chart | None:
    """Which rules match, by week, of the files whose mail somebody sees; those that never did are named."""
    files = [*_files(asked.config, asked.scope)]
    if not files:
        return None
    period, order = asked.weeks, {file: number for number, (file, _) in enumerate(files)}
    counts: dict[tuple[str, str], Counter[int]] = {}
    for at, hit, hits in asked.store.series.rules(period.since):
        if hit.file in order:
            counts.setdefault((hit.file, _name(asked.store, hit)), Counter())[period.slot(at)] += hits
    rank = {(file, name): n for file, names in files for n, name in enumerate(names)}
    strongest = sorted(counts, key=lambda key: (-counts[key].total(), key))[:MOST_RULES]
    rows = [
        Row(
            f"{_short(file)}: {name}" if len(files) > 1 else name,
            tuple([counts[file, name][slot] for slot, _ in enumerate(period.slots)]),
            tuple([query(f'rule:"{name}"', *slot.words) for slot in period.slots]),
        )
        for file, name in sorted(strongest, key=lambda key: (order[key[0]], rank.get(key, len(rank)), key))
    ]
    never = [name for file, names in files for name in names if (file, name) not in counts]
    said = f"never in this time: {', '.join(never[:12])}{' and more' if len(never) > 12 else ''}" if never else ""
    left = f"the {MOST_RULES} that matched most" if len(counts) > MOST_RULES else ""
    kinds = tuple([Kind("plain", slot.name.removeprefix("week of ")) for slot in period.slots])
    note = "; ".join(filter(None, (left, said, _weeks(period))))
    return Chart("rules", TITLES["rules"], "map", HEADS["rules"], kinds, tuple(rows), note)


def _files(config: Config, scope: Scope) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rule files of whose mail somebody sees all, in their order, each with the rules that stand in it."""
    from engine.rulebook.book import files, shown

    for place, path in files(config):
        if scope.admin or (place and scope.may("view_mail", place)):
            text = ""
            with suppress(OSError, UnicodeDecodeError):
                text = path.read_text(encoding="utf-8")
            yield shown(config, path), _named(text)


def _short(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".toml")


def _name(store: Store, hit: RuleHit) -> str:
    names = _named(store.archive.text(hit.digest))
    return names[hit.rule - 1] if hit.rule <= len(names) else f"rule {hit.rule}"


@lru_cache(maxsize=256)
def _named(text: str) -> tuple[str, ...]:
    """The names of the rules of a file."""
    try:
        tables = tomllib.loads(text).get("rule", [])
    except tomllib.TOMLDecodeError:
        return ()
    return tuple([str(each.get("name", f"rule {n}")) for n, each in enumerate(tables, 1) if isinstance(each, dict)])


PICTURES: dict[str, Callable[[Asked], Picture | None]] = {
    "flow": lambda asked: flow(asked.store, asked.config, asked.scope, asked.now - asked.last, asked.last),
    "outcomes": outcomes, "reasons": reasons, "hours": hours, "rules": rules, "proof": proof, "senders": senders,
    "sent": sent, "classes": classes, "lag": lag, "answers": answers, "size": size, "hooks": hooks,
}  # fmt: skip
"""Every picture by its name, which is that of its file, in their order."""

GROUPS = {
    "Mail": ("outcomes", "reasons", "hours"), "Rules": ("rules",),
    "People": ("proof", "senders", "sent", "classes"), "Machine": ("lag", "answers", "size", "hooks"),
}  # fmt: skip
"""Which of them are looked at together, beside the flow."""
