"""Tests of Sieve -> conditions.

Here: every test that has a counterpart. Not here: commands (`sieve_import.py`).
Invariant: what has none raises `Untranslatable` with what is missing. Sieve's default comparator ignores case, so
patterns get `i`.
Over 300 lines: a function for each test of Sieve, and the table that names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from rules.pattern import PatternError, compile_pattern
from rules.sieve import Argument, SieveTest, Tag

_MATCH = ("is", "contains", "matches", "regex", "count", "value")
_PARTS = ("all", "domain", "localpart", "user", "detail")
_RELATIONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "is", "ne": "is not"}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = {"subject": "subject", "message-id": "message_id"}
_ADDRESSES = {"from": "from", "to": "to", "cc": "cc", "reply-to": "reply_to", "delivered-to": "delivered_to",
              "x-original-to": "delivered_to", "envelope-to": "delivered_to"}  # fmt: skip


class Untranslatable(ValueError):
    """Something that has no counterpart; the message says what."""


class Condition(Struct, frozen=True):
    """A condition as text; `joint` is and, or or "" for one that needs no brackets. `captures` are its groups."""

    text: str
    joint: str = ""
    captures: int = 0

    @property
    def closed(self) -> str:
        """The text, in brackets where something else stands beside it."""
        return f"({self.text})" if self.joint else self.text


def joined(conditions: list[Condition], joint: str) -> Condition:
    """Join conditions by `and` or `or`, with brackets where they are needed."""
    flat = list(dict.fromkeys(conditions))
    if len(flat) == 1:
        return flat[0]
    texts = [each.text if each.joint in ("", joint) else each.closed for each in flat]
    return Condition(f" {joint} ".join(texts), joint, max(each.captures for each in flat))


def condition(test: SieveTest, capture: bool = False) -> Condition:
    """Translate a test. Raises: Untranslatable."""
    if test.name in ("allof", "anyof") and test.tests:
        return joined([condition(each, capture) for each in test.tests], "and" if test.name == "allof" else "or")
    if test.name == "not" and test.tests:
        return Condition(f"not {condition(test.tests[0]).closed}")
    if test.name in ("true", "false"):
        return Condition("size > 0" if test.name == "true" else "size < 0")
    translate_one = _TESTS.get(test.name)
    if translate_one is None:
        raise Untranslatable(f"the test {test.name} has no counterpart")
    return translate_one(test, capture)


class _Asked(Struct, frozen=True):
    """The arguments of a test, sorted."""

    match: str
    part: str
    relation: str
    texts: tuple[tuple[str, ...], ...]
    tags: tuple[str, ...]


def _asked(arguments: tuple[Argument, ...]) -> _Asked:
    match, part, relation = "is", "all", ""
    texts: list[tuple[str, ...]] = []
    tags: list[str] = []
    skip = ""
    for argument in arguments:
        if isinstance(argument, Tag):
            tags.append(argument.name)
            match = argument.name if argument.name in _MATCH else match
            part = argument.name if argument.name in _PARTS else part
            skip = argument.name
            continue
        values = argument if isinstance(argument, tuple) else (str(argument),)
        if skip in ("comparator", "zone", "mime", "content") or (skip == "percent"):
            skip = ""
            continue
        if skip in ("count", "value"):
            relation, skip = values[0], ""
            continue
        skip = ""
        texts.append(values)
    return _Asked(match, part, relation, tuple(texts), tuple(tags))


def _compared(field_name: str, match: str, keys: tuple[str, ...], capture: bool = False) -> Condition:
    """One field against keys, any of which may match."""
    if match == "regex" or (match == "matches" and capture):
        patterns = [key if match == "regex" else _wildcards(key) for key in keys]
        conditions = []
        for pattern in patterns:
            named, count = _named(pattern) if capture else (pattern, 0)
            try:
                compile_pattern(f"/{_slashed(named)}/i")
            except PatternError as error:
                raise Untranslatable(error.message) from None
            conditions.append(Condition(f"{field_name} matches /{_slashed(named)}/i", "", count))
        return joined(conditions, "or")
    operators = {"is": "is", "contains": "contains", "matches": "like"}
    if match not in operators:
        raise Untranslatable(f":{match} has no counterpart here")
    operator = operators[match]
    if any('"' in key or "\n" in key for key in keys):
        operator = "like"
        keys = tuple(_wild(key, match) for key in keys)
    if len(keys) == 1:
        return Condition(f'{field_name} {operator} "{keys[0]}"')
    return Condition(f"{field_name} {operator} any of [{', '.join(chr(34) + key + chr(34) for key in keys)}]")


def _wild(key: str, match: str) -> str:
    """A key with a double quote or a line end as wildcards: `?` stands for what a text cannot hold."""
    plain = re.sub(r'["\n]', "?", key)
    return f"*{plain}*" if match == "contains" else plain


def _wildcards(key: str) -> str:
    return "^" + "".join("(.*)" if char == "*" else "(.)" if char == "?" else re.escape(char) for char in key) + "$"


def _slashed(pattern: str) -> str:
    return re.sub(r"(?<!\\)/", r"\\/", pattern)


def _named(pattern: str) -> tuple[str, int]:
    """Name the plain groups of a pattern c1, c2, …"""
    count = 0

    def name(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] != "(":
            return found[0]
        count += 1
        return f"(?P<c{count}>"

    return re.sub(r"\\.|\[[^\]]*\]|\((?:\?)?", name, pattern), count


def _header(test: SieveTest, capture: bool) -> Condition:
    asked = _asked(test.arguments)
    if len(asked.texts) < 2 or asked.tags.count("mime"):
        raise Untranslatable("this header test has no counterpart")
    names, keys = asked.texts[0], asked.texts[-1]
    if asked.match == "value" and all(name.lower() == "x-spam-score" for name in names):
        return Condition(f"spam.score {_relation(asked.relation)} {_digits(keys[0])}")
    if asked.match == "count" and asked.relation and len(names) == 1 and _digits(keys[0]) in ("0", "1"):
        return _counted(f'headers["{names[0]}"]', asked.relation, _digits(keys[0]))
    fields = [_FIELDS.get(name.lower(), f'headers["{name}"]') for name in names]
    return joined([_compared(name, asked.match, keys, capture) for name in fields], "or")


def _counted(field_name: str, relation: str, number: str) -> Condition:
    """`:count`: only whether there is something can be asked."""
    if (relation, number) in (("gt", "0"), ("ge", "1"), ("ne", "0")):
        return Condition(f"{field_name} exists")
    if (relation, number) in (("eq", "0"), ("lt", "1"), ("le", "0")):
        return Condition(f"{field_name} is missing")
    raise Untranslatable("header fields are not counted here")


def _address(test: SieveTest, capture: bool) -> Condition:
    asked = _asked(test.arguments)
    if len(asked.texts) < 2 or asked.match in ("count", "value"):
        raise Untranslatable("this address test has no counterpart")
    return joined(
        [_of_address(_ADDRESSES.get(name.lower(), ""), name, asked, capture) for name in asked.texts[0]], "or"
    )


def _of_address(field_name: str, header: str, asked: _Asked, capture: bool) -> Condition:
    keys = asked.texts[-1]
    if asked.part == "detail":
        if asked.match != "is":
            return _compared("plus", asked.match, keys, capture)
        return _compared("plus", "is", keys)
    if not field_name:
        if asked.part != "all":
            raise Untranslatable(f"parts of the addresses in {header} cannot be asked for")
        return _compared(f'headers["{header}"]', "contains" if asked.match == "is" else asked.match, keys, capture)
    if asked.part == "all":
        return _compared(field_name, asked.match, keys, capture)
    if asked.part == "user":
        raise Untranslatable(":user has no counterpart")
    return _part_of(field_name, asked, keys, capture)


def _part_of(field_name: str, asked: _Asked, keys: tuple[str, ...], capture: bool) -> Condition:
    """:domain and :localpart: fields of their own for the sender, the end or the beginning for lists."""
    name = {"domain": "domain", "localpart": "local"}[asked.part]
    if field_name == "from" or (field_name == "reply_to" and name == "domain"):
        return _compared(f"{field_name}.{name}", asked.match, keys, capture)
    if asked.match == "is":
        operator, texts = (
            ("ends with", [f"@{key}" for key in keys])
            if name == "domain"
            else ("starts with", [f"{key}@" for key in keys])
        )
    elif asked.match == "matches":
        operator, texts = ("like", [f"*@{key}" if name == "domain" else f"{key}@*" for key in keys])
    elif asked.match == "contains":
        operator, texts = ("like", [f"*@*{key}*" if name == "domain" else f"*{key}*@*" for key in keys])
    else:
        raise Untranslatable(f":{asked.part} with :{asked.match} has no counterpart")
    if len(texts) == 1:
        return Condition(f'{field_name} {operator} "{texts[0]}"')
    return Condition(f"{field_name} {operator} any of [{', '.join(chr(34) + text + chr(34) for text in texts)}]")


def _envelope(test: SieveTest, capture: bool) -> Condition:
    asked = _asked(test.arguments)
    if len(asked.texts) < 2:
        raise Untranslatable("this envelope test has no counterpart")
    fields = {"from": "envelope.from", "to": "delivered_to"}
    unknown = [name for name in asked.texts[0] if name.lower() not in fields]
    if unknown:
        raise Untranslatable(f"the envelope has no {unknown[0]} here")
    return joined([_of_address(fields[name.lower()], name, asked, capture) for name in asked.texts[0]], "or")


def _exists(test: SieveTest, capture: bool) -> Condition:
    names = [name for each in _asked(test.arguments).texts for name in each]
    return joined([Condition(f'headers["{name}"] exists') for name in names], "and")


def _size(test: SieveTest, capture: bool) -> Condition:
    over = any(isinstance(argument, Tag) and argument.name == "over" for argument in test.arguments)
    limit = next((argument for argument in test.arguments if isinstance(argument, int)), 0)
    amount, unit = limit, "B"
    for name in ("kB", "MB", "GB"):
        if amount and amount % 1024 == 0:
            amount, unit = amount // 1024, name
    return Condition(f"size {'>' if over else '<'} {amount} {unit}")


def _body(test: SieveTest, capture: bool) -> Condition:
    asked = _asked(test.arguments)
    if "content" in asked.tags or not asked.texts:
        raise Untranslatable("parts of the body cannot be asked for by type")
    return _compared("body.full" if "raw" in asked.tags else "body", asked.match, asked.texts[-1], capture)


def _date(test: SieveTest, capture: bool) -> Condition:
    asked = _asked(test.arguments)
    current = test.name == "currentdate"
    if len(asked.texts) < (2 if current else 3) or (
        not current and asked.texts[0][0].lower() not in ("date", "received")
    ):
        raise Untranslatable("this date test has no counterpart")
    field_name = "date" if not current and asked.texts[0][0].lower() == "date" else "received"
    part, keys = asked.texts[-2][0].lower(), asked.texts[-1]
    relation = asked.relation or "eq"
    if part == "weekday" and field_name == "received" and relation == "eq" and all(key in "0123456" for key in keys):
        days = [_DAYS[int(key)] for key in keys]
        return Condition(
            f"received.weekday in [{', '.join(days)}]" if len(days) > 1 else f"received.weekday is {days[0]}"
        )
    if part == "date" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", keys[0]):
        return Condition(_moment(field_name, relation, keys[0]))
    hour = re.fullmatch(r"(\d{1,2})(?::(\d{2})(?::\d{2})?)?", keys[0])
    if part in ("hour", "time") and field_name == "received" and hour and int(hour[1]) < 24:
        time = f"{int(hour[1]):02}:{hour[2] or '00'}"
        if relation in ("ge", "lt"):
            return Condition(f"received.time {'after' if relation == 'ge' else 'before'} {time}")
        later = f"{int(hour[1]) + 1:02}:00"
        if part == "hour" and relation in ("gt", "le"):
            return Condition(f"received.time {'after' if relation == 'gt' else 'before'} {later}")
        if part == "hour" and relation == "eq":
            return Condition(f"received.time between {time} and {later}")
    raise Untranslatable(f"the part {part} of a date cannot be asked for this way")


def _moment(field_name: str, relation: str, day: str) -> str:
    return {
        "gt": f"{field_name} after {day}",
        "ge": f"not {field_name} before {day}",
        "lt": f"{field_name} before {day}",
        "le": f"not {field_name} after {day}",
        "ne": f"not {field_name} is {day}",
    }.get(relation, f"{field_name} is {day}")


def _spam(test: SieveTest, capture: bool) -> Condition:
    asked = _asked(test.arguments)
    if "percent" in asked.tags or not asked.texts:
        raise Untranslatable("the spam score is a number here, no percentage")
    return Condition(f"spam.score {_relation(asked.relation or 'eq')} {_digits(asked.texts[-1][0])}")


def _relation(relation: str) -> str:
    if relation not in _RELATIONS:
        raise Untranslatable(f'there is no relation "{relation}"')
    return _RELATIONS[relation]


def _digits(text: str) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise Untranslatable(f'"{text}" is no number')
    return text


def _gate(name: str) -> Callable[[SieveTest, bool], Condition]:
    def refuse(test: SieveTest, capture: bool) -> Condition:
        raise Untranslatable(f"gates.{name} does this")

    return refuse


_TESTS: Mapping[str, Callable[[SieveTest, bool], Condition]] = {
    "header": _header,
    "address": _address,
    "envelope": _envelope,
    "exists": _exists,
    "size": _size,
    "body": _body,
    "date": _date,
    "currentdate": _date,
    "spamtest": _spam,
    "virustest": _gate("antivirus"),
    "duplicate": _gate("duplicate"),
}
