"""Markers of another system are brought in whole or not at all, twice without a change, each problem with its line."""

from __future__ import annotations

import pytest

from engine.moving.threads import bring_in
from engine.store.load import Tally

CSV = """marker,item
[Support - Feature #2],1002
<redmine.issue-2.20080101120000@old.example.com>,1002
R-000123,1003
"""


def markers(store):
    return store.database.one("SELECT count(*) FROM imported_marker")[0]


def means(store, *wanted):
    found = store.markers.item_of(wanted)
    return found.item.id if found else 0


def test_F108_markers_mean_items_twice_without_a_change(store, file):
    path = file(CSV)
    assert bring_in(store, path, dry_run=True) == Tally(added=3)
    assert markers(store) == 0
    assert bring_in(store, path) == Tally(added=3)
    assert bring_in(store, path) == Tally(same=3)
    assert means(store, "[support - feature #2]") == 1002 and means(store, "r-123") == 1003


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace("marker,item", "Subject;Item").replace(",", ";"),
        CSV.partition("\n")[2],
        '{"marker": "[Support - Feature #2]", "item": 1002}\n{"token": "R-123", "item": "#1003"}\n',
        '[{"message_id": "<redmine.issue-2.1@old.example.com>", "item": 1002}, {"ref": "R-123", "item": 1003}]',
        "\ufeff" + CSV.replace("\n", "\r\n"),
        CSV.encode("utf-16"),
    ],
    ids=["head", "semicolons", "no head", "json lines", "json list", "mark and CRLF", "UTF-16"],
)
def test_the_file_may_look_like_this(store, file, content):
    bring_in(store, file(content))
    assert means(store, "r-123") == 1003
    assert 1002 in (means(store, "[support - feature #2]"), means(store, "<redmine.issue-2@old.example.com>"))


def test_a_row_may_have_several_markers_and_say_that_it_was_a_note(store, file):
    bring_in(store, file("message_id,subject,item,internal\n<a@b>,[P - Bug #9],1002,yes\n"))
    assert store.markers.item_of(("<a@b>",)).private and store.markers.item_of(("[p - bug #9]",)).private


def test_bare_numbers_are_understood_once_it_is_said_whose_they_are(store, file, wrong):
    path = file("number,item\n2,1002\n")
    assert wrong(bring_in, store, path) == [("D132", 2, "2 is a bare number, which any system writes")]
    assert bring_in(store, path, system="redmine") == Tally(added=2)
    assert means(store, "<redmine.issue-2@>") == means(store, "[… #2]") == 1002


def test_items_may_stand_there_by_a_field_of_theirs(store, file, wrong):
    path = file("marker,item\n[P - Bug #2],2\n[P - Bug #5],5\n")
    assert wrong(bring_in, store, path, field="Old number") == [
        ("D133", 3, 'there is no item whose "Old number" is "5"')
    ]
    bring_in(store, file("marker,item\n[P - Bug #2],2\n"), field="Old number")
    assert means(store, "[p - bug #2]") == 1002


def test_a_number_that_is_too_long_is_said_to_be_that_whoever_it_is_of(store, file, wrong):
    for system in ("", "itop"):
        found = wrong(bring_in, store, file(f"number,item\n{'1' * 16},1002\n"), system=system)
        assert found == [("D132", 2, f"{'1' * 16} is too long for a number: 15 digits are the most")]


def test_a_marker_that_is_internal_and_is_not_is_said_to_be_that(store, file, wrong):
    text = "marker,item,internal\n[P - Bug #1],1002,yes\n[P - Bug #1],1002,no\n"
    said = "[P - Bug #1] is internal in line 2 and not internal here"
    assert wrong(bring_in, store, file(text)) == [("D134", 3, said)]


def test_everything_that_is_wrong_is_told_by_line_and_nothing_is_brought_in(store, file, wrong):
    text = (
        "marker,item,internal\n[P - Bug #1],1002,\nwords,1002,\n[P - Bug #3],99,\n[P - Bug #4],,\n,1002,\n"
        "[P - Bug #1],1003,\n[#1003],1002,\n[P - Bug #5],1002,perhaps\n"
    )
    assert wrong(bring_in, store, file(text)) == [
        ("D132", 3, '"words" is no marker of a ticket'),
        ("D133", 4, 'there is no item "99"'),
        ("D131", 5, "names no item that it means here"),
        ("D131", 6, "names no marker: a column marker, message_id, number …"),
        ("D134", 7, "[P - Bug #1] means item 1002 in line 2 and item 1003 here"),
        ("D135", 8, "[#1003] is what our own mail about item 1003 says: it cannot mean item 1002"),
        ("D131", 9, '"perhaps" is neither yes nor no'),
    ]
    assert markers(store) == 0


@pytest.mark.parametrize(("number", "may"), [(7, True), (1002, True), (1003, False), (5000, False)])
def test_what_our_own_mail_says_now_or_will_say_never_means_another_item(store, file, wrong, number, may):
    path = file(f"marker,item\n[#{number}],1002\n")
    if may:
        assert bring_in(store, path) == Tally(added=1)
    else:
        assert wrong(bring_in, store, path)[0][0] == "D135"


def test_a_marker_means_another_item_only_where_that_is_asked(store, file, wrong):
    bring_in(store, file("[P - Bug #2],1002\n"))
    moved = file("[P - Bug #2],1003\n")
    assert wrong(bring_in, store, moved) == [("D136", 1, "[p - bug #2] means item 1002 already")]
    assert bring_in(store, moved, again=True) == Tally(changed=1)
    assert means(store, "[p - bug #2]") == 1003


def test_somebody_who_waits_hears_how_far_it_has_come(store, file):
    heard = []
    bring_in(
        store, file("".join(f"[P - Bug #{n}],1002\n" for n in range(1, 1201))), told=lambda *far: heard.append(far)
    )
    assert heard == [(0, 1200), (500, 1200), (1000, 1200)]


def test_many_problems_are_told_up_to_a_number(store, file, wrong):
    told = wrong(bring_in, store, file("x,1002\n" * 80))
    assert len(told) == 51 and told[-1][2] == "and 30 more problems like these"
