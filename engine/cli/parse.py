"""`allegra parse`: what the engine sees in a mail, without deciding anything.

Here: what is seen as JSON lines (docs/cli.md) or readable text. Not here: finding and reading mails
(`workbench/seen.py`).
Invariant: a file that cannot be read gets a line with `error` and the rest go on; nothing is written anywhere.
"""

from __future__ import annotations

import sys
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
    from engine.workbench.seen import files, seen_in

    how = _reading(ctx)
    failed = False
    out = sys.stdout.buffer
    for name in files(paths):
        seen = {"schema": SCHEMA, **seen_in(name, how, sys.stdin.buffer)}
        failed = failed or "error" in seen
        out.write(_json(seen) if as_json else _readable(seen).encode("utf-8", "replace"))
    out.flush()
    ctx.exit(1 if failed else 0)


def _reading(ctx: click.Context) -> Reading:
    """The limits and the trusted servers of the configuration, if one is named."""
    from engine.workbench.seen import Reading, reading

    if not (ctx.find_root().obj or {}).get("config"):
        return Reading()
    from engine.cli.common import open_config

    return reading(open_config(ctx))


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
