"""The numbers of pictures are those of the mails that somebody sees, each counted once, in the zone of the house."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import builders
import databases
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.desk import NOW, Desk, auto, furnish

from engine.config import Config
from engine.desk import numbers
from engine.desk.charts import Chart, Flow
from engine.desk.numbers import GROUPS, PICTURES, Asked, pictures
from engine.desk.periods import Period
from engine.desk.scope import EVERYTHING, Scope
from engine.model.draft import ENGINE, Decider, Who
from engine.model.figures import SCRIPTS, Measured, RuleHit
from engine.model.plan import Outcome
from engine.store.store import Store

BERLIN = ZoneInfo("Europe/Berlin")

BOXES = """
[workspace.finance]
[workspace.finance.mailbox]
host = "imap.example.com"
username = "finance@example.com"
password_env = "SECRET"
"""

SEAL = Decider(Who.ENGINE, "seal")
DECIDERS = (
    *(Decider(Who.GATE, name) for name in ("dmarc", "bounce", "empty_subject", "duplicate", "unknown_sender")),
    *(Decider(Who.RULE, f"Rule {n}", "rules/system.toml", 3) for n in range(6)),
    Decider(Who.HOOK, "guard.py", "hooks/guard.py"), Decider(Who.PERSON, "anna"), ENGINE,
)  # fmt: skip
TAKEN = (Outcome.CREATED, Outcome.COMMENT, Outcome.NOTE)

law = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def config() -> Config:
    return builders.config(BOXES)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Some hundred mails of sixty days, decided in all the ways there are."""
    with Store.open(databases.fresh(), clock=lambda: NOW) as store:
        furnish(store)
        made = Desk(store)
        chance = Random(11)  # noqa: S311
        for number in range(150):
            raw = made.raw(
                mailbox=chance.choice(("system", "finance", "gone")),
                received_at=NOW - timedelta(minutes=chance.choice((60, 1440, 10_080, 86_400)) * chance.random()),
            )
            (spooled,) = store.ledger.spool([raw], made.owner)
            taken = chance.random() < 0.6
            outcome = chance.choice(TAKEN if taken else (Outcome.HELD, Outcome.REJECTED, Outcome.DISCARDED))
            made.commit(
                spooled, outcome=outcome, sender=f"user{number % 40}@d{number % 7}.example",
                workspace=chance.choice(("support", "finance") if taken else ("support", "finance", "")),
                by=SEAL if taken else chance.choice(DECIDERS), message_id=f"<{number}@x>",
                hits=(RuleHit("rules/support.toml", "d", number % 3),),
            )  # fmt: skip
        yield made


def asked(desk: Desk, config: Config, last: timedelta, scope: Scope = EVERYTHING, zone: Any = UTC) -> Asked:
    return Asked(desk.store, config, scope, last, NOW, zone)


def viewer(*places: str) -> Scope:
    """Somebody who sees the mail of these workspaces."""
    return Scope("bob", workspaces={"view_mail": frozenset(places)}, places={"system": "", "finance": "finance"})


scopes = st.sampled_from([EVERYTHING, viewer("support"), viewer("finance"), viewer("support", "finance"), viewer()])
times = st.sampled_from([timedelta(hours=24), timedelta(days=7), timedelta(days=30), timedelta(days=90)])
zones = st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Los_Angeles")])


def seen(desk: Desk, scope: Scope, since: datetime) -> list[tuple[Any, ...]]:
    """The mails of a time that somebody sees, read row by row: when, mailbox, workspace, outcome, code, by."""
    rows = desk.store.database.rows(
        "SELECT received_at, mailbox.name, receipt.workspace, outcome, receipt.code, by_kind, by_name FROM inbound JOIN"
        " receipt ON inbound_id = inbound.id JOIN mailbox ON mailbox.id = mailbox_id"
    )
    found = [(datetime.fromtimestamp(at / 1e6, UTC), *rest) for at, *rest in rows]
    return [row for row in found if row[0] >= since and scope.sight.sees(row[1], row[2])]


def quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


# ── the flow ──────────────────────────────────────────────────────────────────────────────────────────────────


@law
@given(scope=scopes, last=times)
def test_every_mail_that_is_seen_stands_in_exactly_one_stream(
    desk: Desk, config: Config, scope: Scope, last: timedelta
) -> None:
    flow = PICTURES["flow"](asked(desk, config, last, scope))
    assert isinstance(flow, Flow)
    mails = seen(desk, scope, quarter(NOW - last))
    assert flow.total == len(mails)
    assert len({(each.came, each.by, each.end, each.outcome) for each in flow.streams}) == len(flow.streams)
    came, ends = Counter(row[1] for row in mails), Counter(
        row[2] or "no workspace" if row[3] in TAKEN else row[3] for row in mails)  # fmt: skip
    assert dict(zip([node.name for node in flow.came], flow.at("came"), strict=True)) == came
    assert dict(zip([node.name for node in flow.ends], flow.at("end"), strict=True)) == ends
    deciders = Counter(row[5:7] for row in mails)
    by = dict(zip([node.name for node in flow.by], flow.at("by"), strict=True))
    assert by.get("no objection", 0) == deciders.pop(("engine", "seal"), 0)
    strongest = sorted(deciders.values(), reverse=True)
    shown = strongest if len(strongest) <= 10 else strongest[:9]
    assert by.get("others", 0) == sum(strongest) - sum(shown) and len(flow.by) <= 11
    named = sorted((many for name, many in by.items() if name not in ("no objection", "others")), reverse=True)
    assert named == shown


def test_the_columns_stand_in_the_order_of_the_configuration_whatever_came(desk: Desk, config: Config) -> None:
    for days in (1, 7, 90):
        flow = PICTURES["flow"](asked(desk, config, timedelta(days=days)))
        assert isinstance(flow, Flow)
        assert [node.name for node in flow.came] == ["system", "finance", "gone"]
        assert [node.name for node in flow.ends] == ["support", "finance", "held", "rejected", "discarded"]
        kinds = [node.name.partition(" ")[0] for node in flow.by]
        assert kinds[0] == "no" and kinds[1:] == sorted(kinds[1:], key=["gate", "rule", "hook", "person", "engine",
                                                                        "others"].index)  # fmt: skip


@law
@given(last=times, nth=st.integers(0, 500))
def test_the_search_behind_a_stream_finds_its_mails(desk: Desk, config: Config, last: timedelta, nth: int) -> None:
    flow = PICTURES["flow"](asked(desk, config, last))
    assert isinstance(flow, Flow)
    stream = flow.streams[nth % len(flow.streams)]
    if any(word.startswith("by:") for word in stream.words):
        facets = desk.store.archive.facets(" ".join(stream.words[:-1]), since=NOW - last)
        assert facets is not None and facets.mails == stream.mails


# ── over time ─────────────────────────────────────────────────────────────────────────────────────────────────


@law
@given(scope=scopes, last=times, zone=zones)
def test_columns_count_every_mail_of_their_time_once(
    desk: Desk, config: Config, scope: Scope, last: timedelta, zone: Any
) -> None:
    period = Period.of(last, NOW, zone)
    chart = PICTURES["outcomes"](asked(desk, config, last, scope, zone))
    assert isinstance(chart, Chart) and len(chart.rows) == len(period.slots)
    mails = seen(desk, scope, period.since)
    assert chart.total == len(mails)
    for number, row in enumerate(chart.rows):
        here = [mail for mail in mails if period.slot(mail[0]) == number]
        assert row.total == len(here)


@law
@given(last=st.timedeltas(timedelta(hours=1), timedelta(days=800)), zone=zones, at=st.floats(0, 1))
def test_slots_follow_each_other_to_now_and_every_moment_lies_in_one(last: timedelta, zone: Any, at: float) -> None:
    period = Period.of(last, NOW, zone)
    assert period.slot(NOW) == len(period.slots) - 1 < 60
    moment = period.since + (NOW - period.since) * at
    here = period.slot(moment)
    assert here >= 0 and period.slot(period.since) == 0 and period.slot(period.since - timedelta(seconds=1)) == -1
    assert abs((NOW - period.since) - last) < timedelta(days=32)


def test_a_day_is_24_hours_of_the_clock() -> None:
    period = Period.of(timedelta(hours=24), NOW, UTC)
    assert len(period.slots) == 24 and period.since == datetime(2026, 11, 19, 11, 0, tzinfo=UTC)


@law
@given(scope=scopes, zone=zones)
def test_the_map_of_hours_is_that_of_the_zone(desk: Desk, config: Config, scope: Scope, zone: Any) -> None:
    chart = PICTURES["hours"](asked(desk, config, timedelta(days=30), scope, zone))
    assert isinstance(chart, Chart)
    found = Counter((row[0].astimezone(zone).weekday(), row[0].astimezone(zone).hour)
                    for row in seen(desk, scope, quarter(NOW - timedelta(days=30))))  # fmt: skip
    assert {(d, h): n for d, row in enumerate(chart.rows) for h, n in enumerate(row.values) if n} == found


@law
@given(scope=scopes, last=times)
def test_reasons_are_of_mail_that_was_not_taken(desk: Desk, config: Config, scope: Scope, last: timedelta) -> None:
    chart = PICTURES["reasons"](asked(desk, config, last, scope))
    assert isinstance(chart, Chart)
    mails = [row for row in seen(desk, scope, Period.of(last, NOW, UTC).since) if row[3] not in TAKEN]
    assert {row.name: row.total for row in chart.rows} == Counter(row[4] for row in mails)


# ── the others ────────────────────────────────────────────────────────────────────────────────────────────────


def test_senders_are_for_who_sees_all_mail(desk: Desk, config: Config) -> None:
    names = [each.name for each in pictures(asked(desk, config, timedelta(days=90)))]
    assert names == [
        "flow", "outcomes", "reasons", "hours", "proof", "senders", "sent", "classes", "lag",
        "answers", "size", "hooks",
    ]  # fmt: skip
    names = [each.name for each in pictures(asked(desk, config, timedelta(days=90), viewer("support")))]
    assert not {"proof", "senders", "size", "hooks"} & {*names}


def test_who_wrote_for_the_first_time_is_counted_by_week(desk: Desk, config: Config) -> None:
    chart = PICTURES["senders"](asked(desk, config, timedelta(days=90)))
    assert isinstance(chart, Chart) and chart.total == 150 == sum(row.values[1] or 0 for row in chart.rows)
    proof = PICTURES["proof"](asked(desk, config, timedelta(days=90)))
    assert isinstance(proof, Chart) and proof.total == 150 and len(proof.rows) == 7


def test_rules_are_named_as_they_were_called_when_they_matched(tmp_path: Any) -> None:
    (tmp_path / "rules").mkdir()
    text = '[[rule]]\nname = "VIP"\n[[rule]]\nname = "Spam"\n'
    (tmp_path / "rules" / "support.toml").write_text(text + '[[rule]]\nname = "Never"\n')
    (tmp_path / "allegra.toml").write_text(
        '[store]\n[system]\n[system.mailbox]\nprotocol = "maildir"\npath = "x"\n[workspace.support]\n'
        'rules = "rules/support.toml"\n[workspace.finance]\n'
    )
    from engine.config import load

    config = load(tmp_path / "allegra.toml")
    with Store.open(databases.fresh(), clock=lambda: NOW) as store:
        furnish(store)
        made = Desk(store)
        store.archive.keep_text("d", text)
        made.end(Outcome.HELD, hits=(RuleHit("rules/support.toml", "d", 2), RuleHit("rules/system.toml", "e", 1)))
        chart = PICTURES["rules"](asked(made, config, timedelta(days=30), viewer("support")))
        assert isinstance(chart, Chart)
        assert [(row.name, row.total) for row in chart.rows] == [("Spam", 1)] and len(chart.kinds) == 13
        assert "never in this time: VIP, Never" in chart.note
        assert PICTURES["rules"](asked(made, config, timedelta(days=30), viewer("finance"))) is None


def test_letters_are_counted_for_who_sees_them_and_only_the_newest(config: Config, monkeypatch: Any) -> None:
    with Store.open(databases.fresh(), clock=lambda: NOW) as store:
        furnish(store)
        made = Desk(store)
        made.item(told=(auto(), auto("eve@example.com")))
        chart = PICTURES["sent"](asked(made, config, timedelta(days=7)))
        assert isinstance(chart, Chart) and [kind.name for kind in chart.kinds] == ["queued"] and chart.total == 2
        blind = PICTURES["sent"](asked(made, config, timedelta(days=7), viewer("support")))
        assert isinstance(blind, Chart) and blind.total == 0
        monkeypatch.setattr("engine.store.series.MOST_LETTERS", 1)
        cut = PICTURES["sent"](asked(made, config, timedelta(days=7)))
        assert (
            isinstance(cut, Chart)
            and cut.total == 1
            and cut.note.startswith("only the newest letters, from 2026-11-20")
        )


def test_the_lag_is_told_of_mail_that_is_seen_by_day(desk: Desk, config: Config) -> None:
    chart = PICTURES["lag"](asked(desk, config, timedelta(days=30)))
    assert isinstance(chart, Chart) and len(chart.rows) == 30 and chart.rows[-1].name == "20 Nov"
    assert [value for row in chart.rows for value in row.values if value is not None]
    blind = PICTURES["lag"](asked(desk, config, timedelta(days=30), viewer()))
    assert isinstance(blind, Chart) and blind.total == 0


def test_sizes_and_scripts_are_told_by_powers_of_two_to_who_sees_all_mail(config: Config) -> None:
    with Store.open(databases.fresh(), clock=lambda: NOW) as store:
        furnish(store)
        made = Desk(store)
        for content, ms in ((b"x" * 1500, 3_000), (b"x" * 5000, 700)):
            (spooled,) = made.spool(made.raw(content))
            with store.writing():
                plan, facts = made.plan((), Outcome.HELD)
                took = (Measured(SCRIPTS, "guard.py activity.py", ms),)
                store.commit(spooled, made.mail(spooled), facts, plan, b"{}", "keep", "", measured=took)
        size, hooks = pictures(asked(made, config, timedelta(days=7)), ("size", "hooks"))
        assert [*size.table] == [("1 kB", "1"), ("2 kB", "0"), ("4 kB", "1")]
        assert [*hooks.table] == [("512 µs", "1"), ("1 ms", "0"), ("2 ms", "1")]
        assert isinstance(hooks, Chart) and hooks.kinds[0].name == "guard.py activity.py" and "2 s" in hooks.note
        assert pictures(asked(made, config, timedelta(days=7), viewer("support")), ("size", "hooks")) == ()


def test_every_picture_but_the_flow_stands_in_one_group() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted({*PICTURES} - {"flow"})


def test_a_word_that_a_search_cannot_take_leads_nowhere() -> None:
    assert numbers.query('rule:"a"', "on:tue") == 'rule:"a" on:tue'
    assert numbers.query('rule:"a"b"') == ""
