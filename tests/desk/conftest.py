"""The installation of the end-to-end tests, for what needs a whole one."""

from __future__ import annotations

from end_to_end.conftest import desk as desk
from end_to_end.conftest import loaded as loaded
