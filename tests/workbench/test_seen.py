"""Which files are meant, and what is seen in one; `tests/cli/test_parse_command.py` has the shape."""

from __future__ import annotations

import io
from pathlib import Path

from engine.mail.parse import Limits
from engine.workbench.seen import Reading, files, seen_in

MAIL = b"From: ann@example.com\nSubject: Hello\n\nbody\n"


def test_of_a_folder_the_files_below_are_read_by_name_but_no_hidden_or_half_written_ones(tmp_path: Path) -> None:
    for name in ("b.eml", "a.eml", ".hidden", "new/1", "tmp/2", ".git/3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(MAIL)
    found = [Path(name).relative_to(tmp_path).as_posix() for name in files([str(tmp_path)])]
    assert found == ["a.eml", "b.eml", "new/1"]
    assert list(files(["-", "none.eml"])) == ["-", "none.eml"]


def test_a_mail_is_read_from_a_file_and_from_a_stream(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    seen = seen_in(str(tmp_path / "a.eml"), Reading(), io.BytesIO())
    streamed = seen_in("-", Reading(), io.BytesIO(MAIL))
    assert seen["subject"] == streamed["subject"] == "Hello"
    assert (seen["file"], streamed["file"]) == (str(tmp_path / "a.eml"), "-")


def test_a_file_that_cannot_be_read_says_so_and_one_that_is_too_long_is_not_read_whole(tmp_path: Path) -> None:
    name = str(tmp_path / "none.eml")
    assert seen_in(name, Reading(), io.BytesIO()) == {"file": name, "error": "No such file or directory"}
    stream = io.BytesIO(MAIL * 1000)
    seen_in("-", Reading(limits=Limits(raw=100)), stream)
    assert stream.tell() == 101
