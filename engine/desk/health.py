"""Is everything well? Figures are held against thresholds, a check each, and the worst of them is the answer.

Here: `judge`, pure, and the line for Nagios. Not here: the figures (`store/figures.py`), what else is looked at (files,
disk: `cli/health.py`), names for Prometheus (`metrics.py`).
Invariant: every check is there every time; each says what it saw, with the value and both thresholds.
Over 300 lines: all checks stand in one file, as they stand in one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.model.stored import BROKEN
from engine.plain_text import printable
from engine.web.refusals import needs_a_person
from engine.wording.units import sized

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.figures import Backlog, Figures, Pulse
    from engine.model.stored import Trouble
    from engine.run.alive import Life
    from engine.web.expiry import Ending

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

LAG_S = 15 * MINUTE
"""So long without a successful pass is a warning; four times as long is critical."""

PUSHED = "pipe"
"""The protocol of a mailbox that nothing reads from: mail is pushed to it, and a pass decides what is left over."""

LITTLE, HARDLY = 1 << 30, 200 << 20
"""Bytes that are free: below the first, or twice what has to be free, it is a warning."""

MOST_SAID = 6
"""Sentences of one line: monitoring cuts what is longer."""


class Status(StrEnum):
    """How well it is, by the words and in the order of Nagios: the position is the exit code."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


CODES = {status: number for number, status in enumerate(Status)}
_WORST = (Status.CRITICAL, Status.WARNING, Status.UNKNOWN, Status.OK)


class Check(Struct, frozen=True):
    """One thing that was looked at: `value` in `unit` (s, B, or "" for a number), above which thresholds it is bad.

    Of `disk` it is bad below them.
    """

    name: str
    status: Status
    said: str = ""
    value: float | None = None
    warning: float | None = None
    critical: float | None = None
    unit: str = ""


class Seen(Struct, frozen=True):
    """What is looked at beside the mails: mailboxes, broken files, whom nobody tells, what ends soon.

    `doors` are those that are configured, each with what is wrong with it or ""; `directories` and
    `keys` those with the trouble each has, if any.
    """

    mailboxes: tuple[Mailbox, ...]
    broken: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()
    doors: tuple[tuple[str, str], ...] = ()
    disk_free: int | None = None
    disk_wanted: int = HARDLY
    lag_s: float = LAG_S
    ending: tuple[Ending, ...] = ()
    directories: tuple[tuple[str, Trouble | None], ...] = ()
    keys: tuple[tuple[str, Trouble | None], ...] = ()
    watch: Life | None = None
    console: Life | None = None


def ending(config: Config, now: datetime) -> tuple[Ending, ...]:
    """Secrets, certificates and refresh tokens that end soon."""
    if not config.root.oauth:
        return ()
    from engine.web.expiry import ending as found

    return found(config, now)


def worst(checks: Sequence[Check]) -> Status:
    """The answer to all checks together."""
    return min([each.status for each in checks], key=_WORST.index, default=Status.UNKNOWN)


def judge(figures: Figures, seen: Seen, now: datetime) -> tuple[Check, ...]:
    """Hold the figures against the thresholds."""
    pulses = {pulse.name: pulse for pulse in figures.mailboxes}
    boxes = [(box, pulses.get(box.name)) for box in seen.mailboxes if box.active]
    return (
        Check("database", Status.OK, "opens"),
        *(readable(box, pulse, seen.lag_s, now) for box, pulse in boxes),
        *(silence(box, pulse, now) for box, pulse in boxes if box.silence),
        *(Check(door, Status.CRITICAL if wrong else Status.OK, wrong or "takes mail") for door, wrong in seen.doors),
        *(_key(name, trouble, now) for name, trouble in seen.keys),
        _last_pass([pulse for _, pulse in boxes if pulse is not None], seen.lag_s, now, wanted=bool(boxes)),
        _stays("watch", seen.watch, "none: mail is read by cron or by hand", "allegra run --watch"),
        _stays("console", seen.console, "does not run", "allegra console", _answered(seen.console, now)),
        _age("waiting", "{count} waiting, the oldest for {age}", figures.waiting, now, 15 * MINUTE, 4 * HOUR),
        _age("held", "{count} held, the oldest for {age}", figures.held, now, 2 * DAY),
        _number("quarantined", "{count} broke the machine and lie apart", figures.quarantined),
        _age("outbox", "{count} not sent, the oldest for {age}", figures.unsent, now, 15 * MINUTE, 2 * HOUR,
             figures.away),
        _number("failed", "{count} could not be sent in 24 h", figures.failed),
        _number("outbox held", "{count} held in the outbox",
                sum(count for state, _, count in figures.outbox if state == "held")),
        *(_asked(name, trouble, now) for name, trouble in seen.directories),
        _sentences("files", seen.broken),
        _sentences("hearers", seen.unheard),
        _signing_in(seen.ending),
        *_disk(seen.disk_free, seen.disk_wanted),
    )  # fmt: skip


def line(checks: Sequence[Check]) -> str:
    """The one line that Nagios reads: what is bad, the worst first, and the figures behind a bar."""
    bad = sorted((each for each in checks if each.status is not Status.OK), key=lambda each: _WORST.index(each.status))
    said = [f"{each.name}: {each.said}" for each in bad[:MOST_SAID]]
    said += [f"and {len(bad) - MOST_SAID} more"] if len(bad) > MOST_SAID else []
    figures = " ".join(_perf(each) for each in checks if each.value is not None)
    text = printable("; ".join(said or [_well(checks)])).replace("|", "/")
    return f"{worst(checks).upper()} - {text} | {figures}".removesuffix(" | ")


def _well(checks: Sequence[Check]) -> str:
    """What is worth a word where nothing is wrong."""
    wanted = ("last pass", "held", "outbox")
    return ", ".join(f"{each.name}: {each.said}" for each in checks if each.name in wanted)


def _perf(check: Check) -> str:
    """A figure as Nagios reads it: 'label'=value[unit];warning;critical. A colon means that less is worse."""
    label = check.name.replace("'", "").replace("=", "")
    below = ":" if check.name == "disk" else ""
    bounds = [f"{each:.0f}{below}" if each is not None else "" for each in (check.warning, check.critical)]
    quoted = f"'{label}'" if " " in label else label
    return f"{quoted}={round(check.value or 0)}{check.unit};{bounds[0]};{bounds[1]}".rstrip(";")


# ── mailboxes ─────────────────────────────────────────────────────────────────────────────────────────────────


def readable(box: Mailbox, pulse: Pulse | None, lag_s: float, now: datetime) -> Check:
    """Whether a mailbox can be read: the time since it was last read decides, and at once what needs a person."""
    name, read = f"mailbox {box.name}", "visited" if box.protocol == PUSHED else "read"
    if pulse is not None and pulse.paused:
        return Check(name, Status.OK, f"paused: {pulse.paused}")
    if pulse is None or (pulse.ok_at is None and not pulse.failures):
        busy = pulse is not None and pulse.busy
        return Check(name, Status.OK, f"is {read} now") if busy else Check(name, Status.WARNING, f"was never {read}")
    since = pulse.ok_at or pulse.failing_since
    lag = 0.0 if pulse.busy and not pulse.failures else _seconds(since, now)
    said = f"last {read} {span(lag)} ago"
    if pulse.failures:
        sentence = pulse.sentence.removeprefix(f"{name}: ")
        said = f"cannot be read since {span(_seconds(pulse.failing_since, now))}: {sentence}"
        if pulse.retry_at is not None and pulse.retry_at > now:
            said += f"; tried again in {span(_seconds(now, pulse.retry_at))}"
    by_hand = bool(pulse.failures) and (needs_a_person(pulse.code) or pulse.code == BROKEN)
    status = Status.CRITICAL if by_hand else over(lag, lag_s, 4 * lag_s)
    return Check(name, status, said, lag, lag_s, 4 * lag_s, "s")


def silence(box: Mailbox, pulse: Pulse | None, now: datetime) -> Check:
    """Whether mail comes as often as it does."""
    name = f"silence {box.name}"
    if pulse is None or pulse.paused or pulse.failures:
        return Check(name, Status.OK, "not read")
    limit = pulse.rhythm.silence_s() if box.silence == "auto" else float(box.silence)
    if limit is None:
        return Check(name, Status.OK, "too little mail to tell")
    last = pulse.last_mail_at or pulse.first_read_at
    silent = pulse.silent_since(box.silence, now) is not None
    said = f"no mail for {span(_seconds(last, now))}" if last is not None else "no mail yet"
    return Check(name, Status.WARNING if silent else Status.OK, said, _seconds(last, now), limit, None, "s")


def _last_pass(pulses: Sequence[Pulse], lag_s: float, now: datetime, *, wanted: bool) -> Check:
    """Whether `allegra run` runs at all, well or not; `wanted` where a mailbox is there to be read."""
    if not wanted:
        return Check("last pass", Status.OK, "no mailbox is active")
    if any(pulse.busy for pulse in pulses):
        return Check("last pass", Status.OK, "running now", 0.0, lag_s, 4 * lag_s, "s")
    newest = max([at for pulse in pulses for at in (pulse.ok_at, pulse.failed_at) if at is not None], default=None)
    if newest is None:
        paused = bool(pulses) and all(pulse.paused for pulse in pulses)
        return Check("last pass", Status.OK if paused else Status.CRITICAL, "no pass yet: does allegra run run?")
    lag = _seconds(newest, now)
    return Check("last pass", over(lag, lag_s, 4 * lag_s), f"{span(lag)} ago", lag, lag_s, 4 * lag_s, "s")


def _answered(life: Life | None, now: datetime) -> str:
    return f"last answered {span(_seconds(life.touched if life else None, now))} ago"


def _stays(name: str, life: Life | None, none: str, command: str, said: str = "") -> Check:
    """Whether a process that stays lives, where it was started; one that was killed left its file."""
    if life is None:
        return Check(name, Status.OK, none)
    if life.lives:
        return Check(name, Status.OK, said or f"process {life.process} since {life.since}")
    gone = f"process {life.process} of {life.since} ended without a word: start {command} again"
    return Check(name, Status.WARNING, gone)


# ── what waits ────────────────────────────────────────────────────────────────────────────────────────────────


def _age(
    name: str, said: str, waits: Backlog, now: datetime, warning: float, critical: float | None = None, away: str = ""
) -> Check:
    """How long the oldest waits."""
    if not waits.rows:
        return Check(name, Status.OK, "0", 0.0, warning, critical, "s")
    age = _seconds(waits.oldest, now)
    text = said.format(count=waits.rows, age=span(age)) + (f": {away}" if away else "")
    return Check(name, over(age, warning, critical), text, age, warning, critical, "s")


def _asked(name: str, trouble: Trouble | None, now: datetime) -> Check:
    """Whether a directory could be asked when it was asked last."""
    if trouble is None:
        return Check(f"directory {name}", Status.OK, "fine", 0.0, 15 * MINUTE, 4 * HOUR, "s")
    age = _seconds(trouble.since, now)
    said = f"away for {span(age)}: {trouble.said}"
    return Check(f"directory {name}", over(age, 15 * MINUTE, 4 * HOUR), said, age, 15 * MINUTE, 4 * HOUR, "s")


def _key(name: str, trouble: Trouble | None, now: datetime) -> Check:
    """Whether the door of [http] has a key: who shows one that it cannot have hears "later"."""
    said = f"cannot be had since {span(_seconds(trouble.since, now))}: {trouble.said}" if trouble else ""
    return Check(f"http key {name}", Status.CRITICAL if said else Status.OK, said or "fine")


def _number(name: str, said: str, count: int) -> Check:
    """How many there are that there should not be."""
    status = Status.WARNING if count else Status.OK
    return Check(name, status, said.format(count=count) if count else "0", float(count), 0.0)


def _sentences(name: str, wrong: Sequence[str]) -> Check:
    """What is wrong, in words."""
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    status = Status.WARNING if wrong else Status.OK
    return Check(name, status, wrong[0] + more if wrong else "fine", float(len(wrong)), 0.0)


AT_ONCE_DAYS = 3.0
"""What ends that soon, or has ended, cannot wait for Monday."""


def _signing_in(ends: Sequence[Ending]) -> Check:
    """Whether what proves who we are goes on to do so."""
    found = _sentences("sign-in", [f"{each.said}: {each.advice}" for each in ends])
    at_once = any(each.days <= AT_ONCE_DAYS for each in ends)
    return replace(found, status=Status.CRITICAL) if at_once else found


def _disk(free: int | None, wanted: int) -> Iterator[Check]:
    """What is free; below what has to be no mail is fetched."""
    if free is not None:
        little = max(LITTLE, 2 * wanted)
        status = Status.CRITICAL if free < wanted else Status.WARNING if free < little else Status.OK
        said = f"{sized(free)} free" + (f", no mail is fetched below {sized(wanted)}" if free < wanted else "")
        yield Check("disk", status, said, float(free), float(little), float(wanted), "B")


def over(value: float, warning: float, critical: float | None) -> Status:
    """Hold a figure against its thresholds."""
    if critical is not None and value > critical:
        return Status.CRITICAL
    return Status.WARNING if value > warning else Status.OK


def _seconds(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since is not None else 0.0


def span(seconds: float) -> str:
    """A time as people say it: the biggest unit of which there are two."""
    for name, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {name}"
    return f"{seconds:.0f} s"
