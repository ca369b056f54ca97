"""The feature matrix is whole, and what it claims for sections C to M has tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (F\d{3}) \|.*\| (yes|partly|not yet|–) \| ([^|]+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str]]:
    return ROW.findall((ROOT / "docs" / "features.md").read_text("utf-8"))


def named_in_tests() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8")):
            found |= set(re.findall(r"F\d{3}", name))
    return found


def test_every_row_stands_there_once_and_says_how() -> None:
    assert [number for number, _, _ in rows()] == [f"F{number:03d}" for number in range(1, 153)]
    assert all(text.strip() for _, _, text in rows())


def test_what_sections_c_to_m_claim_has_a_test_named_after_it() -> None:
    claimed = {number for number, state, _ in rows() if "F035" <= number <= "F134" and state in ("yes", "partly")}
    assert claimed - named_in_tests() == set()
