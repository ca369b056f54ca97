"""Another system's catalogue gets in: whole or not at all, twice without a change, every problem with its place."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store.load import SHAPES, LoadError, load
from engine.store.places import parse, read

DATA = """
[[users]]
login = "zoe"
name = "Zoe Zimmer"
emails = ["zoe@example.com"]
groups = ["ops"]

[[groups]]
name = "ops"
members = ["max"]

[[users]]
login = "max"
status = "locked"
language = "de"
admin = true

[[roles]]
name = "writer"
permissions = ["add_items", "view_items"]

[[workspaces]]
identifier = "ops"
name = "Operations"
public = false
parent = "support"
modules = ["items", "topics"]
statuses = ["Open", { name = "Gone", closed = true }]
types = ["Incident"]
priorities = ["P1", "P2"]
categories = ["Net"]
versions = ["1.0"]

[[members]]
group = "ops"
workspace = "ops"
role = "writer"

[[preferences]]
user = "zoe"
how = "daily"

[[preferences]]
user = "zoe"
workspace = "ops"
new = "all"

[[fields]]
name = "Order number"
kind = "list"
values = ["a", "b"]
multiple = true
types = ["Incident"]

[[items]]
id = 4711
workspace = "ops"
title = "Router down"
status = "Gone"
author = "zoe"
assignee = "ops"
watchers = ["zoe", "max"]
labels = ["net"]
fields = { "Order number" = ["a"], external_ref = "INC1" }
comments = [{ author = "zoe", text = "It is back." }, { author = "zoe", text = "Hm.", internal = true }]

[[topics]]
id = 3
workspace = "ops"
title = "Which router?"
locked = true
posts = [{ author = "zoe", text = "Any." }]
"""


def problems(store, text, is_json=False):
    data, source, broken = parse("data.json" if is_json else "data.toml", text, is_json)
    if broken:
        return broken
    with pytest.raises(LoadError) as caught:
        load(store, data, source)
    return list(caught.value.problems)


def counts(store):
    tables = ("account", "item", "comment", "topic")
    return {name: store.database.one(f"SELECT count(*) FROM {name}")[0] for name in tables}  # noqa: S608


def test_everything_a_file_may_hold_gets_in(desk):
    load(desk.store, tomllib.loads(DATA))
    store = desk.store
    assert store.directory.login("max").admin and store.directory.login("max").groups == ("ops",)
    assert store.directory.may("zoe", "add_items", "ops") and not store.directory.may("jane", "view_items", "ops")
    catalog = store.items.catalog("ops")
    assert (catalog.types, catalog.priorities, catalog.versions) == (("Incident",), ("P1", "P2"), ("1.0",))
    assert catalog.fields[0].values == ("a", "b") and catalog.fields[0].multiple
    view = store.items.view(4711)
    assert (view.item.type, view.item.priority, view.item.assigned_to) == ("Incident", "P1", "ops")
    assert store.items.item(4711).closed and view.labels == ("net",)
    assert view.people == (("max", "watcher"), ("zoe", "watcher"))
    assert [(each.text, each.internal) for each in view.comments] == [("It is back.", False), ("Hm.", True)]
    assert store.items.item_by_field("external_ref", "INC1").id == 4711
    assert store.items.topic(3).locked and "zoe" in store.items.topic(3).people


def test_loading_twice_changes_nothing(desk):
    load(desk.store, tomllib.loads(DATA))
    before = counts(desk.store)
    tallies = load(desk.store, tomllib.loads(DATA))
    assert counts(desk.store) == before
    assert {(tally.added, tally.changed) for tally in tallies.values()} == {(0, 0)}


def test_json_says_the_same_as_toml(desk):
    text = json.dumps(tomllib.loads(DATA), indent=1)
    data, source, broken = parse("data.json", text, True)
    assert not broken
    assert load(desk.store, data, source)["items"].added == 1


def test_what_a_later_file_does_not_name_stays(desk):
    load(desk.store, tomllib.loads(DATA))
    change = '[[items]]\nid = 4711\nworkspace = "ops"\ntitle = "Router was down"\nstatus = "Open"\n'
    assert load(desk.store, tomllib.loads(change))["items"].changed == 1
    view = desk.store.items.view(4711)
    assert (view.item.title, view.item.status, view.item.assigned_to) == ("Router was down", "Open", "ops")
    assert not desk.store.items.item(4711).closed and len(view.comments) == 2


def test_new_items_go_on_above_the_loaded_numbers(desk):
    load(desk.store, tomllib.loads(DATA))
    assert desk.item().item == 4712


def test_items_that_are_loaded_in_any_order_leave_no_gap(desk):
    item = '[[items]]\nid = {}\nworkspace = "support"\ntitle = "x"\n'
    load(desk.store, tomllib.loads("".join(map(item.format, (12, 7, 3)))))
    assert desk.item().item == 13


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        ('[[users]]\nlogin = "a"\nemial = "x"\n', "D111", 3, 'users have no "emial"'),
        ('[[user]]\nlogin = "a"\n', "D110", 1, 'there is no table "user"'),
        ('[[users]]\nname = "A"\n', "D113", 1, '"login" is missing'),
        ('[[users]]\nlogin = "a"\nadmin = "yes"\n', "D114", 3, '"admin" has to be true or false'),
        ('[[users]]\nlogin = ""\n', "D114", 2, '"login" has to be a name'),
        ('[[roles]]\nname = "r"\npermissions = ["fly"]\n', "D114", 3, '"permissions" has to be some of view_items'),
        ('[[items]]\nid = 0\nworkspace = "support"\ntitle = "x"\n', "D114", 2, '"id" has to be a whole number from 1'),
        ('[users]\nlogin = "a"\n', "D112", 1, '"users" has to be a list of tables'),
        ('[[users]]\nlogin = "a"\ngroups = ["no"]\n', "D120", 3, 'there is no group "no"'),
        ('[[users]]\nlogin = "a"\nemails = ["JANE@example.com"]\n', "D120", 3, "belongs to user jane"),
        ('[[members]]\nworkspace = "support"\nrole = "no"\nuser = "jane"\n', "D120", 3, 'there is no role "no"'),
        ('[[members]]\nworkspace = "support"\nrole = "no"\n', "D120", 1, "a member is a user or a group"),
        ('[[preferences]]\nuser = "no"\nnew = "all"\n', "D120", 2, 'there is no user "no"'),
        ('[[preferences]]\nuser = "jane"\nworkspace = "no"\n', "D120", 3, 'there is no workspace "no"'),
        ('[[preferences]]\nuser = "jane"\nnew = "some"\n', "D114", 3, '"new" has to be one of unassigned, all, none'),
        ('[[workspaces]]\nidentifier = "x"\nparent = "no"\n', "D120", 3, 'there is no workspace "no"'),
        (
            '[[items]]\nid = 1\nworkspace = "support"\ntitle = "x"\n[[items.comments]]\nauthor = "jane"\ntxt = "x"\n',
            "D111", 7, 'comments have no "txt"',
        ),
        ('[[items]]\nid = 1\nworkspace = "support"\ntitle = "x"\nassignee = "no"\n', "D120", 5, 'or group "no"'),
        ("[[users]\n", "D101", 1, "this is no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(desk, text, code, line, message):
    before = counts(desk.store)
    found = problems(desk.store, text)
    assert any(each.code == code and each.line == line and message in each.message for each in found), found
    assert counts(desk.store) == before


ITEM = '[[items]]\nid = 1\nworkspace = "support"\ntitle = "x"\n'
ROOM = '[[fields]]\nname = "Room"\nkind = "list"\nvalues = ["North", "South"]\n'


@pytest.mark.parametrize(
    ("text", "line", "message", "help"),
    [
        (ITEM + 'type = "Taks"\n', 5, '"Taks" is no type of support', "did you mean Task ?"),
        (ITEM + 'priority = "high"\n', 5, '"high" is no priority of support', "did you mean High ?"),
        (ITEM + 'status = "Done"\n', 5, '"Done" is no status of support', "there are New, "),
        (ITEM + 'status = ""\n', 5, '"" is no status of support', "there are New, "),
        (ITEM + 'category = "Toner"\n', 5, '"Toner" is no category of support', "support has none yet"),
        (ITEM + 'version = "2"\n', 5, '"2" is no version of support', "support has none yet"),
        (ROOM + 'default = "East"\n', 5, '"East" is no value of Room', "there are North, South"),
        (ROOM + ITEM + 'fields = { Room = "Nort" }\n', 9, '"Nort" is no Room of support', "did you mean North ?"),
    ],
)
def test_a_value_that_is_not_offered_is_not_loaded(desk, text, line, message, help):
    before = counts(desk.store)
    (found,) = problems(desk.store, text)
    assert (found.code, found.line, found.message) == ("D121", line, message) and found.help.startswith(help)
    assert counts(desk.store) == before


def test_values_of_the_same_file_count_and_none_is_no_wrong_category(desk):
    text = '[[workspaces]]\nidentifier = "support"\ncategories = ["Toner"]\n' + ITEM + 'category = "Toner"\n'
    assert load(desk.store, tomllib.loads(text))["items"].added == 1
    assert load(desk.store, tomllib.loads(ITEM + 'category = ""\n'))["items"].changed == 1


def test_json_problems_have_places_too(desk):
    text = '{\n "users": [\n  {"login": "a",\n   "emial": "x"}]\n}'
    (found,) = problems(desk.store, text, True)
    assert (found.line, found.column, found.excerpt) == (4, 4, '   "emial": "x"}]')
    assert found.help == "did you mean emails ?"


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"users": [}', '"x"', "[" * 100_000])
def test_text_that_is_no_json_object_is_a_problem(desk, text):
    assert problems(desk.store, text, True)[0].code == "D101"


def test_all_problems_are_said_at_once_and_nothing_is_loaded(desk):
    text = DATA + '\n[[users]]\nlogin = "x"\ngroups = ["no"]\n[[members]]\nworkspace = "ops"\nrole = "no"\nuser = "x"\n'
    before = counts(desk.store)
    lines = text.split("\n")
    wanted = [lines.index('groups = ["no"]') + 1, lines.index('role = "no"') + 1]
    assert [each.line for each in problems(desk.store, text)] == wanted
    assert counts(desk.store) == before


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path):
    assert "cannot be read" in read(tmp_path / "no.toml")[2][0].message
    (tmp_path / "latin.toml").write_bytes(b"# a\n# gr\xfc\xdfe\n")
    (found,) = read(tmp_path / "latin.toml")[2]
    assert (found.message, found.line) == ("is no UTF-8 text", 2)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(sorted({key for shape in SHAPES.values() for key in shape} | {"login", "x"}))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from([*SHAPES, "other"]), st.lists(st.dictionaries(KEYS, VALUES, max_size=5), max_size=3)
    )
)
def test_whatever_json_holds_it_loads_or_is_a_problem(desk, data):
    text = json.dumps(data)
    parsed, source, broken = parse("data.json", text, True)
    assert not broken
    try:
        load(desk.store, parsed, source)
    except LoadError as error:
        assert all(problem.line >= 1 for problem in error.problems)
