"""Rule files brought into their usual shape."""

from __future__ import annotations

from pathlib import Path

from engine.rulebook.usual import shape

USUAL = "[[rule]]\nname = 'Hold'\nwhen = 'size > 0'\nthen = ['hold']\n"
ODD = "[[rule]]\nname = 'Hold'\nwhen = 'size   >   0'\nthen = ['hold']\n"


def files(folder: Path) -> list[Path]:
    texts = {"usual.toml": USUAL, "odd.toml": ODD, "broken.toml": "[[rule\n"}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def test_what_differs_is_told_and_only_written_if_that_is_wanted(tmp_path: Path) -> None:
    paths = files(tmp_path)
    before = [path.read_text("utf-8") for path in paths]
    told = [(each.path.name, each.is_toml, each.differs) for each in shape(paths, write=False)]
    assert told == [("usual.toml", True, False), ("odd.toml", True, True), ("broken.toml", False, False)]
    assert [path.read_text("utf-8") for path in paths] == before
    assert [(each.path.name, each.is_toml, each.differs) for each in shape(paths, write=True)] == told
    assert [each.differs for each in shape(paths, write=True)] == [False, False, False]
    assert paths[2].read_text("utf-8") == before[2]
