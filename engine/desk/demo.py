"""The demo: a help desk in a folder, with mails of every kind of result, decided once.

Here: copying the files of `engine/demo/`, the sample mails with tokens of their own, one pass over them. Not here: the
files, what is told of them (`cli/demo.py`).
Invariant: only a folder that is empty or holds a demo is written to.
"""

from __future__ import annotations

import os
import shutil
import time
import tomllib
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import load
from engine.decision import tokens
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.store.errors import Unclear
from engine.store.load import load as load_data
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.config import Config
    from engine.run.line import Line


class Played(Struct, frozen=True):
    """What became of the mails of a demo, in the order they were decided in, and how long that took."""

    lines: tuple[Line, ...]
    took_s: float


def stands(folder: Path) -> bool:
    """Tell whether a demo stands there already. Raises Unclear where something else does."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    if not (folder / "data.toml").is_file():
        raise Unclear(f"{folder} is not empty and holds no demo; choose another place with --dir")
    return True


def play(folder: Path) -> Played:
    """Make the folder, load its data, and do one pass over its mailboxes; a demo that stands there is replaced.

    Raises Unclear where something else stands, and StoreError.
    """
    stands(folder)
    _copy(folder)
    config = load(folder / "allegra.toml")
    with Store.open(config.store.path, busy_s=config.store.busy_timeout) as store:
        load_data(store, tomllib.loads((folder / "data.toml").read_text(encoding="utf-8")))
        _put_mails(folder, config)
        with closing(Engine(config, store)) as engine:
            started = time.monotonic()
            reports = Pass(engine).run(config.mailboxes)
        return Played(tuple(line for report in reports for line in report.lines), time.monotonic() - started)


def _copy(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with as_file(files("engine.demo")) as shipped:
        for name in ("allegra.toml", "data.toml"):
            shutil.copyfile(shipped / name, folder / name)
        for name in ("rules", "hooks", "mails"):
            shutil.copytree(shipped / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def _put_mails(folder: Path, config: Config) -> None:
    """Put the sample mails into the Maildirs, with reply tokens signed by this demo's own secret."""
    secret = config.instance.secret()
    marks = {
        b"@TOKEN2@": tokens.sign(2, secret).encode(),
        b"@TOPIC1@": tokens.sign(1, secret, "t").encode(),
        b"@MESSAGE_ID1@": tokens.message_id("demo-1", 1, secret, "example.com").encode(),
    }
    for box in ("system", "support"):
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / box / part).mkdir(parents=True, exist_ok=True)
    now = time.time()
    for number, source in enumerate(sorted((folder / "mails").glob("*.eml"))):
        content = source.read_bytes()
        for mark, value in marks.items():
            content = content.replace(mark, value)
        box = "support" if source.stem.endswith(".support") else "system"
        place = folder / "mail" / box / "new" / f"{source.stem}.demo"
        place.write_bytes(content)
        os.utime(place, (now - 60 + number, now - 60 + number))
