"""Runners that take every lease for theirs: correctness must not need leases."""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Let `lease` and `heartbeat` always say yes."""
    from engine.store.store import Store

    def yes(*_arguments: Any, **_options: Any) -> bool:
        return True

    Store.lease = Store.heartbeat = yes  # type: ignore[method-assign, assignment]
