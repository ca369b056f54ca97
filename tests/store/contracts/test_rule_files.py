"""What a store promises of versions and drafts of rule files."""

from __future__ import annotations

from typing import Any

import pytest
from store.desk import Desk

from rules.document import digest

FIRST, SECOND = "[[rule]]\nname = 'a'\n", "[[rule]]\nname = 'b'\n"


@pytest.fixture
def rule_files(store: Any) -> Any:
    return store.rule_files


def number(store: Any, login: str) -> int:
    return int(store.directory.login(login).id)


def test_a_version_tells_what_stood_there_since_when_by_whom_and_why(desk: Desk, rule_files: Any) -> None:
    saved = rule_files.put_version("support", FIRST, "anna", "console", "the first rule")
    at = desk.now
    desk.later(hours=1)
    rule_files.put_version("support", SECOND, "bob", "console", "another")
    rule_files.put_version("", FIRST, "bob", "console", "of all mail")
    newest, oldest = rule_files.versions("support")
    assert (oldest.number, oldest.place, oldest.digest, oldest.at) == (saved, "support", digest(FIRST), at)
    assert (oldest.by, oldest.via, oldest.reason) == ("anna", "console", "the first rule")
    assert newest.digest == digest(SECOND) and newest.number > saved
    assert rule_files.version(saved) == oldest
    assert rule_files.version(10**6) is None
    assert desk.store.archive.text(oldest.digest) == FIRST
    assert rule_files.versions("support", before=newest.number) == [oldest]
    assert rule_files.versions("support", limit=1) == [newest]
    assert [each.place for each in rule_files.versions("")] == [""]


def test_what_others_wrote_into_a_file_is_a_version_once(desk: Desk, rule_files: Any) -> None:
    for text in (FIRST, FIRST, SECOND, SECOND, FIRST):
        rule_files.found("support", text)
    found = rule_files.versions("support")
    assert [each.digest for each in found] == [digest(FIRST), digest(SECOND), digest(FIRST)]
    assert {(each.by, each.via, each.reason) for each in found} == {("", "", "")}
    rule_files.put_version("support", SECOND, "anna", "console", "x")
    rule_files.found("support", SECOND)
    assert [each.by for each in rule_files.versions("support", limit=2)] == ["anna", ""]


def test_a_version_is_an_event_and_what_was_found_is_none(desk: Desk, rule_files: Any) -> None:
    rule_files.found("support", FIRST)
    saved = rule_files.put_version("support", SECOND, "anna", "console", "less noise")
    rows, _ = desk.store.history.events("")
    (told,) = [row for row in rows if row.name == "rules.saved"]
    assert (told.actor, told.via, told.workspace) == ("anna", "console", "support")
    assert told.detail == {"version": saved, "said": "support: less noise"}


def test_a_draft_is_kept_for_each_person_and_place_until_it_is_saved(desk: Desk, store: Any, rule_files: Any) -> None:
    anna, bob = number(store, "anna"), number(store, "bob")
    assert rule_files.draft(anna, "support") is None
    rule_files.put_draft(anna, "support", "base", "half")
    rule_files.put_draft(bob, "support", "base", "other")
    rule_files.put_draft(anna, "", "base", "of all mail")
    desk.later(hours=1)
    rule_files.put_draft(anna, "support", "base 2", "more")
    kept = rule_files.draft(anna, "support")
    assert (kept.place, kept.base, kept.text, kept.at) == ("support", "base 2", "more", desk.now)
    rule_files.put_version("support", FIRST, "anna", "console", "done")
    assert rule_files.draft(anna, "support") is None
    assert rule_files.draft(anna, "").text == "of all mail"
    assert rule_files.draft(bob, "support").text == "other", "each has their own"
    assert rule_files.drop_draft(bob, "support") and not rule_files.drop_draft(bob, "support")
    assert rule_files.draft(bob, "support") is None


def test_drafts_go_with_their_account(desk: Desk, store: Any, rule_files: Any) -> None:
    bob = number(store, "bob")
    rule_files.put_draft(bob, "support", "base", "half")
    store.directory.remove_account("bob")
    assert rule_files.draft(bob, "support") is None
