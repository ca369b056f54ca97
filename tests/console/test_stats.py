"""Statistics: pictures with tables of the same numbers, of what somebody sees, and the same as files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from console.offices import Office, office
from console.test_access import ROLES, become, by_home, furnish

from engine.cli.main import allegra
from engine.desk.numbers import GROUPS


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("stats") / "demo") as made:
        furnish(made)
        yield made


@pytest.mark.parametrize("login", ROLES)
def test_a_viewer_sees_their_numbers_only(shared: Office, login: str) -> None:
    become(shared, login)
    mine, _ = by_home(shared)
    for show in GROUPS:
        text = shared.get(f"/stats?show={show}").get_data(as_text=True)
        assert "finance" not in text and "system.toml" not in text
        pictures = {each["name"]: each for each in json.loads(shared.get(f"/stats.json?show={show}").data)["pictures"]}
        assert not {"proof", "senders"} & {*pictures}, "senders are counted of all mail"
        if show == "Mail":
            total = sum(value for row in pictures["outcomes"]["rows"] for value in row["values"])
            assert total == (len(mine) if ROLES[login] else 0)


def test_statistics_have_their_pictures_with_tables_of_the_same_numbers(quiet_office: Office) -> None:
    for show, names in (("Mail", ["outcomes", "reasons", "hours"]), ("Rules", ["rules"]),
                        ("People", ["proof", "senders", "sent", "classes"]),
                        ("Machine", ["lag", "answers", "size", "hooks"])):  # fmt: skip
        page = quiet_office.get(f"/stats?show={show}&last=7d").get_data(as_text=True)
        told = json.loads(quiet_office.get(f"/stats.json?show={show}&last=7d").data)
        assert [each["name"] for each in told["pictures"]] == names
        assert re.findall(r'<figure class="pic" id="(\w+)">', page) == names
        for each in told["pictures"]:
            for row in each["rows"]:
                assert len(row["values"]) == len(each["kinds"])
    assert quiet_office.get("/stats?last=x&show=y").status_code == 200, "what is unknown is as if it were not said"


def test_files_show_what_pages_show_but_for_links(quiet_office: Office, tmp_path: Path) -> None:
    args = [
        "--config",
        str(quiet_office.folder / "allegra.toml"),
        "stats",
        "--last",
        "30d",
        "--svg",
        str(tmp_path / "a"),
    ]
    ran = CliRunner().invoke(allegra, [*args, "--svg", str(tmp_path / "a")])
    files = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "a").iterdir()}
    assert sorted(line.split()[0] for line in ran.output.splitlines()) == sorted(map(str, (tmp_path / "a").iterdir()))
    places = "/?last=30d", *[f"/stats?show={show}&last=30d" for show in GROUPS]
    pages = "".join([quiet_office.get(place).get_data(as_text=True) for place in places])
    drawn = re.findall(r'<svg [^>]*role="(?:group|img)" aria-label="[^"]*">(?!<title>)(.*?)</svg>', pages, re.DOTALL)
    assert sorted(map(marks, drawn)) == sorted(map(marks, files.values()))
    assert "<a " not in "".join(files.values())


def marks(drawn: str) -> list[str]:
    """The shapes and texts of a picture, without links, style and ground."""
    bare = re.sub(r"<style>.*?</style>|<title>.*?</title>|</?a\b[^>]*>|</(rect|path)>", "", drawn, flags=re.DOTALL)
    return [each.rstrip("/>") for each in re.findall(r"<(?:rect class|path|text)[^>]*>?", bare)]


def test_pictures_are_told_as_json_and_a_folder_that_cannot_be_written_is_an_error(
    quiet_office: Office, tmp_path: Path
) -> None:
    args = ["--config", str(quiet_office.folder / "allegra.toml"), "stats", "--svg"]
    told = [
        json.loads(line) for line in CliRunner().invoke(allegra, [*args, str(tmp_path), "--json"]).output.splitlines()
    ]
    assert [each["picture"] for each in told][:2] == ["flow", "outcomes"] and Path(told[0]["file"]).exists()
    (tmp_path / "file").write_text("")
    ran = CliRunner().invoke(allegra, [*args, str(tmp_path / "file" / "x")])
    assert ran.exit_code == 1 and "cannot be written" in ran.output


def test_an_item_that_is_answered_stands_among_how_long_items_wait_and_its_letter_in_its_class(
    own_office: Office,
) -> None:
    mail = MAIL.format(now=format_datetime(datetime.now(UTC)))
    own_office.take(mail.encode())
    ((item,),) = own_office.rows("SELECT id FROM item WHERE title = 'The lift is stuck'")
    token, before = own_office.form_token(), pictures(own_office)
    own_office.post(f"/item/{item}", token=token, act="note", words="It is the motor.", key="note")
    assert pictures(own_office)["answers"] == before["answers"], "a note is no answer"
    answered = own_office.post(f"/item/{item}", token=token, act="answer", words="We come.", key="answer")
    assert answered.status_code == 303
    after = pictures(own_office)
    (half, most) = after["answers"]["rows"][-1]["values"]
    assert half is not None and 0 <= half <= most < 0.1, "hours"
    letters = own_office.rows("SELECT count(*) FROM outbox WHERE class = 'answer'")[0][0]
    assert sum(sum(row["values"]) for row in after["classes"]["rows"] if row["name"] == "answer") == letters
    sent = sum(sum(row["values"]) for row in after["sent"]["rows"])
    assert sum(sum(row["values"]) for row in after["classes"]["rows"]) == sent


MAIL = """From: Jane <jane@mail.bigcorp.example>
To: support@example.com
Subject: The lift is stuck
Message-ID: <lift@mail.bigcorp.example>
Date: {now}

Between two floors.
"""


def pictures(made: Office) -> dict[str, Any]:
    """The pictures of people and of the machine, by their names."""
    told = [json.loads(made.get(f"/stats.json?show={show}&last=7d").data) for show in ("People", "Machine")]
    return {each["name"]: each for page in told for each in page["pictures"]}


def test_strangers_words_in_pictures_are_text(quiet_office: Office) -> None:
    for address in ("/", "/stats?show=People", "/stats?show=Rules"):
        page = quiet_office.get(address).get_data(as_text=True)
        assert page.count("<script") == 1 and "<img" not in page and "\u202e" not in page
