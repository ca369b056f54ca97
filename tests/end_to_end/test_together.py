"""G6: several processes at once: no mail is lost, none has two effects, with leases and without."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from served import configure, of
from servers import leaseless
from servers.dovecot import Dovecot
from servers.failpoints import At, ended, run, start, wait_for_step, wait_to_decide

MAILS = 40
NO_FLOOD = 'mails_per_sender = { limit = 1000, per = "1 hour", then = "hold" }'
MAIL = b"From: anna@example.com\nTo: help@example.com\nSubject: Piped %d\nMessage-ID: <p%d@example.com>\n\nHello\n"


def each_once(desk: Any) -> None:
    titles = [item["title"] for item in desk.lines("item", "list", "--limit", "500")]
    assert Counter(titles) == Counter(f"Mail {number}" for number in range(MAILS))
    assert {row["outcome"] for row in desk.lines("mail", "list", "--limit", "500")} == {"created"}


@pytest.mark.parametrize("before", [None, leaseless.install], ids=["with leases", "without leases"])
def test_G6_four_runners_at_once_on_a_maildir(desk: Any, before: Any) -> None:
    desk.configure(gates=NO_FLOOD)
    for number in range(MAILS):
        desk.mail(f"Mail {number}")
    wait = () if before else ("--wait", "60")
    processes = [start(desk.folder, "run", *wait, batch=5, before=before) for _ in range(4)]
    ends = [ended(each) for each in processes]
    assert [each.output for each in ends if "Traceback" in each.output] == []
    assert before or [each.code for each in ends] == [0] * 4
    assert desk.allegra("run").exit_code == 0
    each_once(desk)
    assert (len(desk.files()), len(desk.files(folder="Done"))) == (0, MAILS)
    assert desk.run() == []


@pytest.mark.parametrize("before", [None, leaseless.install], ids=["with leases", "without leases"])
def test_G6_four_runners_at_once_on_an_imap_folder(desk: Any, dovecot: Dovecot, before: Any) -> None:
    account = dovecot.account()
    head = b"From: anna@example.com\r\nSubject: Mail %d\r\nMessage-ID: <m%d@example.com>\r\n\r\nText\r\n"
    account.deliver(*(head % (number, number) for number in range(MAILS)))
    configure(desk, of(account))
    wait = () if before else ("--wait", "60")
    processes = [start(desk.folder, "run", *wait, batch=5, before=before) for _ in range(4)]
    ends = [ended(each) for each in processes]
    assert [each.output for each in ends if "Traceback" in each.output] == []
    assert desk.allegra("run").exit_code == 0
    each_once(desk)
    assert account.mails() == []
    if before is None:  # two sessions that move the same message may leave two copies; no effect has two
        assert len(account.mails("Done")) == MAILS
    assert desk.run() == []


def test_G6_runners_that_are_killed_while_others_work(desk: Any) -> None:
    desk.configure(gates=NO_FLOOD)
    for number in range(MAILS):
        desk.mail(f"Mail {number}")
    killed = [start(desk.folder, "run", "--wait", "60", batch=5, at=At("commit", hit)) for hit in (7, 12)]
    steady = [start(desk.folder, "run", "--wait", "60", batch=5) for _ in range(2)]
    for each in (*killed, *steady):
        ended(each)
    for _ in range(2):
        assert desk.allegra("run").exit_code == 0
    each_once(desk)
    assert (len(desk.files()), len(desk.files(folder="Done"))) == (0, MAILS)


def test_a_run_passes_by_a_mailbox_that_deliver_is_working_on_and_both_do_their_work(desk: Any, tmp_path: Path) -> None:
    desk.mail("Mail 0")
    stuck = start(desk.folder, "deliver", "--mailbox", "system", stdin=MAIL % (1, 1), before=wait_to_decide)
    wait_for_step(stuck, "decide")
    passed = run(desk.folder, "run", "--json")
    assert passed.code == 0
    assert '"code":"mailbox.busy"' in passed.output
    (desk.folder / "go on").touch()
    assert ended(stuck).code == 0
    assert [line["subject"] for line in desk.run()] == ["Mail 0"]
    assert len(desk.lines("item", "list")) == 2


def test_deliver_while_a_run_works_keeps_the_mail_for_the_next(desk: Any) -> None:
    desk.mail("Mail 0")
    stuck = start(desk.folder, "run", before=wait_to_decide)
    wait_for_step(stuck, "decide")
    assert run(desk.folder, "deliver", "--mailbox", "system", stdin=MAIL % (1, 1)).code == 0
    assert run(desk.folder, "deliver", "--mailbox", "support", stdin=MAIL % (2, 2)).code == 0
    (desk.folder / "go on").touch()
    assert ended(stuck).code == 0
    assert desk.allegra("run").exit_code == 0
    assert sorted(item["title"] for item in desk.lines("item", "list")) == ["Mail 0", "Piped 1", "Piped 2"]


@pytest.mark.parametrize("same", [True, False], ids=["the same mail", "two mails"])
def test_two_deliveries_at_once(desk: Any, same: bool) -> None:
    mails = [MAIL % (1, 1), MAIL % ((1, 1) if same else (2, 2))]
    processes = [start(desk.folder, "deliver", "--mailbox", "system", "--queue-id", f"q{number}", stdin=mail)
                 for number, mail in enumerate(mails)]  # fmt: skip
    assert [ended(each).code for each in processes] == [0, 0]
    assert desk.allegra("run").exit_code == 0
    assert len(desk.lines("item", "list")) == (1 if same else 2)
