"""A real Chromium without a window, which asks nobody but the pages of a test.

Here: whether it is there, starting it, what a page said and asked for. Not here: pytest (`tests/console/conftest.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

SIZES = {"desk": (1360, 900), "phone": (390, 844)}


def missing() -> str:
    """Name what is not installed; "" when all is there."""
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ModuleNotFoundError as error:
        return error.name or "playwright"
    return "" if program() else "chromium"


@cache
def _axe() -> str:
    import axe_playwright_python

    return next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text("utf-8")


def program() -> str:
    """Give the path of the browser; "" for none."""
    return next((found for each in PROGRAMS if (found := shutil.which(each))), "")


@contextmanager
def browser() -> Iterator[Any]:
    """Start it for the length of a `with`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program(), args=list(ARGUMENTS))
        try:
            yield started
        finally:
            started.close()


@dataclass
class Seat:
    """A window of the browser, before one scheme and size; `met` is everything that must not happen on a page."""

    page: Any
    host: str
    met: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.met.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.met.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.met.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", self._asked)
        self.page.set_default_timeout(15_000)

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "about") and parts.netloc != self.host:
            self.met.append(f"asked another host: {request.url}")

    def go(self, address: str) -> Any:
        """Open a page of the console; gives the answer."""
        return self.page.goto(f"http://{self.host}{address}")

    def text(self) -> str:
        """What stands on the page."""
        return str(self.page.inner_text("body"))

    def look(self, scheme: str, size: str) -> None:
        """See the same page in another scheme and size."""
        width, height = SIZES[size]
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": height})

    def findings(self, *only: str) -> list[str]:
        """What axe finds wrong with the page for those who do not see it or use no mouse; by some rules `only`."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_axe())
        asked = {"resultTypes": ["violations"], **({"runOnly": list(only)} if only else {})}
        found = self.page.evaluate("asked => axe.run(asked).then(came => came.violations)", asked)
        return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]

    def overflows(self) -> bool:
        """Tell whether the page is broader than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@contextmanager
def seat(started: Any, host: str, *, scheme: str = "light", size: str = "desk", scripts: bool = True) -> Iterator[Seat]:
    """Open a window for the length of a `with`."""
    width, height = SIZES[size]
    context = started.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts,
        reduced_motion="reduce",
    )  # fmt: skip
    try:
        yield Seat(context.new_page(), host)
    finally:
        context.close()


def picture(page: Any, path: Path) -> None:
    """Keep what the page looks like."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=True)
