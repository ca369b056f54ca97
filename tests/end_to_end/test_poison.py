"""G10: mails that break the machine are tried a few times, set aside, and keep nobody else waiting."""

from __future__ import annotations

import signal
from datetime import datetime
from typing import Any

import pytest
from servers import poison
from servers.failpoints import Ended, run

CONFIG = '[errors]\nretry = ["0 s"]'


@pytest.fixture
def sick(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that runs a pass in a process that mails can break."""
    desk.configure(more=CONFIG)
    environ = poison.everywhere(tmp_path_factory.mktemp("site"))

    def passing(install: Any = poison.install) -> Ended:
        return run(desk.folder, "run", environ=environ, before=install)

    return passing


def passes(desk: Any, sick: Any, install: Any, most: int = 7) -> list[Ended]:
    """Passes until nothing waits any more."""
    ended: list[Any] = []
    while len(ended) < most:
        ended.append(sick(install))
        rows = desk.lines("mail", "list", "--limit", "100")
        if rows and all(row["outcome"] != "deferred" for row in rows) and len(rows) == desk.written:
            break
    return ended


def outcomes(desk: Any) -> dict[str, str]:
    return {row["subject"] or row["mail"]: row["outcome"] for row in desk.lines("mail", "list", "--limit", "100")}


@pytest.mark.parametrize(
    ("header", "body", "deaths"),
    [
        ("X-Bad: kill me reading", "", 1),  # from the second attempt on only the reader dies
        ("X-Bad: raise reading", "", 0),
        ("X-Bad: eat memory reading", "", 0),
        ("", "kill me deciding", 5),
        ("", "raise deciding", 0),
        ("", "loop deciding", 0),
        ("", "loop for ever deciding", 5),
    ],
)
def test_a_mail_that_breaks_the_machine_is_given_up_after_five_attempts_and_the_others_are_done(
    desk: Any, sick: Any, header: str, body: str, deaths: int
) -> None:
    desk.mail("Bad", body=body, headers=[header] if header else [])
    for number in range(3):
        desk.mail(f"Good {number}")
    desk.mail("Elsewhere", box="support")
    ended = passes(desk, sick, poison.install_impatient if "for ever" in body else poison.install)
    killed = [each.code for each in ended if each.code < 0]
    assert len(killed) == deaths
    assert set(killed) <= {-signal.SIGKILL, -signal.SIGPROF}
    assert len(desk.lines("item", "list")) == 4
    (bad,) = desk.lines("held", "list")
    assert (bad["outcome"], bad["attempts"]) == ("error", 5)
    assert ended[-1].code == 1
    assert "kept after all attempts failed" in ended[-1].output
    assert desk.allegra("run").exit_code == 0
    assert len(desk.files(folder="Failed")) == 1
    told = desk.explained(bad["mail"])
    assert "ERROR" in told
    assert ("fault.crash" if deaths == 5 else "fault.exception") in told
    assert (header or body).encode() in desk.allegra("mail", "raw", bad["mail"]).stdout_bytes


def test_the_others_are_done_as_soon_as_the_culprit_is_known(desk: Any, sick: Any) -> None:
    desk.mail("Bad", body="kill me deciding")
    for number in range(3):
        desk.mail(f"Good {number}")
    desk.mail("Elsewhere", box="support")
    assert [sick().code for _ in range(3)] == [-signal.SIGKILL] * 3
    assert len(desk.lines("item", "list")) == 4
    desk.mail("Later")
    desk.mail("Elsewhere too", box="support")
    assert sick().code == -signal.SIGKILL
    assert len(desk.lines("item", "list")) == 6


def test_a_mail_that_loops_while_it_is_read_apart_is_ended_by_its_limit(desk: Any, sick: Any) -> None:
    desk.configure(more='[errors]\nretry = ["1 hour"]')
    desk.mail("Bad", body="loop reading")
    desk.mail("Good")
    for sentence in ("took longer than", "the process that read the mail was killed by SIG"):
        assert sick().code == 0
        (row,) = desk.lines("mail", "list", "outcome:deferred")
        assert sentence in row["because"]
        desk.allegra("mail", "reset-status", row["mail"])
    assert len(desk.lines("item", "list")) == 1


def test_a_failed_mail_waits_as_long_as_the_configuration_says(desk: Any, sick: Any) -> None:
    desk.configure(more='[errors]\nretry = ["1 hour"]')
    desk.mail("Bad", body="raise deciding")
    first, second = sick(), sick()
    assert first.steps["decide"] == 1
    assert second.steps["decide"] == 0
    assert (first.code, second.code) == (0, 0)
    (row,) = desk.lines("mail", "list", "outcome:deferred")
    until = f"{datetime.fromisoformat(row['waits_until']).astimezone():%Y-%m-%d %H:%M}"
    for told in (first, second):
        said = f"1 mail waits until {until} UTC (fault.exception): RuntimeError: this mail breaks the machine"
        assert said in told.output
    assert f"DEFERRED  it waits until {until} UTC   code fault.exception" in desk.allegra("explain", "last").stdout
