"""How often mail comes: the longest gap of five weeks tells when silence is unusual."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.rhythm import LEAST_S, WEEK_S, WEEKS, Rhythm, read, written

HOUR, DAY = 3600, 86_400
NOON = 2_900 * WEEK_S


def every(step_s: int, mails: int, start: int = NOON) -> list[int]:
    return [start + number * step_s for number in range(mails)]


def test_silence_is_half_again_as_long_as_the_longest_gap() -> None:
    rhythm = Rhythm().after(0, every(HOUR, 30))
    rhythm = rhythm.after(NOON + 29 * HOUR, [NOON + 29 * HOUR + 2 * DAY])
    assert rhythm.silence_s() == 3 * DAY


def test_where_much_comes_silence_is_twelve_hours_at_least() -> None:
    assert Rhythm().after(0, every(60, 500)).silence_s() == LEAST_S == 12 * HOUR


@pytest.mark.parametrize("mails", [0, 1, 19])
def test_fewer_than_twenty_mails_tell_nothing(mails: int) -> None:
    assert Rhythm().after(0, every(HOUR, mails)).silence_s() is None


def test_what_was_usual_five_weeks_ago_counts_no_more() -> None:
    rhythm = Rhythm().after(0, [*every(HOUR, 30), NOON + 6 * DAY])
    assert (rhythm.silence_s() or 0) > 6 * DAY
    rhythm = rhythm.after(NOON + 6 * DAY, every(6 * HOUR, 5 * 28, NOON + 6 * DAY + 6 * HOUR))
    assert rhythm.silence_s() == LEAST_S and len(rhythm.weeks) == WEEKS


@given(st.lists(st.integers(NOON, NOON + 20 * WEEK_S), min_size=1, max_size=60).map(sorted), st.integers(0, 60))
def test_it_is_the_same_in_one_batch_or_in_two(times: list[int], cut: int) -> None:
    one = Rhythm().after(0, times)
    first, second = times[:cut], times[cut:]
    two = Rhythm().after(0, first).after(first[-1] if first else 0, second)
    assert one == two
    assert len(one.weeks) <= WEEKS and read(written(one)) == one


@pytest.mark.parametrize("stored", ["", "{}", "[]", '{"weeks":"x"}', "nonsense"])
def test_what_another_release_kept_is_no_error(stored: str) -> None:
    assert read(stored).weeks == ()
