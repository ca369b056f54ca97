"""Colours help who can see them and are nowhere else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from engine.cli import lines, paint, shown
from engine.cli.main import allegra
from engine.model.draft import Decider, Who
from engine.model.plan import Outcome
from engine.plain_text import columns, isolated, printable
from engine.run.line import Line
from rules.problem import Problem, render

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "allegra.toml"
    path.write_text("schema = 1\n[gates]\ndmrac = 'hold'\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "environment", "painted"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--no-color",), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_no_color_and_force_color_have_something_to_switch(
    broken: Path, words: tuple[str, ...], environment: dict[str, str], painted: bool
) -> None:
    everywhere = {"NO_COLOR": "", "FORCE_COLOR": "", **environment}
    done = CliRunner().invoke(allegra, ["--config", str(broken), *words, "check"], env=everywhere)
    assert bool(ESCAPE.search(done.output)) is painted
    assert "error[C109]" in ESCAPE.sub("", done.output)


def test_what_is_painted_reads_the_same_without_colours() -> None:
    problem = Problem("E110", "there is no field", "a.toml", 3, 9, 4, "when = 'form is x'", "", "did you mean from?")
    assert click.unstyle(render(problem, paint.paint)) == render(problem)
    line = "  3 ✔ route        created"
    assert click.unstyle(paint.marks(line)) == line and paint.marks(line) != line


def test_every_outcome_has_a_colour_and_it_is_outside_the_width() -> None:
    assert {outcome.value for outcome in Outcome} <= set(paint.STATES)
    assert set(paint.STATES.values()) <= set(paint.STYLES)
    rows = [("m-1", "held"), ("m-2", "created"), ("m-3", "something new")]
    lines = shown.table(("mail", "outcome"), rows).splitlines()
    assert [click.unstyle(line) for line in lines[1:]] == ["m-1   held", "m-2   created", "m-3   something new"]
    assert lines[1] != click.unstyle(lines[1]) and lines[3] == click.unstyle(lines[3])


# ── widths ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_texts_give_way_before_times_and_numbers() -> None:
    row = ("m-4f2a91", "5 min ago", "somebody.with.a.long.name@example.com", "A subject that goes on", "held", "#4711")
    heads = ("mail", "received", "from", "subject", "outcome", "item")
    narrow = click.unstyle(shown.table(heads, [row], width=80)).splitlines()[1]
    assert columns(narrow) <= 80 and "5 min ago" in narrow and "#4711" in narrow and "…" in narrow


def test_a_family_is_one_emoji_and_a_joiner_that_joins_nothing_is_left_out() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert columns(printable(f"{family} home")) == 2 + 5
    assert printable(f"{family}x\u200dy") == f"{family}xy"
    assert columns("日本") == 4 and columns("e\u0301") == 1


def test_text_from_right_to_left_turns_nothing_beside_it() -> None:
    assert isolated("שלום 5") == "\u2068שלום 5\u2069" and columns(isolated("שלום")) == 4
    assert isolated("hello") == "hello"
    row = shown.table(("from", "subject"), [("דנה", "שלום")]).splitlines()[1]
    assert row == "\u2068דנה\u2069   \u2068שלום\u2069"


def test_a_time_is_told_in_one_zone_which_is_named_and_lately_in_a_list(tmp_path: Path) -> None:
    moment = datetime(2026, 7, 20, 10, 31, tzinfo=UTC)
    assert shown.when(moment) == "2026-07-20 10:31 UTC"
    with click.Context(click.Command("x"), obj={"zone": "Europe/Berlin"}):
        assert shown.when(moment) == "2026-07-20 12:31 CEST"
        assert shown.lately(moment) == "2026-07-20"
    assert shown.lately(datetime.now(UTC) - timedelta(minutes=5, seconds=3)) == "5 min ago"
    assert shown.lately(None) == ""


def test_a_row_of_a_run_fits_the_terminal_whatever_stands_in_it() -> None:
    line = Line(
        mail="m-4f2a91", message_id="", mailbox="system", workspace="", stage="sender", item=0, outcome=Outcome.HELD,
        code="gate.unknown_sender", because="nobody knows this sender here " * 3,
        by=Decider(Who.GATE, "unknown_sender"), sender="somebody.with.a.long.name@example.com",
        subject="日本語の件名はとても長いことがあります " * 3,
    )  # fmt: skip
    for width in (80, 100, 120):
        assert columns(click.unstyle(lines.row(line, width=width))) <= width
        assert columns(click.unstyle(lines.head(width))) <= width
    assert "nobody knows this sender here nobody" in lines.row(line), "nothing is cut where nobody says how broad it is"
