"""A store has the parts that `engine.ports` names, each with what is promised of it, and every promise is tested."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_type_hints

import pytest

from engine import ports

PARTS = {
    name: get_type_hints(getattr(ports.Store, name).fget)["return"] for name in
    ("queue", "ledger", "mailboxes", "directory", "ahead", "items", "markers", "history", "topic_views", "outbox",
     "outbox_views", "troubles", "setbacks", "old_mail", "visiting", "figures", "counting", "series", "archive",
     "access", "rule_files", "begun_words", "senders")
}  # fmt: skip


def promised(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_offers_what_its_protocol_says_and_nothing_else(store, part):
    offered = {name for name in dir(getattr(store, part)) if not name.startswith("_")}
    assert offered == promised(PARTS[part])


@pytest.mark.parametrize("part", PARTS)
def test_every_promise_of_a_part_is_asked_for_in_its_own_module(part):
    text = (Path(__file__).with_name(f"test_{part}.py")).read_text(encoding="utf-8")
    asked = set(re.findall(rf"\b{part}\.(\w+)\(", text))
    assert promised(PARTS[part]) - asked == set()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_small_enough_to_be_looked_over(part):
    assert len(promised(PARTS[part])) <= 25


def test_a_store_offers_its_parts_and_transactions(store):
    assert promised(ports.Store) - set(dir(store)) == set()
