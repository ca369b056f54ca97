"""Pages opened in a real Chromium, several at a time: what each did, and whether its tree is one of ours.

Here: `Walk`, and what it asks of a page. Not here: which pages, the mails on them (`trial.py`). Invariant: what runs,
asks, navigates or speaks is counted wherever it happens, in frames as well; nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from servers.chromium import ARGUMENTS, program

from engine.plain_text import STRANGE

CANARY = "window.hit = (what) => console.error('a script ran: ' + what);"
"""What hostile scripts call: told as a message of the console."""

FRAME_MS, TOLD = 5000, 2000

QUICKLY = (
    "--process-per-site", "--renderer-process-limit=2", "--disable-site-isolation-trials", "--in-process-gpu",
    "--disable-threaded-compositing", "--disable-lcd-text", "--disable-smooth-scrolling", "--disable-extensions",
    "--disable-features=IsolateSandboxedIframes,ProactivelySwapBrowsingInstance,IsolateOrigins,site-per-process,RenderDocument,"
    "HttpsUpgrades,PaintHolding,Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,LensOverlay,GlobalMediaControls",
)  # fmt: skip
"""No process for each page: that takes most of the time, and changes nothing of what a page may do."""

LOOK = """([strange, twin]) => {
  const places = ["href", "src", "action", "formaction", "data", "srcset", "poster", "background", "ping",
    "xlink:href"];
  const ours = (each) => !(each.localName === "kbd" && each.ariaHidden === "true");
  const kind = (each) => each.localName
    + "[" + each.getAttributeNames().filter((one) => !/^(class$|data-htmx-)/.test(one)).sort().join(" ") + "]";
  const tree = (root) => {
    const lines = [], edges = new Set();
    const walk = (each, above, deep) => {
      const here = kind(each);
      lines.push([deep, here, ...each.classList].join(" "));
      edges.add(above + " > " + here);
      for (const kid of each.children) if (ours(kid)) walk(kid, here, deep + 1);
    };
    walk(root, "", 0);
    return [lines, edges];
  };
  const wrong = [], [lines, edges] = tree(document.documentElement);
  if (twin !== null) {
    const [same] = tree(new DOMParser().parseFromString(twin, "text/html").documentElement);
    const at = lines.findIndex((line, number) => line !== same[number]);
    if (at >= 0 || same.length !== lines.length)
      wrong.push("another tree than with harmless text: " + lines[at] + " in place of " + same[at]);
  }
  for (const each of document.querySelectorAll("*")) for (const place of places) {
    const said = each.getAttribute(place);
    const inside = ["data:,", ""].includes(said) || /^([#?]|\\/(?![\\/\\\\]))/.test(said);
    if (said && !inside) wrong.push(place + " leads to " + said);
  }
  const kinds = NodeFilter.SHOW_COMMENT | NodeFilter.SHOW_PROCESSING_INSTRUCTION;
  const comments = document.createNodeIterator(document, kinds);
  for (let each; (each = comments.nextNode());) wrong.push("a comment: " + each.data.slice(0, 40));
  const steers = document.body.textContent.replace(/[\\r\\n\\t]/g, "").match(new RegExp(strange, "gu"));
  if (steers) wrong.push("text that steers: " + JSON.stringify(steers.slice(0, 5)));
  document.querySelectorAll("details").forEach((each) => { each.open = true });
  const next = [...document.querySelectorAll("a[rel=next]")].map((each) => each.getAttribute("href"));
  const frames = document.querySelectorAll("iframe").length;
  return { wrong, edges: [...edges], next, frames, files: document.querySelectorAll("a[href*='/file/']").length };
}"""
"""What stands on a page; unfolds all of it. Nothing is waited for: without scripts no promise is ever kept."""

UNFOLD = """async (most) => {
  const wrong = [], frames = [...document.querySelectorAll("iframe")];
  const loaded = frames.map((each) => new Promise((done) => {
    each.addEventListener("load", done);
    each.loading = "eager";
    each.src = each.src;
  }));
  await Promise.race([new Promise((stop) => setTimeout(stop, most)), Promise.all(loaded)]);
  for (const each of document.querySelectorAll("a[href*='/file/']")) {
    const answer = await fetch(each.href + "?view=1");
    const kind = answer.headers.get("content-type"), how = answer.headers.get("content-disposition") || "";
    const policy = answer.headers.get("content-security-policy") || "";
    const kept = how.startsWith("attachment; ") && kind === "application/octet-stream";
    const shown = /^image\\/(png|jpeg|gif|webp)$/.test(kind) && policy.includes("sandbox");
    const sniffed = answer.headers.get("x-content-type-options") !== "nosniff";
    if (sniffed || !(kept || shown)) wrong.push(`a file as ${kind}, ${how}`);
  }
  return wrong;
}"""
"""Lets all frames load, and asks for each file as one that is shown; gives what is wrong with it."""

IN_FRAME = """() => [...document.querySelectorAll(
    "script, iframe, object, embed, form, input, button, link, video, audio, frame, svg, math, meta[http-equiv],"
    + "img[src]:not([src^='data:'])"
  )].map((each) => "in the frame stands " + each.outerHTML.slice(0, 80))
  .concat([...document.querySelectorAll("*")].flatMap((each) =>
    each.getAttributeNames().filter((one) => one.startsWith("on"))))
  .concat([...document.querySelectorAll("[href]")].map((each) => each.getAttribute("href"))
    .filter((each) => /^\\s*(javascript|data|vbscript)/i.test(each)))"""
"""What may stand in the HTML of no mail that is shown; gives what does."""


IN_A_ROW = 300
"""Pages that one tab opens: after some thousands a browser refuses, for what it keeps of them."""


@dataclass
class Walk:
    """What was opened, and what was found on it."""

    host: str
    edges: set[str] = field(default_factory=set)
    """Which element stands in which, on pages of harmless mail; empty where none was looked at."""
    wrong: list[str] = field(default_factory=list)
    pages: int = 0
    frames: int = 0
    files: int = 0
    learns: bool = True
    """Whether pages are opened to know what ours look like."""
    twin: Callable[[str], str | None] = lambda _: None
    """Gives the page that was given under an address, with harmless text."""
    tell: Callable[[], None] = lambda: None
    """Is called each `TOLD` pages."""

    def found(self, address: str, what: str) -> None:
        """Keep what must not be."""
        self.wrong.append(f"{address}: {what}")

    async def all(self, started: Any, addresses: Iterable[str], tabs: int, *, scripts: bool = True) -> None:
        """Open pages and those behind their *Older*, `tabs` of them at a time."""
        waiting = list(dict.fromkeys(addresses))[::-1]
        self._met = set(waiting)
        while waiting:
            made = await started.new_context(viewport={"width": 800, "height": 600}, java_script_enabled=scripts)
            await made.add_init_script(CANARY)
            seats = [_Tab(self, await made.new_page(), scripts) for _ in range(tabs)]
            await asyncio.gather(*[self._one_after_another(seat, waiting) for seat in seats])
            await made.close()

    async def _one_after_another(self, seat: _Tab, waiting: list[str]) -> None:
        for _ in range(IN_A_ROW):
            if not waiting:
                return
            seen = await seat.look(waiting.pop())
            new = [each for each in seen if each not in self._met]
            self._met.update(new)
            waiting.extend(new)


class _Tab:
    """A page of the browser, and what is said in it."""

    def __init__(self, walk: Walk, page: Any, scripts: bool) -> None:
        self.walk, self.page, self.scripts, self.address = walk, page, scripts, ""
        self._gone = 0
        page.set_default_timeout(30_000)
        page.on("console", lambda message: self._said(message.text))
        page.on("pageerror", lambda error: walk.found(self.address, f"error: {error}"))
        page.on("dialog", self._dialog)
        page.on("popup", lambda popup: walk.found(self.address, f"a window: {popup.url}"))
        page.on("download", lambda got: walk.found(self.address, f"a download: {got.url}"))
        page.on("request", self._asked)
        page.on("framenavigated", self._navigated)

    def _said(self, text: str) -> None:
        """What ends because the next page is opened is said of that."""
        if not re.match("htmx: htmx:error: Failed to fetch", text):
            self.walk.found(self.address, f"console: {text[:300]}")

    async def _dialog(self, dialog: Any) -> None:
        self.walk.found(self.address, f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"http://{self.walk.host}/", "data:", "about:")):
            self.walk.found(self.address, f"asked another host: {request.url}")

    def _navigated(self, frame: Any) -> None:
        if frame is self.page.main_frame:
            self._gone += 1
        elif frame.url not in ("about:blank", "") and not frame.url.startswith(f"http://{self.walk.host}/"):
            self.walk.found(self.address, f"a frame went to {frame.url}")

    async def look(self, address: str) -> list[str]:
        """Open a page, and look at it and into its frames; gives the pages that come next."""
        walk = self.walk
        self.address, self._gone = address, 0
        walk.pages += 1
        if walk.pages % TOLD == 0:
            walk.tell()
        try:
            answer = await self.page.goto(f"http://{walk.host}{address}")
            if answer.status not in (200, 422):
                walk.found(address, f"answered with {answer.status}")
            if "/body" in address:
                return self._in_frame(await self.page.evaluate(IN_FRAME))
            seen = await self.page.evaluate(LOOK, [STRANGE, walk.twin(address)])
            if self.scripts and seen["frames"] + seen["files"]:
                seen["wrong"] += await self.page.evaluate(UNFOLD, FRAME_MS)
            for frame in self.page.frames[1:]:
                self._in_frame(await frame.evaluate(IN_FRAME))
        except Exception as error:  # one page that cannot be looked at is a finding
            walk.found(address, f"{type(error).__name__}: {str(error)[:300]}")
            return []
        if self.page.url != f"http://{walk.host}{address}" or self._gone != 1:
            walk.found(address, f"went to {self.page.url}, {self._gone} navigations")
        self._judged(seen)
        return list(seen["next"])

    def _in_frame(self, stands: list[str]) -> list[str]:
        for each in stands[:3]:
            self.walk.found(self.address, each)
        return []

    def _judged(self, seen: dict[str, Any]) -> None:
        walk = self.walk
        walk.frames += seen["frames"]
        walk.files += seen["files"]
        for each in seen["wrong"][:5]:
            walk.found(self.address, each)
        if walk.learns:
            walk.edges.update(seen["edges"])
        elif walk.edges:
            for each in sorted({*seen["edges"]} - walk.edges)[:3]:
                walk.found(self.address, f"an element that no page of harmless mail has: {each}")


@dataclass
class Outside:
    """The rest of the world: a proxy that hears whoever asks for another host, and gives nothing."""

    asked: list[str] = field(default_factory=list)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note what is asked for."""
        self.asked.append((await reader.readline()).decode("latin-1").strip())
        writer.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[tuple[Any, Outside]]:
    """Start a browser that reaches no host but this one; gives it and who heard what it asked of others."""
    from playwright.async_api import async_playwright

    outside = Outside()
    server = await asyncio.start_server(outside.hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    more = (f"--proxy-server=127.0.0.1:{port}", *QUICKLY)
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=program(), args=[*ARGUMENTS, *more])
        try:
            yield started, outside
        finally:
            await started.close()
            server.close()
