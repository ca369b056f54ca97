"""`allegra rules` as a person types it, over files and over stored mail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SYSTEM = """\
[lists]
vip = ["@big.example"]

[[rule]]
name = "Invoices"
when = 'subject contains "invoice"'
then = ['add label "money"', 'set priority "High"', 'route to workspace "finance"']

[[rule]]
name = "Nobody writes this"
when = 'subject contains "zzz" and not auto'
then = ['add label "z"']

[[test]]
name             = "invoices"
mail             = { subject = "invoice" }
expect_workspace = "finance"
"""


@pytest.fixture
def ruled(desk: Any) -> Any:
    """A desk with rules and three mails decided."""
    desk.configure(system='rules = "rules/system.toml"')
    desk.rules("system.toml", SYSTEM)
    for subject in ("An invoice", "Printer broken", "Another invoice"):
        desk.mail(subject)
    assert len(desk.run()) == 3
    return desk


def test_list_counts_hits(ruled: Any) -> None:
    first, second = ruled.lines("rules", "list")
    assert (first["name"], first["hits"], second["hits"]) == ("Invoices", 2, 0)
    assert first["last_hit"]
    assert "Invoices" in ruled.allegra("rules", "list").stdout


def test_hits_are_counted_by_name_when_the_file_changes(ruled: Any) -> None:
    ruled.rules("system.toml", "# moved down\n\n" + SYSTEM)
    assert ruled.lines("rules", "list")[0]["hits"] == 2


def test_try_asks_stored_mail(ruled: Any) -> None:
    *matches, summary = ruled.lines("rules", "try", 'subject contains "invoice"')
    assert summary["summary"] == {"matches": 2, "mails": 3}
    assert {match["subject"] for match in matches} == {"An invoice", "Another invoice"}
    assert "matches 2 of 3 mails" in ruled.allegra("rules", "try", 'subject contains "invoice"').stdout


def test_try_asks_files_and_shows_the_tree(ruled: Any, tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(b"From: Jo <jo@mail.big.example>\nTo: help@example.com\nSubject: Hi\n\nHello\n")
    result = ruled.allegra("rules", "try", 'from in list "vip" or subject is "Hi"', str(path))
    assert result.exit_code == 0
    assert '✘ from in list "vip"   ⟵ "jo@mail.big.example"   ← close: sub-domain of @big.example' in result.stdout
    (told,) = ruled.lines("rules", "try", 'subject is "No"', str(path))
    assert (told["matched"], told["tree"]["span"]) == (False, [0, 15])


def test_a_condition_that_makes_no_sense_is_underlined(ruled: Any) -> None:
    result = ruled.allegra("rules", "try", 'form is "x"')
    assert result.exit_code == 1
    assert "error[E130]" in result.stderr and "did you mean  from ?" in result.stderr


def test_test_runs_the_tests_beside_the_rules(ruled: Any) -> None:
    result = ruled.allegra("rules", "test")
    assert result.exit_code == 0
    assert "✔ invoices" in result.stdout and "1 passed, 0 failed" in result.stdout
    assert "coverage: 0 of 2 conditions seen true and false" in result.stdout
    ruled.rules("system.toml", SYSTEM.replace('expect_workspace = "finance"', 'expect_workspace = "support"'))
    result = ruled.allegra("rules", "test")
    assert result.exit_code == 1
    assert "✘ invoices" in result.stdout and 'expected  workspace "support"' in result.stdout


def test_a_stored_mail_may_stand_in_a_test(ruled: Any) -> None:
    held = ruled.lines("mail", "list", "subject:Printer")[0]["mail"]
    extra = f'\n[[test]]\nname = "stored"\nmail = "{held}"\nexpect_none = true\n'
    ruled.rules("system.toml", SYSTEM + extra)
    assert "✔ stored" in ruled.allegra("rules", "test").stdout


def test_coverage_names_what_no_test_sees(ruled: Any) -> None:
    result = ruled.allegra("rules", "coverage")
    assert result.exit_code == 1
    assert 'never false:  subject contains "invoice"' in result.stdout
    assert 'never true:  subject contains "zzz"' in result.stdout


def test_diff_against_the_deployed_rules(ruled: Any) -> None:
    same = ruled.lines("rules", "diff")[-1]["summary"]
    assert same == {"mails": 3, "outcomes": 0, "fields": 0, "unchanged": 3}
    done = """'add label "money"', 'set priority "High"', 'route to workspace "finance"'"""
    changed = SYSTEM.replace(done, "'hold because \"money\"'")
    assert changed != SYSTEM
    ruled.rules("system.toml", changed)
    *different, summary = ruled.lines("rules", "diff")
    assert summary["summary"]["outcomes"] == 2
    assert {(each["before"], each["after"], each["rule"]) for each in different} >= {
        ("created finance", "held", "Invoices")
    }
    told = ruled.allegra("rules", "diff").stdout
    assert "outcome changes: 2" in told and "created finance → held" in told and "unchanged: 1" in told


def test_diff_against_a_folder(ruled: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "system.toml").write_text("# no rules\n", encoding="utf-8")
    summary = ruled.lines("rules", "diff", "--against", str(other))[-1]["summary"]
    assert summary["outcomes"] == 2


def test_diff_against_what_was_decided_then(ruled: Any) -> None:
    ruled.rules("system.toml", "# no rules\n")
    *different, summary = ruled.lines("rules", "diff", "--against", "archive")
    assert summary["summary"]["outcomes"] == 2
    assert {(each["before"], each["after"]) for each in different} == {("created finance", "created support")}


def test_a_mail_that_differs_is_one_object_with_all_that_differs(ruled: Any) -> None:
    ruled.rules("system.toml", SYSTEM.replace('"money"', '"cash"').replace("finance", "support"))
    *different, summary = ruled.lines("rules", "diff")
    assert summary["summary"] == {"mails": 3, "outcomes": 2, "fields": 2, "unchanged": 1}
    assert len({each["mail"] for each in different}) == len(different) == 2
    assert all("labels money → cash" in each["fields"] for each in different)
    told = ruled.allegra("rules", "diff").stdout.splitlines()
    (labels,) = [line for line in told if "labels money → cash" in line]
    assert labels.split()[0] == "2" and '"An invoice", m-' in labels


def test_a_schema_of_the_rules_commands_stands_for_one_shape(ruled: Any) -> None:
    ruled.rules("system.toml", SYSTEM.replace('"money"', '"cash"'))
    shapes: dict[str, set[frozenset[str]]] = {}
    for command in ("list", "fields", "actions", "try auto", "test", "coverage", "diff", "fmt", "complete auto"):
        for line in ruled.lines("rules", *command.split(maxsplit=1)):
            if "summary" not in line:
                shapes.setdefault(line["schema"], set()).add(frozenset(line))
    assert [schema for schema, seen in shapes.items() if len(seen) > 1] == []
    assert set(shapes) >= {f"allegra.rules.{name}/1" for name in ("list", "fields", "actions", "set", "test", "diff")}


def test_fmt_writes_and_checks(ruled: Any) -> None:
    ruled.rules("system.toml", SYSTEM.replace("when = ", "when    =  ", 1))
    assert ruled.allegra("rules", "fmt", "--check").exit_code == 1
    assert ruled.allegra("rules", "fmt").exit_code == 0
    assert (ruled.folder / "rules" / "system.toml").read_text(encoding="utf-8") == SYSTEM
    assert ruled.allegra("rules", "fmt", "--check").exit_code == 0


def test_import_prints_a_rule_file(ruled: Any, tmp_path: Path) -> None:
    script = tmp_path / "a.sieve"
    script.write_text('if header :contains "subject" "x" { fileinto "Big Box"; }\nvirustest;\n', encoding="utf-8")
    result = ruled.allegra("rules", "import", str(script), "--map", "Big Box=finance")
    assert result.exit_code == 0
    assert 'route to workspace "finance"' in result.stdout
    assert "1 part was not translated" in result.stderr
    script.write_text("if {", encoding="utf-8")
    assert ruled.allegra("rules", "import", str(script)).exit_code == 1


def test_fields_actions_and_completion(ruled: Any) -> None:
    assert any(line.get("field") == "from.domain" for line in ruled.lines("rules", "fields"))
    assert any(line.get("action") == "no reply" for line in ruled.lines("rules", "actions"))
    assert ruled.lines("rules", "complete", "auth.dmarc is p")[0]["words"] == ["pass", "permerror"]
    assert "priority" in ruled.allegra("rules", "complete", "set p", "--action").stdout


def test_the_shell_completes_conditions() -> None:
    from engine.cli.rules import rules

    condition = rules.commands["try"].params[0]
    offered = condition.shell_complete(None, "auto and auth.dmarc is p")  # type: ignore[arg-type]
    assert [each.value for each in offered] == ["auto and auth.dmarc is pass", "auto and auth.dmarc is permerror"]


def test_broken_files_stop_the_commands_with_their_problems(ruled: Any) -> None:
    ruled.rules("system.toml", SYSTEM.replace("subject contains", "subjct contains", 1))
    for command in (["list"], ["test"], ["try", "auto"], ["diff"]):
        result = ruled.allegra("rules", *command)
        assert result.exit_code == 1, command
        assert "error[E130]" in result.stderr


def test_explain_tells_what_the_rules_did(ruled: Any) -> None:
    told = ruled.allegra("explain", "last").stdout
    assert " ▶  1. Invoices  (rules/system.toml:4)" in told
    assert '→ route to workspace "finance"' in told
    (data,) = ruled.lines("explain", "last")
    rule = data["trace"]["rules"][0]["rules"][0]
    assert (rule["rule"], rule["matched"], rule["tree"]["ok"]) == ("Invoices", True, True)
    assert json.dumps(data)


def test_F052_sender_of_a_forwarded_mail_becomes_the_author_for_a_forwarder_we_trust(desk: Any) -> None:
    desk.load(
        '[[users]]\nlogin = "carl"\nemails = ["carl@client.example"]\n[[groups]]\nname = "staff"\nmembers = ["carl"]\n'
    )
    desk.rules(
        "system.toml",
        "[[rule]]\nname = 'Passed on'\non = 'any'\n"
        'when = \'from is "anna@example.com" and subject starts with "Fwd:"\'\n'
        "then = ['set author to original sender']\n",
    )
    block = "---------- Forwarded message ----------\nFrom: Carl <carl@client.example>\nDate: Friday\nSubject: Lift\n"
    desk.mail("Fwd: Lift", body=f"Please help\n\n{block}\nIt is stuck.\n")
    desk.mail("Lift", body=f"Please help\n\n{block}\nIt is stuck.\n")
    assert [line["outcome"] for line in desk.run()] == ["created", "created"]
    assert [desk.item(number)["author"] for number in (1, 2)] == ["carl", "anna"]
