"""`allegra demo --console` and `allegra console --open`: from nothing to a page in a browser."""

from __future__ import annotations

import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import allegra
from engine.desk import demo_month


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The configurations with which a console was to be served; it says where it is, and ends at once."""
    found: list[Any] = []

    def serve(config: Any, path: Path, opened: Any) -> None:
        found.append((config, path))
        opened(config.console.listen)

    monkeypatch.setattr("engine.console.serving.serve", serve)
    return found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A mail a day, in a folder of this test."""
    monkeypatch.setattr(demo_month, "WORKDAY", (1, 1))
    monkeypatch.setattr(demo_month, "WEEKEND", (0, 0))
    monkeypatch.chdir(tmp_path)


def run(*words: str, typed: str = "") -> Any:
    return CliRunner().invoke(allegra, words, input=typed, catch_exceptions=False)


def test_a_demo_is_played_with_a_month_before_it_and_its_console_is_open_to_this_machine(
    served: list[Any], short: None, tmp_path: Path
) -> None:
    done = run("demo", "--console")
    assert done.exit_code == 0, done.output
    ((config, path),) = served
    assert path == tmp_path / "allegra-demo" / "allegra.toml" and config.console.auth == "none"
    assert config.console.listen.startswith("127.0.0.1:")
    assert f"Open  http://{config.console.listen}/  in a browser" in done.stdout and "Ctrl-C" in done.stdout
    assert run("demo", "--console", typed="n\n").exit_code == 1, "what is there is not replaced without a word"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        again = run("demo", "--console", "--yes")
        assert again.exit_code == 0 and str(taken.getsockname()[1]) not in again.stdout
    assert (tmp_path / "allegra-demo" / "allegra.toml").read_text("utf-8").count("[console]") == 1


def test_what_would_do_nothing_or_lacks_is_said_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("demo", "--console", "--json").exit_code == 2
    monkeypatch.delitem(sys.modules, "engine.console.serving", raising=False)
    monkeypatch.setitem(sys.modules, "waitress.server", None)
    lacks = run("demo", "--console")
    assert lacks.exit_code == 78 and "pip install 'allegra-mail[console]'" in lacks.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_browser_shows_the_console_where_somebody_wants_that(
    served: list[Any], short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    heard = threading.Event()

    def show(address: str) -> bool:
        shown.append(address)
        heard.set()
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    assert run("demo").exit_code == 0
    place = ("--config", "allegra-demo/allegra.toml", "console")
    assert run(*place).exit_code == 0 and shown == []
    assert run(*place, "--open", "--listen", "127.0.0.1:8099").exit_code == 0
    assert heard.wait(10) and shown == ["http://127.0.0.1:8099/"]
    refused = run(*place, "--open", "--listen", "/tmp/x.sock")
    assert refused.exit_code == 2 and "listens at a socket" in refused.stderr
