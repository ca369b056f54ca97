"""Data files, read and loaded; what may stand in one is proved in tests/store/test_load.py."""

from __future__ import annotations

from pathlib import Path

import databases
import pytest

from engine.desk import loading
from engine.store.load import LoadError
from engine.store.store import Store


def written(folder: Path, text: str) -> Path:
    file = folder / "data.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_dry_run_tells_what_would_be_new_and_keeps_nothing(tmp_path: Path) -> None:
    data = loading.read(written(tmp_path, '[[users]]\nlogin = "ann"\n'))
    with Store.open(databases.fresh()) as store:
        assert loading.load(store, data, dry_run=True)["users"].added == 1
        assert store.directory.login("ann") is None
        assert loading.load(store, data)["users"].added == 1
        assert store.directory.login("ann") is not None
        assert loading.load(store, data)["users"].same == 1


@pytest.mark.parametrize(("text", "line"), [("[[users]\n", 1), ('[[users]]\nlogin = "ann"\nlogim = 1\n', 3)])
def test_what_is_wrong_has_its_place_and_nothing_is_loaded(tmp_path: Path, text: str, line: int) -> None:
    with Store.open(databases.fresh()) as store:
        with pytest.raises(LoadError) as caught:
            loading.load(store, loading.read(written(tmp_path, text)))
        assert [(each.file, each.line) for each in caught.value.problems] == [("data.toml", line)]
        assert store.directory.accounts() == []
