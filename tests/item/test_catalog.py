"""One row more in the table of fields, and the field is everywhere; what cannot be made of the table agrees with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from builders import JANE, SUPPORT, World, config, draft, facts
from msgspec.structs import replace

from engine.config.content import Items
from engine.config.defaults import with_defaults
from engine.config.section import options
from engine.gates import Findings
from engine.item import keywords
from engine.item.catalog import canonical, fallback, keys, offered
from engine.item.fields import Fields, fill
from engine.item.values import judge
from engine.model.desk import Status
from engine.model.draft import Target
from engine.model.fields import COMMON, KINDS, Field
from engine.rulebook.actions import declared, settings
from engine.scripts.question import schema
from engine.store import tables
from engine.store.load import SHAPES
from engine.store.terms import COLUMNS
from rules.load import Source, load_file

IMPACT = Field(
    "impact", "list", "how many it hits", values=("Low", "High"), aliases=("severity",), synonyms=("reach",),
    labels={"en": "impact", "de": "auswirkung|betroffene"}, default="Low", needed=True,
)  # fmt: skip
MORE = COMMON.plus(IMPACT)


def with_impact(toml: str = "", **options: Any) -> Any:
    """The settings of `support`, with [items] made of the longer table."""
    found = config(toml).settings("support")
    made = with_defaults(Items, MORE)
    written = {name: getattr(found.items, name) for name in found.items.written}
    return replace(found, items=made(**{**written, **options}))


def read(text: str, language: str = "en", **options: Any) -> keywords.Read:
    about = facts(account=replace(JANE, language=language))
    return keywords.read(text, about, with_impact(**options), "en", SUPPORT, World())


@pytest.mark.parametrize(
    ("line", "language"), [("Impact: high", "en"), ("Betroffene: high", "de"), ("Reach: High", "en")]
)
def test_an_added_field_is_set_by_keyword_lines_in_its_languages(line: str, language: str) -> None:
    said = read(f"{line}\nText", language, allow_override=("all",))
    assert [(change.name, change.value) for change in said.fields] == [("impact", "High")]


def test_allow_override_names_an_added_field_by_any_of_its_names() -> None:
    assert read("Impact: High\nText").fields == ()
    assert read("Impact: High\nText", allow_override=("Severity",)).fields != ()


def test_keyword_aliases_name_an_added_field() -> None:
    assert keys((), (("Schwere", "reach"),), (), MORE)["schwere"] == "impact"
    assert (canonical("Reach", MORE), canonical("Reach", COMMON)) == ("impact", "reach")


def test_rules_set_an_added_field() -> None:
    text = "[[rule]]\nname = 'x'\nwhen = 'auto'\nthen = ['set severity \"High\"']\n"
    assert load_file(Source("x", text), declared(common=MORE))[1] == ()
    (problem,) = load_file(Source("x", text.replace("severity", "impakt")), declared(common=MORE))[1]
    assert "did you mean  impact ?" in problem.help
    assert settings(MORE)[:-1] == settings()


def test_scripts_see_an_added_field_under_all_its_names() -> None:
    seen = schema(SUPPORT, Target.NEW_ITEM, MORE)
    assert (seen["impact"], seen["severity"], seen["reach"]) == ("line", "=impact", "=impact")
    assert schema(SUPPORT, Target.NOTE, MORE)["impact"] == "ro"
    assert "impact" not in schema(SUPPORT, Target.NEW_ITEM)


def test_an_added_field_has_an_option_for_its_default() -> None:
    made = with_defaults(Items, MORE)
    assert list(options(made)) == [*list(options(Items))[:8], "impact", *list(options(Items))[8:]]
    assert (options(made)["impact"].default, made().impact) == ("Low", "Low")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("given", "expected"), [("High", "High"), ("high", "High"), ("none", "Low"), ("", "Low")])
def test_a_new_item_gets_the_default_of_an_added_field(given: str, expected: str) -> None:
    found = with_impact(impact=given)
    fields = Fields(SUPPORT, World(), Findings("draft", facts(), draft()), found.items.fields)  # type: ignore[arg-type]
    assert fill(fields, found.items) == ""
    assert fields.text("impact") == expected


def test_values_of_an_added_field_are_judged() -> None:
    assert judge("impact", "HIGH", SUPPORT, World(), MORE).value == "High"  # type: ignore[arg-type]
    assert "is no impact here (there are: Low, High)" in judge("impact", "x", SUPPORT, World(), MORE).problem  # type: ignore[arg-type]


# ── what the table says of itself, and what stands beside it ──────────────────────────────────────────────────


def test_a_name_means_one_field() -> None:
    names = [name for field in COMMON.rows for name in (field.name, *field.aliases, *field.synonyms)]
    assert len(set(names)) == len(names)


def test_a_field_has_a_kind_and_the_list_it_chooses_from_is_one_of_the_workspace() -> None:
    assert [field.name for field in COMMON.rows if field.kind not in KINDS] == []
    assert [field.name for field in COMMON.rows if field.choices and not offered(field, replace(
        SUPPORT, categories=("x",)))] == []  # fmt: skip


def test_what_must_not_be_empty_falls_back_to_the_first_choice_but_to_no_closed_status() -> None:
    catalog = replace(SUPPORT, statuses=(Status("Gone", True), Status("Open")), types=())
    found = {field.name: fallback(field, catalog) for field in COMMON.rows}
    assert {name: value for name, value in found.items() if value} == {"status": "Open", "priority": "Low"}


def test_fields_with_a_column_have_one_and_the_others_have_none() -> None:
    columns = set(tables.columns(tables.Item))
    assert {field.name for field in COMMON.rows if field.name in columns} == {
        field.name for field in COMMON.rows if field.column
    }


def test_an_item_of_a_data_file_has_a_key_for_every_column() -> None:
    known: Mapping[str, str] = {"assigned_to": "assignee"}
    assert [name for name in (*COLUMNS, "title", "private") if known.get(name, name) not in SHAPES["items"]] == []


def test_options_of_items_are_the_defaults_of_the_table_and_stand_before_the_others() -> None:
    assert list(options(Items))[1:8] == [field.name for field in COMMON.with_default]
    assert all(options(Items)[field.name].default == field.default for field in COMMON.with_default)
    assert Items.fields is COMMON


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_of_every_kind_can_be_read(kind: str) -> None:
    table = COMMON.plus(Field("x", kind, values=("1",), choices="versions" if kind == "version" else ""))
    world = World(items=())
    text = {"date": "2026-01-31", "user": "anna", "percent": "10", "version": "1.0"}.get(kind, "1")
    judged = judge("x", text, SUPPORT, world, table)  # type: ignore[arg-type]
    assert bool(judged.problem) is (kind == "item"), judged.problem  # there is no item #1
