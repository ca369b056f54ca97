"""G2, G3: a short form of `make soak`, which docs/reliability.md tells of."""

from __future__ import annotations

from pathlib import Path

from servers.dovecot import Dovecot
from soak.trial import Trial


def test_G2_mails_under_kills_and_broken_connections_are_there_once(dovecot: Dovecot, tmp_path: Path) -> None:
    trial = Trial(tmp_path, dovecot, faulty=0.5, seed=3)
    running = trial.under_fire(mails=60, kills=5, runners=2)
    assert trial.until_quiet(120) < 120
    trial.close()
    found = trial.verdict()
    assert found == dict.fromkeys(found, 0)
    assert (running.said, running.kills >= 5) == ([], True)
    assert trial.allegra("db", "check", "--mails").returncode == 0
