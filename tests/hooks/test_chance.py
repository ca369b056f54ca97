"""There is no chance in a script: whichever worker is asked, the same mail gets the same answer."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import answer, source  # type: ignore[attr-defined]

from hooks import case
from hooks.sandbox import Call, Program, Sandbox, Script

CHANCES = {
    "texts": "ctx.log(list({'a', 'b', 'c', 'd', 'e'}), [x for x in {'x1', 'x2', 'x3'}], repr({'q', 'r', 's', 't'}))",
    "the first of some": "ctx.log(list({'red', 'green', 'blue'})[0], {'red', 'green', 'blue'}.pop())",
    "nothing among texts": "ctx.log(list({None, 'a', 'b', 'c', 'd'}), {None, 'x', 'y'})",
    "pairs": "ctx.log(list({('a', None), ('b', None), ('c', 1), ('d', 2)}))",
    "sets in sets": "ctx.log({frozenset({'a', None}), frozenset({'b', None}), frozenset({'c'})})",
    "attachments": "ctx.log([a.name for a in set(mail.attachments)])",
    "types": "ctx.log({str, int, dict, list, bool})",
    "numbers": "ctx.log({1.5, 2.5, float('nan'), -0.5}, {10 ** 20, 3, -1, True})",
    "days": "from datetime import date\nctx.log({date(2026, 1, day) for day in range(1, 9)})",
    "patterns": "import re\nctx.log({re.compile(each) for each in 'abcd'}, set(re.finditer('.', 'aaaa')))",
    "joined": "ctx.log(','.join({'a', 'b', 'c', 'd'}), sorted({'a', 'b', 'c'}, key=len), min({'k', 'l'}, key=len))",
    "grown": "x = []\nx.extend({'a', None, 'b'})\nx += {'c', None}\nfirst, *rest = {'a', 'b'}\nctx.log(x, first)",
    "the clock": "from datetime import datetime\nctx.log(datetime.now(), datetime.utcnow(), datetime.today())",
    "objects": "ctx.log(mail, ctx, ctx.user, len, ctx.log, ValueError('x'))",
}  # fmt: skip


def test_two_workers_say_the_same() -> None:
    files = [{"name": f"{n}.pdf", "content_type": "a/b", "size": 1} for n in range(8)]
    made = case.made({"mail": {"attachments": files}})
    text = source("\n".join(CHANCES.values()))
    said = []
    for _ in range(3):
        sandbox = Sandbox()
        result = sandbox.run(Call(Program((Script("s.py", "guard", text),)), made.mail, made.item, made.context))
        assert result.outcome == "ok", result
        said.append(result.log)
        sandbox.close()
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("body", ["list({guard, str.lower})", "repr({ctx.log})", "{guard}.pop()"])
def test_a_set_of_functions_has_no_order(body: str) -> None:
    reply: dict[str, Any] = answer(source(f"ctx.log({body})"))
    assert reply["outcome"] == "runtime-denied" and "has no order: use a list" in reply["error"]["message"]
