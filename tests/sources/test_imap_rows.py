"""Reading FETCH answers, and writing sets of UIDs: the laws."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.imap_rows import Row, copied, read_rows, uid_set

UIDS = st.integers(1, 2**32 - 1)


@given(st.lists(UIDS, min_size=1, max_size=60, unique=True))
def test_a_set_of_uids_names_exactly_these(uids):
    named: list[bytes] = []
    for part in uid_set(uids).split(","):
        first, _, last = part.partition(":")
        named += range(int(first), int(last or first) + 1)
    assert named == sorted(uids)


@given(st.lists(st.tuples(UIDS, st.integers(0, 10**9), st.binary(max_size=40)), max_size=8))
def test_what_a_sound_server_says_is_read_back(messages):
    told = []
    for number, (uid, size, body) in enumerate(messages, 1):
        told.append((b"%d (UID %d RFC822.SIZE %d FLAGS (\\Seen $x) BODY[] {%d}" % (number, uid, size, len(body)), body))
        told.append(b")")
    read = list(read_rows(told))
    assert read == [(uid, Row(size, None, ("\\Seen", "$x"), body)) for uid, size, body in messages]


@given(st.lists(st.binary(max_size=80) | st.tuples(st.binary(max_size=80), st.binary(max_size=10)), max_size=8))
def test_nothing_a_server_says_raises(told):
    assert all(isinstance(uid, int) for uid, _ in read_rows(told))


def test_an_answer_that_was_cut_off_is_dropped():
    assert list(read_rows([(b"1 (UID 7 BODY[] {4}", b"half")])) == []


@pytest.mark.parametrize("piece", [b"BODY[", b"FLAGS (", b'BODY[] "', b"UID ", b'INTERNALDATE "', b'BODY[] "\\'])
def test_time_is_linear_in_a_hostile_line(piece):
    began = time.process_time()
    list(read_rows([b"1 (" + piece * (65_000 // len(piece))]))
    assert time.process_time() - began < 1


def test_the_date_is_read_and_nonsense_in_it_is_none():
    told = [b'1 (UID 7 INTERNALDATE "15-Jan-2026 12:00:00 +0100")', b'2 (UID 8 INTERNALDATE "soon")']
    dates = [row.internaldate for _, row in read_rows(told)]
    assert dates[0].isoformat() == "2026-01-15T12:00:00+01:00"
    assert dates[1] is None


@pytest.mark.parametrize(
    ("told", "places"),
    [
        (b"9 7 70", {7: (9, 70)}),
        (b"9 1:3 11:13", {1: (9, 11), 2: (9, 12), 3: (9, 13)}),
        (b"9 1,3 5,9", {1: (9, 5), 3: (9, 9)}),
        (b"9 1:3 11:12", {}),
        (b"9 99 1", {}),
        (b"9 1:4000000000 1:4000000000", {}),
        (b"9 , ,", {}),
        (b"9 1: 2:", {1: (9, 2)}),
        (b"nonsense", {}),
    ],
)
def test_copyuid_tells_new_numbers_of_what_was_asked_for(told, places):
    assert copied([told], [1, 2, 3, 7]) == places
