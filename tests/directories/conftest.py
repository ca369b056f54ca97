"""Builders for the tests of directories."""

from __future__ import annotations

from typing import Any

from engine.config.directory import Directory


def settings(**options: Any) -> Directory:
    """The settings of a directory, as they are after loading."""
    return Directory(**{"kind": "csv", **options}).settled("staff")
