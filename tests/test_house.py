"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "rules", "hooks")
HOUSE = ROOT / "docs" / "architecture.md"

ONE_IMPORTER = {
    "imapclient": ("engine/sources/",),
    "lark": ("rules/",),
    "RestrictedPython": ("hooks/",),
    "peewee": ("engine/store/",),
    "playhouse": ("engine/store/",),
    "selectolax": ("engine/mail/render",),
    "nh3": ("engine/mail/html",),
    "PIL": ("engine/mail/shrink",),
    "tnefparse": ("engine/mail/unpack",),
    "filetype": ("engine/mail/types",),
    "yaml": ("engine/moving/",),
    "re2": ("rules/pattern", "hooks/", "engine/mail/"),
    "h11": ("engine/doors/",),
    "multipart": ("engine/doors/",),
    "ldap3": ("engine/directories/",),
    "procrastinate": ("engine/worker/loop",),
    "psycopg": ("engine/store/postgres",),
    "smtplib": ("engine/outbox/",),
    "jinja2": ("engine/outbox/", "engine/console/app"),
    "flask": ("engine/console/",),
    "werkzeug": ("engine/console/",),
    "waitress": ("engine/console/serving",),
    "urllib3": ("engine/web/client", "engine/web/watched"),
    "cryptography": ("engine/web/assertions",),
    "dns": ("engine/discovery/",),
    "argon2": ("engine/desk/passwords",),
    "sqlite3": ("engine/store/", "engine/desk/installed"),
}


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


@cache
def imports(path: Path) -> set[str]:
    """The first words of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize(("package", "strangers"), [("rules", {"engine", "hooks"}), ("hooks", {"engine", "rules"})])
def test_imports_point_one_way_only(package: str, strangers: set[str]) -> None:
    guilty = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py") if imports(path) & strangers}
    guilty -= {each for each in guilty if "/examples/" in each}
    assert guilty == set()


def rooms() -> dict[str, tuple[int, set[str]]]:
    """The table of docs/architecture.md: of each room of `engine/` its floor, 1 is the top, and what it may import."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|[^|]+\|([^|]+)\|$", HOUSE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (int(floor), set(told.split()) - {"–"}) for floor, name, told in rows}


def arrows() -> Iterator[tuple[str, str, str]]:
    """Every import between two rooms, late ones and those for annotations too: from, to, and where it stands."""
    for path in (ROOT / "engine").rglob("*.py"):
        parts = path.relative_to(ROOT / "engine").parts
        if parts[0] in ("__init__.py", "__main__.py", "demo"):
            continue
        room = parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            named = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                named = [f"engine.{each}" for each in named] if module == "engine" else [module]
            for each in named:
                first, _, rest = each.partition(".")
                to = rest.partition(".")[0] if first == "engine" else first
                if first in PACKAGES and to and to != room and not to.startswith("__"):
                    yield room, to, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_room_is_in_the_table_and_every_arrow_goes_down() -> None:
    known = rooms()
    there = {
        path.stem for path in (ROOT / "engine").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__", "__main__"} == set(known)
    floors = {name: floor for name, (floor, _) in known.items()} | {"rules": 99, "hooks": 99}
    up = [f"{room} -> {to}" for room, (floor, told) in known.items() for to in told if floors[to] <= floor]
    assert up == []


def test_rooms_import_what_the_table_of_the_house_says_and_nothing_else() -> None:
    known, found = rooms(), list(arrows())
    unwritten = [f"{room} -> {to} ({place})" for room, to, place in found if to not in known[room][1]]
    assert unwritten == [], "write a new arrow into docs/architecture.md, if it is meant"
    drawn = {(room, to) for room, to, _ in found}
    gone = [f"{room} -> {to}" for room, (_, told) in known.items() for to in told if (room, to) not in drawn]
    assert gone == [], "these arrows are not there any more: take them out of docs/architecture.md"


def test_a_file_of_more_than_300_lines_says_why_once_and_no_other_does() -> None:
    reasons = {path: path.read_text(encoding="utf-8") for path in modules()}
    wrong = [
        str(path.relative_to(ROOT))
        for path, text in reasons.items()
        if text.count("\nOver 300 lines: ") != (text.count("\n") > 300)
    ]
    assert wrong == []


def test_ports_are_for_annotations_only() -> None:
    """Making all the protocols takes 12 ms, which nobody who runs would get anything for."""
    guilty = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "engine").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine.ports")
        if path.parent.name != "ports"
    ]
    assert guilty == []


@pytest.mark.parametrize("dependency", sorted(ONE_IMPORTER))
def test_a_big_dependency_has_one_room(dependency: str) -> None:
    rooms = ONE_IMPORTER[dependency]
    guilty = [
        place
        for path in modules()
        if dependency in imports(path) and not (place := str(path.relative_to(ROOT))).startswith(rooms)
    ]
    assert guilty == []


SWALLOWED = {
    "engine/run/hand.py": "a mail that breaks a step of the decision is counted, the next one goes on",
    "engine/run/process.py": "and one that breaks its commit",
    "engine/cli/deliver.py": "whatever goes wrong, the mail server hears 75 and keeps the mail",
    "engine/cli/health.py": "whatever breaks, monitoring reads a sentence and UNKNOWN: a traceback is no status",
    "engine/doors/listening.py": "whatever breaks while a client is served costs that client; the door stays open",
    "engine/store/sqlite.py": "a statement that fails is tried once more where that helps; else it fails as ours",
    "engine/worker/parent.py": "whatever breaks beside the mails is said, and begun again: a worker does not go deaf",
    "engine/worker/fetching.py": "whatever breaks while a mailbox is read costs that visit; the worker says so",
    "hooks/runner.py": "whatever a script raises is its result, and its message may raise again",
}
"""Where an exception of any kind ends; everywhere else it goes on, or is a kind that was expected."""


def swallowing(path: Path) -> bool:
    """Whether a file catches every exception somewhere and does not raise it again."""
    return any(
        isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and not isinstance(node.body[-1], ast.Raise)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_an_exception_of_any_kind_ends_where_there_is_a_reason_and_nowhere_else() -> None:
    found = {str(path.relative_to(ROOT)) for path in modules() if swallowing(path)}
    assert found == set(SWALLOWED)


def test_every_log_of_the_engine_is_one_without_secrets() -> None:
    own = ROOT / "engine" / "config" / "redacting.py"
    guilty = [
        str(path.relative_to(ROOT)) for path in modules() if path != own and "getLogger" in path.read_text("utf-8")
    ]
    assert guilty == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if "/examples/" not in str(path) and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_a_long_file_says_why_it_is_one() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if (text := path.read_text(encoding="utf-8")).count("\n") > 300
        and "ver 300 lines" not in (ast.get_docstring(ast.parse(text)) or "")
    ]
    assert silent == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    pattern = re.compile(r"/(?:home|root|work|Users)/\w")
    guilty = [
        f"{path.relative_to(ROOT)}: {found.group(0)}"
        for path in [*modules(), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.py")]
        if (found := pattern.search(path.read_text(encoding="utf-8")))
    ]
    assert guilty == []


HEAVY = (
    "imapclient",
    "peewee",
    "lark",
    "dns",
    "jinja2",
    "RestrictedPython",
    "nh3",
    "selectolax",
    "re2",
    "rich",
    "urllib3",
    "cryptography",
    "argon2",
)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom engine.cli.main import allegra\n"
        "allegra.main(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_every_command_is_documented() -> None:
    from engine.cli.main import COMMANDS

    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`allegra {name}" not in text] == []


def test_every_command_has_help_and_a_way_to_json() -> None:
    import click

    from engine.cli.main import COMMANDS, allegra

    def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
        if isinstance(command, click.Group):
            for name, each in command.commands.items():
                yield from leaves(each, f"{path} {name}")
        else:
            yield path, command

    context = click.Context(allegra)
    for name in COMMANDS:
        command = allegra.get_command(context, name)
        assert command is not None, name
        for path, leaf in leaves(command, name):
            assert leaf.help, path
            silent = [option.name for option in leaf.params if isinstance(option, click.Option) and not option.help]
            assert silent == [], path


def test_the_versions_of_python_that_are_claimed_are_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = re.findall(r"Python :: (3\.\d+)", " ".join(project["project"]["classifiers"]))
    assert project["project"]["requires-python"] == f">={named[0]},<3.{int(named[-1][2:]) + 1}"
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"Python {', '.join(named[:-1])} or {named[-1]} (all four are tested)" in said
    assert len(named) == 4
    assert project["tool"]["mypy"]["python_version"] == named[0]
    assert project["tool"]["ruff"]["target-version"] == "py" + named[0].replace(".", "")
