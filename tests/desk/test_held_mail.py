"""What a person sees of a held mail, and a sender who is known from now on."""

from __future__ import annotations

from typing import Any

import pytest

from engine.desk import held as desk_held

SMTP = '[smtp]\nhost = "127.0.0.1"\nport = 9\nssl = false\nfrom = "help@example.com"\n'
"""A mail server that never answers, so that what is to be sent stays queued."""

STRANGER = "Max Stranger <max@elsewhere.example>"
PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=elsewhere.example"
FORGED = "Authentication-Results: mx.example.com; dmarc=fail header.from=elsewhere.example"

WITH_FILE = b"""\
From: Max Stranger <max@elsewhere.example>
To: help@example.com
Cc: Karl <karl@big.example>
Subject: =?utf-8?q?H=C3=A9lp?=
Message-ID: <file@elsewhere.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Hallo =C3=A9
--b
Content-Type: text/plain; name=a.txt
Content-Disposition: attachment; filename=a.txt

file
--b--
"""


@pytest.fixture
def desk(desk: Any) -> Any:
    desk.configure(more=SMTP)
    return desk


def held(desk: Any, *headers: str, sender: str = STRANGER, subject: str = "Help me", raw: bytes | None = None) -> str:
    desk.mail(subject, sender=sender, headers=headers, raw=raw)
    (line,) = desk.run()
    assert line["outcome"] == "held"
    return str(line["mail"])


def waiting(desk: Any) -> list[str]:
    return [row["mail"] for row in desk.lines("held", "list")]


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_takes_the_words_of_mail_list(desk: Any) -> None:
    mine = held(desk)
    other = held(desk, sender="kim@other.example", subject="Printer")
    assert [row["mail"] for row in desk.lines("held", "list", "from:elsewhere")] == [mine]
    assert [row["mail"] for row in desk.lines("held", "list", "code:gate", "printer")] == [other]
    assert desk.lines("held", "list", "code:rule") == []
    wrong = desk.allegra("held", "list", "nix:3")
    assert (wrong.exit_code, 'there is no search word "nix:"' in wrong.stderr) == (64, True)


def test_what_is_held_is_found_behind_any_number_of_newer_mails_that_are_not(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = held(desk)
    for number in range(3):
        desk.mail(f"Help {number}")
    desk.run()
    monkeypatch.setattr("engine.desk.held.MOST_FOUND", 2)
    assert [line["mail"] for line in desk.lines("held", "release", "--all-matching", "help")] == [mine]


@pytest.mark.parametrize("how", [("release",), ("reject", "--reason", "no"), ("discard",)])
def test_one_of_many_that_is_refused_is_told_and_stops_none_of_the_others(desk: Any, how: tuple[str, ...]) -> None:
    mails = [held(desk, subject=f"Help {number}") for number in range(3)]
    gone = "UPDATE inbound SET state = 'ignored' WHERE ref = ?"
    if how == ("release",):
        gone = "UPDATE raw_mail SET content = NULL WHERE id = (SELECT raw_id FROM inbound WHERE ref = ?)"
    choose = desk_held.chosen

    def chosen(store: Any, *query: Any) -> Any:  # another person was faster
        rows = choose(store, *query)
        store.database.run(gone, mails[1])
        return rows

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(desk_held, "chosen", chosen)
        done = desk.allegra("held", *how, "--all-matching", "help")
    assert done.exit_code != 0
    assert f"{mails[1][:8]}  left as it is: " in done.stderr and "1 of 3 mails were left as they are" in done.stderr
    assert not desk.lines("held", "list", "subject:0") and not desk.lines("held", "list", "subject:2")


# ── one mail ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_held_mail_is_shown_decoded_with_its_people_files_and_reason(desk: Any) -> None:
    mail = held(desk, raw=WITH_FILE)
    said = desk.allegra("held", "show", mail).stdout
    for part in (
        "Max Stranger <max@elsewhere.example>", "Karl <karl@big.example>", "Hélp", "  Hallo é",
        "a.txt (text/plain, 4 bytes)", "gate.unknown_sender: max@elsewhere.example is not known here",
    ):  # fmt: skip
        assert part in said
    (data,) = desk.lines("held", "show", mail)
    assert (data["schema"], data["text"].strip(), data["files"][0]["name"]) == ("allegra.held/1", "Hallo é", "a.txt")


def test_what_a_release_would_come_to_is_tried_and_taken_back(desk: Any) -> None:
    mail = held(desk)
    before = len(desk.told())
    (data,) = desk.lines("held", "show", mail)
    assert (data["released"]["outcome"], data["released"]["workspace"]) == ("created", "support")
    assert {each["who"]: each["state"] for each in data["released"]["told"]} == {
        "max@elsewhere.example": "queued", "anna": "queued"
    }  # fmt: skip
    assert "would be created: a new item in support" in desk.allegra("held", "show", mail).stdout
    assert (waiting(desk), desk.lines("item", "list"), len(desk.told())) == ([mail], [], before)


def test_earlier_mails_of_the_sender_are_told_with_what_was_decided(desk: Any) -> None:
    first = held(desk)
    desk.allegra("held", "discard", first, "--reason", "spam")
    held(desk, sender="kim@other.example")
    (data,) = desk.lines("held", "show", held(desk))
    assert [(each["mail"], each["outcome"]) for each in data["before"]] == [(first, "discarded")]


def test_a_mail_that_does_not_wait_is_not_shown_as_held(desk: Any) -> None:
    mail = held(desk)
    desk.allegra("held", "discard", mail, "--reason", "spam")
    said = desk.allegra("held", "show", mail)
    assert (said.exit_code, "is not held: it ended as discarded" in said.stderr) == (1, True)
    assert desk.allegra("held", "show", "m-0000").exit_code == 1


# ── trusting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_trusted_gets_an_account_and_what_was_held_of_them_goes_on(desk: Any) -> None:
    desk.configure(more=SMTP + '[people]\ncreate_defaults = { group = "staff" }\n')
    mails = [held(desk, PROVEN), held(desk, PROVEN, subject="Again")]
    other = held(desk, sender="kim@other.example")
    lines = desk.lines("held", "trust", "max@elsewhere.example")
    assert [(line["mail"], line["outcome"]) for line in lines] == [(mail, "created") for mail in mails]
    (account,) = desk.lines("user", "show", "max@elsewhere.example")
    assert (account["name"], account["groups"]) == ("Max Stranger", ["staff"])
    assert waiting(desk) == [other]
    assert [item["author"] for item in desk.lines("item", "list")] == ["max@elsewhere.example"] * 2
    desk.mail("A third one", sender=STRANGER, headers=(PROVEN,))
    assert [line["outcome"] for line in desk.run()] == ["created"]


def test_who_is_trusted_where_only_members_write_is_said_to_be_refused_next(desk: Any) -> None:
    desk.load('workspaces = [{ identifier = "support", public = false }]\n')
    held(desk, PROVEN)
    trusted = desk.allegra("held", "trust", "max@elsewhere.example")
    assert trusted.exit_code == 0
    assert "max@elsewhere.example may not add items in support, so what they write next is refused" in trusted.stderr
    desk.mail("A third one", sender=STRANGER, headers=(PROVEN,))
    assert [line["code"] for line in desk.run()] == ["draft.no_permission"]


def test_a_dry_run_of_trust_keeps_nothing_and_tells_the_same(desk: Any) -> None:
    mail = held(desk, PROVEN)
    (line,) = desk.lines("held", "trust", "max@elsewhere.example", "--dry-run")
    assert (line["outcome"], line["item"], line["dry_run"]) == ("created", None, True)
    assert "would be known: user max@elsewhere.example (Max Stranger)" in desk.allegra(
        "held", "trust", "max@elsewhere.example", "--dry-run"
    ).stdout  # fmt: skip
    assert (waiting(desk), len(desk.lines("user", "list"))) == ([mail], 1)


def test_nobody_is_trusted_whose_newest_mail_failed_dmarc(desk: Any) -> None:
    mails = [held(desk, PROVEN), held(desk, FORGED, subject="Again")]
    said = desk.allegra("held", "trust", "max@elsewhere.example", "--unproven")
    assert (said.exit_code, "failed DMARC: somebody may have forged it" in said.stderr) == (1, True)
    assert waiting(desk) == mails


def test_where_no_server_is_trusted_a_person_has_to_say_so(desk: Any) -> None:
    config = (desk.folder / "allegra.toml").read_text().replace('["mx.example.com"]', "[]")
    (desk.folder / "allegra.toml").write_text(config)
    held(desk)
    said = desk.allegra("held", "trust", "max@elsewhere.example")
    assert (said.exit_code, "--unproven" in said.stderr) == (1, True)
    assert desk.allegra("held", "trust", "max@elsewhere.example", "--unproven").exit_code == 0
    assert waiting(desk) == []


def test_only_mail_on_its_way_to_a_workspace_is_released_where_that_is_said(desk: Any) -> None:
    mail = held(desk, PROVEN)
    said = desk.allegra("held", "trust", "max@elsewhere.example", "--workspace", "finance")
    assert (said.exit_code, "nothing of max@elsewhere.example is held" in said.stderr) == (1, True)
    assert desk.allegra("held", "trust", "max@elsewhere.example", "--workspace", "nowhere").exit_code == 2
    lines = desk.lines("held", "trust", "max@elsewhere.example", "--workspace", "support")
    assert [line["mail"] for line in lines] == [mail]


def test_what_is_held_for_another_reason_is_not_released_by_trust(desk: Any) -> None:
    desk.rules("system.toml", '[[rule]]\nname = "Look"\nwhen = \'subject is "x"\'\nthen = [\'hold because "y"\']\n')
    desk.configure(system='rules = "rules/system.toml"', more=SMTP)
    ruled, mail = held(desk, PROVEN, subject="x"), held(desk, PROVEN)
    desk.lines("held", "trust", "max@elsewhere.example")
    assert waiting(desk) == [ruled]
    assert mail not in waiting(desk)
