"""`make soak`: a long trial, with its figures. Of the environment: MAILS (10000), KILLS (500), RUNNERS (3),
FAULTY (0.5: what share of connections breaks), SEED (1), LONGEST (900: in how many seconds all has to be quiet),
DATABASE (sqlite; postgresql: workers and passes at a server that crashes CRASHES (50) times).

It ends with 1 where anything was lost, done twice or is stuck, or where the naive loop, in the same trial, was not
found to lose and to double: then the trial finds nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers.dovecot import Dovecot, missing
from servers.postgres import Postgres
from servers.postgres import missing as no_postgres

from soak.trial import Trial, naive


def main() -> None:
    """Run it and print what was found."""
    on_server = os.environ.get("DATABASE", "sqlite") == "postgresql"
    if absent := missing() or (no_postgres() if on_server else ""):
        raise SystemExit(f"soak: not installed: {absent}")
    mails, kills, runners = (int(os.environ.get(*each)) for each in (("MAILS", 10000), ("KILLS", 500), ("RUNNERS", 3)))
    faulty, seed = float(os.environ.get("FAULTY", 0.5)), int(os.environ.get("SEED", 1))
    server = Dovecot()
    postgres = Postgres() if on_server else None
    try:
        with tempfile.TemporaryDirectory(prefix="allegra-soak-") as name:
            bad = trial(Path(name), server, mails, kills, runners, faulty, seed, postgres)
    finally:
        server.stop()
        if postgres is not None:
            postgres.stop()
    raise SystemExit(1 if bad else 0)


def trial(
    folder: Path, server: Dovecot, mails: int, kills: int, runners: int, faulty: float, seed: int,
    postgres: Postgres | None,
) -> bool:  # fmt: skip
    """Both trials; tells whether one of them did not come out as it must."""
    few = min(mails, 600)
    lost = naive(folder, server.account(), faulty, seed, few, max(10, kills // 5), runners)
    print(f"naive loop, {few} mails: {lost['lost']} lost, {lost['twice']} twice (must not be 0)", flush=True)
    began, engine = time.monotonic(), Trial(folder, server, faulty, seed, postgres)
    running = engine.under_fire(mails, kills, runners, int(os.environ.get("CRASHES", 50)))
    fire = time.monotonic() - began
    quiet = engine.until_quiet(float(os.environ.get("LONGEST", 900)))
    found = engine.verdict()
    broken = sum(engine.imap.met.values()), sum(engine.smtp.met.values())
    print(f"engine, {mails} mails, seed {seed}: {running.kills} kills at work, {running.idle_kills} between")
    print(f"  connections to IMAP: {engine.imap.connections}, of which {broken[0]} broke", end="; ")
    print(f"to SMTP: {engine.smtp.connections}, of which {broken[1]} broke")
    print(f"  {fire:.0f} s under fire, {quiet:.0f} s until all was quiet; ends of runs: {dict(running.ends)}")
    if postgres is not None:
        print(f"  the server of the database crashed {engine.crashes} times")
    for what, count in found.items():
        print(f"  {what}: {count}")
    for said in running.said[:3]:
        print(f"  a run said: {said}")
    engine.close()
    if postgres is not None:
        return any(found.values()) or bool(running.said) or not all(lost.values())
    checked = engine.allegra("db", "check", "--mails")
    print(f"  {checked.stdout.strip()}")
    return any(found.values()) or bool(running.said) or checked.returncode != 0 or not all(lost.values())


if __name__ == "__main__":
    main()
