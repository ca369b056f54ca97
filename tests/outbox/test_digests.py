"""What a digest lists: no more than each mail would have told, in lines, with what changed."""

from __future__ import annotations

from collections.abc import Callable

from outbox.offices import Office

from engine.model.events import Kind
from engine.model.hearing import Change
from engine.model.stored import OutboxRow


def digest(office: Office, *rows: OutboxRow, inside: bool = True) -> str:
    carrier = office.row(
        Kind.NOTICE, "desk.digest", to="bob@example.com", template="digest", inside=inside, workspace="support",
        collected=tuple(row.id for row in rows),
    )  # fmt: skip
    body: str = office.message(carrier).get_body(("plain",)).get_content()
    return body


def test_somebody_outside_reads_no_note_and_no_fact_but_the_status(offices: Callable[[], Office]) -> None:
    office = offices()
    item = office.item()
    note = office.comment(item, "She is difficult.", internal=True)
    changes = (Change("status", "New", "Closed"), Change("priority", "Low", "Very high"))
    row = office.row(
        Kind.NOTICE, "item.closed", to="bob@example.com", item=item, comment=note, changes=changes, inside=False
    )
    body = digest(office, row, inside=False)
    assert "Status: New → Closed" in body
    assert "difficult" not in body and "Very high" not in body


def test_what_happened_is_told_item_by_item(offices: Callable[[], Office]) -> None:
    office = offices()
    first, second = office.item(title="Printer"), office.item(title="Toner")
    rows = [
        office.row(Kind.NOTICE, event, to="bob@example.com", item=item, inside=True)
        for event, item in (("item.closed", first), ("item.closed", second), ("item.reopened", first))
    ]
    lines = [line for line in digest(office, *rows).splitlines() if "[#" in line]
    assert [line.partition("  ")[2] for line in lines] == [
        f"Example help desk closed [#{first}] Printer.",
        f"Example help desk opened [#{first}] Printer again.",
        f"Example help desk closed [#{second}] Toner.",
    ]


def test_words_of_several_lines_are_one_and_are_cut_at_300_characters(offices: Callable[[], Office]) -> None:
    office = offices()
    item = office.item()
    comment = office.comment(item, "One\r\ntwo\n\n" + "x" * 400)
    body = digest(office, office.row(Kind.NOTICE, "item.commented", item=item, comment=comment, inside=True))
    (words,) = [line.strip() for line in body.splitlines() if line.startswith("    One")]
    assert words.startswith("One two xxx") and words.endswith("…") and len(words) == 300


def test_a_digest_of_one_workspace_comes_from_there_and_has_no_thread(offices: Callable[[], Office]) -> None:
    office = offices()
    row = office.row(Kind.NOTICE, "item.closed", item=office.item(), inside=True)
    carrier = office.row(
        Kind.NOTICE, "desk.digest", template="digest", inside=True, workspace="support", collected=(row.id,)
    )
    message = office.message(carrier)
    assert message["From"].addresses[0].display_name == "Support"
    assert message["Subject"] == "New (1): Support"
    assert (message["References"], message["In-Reply-To"], message["Auto-Submitted"]) == (None, None, "auto-generated")
