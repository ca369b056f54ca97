"""Other spellings, and overrides from the environment."""

from __future__ import annotations

import pytest
from configurations import Find, Load

from rules.problem import Severity


def test_hyphenated_spellings_are_understood_with_an_info(load: Load) -> None:
    config = load("[attachments]\nimages-minimum-size = '50x50'\n")
    assert config.settings().attachments.images_minimum_size == (50, 50)
    assert [(p.code, p.severity) for p in config.warnings] == [("C170", Severity.INFO)]


def test_tracker_and_project_are_understood(load: Load) -> None:
    config = load("[system]\nproject = 'a'\n[items]\ntracker = 'Bug'\n[workspace.a]\n")
    assert config.system.default_workspace == "a"
    assert config.settings().items.type == "Bug"  # type: ignore[attr-defined]
    assert len(config.warnings) == 2


def test_the_camel_case_names_are_the_names(load: Load) -> None:
    config = load("[people.cc]\naddCcAsEditor = true\nadd_cc_as_reader = false\n")
    cc = config.settings().people.cc
    assert (cc.add_cc_as_editor, cc.add_cc_as_reader) == (True, False)
    assert [p.message for p in config.warnings] == ['"add_cc_as_reader" is understood as addCcAsReader']


def test_one_option_under_two_spellings_is_an_error(find: Find) -> None:
    assert any("given twice" in p.message for p in find("[items]\ntype = 'A'\ntracker = 'B'\n"))


def test_a_problem_of_a_respelled_option_stands_where_it_is_written(find: Find) -> None:
    problem = next(p for p in find("[items]\nclosed-item = 'burn'\n") if p.code == "C103")
    assert problem.excerpt[problem.column - 1 :].startswith("'burn'")


@pytest.mark.parametrize(
    ("variable", "value", "key", "expected"),
    [
        ("ALLEGRA__GATES__DMARC", "reject", "gates.dmarc", "reject"),
        ("ALLEGRA__GATES__HOP_LIMIT", "7", "gates.hop_limit", 7),
        ("ALLEGRA__PEOPLE__CC__ADDCCASEDITOR", "true", "people.cc.add_cc_as_editor", True),
        ("ALLEGRA__ITEMS__TITLE_PREFIX", "12345", "items.title_prefix", "12345"),
        ("ALLEGRA__ERRORS__DEFER_LIMIT", "2 days", "errors.defer_limit", 172800),
        ("ALLEGRA__ITEMS__ALLOW_OVERRIDE", '["type"]', "items.allow_override", ("type",)),
        ("ALLEGRA__ERRORS__FORWARD_TO", "a@example.com", "errors.forward_to", ("a@example.com",)),
        ("ALLEGRA__GATES__MAILS_PER_SENDER__LIMIT", "5", "gates.mails_per_sender.limit", 5),
    ],
)
def test_the_environment_overrides_any_option(
    load: Load, variable: str, value: str, key: str, expected: object
) -> None:
    found: object = load("", {variable: value}).settings()
    for name in key.split("."):
        found = getattr(found, name)
    assert found == expected


def test_the_environment_reaches_a_workspace_and_a_mailbox(load: Load) -> None:
    config = load(
        "[workspace.big-corp]\n",
        {"ALLEGRA__WORKSPACE__BIG_CORP__ITEMS__TYPE": "Bug", "ALLEGRA__SYSTEM__MAILBOX__USERNAME": "0815"},
    )
    assert config.settings("big-corp").items.type == "Bug"  # type: ignore[attr-defined]
    assert config.mailbox("system").username == "0815"
    assert config.origin("items.type", "big-corp") == "environment ALLEGRA__WORKSPACE__BIG_CORP__ITEMS__TYPE"


def test_a_variable_that_names_nothing_is_an_error(find: Find) -> None:
    (problem,) = find("", {"ALLEGRA__GATES__DMRC": "hold"})
    assert (problem.code, problem.file) == ("C140", "environment")


def test_a_wrong_value_from_the_environment_names_the_variable_and_not_the_value(find: Find) -> None:
    (problem,) = find("", {"ALLEGRA__LIMITS__PARTS": "s3cret"})
    assert problem.where == "ALLEGRA__LIMITS__PARTS"
    assert "s3cret" not in problem.message + problem.excerpt


def test_other_variables_are_none_of_our_business(load: Load) -> None:
    assert load("", {"ALLEGRA_IMAP_PASSWORD": "x", "PATH": "/bin"}).warnings == ()
