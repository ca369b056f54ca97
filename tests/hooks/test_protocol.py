"""A reply is hostile until it fits the shape: whatever a worker sends, the engine reads a reply or says BadReply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import answer, source  # type: ignore[attr-defined]
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks import case, protocol
from hooks.program import Call, Program, Script
from hooks.protocol import BadReply, Bound, Hello, Reply, read_bound, read_hello, read_reply

GOOD: dict[str, Any] = {
    "nonce": "n",
    "outcome": "ok",
    "verdict": "accept",
    "reason": "",
    "changes": {"priority": "High", "tags": ["a"], "count": 5, "open": None},
    "dropped": [[0, "sig"]],
    "errors": [["field", "message"]],
    "log": ["line"],
    "script": 0,
    "error": None,
    "lines": {},
    "cpu_ms": 0.1,
}
SCHEMA = {"priority": "line", "tags": "list", "count": "int", "open": "bool", "description": "text", "due": "date",
          "hours": "float", "id": "ro", "prio": "=priority"}  # fmt: skip
MADE = case.made({"schema": SCHEMA})
CALL = Call(Program((Script("s.py", "activity", ""),)), MADE.mail, MADE.item, MADE.context)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def test_a_good_reply_is_read() -> None:
    reply = read_reply(json.dumps(GOOD).encode(), "n", CALL)
    assert reply.changes == {"priority": "High", "tags": ("a",), "count": 5, "open": None}


@pytest.mark.parametrize(
    "bad",
    [
        {"is_admin": True},
        {"nonce": "other"},
        {"outcome": "great"},
        {"verdict": "maybe"},
        {"reason": "x" * 2_000},
        {"reason": 5},
        {"changes": {"f": {"nested": 1}}},
        {"changes": {"f": 2**70}},
        {"changes": {"f": "x" * 300_000}},
        {"changes": {"f": [["deep"]]}},
        {"changes": {str(n): 1 for n in range(500)}},
        {"log": ["x"] * 1_000},
        {"log": ["x" * 5_000]},
        {"errors": [["only one"]]},
        {"errors": [["a", "b"]] * 60},
        {"dropped": [[-5, "x"]]},
        {"script": 7},
        {"error": {"type": "X"}},
        {"outcome": "runtime-error"},
        {"cpu_ms": -1},
        {"cpu_ms": "1"},
        {"lines": {"s": {"1": "many"}}},
        {"lines": {"s": {"1": 5}}},
        {"script": -1},
        {"reason": "why?"},
        {"verdict": "refuse"},
        {"log": ["\x1b[2J"]},
        {"changes": {"tags": 5}},
        {"changes": {"tags": None}},
        {"changes": {"tags": ["a\nb"]}},
        {"changes": {"priority": ["a"]}},
        {"changes": {"priority": 5}},
        {"changes": {"priority": "a\nb"}},
        {"changes": {"priority": True}},
        {"changes": {"description": 5}},
        {"changes": {"description": "\0"}},
        {"changes": {"due": "tomorrow"}},
        {"changes": {"open": 1}},
        {"changes": {"count": 1.5}},
        {"changes": {"hours": 1e300}},
        {"changes": {"id": "5"}},
        {"changes": {"prio": "High"}},
        {"changes": {"nothing": "x"}},
        {"dropped": [[-1, "x"]]},
        {"dropped": [[1, "x"]]},
        {"dropped": [[0, "x"], [0, "y"]]},
        {"dropped": [[0, "x" * 2_000]]},
    ],
)
def test_a_reply_that_does_not_fit_is_bad(bad: dict[str, Any]) -> None:
    with pytest.raises(BadReply):
        read_reply(json.dumps({**GOOD, **bad}).encode(), "n", CALL)


@pytest.mark.parametrize("key", GOOD)
def test_a_reply_that_lacks_something_is_bad(key: str) -> None:
    with pytest.raises(BadReply):
        read_reply(json.dumps({name: value for name, value in GOOD.items() if name != key}).encode(), "n", CALL)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"nonce":' * 50_000, b"NaN"]
)
def test_garbage_is_bad(body: bytes) -> None:
    for read in (read_hello, lambda b: read_bound(b, "n", 1), lambda b: read_reply(b, "n", CALL)):
        with pytest.raises(BadReply):
            read(body)


@settings(max_examples=300)
@given(st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_bad(body: bytes) -> None:
    for read, kind in (
        (read_hello, Hello),
        (lambda b: read_bound(b, "n", 1), Bound),
        (lambda b: read_reply(b, "n", CALL), Reply),
    ):
        try:
            said = read(body)
        except BadReply:
            continue
        assert type(said) is kind and (kind is Hello or said.nonce == "n")


@settings(max_examples=300)
@given(st.sampled_from(sorted(GOOD)), _JSON)
def test_a_reply_with_one_strange_value_is_read_or_bad(key: str, value: Any) -> None:
    try:
        reply = read_reply(json.dumps({**GOOD, key: value}).encode(), "n", CALL)
    except BadReply:
        return
    assert isinstance(reply, protocol.Reply)
    assert all(isinstance(line, str) for line in reply.log)


SAYS = """
for text in ctx.params["texts"]:
    ctx.log(text, [text])
    print(text, end=text)
    mail.attachments[0].drop(text)
    ctx.error(text, text)
    try:
        ctx.reject(text)
    except ValueError:
        ctx.hold(text[:1_000])
    item.description = text.replace("\\0", "")
    item.priority = " ".join(text.split()) if text.isprintable() else ""
    if text.startswith("raise"):
        raise ValueError(text)
"""


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.text(max_size=30) | st.sampled_from(["\x00" * 2_000, "\n" * 1_500, "é" * 3_000, "raise\x1b" * 400]),
        max_size=6,
    )
)
def test_whatever_a_script_says_is_a_good_reply(texts: list[str]) -> None:
    reply = answer(source(SAYS, "activity"), "activity", params={"texts": texts}, schema=SCHEMA)
    reply["nonce"] = "n"
    read = read_reply(protocol.msgspec.json.encode(reply), "n", CALL)
    assert all(line.isprintable() or "\t" in line for line in (*read.log, read.reason))


@pytest.mark.parametrize(
    "text", ["_" + "x" * 60_000 + " = 1\n", "import " + "x" * 60_000 + "\n", "mail._" + "x" * 60_000 + "\n"]
)
def test_a_long_name_is_a_short_problem(text: str, jailed: Any) -> None:
    result = jailed(text, hurry=False)
    assert result.outcome == "compile-error" and len(result.message) <= 1_000
