"""`allegra templates` as who writes templates types it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databases
import pytest
from click.testing import CliRunner, Result
from servers.limits import no_file_above

from engine.cli.main import allegra
from engine.config import load
from engine.decision import tokens
from engine.outbox.templates import LANGUAGES, NAMES
from engine.store.store import Store
from engine.workbench import template_trial

CONFIG = """
[instance]
name = "Example help desk"
[system.mailbox]
protocol = "maildir"
path = "mail"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
rules = "support.toml"
[workspace.sales]
name = "Sales"
"""
RULES = """
[[rule]]
name = "VIPs"
when = 'subject contains "x"'
then = ['reply with template "vip"']
"""


class Installation:
    """A folder with a configuration, a database, an item and a mail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / part).mkdir(parents=True)
        self.configure()
        (folder / "support.toml").write_text(RULES, "utf-8")

    def configure(self, more: str = "") -> None:
        databases.configured(self.folder, CONFIG + more)

    def put(self, name: str, text: str) -> None:
        file = self.folder / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(allegra, ["templates", *words], catch_exceptions=False)

    def lines(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*words, "--json").stdout.splitlines()]

    def outbox(self) -> int:
        with Store.open(databases.place(self.folder / databases.FILE)) as store:
            return int(store.database.one("SELECT COUNT(*) FROM outbox")[0])


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Installation]:
    before = Path.cwd()
    made = Installation(tmp_path)
    os.chdir(tmp_path)
    yield made
    os.chdir(before)


@pytest.fixture
def desk(run: Installation) -> Installation:
    """With Anna inside, and Jane's mail that became an item and was answered."""

    def at(*words: str) -> None:
        assert CliRunner().invoke(allegra, words, catch_exceptions=False).exit_code == 0, words

    at("db", "migrate")
    at("workspace", "add", "support", "--name", "Support")
    at("user", "add", "anna", "--name", "Anna Berg", "--email", "anna@example.com", "--admin")
    at("user", "add", "jane", "--name", "Jane Doe", "--email", "jane@big.example")
    run.configure('[workspace.support.mailbox]\nprotocol="maildir"\npath="box"\naddresses=["support@example.com"]\n')
    for part in ("new", "cur", "tmp"):
        (run.folder / "box" / part).mkdir(parents=True)
    (run.folder / "box" / "new" / "1").write_bytes(
        b"From: Jane Doe <jane@big.example>\nTo: support@example.com\nMessage-ID: <m1@big.example>\n"
        b"Date: Fri, 20 Nov 2026 10:30:00 +0000\nSubject: Printer broken\n\nIt is on fire.\n"
    )
    at("run")
    at("item", "assign", "1", "anna", "--as", "anna")
    at("item", "answer", "1", "-m", "Which printer?", "--as", "anna", "--anyway")
    at("item", "note", "1", "-m", "She is a pain.", "--as", "anna")
    return run


# ── list, show, copy ──────────────────────────────────────────────────────────────────────────────────────────


def test_F141_the_list_tells_every_name_and_language_and_what_sends_it(run: Installation) -> None:
    found = run.lines("list")
    assert {each["schema"] for each in found} == {"allegra.template/1"}
    assert {(each["name"], each["language"]) for each in found} == {
        *((name, language) for name in NAMES for language in LANGUAGES), ("layout.html", None)
    }  # fmt: skip
    uses = {each["name"]: each["used_by"] for each in found}
    assert uses["ack"] == ["replies.new_item"] and uses["closed"] == ["item.closed"] and uses["held"] == []
    assert {each["from"] for each in found} == {"built in"}


def test_the_list_tells_files_settings_and_rules(run: Installation) -> None:
    run.configure('[replies]\nheld = "held"\n')
    run.put("vip.de.txt", "Subject: x\n\nx\n")
    run.put("notify.en.txt", "Subject: x\n\nx\n")
    run.put("sales/ack.en.txt", "Subject: x\n\nx\n")
    run.put("layout.html", "{{ content }}")
    found = {(each["name"], each["language"], each["from"]): each["used_by"] for each in run.lines("list")}
    assert found["vip", "de", "templates/vip.de.txt"] == ["support.toml rule 1"]
    assert found["held", "en", "built in"] == ["replies.held", "replies.held of support", "replies.held of sales"][:1]
    assert ("closed", "en", "templates/notify.en.txt") in found and ("closed", "en", "built in") not in found
    assert {origin for name, language, origin in found if (name, language) == ("ack", "en")} == {
        "built in", "templates/sales/ack.en.txt"
    }  # fmt: skip
    assert ("layout.html", None, "templates/layout.html") in found
    mine = {(each["name"], each["from"]) for each in run.lines("list", "--workspace", "sales")}
    assert ("ack", "templates/sales/ack.en.txt") in mine


def test_a_template_is_shown_as_it_is_written(run: Installation) -> None:
    run.put("sales/ack.en.txt", "Subject: {{ title }}\n\nSales\n")
    assert run("show", "ack", "--workspace", "sales").stdout == "Subject: {{ title }}\n\nSales\n"
    assert "wir haben Ihre Nachricht" in run("show", "ack", "--language", "de").stdout
    assert "{{ sentence }}" in run("show", "closed").stdout and "{{ content }}" in run("show", "layout").stdout
    (line,) = run.lines("show", "ack", "--language", "fr")
    assert (line["language"], line["from"], line["used_by"]) == ("fr", "built in", ["replies.new_item"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(("show", "akc"), 1, "did you mean  ack ?"), (("show", "ack", "--language", "zh"), 2, "languages are en de"),
     (("copy", "../x"), 1, "there is no template"), (("preview", "akc"), 1, "did you mean  ack ?"),
     (("show", "ack", "--workspace", "nix"), 2, "there is no workspace"),
     (("copy", "ack", "--to", "x", "--workspace", "sales"), 2, "give one of them"),
     (("preview", "ack", "--item", "1", "--mail", "last"), 2, "give one of them"),
     (("preview", "ack", "--item", "999"), 1, "there is no item #999"),
     (("preview", "ack", "--mail", "m-1"), 1, "there is no mail m-1"),
     (("preview", "ack", "--to", "nobody"), 1, "nobody here is called nobody")],
)  # fmt: skip
def test_what_is_not_there_is_said_with_what_was_meant(
    run: Installation, words: tuple[str, ...], code: int, said: str
) -> None:
    result = run(*words)
    assert result.exit_code == code and said in result.stderr


def test_a_copy_is_what_is_built_in_and_writes_over_nothing(run: Installation) -> None:
    assert run("copy", "closed", "--language", "de").exit_code == 0
    file = run.folder / "templates" / "closed.de.txt"
    assert file.read_text("utf-8") == run("show", "notice", "--language", "de").stdout
    file.write_text("Subject: mine\n\nx\n")
    again = run("copy", "closed", "--language", "de")
    assert again.exit_code == 1 and "--force" in again.stderr and "mine" in file.read_text()
    assert run("copy", "closed", "--language", "de", "--force").exit_code == 0 and "mine" not in file.read_text()
    (line,) = run.lines("copy", "notify", "--workspace", "sales")
    assert line["name"] == "notice" and (run.folder / "templates/sales/notice.en.txt").exists()
    run("copy", "layout", "--to", "elsewhere")
    assert (run.folder / "elsewhere" / "layout.html").exists()
    run("copy", "layout")
    checked = run("check")
    assert checked.exit_code == 0 and "3 files looked through, 1 problem" in checked.stdout, "the rule has no vip"


def test_half_a_copy_is_not_left_behind_where_the_disk_is_full(run: Installation, tmp_path: Path) -> None:
    with no_file_above(5), pytest.raises(OSError):
        run("copy", "closed", "--to", str(tmp_path / "mine"))
    assert list((tmp_path / "mine").iterdir()) == []
    assert run("copy", "closed", "--to", str(tmp_path / "mine")).exit_code == 0


def test_every_text_built_in_is_sound_as_a_copy(run: Installation) -> None:
    (run.folder / "support.toml").write_text("", "utf-8")
    for name in (*NAMES, "layout"):
        assert run("copy", name, "--language", "ja").exit_code == 0
    result = run("check")
    assert result.exit_code == 0 and f"{len(NAMES) + 1} files looked through, no problems" in result.stdout


def test_check_finds_files_settings_and_rules(run: Installation) -> None:
    run.put("ack.en.txt", "Subject: {{ tilte }}\n\nx\n")
    run.put("layout.html", "<html>")
    run.put("held.en.html", "<p>")
    run.configure('[replies]\nrejected = "rejectd"\n[workspace.sales.people]\nunknown_sender_reply = "nix"\n')
    result = run("check")
    assert result.exit_code == 1
    for said in (
        'error[C183]: there is no "tilte"', " --> templates/ack.en.txt:1:13", "did you mean  title ?", "error[C182]",
        "warning[C180]: held.en.html", 'error[C184]: there is no template for replies.rejected = "rejectd"',
        "did you mean  rejected ?", 'people.unknown_sender_reply = "nix"', "warning[W446]",
        'there is no template called "vip"', 'rejected = "rejectd"',
    ):  # fmt: skip
        assert said in result.stderr, said
    lines = {line["checked"]: line for line in run.lines("check")}
    assert not lines["templates/ack.en.txt"]["ok"] and lines["templates/ack.en.txt"]["problems"][0]["line"] == 1
    assert lines["templates/held.en.html"]["ok"] and lines["support.toml"]["problems"][0]["code"] == "W446"


def test_check_finds_what_no_mail_is_made_of(run: Installation) -> None:
    for name in ("acknowledge.en.txt", "vip.en.txt", "suport/ack.en.txt", "sales/ack.en.txt", "notify.en.txt"):
        run.put(name, "Subject: x\n\nx\n")
    result = run("check")
    assert result.exit_code == 0 and result.stderr.count("C180") == 2
    assert "acknowledge.en.txt is not used: no setting and no rule names acknowledge" in result.stderr
    assert "ack.en.txt is not used: there is no workspace suport" in result.stderr
    assert "did you mean  support ?" in result.stderr
    (run.folder / "support.toml").write_text(RULES.replace('"vip"', '"{subject}"'), "utf-8")
    assert run("check").stderr.count("C180") == 1, "a rule that makes a name of a mail may mean any"
    (run.folder / "support.toml").write_text("[[rule]]", "utf-8")
    assert "acknowledge" not in run("check").stderr, "nobody knows what a rule file says that does not load"


# ── preview ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_every_template_can_be_previewed_without_anything(run: Installation, name: str) -> None:
    result = run("preview", name)
    assert result.exit_code == 0 and "\nTo: " in result.stdout and "\n\n" in result.stdout
    assert run("preview", name, "--language", "ja").exit_code == 0
    assert not (run.folder / databases.FILE).exists(), "to look makes no database"


def test_a_preview_indents_lines_as_the_mail_does(run: Installation) -> None:
    shown = run("preview", "held_digest").stdout
    assert "\n    max@example.org is not known here (gate.unknown_sender" in shown


def test_a_preview_tells_what_happened_to_the_item_and_leaves_nothing(desk: Installation) -> None:
    before = desk.outbox()
    answer = desk("preview", "answer", "--item", "1").stdout
    assert "To: jane@big.example" in answer and "From: Anna Berg via Support" in answer
    assert "Which printer?" in answer and "> It is on fire." in answer and "Auto-Submitted" not in answer
    noted = desk("preview", "noted", "--item", "1").stdout
    assert "To: anna@example.com" in noted and "She is a pain." in noted and "Anna Berg left an internal note" in noted
    assigned = desk("preview", "assigned", "--item", "1", "--language", "de").stdout
    assert "Anna Berg hat [#1]" in assigned and "zugewiesen" in assigned and "Support · New" in assigned
    ack = desk("preview", "ack", "--item", "1").stdout
    assert "In-Reply-To: <m1@big.example>" in ack and "Hello Jane Doe" in ack
    assert desk.outbox() == before


def test_somebody_outside_is_shown_what_people_outside_may_see(desk: Installation) -> None:
    for template in ("noted", "closed", "changed"):
        shown = desk("preview", template, "--item", "1", "--to", "jane").stdout
        assert "To: jane@big.example" in shown and "pain" not in shown and "Support · New" not in shown
    assert "Support · New" in desk("preview", "closed", "--item", "1", "--to", "anna").stdout


def test_a_preview_shows_a_long_sender_without_blanks_that_are_not_in_it(desk: Installation) -> None:
    desk.configure('[replies]\nfrom = "A department with quite a long name indeed, and a comma <help@example.com>"\n')
    shown = desk("preview", "answer", "--item", "1").stdout
    assert (
        "\nFrom: Anna Berg via A department with quite a long name indeed, and a comma <help@example.com>\n"
        in f"\n{shown}"
    )
    desk.configure('[replies]\nfrom = "Bücher und Akten der Universitätsbibliothek Göttingen <help@example.com>"\n')
    assert (
        "via Bücher und Akten der Universitätsbibliothek Göttingen <" in desk("preview", "answer", "--item", "1").stdout
    )


def test_a_preview_of_a_mail(desk: Installation) -> None:
    shown = desk("preview", "rejected", "--mail", "last").stdout
    assert "To: jane@big.example" in shown and "Subject: Not accepted: Printer broken" in shown
    report = desk("preview", "report", "--mail", "last", "--to", "it@example.com").stdout
    assert "[original.eml" in report and "[trace.txt" in report and "To: it@example.com" in report


def test_a_preview_in_html_and_as_json(desk: Installation) -> None:
    desk.put("ack.en.txt", "Subject: Hi {{ item }}\n\nHello\n")
    desk.put("ack.en.html", "<h1>{{ title }}</h1>")
    (line,) = desk.lines("preview", "ack", "--item", "1", "--html", "page.html")
    assert dict(line["headers"])["Subject"] == "Hi 1" and line["text"] == "Hello\n" and line["replaced"] is None
    assert "<h1>Printer broken</h1>" in line["html"] == (desk.folder / "page.html").read_text()
    assert "it has no HTML" in desk("preview", "held", "--html", "page.html").stderr


def test_a_template_that_fails_is_told_and_the_text_built_in_is_shown(run: Installation) -> None:
    run.put("ack.en.txt", "Subject: x\n\n{{ nosuch }}\n")
    result = run("preview", "ack")
    assert result.exit_code == 1 and "we have received your message" in result.stdout
    assert "template ack, line 3: 'nosuch' is undefined; what is built in would go out" in result.stderr


def test_a_sample_leads_nowhere_and_says_what_the_configuration_says(desk: Installation) -> None:
    shown = desk("preview", "closed").stdout
    assert "From: Bob Baker via Support <help@example.com>" in shown or "<support@example.com>" in shown
    (token,) = re.findall(r"\+(i4711-1\.\w+)@", shown)
    config = load(desk.folder / "allegra.toml")
    assert tokens.read(token, template_trial.NO_SECRET) and tokens.read(token, config.instance.secret()) is None


# ── a signature of one's own ──────────────────────────────────────────────────────────────────────────────────


def test_a_signature_is_set_shown_and_taken_away(desk: Installation) -> None:
    def at(*words: str, **more: Any) -> Result:
        return CliRunner().invoke(allegra, ["user", "signature", *words], catch_exceptions=False, **more)

    assert "anna has none" in at("anna").stdout
    assert at("anna", "--file", "-", input="Anna Berg\nIT\n").exit_code == 0
    assert at("anna@example.com").stdout == "Anna Berg\nIT\n"
    assert at("anna", "Anna, Support", "--workspace", "support").exit_code == 0
    assert "\nAnna, Support\n" in desk("preview", "answer", "--item", "1").stdout
    assert json.loads(at("anna", "--json").stdout)["signature"] == "Anna Berg\nIT"
    assert "IT" not in CliRunner().invoke(allegra, ["user", "notify", "anna"]).stdout, "it is nothing to hear of"
    assert at("anna", "--reset").exit_code == 0 and "none" in at("anna").stdout
    assert at("anna", " ").exit_code == 2 and at("anna", "x", "--reset").exit_code == 2
    assert at("nobody", "x").exit_code == 1 and at("anna", "x" * 2001).exit_code == 2
