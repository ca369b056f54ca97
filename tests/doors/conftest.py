"""A desk with two mailboxes that are pushed to, and doors that stand open on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import databases
import pytest
from deciding import CONFIG, DATA
from servers.doors import KEY, Standing

from engine.config import Config, load
from engine.config.doors import Http, Lmtp
from engine.doors import listening
from engine.store.load import load as load_data
from engine.store.store import Store

BOXES = '[workspace.support.mailbox]\nprotocol = "pipe"\naddresses = ["support@example.com"]\n'
KEYS = (
    f'[http.keys.all]\nkey = "{KEY}"\n[http.keys.support]\nkey = "{KEY}-support"\nmailboxes = ["support"]\n'
    '[log]\nfile = "log"\n'
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door that is to be closed sees it at once."""
    monkeypatch.setattr(listening, "LOOK_S", 0.01)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    databases.configured(tmp_path, CONFIG + BOXES + KEYS)
    (tmp_path / "allegra.toml").chmod(0o600)
    return load(tmp_path / "allegra.toml")


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.store.where) as made:
        load_data(made, DATA)
        yield made


@pytest.fixture
def lmtp(config: Config, store: Store, tmp_path: Path) -> Iterator[Callable[..., Standing]]:
    """Open a door for mail servers, with settings of [lmtp]."""
    with ExitStack() as stack:

        def opening(opened: Any = None, **settings: Any) -> Standing:
            made = Lmtp(listen=str(tmp_path / "lmtp.sock")).replaced(**settings)
            return stack.enter_context(Standing(config, made, opened))

        yield opening


@pytest.fixture
def http(config: Config, store: Store) -> Iterator[Callable[..., Standing]]:
    """Open a door for programs, with settings of [http]."""
    with ExitStack() as stack:

        def opening(opened: Any = None, **settings: Any) -> Standing:
            made = (config.root.http or Http()).replaced(listen="127.0.0.1:0", **settings)
            return stack.enter_context(Standing(config, made, opened))

        yield opening
