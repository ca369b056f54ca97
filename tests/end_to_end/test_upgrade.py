"""A schema upgrade waits for a running pass, and the next cron run goes on."""

from __future__ import annotations

import time
from typing import Any

from servers import releases
from servers.failpoints import ended, run, start, wait_for_step, wait_to_decide


def version(desk: Any) -> int:
    return int(desk.rows("SELECT max(version) FROM schema_version")[0][0])


def titles(desk: Any) -> list[str]:
    return sorted(title for (title,) in desk.rows("SELECT title FROM item"))


def test_an_upgrade_waits_until_the_pass_is_done(desk: Any) -> None:
    before = version(desk)
    desk.mail("One")
    old = start(desk.folder, "run", before=wait_to_decide)
    wait_for_step(old, "decide")
    new = start(desk.folder, "run", before=releases.later)
    assert version(desk) == before
    (desk.folder / "go on").touch()
    assert ended(old).code == 0
    after = ended(new)
    assert (after.code, after.output) == (0, "")
    assert version(desk) == before + 1
    assert titles(desk) == ["One"]


def test_an_upgrade_that_cannot_wait_says_so_and_the_next_run_goes_on(desk: Any) -> None:
    desk.mail("One")
    old = start(desk.folder, "run", before=wait_to_decide)
    wait_for_step(old, "decide")
    new = run(desk.folder, "run", before=releases.later_and_impatient)
    assert new.code == 75
    assert "the schema of the database has to be upgraded, but a pass is running" in new.output
    (desk.folder / "go on").touch()
    assert ended(old).code == 0
    desk.mail("Two")
    assert run(desk.folder, "run", before=releases.later_and_impatient).code == 0
    assert titles(desk) == ["One", "Two"]


def test_a_pass_that_opened_the_database_before_the_upgrade_leaves_it_alone(desk: Any) -> None:
    desk.mail("One")
    old = start(desk.folder, "run", before=releases.slow_to_lease)
    end = time.monotonic() + 30
    while not (desk.folder / "opened").exists() and time.monotonic() < end:
        time.sleep(0.01)
    upgraded = run(desk.folder, "run", "--mailbox", "support", before=releases.later)
    assert upgraded.code == 0
    (desk.folder / "go on").touch()
    stopped = ended(old)
    assert stopped.code == 69
    assert "was upgraded meanwhile: run again" in stopped.output
    assert len(desk.files()) == 1
    assert run(desk.folder, "run", before=releases.later).code == 0
    assert titles(desk) == ["One"]


def test_an_older_release_says_that_it_is_too_old(desk: Any) -> None:
    assert run(desk.folder, "run", before=releases.later).code == 0
    result = run(desk.folder, "run")
    assert result.code == 69
    assert "install the release that made it, or a newer one" in result.output
