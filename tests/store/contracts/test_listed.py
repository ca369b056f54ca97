"""What a store promises of what directories said."""

from __future__ import annotations

from datetime import timedelta

from store.desk import Desk


def test_an_answer_is_kept_by_directory_and_address_with_its_time(desk: Desk) -> None:
    listed = desk.store.listed
    with desk.store.writing():
        listed.keep("staff:1", "jane@x.example", "{}")
        listed.keep("staff:1", "jane@x.example", '{"login":"jane"}')
    assert listed.find("staff:1", "jane@x.example") == (desk.now, '{"login":"jane"}')
    assert listed.find("staff:2", "jane@x.example") is None and listed.find("staff:1", "j@x.example") is None


def test_old_answers_are_let_go_whatever_directory_gave_them(desk: Desk) -> None:
    listed, then = desk.store.listed, desk.now
    with desk.store.writing():
        listed.keep("gone:1", "a@x.example", "{}")
        desk.now = then + timedelta(hours=2)
        listed.keep("staff:1", "b@x.example", "{}")
        listed.let_go(then + timedelta(hours=1))
    assert listed.find("gone:1", "a@x.example") is None and listed.find("staff:1", "b@x.example") is not None


def test_who_is_forgotten_is_in_no_answer_either(desk: Desk) -> None:
    with desk.store.writing():
        desk.store.listed.keep("staff:1", "a@x.example", '{"addresses":["jane@bigcorp.example"]}')
    desk.store.archive.forget("jane@bigcorp.example", "anna")
    assert desk.store.listed.find("staff:1", "a@x.example") is None
