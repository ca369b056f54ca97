"""What the engine stands on."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from engine.desk.installed import LIBRARIES, versions


def test_the_versions_are_those_that_the_packages_tell_of_themselves() -> None:
    found = versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert [found[name.lower()] for name in LIBRARIES] == [version(name) for name in LIBRARIES]


def test_of_two_versions_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in ("1", "2"):
        (tmp_path / number / f"google_re2-{number}.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "none"), str(tmp_path / "1"), str(tmp_path / "2")])
    assert versions()["google-re2"] == "1.0"
    assert versions()["lark"] == "missing"
