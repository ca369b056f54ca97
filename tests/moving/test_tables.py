"""What docs/coming-from.md says of a setting and what `allegra import settings` does with it are the same."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from test_coming_from import cells, fragment, is_option, section

from engine.moving.settings import eventum, itop, redmine
from engine.moving.settings.table import Row, System

SECTIONS = {"OpenProject and Redmine": redmine.SYSTEM, "iTop": itop.SYSTEM, "Eventum": eventum.SYSTEM}
EVERY = [(head, row) for head, system in SECTIONS.items() for row in system.rows]
NOT_OF_A_FILE = {
    "OpenProject and Redmine": {"rdm-mailhandler.rb", "user+tag@", "user@", "[… msg12]", "[Bug #12]", "Project:",
                                "receive_gmail", "receive_pop3", "receive_imap"},
    "iTop": {"imap_options"},
    "Eventum": {"issue-234@", "note-234@", "draft-234@", "Auto-Submitted", "only_known_customers"},
}  # fmt: skip
"""What the first cells of the page name as code and is no name of a setting in a file."""


def told(row: Row) -> str:
    return row.told or row.names[0]


def options(text: str) -> set[str]:
    return {each for each in re.findall(r"`([\w.]+)`", text) if is_option(each)}


@pytest.mark.parametrize(("head", "row"), EVERY, ids=lambda each: told(each) if isinstance(each, Row) else "")
def test_the_page_names_every_setting_that_is_translated_with_the_options_it_becomes(head: str, row: Row) -> None:
    named = re.compile(rf"(?<![\w_]){re.escape(told(row))}(?![\w_])")
    found = [cell for cell in cells(section(head)) if named.search(cell[0])]
    assert found, f"no row of the page names {told(row)}"
    assert any(set(row.ours) <= options(cell[1]) for cell in found), [cell[1] for cell in found]


@pytest.mark.parametrize("head", SECTIONS)
def test_every_name_of_a_setting_on_the_page_is_known_to_the_command(head: str) -> None:
    known = {name for row in SECTIONS[head].rows for name in (*row.names, told(row), told(row).lower())}
    named = {each for cell in cells(section(head)) for each in re.findall(r"`([^`]+)`", cell[0])}
    plain = {each.lower().replace("-", "_").removeprefix("imap_") for each in named - NOT_OF_A_FILE[head]}
    strangers = {each for each in plain if re.fullmatch(r"[\w.]+", each) and each not in known}
    assert strangers - {"novalidate_cert", "options"} == set()


@pytest.mark.parametrize("system", SECTIONS.values(), ids=SECTIONS)
def test_no_name_means_two_settings_and_every_option_is_one(system: System) -> None:
    names = [name for row in system.rows for name in row.names]
    assert len(names) == len(set(names))
    assert [option for row in system.rows for option in row.ours if not is_option(option)] == []
    assert [like.option for like in system.like if not is_option(like.option)] == []


@pytest.mark.parametrize("head", SECTIONS)
def test_how_theirs_behaves_is_the_same_in_the_fragment_of_the_page(head: str) -> None:
    tables = tomllib.loads(fragment(head))

    def at(path: str) -> Any:
        table: Any = tables
        for key in path.split("."):
            table = table.get(key, {}) if isinstance(table, dict) else {}
        return table

    def written(option: str) -> Any:
        homes = ("", "system.", "workspace.support.")
        return next((found for home in homes if (found := at(home + option)) != {}), None)

    assert {like.option: written(like.option) for like in SECTIONS[head].like} == {
        like.option: like.value for like in SECTIONS[head].like
    }
