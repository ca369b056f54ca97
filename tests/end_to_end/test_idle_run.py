"""A run without mail loads what it uses and nothing else: cron starts one every minute, and importing is its work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

ROOMS = {"cli", "config", "desk", "model", "plain_text", "run", "sources", "stop", "store"}
"""The rooms of the engine that a run without mail enters."""

STRANGERS = {
    "base64", "dataclasses", "dns", "hashlib", "hmac", "jinja2", "json", "lark", "logging", "nh3", "peewee", "re2",
    "secrets", "selectolax", "shutil", "socket", "subprocess", "traceback", "urllib3", "cryptography", "concurrent",
}  # fmt: skip
"""Modules that only mail, trouble or a person needs."""

MOST = 96
"""Modules of our own; what is taken up for every run is paid for in every run."""


def loaded_by_a_run(folder: Path) -> set[str]:
    code = (
        "import sys\nfrom engine.cli.main import main\ntry:\n    main()\nexcept SystemExit as end:\n"
        "    assert not end.code\nsys.stdout.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}", "run"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.sqlite
def test_a_run_without_mail_loads_what_it_uses_and_nothing_else(desk: Any) -> None:
    desk.configure(more='[smtp]\nhost = "127.0.0.1"\nssl = false\nfrom = "help@example.com"\n')
    desk.run()  # the first visit to a mailbox makes its row
    loaded = loaded_by_a_run(desk.folder)
    own = {name for name in loaded if name.partition(".")[0] in ("engine", "rules", "hooks")}
    assert {name.split(".")[1] for name in own if name.startswith("engine.")} == ROOMS
    assert {name for name in own if name.startswith("hooks")} == set()
    assert {name for name in loaded if name in STRANGERS} == set()
    assert len(own) <= MOST, sorted(own)
