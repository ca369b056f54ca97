"""What is done with a mail in its mailbox afterwards, and where big ones are kept."""

from __future__ import annotations

import hashlib
from typing import Any

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"
KEEP = '[defaults.mailbox]\nkeep_until = "item-closed"\n'


def closing(desk: Any, first: str) -> None:
    """Answer a mail so that its item is closed."""
    desk.mail("Re", body="Status: Closed\n\nThanks\n", headers=[PROVEN, f"In-Reply-To: {first}"])


def test_F030_a_mail_stays_until_its_item_is_closed(desk: Any) -> None:
    desk.configure(more=KEEP + '[items]\nallow_override = ["status"]\n')
    first = desk.mail("Printer")
    other = desk.mail("Scanner")
    desk.run()
    desk.run()
    assert len(desk.files()) == 2
    closing(desk, first)
    desk.run()
    assert len(desk.files()) == 3
    desk.run()
    assert (len(desk.files()), len(desk.files(folder="Done"))) == (1, 2)
    closing(desk, other)
    desk.run()
    desk.run()
    assert desk.files() == []


def test_F030_what_makes_no_item_does_not_wait_for_one(desk: Any) -> None:
    desk.configure(more=KEEP)
    desk.mail("")
    desk.mail("Hold me", sender="x@elsewhere.example")
    desk.run()
    assert [len(desk.files(folder=name)) for name in ("", "Failed", "Held")] == [0, 1, 1]


def test_F030_mails_that_are_to_be_kept_for_good_are_never_planned(desk: Any) -> None:
    desk.configure(more='[defaults.mailbox]\nkeep_until = "item-closed"\nafter_success = "keep"\n')
    desk.load('[[items]]\nid = 7\nworkspace = "support"\ntitle = "Old"\nauthor = "anna"\nstatus = "Closed"\n')
    desk.mail("Re: [#7] Old")
    desk.run()
    desk.run()
    assert len(desk.files()) == 1


# ── big mail ──────────────────────────────────────────────────────────────────────────────────────────────────

BIG = b"From: anna@example.com\nTo: help@example.com\nSubject: Big\n\n" + b"x" * 3000 + b"\n"
NAME = hashlib.sha256(BIG).hexdigest() + ".eml"
SMALL = '[gates]\nmaximum_email_size = "2 kB"\n'


def limited(desk: Any, more: str = "") -> None:
    toml = desk.folder / "allegra.toml"
    desk.configure()
    toml.write_text(toml.read_text().replace("[gates]\n", SMALL + more))


def test_F044_a_big_mail_is_held_and_copied_to_a_folder_of_its_own(desk: Any) -> None:
    limited(desk)
    desk.mail(raw=BIG)
    assert desk.run("--dry-run")[0]["code"] == "limits.too_big"
    assert not (desk.folder / "var" / "big").exists()
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("held", "limits.too_big")
    copy = desk.folder / "var" / "big" / NAME
    assert copy.read_bytes() == BIG
    assert copy.stat().st_mode & 0o777 == 0o600 and copy.parent.stat().st_mode & 0o777 == 0o700
    assert desk.allegra("mail", "raw", "last").stdout_bytes == BIG
    desk.allegra("held", "release", "last-held")
    assert [each["title"] for each in desk.lines("item", "list")] == ["Big"]
    assert [each.name for each in copy.parent.iterdir()] == [NAME]


def test_F044_no_copy_where_no_folder_is_set_and_a_folder_that_fails_is_told(desk: Any) -> None:
    limited(desk, 'big_files_dir = ""\n')
    desk.mail(raw=BIG)
    desk.run()
    assert not list(desk.folder.rglob(NAME))
    (desk.folder / "file").write_text("no folder")
    limited(desk, 'big_files_dir = "file/big"\n')
    desk.mail(raw=BIG + b"again\n")
    (line,) = desk.run()
    assert line["outcome"] == "held"
    assert "not copied to gates.big_files_dir: Not a directory" in line["because"]


def test_F044_without_a_maximum_only_the_limit_of_raw_mail_is_left(desk: Any) -> None:
    toml = desk.folder / "allegra.toml"
    toml.write_text(toml.read_text().replace("[gates]\n", "[gates]\nmaximum_email_size = 0\n"))
    desk.mail(raw=BIG)
    assert [line["outcome"] for line in desk.run()] == ["created"]
