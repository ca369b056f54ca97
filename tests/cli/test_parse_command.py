"""`allegra parse`: one line a file, whatever is in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli.main import allegra

SAMPLES = Path(__file__).resolve().parents[1] / "mail"


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(allegra, ["parse", *map(str, arguments)], input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]


def test_mail_is_one_json_line_with_every_documented_key() -> None:
    result = run("--json", SAMPLES / "related_html_with_pictures.eml")
    (seen,) = lines(result)
    assert result.exit_code == 0
    assert list(seen) == [
        "schema", "file", "sha256", "size", "message_id", "in_reply_to", "references", "date", "from", "sender",
        "reply_to", "to", "cc", "subject", "text", "html", "text_parts", "attachments", "defects", "new_part",
        "quoted", "signature", "automatic", "bounce", "authentication", "ms",
    ]  # fmt: skip
    assert seen["schema"] == "allegra.parse/1"
    assert seen["from"] == [{"name": "Anna Berg", "address": "anna@example.com"}]
    assert seen["date"] == "2026-11-20T09:31:00+00:00"
    (picture,) = seen["attachments"]
    assert (picture["filename"], picture["inline"], picture["content_id"]) == ("pic.png", True, "pic@example.com")
    assert "cid:pic" in seen["html"]


def test_directory_is_read_by_name_and_an_unreadable_file_gets_an_error(tmp_path: Path) -> None:
    for name in ("plain", "html_only"):
        shutil.copy(SAMPLES / f"{name}.eml", tmp_path)
    (tmp_path / "loose.eml").symlink_to(tmp_path / "nothing")
    result = run("--json", tmp_path)
    seen = lines(result)
    assert [Path(one["file"]).name for one in seen] == ["html_only.eml", "loose.eml", "plain.eml"]
    assert ["error" in one for one in seen] == [False, True, False]
    assert result.exit_code == 1


def test_byte_beyond_ascii_in_a_field_breaks_no_directory(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"From: anna@example.com\nContent-Type: multipart/\x94x\n\nhello\n")
    shutil.copy(SAMPLES / "plain.eml", tmp_path)
    result = run("--json", tmp_path)
    odd, plain = lines(result)
    assert (odd["text"], plain["subject"], result.exit_code) == ("hello\n", "Printer", 0)
    assert {defect["code"] for defect in odd["defects"]} >= {"mime_no_boundary"}
    assert "hello" in run(tmp_path).stdout


def test_order_of_arguments_is_kept_and_standard_input_is_a_dash() -> None:
    content = (SAMPLES / "plain.eml").read_bytes()
    result = run("--json", SAMPLES / "html_only.eml", "-", SAMPLES / "no such.eml", stdin=content)
    seen = lines(result)
    assert [one.get("subject") for one in seen] == ["Printer", "Printer", None]
    assert seen[1]["file"] == "-" and seen[1]["size"] == len(content)


def test_reply_is_cut_and_results_of_the_topmost_server_are_shown(tmp_path: Path) -> None:
    (tmp_path / "reply.eml").write_text(
        "Authentication-Results: mx.example.com; spf=pass; dmarc=fail\nFrom: anna@example.com\nSubject: Re: x\n\n"
        "New words.\n\nOn Fri, 20 Nov 2026, Bob wrote:\n> old words\n"
    )
    (seen,) = lines(run("--json", tmp_path / "reply.eml"))
    assert seen["new_part"].strip() == "New words." and "old words" in seen["quoted"]
    assert seen["authentication"] == {
        "spf": "pass", "dkim": "none", "dmarc": "fail", "arc": "none", "authserv_id": "mx.example.com",
    }  # fmt: skip


def test_bounce_is_told() -> None:
    (seen,) = lines(run("--json", SAMPLES / "delivery_status.eml"))
    assert seen["automatic"]["class"] == "bounce"
    assert seen["bounce"]["recipients"][0]["address"] == "bob@example.org"


def test_every_sample_is_one_line_of_valid_json() -> None:
    result = run("--json", *sorted(SAMPLES.glob("*.eml")))
    assert len(lines(result)) == len(list(SAMPLES.glob("*.eml")))
    assert result.exit_code == 0


def test_without_json_a_person_can_read_it_and_no_control_character_reaches_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(b"From: anna@example.com\nSubject: x\n\nwords \x1b[31mred\x07\n")
    result = run(tmp_path / "x.eml", tmp_path / "nothing.eml")
    assert "From:        anna@example.com" in result.output and "words ·[31mred·" in result.output
    assert "nothing.eml: No such file or directory" in result.output


def test_help_and_wrong_usage() -> None:
    assert "standard input" in run("--help").output
    assert run().exit_code != 0


@pytest.mark.parametrize("name", ["peewee", "imapclient", "lark", "PIL", "jinja2"])
def test_modules_that_parse_does_not_need_are_not_imported(name: str) -> None:
    code = (
        "import sys; from engine.cli.main import allegra\n"
        f"allegra.main(['parse', '--json', {str(SAMPLES / 'plain.eml')!r}], standalone_mode=False)\n"
        f"sys.exit({name!r} in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False).returncode == 0
