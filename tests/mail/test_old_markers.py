"""Markers of other systems: what is written down and what stands in a mail have one form."""

# ruff: noqa: E501  (mails and tables)

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mail.old_markers import SYSTEMS, of_address, of_message_id, of_subject, written


@pytest.mark.parametrize(
    ("message_id", "markers"),
    [
        (
            "<redmine.issue-2.20080101120000@Old.example>",
            ("<redmine.issue-2.20080101120000@Old.example>", "<redmine.issue-2@old.example>", "<redmine.issue-2@>"),
        ),
        ("redmine.journal-15.20080101.7.ab12@h", ("<redmine.journal-15.20080101.7.ab12@h>", "<redmine.journal-15@h>", "<redmine.journal-15@>")),
        ("<op.work_package-1234@h>", ("<op.work_package-1234@h>", "<op.work_package-1234@h>", "<op.work_package-1234@>")),
        ("<iTop_UserRequest_0012_17@x.openitop.org>", ("<iTop_UserRequest_0012_17@x.openitop.org>", "<itop.12@x.openitop.org>", "<itop.12@>")),
        ("<any@x.example>", ("<any@x.example>",)),
        ("nothing", ()),
        ("@", ()),
    ],
)  # fmt: skip
def test_F106_a_message_id_is_told_by_class_and_number(message_id, markers):
    assert of_message_id(message_id) == markers


@pytest.mark.parametrize(
    ("subject", "markers"),
    [
        ("Re: [Support - Bug  #12] x", ("[support - bug #12]", "[… #12]")),
        ("AW: [#12] x", ("[#12]",)),
        ("R-000123: x", ("r-123",)),
        ("[Ticket#2026112910000012] x", ("[ticket#2026112910000012]",)),
        ("[EXT] hello", ()),
        ("no marker, but COVID-19", ("covid-19",)),
    ],
)
def test_F108_markers_of_a_subject(subject, markers):
    assert of_subject(subject) == markers


def test_F109_a_local_part_with_a_number():
    assert of_address("issue-0234") == ("issue-234@",)
    assert of_address("help") == of_address("issue-") == of_address("i-1-2") == ()


@pytest.mark.parametrize(
    ("text", "system", "markers"),
    [
        ("2", "", ()),
        ("#2", "redmine", ("<redmine.issue-2@>", "[… #2]")),
        ("2", "openproject", ("<op.work_package-2@>", "[… #2]")),
        ("2", "itop", ("<itop.2@>", "r-2", "i-2", "c-2", "p-2")),
        ("2", "eventum", ("[#2]", "issue-2@", "note-2@", "draft-2@")),
        ("<redmine.issue-2.20080101@h>", "", ("<redmine.issue-2@h>",)),
        ("redmine.issue-2", "", ("<redmine.issue-2@>",)),
        ("[Support - Bug #2]", "", ("[support - bug #2]",)),
        ("Re: [Support - Bug #2] The printer", "", ("[support - bug #2]",)),
        ("Re: [a 1] [b 2]", "", ()),
        ("R-000123", "", ("r-123",)),
        ("issue-12", "", ("issue-12", "issue-12@")),
        ("issue-12@example.com", "", ("issue-12@", "<issue-12@example.com>")),
        ("<issue-12@example.com>", "", ("<issue-12@example.com>",)),
        ("abc@example.com", "", ("<abc@example.com>",)),
        ("", "redmine", ()),
        ("words", "redmine", ()),
    ],
)
def test_what_a_person_writes_down(text, system, markers):
    assert written(text, system) == markers


@given(st.integers(1, 10**15 - 1), st.sampled_from(SYSTEMS))
def test_what_mail_of_a_system_says_is_found_by_its_number(number, system):
    known = set(written(str(number), system))
    says = {
        "redmine": [of_message_id(f"<redmine.issue-{number}.20080101@h>"), of_subject(f"Re: [P - Bug #{number}] x")],
        "openproject": [of_message_id(f"<op.work_package-{number}@h>"), of_subject(f"[P - Task #{number}] x")],
        "itop": [of_message_id(f"<iTop_Incident_{number}_1@h>"), of_subject(f"R-{number:06} x")],
        "eventum": [of_subject(f"[#{number}] x"), of_address(f"issue-{number}"), of_address(f"note-{number}")],
    }[system]
    assert all(known & set(markers) for markers in says)


@given(st.text(max_size=200))
def test_what_is_written_down_is_found_where_it_stands(text):
    for marker in written(text):
        assert marker == marker.strip() and "\n" not in marker


@pytest.mark.parametrize("hostile", ["[" * 100_000, "[1" * 50_000, "A-" * 50_000, "redmine.issue-" + "1" * 100_000])
def test_a_hostile_subject_or_id_costs_nothing(hostile):
    began = time.perf_counter()
    assert len(of_subject(hostile)) <= 10 and len(of_message_id(f"{hostile}@h")) <= 3
    assert time.perf_counter() - began < 0.5
