"""The table of the short suite is whole: every room is in it, every name is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from quick import LONG, ROOMS, is_quick

TESTS = Path(__file__).resolve().parent


def files(below: str) -> list[str]:
    """The test files of a row of the table."""
    found = sorted((TESTS / below).rglob("test_*.py")) if (TESTS / below).is_dir() else [TESTS / below]
    return [path.relative_to(TESTS).as_posix() for path in found]


def test_every_room_of_the_house_is_in_the_short_suite() -> None:
    from test_house import rooms

    assert set(ROOMS) == {*rooms(), "rules", "hooks"}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_has_quick_tests(room: str) -> None:
    assert any(is_quick(name) for below in ROOMS[room] for name in files(below))


def test_every_name_of_the_table_is_there() -> None:
    named = {*LONG, *(below for row in ROOMS.values() for below in row)}
    assert [name for name in sorted(named) if not (TESTS / name).exists()] == []


def test_what_is_left_out_would_be_in_without_that_line() -> None:
    assert [
        name for name in LONG if Path(name).parent.as_posix() not in {row for rows in ROOMS.values() for row in rows}
    ] == []


def test_what_is_quick_carries_the_marker_and_needs_no_server(request: pytest.FixtureRequest) -> None:
    marks = {mark.name for mark in request.node.iter_markers()}
    assert "quick" in marks and "server" not in marks
