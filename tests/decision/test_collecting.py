"""The slots of what goes along with others: always later than now, whatever clocks are put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from engine.decision.collecting import next_day, next_hour

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(MOMENTS, ZONES)
def test_the_end_of_the_hour_is_within_an_hour(now: datetime, zone: str) -> None:
    slot = next_hour(now, ZoneInfo(zone))
    assert timedelta() < slot - now <= timedelta(hours=1)


@given(MOMENTS, ZONES, st.integers(0, 23), st.integers(0, 59))
def test_the_next_time_of_a_day_is_within_a_day_and_what_clocks_put_forward(
    now: datetime, zone: str, hour: int, minute: int
) -> None:
    slot = next_day(now, ZoneInfo(zone), f"{hour:02}:{minute:02}")
    assert timedelta() < slot - now <= timedelta(hours=26)
    assert next_day(slot, ZoneInfo(zone), f"{hour:02}:{minute:02}") > slot


def test_a_day_begins_where_people_live_also_when_clocks_are_put_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert next_day(datetime(2026, 10, 24, 12, tzinfo=UTC), berlin, "07:00") == datetime(2026, 10, 25, 6, tzinfo=UTC)
    assert next_day(datetime(2026, 10, 23, 12, tzinfo=UTC), berlin, "07:00") == datetime(2026, 10, 24, 5, tzinfo=UTC)
    assert next_hour(datetime(2026, 11, 29, 10, 40, tzinfo=UTC), ZoneInfo("Asia/Kolkata")) == datetime(
        2026, 11, 29, 11, 30, tzinfo=UTC
    )
