"""`allegra parse`: what the engine sees in a mail, without deciding anything.

Here: files, directories and standard input to JSON lines (docs/cli.md) or readable text.
Not here: the reading (`workbench/seen.py`).
Invariant: a file that cannot be read gets a line with `error` and the rest go on; nothing is written anywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import is_terminal
from engine.plain_text import safe_json

if TYPE_CHECKING:
    from engine.workbench.seen import Reading

SCHEMA = "allegra.parse/1"


@click.command(short_help="Show what the engine sees in a mail.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def parse(ctx: click.Context, paths: tuple[str, ...], as_json: bool) -> None:
    """Show what the engine sees in mails: files, directories (their files by name), or `-` for standard input."""
    how = _reading(ctx)
    failed = False
    out = sys.stdout.buffer
    for name in _files(paths):
        seen = _seen(name, how)
        failed = failed or "error" in seen
        out.write(_json(seen) if as_json else _readable(seen).encode("utf-8", "replace"))
    out.flush()
    ctx.exit(1 if failed else 0)


def _files(paths: tuple[str, ...]) -> Iterator[str]:
    """List what to read; of a directory the files in it and below (a Maildir too), sorted by name."""
    for path in paths:
        if path == "-" or not os.path.isdir(path):  # noqa: PTH112  (thousands of files: strings are quicker)
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if name != "tmp" and not name.startswith(".git"))
            for name in sorted(names):
                if not name.startswith("."):
                    yield os.path.join(folder, name)  # noqa: PTH118


def _reading(ctx: click.Context) -> Reading:
    """The limits and the trusted servers of the configuration, if one is named."""
    from engine.workbench.seen import Reading, reading

    if not (ctx.find_root().obj or {}).get("config"):
        return Reading()
    from engine.cli.common import open_config

    return reading(open_config(ctx))


def _seen(name: str, how: Reading) -> dict[str, Any]:
    """Read one file; what went wrong stands under `error`."""
    from engine.workbench.seen import seen

    file = {"schema": SCHEMA, "file": _text(name)}
    try:
        content = _bytes(name, how.limits.raw)
    except OSError as error:
        return {**file, "error": error.strerror or str(error)}
    return {**file, **seen(name, content, how)}


def _bytes(name: str, most: int) -> bytes:
    """Read a file, one byte more than the limit at most, so that the limit shows."""
    if name == "-":
        return sys.stdin.buffer.read(most + 1)
    with open(name, "rb") as file:  # noqa: PTH123
        return file.read(most + 1)


def _text(name: str) -> str:
    """A file name as text that JSON can carry."""
    return os.fsencode(name).decode("utf-8", "replace")


def _json(seen: dict[str, Any]) -> bytes:
    from engine.model.whole import as_json

    line = as_json(seen) + b"\n"
    return safe_json(line.decode()).encode() if is_terminal() else line


def _readable(seen: dict[str, Any]) -> str:
    """Lay out one mail for a person; control characters of hostile mail do not reach the terminal."""
    if "error" in seen:
        return f"{seen['file']}: {seen['error']}\n\n"
    rows = [("File", f"{seen['file']} ({seen['size']} bytes, {seen['ms']} ms)"), ("Subject", seen["subject"])]
    rows += [
        (name.replace("_", "-").capitalize(), ", ".join(_shown(person) for person in seen[name]))
        for name in ("from", "sender", "reply_to", "to", "cc")
    ]
    rows += [("Date", seen["date"] or ""), ("Message-ID", seen["message_id"])]
    rows += [
        ("Attachment", f"{file['filename']} ({file['content_type']}, {file['size']} bytes)")
        for file in seen["attachments"]
    ]
    automatic, results = seen["automatic"], seen["authentication"]
    if automatic["class"] != "none":
        rows.append(("Automatic", f"{automatic['class']}: {automatic['reason']}"))
    if results["authserv_id"] or any(results[method] != "none" for method in ("spf", "dkim", "dmarc", "arc")):
        said = " ".join(f"{method}={results[method]}" for method in ("spf", "dkim", "dmarc", "arc"))
        rows.append(("Results", f"{said} ({results['authserv_id'] or 'no name'})"))
    rows += [("Defect", f"{defect['code']} {defect['detail']}".rstrip()) for defect in seen["defects"]]
    lines = [f"{name + ':':<12} {value}" for name, value in rows if value]
    body = ["", *seen["new_part"].split("\n")]
    if seen["quoted"].strip():
        body.append(f"[{len(seen['quoted'].splitlines())} quoted lines]")
    return "\n".join(_clean(line) for line in (*lines, *body)) + "\n\n"


def _shown(person: dict[str, str]) -> str:
    return f"{person['name']} <{person['address']}>" if person["name"] else person["address"]


def _clean(line: str) -> str:
    return line if line.isprintable() else "".join(char if char.isprintable() or char == "\t" else "·" for char in line)
