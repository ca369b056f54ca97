"""G2, G3 on PostgreSQL: workers and passes that are killed, a server that crashes, connections that break."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.dovecot import Dovecot
from servers.postgres import Postgres
from soak.trial import Trial


@pytest.mark.timeout(240)
def test_G2_mails_are_there_once_where_workers_are_killed_and_the_server_crashes(
    dovecot: Dovecot, postgres: Postgres, tmp_path: Path
) -> None:
    trial = Trial(tmp_path, dovecot, faulty=0.2, seed=5, postgres=postgres)
    running = trial.under_fire(mails=60, kills=5, runners=2, crashes=3)
    assert trial.until_quiet(120) < 120
    trial.close()
    found = trial.verdict()
    assert found == dict.fromkeys(found, 0)
    assert "\n".join(running.said) == ""
    assert (running.kills >= 5, trial.crashes >= 3) == (True, True)
