"""What another release stored is understood part by part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.model.trace import Trace, decode, recording, understood

STORED = (Path(__file__).parent / "trace_0_1_0.json").read_bytes()


def changed(**parts: Any) -> bytes:
    return json.dumps({**json.loads(STORED), **parts}).encode()


def test_a_trace_of_this_release_is_understood_whole() -> None:
    trace, unread = understood(STORED)
    assert unread == () and trace == decode(STORED)


def test_a_part_that_is_written_otherwise_costs_itself_only() -> None:
    told = json.loads(STORED)
    told["facts"]["spam_score"] = {"value": 3}
    told["facts"]["thread"]["item"] = "support#7"
    told["stages"][2]["notes"] = "see elsewhere"
    told["stages"][4] = 17
    told["stages"][5]["name"] = ["two", "names"]
    told["us"] = "fast"
    trace, unread = understood(json.dumps(told).encode())
    whole = decode(STORED)
    assert unread == (
        "facts.thread.item", "facts.spam_score", "stages[2].notes", "stages[4]", "stages[5]", "us"
    )  # fmt: skip
    assert [each.name for each in trace.stages] == [
        each.name for number, each in enumerate(whole.stages) if number not in (4, 5)
    ]
    assert (trace.disposition, trace.facts.sender, trace.us) == (whole.disposition, whole.facts.sender, 0)


@pytest.mark.parametrize("lost", [b"{", b"[]", b"7", changed(disposition=5), changed(facts=[])])
def test_what_cannot_be_left_out_makes_it_unreadable(lost: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        understood(lost)


def test_answers_that_are_not_understood_are_asked_anew() -> None:
    trace: Trace = decode(
        changed(answers=[[["oracle", 1], 2], [["may", "anna", "x"], "perhaps"], [["group", "a"], "A"]])
    )
    assert recording(trace) == {("group", "a"): "A"}
