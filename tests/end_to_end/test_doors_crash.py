"""A door that dies at any of its steps, while somebody pushes until it is answered for: nothing lost, nothing twice."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from conservation import Case, conserved
from servers.doors import KEY, Mta, pushed
from servers.failpoints import At, ended, start

MORE = '[http.keys.all]\nkey_env = "THE_KEY"\n[errors]\nretry = ["0 s"]\n'
ENDS = {
    ("system", "created"): None,
    ("support", "created"): None,
    ("system", "held"): None,
    ("system", "comment"): None,
}
"""No mail lies in a folder: it came another way."""

DOORS = ("lmtp", "serve")
TAKING = [At(step, hit, after) for step in ("door take", "spool") for hit in (1, 3) for after in (False, True)]
TAKING += [At("COMMIT", hit, after) for hit in (1, 2, 3, 5, 8, 13, 21) for after in (False, True)]
DECIDING = [At(step, hit, after) for step in ("lease", "claim", "decide", "commit", "lease back") for hit in (1, 2)
            for after in (False, True)]  # fmt: skip
REPLYING = [At("door reply", hit, after) for hit in (1, 2, 9) for after in (False, True)]


class Pusher:
    """Somebody with mails, who pushes each until it is answered for, at a door that may be gone."""

    def __init__(self, desk: Any, door: str) -> None:
        self._desk, self._door = desk, door
        self.left: list[tuple[bytes, tuple[str, ...]]] = []

    def push(self) -> None:
        """Push what was not answered for yet, once; a mail that was answered for is never pushed again."""
        at = str(self._desk.folder / "at")
        for mail, recipients in list(self.left):
            try:
                answered = (
                    self._lmtp(at, mail, recipients) if self._door == "lmtp" else self._http(at, mail, recipients)
                )
            except (OSError, ValueError, AssertionError):  # nobody there, or it died in the middle
                answered = False
            if answered:
                self.left.remove((mail, recipients))

    def _lmtp(self, at: str, mail: bytes, recipients: tuple[str, ...]) -> bool:
        with Mta(at) as mta:
            replies = mta.hand_over(mail, *recipients)
            return len(replies) == len(recipients) and all(each.startswith("250 ") for each in replies)

    def _http(self, at: str, mail: bytes, recipients: tuple[str, ...]) -> bool:
        to = "&".join(f"to={each}" for each in recipients)
        return pushed(at, f"/mail?{to}", mail).status == 202


@pytest.fixture
def case(desk: Any) -> Case:
    desk.configure(more=MORE)
    desk.environ["THE_KEY"] = KEY
    return Case(desk.where)


@pytest.fixture
def pusher(request: Any, desk: Any, case: Case) -> Pusher:
    """Mails for one mailbox and for two, a reply, and one of a stranger."""
    made = Pusher(desk, request.param)

    def mail(
        number: int, subject: str, *boxes: tuple[str, str], sender: str = "anna@example.com", more: str = ""
    ) -> None:
        to = tuple(f"{'help' if box == 'system' else box}@example.com" for box, _ in boxes)
        head = f"From: {sender}\r\nTo: {to[0]}\r\nSubject: {subject}\r\nMessage-ID: <{number}@x>\r\n{more}\r\n"
        content = f"{head}{subject}, number {number}.\r\n".encode()
        made.left.append((content, to))
        for box, outcome in boxes:
            case.add(box, content, outcome)

    mail(1, "Printer broken", ("system", "created"))
    mail(2, "Lamp", ("support", "created"))
    mail(3, "Who am I?", ("system", "held"), sender="stranger@elsewhere.example")
    mail(4, "Door", ("system", "created"))
    mail(5, "Window", ("support", "created"))
    return made


def opened(desk: Any, door: str, at: At | None = None) -> Any:
    """Start a door in a process that dies at a step; gives it once it listens, or is dead."""
    process = start(desk.folder, door, "--listen", "at", at=at, environ=desk.environ)
    end = time.monotonic() + 30
    while process.is_alive() and time.monotonic() < end:
        with socket.socket(socket.AF_UNIX) as trying:
            try:
                trying.connect(str(desk.folder / "at"))
            except OSError:
                time.sleep(0.01)
            else:
                break
    return process


def is_decided(case: Case) -> bool:
    return case.rows("SELECT count(*) FROM inbound WHERE state = 'received'") == [(0,)]


def finish(desk: Any, case: Case, pusher: Pusher, door: str) -> None:
    """Open the door again, push what is left, and let passes run: the law holds, and another pass changes nothing."""
    process = opened(desk, door)
    pusher.push()
    assert pusher.left == []
    process.terminate()
    assert ended(process).code == 0
    for _ in range(3):
        assert desk.allegra("run").exit_code == 0
    conserved(case, lambda box: (), ENDS)
    before = case.snapshot()
    assert desk.allegra("run").exit_code == 0
    assert case.snapshot() == before


def struck(desk: Any, case: Case, pusher: Pusher, door: str, at: At) -> None:
    process = opened(desk, door, at)
    pusher.push()
    end = time.monotonic() + (20 if process.is_alive() else 0)
    while process.is_alive() and time.monotonic() < end and not (pusher.left == [] and is_decided(case)):
        pusher.push()
        time.sleep(0.02)
    if process.is_alive():  # it never came to that step
        process.terminate()
    done = ended(process)
    assert done.code == -signal.SIGKILL or (done.code == 0 and done.steps[at.name] < at.hit), done
    finish(desk, case, pusher, door)


def of_both(steps: list[At]) -> list[Any]:
    return [pytest.param(door, door, at, id=f"{door}-{at.name}-{at.hit}") for door in DOORS for at in steps]


@pytest.mark.parametrize(("pusher", "door", "at"), of_both(TAKING), indirect=["pusher"])
def test_G1_a_door_killed_while_it_takes_a_mail(desk: Any, case: Case, pusher: Pusher, door: str, at: At) -> None:
    struck(desk, case, pusher, door, at)


@pytest.mark.parametrize(("pusher", "door", "at"), of_both(REPLYING), indirect=["pusher"])
def test_G1_a_door_killed_before_and_behind_its_answer(
    desk: Any, case: Case, pusher: Pusher, door: str, at: At
) -> None:
    struck(desk, case, pusher, door, at)


@pytest.mark.parametrize(("pusher", "door", "at"), of_both(DECIDING), indirect=["pusher"])
def test_G1_a_door_killed_while_it_decides(desk: Any, case: Case, pusher: Pusher, door: str, at: At) -> None:
    struck(desk, case, pusher, door, at)


@pytest.mark.parametrize(("pusher", "door"), [(door, door) for door in DOORS], indirect=["pusher"])
def test_a_door_that_nobody_disturbs_decides_all_by_itself(desk: Any, case: Case, pusher: Pusher, door: str) -> None:
    process = opened(desk, door)
    pusher.push()
    assert pusher.left == []
    end = time.monotonic() + 20
    while not is_decided(case) and time.monotonic() < end:
        time.sleep(0.05)
    process.terminate()
    done = ended(process)
    assert done.code == 0 and done.output == f"allegra {door}: taking mail at {desk.folder}/at\n"
    assert {"door take", "door reply", "spool", "lease", "claim", "decide", "commit", "lease back"} <= {*done.steps}
    assert case.rows("SELECT count(*) FROM item") == [(4,)]
    assert desk.allegra("run").exit_code == 0
    conserved(case, lambda box: (), ENDS)
    assert not Path(desk.folder / "at").exists()


@pytest.mark.parametrize(("pusher", "door"), [(door, door) for door in DOORS], indirect=["pusher"])
@pytest.mark.parametrize("step", ["door take", "spool", "COMMIT", "door reply", "claim", "decide", "commit"])
def test_a_door_that_is_asked_to_stop_finishes_or_gives_back_what_it_has_in_hand(
    desk: Any, case: Case, pusher: Pusher, door: str, step: str
) -> None:
    process = opened(desk, door, At(step, 2, how=signal.SIGTERM))
    end = time.monotonic() + 20
    while process.is_alive() and time.monotonic() < end:
        pusher.push()
        time.sleep(0.02)
    assert ended(process).code == 0
    assert case.rows("SELECT ref FROM inbound WHERE owner IS NOT NULL OR state = 'received' AND attempts > 0") == []
    assert case.rows("SELECT name FROM mailbox WHERE lease_owner <> ''") == []
    finish(desk, case, pusher, door)
