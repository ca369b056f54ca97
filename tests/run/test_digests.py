"""Held mail is told: to the owner, else the admins, at once and then every few hours, once whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from manned import CONFIG, NUMBERS, an_engine, by, read

from engine.config import load
from engine.desk import held as held_mail
from engine.desk import items
from engine.desk.outbox import because, change, chosen
from engine.explain.hearers import along, became
from engine.model.draft import Role
from engine.model.events import Why
from engine.model.mail import Envelope, Origin, RawMail
from engine.outbox.compose import compose
from engine.outbox.contents import Gone, letter
from engine.outbox.deliver import Replaced
from engine.outbox.templates import Templates
from engine.run import digests
from engine.run.engine import Engine
from engine.store.errors import Refused
from engine.store.store import Store

OWNED = CONFIG.replace('name = "Support"', 'name = "Support"\nowner = "Olga <olga@example.com>"')


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from an_engine(tmp_path, OWNED)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Engine]:
    """A desk without an owner."""
    yield from an_engine(tmp_path)


def held(engine: Engine, now: datetime) -> None:
    digests.held(engine.store, engine.config, engine.teller, now)


def stranger(engine: Engine, name: str = "max") -> None:
    outcome = read(
        engine, f"From: {name}@elsewhere.example\nTo: help@example.com\nSubject: Help {name}\n\nHello\n"
    ).outcome
    assert outcome == "held"


def told(engine: Engine) -> list[tuple[str, str]]:
    rows = engine.store.database.rows("SELECT address_key, why FROM outbox WHERE event = 'desk.held' ORDER BY id")
    return [(key, why) for key, why in rows]


def test_the_owner_hears_of_the_first_held_mail_at_once_and_once(engine: Engine) -> None:
    now = datetime.now(UTC)
    held(engine, now)
    assert told(engine) == [], "nothing is held"
    stranger(engine)
    held(engine, now)
    held(engine, now + timedelta(minutes=5))
    assert told(engine) == [("olga@example.com", "")]


def test_more_held_mail_is_told_after_four_hours_and_what_is_not_new_is_not(engine: Engine) -> None:
    now = datetime.now(UTC)
    stranger(engine)
    held(engine, now)
    stranger(engine, "moritz")
    held(engine, now + timedelta(hours=3))
    assert len(told(engine)) == 1
    held(engine, now + timedelta(hours=4, minutes=1))
    assert len(told(engine)) == 2
    held(engine, now + timedelta(hours=12))
    assert len(told(engine)) == 2, "nothing new, and nothing has waited for a day"
    held(engine, now + timedelta(hours=29))
    assert len(told(engine)) == 3, "once a day while something waits"


def test_what_a_clock_that_ran_ahead_told_keeps_nobody_from_hearing(engine: Engine) -> None:
    now = datetime.now(UTC)
    stranger(engine)
    at(engine, now + timedelta(days=400))
    held(engine, now + timedelta(days=400))
    at(engine, now)
    held(engine, now + timedelta(minutes=5))
    held(engine, now + timedelta(minutes=10))
    assert len(told(engine)) == 2


def test_two_processes_that_look_at_once_tell_once(engine: Engine, tmp_path: Path) -> None:
    stranger(engine)
    config = load(tmp_path / "allegra.toml")
    other = Engine(config, Store.open(config.store.where))
    now = datetime.now(UTC)
    held(engine, now)
    held(other, now)
    other.close()
    other.store.close()
    assert len(told(engine)) == 1


def test_without_an_owner_the_admins_hear_and_without_any_a_row_says_so(alone: Engine) -> None:
    engine = alone
    stranger(engine)
    held(engine, datetime.now(UTC))
    assert told(engine) == [("", Why.NOBODY)]
    engine.store.directory.put_account("ada", emails=["ada@example.com"], admin=True)
    stranger(engine, "moritz")
    held(engine, datetime.now(UTC) + timedelta(hours=5))
    assert told(engine)[1:] == [("ada@example.com", "")]
    engine.store.directory.put_preferences("ada", "", {"held": "no"})
    stranger(engine, "lena")
    held(engine, datetime.now(UTC) + timedelta(hours=10))
    assert told(engine)[2:] == [("ada@example.com", "prefers_not"), ("", "nobody")]


def test_the_mail_lists_what_is_held_when_it_is_sent_the_oldest_first(engine: Engine) -> None:
    now = datetime.now(UTC)
    for number in range(53):
        stranger(engine, f"n{number}")
    held(engine, now)
    (row,) = engine.store.outbox.claim(1, now + timedelta(hours=2, minutes=5), "me")
    made = letter(row, engine.store, engine.config, now + timedelta(hours=2, minutes=5))
    content = compose(made, Templates(None)).content.decode()
    assert "Subject: 53 waiting for somebody: Support" in content
    assert content.index("n0@elsewhere.example") < content.index("n1@elsewhere.example")
    assert "n50@elsewhere.example" not in content
    assert "and 3 more" in content
    assert "gate.unknown_sender, since 2 hours" in content.replace("=\r\n", "")


# ── notices in one mail ───────────────────────────────────────────────────────────────────────────────────────

NINE = datetime(2026, 11, 29, 9, 5, tzinfo=UTC)


def at(engine: Engine, now: datetime) -> datetime:
    """Let the clock of the database stand at a time."""
    engine.store.database.clock = lambda: now
    return now


def clock(engine: Engine, now: datetime) -> list[int]:
    """Let what is told by the clock be told at a time; gives the numbers of the rows that were written."""
    before = engine.store.database.one("SELECT coalesce(max(id), 0) FROM outbox")[0]
    digests.by_the_clock(engine.store, engine.config, engine.teller, at(engine, now))
    return [row for (row,) in engine.store.database.rows("SELECT id FROM outbox WHERE id > ? ORDER BY id", before)]


def wants(engine: Engine, login: str, how: str) -> None:
    engine.store.directory.put_preferences(login, "", {"how": how})


def states(engine: Engine, to: str) -> list[str]:
    """What became of the notices to an address, as people see it."""
    return [line.state for line in reversed(engine.store.outbox_views.lines(f"to:{to}", everything=True)[0])]


def mail_of(engine: Engine, number: int, now: datetime) -> str:
    made = letter(engine.store.outbox.row(number), engine.store, engine.config, now)
    return str(
        message_from_bytes(compose(made, Templates(None)).content, policy=default).get_body(("plain",)).get_content()
    )


def test_who_wants_notices_daily_gets_one_mail_at_seven_with_a_line_for_each(engine: Engine) -> None:
    at(engine, NINE)
    wants(engine, "bob", "daily")
    items.assign(engine, 12, "bob", by(engine))
    items.note(engine, 12, "Call them. " * 60, by(engine))
    assert states(engine, "bob@example.com") == ["digest", "digest"]
    assert clock(engine, NINE + timedelta(hours=12)) == []
    seven = datetime(2026, 11, 30, 7, tzinfo=UTC)
    (number,) = clock(engine, seven)
    assert clock(engine, seven) == []
    body = mail_of(engine, number, seven)
    assert "2026-11-29 09:05  Anna Berg assigned [#12] Printer broken." in body
    assert "Anna Berg left an internal note on [#12] Printer broken." in body
    (words,) = [line for line in body.splitlines() if line.startswith("    Call them.")]
    assert words.endswith("…") and len(words) == 304
    assert states(engine, "bob@example.com") == ["queued", "queued", "queued"], "what it carries fares as it does"
    engine.store.outbox.claim(9, seven, "me")
    engine.store.outbox.sent(number, seven)
    told = engine.store.outbox.told(item=12)
    assert [became(line, lambda moment: moment) for line in told if line.login == "bob"] == [f"sent in {number}"] * 2


def test_a_row_says_when_the_digest_goes(engine: Engine) -> None:
    at(engine, NINE)
    wants(engine, "bob", "daily")
    items.assign(engine, 12, "bob", by(engine))
    (line,) = [line for line in engine.store.outbox.told(item=12) if line.login == "bob"]
    assert along(line, lambda moment: moment, NINE) == "goes with the digest at 07:00"
    assert along(line, lambda moment: moment, NINE - timedelta(days=2)) == "goes with the digest at 07:00 on 2026-11-30"
    berlin = ZoneInfo("Europe/Berlin")
    assert because(line, NINE, berlin) == "goes with the digest at 08:00"


def test_80_notices_in_an_hour_are_60_and_one(engine: Engine) -> None:
    at(engine, NINE)
    items.assign(engine, 12, "bob", by(engine, quiet=True))
    for number in range(80):
        at(engine, NINE + timedelta(seconds=30 * number))
        items.note(engine, 12, f"Note {number}", by(engine))
    assert states(engine, "bob@example.com")[-80:] == ["queued"] * 60 + ["digest"] * 20
    (number,) = clock(engine, NINE.replace(hour=10, minute=0))
    body = mail_of(engine, number, NINE)
    assert "Note 60" in body and "Note 79" in body and "Note 59" not in body
    rows = engine.store.database.rows("SELECT why FROM outbox WHERE sent_in = ?", number)
    assert rows == [("cap.notices",)] * 20


def test_what_went_in_a_digest_does_not_count_towards_the_next(engine: Engine) -> None:
    wants(engine, "bob", "hourly")
    at(engine, NINE)
    items.assign(engine, 12, "bob", by(engine, quiet=True))
    for _ in range(70):
        items.note(engine, 12, "Note", by(engine))
    assert len(clock(engine, NINE.replace(hour=10, minute=0))) == 1
    wants(engine, "bob", "now")
    items.note(engine, 12, "Note", by(engine))
    assert states(engine, "bob@example.com")[-1] == "queued"


def test_a_digest_has_100_lines_at_most_and_says_how_many_are_missing(engine: Engine) -> None:
    wants(engine, "bob", "hourly")
    at(engine, NINE)
    items.assign(engine, 12, "bob", by(engine, quiet=True))
    for number in range(137):
        items.note(engine, 12, f"Note {number}.", by(engine))
    (number,) = clock(engine, NINE + timedelta(hours=1))
    body = mail_of(engine, number, NINE)
    assert body.count("    Note ") == 100 and "and 37 more" in body


def test_two_processes_at_the_slot_write_one_digest(engine: Engine, tmp_path: Path) -> None:
    wants(engine, "bob", "hourly")
    at(engine, NINE)
    items.assign(engine, 12, "bob", by(engine))
    config = load(tmp_path / "allegra.toml")
    other = Engine(config, Store.open(config.store.where))
    slot = NINE.replace(hour=10, minute=0)
    assert (len(clock(engine, slot)), len(clock(other, slot))) == (1, 0)
    other.close()
    other.store.close()


def test_what_is_gone_by_then_is_left_out_and_an_empty_digest_is_not_sent(engine: Engine) -> None:
    wants(engine, "bob", "hourly")
    at(engine, NINE)
    items.assign(engine, 12, "bob", by(engine))
    (number,) = clock(engine, NINE + timedelta(hours=1))
    with engine.store.writing():
        engine.store.database.run("UPDATE item SET id = 99 WHERE id = 12")
    with pytest.raises(Gone, match="nothing of what it tells"):
        letter(engine.store.outbox.row(number), engine.store, engine.config, NINE)


def test_who_works_there_no_more_by_then_reads_nothing_of_what_was_collected(engine: Engine) -> None:
    wants(engine, "bob", "daily")
    at(engine, NINE)
    items.join(engine, 12, "bob", Role.WATCHER, by(engine, quiet=True))
    items.note(engine, 12, "They did not pay.", by(engine))
    seven = datetime(2026, 11, 30, 7, tzinfo=UTC)
    (number,) = clock(engine, seven)
    assert "They did not pay." in mail_of(engine, number, seven)
    engine.store.directory.put_role("agent", ["view_items"])
    with pytest.raises(Gone, match="nothing of what it tells"):
        letter(engine.store.outbox.row(number), engine.store, engine.config, seven)


def test_who_is_locked_by_then_gets_no_digest(engine: Engine) -> None:
    wants(engine, "bob", "hourly")
    at(engine, NINE)
    items.assign(engine, 12, "bob", by(engine))
    (number,) = clock(engine, NINE + timedelta(hours=1))
    engine.store.directory.put_account("bob", emails=["bob@example.com"], status="locked")
    with pytest.raises(Gone, match="locked"):
        letter(engine.store.outbox.row(number), engine.store, engine.config, NINE)


def test_a_person_can_have_a_collected_notice_sent_now_and_not_one_that_went_along(engine: Engine) -> None:
    wants(engine, "bob", "hourly")
    at(engine, NINE)
    items.assign(engine, 12, "bob", by(engine))
    items.note(engine, 12, "Note", by(engine))
    first, second = [line.id for line in engine.store.outbox.told(item=12) if line.login == "bob"]
    assert change(
        engine.store, engine.config, "retry", chosen(engine.store, engine.config, "retry", [first]), "anna"
    ) == [first]
    assert engine.store.outbox_views.line(first).state == "queued"
    (number,) = clock(engine, NINE + timedelta(hours=1))
    assert engine.store.outbox.row(number).told.collected == (second,)
    with pytest.raises(Refused, match=f"name row {number}"):
        chosen(engine.store, engine.config, "retry", [second])


# ── reports ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Engine]:
    """A desk whose admin hears of strangers."""
    yield from an_engine(
        tmp_path, CONFIG + '[errors]\nforward_to = ["it@example.com"]\nreports_also = ["gate.unknown_sender"]\n'
    )


def reports(engine: Engine) -> list[tuple[int, str]]:
    rows = engine.store.database.rows("SELECT id, state FROM outbox WHERE address_key = 'it@example.com' "
                                      "AND event = 'mail.held' ORDER BY id")  # fmt: skip
    return [(number, state) for number, state in rows]


def test_200_mails_for_one_reason_are_two_reports(watched: Engine) -> None:
    engine = watched
    at(engine, NINE)
    for number in range(200):
        stranger(engine, f"n{number}")
    assert [state for _, state in reports(engine)] == ["queued"] + ["digest"] * 199
    assert clock(engine, NINE + timedelta(minutes=59)) is not None
    assert len(reports(engine)) == 200
    clock(engine, NINE + timedelta(hours=1))
    *_, (number, state) = reports(engine)
    assert (len(reports(engine)), state) == (201, "queued")
    made = letter(engine.store.outbox.row(number), engine.store, engine.config, NINE)
    content = compose(made, Templates(None)).content.decode()
    assert "Subject: A mail could not be processed: Help n199 (199)" in content
    assert content.count("@elsewhere.example  Help") == 50 and "and 149 more" in content
    assert [file.name for file in made.files] == ["original.eml", "trace.txt"]


def test_the_report_that_carries_others_counts_for_the_next_hour(watched: Engine) -> None:
    engine = watched
    at(engine, NINE)
    for name in ("a", "b"):
        stranger(engine, name)
    clock(engine, NINE + timedelta(hours=1))
    at(engine, NINE + timedelta(hours=1, minutes=10))
    stranger(engine, "c")
    assert [state for _, state in reports(engine)] == ["queued", "sent", "queued", "digest"]
    at(engine, NINE + timedelta(hours=2, minutes=10))
    clock(engine, NINE + timedelta(hours=2, minutes=10))
    at(engine, NINE + timedelta(hours=3, minutes=20))
    stranger(engine, "d")
    assert reports(engine)[-1][1] == "queued"


def test_a_report_counts_also_when_its_mail_was_released(watched: Engine) -> None:
    engine = watched
    at(engine, NINE)
    stranger(engine, "a")
    (line,) = held_mail.release(engine, engine.store.archive.held(), "anna")
    assert line.code != "gate.unknown_sender", "there is no guest account, so it is held for that now"
    at(engine, NINE + timedelta(minutes=10))
    stranger(engine, "b")
    assert [state for _, state in reports(engine)] == ["queued", "digest"]


def test_reports_of_another_reason_go_at_once(watched: Engine) -> None:
    engine = watched
    at(engine, NINE)
    stranger(engine, "a")
    with engine.store.writing():
        engine.store.database.run("UPDATE outbox SET payload = replace(payload, 'gate.unknown_sender', 'gate.dmarc')")
    stranger(engine, "b")
    assert [state for _, state in reports(engine)] == ["queued", "queued"]


def test_without_reports_also_nobody_hears_of_strangers_but_in_the_digest(engine: Engine) -> None:
    engine.store.directory.put_account("ada", emails=["ada@example.com"], admin=True)
    stranger(engine)
    assert engine.store.database.rows("SELECT 1 FROM outbox WHERE event = 'mail.held' AND class = 'notice'") == []


def test_a_report_carries_an_original_of_5_mb_at_most(watched: Engine) -> None:
    engine = watched
    at(engine, NINE)
    big = "From: max@elsewhere.example\nTo: help@example.com\nSubject: Big\n\n" + "x" * (5 << 20)
    read(engine, big)
    ((number, _),) = reports(engine)
    made = letter(engine.store.outbox.row(number), engine.store, engine.config, NINE)
    assert [file.name for file in made.files] == ["trace.txt"]
    assert "original.eml (5.0 MB, not attached)" in compose(made, Templates(None)).content.decode()


# ── what is held of ours, and what broke ──────────────────────────────────────────────────────────────────────


def unproven(engine: Engine) -> None:
    """Words of an agent that nothing proves to be theirs: the answer to the customer is held."""
    raw = f"From: anna@example.com\nTo: help@example.com\nSubject: Re: [#12] Printer broken\n\nDone {next(NUMBERS)}.\n"
    assert read(engine, raw).outcome == "comment"


def owner(engine: Engine, event: str) -> list[tuple[int, str]]:
    query = "SELECT id, address_key FROM outbox WHERE event = ? AND class = 'notice' ORDER BY id"
    return [(number, key) for number, key in engine.store.database.rows(query, event)]


def test_the_owner_hears_once_an_hour_that_mail_of_ours_is_held(engine: Engine) -> None:
    at(engine, NINE)
    unproven(engine)
    at(engine, NINE + timedelta(minutes=30))
    unproven(engine)
    ((number, key),) = owner(engine, "outbox.held")
    assert key == "olga@example.com"
    body = mail_of(engine, number, NINE)
    assert "Mail that was to go out is held until somebody decides." in body
    assert "Nothing proves that its author wrote it." in body and "allegra outbox retry ID" in body
    at(engine, NINE + timedelta(minutes=61))
    unproven(engine)
    assert len(owner(engine, "outbox.held")) == 2


def test_held_mail_of_ours_is_reminded_of_after_a_day_and_stands_in_the_list(engine: Engine) -> None:
    at(engine, NINE)
    unproven(engine)
    assert owner(engine, "desk.held") == []
    clock(engine, NINE + timedelta(hours=23))
    assert owner(engine, "desk.held") == []
    clock(engine, NINE + timedelta(hours=24))
    clock(engine, NINE + timedelta(hours=25))
    ((number, key),) = owner(engine, "desk.held")
    assert key == "olga@example.com"
    body = mail_of(engine, number, NINE + timedelta(hours=24))
    assert "jane@big.example  #12 Printer broken" in body and "(unproven, since 1 day)" in body


def test_the_list_of_what_is_held_names_mails_that_wait_and_failed(engine: Engine) -> None:
    now = datetime.now(UTC)
    at(engine, now)
    engine.store.directory.put_account("ada", emails=["ada@example.com"], admin=True)
    ledger = engine.store.ledger
    for subject, code in (("Waiting", "config.broken"), ("Broken", "")):
        data = f"From: max@elsewhere.example\nSubject: {subject}\n\nx\n".encode()
        raw = RawMail(data, Origin("system", subject, len(data)), now, sha256(data).hexdigest(), Envelope(None))
        (spooled,) = ledger.spool([raw], "me")
        if code:
            ledger.defer(spooled, code, "system.toml does not load", now + timedelta(minutes=5))
        else:
            ledger.fail(spooled, "KeyError: 'x'", now, [], max_attempts=1)
    digests.held(engine.store, engine.config, engine.teller, now)
    (number,) = [row for row, _ in owner(engine, "desk.held")]
    body = mail_of(engine, number, now)
    assert "system.toml does not load (config.broken" in body and "(fault.exception" in body


def test_a_template_that_fails_is_told_once_a_day(alone: Engine) -> None:
    engine = alone
    engine.store.directory.put_account("ada", emails=["ada@example.com"], admin=True)
    broken = [Replaced("support", "ack", 'template ack, line 3: there is no "x"')]
    for hours in (0, 5, 25):
        now = at(engine, NINE + timedelta(hours=hours))
        digests.templates_failed(engine.store, engine.teller, broken, now)
        digests.templates_failed(engine.store, engine.teller, broken, now)
    digests.templates_failed(engine.store, engine.teller, [Replaced("support", "held", "no")], now)
    told = owner(engine, "template.failed")
    assert [key for _, key in told] == ["ada@example.com"] * 3
    body = mail_of(engine, told[0][0], NINE)
    assert 'Template ack, line 3: there is no "x".' in body and "allegra check" in body


def test_a_script_that_is_switched_off_is_told_once_an_hour(alone: Engine) -> None:
    engine = alone
    engine.store.directory.put_account("ada", emails=["ada@example.com"], admin=True)
    now = at(engine, NINE)
    digests.switched_off(engine.store, engine.teller, [("check.py", "it failed 5 times in a row")] * 3, now)
    ((number, key),) = owner(engine, "hook.disabled")
    assert key == "ada@example.com"
    body = mail_of(engine, number, NINE)
    assert "The script check.py is off: it failed 5 times in a row." in body and "allegra hooks enable check.py" in body
