"""docs/coming-from.md: its options exist, its fragments load, and what it says of old threads is what happens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli.main import allegra
from engine.config import ConfigError, parse

ROOT = Path(__file__).resolve().parents[1]
EXPORTS = ROOT / "tests" / "moving" / "exports"
PAGE = (ROOT / "docs" / "coming-from.md").read_text("utf-8")
SCHEMA = json.loads((ROOT / "allegra.schema.json").read_text("utf-8"))
SYSTEMS = ("OpenProject and Redmine", "Eventum", "iTop", "Allegra, Track+, Genji")


def section(head: str) -> str:
    """What stands below a heading of the page."""
    return PAGE.partition(f"\n## {head}\n")[2].partition("\n## ")[0]


def blocks(text: str = PAGE) -> list[tuple[str, str]]:
    """Every block of TOML or CSV, with the file that its first line names."""
    return re.findall(r"^```(?:toml|csv)\n# ([\w./]+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def fragment(system: str) -> str:
    return dict(blocks(section(system)))["allegra.toml"]


def cells(text: str) -> Iterator[list[str]]:
    """The rows of the tables, without their heads."""
    for table in re.findall(r"^\|(?:-+\|)+\n((?:\|.*\n)+)", text, re.MULTILINE):
        yield from ([cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines())


def is_option(name: str) -> bool:
    """Tell whether the schema knows an option; `mailbox.` stands for those of any mailbox, NAME for any name."""
    table, path = SCHEMA, re.sub(r"^mailbox\.", "defaults.mailbox.", name).split(".")
    for key in path:
        inner = table.get("properties", {}).get(key)
        if inner is None and key == "NAME":
            inner = table.get("additionalProperties")
        if not isinstance(inner, dict):
            return False
        reference = inner.get("$ref", "").rpartition("/")[2]
        table = SCHEMA["$defs"][reference] if reference else inner
    return True


def named(text: str) -> list[str]:
    """What stands in a cell as code and looks like an option."""
    sections = "|".join(("mailbox", *SCHEMA["properties"]))
    return re.findall(rf"`((?:{sections})\.[\w.]+)`", text)


def test_every_option_that_the_tables_name_is_in_the_schema() -> None:
    options = [name for row in cells(PAGE) for cell in row for name in named(cell)]
    assert len(options) > 150
    assert [name for name in options if not is_option(name)] == []
    assert not is_option("items.colour") and not is_option("mailbox.colour") and not is_option("webhooks.NAME.colour")


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_setting_of_theirs_has_one_of_ours_or_says_that_there_is_none(system: str) -> None:
    rows = list(cells(section(system)))
    assert len(rows) >= 15
    assert [row for row in rows if len(row) != 3] == []
    assert [row for row in rows if not (named(row[1]) or row[1] == "–" or row[1].startswith("`allegra "))] == []


def test_every_block_says_which_file_it_is() -> None:
    assert len(blocks()) == PAGE.count("```toml") + PAGE.count("```csv") == len(SYSTEMS) + 3


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_fragment_of_a_system_loads(system: str, tmp_path: Path) -> None:
    config = parse(fragment(system), tmp_path / "allegra.toml", {})
    assert "support" in config.workspaces


def test_names_and_patterns_of_itop_are_read_and_what_re2_cannot_run_is_refused(tmp_path: Path) -> None:
    text = "body.multiline-delimiter-patterns = ['/\\RFrom: .+\\R/m']\n" + fragment("iTop")
    assert len(parse(text, tmp_path / "allegra.toml", {}).settings("").body.multiline_delimiter_patterns) == 1
    with pytest.raises(ConfigError):
        parse(text.replace("\\RFrom", "\\TO"), tmp_path / "allegra.toml", {})


CUSTOMER = """
[[users]]
login  = "carl"
emails = ["carl@example.com"]
[[roles]]
name        = "customer"
permissions = ["add_items"]
[[members]]
user      = "carl"
workspace = "support"
role      = "customer"
[[users]]
login  = "guest"
status = "guest"
"""
Told = tuple[str, str, str]
OLD_ID = "<op.work_package-1234@old.example.com>"


class Moved:
    """A system that has just moved: the files of the page in a folder, and its data loaded."""

    def __init__(self, folder: Path, system: str, more: str = CUSTOMER) -> None:
        self.folder = folder
        files = dict(blocks()) | {"allegra.toml": fragment(system), "more.toml": more}
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        self.call("db", "migrate")
        self.call("import", "people", str(folder / "users.csv"))
        for name in ("items.toml", "more.toml"):
            self.call("admin", "load", str(folder / name))

    def call(self, *words: str, code: int = 0, stdin: str = "", environ: dict[str, str] | None = None) -> str:
        environ = {"ALLEGRA__GATES__TRUSTED_AUTHSERV_IDS": '["mx.example.com"]'} | (environ or {})
        config = ("--config", str(self.folder / "allegra.toml"))
        done = CliRunner().invoke(allegra, [*config, *words], stdin, environ, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout

    def decide(self, *, mailbox: str = "system", dmarc: str = "pass", text: str = "Thanks", **fields: str) -> Told:
        """Decide about one mail and keep nothing: the outcome, its code, and the item."""
        header = {
            "Authentication-Results": f"mx.example.com; dmarc={dmarc} header.from=example.com",
            "From": fields.pop("sender", "anna@example.com"),
            "To": "support@example.com",
            "Subject": "Re: The printer",
            "Message-ID": "<new@example.com>",
            "Date": "Sat, 28 Nov 2026 10:00:00 +0000",
        } | {name.capitalize().replace("_", "-"): value for name, value in fields.items()}
        mail = self.folder / "one.eml"
        mail.write_text("".join(f"{name}: {value}\n" for name, value in header.items()) + f"\n{text}\n", "utf-8")
        self.told = json.loads(self.call("explain", "--mailbox", mailbox, "--json", str(mail)))
        return self.told["outcome"], self.told["code"], str(self.told["item"] or "")


COMMENT = ("comment", "draft.comment", "1234")


@pytest.mark.parametrize(
    ("system", "field", "value", "mailbox"),
    [
        (SYSTEMS[0], "subject", "Re: [Support - Bug #1234] The printer", "system"),
        (SYSTEMS[0], "subject", "Re: [#1234] The printer", "system"),
        (SYSTEMS[1], "to", "issue-1234@example.com", "system"),
        (SYSTEMS[2], "subject", "Re: R-001234 The printer", "support"),
        (SYSTEMS[3], "subject", "AW: Re: 1234: The printer", "system"),
        (SYSTEMS[3], "subject", "Re: The printer [#1234]", "system"),
    ],
)
def test_F108_F109_an_answer_to_the_old_system_finds_its_item(
    tmp_path: Path, system: str, field: str, value: str, mailbox: str
) -> None:
    assert Moved(tmp_path, system).decide(mailbox=mailbox, **{field: value}) == COMMENT


@pytest.mark.parametrize(
    ("system", "theirs", "field", "value", "mailbox"),
    [
        (SYSTEMS[0], "redmine", "references", "<redmine.issue-2.20080101120000@old.example.com>", "system"),
        (SYSTEMS[0], "redmine", "in_reply_to", "<redmine.issue-2.20261128.7.ab12cd@old.example.com>", "system"),
        (SYSTEMS[0], "redmine", "subject", "Re: [Support - Feature #2] The printer", "system"),
        (SYSTEMS[0], "openproject", "references", "<op.work_package-2@old.example.com>", "system"),
        (SYSTEMS[0], "openproject", "subject", "AW: [OpenProject - Task #2] The printer", "system"),
        (SYSTEMS[1], "eventum", "to", "issue-2@example.com", "system"),
        (SYSTEMS[1], "eventum", "subject", "Re: [#2] The printer", "system"),
        (SYSTEMS[2], "itop", "references", "<iTop_UserRequest_2_17643@x.openitop.org>", "support"),
        (SYSTEMS[2], "itop", "subject", "Re: I-000002 The printer", "support"),
    ],
)
def test_F106_F108_F109_a_reply_in_flight_finds_its_item_once_the_threads_are_brought_in(
    tmp_path: Path, system: str, theirs: str, field: str, value: str, mailbox: str
) -> None:
    moved = Moved(tmp_path, system)
    before = moved.decide(mailbox=mailbox, **{field: value})
    assert before[2] == ""
    moved.call("import", "threads", str(tmp_path / "threads.csv"), "--from", theirs)
    assert moved.decide(mailbox=mailbox, **{field: value}) == COMMENT
    assert '"by":"imported"' in json.dumps(moved.told, separators=(",", ":"))


@pytest.mark.parametrize("field", [{"references": "<redmine.issue-2.1@h>"}, {"subject": "Re: [Support - Bug #2] x"}])
def test_F046_a_marker_of_theirs_counts_only_from_who_is_on_the_item(tmp_path: Path, field: dict[str, str]) -> None:
    moved = Moved(tmp_path, SYSTEMS[0])
    moved.call("import", "threads", str(tmp_path / "threads.csv"), "--from", "redmine")
    assert moved.decide(sender="carl@example.com", **field) == ("created", "draft.created", "")
    assert "claims #1234" in json.dumps(moved.told)
    assert moved.decide(sender="stranger@else.example", **field)[1] == "gate.unknown_sender"
    assert moved.decide(dmarc="fail", **field)[:2] == ("held", "gate.dmarc")


def test_without_that_the_references_of_the_old_system_say_nothing(tmp_path: Path) -> None:
    assert Moved(tmp_path, SYSTEMS[0]).decide(references=OLD_ID)[0] == "created"


def test_the_commands_of_the_page_move_a_redmine_and_a_reply_in_flight_lands_on_its_item(tmp_path: Path) -> None:
    for name, text in (dict(blocks()) | {"allegra.toml": ""}).items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "allegra.toml").unlink()
    for each in (EXPORTS / "redmine.cron", EXPORTS / "settings.yml"):
        (tmp_path / each.name).write_bytes(each.read_bytes())
    moved = Moved.__new__(Moved)
    moved.folder = tmp_path
    (commands,) = re.findall(r"^```sh\n(allegra import settings.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for line in commands.splitlines():
        words = [str(tmp_path / each) if re.search(r"\.\w+$", each) else each for each in line.split()[1:]]
        moved.call(*words, environ={"ALLEGRA_IMAP_PASSWORD": "x"})
    for reply in (
        {"references": "<redmine.issue-2.20080101120000@old.example.com>"},
        {"subject": "Re: [Support - Feature #2] The printer"},
    ):
        assert moved.decide(**reply) == COMMENT


def test_F046_a_number_does_not_count_from_who_is_not_on_the_item(tmp_path: Path) -> None:
    moved = Moved(tmp_path, SYSTEMS[0])
    assert moved.decide(sender="carl@example.com", subject="Re: [#1234] x") == ("created", "draft.created", "")
    assert "claims #1234" in json.dumps(moved.told)
    assert moved.decide(subject="Re: [#9999] x")[:2] == ("held", "thread.item_gone")


def test_F046_email_blocking_of_eventum_is_a_note_from_whoever_is_not_on_the_issue(tmp_path: Path) -> None:
    moved = Moved(tmp_path, SYSTEMS[1])
    for sender in ("carl@example.com", "stranger@else.example"):
        assert moved.decide(sender=sender, to="issue-1234@example.com") == ("note", "thread.stranger", "1234")


def test_F055_the_guest_needs_a_role_where_a_workspace_is_not_public(tmp_path: Path) -> None:
    moved = Moved(tmp_path, SYSTEMS[1])
    stranger = "stranger@else.example"
    assert moved.decide(sender=stranger)[:2] == ("rejected", "draft.no_permission")
    moved.call("workspace", "add", "support", "--public")
    assert moved.decide(sender=stranger)[0] == "created"


def test_a_workspace_is_public_unless_something_else_is_said(tmp_path: Path) -> None:
    moved = Moved(tmp_path, SYSTEMS[0], '[[workspaces]]\nidentifier = "loaded"\n')
    moved.call("workspace", "add", "added")
    listed = [json.loads(line) for line in moved.call("workspace", "list", "--json").splitlines()]
    assert {each["workspace"]: each["public"] for each in listed} == {"support": False, "loaded": True, "added": True}


def test_F070_status_is_a_keyword_only_where_it_is_named(tmp_path: Path) -> None:
    moved = Moved(tmp_path, SYSTEMS[0])
    keyword = {"subject": "Re: [#1234] x", "text": "Status: Closed\n\nDone."}
    moved.decide(**keyword)
    assert '"keywords.set"' in json.dumps(moved.told)
    assert moved.decide(**keyword, dmarc="none") == COMMENT
    assert '"keywords.set"' not in json.dumps(moved.told)
    by_default = parse(fragment("Eventum"), tmp_path / "x.toml", {}).settings("").items
    assert by_default.allow_override == ("type", "priority", "due_date", "start_date", "done_ratio")


def test_F061_a_suffix_is_looked_for_in_the_account_and_not_taken_off_the_sender(tmp_path: Path) -> None:
    moved = Moved(tmp_path, SYSTEMS[0], CUSTOMER.replace("carl@", "carl+work@"))
    assert moved.decide(sender="carl@example.com")[0] == "created"
    assert moved.decide(sender="anna+home@example.com")[1] == "gate.unknown_sender"


def test_F040_robots_are_discarded_as_in_redmine_and_held_where_nothing_is_said(tmp_path: Path) -> None:
    robot = {"auto_submitted": "auto-generated", "subject": "Disk full"}
    (tmp_path / "redmine").mkdir()
    (tmp_path / "itop").mkdir()
    assert Moved(tmp_path / "redmine", SYSTEMS[0]).decide(**robot)[:2] == ("discarded", "gate.auto_reply")
    assert Moved(tmp_path / "itop", SYSTEMS[2]).decide(mailbox="support", **robot)[:2] == ("held", "gate.auto_reply")


def test_new_items_count_on_from_the_highest_number_that_was_loaded(tmp_path: Path) -> None:
    moved = Moved(tmp_path, SYSTEMS[1])
    mail = "From: anna@example.com\nTo: support@example.com\nSubject: New\nMessage-ID: <1@example.com>\n\nText\n"
    moved.call("deliver", "--recipient", "support@example.com", stdin=mail)
    moved.call("run")
    assert [json.loads(line)["id"] for line in moved.call("item", "list", "--json").splitlines()] == [1235, 1234]


@pytest.mark.parametrize(
    ("table", "key"),
    [("users", "password"), *(("items", key) for key in ("attachments", "created", "parent"))],
)
def test_what_loading_does_not_take_is_refused(tmp_path: Path, table: str, key: str) -> None:
    moved = Moved(tmp_path, SYSTEMS[0])
    (tmp_path / "wrong.toml").write_text(f'[[{table}]]\n{key} = "x"\n', "utf-8")
    assert f'{table} have no "{key}"' in moved.call("admin", "load", str(tmp_path / "wrong.toml"), code=1)
