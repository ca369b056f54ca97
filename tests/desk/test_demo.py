"""The demo for a program; what becomes of each of its mails stands in tests/end_to_end/test_demo.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.desk.demo import play, stands
from engine.store.errors import Unclear


def test_a_demo_is_played_and_replaced_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    assert not stands(folder)
    played = play(folder)
    assert stands(folder)
    assert played.took_s > 0
    again = play(folder)
    assert [(line.outcome, line.code) for line in again.lines] == [(line.outcome, line.code) for line in played.lines]
    assert len(played.lines) == len(list((folder / "mails").glob("*.eml")))


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Unclear, match="holds no demo"):
        play(tmp_path)
    assert (tmp_path / "thesis.txt").read_text("utf-8") == "mine"
