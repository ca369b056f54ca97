"""Mail goes out through a real Postfix and comes in by a real Dovecot: what arrives, what comes back, what waits."""

from __future__ import annotations

import shutil
import smtplib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from correspondence import EVERYBODY, NOBODY, arrived, by, served, write
from people import JANE
from servers.dovecot import Dovecot
from servers.postfix import Postfix

from engine.config import load
from engine.run.sending import send
from engine.store.store import Store


@pytest.fixture
def office(desk: Any, dovecot: Dovecot, postfix: Postfix) -> Any:
    """A desk that reads help@ and support@ by IMAP and sends through Postfix; Anna and Bob work there."""
    desk.load(EVERYBODY)
    served(desk, dovecot, by(postfix))
    return desk


def rows(desk: Any, address: str) -> list[tuple[Any, ...]]:
    return [row[1:] for row in desk.told("address_key, class, event, state, error") if row[0] == address]


def test_F140_a_question_and_its_answer_cross_two_real_servers(office: Any, postfix: Postfix) -> None:
    write(postfix, JANE, "help@example.com", "The scanner is slow", "It takes an hour.\n")
    assert [line["outcome"] for line in office.run()] == ["created"]
    postfix.wait()
    (ack,), (notice,) = arrived(postfix, "jane@big.example"), arrived(postfix, "anna@example.com")
    assert (ack["Auto-Submitted"], ack["Return-Path"]) == ("auto-replied", "<>")
    write(postfix, "anna@example.com", notice["Reply-To"].addresses[0].addr_spec, "Re: x", "Take the other one.\n")
    assert [(line["outcome"], line["item"]) for line in office.run()] == [("comment", 1)]
    postfix.wait()
    _, answer = arrived(postfix, "jane@big.example")
    assert answer["Auto-Submitted"] is None and "@example.com>" in answer["Return-Path"]
    assert "Take the other one." in answer.get_body(("plain",)).get_content()


def test_F039_what_a_real_server_returns_is_matched_to_its_row_and_told(office: Any, postfix: Postfix) -> None:
    write(postfix, NOBODY, "help@example.com", "The scanner is slow", "It takes an hour.\n")
    office.run()
    answered = office.allegra("item", "answer", "1", "-m", "Take the other one.")
    assert answered.exit_code == 0, answered.output
    office.run()
    postfix.wait()
    assert rows(office, "nobody@big.example")[-1][:3] == ("answer", "item.answered", "sent")
    before = len(arrived(postfix, "anna@example.com"))
    assert [line["outcome"] for line in office.run()] == ["discarded"]
    kind, _, state, said = rows(office, "nobody@big.example")[-1]
    assert (kind, state) == ("answer", "bounced") and "unknown user" in said
    postfix.wait()
    *_, told = arrived(postfix, "anna@example.com")[before:]
    assert "nobody@big.example" in told.get_body(("plain",)).get_content()
    assert ("notice", "mail.undeliverable", "sent", "") in rows(office, "anna@example.com")
    assert office.run() == [], "and no report answers it"


def test_what_waits_two_days_for_a_server_that_is_away_is_sent_once(office: Any, postfix: Postfix) -> None:
    write(postfix, JANE, "help@example.com", "The scanner is slow", "It takes an hour.\n")
    postfix.stop()
    assert [line["outcome"] for line in office.run()] == ["created"]
    config, now = load(office.folder / "allegra.toml"), datetime.now(UTC)
    with Store.open(office.where) as store:
        for hour in range(0, 48, 6):
            done = send(store, config, now=lambda hour=hour: now + timedelta(hours=hour))  # type: ignore[misc]
            assert (done.sent, done.waiting) == (0, 3) and "refused" in done.away
        assert {attempts for (attempts,) in office.told("attempts")} == {0}
        assert postfix.start()
        for hour in (48, 49):
            done = send(store, config, now=lambda hour=hour: now + timedelta(hours=hour))  # type: ignore[misc]
            assert (done.waiting, done.away) == (0, "")
    postfix.wait()
    assert [len(arrived(postfix, f"{each}@example.com")) for each in ("anna", "bob")] == [1, 1]
    assert len(arrived(postfix, "jane@big.example")) == 1


def test_mail_goes_out_by_the_program_of_a_real_server(office: Any, dovecot: Dovecot, postfix: Postfix) -> None:
    command = ", ".join(f'"{each}"' for each in postfix.sendmail)
    served(office, dovecot, f'[smtp]\ntransport = "sendmail"\ncommand = [{command}]\nfrom = "help@example.com"\n')
    write(postfix, JANE, "help@example.com", "The scanner is slow", ".\nIt takes an hour.\n")
    office.run()
    postfix.wait()
    (ack,), (notice,) = arrived(postfix, "jane@big.example"), arrived(postfix, "anna@example.com")
    assert (ack["Return-Path"], ack["Auto-Submitted"]) == ("<>", "auto-replied")
    assert notice["Return-Path"] != "<>" and ".\nIt takes an hour." in notice.get_body(("plain",)).get_content()


# ── deliver, behind a pipe ────────────────────────────────────────────────────────────────────────────────────────


class Pipe:
    """What Postfix runs for pipe.test: it may not be root, so it lays down what it has and waits for our exit code."""

    def __init__(self, desk: Any, postfix: Postfix, folder: Path) -> None:
        self._desk, self._postfix, self._folder = desk, postfix, folder
        folder.mkdir()
        folder.chmod(0o777)
        postfix.into(
            f'cd {folder}; cat > $3.mail; echo "--sender $1 --recipient $2 --queue-id $3" > $3.new; mv $3.new $3.args\n'
            "while ! test -s $3.code; do sleep 0.02; done; code=$(cat $3.code); rm $3.*\n"
            "case $code in 0|65|67|77) exit $code;; *) exit 75;; esac"
        )

    def hand_over(self, *options: str) -> int:
        """Let `allegra deliver` have the next mail; gives its exit code."""
        end = time.monotonic() + 20
        while not (found := list(self._folder.glob("*.args"))):
            assert time.monotonic() < end, self._postfix.log()
            time.sleep(0.01)
        (args,) = found
        content = args.with_suffix(".mail").read_bytes()
        done = self._desk.allegra("deliver", *options, *args.read_text().split(), stdin=content)
        args.unlink()
        code = args.with_suffix(".code")
        code.with_suffix(".coming").write_text(str(done.exit_code))
        code.with_suffix(".coming").rename(code)
        return int(done.exit_code)


@pytest.fixture
def pipe(desk: Any, postfix: Postfix, postfix_server: Postfix) -> Iterator[Pipe]:
    toml = desk.folder / "allegra.toml"
    toml.write_text(toml.read_text().replace("help@example.com", "help@pipe.test"))
    folder = postfix_server.base / "handed"
    yield Pipe(desk, postfix, folder)
    shutil.rmtree(folder)


def post(postfix: Postfix, subject: str, to: str = "help@pipe.test") -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        mail = f"From: anna@example.com\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n.It takes an hour.\r\n"
        client.sendmail("anna@example.com", [to], mail)


def test_F006_a_real_server_hands_its_mail_to_deliver(desk: Any, postfix: Postfix, pipe: Pipe) -> None:
    for subject, to in (("The scanner is slow", "help@pipe.test"), ("An invoice", "help+billing@pipe.test")):
        post(postfix, subject, to)
        assert pipe.hand_over() == 0
        postfix.wait()
    assert [(each["title"], each["workspace"]) for each in desk.lines("item", "list")] == [
        ("An invoice", "finance"), ("The scanner is slow", "support")
    ]  # fmt: skip
    assert desk.item(2)["text"].strip() == ".It takes an hour." == desk.item(1)["text"].strip()
    assert arrived(postfix, "anna@example.com") == []


def test_what_deliver_refuses_comes_back_to_the_sender_as_the_server_s_report(
    desk: Any, postfix: Postfix, pipe: Pipe
) -> None:
    post(postfix, "")
    assert pipe.hand_over("--bounce") in (65, 77)
    postfix.wait()
    (report,) = arrived(postfix, "anna@example.com")
    assert report.get_content_type() == "multipart/report"
    assert [row["outcome"] for row in desk.lines("mail", "list")] == ["rejected"]


def test_what_deliver_cannot_take_now_stays_with_the_server_and_is_taken_once(
    desk: Any, postfix: Postfix, pipe: Pipe
) -> None:
    toml = desk.folder / "allegra.toml"
    whole = toml.read_text()
    toml.write_text("nonsense")
    post(postfix, "The scanner is slow")
    assert pipe.hand_over() not in (0, 65, 67, 77)
    toml.write_text(whole)
    assert pipe.hand_over() == 0
    postfix.wait()
    assert [each["title"] for each in desk.lines("item", "list")] == ["The scanner is slow"]
