"""Configurations from text: what loads, and what is wrong with what does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from configurations import MAILBOX, Find, Load

from engine.config import Config, ConfigError, parse
from rules.problem import Problem


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load text; a system mailbox is added unless the text has one."""

    def loading(text: str = "", environ: Mapping[str, str] | None = None) -> Config:
        whole = text if "mailbox]" in text else MAILBOX + text
        return parse(whole, tmp_path / "allegra.toml", environ or {})

    return loading


@pytest.fixture
def find(load: Load) -> Find:
    """The problems of text that may or may not load."""

    def finding(text: str = "", environ: Mapping[str, str] | None = None) -> list[Problem]:
        try:
            return list(load(text, environ).warnings)
        except ConfigError as error:
            return list(error.problems)

    return finding
