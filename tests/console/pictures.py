"""The pictures of the README: pages of the demo's console, by a fixed clock and in a fixed size.

Run as `PYTHONPATH=tests:. python tests/console/pictures.py`: it writes docs/pictures/*.png with the words of each page
beside it. Here: which pages, and the words that are seen on one. Not here: the test that compares them
(`tests/desk/test_demo_month.py`). Invariant: words say what a picture shows; what differs each time, ids and spans of
time, is not among them.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

from console.offices import Office, served
from servers.chromium import browser, missing

from engine.config import load
from engine.console.app import create
from engine.desk import demo
from engine.desk.installation import Installation

END = datetime(2026, 11, 27, 15, 24, tzinfo=UTC)
"""When the month ends, and what the clocks of the pages show: a Friday."""

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"

SIZE = {"width": 1360, "height": 860}

QUIET = ("script", "style", "title", "option")


class _Now(datetime):
    """A clock that stands at the end of the month."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return END.astimezone(tz)


@contextmanager
def month(folder: Path) -> Iterator[tuple[demo.Played, Office]]:
    """Play a month, and give its console, in which it is the end of the month."""
    played = demo.play(folder, month=END)
    file = demo.open_to_all(folder, "127.0.0.1:8026")
    installation = Installation(file, load(file))
    try:
        with mock.patch("engine.console.asked.datetime", _Now):
            yield played, Office(folder, installation, create(installation))
    finally:
        installation.close()


def pages(made: Office) -> dict[str, str]:
    """The addresses of the pictures by their names: a day, a mail that is held because it lies, a rule of it."""
    (held,) = made.refs('subject:"Please pay this invoice today"')
    return {"today": "/", "mails": "/mails", "mail": f"/mail/{held}", "rule": f"/rules/system/edit?mail={held}"}


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in QUIET

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in QUIET

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))


def words(page: str) -> str:
    """Give what is read on a page, a piece a line, without what differs each time."""
    seen = _Seen()
    seen.feed(page)
    text = "\n".join(seen.words) + "\n"
    text = re.sub(r"\bm-[0-9a-f]{4,}", "m-…", text)
    return re.sub(r"\b\d+(\.\d+)? (ms|µs|s)\b", "… ms", text)


def main() -> None:
    """Write all pictures and their words."""
    if absent := missing():
        sys.exit(f"not installed: {absent}")
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder, month(Path(folder) / "demo") as (_, made),
        served(made.app) as host, browser() as started,
    ):  # fmt: skip
        for name, address in pages(made).items():
            page: Any = started.new_page(viewport=SIZE, color_scheme="light")
            page.goto(f"http://{host}{address}")
            page.screenshot(path=FOLDER / f"{name}.png")
            (FOLDER / f"{name}.txt").write_text(words(made.get(address).get_data(as_text=True)), "utf-8")


if __name__ == "__main__":
    main()
