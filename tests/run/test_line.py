"""What a list says behind the outcome of a mail."""

from __future__ import annotations

import pytest

from engine.model.desk import Value
from engine.run.line import _written


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("High", "High"),
        ("group:onsite", "→ onsite"),
        ("a group: theirs", "a group: theirs"),
        (("Linux",), "Linux"),
        (("Linux", "Windows"), "Linux, Windows"),
        (3, "3"),
    ],
)
def test_a_value_is_written_as_people_write_it(value: Value, said: str) -> None:
    assert _written(value) == said
