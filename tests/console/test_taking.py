"""Lists that are taken away: all rows of a page as a file, safe in a spreadsheet, and who did so."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from console.offices import BASE, Office
from console.roles import become, people

from engine.console import taking
from engine.console.pages import audit, held, items, mails, outbox, topics
from engine.console.pages import people as people_page
from engine.desk import exporting

LISTS = ("/mails", "/held", "/items", "/outbox", "/topics")

SMALL = (audit, mails, held, items, outbox, topics, people_page, exporting)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three rows are asked for at once."""
    for each in SMALL:
        monkeypatch.setattr(each, "STEP", 3)
    yield


def rows_of(office: Office, address: str) -> list[dict[str, Any]]:
    """The rows of a list, without the line that ends it."""
    *rows, end = [json.loads(line) for line in office.get(address).get_data(as_text=True).splitlines()]
    assert end == {"rows": len(rows), "more": False}
    return rows


def cells_of(office: Office, address: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(office.get(address).get_data(as_text=True))))


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("query", ["", "?q=newer_than:30d"])
def test_a_list_is_taken_away_whole_as_its_twin_shows_it(
    quiet_office: Office, small: None, address: str, query: str
) -> None:
    told = json.loads(quiet_office.get(f"{address}.json{query if address != '/topics' else ''}").data)
    shown = told if isinstance(told, list) else next(each for each in told.values() if isinstance(each, list))
    lines = rows_of(quiet_office, f"{address}.ndjson{query}")
    assert lines[: len(shown)] == shown and (lines or address == "/outbox")
    numbers = [int(row["row"] if "row" in row else row["id"]) for row in lines]
    assert numbers == sorted(set(numbers), reverse=address != "/held"), "each once, by its number"
    head, *cells = cells_of(quiet_office, f"{address}.csv{query}")
    assert len(cells) == len(lines) and all(len(row) == len(head) for row in cells)
    for row in lines:
        assert set(exporting._flat(row)) == set(head), "no column is forgotten, and none is made up"


WHOLE = {
    "/mailboxes": ("mailboxes", "mailbox"), "/hooks": ("hooks", "since"), "/rules": ("", "place"),
    "/rules/support": ("rules", "number"),
}  # fmt: skip
"""Short lists: where their rows stand in the twin of the page, and a column that each row fills."""


@pytest.mark.parametrize("address", WHOLE)
def test_a_short_list_is_taken_away_as_its_twin_shows_it(quiet_office: Office, address: str) -> None:
    told, (inside, column) = json.loads(quiet_office.get(f"{address}.json").data), WHOLE[address]
    shown = told[inside] if inside else [rule for file in told["files"] for rule in file["rules"]]
    lines = rows_of(quiet_office, f"{address}.ndjson")
    assert lines and [{**row, **its} for row, its in zip(lines, shown, strict=True)] == lines
    head, *cells = cells_of(quiet_office, f"{address}.csv")
    assert len(cells) == len(lines) and all(len(row) == len(head) and row[head.index(column)] for row in cells)
    assert all(set(exporting._flat(row)) <= set(head) for row in lines), "no column is forgotten"
    assert f'<a href="{address}.csv">' in quiet_office.get(address).get_data(as_text=True)


def _address(row: dict[str, Any]) -> str:
    return str(row["address"])


def test_everybody_who_wrote_is_in_the_list_once_and_who_sees_less_takes_less(own_office: Office, small: None) -> None:
    every = [each for (each,) in own_office.rows("SELECT address FROM sender ORDER BY address")]
    assert sorted(row["address"] for row in rows_of(own_office, "/people.ndjson")) == sorted(every) and len(every) > 5
    for query in ("example", "bigcorp.example", "nobody"):
        shown = json.loads(own_office.get(f"/people.json?q={query}").data)["people"]
        lines = rows_of(own_office, f"/people.ndjson?q={query}")
        assert sorted(lines, key=_address) == sorted(shown, key=_address) and bool(lines) is (query != "nobody")
        head, *cells = cells_of(own_office, f"/people.csv?q={query}")
        assert head == list(exporting.SENDERS) and len(cells) == len(lines)
    assert ".csv?q=example" in own_office.get("/people?q=example").get_data(as_text=True)
    people(own_office)
    become(own_office, "viewer")
    shown = json.loads(own_office.get("/people.json").data)["people"]
    assert rows_of(own_office, "/people.ndjson") == shown and 0 < len(shown) < len(every)


def test_all_mails_are_in_the_list_and_not_only_those_of_a_page(quiet_office: Office, small: None) -> None:
    assert [row["mail"] for row in rows_of(quiet_office, "/mails.ndjson")] == quiet_office.refs()
    found = rows_of(quiet_office, "/mails.ndjson?q=outcome:held")
    assert [row["mail"] for row in found] == quiet_office.refs("outcome:held") and len(found) > 3


def test_sent_letters_and_those_that_wait_are_each_in_the_list_once(own_office: Office, small: None) -> None:
    every = [number for (number,) in own_office.rows("SELECT id FROM outbox ORDER BY id DESC")]
    states = ("state:queued", "state:sent", "state:suppressed")
    found = [row["id"] for state in states for row in rows_of(own_office, f"/outbox.ndjson?q={state}")]
    assert sorted(found, reverse=True) == every and len(every) > 5


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_is_a_formula(begins: str) -> None:
    assert exporting._cell(f"{begins}cmd|' /C calc'!A0") == f"'{begins}cmd|' /C calc'!A0"
    assert exporting._cell(-3) == -3 and exporting._cell("a=b") == "a=b"


def test_what_strangers_wrote_stays_in_its_cell(quiet_office: Office) -> None:
    head, *rows = cells_of(quiet_office, "/mails.csv")
    subjects = {row[head.index("subject")] for row in rows}
    assert len(rows) > len(quiet_office.evil()) and any("<script>" in each for each in subjects)
    assert not [cell for row in rows for cell in row if cell.startswith(exporting.FORMULA)]
    answer = quiet_office.get("/mails.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mails.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.content_type.startswith("text/csv")


def test_where_rows_lack_the_last_line_says_so(own_office: Office, small: None) -> None:
    file = own_office.folder / "allegra.toml"
    file.write_text(file.read_text("utf-8") + "most_exported = 5\n", "utf-8")
    own_office.installation._looked_at = 0.0
    *rows, end = own_office.get("/mails.ndjson").get_data(as_text=True).splitlines()
    assert len(rows) == 5 and json.loads(end) == {"rows": 5, "more": True}
    assert cells_of(own_office, "/mails.csv")[-1] == ["# 5 rows, and there are more: search for less"]
    assert len(cells_of(own_office, "/mails.csv")) == 7


def test_a_list_that_cannot_be_read_to_its_end_says_why(quiet_office: Office) -> None:
    from engine.desk.refusals import Busy

    def breaks(*_args: object, **_more: object) -> Any:
        raise Busy("the database is locked")

    table = exporting.Table("topics", breaks, exporting.TOPICS)
    taken = exporting.Taken(quiet_office.installation, quiet_office.installation.whoever(), table, "ndjson")
    assert json.loads(b"".join(exporting.lines(taken))) == {
        "rows": 0, "more": True, "error": "the database is locked",
    }  # fmt: skip


def test_a_list_that_takes_too_long_makes_room_for_others_and_says_so(
    quiet_office: Office, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_S", -1.0)
    last = quiet_office.get("/mails.ndjson").get_data(as_text=True).splitlines()[-1]
    assert '"more":true' in last.replace(" ", "") and "it took longer than" in last
    assert "and there are more: it took longer" in quiet_office.get("/mails.csv").get_data(as_text=True)


def test_a_list_ends_where_somebody_sees_other_things_meanwhile(own_office: Office, small: None) -> None:
    people(own_office)
    become(own_office, "viewer")
    rows = iter(own_office.client.get("/mails.ndjson", base_url=BASE).response)
    first = next(rows)
    with own_office.installation.store() as store:
        store.directory.put_account("viewer", status="locked")
    *others, end = b"".join([first, *rows]).splitlines()
    assert len(others) == 3 and json.loads(end)["more"] is True
    assert json.loads(end)["error"] == "what you may see has changed: begin anew"


def test_a_long_list_is_an_act_of_who_takes_it_and_a_short_one_is_none(
    own_office: Office, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ACT_ROWS", 10)
    own_office.get("/mails.csv?q=outcome:rejected")
    own_office.get("/mails.ndjson?q=newer_than:2d")
    with own_office.installation.store() as store:
        (event,) = store.history.events("event:console.exported")[0]
    assert event.actor == own_office.installation.whoever().login and event.via == "console"
    assert event.detail == {"said": "mails.ndjson, more than 10 rows: newer_than:2d"}


def test_a_search_that_means_nothing_and_a_page_that_is_no_list_give_none(quiet_office: Office) -> None:
    (ref, *_) = quiet_office.refs()
    for address, status in (
        ("/mails.csv?q=form:x", 422), ("/held.ndjson?q=newer_than:soon", 422), (f"/mail/{ref}.csv", 404),
        ("/items.csv?q=number:x", 422), ("/nothing.csv", 404), ("/index.csv", 404),
    ):  # fmt: skip
        answer = quiet_office.get(address)
        assert answer.status_code == status and json.loads(answer.data)["error"], address


def test_few_lists_are_written_at_a_time_and_one_that_nobody_wants_makes_room(quiet_office: Office) -> None:
    given = [quiet_office.get("/mails.csv") for _ in range(taking.AT_ONCE)]
    assert all(each.status_code == 200 for each in given)
    kept = [taking._Rows(iter(())) for _ in range(taking.AT_ONCE) if taking._free.acquire(blocking=False)]
    assert len(kept) == taking.AT_ONCE, "those that were read to the end made room"
    refused = quiet_office.get("/mails.csv")
    assert refused.status_code == 503 and "try again" in json.loads(refused.data)["error"]
    assert int(refused.headers["Retry-After"]) > 0
    for each in kept:
        each.close()
        each.close()
    assert quiet_office.get("/mails.csv").status_code == 200


def test_what_people_did_is_taken_away_by_who_may_see_it(own_office: Office, small: None) -> None:
    events = rows_of(own_office, "/audit.ndjson?q=")
    assert len(events) > 20 and [row["id"] for row in events] == sorted({row["id"] for row in events}, reverse=True)
    head, *cells = cells_of(own_office, "/audit.csv?q=event:item")
    assert head == list(exporting.ACTS) and cells and all(row[2].startswith("item.") for row in cells)
    with own_office.installation.store() as store:
        store.directory.put_account("anna", admin=False)
        store.directory.put_account("customer", name="C", emails=["c@people.example"])
        nobody = store.directory.login("customer")
    own_office.installation.whoever = lambda: nobody  # type: ignore[method-assign, assignment, return-value]
    assert own_office.get("/audit.csv").status_code == 404


def test_a_page_links_what_can_be_taken_away(quiet_office: Office) -> None:
    page = quiet_office.get("/mails?q=outcome:held+newer_than:9d").get_data(as_text=True)
    for form in ("ndjson", "csv"):
        assert f'<a href="/mails.{form}?q=outcome%3Aheld%20newer_than%3A9d">' in page
    assert '<a href="/audit.csv?q=">' in quiet_office.get("/audit?q=").get_data(as_text=True), "all, and not the usual"
    assert ".csv" not in quiet_office.get(f"/mail/{quiet_office.refs()[0]}").get_data(as_text=True)
