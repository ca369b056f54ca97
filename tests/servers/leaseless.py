"""Runners that take every lease for theirs: correctness must not need leases."""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Let everybody have every lease, and keep it."""
    from engine.store.lease import Leases

    def yes(*_arguments: Any, **_options: Any) -> bool:
        return True

    Leases._lock = Leases._is_nobodys = Leases.heartbeat = yes  # type: ignore[method-assign, assignment]
