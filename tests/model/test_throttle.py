"""How long whoever gave a wrong password waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.throttle import FREE, LONGEST, MANY, SPAN, account_until, address_until, network_of

NOW = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)

TIMES = st.lists(st.integers(0, 86_400).map(lambda ago: NOW - timedelta(seconds=ago)), max_size=200).map(
    lambda times: sorted(times, reverse=True)
)


@given(TIMES)
def test_no_wait_is_longer_than_the_longest_and_none_comes_before_there_were_enough_failures(times):
    until = account_until(times)
    assert (until is None) == (len(times) < FREE)
    assert until is None or timedelta(0) < until - times[0] <= LONGEST
    until = address_until(times)
    assert (until is None) == (len(times) < MANY)
    assert until is None or until <= times[0] + SPAN


@given(TIMES.filter(bool))
def test_one_more_failure_never_makes_a_wait_shorter(times):
    before, after = account_until(times), account_until([times[0], *times])
    assert before is None or (after is not None and after >= before)


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("::1", "::/64"), ("", ""),
        ("unix:", ""), ("192.0.2.7:25", ""), ("\ud800", ""),
    ],
)  # fmt: skip
def test_what_counts_as_one_address(ip, network):
    assert network_of(ip) == network


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1))
def test_all_addresses_of_a_site_are_one(address, other):
    same = IPv6Address(address >> 64 << 64 | other)
    if IPv6Address(address).ipv4_mapped is None and same.ipv4_mapped is None:
        assert network_of(str(IPv6Address(address))) == network_of(str(same))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_two_addresses_of_ipv4_are_two(one, other):
    assert (network_of(str(IPv4Address(one))) == network_of(str(IPv4Address(other)))) == (one == other)
