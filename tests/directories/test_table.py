"""Tables as spreadsheets write them, and files that are none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from directories.conftest import settings

from engine.directories import Away, table
from engine.directories.table import Table
from engine.model.answers import Standing

HEAD = "login,name,email\n"


def the(path: Path, content: bytes | str, **options: Any) -> Table:
    file = path / "people.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Table(settings(path=file, **options))


def refused(found: Table) -> str:
    with pytest.raises(Away) as away:
        found.find("jane@example.com")
    return str(away.value).replace(str(found._path.parent), "…")


@pytest.mark.parametrize("by", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_it_is_read_whatever_separates_its_columns(tmp_path: Path, by: str, end: str) -> None:
    text = end.join((by.join(("Login", "NAME", "email")), by.join(("jane", '"Doe, Jane; x"', "Jane@Example.com")), ""))
    found = the(tmp_path, b"\xef\xbb\xbf" + text.encode()).find("jane@example.com")
    assert (found.standing, found.login, found.name) == (Standing.KNOWN, "jane", "Doe, Jane; x")


def test_columns_have_the_names_that_the_settings_say(tmp_path: Path) -> None:
    from engine.config.directory import Attributes

    wanted = Attributes(login=("Kennung",), addresses=("Mail", "Mail 2"), written=frozenset({"login", "addresses"}))
    found = the(tmp_path, "Kennung;Mail;Mail 2\nj;a@x.example;b@x.example\n", attributes=wanted)
    assert found.find("b@x.example").addresses == ("a@x.example", "b@x.example")
    assert refused(the(tmp_path, HEAD, attributes=wanted)) == '…/people.csv has no column "Mail" in its first line'


def test_latin_1_is_said_with_its_line_and_read_where_the_settings_say_so(tmp_path: Path) -> None:
    content = (HEAD + "a,A,a@x.example\njane,Jürgen,jane@example.com\n").encode("latin-1")
    assert refused(the(tmp_path, content)) == "…/people.csv is not utf-8: line 3 is not; encoding says how it is"
    assert the(tmp_path, content, encoding="windows-1252").find("jane@example.com").name == "Jürgen"


def test_a_file_that_is_too_big_is_not_read(tmp_path: Path) -> None:
    found = the(tmp_path, HEAD)
    os.truncate(tmp_path / "people.csv", 100 << 20)
    assert refused(found) == "…/people.csv has 100 MB: more than 32 MB are not read"


def test_one_that_is_as_big_as_may_be_is_read_within_seconds(tmp_path: Path) -> None:
    rows = "".join(f"u{number},Name of {number},u{number}@example.com\n" for number in range(100_000))
    found = the(tmp_path, HEAD + rows)
    assert found.find("u99999@example.com").login == "u99999" and found.look() == "100000 people"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", '…/people.csv has no column "email" in its first line'),
        (b"a\0b", "…/people.csv holds a NUL: it is no table"),
        (HEAD.encode() + b"x,y," + b"z" * 200_000, "…/people.csv, line 2: field larger than field limit (131072)"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    assert refused(the(tmp_path, content)) == said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('bob,"Bob,bob@example.com', "a quote that begins here has no end"),
        ('bob,"Bob"by,bob@example.com', "',' expected after '\"'"),
        ("bob,Lund, Bob,bob@example.com", "has 4 columns, and the first line has 3"),
    ],
)
def test_a_line_that_would_hide_people_is_said_and_nobody_is_unknown_for_it(
    tmp_path: Path, row: str, said: str
) -> None:  # fmt: skip
    found = the(tmp_path, HEAD + 'carl,"Carl\nEk",carl@example.com\n' + row + "\njane,Jane,jane@example.com\n")
    assert refused(found) == f"…/people.csv, line 4: {said}"


def test_lines_without_an_address_are_not_counted_as_people(tmp_path: Path) -> None:
    rows = HEAD + "anna,Anna,anna@example.com\n\n,,,,\nbob,Bob\n"
    assert the(tmp_path, rows).look() == "1 person; a line has no address (line 5)"
    assert the(tmp_path, rows + "carl,Carl,none\n").look() == "1 person; 2 lines have no address (the first is line 5)"


def test_two_columns_of_one_name_both_count(tmp_path: Path) -> None:
    found = the(tmp_path, "login,email,email\njane,a@x.example,b@x.example\n")
    assert found.find("a@x.example").addresses == found.find("b@x.example").addresses == ("a@x.example", "b@x.example")


def test_a_file_that_is_not_there_is_said_and_read_once_it_is(tmp_path: Path) -> None:
    found = Table(settings(path=tmp_path / "people.csv"))
    assert refused(found) == "…/people.csv cannot be read: No such file or directory"
    the(tmp_path, HEAD + "jane,Jane,jane@example.com\n")
    assert found.find("jane@example.com").login == "jane"


def test_a_file_that_changed_is_read_again_and_one_that_broke_says_so(tmp_path: Path) -> None:
    found = the(tmp_path, HEAD + "jane,Jane,jane@example.com\n")
    assert found.find("jane@example.com").login == "jane"
    the(tmp_path, HEAD + "jane.doe,Jane,jane@example.com\n")
    assert found.find("jane@example.com").login == "jane.doe"
    the(tmp_path, b"\xff\xff")
    assert "is not utf-8" in refused(found)


def test_a_file_that_changes_while_it_is_read_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    found, fstat = the(tmp_path, HEAD + "jane,Jane,jane@example.com\n"), os.fstat
    count = 0

    def growing(descriptor: int) -> os.stat_result:
        nonlocal count
        count += 1
        with (tmp_path / "people.csv").open("a") as file:
            file.write(f"u{count},U,u{count}@example.com\n")
        return fstat(descriptor)

    monkeypatch.setattr(table.os, "fstat", growing)
    assert refused(found) == "…/people.csv changes while it is read"
    monkeypatch.undo()
    assert found.find("jane@example.com").login == "jane"


def test_the_same_person_in_two_lines_is_one_and_two_people_are_nobody(tmp_path: Path) -> None:
    rows = "jane,Jane,jane@example.com\njane,Jane,jane@example.com\na,A,both@example.com\nb,B,both@example.com\n"
    found = the(tmp_path, HEAD + rows)
    assert found.find("jane@example.com").standing is Standing.KNOWN
    assert found.find("both@example.com").standing is Standing.AMBIGUOUS


@pytest.mark.parametrize("row", ["jane", "jane,Jane", "jane,Jane,no address", ",,,,,,,"])
def test_a_line_without_an_address_is_nobody(tmp_path: Path, row: str) -> None:
    found = the(tmp_path, HEAD + "anna,Anna,anna@example.com\n" + row + "\n")
    assert found.find("anna@example.com").standing is Standing.KNOWN
    assert found.find("jane@example.com").standing is Standing.UNKNOWN
