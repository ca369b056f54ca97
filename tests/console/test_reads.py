"""Who read which mail, where an installation wants to know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console.offices import Office, office

from engine.desk import reads
from engine.desk.refusals import Busy


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("reads") / "demo") as made:
        file = made.folder / "allegra.toml"
        file.write_text(file.read_text("utf-8") + "audit_reads = true\n", "utf-8")
        made.installation._looked_at = 0.0
        yield made


def told(made: Office) -> list[tuple[str, str, int, int]]:
    with made.installation.store() as store:
        rows, _ = store.history.events("event:console.read")
        return [(row.detail["said"], row.mail, row.item, row.topic) for row in rows]


def test_what_is_read_is_written_down_once_with_its_mail(watched: Office) -> None:
    (held, *_) = watched.refs("outcome:held")
    before = len(told(watched))
    for address in (f"/mail/{held}", f"/mail/{held}/raw", f"/mail/{held}/raw", "/item/2", "/topic/1",
                    f"/mail/{held}/body"):  # fmt: skip
        assert watched.get(address).status_code == 200
    texts = [("text", held, 0, 0), ("bytes", held, 0, 0), ("conversation", "", 2, 0), ("posts", "", 0, 1),
             ("HTML", held, 0, 0)]  # fmt: skip
    assert told(watched)[before:] == texts
    for address in (f"/held/{held}", f"/mail/{held}", f"/mail/{held}/body"):
        watched.get(address)
    assert len(told(watched)) == before + len(texts), "the same again, within an hour"


def test_a_file_is_written_down_with_its_number(watched: Office) -> None:
    with watched.installation.store() as store:
        views = [found for row in store.items.found("")[0] if (found := store.items.view(row.id))]
    (item, number) = next((found.item.id, found.attachments[0].id) for found in views if found.attachments)
    assert watched.get(f"/item/{item}/file/{number}").status_code == 200
    assert told(watched)[-1] == ("file", "", item, 0)


def test_lists_and_headers_and_what_is_not_there_are_not_read(watched: Office) -> None:
    (ref, *_) = watched.refs("outcome:held")
    before = told(watched)
    for address in ("/mails", "/held", "/items", f"/mail/{ref}/headers", "/mail/m-ffffffffffff/raw", "/item/999",
                    f"/mail/{ref}/file/99"):  # fmt: skip
        watched.get(address)
    assert told(watched) == before


def test_what_cannot_be_written_down_is_not_given(watched: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_args: object, **_more: object) -> None:
        raise Busy("the database is locked")

    monkeypatch.setattr(reads.Reads, "note", busy)
    (ref, *_) = watched.refs("outcome:created")
    for address in (f"/mail/{ref}/raw", f"/mail/{ref}"):
        answer = watched.get(address)
        assert answer.status_code == 503 and b"Received" not in answer.data


def test_only_so_many_are_remembered(watched: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "MOST_REMEMBERED", 2)
    kept = reads.Reads()
    for number in (1, 2, 3, 1):
        kept._remember((str(number),))
    assert list(kept._lately) == [("3",), ("1",)]


def test_nothing_is_written_down_unless_it_is_wanted(quiet_office: Office, tmp_path: Path) -> None:
    quiet_office.get(f"/mail/{quiet_office.refs()[0]}")
    with quiet_office.installation.store() as store:
        assert store.history.events("event:console.read")[0] == []
