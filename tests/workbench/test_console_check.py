"""Whether somebody can come into the web console, where one is configured."""

from __future__ import annotations

import re
from pathlib import Path

from console.offices import office

from engine.config import Config, load
from engine.desk import access
from engine.workbench.checks import console


def found(config: Config) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for each in console(config) for problem in each.problems]


def test_who_can_come_in_and_by_which_name_is_looked_at_where_there_is_a_console(tmp_path: Path) -> None:
    with office(tmp_path / "demo", "accounts") as made, made.installation.store() as store:
        config = made.installation.config
        assert found(config) == [("C213", "no admin has a password: none can sign in to the console")]
        access.set_password(store, config, "anna", "seven grey kettles hum at dusk", "anna")
        assert found(config) == []
        (sound,) = console(config)
        assert sound.summary == "can be entered"
        file = made.folder / "allegra.toml"
        text = file.read_text("utf-8")
        file.write_text(re.sub(r"(?m)^base_url[^\n]*\n", "", text), "utf-8")
        ((code, said),) = found(load(file))
        assert code == "C214" and "a name of this machine only" in said
        file.write_text(text.replace('auth = "accounts"', 'auth = "none"'), "utf-8")
        assert found(load(file)) == []
        for login in ("anna", "bob"):
            store.directory.put_account(login, admin=False)
        ((code, said),) = found(load(file))
        assert code == "C213" and said.startswith("no active account is an admin")
        file.write_text(text.partition("[console]")[0], "utf-8")
        assert list(console(load(file))) == []
