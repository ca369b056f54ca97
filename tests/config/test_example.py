"""allegra.toml.example and docs/config.md know every option."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.config import load, write
from engine.config.problems import CODES
from engine.config.root import Root
from engine.config.section import Section, options

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "allegra.toml.example"
DOCS = ROOT / "docs" / "config.md"


def every_option(section: type[Section] = Root, path: str = "") -> list[tuple[str, str]]:
    """Section and name of every option; what workspaces repeat is named once."""
    found = []
    for name, option in options(section).items():
        below = option.section or option.sections
        if below is None:
            found.append((path, name))
        elif path == "workspace.NAME" and name in (
            "gates",
            "people",
            "items",
            "body",
            "attachments",
            "errors",
            "notify",
            "replies",
        ):
            continue
        elif not below.nested and option.section and path in ("gates", "people", "attachments", "errors"):
            found.append((path, name))
        else:
            named = ".NAME" if option.sections else ""
            found += every_option(below, f"{path}.{name}{named}".strip("."))
    return found


MAILBOXES = ("defaults.mailbox", "system.mailbox", "workspace.NAME.mailbox")
OPTIONS = [each for each in every_option() if each[0] not in MAILBOXES[1:]]


def shown() -> set[tuple[str, str]]:
    """Section and name of every line of the example, also of those that are commented out."""
    found, section = set(), ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if header := re.match(r"\[([\w.]+)\]", line):
            section = re.sub(
                r"^(workspace|webhooks|oauth|directory|people\.forms|http\.keys)\.\w+", r"\1.NAME", header[1]
            )
        elif option := re.match(r"(?:# )?(\w+) *= ", line):
            found.add(("defaults.mailbox" if section in MAILBOXES else section, option[1]))
    return found


def test_the_example_loads(tmp_path: Path) -> None:
    copy = tmp_path / "allegra.toml"
    copy.write_bytes(EXAMPLE.read_bytes())
    config = load(copy, {})
    assert [box.name for box in config.mailboxes] == ["system", "support"]
    assert config.warnings == ()


@pytest.mark.parametrize(("section", "name"), OPTIONS)
def test_every_option_stands_in_the_example(section: str, name: str) -> None:
    assert (section, name) in shown()


def test_every_option_of_the_example_is_explained_where_its_name_does_not(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8")
    words = [line for line in text.splitlines() if re.search(r'= "\w+" *$', line) and not line.startswith("#")]
    assert len(words) < len(text.splitlines()) / 4


@pytest.mark.parametrize(("section", "name"), OPTIONS)
def test_every_option_is_documented(section: str, name: str) -> None:
    text = DOCS.read_text("utf-8")
    part = text.partition(f"\n### `[{section}]`\n" if section else "\n### The top of the file\n")[2].partition(
        "\n### "
    )[0]
    assert f"\n| `{name}` |" in part


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_documented(code: str) -> None:
    assert f"| {code} |" in DOCS.read_text("utf-8")


def test_values_of_the_example_are_the_defaults_where_they_can_be(tmp_path: Path) -> None:
    """Leave names, hosts and lists out, and the example says what happens anyway."""
    copy = tmp_path / "allegra.toml"
    copy.write_bytes(EXAMPLE.read_bytes())
    bare = tmp_path / "bare" / "allegra.toml"
    bare.parent.mkdir()
    bare.write_text('[system.mailbox]\nhost = "h"\nusername = "u@example.com"\npassword_env = "P"\n', "utf-8")
    example = {entry.key: entry.value for entry in write.entries(load(copy, {}))}
    default = {entry.key: entry.value for entry in write.entries(load(bare, {}))}
    inside = {str(tmp_path): "", str(bare.parent): ""}
    other = {
        key
        for key, value in default.items()
        if key in example
        and str(example[key]).replace(str(copy.parent), "") != str(value).replace(str(bare.parent), "")
    }
    named = re.compile(
        r"instance\.(name|base_url|timezone)|(system|defaults)\.mailbox\.(host|username|password_env|addresses|move_on_\w+)|"
        r"system\.default_workspace|gates\.(allowed_senders|trusted_authserv_ids)|items\.keyword_aliases|"
        r"items\.threading\.ignore_patterns|body\.cut_patterns|errors\.(forward_to|from)"
    )
    assert inside and {key for key in other if not named.fullmatch(key)} == set()


def test_importing_the_package_loads_no_section() -> None:
    code = "import sys, engine.config; print(*[m for m in sys.modules if m in ('engine.config.root', 're2')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


LATE = ("tomli_w", "jinja2", "subprocess", "dataclasses", "difflib", "base64", "hashlib", "rules.places")


def test_loading_imports_nothing_that_only_other_work_needs(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from engine.config import load; load(pathlib.Path(sys.argv[1]), {});"
        f"print(*[m for m in {LATE} if m in sys.modules])"
    )
    copy = tmp_path / "allegra.toml"
    copy.write_bytes(EXAMPLE.read_bytes())
    done = subprocess.run([sys.executable, "-c", code, str(copy)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
