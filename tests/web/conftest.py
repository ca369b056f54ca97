"""Sections of [oauth.NAME] against a server of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.tokens import Tokens

from engine.config.mailbox import OAuth
from engine.web import asking, client

App = Callable[..., OAuth]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, short deadlines, and a server that was away is asked again at once."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(client, "EXCHANGE_S", 1.5)
    monkeypatch.setattr(asking, "AWAY_S", 0.0)


@pytest.fixture
def server() -> Iterator[Tokens]:
    with Tokens() as made:
        yield made


@pytest.fixture
def app(server: Tokens, tmp_path: Path) -> App:
    """Make sections: by default of Microsoft, an app that signs in by itself."""

    def making(**options: Any) -> OAuth:
        usual: dict[str, Any] = {
            "provider": "microsoft", "grant": "client_credentials", "tenant": "example.com", "client_id": "app-1",
            "client_secret": server.secret, "token_url": server.url, "name": "m365", "kept_in": tmp_path / "oauth",
            "uses": ("imap",),
        }  # fmt: skip
        made = OAuth().replaced(**(usual | options))
        return made

    return making
