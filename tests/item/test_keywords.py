"""Keyword lines: who may, which count, what stays."""

from __future__ import annotations

import time

import pytest
from builders import ANNA, BOB, JANE, SUPPORT, World, config, facts, item, proven
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from engine.item import keywords
from engine.item.catalog import canonical
from engine.item.words import fold
from engine.model.desk import Catalog, CustomField, Value
from engine.model.facts import Auto, Automatic, Facts, Sender
from engine.model.fields import COMMON
from engine.model.questions import PersonNamed
from engine.wording.sentence import sentence

ALL = '[workspace.support.items]\nallow_override = ["all"]\n'
ANYWHERE = ALL + 'keywords = "anywhere"\n'
FIELDS_THERE = (
    CustomField("Order number"),
    CustomField("Colour", "list", ("Red", "Green", "Light, blue"), multiple=True),
    CustomField("Urgent?", "bool"),
    CustomField("Until", "date"),
    CustomField("Pieces", "int"),
    CustomField("Price", "float"),
    CustomField("Tester", "user"),
    CustomField("Found in", "version"),
)
CATALOG = replace(SUPPORT, fields=FIELDS_THERE)


def read(
    text: str, toml: str = ALL, about: Facts | None = None, catalog: Catalog = CATALOG, world: World | None = None
) -> keywords.Read:
    return keywords.read(text, about or facts(), config(toml).settings("support"), "en", catalog, world or World())


def values(said: keywords.Read) -> dict[str, Value]:
    return {change.name: change.value for change in said.fields}


def test_F079_a_line_of_key_and_value_sets_a_field_with_blanks_before_the_colon() -> None:
    said = read("Priority \t:  High  \nThe text.")
    assert values(said) == {"priority": "High"}
    assert said.text == "The text."


def test_F079_lines_count_anywhere_where_that_is_set_and_at_the_top_only_by_default() -> None:
    text = "Hello,\nPriority: High\nBye"
    assert values(read(text)) == {}
    assert read(text).text == text
    assert values(read(text, ANYWHERE)) == {"priority": "High"}
    assert read(text, ANYWHERE).text == "Hello,\nBye"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("Type: Incident", "type", "Incident"),
        ("Tracker: Incident", "type", "Incident"),
        ("Status: Closed", "status", "Closed"),
        ("Priority: Urgent", "priority", "Urgent"),
        ("Category: Hardware", "category", "Hardware"),
        ("Version: 2.0", "version", "2.0"),
        ("Target version: 2.0", "version", "2.0"),
        ("Fixed version: 1.0", "version", "1.0"),
        ("Start date: 2026-11-20", "start_date", "2026-11-20"),
        ("Due date: 2026-12-24", "due_date", "2026-12-24"),
        ("Estimated hours: 2.5", "estimated_hours", 2.5),
        ("Remaining hours: 1h30", "remaining_hours", 1.5),
        ("Done ratio: 30", "done_ratio", 30),
        ("Is private: yes", "private", True),
        ("Parent issue: #7", "parent", 7),
        ("Assignee: bob", "assigned_to", "bob"),
        ("Assigned to: bob", "assigned_to", "bob"),
        ("Responsible: anna", "responsible", "anna"),
        ("Accountable: anna", "responsible", "anna"),
    ],
)
def test_F080_every_key_of_the_documents_sets_its_field(line: str, field: str, value: Value) -> None:
    said = read(line + "\nText", world=World(items=(item(7),)))
    assert values(said) == {field: value}
    assert said.text == "Text"


@pytest.mark.parametrize(
    ("language", "line", "field", "value"),
    [
        ("fr", "priorité: High", "priority", "High"),
        ("fr", "Privée: oui", "private", True),
        ("fr", "catégorie : Hardware", "category", "Hardware"),
        ("de", "Priorität: High", "priority", "High"),
        ("de", "Zuständig: bob", "assigned_to", "bob"),
        ("es", "Asignado a: bob", "assigned_to", "bob"),
        ("it", "Scadenza: 2026-12-24", "due_date", "2026-12-24"),
        ("nl", "Prioriteit: High", "priority", "High"),
        ("pt", "Situação: Closed", "status", "Closed"),
        ("pl", "Priorytet: High", "priority", "High"),
        ("sv", "Kategori: Hardware", "category", "Hardware"),
        ("da", "Tildelt til: bob", "assigned_to", "bob"),
        ("no", "Versjon: 2.0", "version", "2.0"),
        ("fi", "Tila: Closed", "status", "Closed"),
        ("cs", "Stav: Closed", "status", "Closed"),
        ("ru", "Приоритет: High", "priority", "High"),
        ("ja", "トラッカー: Incident", "type", "Incident"),
        ("ja", "優先度：High", "priority", "High"),
        ("zh", "优先级：High", "priority", "High"),
        ("ko", "우선순위: High", "priority", "High"),
        ("tr", "Öncelik: High", "priority", "High"),
    ],
)
def test_F081_keys_are_understood_in_the_language_of_the_sender(
    language: str, line: str, field: str, value: Value
) -> None:
    about = facts(account=replace(JANE, language=language))
    assert values(read(line + "\nText", about=about)) == {field: value}


def test_F081_keys_of_a_language_that_nobody_here_speaks_are_text() -> None:
    assert values(read("Priorytet: High\nText")) == {}


def test_F081_english_keys_and_those_of_the_instance_always_count() -> None:
    settings = config(ALL).settings("support")
    about = facts(account=replace(JANE, language="ja"))
    said = keywords.read("Priorität: High\nStatus: Closed\nText", about, settings, "de", CATALOG, World())
    assert values(said) == {"priority": "High", "status": "Closed"}


def test_F081_every_language_names_every_field_once() -> None:
    fields = COMMON.set_by("keyword")
    languages = set(fields[0].labels)
    assert len(languages) == 18
    assert [field.name for field in fields if set(field.labels) != languages] == []
    for language in languages:
        folded = [fold(each) for field in fields for each in field.labels[language].split("|")]
        assert len(set(folded)) == len(folded), language


def test_F081_aliases_name_fields_and_custom_fields() -> None:
    toml = ALL + 'keyword_aliases = { "Dringlichkeit" = "priority", "Bestellung" = "Order number" }\n'
    assert values(read("Dringlichkeit: High\nBestellung: 4711\nText", toml)) == {
        "priority": "High",
        "Order number": "4711",
    }


def test_F082_keys_and_values_may_have_any_case_where_one_value_is_meant() -> None:
    said = read("PRIORITY: hIGH\nText")
    assert values(said) == {"priority": "High"}
    assert any("taken as" in sentence(note) for note in said.notes)


def test_F082_a_value_that_could_be_two_is_not_guessed() -> None:
    catalog = replace(CATALOG, categories=("Print", "PRINT"))
    assert values(read("Category: print\nText", catalog=catalog)) == {}
    assert values(read("Category: PRINT\nText", catalog=catalog)) == {"category": "PRINT"}


def test_F083_recognised_lines_go_with_the_blank_lines_below_them() -> None:
    assert read("Priority: High\n\n\nType: Task\n\nThe text.\n\nEnd").text == "The text.\n\nEnd"


def test_F072_F083_lines_of_keys_that_may_not_be_overridden_stay() -> None:
    said = read("Priority: High\nStatus: Closed\nText", '[workspace.support.items]\nallow_override = ["priority"]\n')
    assert values(said) == {"priority": "High"}
    assert said.text == "Status: Closed\nText"


def test_F084_the_first_line_counts_by_default_and_the_other_stays() -> None:
    said = read("Priority: High\nPriority: Low\nText")
    assert values(said) == {"priority": "High"}
    assert said.text == "Priority: Low\nText"


def test_F084_the_last_line_counts_where_that_is_set() -> None:
    said = read("Priority: High\nPriority: Low\nText", ALL + 'keyword_wins = "last"\n')
    assert values(said) == {"priority": "Low"}
    assert said.text == "Text"


def test_F085_quoted_lines_are_never_keywords() -> None:
    assert values(read("> Priority: High\nText", ANYWHERE)) == {}


@pytest.mark.parametrize(
    "line",
    ["Due date: 2026-02-30", "Due date: 24.12.2026", "Done ratio: 35", "Done ratio: 110", "Private: perhaps",
     "Estimated hours: soon", "Parent: 99", "Parent: the other"],
)  # fmt: skip
def test_F086_values_of_another_format_set_nothing(line: str) -> None:
    said = read(line + "\nText")
    assert values(said) == {}
    assert said.text == line + "\nText"
    assert any(note.code == "draft.bad_keyword" for note in said.notes)


@pytest.mark.parametrize(
    ("who", "value"),
    [
        ("bob.lund@example.com", "bob"),
        ("bob", "bob"),
        ("Bob Lund", "bob"),
        ("tier2", "group:tier2"),
        ("group: Tier2", "group:tier2"),
    ],
)
def test_F087_people_are_named_by_address_login_name_or_group(who: str, value: str) -> None:
    assert values(read(f"Assignee: {who}\nText")) == {"assigned_to": value}


def test_F087_nobody_and_locked_people_are_not_assigned_nor_who_does_not_work_there() -> None:
    for who in ("nobody", "lola", "jane"):
        assert values(read(f"Assignee: {who}\nText")) == {}
    settings = config(ALL).settings("support")
    said = keywords.read(
        "Assignee: jane\nText", facts(), settings, "en", CATALOG, World(), owner="jane@bigcorp.example"
    )
    assert values(said) == {"assigned_to": "jane"}, "the owner works there"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("order NUMBER: 4711", "Order number", "4711"),
        ("Colour: red, Green", "Colour", ("Red", "Green")),
        ("Colour: light, blue", "Colour", ("Light, blue",)),
        ("Urgent?: yes", "Urgent?", True),
        ("Until: 2026-12-01", "Until", "2026-12-01"),
        ("Pieces: 12", "Pieces", 12),
        ("Price: 12,50", "Price", 12.5),
        ("Tester: Bob Lund", "Tester", "bob"),
        ("Found in: 1.0", "Found in", "1.0"),
    ],
)
def test_F088_custom_fields_go_by_their_displayed_name(line: str, field: str, value: Value) -> None:
    assert values(read(line + "\nText")) == {field: value}


@pytest.mark.parametrize("line", ["Colour: Red, Pink", "Pieces: 1.5", "Price: much", "Found in: 9.9"])
def test_F088_values_a_custom_field_does_not_take_set_nothing(line: str) -> None:
    assert values(read(line + "\nText")) == {}


def test_F088_a_custom_field_needs_its_name_in_allow_override() -> None:
    toml = '[workspace.support.items]\nallow_override = ["order number"]\n'
    assert values(read("Order number: 1\nPieces: 2\nText", toml)) == {"Order number": "1"}


def test_F089_an_invalid_value_leaves_the_default_and_the_next_line_may_count() -> None:
    said = read("Priority: Sky-high\nPriority: Low\nText")
    assert values(said) == {"priority": "Low"}
    assert said.text == "Priority: Sky-high\nText"


def test_F070_names_in_allow_override_may_be_written_in_any_way() -> None:
    for spelling in ("Assigned to", "ASSIGNED_TO", " assignee ", "assigned-to"):
        assert canonical(spelling, COMMON) == "assigned_to"
    toml = '[workspace.support.items]\nallow_override = ["Due Date", "tracker"]\n'
    assert values(read("Due date: 2026-12-24\nType: Task\nText", toml)) == {"due_date": "2026-12-24", "type": "Task"}


def test_F070_an_empty_allow_override_lets_nothing_be_set() -> None:
    assert values(read("Priority: High\nText", "[workspace.support.items]\nallow_override = []\n")) == {}


def test_only_known_senders_use_keywords_by_default() -> None:
    stranger = facts(account=None)
    assert values(read("Priority: High\nText", about=stranger)) == {}
    assert values(read("Priority: High\nText", ALL + 'override_by = "anyone"\n', stranger)) == {"priority": "High"}


def test_a_sender_whose_from_is_not_believed_uses_no_keywords() -> None:
    doubted = facts(sender=Sender(facts().sender.address, JANE, "exact", "two From lines"))
    assert values(read("Priority: High\nText", about=doubted)) == {}


def test_only_a_group_uses_keywords_where_that_is_set() -> None:
    toml = ALL + 'override_by = "group:Staff"\n'
    assert values(read("Priority: High\nText", toml, facts(account=JANE))) == {}
    assert values(read("Priority: High\nText", toml, facts(account=ANNA))) == {"priority": "High"}


def test_keywords_need_proof_where_a_server_is_trusted_to_give_it() -> None:
    toml = ALL + '[gates]\ntrusted_authserv_ids = ["mx.example.com"]\n'
    assert values(read("Priority: High\nText", toml)) == {}
    assert values(read("Priority: High\nText", toml, facts(authentication=proven()))) == {"priority": "High"}


def test_machines_use_no_keywords() -> None:
    machine = facts(automatic=Automatic(Auto.AUTO_GENERATED, "Auto-Submitted: auto-generated"))
    assert values(read("Priority: High\nText", about=machine)) == {}


def test_unknown_keys_stay_text_or_refuse_the_mail() -> None:
    assert read("Colour of the sky: blue\nText").text == "Colour of the sky: blue\nText"
    refused = read("Moon: full\nText", ALL + 'unknown_keyword = "reject"\n').refused
    assert refused is not None and sentence(refused) == "no field is called Moon"
    refused = read("Priority: Sky-high\nText", ALL + 'unknown_keyword = "reject"\n').refused
    assert refused is not None and "Sky-high" in sentence(refused)


def test_keywords_can_be_switched_off() -> None:
    assert read("Priority: High\nText", ALL + 'keywords = "off"\n').text == "Priority: High\nText"


def test_addresses_of_pages_are_no_keywords() -> None:
    text = "https://example.com/page\nText"
    assert read(text, ALL + 'unknown_keyword = "reject"\n') == keywords.Read(text)


def test_F064_a_project_line_asks_for_a_workspace() -> None:
    settings = config(ALL).settings("support")
    known = ("support", "finance")
    ask = keywords.named_workspace
    assert ask("Project: FINANCE\nText", facts(), settings, "en", known) == "finance"
    assert ask("Project: nowhere\nText", facts(), settings, "en", known) == ""
    assert ask("Project: finance\nText", facts(account=None), settings, "en", known) == ""
    strict = config().settings("support")
    assert ask("Project: finance\nText", facts(), strict, "en", known) == ""
    assert ask("Project: finance\nText", facts(), strict, "en", known, needed=True) == "finance"


def test_F064_the_line_goes_once_the_mail_is_there() -> None:
    assert read("Project: support\nText").text == "Text"
    assert read("Project: finance\nText").text == "Project: finance\nText"


def test_a_thousand_keywords_are_bounded_and_told() -> None:
    text = "".join(f"Assignee: nobody{n}\n" for n in range(1000)) + "Priority: High\nText"
    world = World()
    started = time.process_time()
    said = read(text, ANYWHERE, world=world)
    assert time.process_time() - started < 0.5
    assert world.counted(PersonNamed) <= keywords.MOST_TRIES
    assert any("only the first" in sentence(note) for note in said.notes)
    assert said.text == text


def test_a_mail_of_a_million_lines_is_read_in_linear_time() -> None:
    text = "a: b\n" * 200_000
    started = time.process_time()
    read(text)
    read(text, ANYWHERE)
    assert time.process_time() - started < 2


LINES = some.lists(
    some.one_of(
        some.sampled_from(
            ["Priority: High", "Priority: x", "Type: Task", "", "  ", "Text", "> Type: Task", "Moon: full", "a:"]
        ),
        some.text(alphabet="aP:\n \r：é%", max_size=12),
    ),
    max_size=12,
)


@given(LINES, some.sampled_from([ALL, ANYWHERE, ALL + 'keyword_wins = "last"\n']))
def test_no_line_is_lost_but_those_that_set_a_field(lines: list[str], toml: str) -> None:
    text = "\n".join(lines)
    said = read(text, toml)
    before = [line for line in text.split("\n") if line.strip()]
    after = [line for line in said.text.split("\n") if line.strip()]
    gone = list(before)
    for line in after:
        gone.remove(line)
    assert all(":" in line or "：" in line for line in gone)
    assert bool(gone) == bool(said.fields)


def test_bobs_german_and_english_lines_mix() -> None:
    said = read("Priorität: High\nType: Incident\nText", about=facts(account=BOB))
    assert values(said) == {"priority": "High", "type": "Incident"}
