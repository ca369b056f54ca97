"""The JSON Schema that editors use: what it refuses is refused, and it tells of every option.

`python tests/config/test_schema.py` writes allegra.schema.json anew.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.config import ConfigError, parse  # noqa: E402
from engine.config.schema import DIALECT, schema, told  # noqa: E402

FILE = ROOT / "allegra.schema.json"
EXAMPLE = ROOT / "allegra.toml.example"


def made() -> str:
    """The text of allegra.schema.json."""
    return json.dumps(schema(told((ROOT / "docs" / "config.md").read_text("utf-8"))), indent=1, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(made() + "\n", "utf-8")
    raise SystemExit

from configurations import MAILBOX  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from jsonschema import Draft202012Validator  # noqa: E402

SCHEMA = json.loads(FILE.read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def options(table: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every option of the schema that is no table with a heading of its own, at its place in the file."""
    found = []
    for name, inner in table["properties"].items():
        here = (*path, name)
        below = inner.get("additionalProperties", inner)
        if "description" in inner:
            found.append((here, inner))
        if "$ref" in below:
            definition = SCHEMA["$defs"][below["$ref"].rpartition("/")[2]]
            found += options(definition, here if below is inner else (*here, "some"))
    return found


OPTIONS = options(SCHEMA)
LEAVES = [(path, inner) for path, inner in OPTIONS if "$ref" not in inner]


def with_option(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A configuration that would load, were it not for one value."""
    tables = tomllib.loads(MAILBOX)
    table: Any = tables
    for name in path[:-1]:
        table = table.setdefault(name, {})
    table[path[-1]] = value
    return tables


def refused(tables: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Tell whether the loader finds the value of that option wrong, or an element of it."""
    import tomli_w

    try:
        problems = parse(tomli_w.dumps(tables), Path("/nowhere/allegra.toml"), {}).warnings
    except ConfigError as error:
        problems = error.problems
    return any(problem.code in ("C102", "C103", "C104", "C105", "C106", "C107", "C108", "C117") for problem in problems)


def test_the_file_is_what_the_options_are() -> None:
    assert FILE.read_text("utf-8") == made() + "\n", "run: python tests/config/test_schema.py"


def test_it_is_a_schema_of_the_dialect_it_names() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT


def test_the_example_is_valid_and_names_the_schema() -> None:
    text = EXAMPLE.read_text("utf-8")
    assert list(VALIDATOR.iter_errors(tomllib.loads(text))) == []
    named = re.match(r"#:schema \./(.+)\n", text)
    assert named is not None and (EXAMPLE.parent / named[1]) == FILE


def test_the_example_in_the_document_is_valid() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "config.md").read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        VALIDATOR.validate(tomllib.loads(block))


@pytest.mark.parametrize(("path", "inner"), OPTIONS, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_every_option_tells_what_it_means_what_it_takes_and_what_it_is_without(
    path: tuple[str, ...], inner: dict[str, Any]
) -> None:
    assert inner["description"] and "`" not in inner["description"]
    assert {"type", "enum", "anyOf", "$ref"} & inner.keys()
    if "default" in inner:
        VALIDATOR.evolve(schema={"$defs": SCHEMA["$defs"], **inner}).validate(inner["default"])


def test_no_secret_has_a_default() -> None:
    secrets = [inner for path, inner in OPTIONS if path[-1] in ("password", "url")]
    assert secrets and all(inner["writeOnly"] and "default" not in inner for inner in secrets)


@pytest.mark.parametrize(("path", "inner"), LEAVES, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_a_wrong_value_is_refused_by_the_schema_and_by_the_loader(path: tuple[str, ...], inner: dict[str, Any]) -> None:
    tables = with_option(path, [{"no": ["such", {}]}])
    assert not VALIDATOR.is_valid(tables)
    assert refused(tables, path)


def test_an_unknown_option_is_refused_in_every_table() -> None:
    for path, _ in OPTIONS:
        assert not VALIDATOR.is_valid(with_option((*path[:-1], "nonsense"), 1))


SCALARS = (
    st.booleans()
    | st.integers(-2, 2**33)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
    | st.sampled_from(
        ["hold", "off", "10 MB", "2 hours", "100x20", "a@example.com", "A <a@example.com>", "group:x", "/("]
    )
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from("abc"), SCALARS, max_size=2)


@settings(max_examples=400)
@given(st.sampled_from(LEAVES), VALUES)
def test_what_the_schema_refuses_does_not_load(leaf: tuple[tuple[str, ...], dict[str, Any]], value: Any) -> None:
    tables = with_option(leaf[0], value)
    assert VALIDATOR.is_valid(tables) or refused(tables, leaf[0])
