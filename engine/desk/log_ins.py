"""Log-ins to servers that somebody asks for before a page: how often, and beginning the work that makes one.

Here: `begun`, `TooOften`. Not here: the numbers (`model/throttle.py`), counting (`store/access.py`), the work
(`jobs.py`). Invariant: all people together begin no more than so many in an hour, in all processes: a server that is
asked too often locks the account, whoever asked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.model.throttle import LOG_INS
from engine.store.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.desk.job import Job
    from engine.desk.jobs import Jobs
    from engine.store.store import Store

EVERYWHERE = "all servers"
"""What is logged in to where all servers of the configuration are."""


class TooOften(Refused):
    """It was tried so often that nobody may try it now; `retry_after` is in how many seconds one may."""

    def __init__(self, where: str, wait_s: int) -> None:
        minutes = math.ceil(wait_s / 60)
        super().__init__(
            f"{where}: people log in {LOG_INS} times an hour from here, all of them together, and did: "
            f"try again in {minutes} minute{'s' * (minutes != 1)}"
        )
        self.retry_after = wait_s


def begun(
    store: Store, jobs: Jobs, where: str, who: str, kind: str, arguments: Sequence[str]
) -> Job:  # fmt: skip
    """Begin work that logs in somewhere. Raises TooOften; Refused where too much is under way, which does not count."""
    may = store.access.count_log_in(where)
    if may.wait_s:
        raise TooOften(where, may.wait_s)
    try:
        return jobs.begin(who, kind, arguments)
    except BaseException:
        store.access.take_back(may.number)
        raise
