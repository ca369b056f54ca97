"""Why: what a person is told about a mail."""

from __future__ import annotations

from typing import Any


def test_a_held_mail_is_explained_with_what_to_do(desk: Any) -> None:
    desk.mail("Help me", sender="stranger@elsewhere.example")
    (line,) = desk.run()
    told = desk.allegra("explain", line["mail"][:6]).stdout
    assert "HELD" in told
    assert "gate.unknown_sender" in told
    assert "sender unknown" in told
    assert "What you can do" in told
    assert "allegra held release" in told


def test_an_accepted_mail_is_explained_stage_by_stage(desk: Any) -> None:
    desk.mail("Printer broken")
    desk.run()
    told = desk.allegra("explain", "last").stdout
    assert "CREATED  support #1" in told
    for name in ("config", "limits", "route", "sender", "draft", "author", "participants"):
        assert name in told


def test_a_file_is_explained_without_keeping_anything(desk: Any, tmp_path: Any) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(b"From: anna@example.com\nTo: help@example.com\nSubject: From a file\n\nHello\n")
    told = desk.allegra("explain", str(path)).stdout
    assert "nothing was stored" in told
    assert desk.lines("mail", "list") == []


def test_a_mail_that_is_not_there_is_said_so(desk: Any) -> None:
    result = desk.allegra("explain", "m-0000")
    assert result.exit_code == 1
    assert "there is no mail" in result.stderr


def test_the_rules_of_then_are_told_although_the_file_has_changed(desk: Any) -> None:
    desk.configure(system='rules = "rules/system.toml"')
    desk.rules(
        "system.toml",
        '[[rule]]\nname = "Hold them"\nwhen = \'subject contains "pay"\'\nthen = [\'hold because "money"\']\n',
    )
    desk.mail("please pay")
    desk.run()
    desk.rules("system.toml", "# nothing any more\n")
    told = desk.allegra("explain", "last").stdout
    assert "Hold them" in told
    assert 'subject contains "pay"' in told
    assert "money" in told


HOLD = '[[rule]]\nname = "{name}"\nwhen = \'subject contains "pay"\'\nthen = [\'hold because "money"\']\n'


def test_rules_that_decided_nothing_yet_are_told_with_their_words(desk: Any, tmp_path: Any) -> None:
    desk.configure(system='rules = "rules/system.toml"')
    desk.rules("system.toml", HOLD.format(name="Hold them"))
    desk.mail("please pay")
    desk.run()
    desk.rules("system.toml", HOLD.format(name="Edited since"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "system.toml").write_text(HOLD.format(name="From a folder"))
    (tmp_path / "mail.eml").write_bytes(b"From: anna@example.com\nTo: help@example.com\nSubject: to pay\n\nHello\n")
    asked = [(("last",), "Hold them"), (("last", "--rules", "other"), "From a folder"), (("mail.eml",), "Edited since")]
    for arguments, name in asked:
        told = desk.allegra("explain", *arguments).stdout
        assert f"▶  1. {name}" in told and '✔ subject contains "pay"' in told and "is gone" not in told
        (data,) = desk.lines("explain", *arguments)
        (rule,) = data["trace"]["rules"][0]["rules"]
        assert (rule["rule"], rule["tree"]["label"]) == (name, 'subject contains "pay"')


def test_explain_json_holds_the_trace(desk: Any) -> None:
    desk.mail("Printer broken")
    desk.run()
    (told,) = desk.lines("explain", "last")
    assert told["schema"] == "allegra.explain/1"
    assert told["outcome"] == "created"
    assert told["trace"]["stages"][0]["name"] == "config"


def test_the_body_of_a_mail_is_in_no_trace(desk: Any) -> None:
    desk.mail("Printer broken", body="the secret word is xyzzy\n")
    desk.run()
    assert "xyzzy" not in desk.allegra("explain", "last", "--json").stdout


def test_a_note_by_a_stranger_is_explained_with_the_command_that_publishes_it(desk: Any) -> None:
    first = desk.mail("Printer broken")
    desk.run()
    desk.mail("Re: Printer broken", sender="jane@elsewhere.example", headers=(f"In-Reply-To: {first}",))
    assert [(line["outcome"], line["code"]) for line in desk.run()] == [("note", "thread.stranger")]
    said = desk.allegra("explain", "last").stdout
    assert "allegra item publish 1 NOTE   make it a comment" in said and "allegra held" not in said
