"""The table of defects: complete, and documented."""

from __future__ import annotations

import re
from pathlib import Path

from engine.mail.defects import MEANINGS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("parse", "headers", "split", "parts", "charset", "body", "attachments", "dates")


def test_every_code_the_reader_gives_stands_in_the_table() -> None:
    texts = [(ROOT / f"engine/mail/{name}.py").read_text() for name in SOURCES]
    quoted = {code for text in texts for code in re.findall(r'"([a-z0-9_]+)"', text)}
    assert set(MEANINGS) <= quoted
    given = {code for text in texts for code in re.findall(r'(?:Defect\(|self\._odd\()\s*"([a-z0-9_]+)"', text)}
    assert given <= set(MEANINGS)


def test_every_code_is_documented_with_its_meaning() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", (ROOT / "docs/mail.md").read_text(), re.MULTILINE))
    assert documented == MEANINGS
