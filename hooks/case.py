"""A case: a call written by hand, as `hooks run --case` and fixtures have it.

Here: what a case may say and what it need not say. Not here: the mail of a real run (the engine makes that).
Invariant: a case becomes the same JSON that a real mail becomes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from hooks.item import KINDS
from hooks.request import ContextData, MailData

NOW = "2026-01-15T09:00:00+00:00"
MAIL: dict[str, Any] = {
    "subject": "Printer broken",
    "body": "hello\nworld\n" * 5,
    "html": "",
    "from_address": "a@acme.com",
    "from_name": "A",
    "to": ["support@x.de"],
    "cc": [],
    "reply_to": "",
    "message_id": "<case@acme.com>",
    "date": NOW,
    "project": "",
    "headers": [["X-Spam", "no"]],
    "attachments": [{"name": "a.pdf", "content_type": "application/pdf", "size": 10}],
}
SCHEMA = {
    "id": "ro",
    "title": "line",
    "description": "text",
    "priority": "line",
    "Customer": "line",
    "assignee": "line",
    "tags": "list",
    "estimate": "int",
}
_KEYS = ("mail", "item", "schema", "params", "lookups", "now", "user", "locale", "expected", "hook", "purpose")


class BadCase(ValueError):
    """The case is not what a case has to be."""


class Case(Struct, frozen=True):
    """The JSON of a call, as bytes, and of its program, as text."""

    mail: bytes
    item: bytes
    context: bytes
    params: str
    tables: str


def read(text: str) -> Case:
    """Read a case from JSON. Raises BadCase with what is wrong."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadCase(f"this is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise BadCase("a case is a JSON object")
    return made(given)


def made(given: Mapping[str, Any]) -> Case:
    """Fill in what a case leaves out. Raises BadCase."""
    for key in given:
        if key not in _KEYS:
            raise BadCase(f"a case has no {key!r}; it has {', '.join(_KEYS)}")
    mail = {**MAIL, **{name: value for name, value in _table(given, "mail").items() if value is not None}}
    for key in ("to", "cc"):
        if isinstance(mail[key], str):
            mail[key] = [mail[key]]
    item = _table(given, "item")
    schema = _table(given, "schema") or dict(SCHEMA)
    for name, kind in schema.items():
        if kind not in KINDS and str(kind).removeprefix("=") not in schema:
            raise BadCase(f"the field {name!r} is {kind!r}; a field is one of {', '.join(KINDS)}")
    for name, value in item.items():
        schema.setdefault(name, _kind(value))
    context = {"now": given.get("now") or NOW, "user": _table(given, "user"), "locale": given.get("locale") or ""}
    for table, key in ((mail, "date"), (context, "now")):
        table[key] = _aware(table[key])
    _check("mail", mail, MailData)
    _check("context", context, ContextData)
    _derive(mail)
    return Case(
        mail=json.dumps(mail).encode(),
        item=json.dumps({"schema": schema, "values": item, "is_new": item.get("id") is None}).encode(),
        context=json.dumps(context).encode(),
        params=json.dumps(_table(given, "params")),
        tables=json.dumps({name: _rows(name, rows) for name, rows in _table(given, "lookups").items()}),
    )


def _table(given: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = given.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadCase(f"{key!r} is a JSON object")
    return value


def _rows(name: str, rows: Any) -> dict[str, Any]:
    if not isinstance(rows, dict):
        raise BadCase(f"the lookup table {name!r} is a JSON object")
    return rows


def _aware(value: Any) -> Any:
    """Give a time without a zone the zone UTC."""
    try:
        return value if datetime.fromisoformat(value).tzinfo else f"{value}+00:00"
    except (TypeError, ValueError):
        return value


def _check(name: str, values: dict[str, Any], kind: type) -> None:
    try:
        msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise BadCase(f"{name}: {error}") from None


def _derive(mail: dict[str, Any]) -> None:
    """Find out what a real mail would bring along: its size, whether it is a reply or automatic."""
    headers = {name.lower(): value for name, value in reversed(mail["headers"])}
    mail.setdefault("size", len(mail["body"]) + len(mail["html"]) + sum(a.get("size", 0) for a in mail["attachments"]))
    mail.setdefault("is_reply", "in-reply-to" in headers or "references" in headers)
    automatic = headers.get("auto-submitted", "no").strip().lower() != "no"
    bulk = headers.get("precedence", "").strip().lower() in ("bulk", "auto_reply", "junk", "list")
    mail.setdefault("is_auto", automatic or bulk or "x-autoreply" in headers or "x-autorespond" in headers)


def _kind(value: Any) -> str:
    """Guess the kind of a field that only the item of the case names."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, list):
        return "list"
    return "text" if isinstance(value, str) and "\n" in value else "line"
