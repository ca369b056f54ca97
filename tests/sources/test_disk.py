"""Mail that lies in files."""

from __future__ import annotations

import os
from typing import Any

import pytest

from engine.sources.disk import read_mail


def test_a_device_is_no_mail(bench: Any) -> None:
    with pytest.raises(OSError, match="no regular file"):
        read_mail(os.devnull, bench.limits)
