"""What tests of the configuration share: the least that loads, and the types of their fixtures."""

from __future__ import annotations

from collections.abc import Callable

from engine.config import Config
from rules.problem import Problem

MAILBOX = """
[system.mailbox]
host = "imap.example.com"
username = "allegra@example.com"
password_env = "SECRET"
"""

Load = Callable[..., Config]
Find = Callable[..., list[Problem]]
