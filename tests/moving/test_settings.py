"""The settings of four systems become an allegra.toml that loads; what has no counterpart is told, passwords never."""

# ruff: noqa: E501  (tables)

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.config import parse
from engine.moving.settings import translate as translating
from engine.moving.settings.given import Given, read
from engine.moving.settings.table import Row
from engine.moving.settings.translate import SYSTEMS, Translated, translate
from engine.store.load import LoadError

EXPORTS = Path(__file__).with_name("exports")
OURS = Path("allegra.toml")


def made(system: str, *names: str) -> Translated:
    return translate([each for name in names for each in read(EXPORTS / name)], system, OURS)


def flat(table: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        inner = isinstance(value, dict) and name not in ("create_defaults",)
        found |= flat(value, f"{path}{name}.") if inner else {f"{path}{name}": value}
    return found


def options(*words: str) -> dict[str, Any]:
    return flat(tomllib.loads(made(*words).text))


EVERY = [
    ("redmine", "redmine.cron"), ("redmine", "redmine.cron", "settings.yml"), ("redmine", "two.cron"),
    ("redmine", "aliases"), ("redmine", "settings.sql"), ("openproject", "openproject.env"),
    ("openproject", "compose.yml"), ("itop", "itop.xml"), ("itop", "itop.xml", "itop.php"), ("itop", "itop.csv"),
    ("itop", "itop.php"), ("eventum", "eventum.sql"), ("eventum", "eventum.sql", "setup.php"),
    ("eventum", "eventum.json"), ("eventum", "setup.php"),
]  # fmt: skip


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_what_is_made_loads_is_the_same_again_and_holds_no_secret(words: tuple[str, ...]) -> None:
    first = made(*words)
    assert first == made(*words)
    assert "c0rrect" not in first.text and "0123456789abcdef" not in first.text and "verysecret" not in first.text
    assert "c0rrect" not in " ".join(first.left)
    assert parse(first.text, OURS, {}).workspaces


def test_F008_F070_a_crontab_and_the_settings_table_of_redmine() -> None:
    found = options("redmine", "redmine.cron", "settings.yml")
    expected = {
        "system.default_workspace": "support",
        "system.mailbox.protocol": "imap",
        "system.mailbox.host": "imap.example.com",
        "system.mailbox.username": "support@example.com",
        "system.mailbox.password_env": "ALLEGRA_IMAP_PASSWORD",
        "system.mailbox.ssl": True,
        "system.mailbox.move_on_success": "Read",
        "system.mailbox.move_on_failure": "Odd",
        "items.type": "Bug",
        "items.allow_override": ["type", "priority", "Old number"],
        "people.unknown_user": "ignore",
        "people.no_account_notice": True,
        "body.truncate_lines": [
            r"/^[> ]*(?:--- Please answer above this line ---)\s*$/", r"/^[> ]*(?:^On .+ wrote:)\s*$/",
        ],
        "body.body_parts_order": ["text/html", "text/plain"],
        "attachments.exclude_names": [r"/\.(exe|scr|js|vbs)$/i", r"/^.*\.vcf$/i", r"/^signature\.asc$/i"],
        "workspace.support.name": "Support",
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    assert "system.mailbox.after_success" not in found
    text = made("redmine", "redmine.cron", "settings.yml").text
    assert "mail_handler_api_key, settings.yml:6: there is no entrance by HTTP" in text


def test_variables_of_a_container_of_openproject() -> None:
    found = options("openproject", "openproject.env")
    expected = {
        "system.default_workspace": "helpdesk",
        "system.mailbox.password_env": "ALLEGRA_IMAP_PASSWORD",
        "system.mailbox.move_on_failure": "INBOX.failed",
        "system.mailbox.after_success": "delete",
        "items.type": "Task",
        "items.allow_override": ["type", "assigned_to"],
        "items.keyword_wins": "last",
        "items.threading.title_pattern": "",
        "people.guest_user": "guest",
        "errors.report_incoming_email_errors": False,
        "smtp.host": "smtp.example.com",
        "smtp.username": "op@example.com",
        "smtp.password_env": "SMTP_PW",
        "smtp.from": "op@example.com",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert options("openproject", "compose.yml")["items.priority"] == "High"


def test_several_lines_of_a_crontab_are_several_mailboxes_each_with_a_workspace() -> None:
    found = options("redmine", "two.cron")
    assert found["workspace.sales.mailbox.ssl"] == "starttls" and found["workspace.sales.items.type"] == "Lead"
    assert found["workspace.sales.mailbox.password_env"] == "ALLEGRA_SALES_IMAP_PASSWORD"
    assert (found["workspace.it.mailbox.protocol"], found["workspace.it.mailbox.auth"]) == ("pop3", "apop")
    assert found["workspace.it.mailbox.ssl_verification"] is False and found["workspace.it.mailbox.delete_unprocessed"]
    assert not any(name.startswith("system.mailbox") for name in found)


RAKE = "rake redmine:email:receive_imap host=h.example.com username={} project={}\n"


def lines_of(tmp_path: Path, *lines: str) -> Translated:
    (tmp_path / "their.cron").write_text("".join(lines))
    return translate(read(tmp_path / "their.cron"), "redmine", OURS)


@pytest.mark.parametrize(
    ("project", "workspace"), [("Support7", "support7"), ("A_b-C", "a_b-c"), ("System", ""), ("a" * 64, ""), ("-a", "")]
)
def test_a_project_becomes_a_workspace_by_its_name_in_small_letters_if_it_can_be_one(
    tmp_path: Path, project: str, workspace: str
) -> None:  # fmt: skip
    translated = lines_of(tmp_path, RAKE.format("u@example.com", project))
    found = flat(tomllib.loads(translated.text))
    assert found["system.default_workspace"] == (workspace or "support")
    assert found["system.mailbox.host"] == "h.example.com"
    assert (f"theirs: {project}" in translated.text) == bool(workspace)
    assert ("cannot be the identifier of a workspace" in translated.text) == (not workspace)


def test_projects_whose_names_differ_in_their_case_or_end_are_several_workspaces(tmp_path: Path) -> None:
    names = ("Sales", "sales", "x" * 63, "x" * 63)
    found = lines_of(tmp_path, *(RAKE.format(f"u{number}@example.com", each) for number, each in enumerate(names)))
    workspaces = tomllib.loads(found.text)["workspace"]
    assert list(workspaces) == ["sales", "sales-2", "x" * 63, "x" * 50 + "-4"]


def test_a_mailbox_that_is_read_twice_there_is_taken_out_and_named_and_the_rest_stays(tmp_path: Path) -> None:
    translated = lines_of(tmp_path, *(RAKE.format("u@example.com", each) for each in ("sales", "it")))
    found = flat(tomllib.loads(translated.text))
    assert found["workspace.sales.mailbox.host"] == "h.example.com" and "workspace.it.mailbox.host" not in found
    assert any(each.startswith("write [workspace.it.mailbox] anew") for each in translated.left)


def test_mailboxes_of_which_no_address_is_known_get_a_guess_each(tmp_path: Path) -> None:
    translated = lines_of(tmp_path, *(RAKE.replace(" username={}", "").format(each) for each in ("sales", "it")))
    found = flat(tomllib.loads(translated.text))
    guesses = [found[f"workspace.{name}.mailbox.username"] for name in ("sales", "it")]
    assert guesses == ["sales@example.com", "it@example.com"]


def test_where_no_file_loads_the_reason_is_told_at_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(translating, "_taken_out", lambda *_: False)
    with pytest.raises(LoadError) as error:
        lines_of(tmp_path, RAKE.format("u@example.com", "a port=70000"))
    (problem,) = error.value.problems
    assert (problem.code, problem.file) == ("D153", "their.cron") and "70000" in problem.message


def test_F006_a_pipe_becomes_allegra_deliver() -> None:
    assert options("redmine", "aliases")["system.mailbox.protocol"] == "pipe"
    left = made("redmine", "aliases").left
    assert any("`allegra deliver`" in each for each in left) and any("mailbox.addresses" in each for each in left)


def test_the_fields_of_a_mail_inbox_of_itop_and_its_module() -> None:
    found = options("itop", "itop.xml", "itop.php")
    expected = {
        "system.mailbox.folder": "INBOX/Support",
        "system.mailbox.move_on_success": "Done",
        "system.mailbox.after_failure": "delete",
        "system.mailbox.ssl": "starttls",
        "system.mailbox.use_message_id_as_uid": True,
        "items.type": "UserRequest",
        "items.priority": "High",
        "items.log_field": "note",
        "items.threading.title_pattern": "/R-([0-9]{6})/",
        "gates.unknown_sender": "reject",
        "gates.default_title": "No subject",
        "gates.maximum_email_size": "10 MB",
        "people.unknown_sender_reply": "unknown_sender",
        "people.create_defaults": {"first_name": "Unknown", "last_name": "Caller"},
        "errors.forward_to": ["admin@example.com"],
        "errors.from": "itop@example.com",
        "body.body_parts_order": ["text/plain", "text/html"],
        "body.html_tags_to_remove": ["blockquote", "div.gmail_quote", "div.moz-cite-prefix"],
        "body.multiline_delimiter_patterns": [
            r"/\RFrom: .+\RSent: .+\R/m", r"/\RDe : .+\RDate d'envoi : .+\R/m",
        ],
        "attachments.exclude_attachment_types": ["application/exe"],
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    text = made("itop", "itop.xml", "itop.php").text
    for said in (
        r"the pattern /\TO:.+\RCC:/m cannot be used: \T has no meaning",
        "ticket_default_values service_id = 153, itop.xml:19:",
        "stimuli = pending:ev_assign",
        "import_additional_contacts = only_on_creation",
    ):
        assert said in text


def test_an_export_of_itop_in_csv_has_the_names_of_its_form() -> None:
    found = options("itop", "itop.csv")
    assert (found["system.mailbox.protocol"], found["items.type"], found["items.behavior"]) == ("pop3", "Incident", "create")  # fmt: skip


def test_an_account_of_eventum_as_a_row_a_form_and_the_setup() -> None:
    found = options("eventum", "eventum.sql", "setup.php")
    expected = {
        "system.mailbox.protocol": "imap",
        "system.mailbox.ssl": True,
        "system.mailbox.ssl_verification": False,
        "system.mailbox.query": "UNSEEN UNANSWERED",
        "system.mailbox.after_success": "delete",
        "items.threading.plus_item": r"/^issue_(\d+)$/",
        "items.threading.plus_note": r"/^note_(\d+)$/",
        "smtp.host": "localhost",
        "smtp.from": "Eventum <issues@example.com>",
    }
    assert {name: found.get(name) for name in expected} == expected
    found = options("eventum", "eventum.json")
    assert (found["system.mailbox.ssl"], found["system.mailbox.after_success"]) == ("starttls", "keep")
    assert "system.mailbox.query" not in found


def test_a_value_that_stands_in_a_variable_is_left_to_a_person() -> None:
    settings = [Given("host", "${HOST}", 1, 1, "x"), Given("username", "a@example.com", 1, 1, "x")]
    translated = translate(settings, "redmine", OURS)
    assert "write the value of HOST into mailbox.host" in translated.left


def test_what_the_loader_refuses_is_taken_out_and_named() -> None:
    settings = [
        Given("host", "not a host!", 1, 1, "x"),
        Given("port", "70000", 1, 1, "x"),
        Given("folder", "A", 1, 1, "x"),
    ]
    translated = translate(settings, "redmine", OURS)
    assert any(each.startswith("set system.mailbox.port: what stood there is refused") for each in translated.left)


def test_a_comment_of_theirs_ends_no_line_of_ours() -> None:
    settings = [Given("title_pattern", 'x\n[gates]\ndmarc = "off"\n(', 1, 1, 'x\n"')]
    text = translate(settings, "itop", OURS).text
    assert "dmarc" not in flat(tomllib.loads(text)) and 'dmarc = "off"' not in text.split("\n")


NAMES = [(system, name) for system, table in SYSTEMS.items() for row in table.rows for name in row.names]


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.one_of(st.sampled_from(["1", "0", "yes", "all", "imap", "a,b", "x\ny:z", "/(/", "[", "'\"\\"]), st.text(max_size=40))), max_size=12), st.sampled_from(sorted(SYSTEMS)))  # fmt: skip
@example([(("eventum", "smtp.host"), "1"), (("eventum", "smtp.username"), "1")], "eventum")
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_the_values_are_the_file_loads(said: list[Any], system: str) -> None:
    mine = [
        Given(name, value, number, 1, "x") for number, ((whose, name), value) in enumerate(said, 1) if whose == system
    ]
    translated = translate(mine, system, OURS)
    assert parse(translated.text, OURS, {}).path == OURS
    secrets = [each.value for each in mine if "password" in each.name and len(each.text) > 8]
    assert not [each for each in secrets if f'"{each}"' in translated.text]


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_row_sets_only_what_it_says(system: str) -> None:
    from engine.moving.settings.made import Made

    tried = ("1", "0", "yes", "imap", "pop3", "imap/ssl/novalidate-cert", "force", "create", "accept", "all", "a, b", "10M", "100x20", "x@example.com", "(a)", "never", "keep", "delete", "move", "reject_email", "create_contact", "both", "enabled", "disabled", "private_log", "priority:High", "first_name:A", "text/html", "novalidate-cert")  # fmt: skip
    for row in SYSTEMS[system].rows:
        found = set().union(*(_set_by(row, name, value, Made(system)) for name in row.names for value in tried))
        assert {each for each in found if not _is_told(each, row)} == set(), row.names


def _set_by(row: Row, name: str, value: str, made: Any) -> set[str]:
    row.act(made, Given(name, value, 1, 1, "x"))
    return {f"{table}.{option}" for table, found in made.options.items() for option in found}


def _is_told(option: str, row: Row) -> bool:
    plain = option.removeprefix("system.") if option.startswith("system.mailbox") else option
    return plain in row.ours or plain in ("mailbox.host", "items.threading.subject_needs_sender", "gates.unknown_sender", "items.status", "items.title_prefix")  # fmt: skip
