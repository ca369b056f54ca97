"""Workers: mail is read, decided and sent by processes that share the work, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from deciding import raw
from served import mail, of
from servers import poison
from servers.postgres import Postgres
from worker.office import Office, Working

Start = Callable[..., Working]
MUCH = 150


def checks(office: Office) -> dict[str, dict[str, Any]]:
    """What `allegra health` says of each check."""
    told = json.loads(office.allegra("health", "--json").stdout)
    return {each["name"]: each for each in told["checks"]}


def test_mail_is_read_decided_and_moved_and_sigterm_ends_it_with_0(office: Office, working: Start) -> None:
    first = office.mail()
    for _ in range(19):
        office.mail()
    office.mail(answers=first)
    worker = working(office, "--deciders", "2")
    worker.until(lambda: office.decided == 21)
    assert office.outcomes == Counter(created=20, comment=1)
    worker.until(lambda: len([*(office.box / ".Done" / "cur").glob("*")]) == 21)
    assert worker.stop() == 0
    office.is_sound()
    assert worker.output == ""


def test_work_that_no_bell_rang_for_is_done_with_the_next_tick(office: Office, working: Start) -> None:
    worker = working(office, "--deciders", "1")
    worker.until(lambda: worker.deciders)
    time.sleep(2.0)
    with office.store() as store:
        store.database._has_bells = False  # type: ignore[attr-defined]
        store.ledger.unclaim(store.ledger.spool([raw(key=str(number)) for number in range(60)], store.owner))
    assert worker.until(lambda: office.decided == 60, 10.0) > 0
    assert worker.stop() == 0


def test_all_bells_deleted_while_mail_comes_lose_nothing(office: Office, working: Start) -> None:
    worker = working(office, "--deciders", "1")
    worker.until(lambda: worker.deciders)
    for number in range(60):
        office.mail()
        if number % 5 == 0:
            with office.store() as store:
                store.database.run("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
    worker.until(lambda: office.decided == 60, 20)
    assert worker.stop() == 0
    office.is_sound()


@pytest.mark.parametrize("after_s", [0.3, 1.0, 1.5, 2.0, 3.0])
def test_sigterm_at_any_time_ends_it_with_0_and_leaves_nothing_claimed(
    office: Office, working: Start, after_s: float
) -> None:
    for _ in range(MUCH):
        office.mail()
    worker = working(office, "--deciders", "2")
    time.sleep(after_s)
    status = worker.stop()
    assert status == (0 if after_s >= 1.0 else status), worker.output
    assert office.rows("SELECT count(*) FROM inbound WHERE owner IS NOT NULL") == [(0,)]
    assert office.rows("SELECT count(*) FROM inbound WHERE state = 'received' AND attempts > 0") == [(0,)]
    assert office.rows("SELECT count(*) FROM mailbox WHERE lease_owner <> ''") == [(0,)]
    again = working(office, "--deciders", "2")
    again.until(lambda: again.deciders and office.decided == MUCH)
    assert again.stop() == 0
    office.is_sound()


def test_a_second_signal_ends_it_at_once(office: Office, working: Start) -> None:
    for _ in range(MUCH):
        office.mail()
    worker = working(office, "--deciders", "2")
    worker.until(lambda: office.decided > 0)
    for each in worker.deciders:
        os.kill(each, signal.SIGSTOP)  # they cannot hear it
    worker.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    began = time.monotonic()
    assert worker.stop() == 75
    assert time.monotonic() - began < 3.0
    again = working(office)
    again.until(lambda: office.decided == MUCH)
    office.is_sound()


def test_a_decider_that_is_killed_is_replaced_and_no_mail_is_lost(office: Office, working: Start) -> None:
    for _ in range(MUCH):
        office.mail()
    worker = working(office, "--deciders", "2")
    worker.until(lambda: office.decided > 0)
    for _ in range(3):
        for each in worker.deciders[:1]:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        time.sleep(0.7)
    worker.until(lambda: office.decided == MUCH)
    office.is_sound()
    worker.until(lambda: "a decider was killed by SIGKILL" in worker.output)
    assert worker.stop() == 0


def test_a_decider_that_dies_while_it_waits_is_replaced_though_no_mail_comes(office: Office, working: Start) -> None:
    worker = working(office, "--deciders", "2")
    worker.until(lambda: len(worker.deciders) == 2)
    time.sleep(0.5)
    first = worker.deciders
    os.kill(first[0], signal.SIGKILL)
    worker.until(lambda: "a decider was killed by SIGKILL" in worker.output, 10.0)
    worker.until(lambda: len(worker.deciders) == 2 and first[0] not in worker.deciders, 10.0)
    assert worker.stop() == 0


def test_only_the_mail_that_kills_its_decider_is_charged(
    office: Office, working: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environ = poison.everywhere(tmp_path_factory.mktemp("site"))
    for number in range(30):
        office.mail("kill me deciding" if number == 7 else "Hello")
    worker = working(office, "--deciders", "2", **environ)
    worker.until(lambda: office.decided == 29)
    charged = office.rows("SELECT id, attempts, code FROM inbound WHERE attempts > 1 OR code = 'fault.crash'")
    assert len(charged) == 1, charged
    attempts = office.rows("SELECT attempts, count(*) FROM inbound WHERE state = 'done' GROUP BY 1")
    assert attempts == [(1, 29)]
    assert worker.stop() == 0


def test_five_deaths_in_a_minute_are_said_where_people_look_and_deciding_pauses(
    office: Office, working: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environ = poison.everywhere(tmp_path_factory.mktemp("site"))
    for _ in range(3):
        office.mail("kill me deciding")
    worker = working(office, "--deciders", "2", **environ)
    worker.until(lambda: "nothing is decided for 60 s" in worker.output)
    office.mail()
    time.sleep(4.0)
    assert office.decided == 0, "the other one pauses as well"
    worker.until(lambda: office.rows("SELECT said FROM trouble WHERE name = 'deciders'"))
    check = checks(office)["workers"]
    assert (check["status"], "5 deciders died within a minute" in check["said"]) == ("critical", True)
    assert worker.stop() == 0


def test_the_parent_killed_ends_its_deciders_and_another_worker_goes_on(office: Office, working: Start) -> None:
    for _ in range(MUCH):
        office.mail()
    worker = working(office, "--deciders", "2")
    worker.until(lambda: office.decided > 0)
    deciders = worker.deciders
    worker.process.kill()
    worker.process.wait()
    again = working(office, "--deciders", "2")
    again.until(lambda: office.decided == MUCH, 60)
    again.until(lambda: not any(Path(f"/proc/{each}").exists() for each in deciders))
    office.is_sound()
    assert again.stop() == 0


def test_a_worker_and_runs_by_cron_do_not_stand_in_each_others_way(office: Office, working: Start) -> None:
    for _ in range(MUCH // 2):
        office.mail()
    worker = working(office, "--deciders", "2")
    for _ in range(4):
        assert office.allegra("run").returncode in (0, 75)
        for _ in range(10):
            office.mail()
    worker.until(lambda: office.decided == office.written)
    assert worker.stop() == 0
    office.is_sound()
    assert office.outcomes == Counter(created=office.written)


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server of this test's own, which it may stop."""
    server = Postgres()
    yield server
    server.stop()


@pytest.mark.server
def test_a_database_that_goes_away_is_waited_for(
    postgres: Postgres, own_server: Postgres, tmp_path: Path, working: Start
) -> None:
    office = Office(tmp_path, own_server.url_of(own_server.furnished()))
    for _ in range(MUCH):
        office.mail()
    worker = working(office, "--deciders", "2")
    worker.until(lambda: office.decided > 0)
    own_server.halt()
    time.sleep(3.0)
    assert worker.process.poll() is None, worker.output
    own_server.start()
    worker.until(lambda: office.decided == MUCH, 90)
    office.is_sound()
    assert office.rows("SELECT count(*) FROM inbound WHERE attempts > 1") == [(0,)], "nobody is to blame"
    assert "the worker waits for it" in worker.output
    assert worker.stop() == 0


def test_a_worker_that_stood_still_goes_on_and_nothing_is_done_twice(office: Office, working: Start) -> None:
    for _ in range(MUCH):
        office.mail()
    worker = working(office, "--deciders", "1")
    worker.until(lambda: office.decided > 0)
    stopped = [worker.process.pid, *worker.deciders]
    for each in stopped:
        os.kill(each, signal.SIGSTOP)
    other = working(office, "--deciders", "1")
    time.sleep(5.0)
    for each in stopped:
        os.kill(each, signal.SIGCONT)
    other.until(lambda: office.decided == MUCH)
    assert (worker.stop(), other.stop()) == (0, 0)
    office.is_sound()
    assert office.outcomes == Counter(created=MUCH)


def test_with_a_file_it_says_what_it_needs(office: Office) -> None:
    file = office.folder / "allegra.toml"
    text = file.read_text().replace('driver = "postgresql"\nurl_env = "OFFICE_URL"', "").replace("[workers]", "#")
    file.write_text(text.replace('tick = "1 s"\ndrain = "10 s"', ""))
    done = office.allegra("worker")
    assert (done.returncode, "PostgreSQL" in done.stderr) == (64, True)


def test_a_database_that_is_not_there_at_the_start_is_not_said_to_be_waited_for(office: Office) -> None:
    office.environ["OFFICE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    done = office.allegra("worker")
    assert (done.returncode, "cannot be reached" in done.stderr, "waits" in done.stderr) == (69, True, False)


def test_health_knows_who_lives_and_that_nobody_does_where_work_waits(office: Office, working: Start) -> None:
    assert checks(office)["workers"]["said"] == "none: mail is read by cron, by hand or by a watch"
    office.mail()
    worker = working(office)
    worker.until(lambda: office.decided == 1)
    told = checks(office)["workers"]
    assert (told["status"], told["value"]) == ("ok", 1.0)
    assert f"process {worker.process.pid} on " in told["said"]
    worker.process.kill()
    worker.process.wait()
    for late_s, status in ((10, "ok"), (120, "warning"), (900, "critical")):
        with office.store() as store, store.writing():
            store.database.run("UPDATE mailbox SET next_at = ?, ok_at = 1", store.database.now() - late_s * 1_000_000)
        assert checks(office)["workers"]["status"] == status
    office.mail()
    assert office.allegra("run").returncode == 0
    assert checks(office)["workers"]["status"] == "ok", "cron reads it again"


def test_two_workers_read_a_server_and_answer_each_sender_once(
    tmp_path: Path, postgres_url: str, dovecot: Any, sink: Any, working: Start
) -> None:
    account, out = dovecot.account(), sink()
    more = f"""[workspace.support.mailbox]
protocol = "maildir"
path = "other"
poll = "2 s"
addresses = ["support@example.com"]
{smtp(out.port)}"""
    office = Office(tmp_path, postgres_url, more=more, mailbox=of(account))
    workers = [working(office, "--deciders", "2") for _ in range(2)]
    for number in range(1, 61):
        account.deliver(mail(number, sender=f"p{number}@outside.example"))
    workers[0].until(lambda: office.decided == 60)
    workers[0].until(lambda: len(account.mails("Done")) == 60)
    workers[0].until(lambda: not office.rows("SELECT 1 FROM outbox WHERE state IN ('queued', 'sending')"))
    assert [each.stop() for each in workers] == [0, 0]
    answered = Counter(each.recipient for each in out.taken if "@outside.example" in each.recipient)
    assert answered == Counter(f"p{number}@outside.example" for number in range(1, 61))
    assert office.rows("SELECT state, count(*) FROM outbox WHERE class = 'auto' GROUP BY 1") == [("sent", 60)]
    assert office.outcomes == Counter(created=60)


def test_a_mailbox_that_shares_its_account_is_read_one_after_the_other(
    tmp_path: Path, postgres_url: str, dovecot: Any, working: Start
) -> None:
    account = dovecot.account()
    names = [f"w{number}" for number in range(6)]
    wrong = of(account).replace(account.password, "wrong-4711")
    boxes = "".join(
        f'[workspace.{name}]\nname = "{name}"\n[workspace.{name}.mailbox]\npoll = "2 s"\nfolder = "{name}"\n{wrong}\n'
        for name in names
    )
    office = Office(tmp_path, postgres_url, more=boxes)
    worker = working(office, "--only", "fetch")
    failing = "SELECT count(*) FROM mailbox WHERE failures > 0"
    worker.until(lambda: office.rows(failing) == [(6,)])
    time.sleep(3.0)
    refused = office.rows("SELECT refused FROM mailbox")
    assert 1 <= sum(len(each.split()) for (each,) in refused) <= 3, "an account is tried three times an hour at most"
    assert worker.stop() == 0


def smtp(port: int) -> str:
    """Settings of a way out that answers everybody."""
    return f'[smtp]\nhost = "localhost"\nport = {port}\nssl = false\nfrom = "Help <help@example.com>"\n'


def test_a_server_that_says_nothing_keeps_a_worker_for_no_longer_than_the_drain(
    tmp_path: Path, postgres_url: str, sink: Any, working: Start
) -> None:
    out = sink()
    out.hang_before = b"DATA"
    office = Office(tmp_path, postgres_url, more=smtp(out.port))
    file = office.folder / "allegra.toml"
    file.write_text(file.read_text().replace('drain = "10 s"', 'drain = "2 s"'))
    office.mail(sender="jane@outside.example")
    worker = working(office, "--deciders", "1")
    assert out.hanging.wait(30), worker.output
    began = time.monotonic()
    assert worker.stop() == 75
    assert time.monotonic() - began < 8.0
    assert office.rows("SELECT state FROM outbox WHERE class = 'auto'") == [("sending",)]
    office.allegra("run")
    assert office.rows("SELECT state FROM outbox WHERE class = 'auto'") == [("unknown",)], "one mail of unknown fate"


def test_other_rules_are_followed_when_their_file_was_changed(office: Office, working: Start) -> None:
    office.mail()
    worker = working(office, "--deciders", "1")
    worker.until(lambda: office.decided == 1)
    (office.folder / "rules").mkdir(exist_ok=True)
    (office.folder / "rules" / "system.toml").write_text(
        """[[rule]]\nname = "No"\non = "any"\nwhen = 'subject contains "Mail"'\nthen = ['discard because "no"']\n"""
    )
    file = office.folder / "allegra.toml"
    file.write_text(file.read_text().replace("[system]\n", '[system]\nrules = "rules/system.toml"\n'))
    worker.until(lambda: "files were changed" in worker.output)
    office.mail()
    worker.until(lambda: office.decided == 2)
    assert office.outcomes == Counter(created=1, discarded=1)
    assert worker.stop() == 0


def test_each_kind_of_work_can_be_left_to_another_worker(office: Office, working: Start) -> None:
    for _ in range(5):
        office.mail()
    reads = working(office, "--only", "fetch")
    reads.until(lambda: office.waiting == 5)
    time.sleep(2.0)
    assert (office.decided, reads.deciders) == (0, [])
    decides = working(office, "--only", "decide,deliver", "--deciders", "1")
    decides.until(lambda: office.decided == 5)
    assert (reads.stop(), decides.stop()) == (0, 0)


def test_a_worker_for_one_mailbox_leaves_the_others_alone(tmp_path: Path, postgres_url: str, working: Start) -> None:
    more = '[workspace.support.mailbox]\nprotocol = "maildir"\npath = "other"\naddresses = ["support@example.com"]\n'
    office = Office(tmp_path, postgres_url, more=more)
    office.mail()
    worker = working(office, "--mailbox", "support")
    time.sleep(4.0)
    assert worker.process.poll() is None, worker.output
    assert office.rows("SELECT count(*) FROM inbound") == [(0,)]
    both = working(office)
    both.until(lambda: office.decided == 1)
    assert (worker.stop(), both.stop()) == (0, 0)


def test_an_upgraded_schema_ends_a_worker_with_75(office: Office, working: Start) -> None:
    worker = working(office, "--deciders", "1")
    worker.until(lambda: worker.deciders)
    with office.store() as store, store.writing():
        store.database.run("INSERT INTO schema_version (version, name, applied_at) VALUES (99, 'later', 1)")
    assert worker.process.wait(20) == 75, worker.output
    assert "the schema of the database was upgraded" in worker.output


def test_a_worker_that_was_taken_for_dead_listens_anew(office: Office, working: Start) -> None:
    worker = working(office, "--deciders", "1")
    worker.until(lambda: office.rows("SELECT count(*) FROM procrastinate_workers") == [(1,)])
    with office.store() as store:
        store.database.run("DELETE FROM procrastinate_workers")
    for _ in range(5):
        office.mail()
    worker.until(lambda: office.decided == 5)
    worker.until(lambda: office.rows("SELECT count(*) FROM procrastinate_workers") == [(1,)])
    assert worker.stop() == 0
    office.is_sound()


def test_a_worker_whose_sessions_were_ended_counts_among_the_living_again(office: Office, working: Start) -> None:
    """A question opens a lost connection anew without a word; that this worker lives hung on the old one."""
    worker = working(office, "--deciders", "1")
    its = "FROM pg_stat_activity WHERE application_name LIKE 'allegra worker: %' AND datname = current_database()"
    worker.until(lambda: len(office.rows(f"SELECT 1 {its}")) == 1 and worker.deciders)  # it has begun
    office.rows(f"SELECT pg_terminate_backend(pid) {its}")
    worker.until(lambda: len(office.rows(f"SELECT 1 {its}")) == 1, 10)
    assert checks(office)["workers"]["value"] == 1
    assert worker.stop() == 0
