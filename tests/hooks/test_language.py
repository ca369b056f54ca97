"""The language of hooks: what scripts may do works as in Python, what they may not is refused where it stands."""
# ruff: noqa: E501 - a script a line

from __future__ import annotations

from typing import Any

import pytest

WORKS = {
    "closures and nonlocal": ("n = 0\ndef add():\n    nonlocal n\n    n += 1\nadd()\nadd()\nctx.log(n)", "2"),
    "globals": ("global SEEN\nSEEN += 1\nctx.log(SEEN)", "2"),
    "walrus and f-strings": (
        'if (n := len(mail.subject)) > 3:\n    ctx.log(f"{n:>4}|{n:04d}|{3.14159:.2f}|{mail.subject!r:>20}|{n=}")',
        "  14|0014|3.14|    'Printer broken'|n=14",
    ),
    "while and for with else": (
        'i = 0\nwhile i < 3:\n    i += 1\nelse:\n    ctx.log(i)\nfor x in []:\n    break\nelse:\n    ctx.log("none")',
        "3 / none",
    ),
    "sets": ("ctx.log({1, 2} | {3}, {1, 2} & {2}, {1, 2} - {2}, {1} ^ {2})", "{1, 2, 3} {2} {1} {1, 2}"),
    "dicts": ('d = {k: v for k, v in zip("ab", [1, 2])}\ndel d["a"]\nctx.log(d, {**d, "c": 3}, "b" in d)', "{'b': 2} {'b': 2, 'c': 3} True"),
    "items in place": ("d = {1: 1}\nd[1] += 2\nl = [1, 2]\nl[0] *= 5\nctx.log(d, l)", "{1: 3} [5, 2]"),
    "slices": ("l = list(range(5))\nl[1:3] = [9]\nctx.log(l, l[::-1][0], 'abc'[-1])", "[0, 9, 3, 4] 4 c"),
    "percent": ('ctx.log("%s is %d, %5.1f%% %r %x" % ("x", 3, 9.5, "q", 255), "%(a)s" % {"a": 1})', "x is 3,   9.5% 'q' ff 1"),
    "sorting": ('ctx.log(sorted([("b", 1), ("a", 2)], key=lambda p: -p[1]), sorted("bA", key=str.lower))', "[('a', 2), ('b', 1)] ['A', 'b']"),
    "unpacking": ("a, (b, *c), d = 1, (2, 3, 4), 5\n[e, f] = [a, b]\na, b = b, a\nctx.log(a, b, c, d, e, f)", "2 1 [3, 4] 5 1 2"),
    "generators": ("def g(n):\n    yield from range(n)\n    yield 9\nctx.log(list(g(2)), sum(x * x for x in g(2)))", "[0, 1, 9] 82"),
    "next of eager lists": ('ctx.log(next(filter(None, [0, 3])), next(map(str, [1])), next((x for x in "ab"), "-"))', "3 1 a"),
    "eager lists end": ("z = zip([1])\nnext(z)\nctx.log(next(z, 'end'), list(z))", "end [(1,)]"),
    "exceptions": ('try:\n    {}["k"]\nexcept (KeyError, ValueError) as e:\n    ctx.log(e, repr(e), e.args)', "'k' KeyError('k') ('k',)"),
    "bare except": ("try:\n    1 / 0\nexcept:\n    ctx.log('caught')\nfinally:\n    ctx.log('done')", "caught / done"),
    "raise from": ("try:\n    raise ValueError('a', 1) from None\nexcept Exception as e:\n    ctx.log(e)", "('a', 1)"),
    "assert": ("try:\n    assert 1 > 2, 'no'\nexcept AssertionError as e:\n    ctx.log(e)", "no"),
    "keyword arguments": ("def f(a, b=2, /, *r, c, **k):\n    return a, b, r, c, k\nctx.log(f(1, 5, 6, c=3, e=4), f(*[1], **{'c': 2}))", "(1, 5, (6,), 3, {'e': 4}) (1, 2, (), 2, {})"),
    "decorators": ("def twice(f):\n    return lambda x: f(x) * 2\n@twice\ndef g(x):\n    return x + 1\nctx.log(g(2))", "6"),
    "annotations": ("x: int = 1\ny: list[str]\ndef f(a: nonsense) -> more.nonsense:\n    return a\nctx.log(f(x))", "1"),
    "conversions": ('ctx.log(int("ff", 16), float("1.5"), str(None), bool([]), list("ab"), tuple({1}), dict(a=1))', "255 1.5 None False ['a', 'b'] (1,) {'a': 1}"),
    "text": ('ctx.log("a,b".split(","), "Ab".swapcase(), "x".center(5, "*"), "aXb".partition("X"), "é".encode().decode())', "['a', 'b'] aB **x** ('a', 'X', 'b') é"),
    "translate": ('ctx.log("Größe".translate(str.maketrans({"ö": "oe", "ß": "ss"})))', "Groesse"),
    "numbers": ("import math\nctx.log(math.ceil(1.2), math.factorial(5), round(2.567, 2), divmod(7, 2), pow(2, 10, 7), 7 // 2, -7 % 3)", "2 120 2.57 (3, 1) 2 3 2"),
    "dates": ('from datetime import datetime, timedelta, timezone\nd = datetime(2026, 1, 31, tzinfo=timezone.utc)\nctx.log(d + timedelta(days=1), (d - ctx.now).days, f"{d:%d.%m.%Y}", d.strftime("%-d.%-m."), ctx.now.weekday())', "2026-02-01 00:00:00+00:00 15 31.01.2026 31.1. 3"),
    "the frozen clock": ("from datetime import datetime, date, timezone\nctx.log(datetime.now(timezone.utc) == ctx.now, datetime.now(), date.today(), mail.date.now() == datetime.now())", "True 2026-01-15 09:00:00 2026-01-15 True"),
    "addresses": ('from email.utils import parseaddr, getaddresses, formataddr, parsedate_to_datetime\nctx.log(parseaddr("Bob <b@x.example>"), getaddresses(["A <a@x>, b@y"]), formataddr(("A B", "a@x")), parsedate_to_datetime("Thu, 15 Jan 2026 09:00:00 +0100"))', "('Bob', 'b@x.example') [('A', 'a@x'), ('', 'b@y')] A B <a@x> 2026-01-15 09:00:00+01:00"),
    "email as a package": ('import email.utils\nimport email.utils as u\nctx.log(email.utils.parseaddr("a@b"), u.parseaddr("a@b"))', "('', 'a@b') ('', 'a@b')"),
    "json": ('import json\nctx.log(json.loads(\'{"a": [1, null]}\'), json.dumps({"ü": [1]}, ensure_ascii=False, indent=None))', "{'a': [1, None]} {\"ü\": [1]}"),
    "characters": ('import string, unicodedata\nctx.log(string.digits, unicodedata.category("a"), unicodedata.normalize("NFC", "e\\u0301"))', "0123456789 Ll é"),
    "print": ('print("a", "b", sep="-", end="")\nprint("c")\nprint(1, None)', "a-bc / 1 None"),
    "isinstance": ('ctx.log(isinstance(1, (str, int)), isinstance(ctx.params, dict), isinstance(mail.to, tuple), callable(len), hasattr(mail, "subject"), getattr(mail, "nothing", 5))', "True True True True True 5"),
}  # fmt: skip


@pytest.mark.parametrize("what", WORKS)
def test_works_as_in_python(what: str, guard: Any) -> None:
    body, expected = WORKS[what]
    reply = guard(body, before="SEEN = 1")
    assert reply["outcome"] == "ok", reply["error"] if "error" in reply else reply["problems"]
    assert " / ".join(reply["log"]) == expected


REFUSED_IN_THE_SOURCE = {
    "classes": ("class A:\n    pass", "H105"),
    "async": ("async def f():\n    pass", "H105"),
    "async comprehensions": ("g = (x for y in [1] async for x in mail)", "H105"),
    "match": ("match 1:\n    case _:\n        pass", "H105"),
    "with": ("with mail:\n    pass", "H105"),
    "except*": ("try:\n    pass\nexcept* ValueError:\n    pass", "H105"),
    "yield in a lambda": ("f = lambda: (yield)", "H105"),
    "importing the system": ("import os", "H102"),
    "importing from a module what is not offered": ("from email.utils import socket", "H102"),
    "importing all": ("from math import *", "H102"),
    "importing relatively": ("from . import x", "H102"),
    "importing below a module": ("import datetime.sys", "H102"),
    "exec": ('exec("1")', "H103"),
    "open": ('open("/etc/passwd")', "H103"),
    "type": ("type(mail)", "H103"),
    "BaseException": ("try:\n    pass\nexcept BaseException:\n    pass", "H103"),
    "private names": ("_x = 1", "H103"),
    "names of guards as parameters": ("def f(_getattr_, /):\n    pass", "H103"),
    "names of guards as keyword parameters": ("f = lambda *, _write_: 1", "H103"),
    "names of guards as star parameters": ("def f(*_a, **_k):\n    pass", "H103"),
    "names of guards in for": ("for _getiter_ in []:\n    pass", "H103"),
    "names of guards in except": ("try:\n    pass\nexcept ValueError as _getattr_:\n    pass", "H103"),
    "names of guards in imports": ("import math as _getattr_", "H103"),
    "names of guards in from imports": ("from math import pi as _getitem_", "H103"),
    "names of guards in nonlocal": ("global _getattr_", "H103"),
    "names of guards in walrus": ("(_write_ := 1)", "H103"),
    "names of guards in comprehensions": ("[1 for _getattr_ in []]", "H103"),
    "private keywords": ("dict(_x=1)", "H103"),
    "giving print another meaning": ("print = 1", "H103"),
    "private attributes": ("mail.__class__", "H104"),
    "private attributes in place": ("mail._x += 1", "H104"),
    "private attributes in fullwidth": ("mail.＿＿class＿＿", "H10"),
    "frames": ("(x for x in []).gi_frame", "H105"),
    "format": ('"{0.x}".format(mail)', "H104"),
    "format_map": ('"{x}".format_map({})', "H104"),
    "wide formats": ('f"{1.0:.900000f}"', "H107"),
    "long numbers": ("x = 1" + "0" * 5_000, "H101"),
    "deep nesting": ("x = " + "[" * 150 + "]" * 150, "H10"),
    "deep chains": ("x = " + "+".join("1" * 500), "H107"),
    "wide tables": ("x = [" + "1," * 21_000 + "]", "H107"),
}


@pytest.mark.parametrize("what", REFUSED_IN_THE_SOURCE)
def test_is_refused_in_the_source(what: str, guard: Any) -> None:
    body, code = REFUSED_IN_THE_SOURCE[what]
    reply = guard(body)
    assert reply["outcome"] == "compile-error", reply
    assert reply["problems"][0].code.startswith(code), reply["problems"]


DENIED = {
    "attributes of strange types": "getattr(len, '__self__')",
    "private attributes by getattr": "getattr((), '__class__')",
    "format by getattr": "getattr('', 'format')",
    "format of the type": "getattr(str, 'format')",
    "attributes of functions": "getattr(guard, 'x')",
    "writing on functions": "guard.x = 1",
    "writing on types": "str.x = 1",
    "writing on modules": "import json\njson.dumps = 1",
    "members of modules": "import datetime\ndatetime.sys",
    "writing on the mail": "mail.subject = 'x'",
    "deleting from the mail": "del mail.subject",
    "changing lists of the mail": "mail.to.append('x')",
    "changing parameters": "ctx.params['x'] = 1",
    "changing lists in parameters": "ctx.params['list'].append(1)",
    "iterating over the mail": "[*mail]",
    "passing the mail as arguments": "ctx.log(*mail)",
    "generic aliases": "list[int]",
    "methods of slices": "slice(0, 1).indices",
    "chains of slices": "slice(slice(1))",
    "bytes of numbers": "int.from_bytes(b'a', 'big')",
    "strange codecs": "b'a'.decode('punycode')",
    "bytes formatting": "b'%s' % mail",
    "mappings that are none, in percent": "'%(__class__)s' % mail",
    "star widths": "'%*d' % (90_000_000, 1)",
    "private keyword names": "(lambda **k: k)(**{'_x': 1})",
    "isinstance of values": "isinstance(mail, mail.header)",
    "private exception state": "try:\n    1 / 0\nexcept Exception as e:\n    e.with_traceback(None)",
    "values of exceptions": "try:\n    nothing\nexcept NameError as e:\n    e.name",
    "big ranges": "range(10**9)",
    "big powers": "10 ** 10**8",
    "big products": "x = 3\nfor i in range(64):\n    x *= x",
    "big shifts": "1 << 10**9",
    "big factorials": "import math\nmath.factorial(10**6)",
    "big numbers in text": "int('9' * 10_000, 16)",
    "long text by repeating": "'x' * 10**9",
    "long lists by repeating": "x = [0] * 1_000\nfor i in range(3):\n    x = x * 1_000",
    "long text by padding": "'x'.zfill(10**9)",
    "long text by replacing": "('a' * 100_000).replace('', 'b' * 100_000)",
    "long text by joining": "('x' * 900_000).join(['a'] * 1_000)",
    "long text by translating": "('a' * 500_000).translate({97: 'b' * 500_000})",
    "long text by tabs": "('\\t' * 999_999).expandtabs(500)",
    "long text by patterns": "import re\nre.sub('a', 'b' * 900_000, 'a' * 900_000)",
    "long text by dates": "from datetime import datetime\ndatetime(2026, 1, 1).strftime('%Y' * 1_000_000)",
    "widths in date formats": "from datetime import datetime\ndatetime(2026, 1, 1).strftime('%900000Y')",
    "wide formats at run time": "w = 10**9\nf'{1:{w}}'",
    "text of shared structures": "x = ['a']\nfor i in range(40):\n    x = [x, x]\nstr(x)",
    "JSON of shared structures": "import json\nx = ['a']\nfor i in range(40):\n    x = [x, x]\njson.dumps(x)",
    "JSON of itself": "import json\nx = []\nx.append(x)\njson.dumps(x)",
    "JSON by a function": "import json\njson.dumps(mail, default=str)",
    "chains of generators": "g = [1]\nfor i in range(20_000):\n    g = (x for x in g)",
    "chains of generator functions": "def f(g):\n    yield from g\ng = [1]\nfor i in range(20_000):\n    g = f(g)",
    "long reasons": "ctx.reject('x' * 900_000)",
    "many errors": "for i in range(100):\n    ctx.error('x')",
    "strange answers": "return 'yes'",
    "answers that are generators": "yield True",
    "unknown attributes": "mail.sbject",
    "unknown tables": "ctx.lookup('nothing', 1)",
    "backtracking without end": "import re\nre.search(r'^(?=a)((a|a)+)+\\1?$(?!x)', 'a' * 40 + '!')",
}


@pytest.mark.parametrize("what", DENIED)
def test_is_denied_at_run_time(what: str, guard: Any) -> None:
    reply = guard(DENIED[what], params={"list": [1]})
    assert reply["outcome"] in ("runtime-denied", "runtime-error"), reply
    assert reply["error"]["line"] > 0


def test_no_text_of_a_script_holds_an_address(guard: Any) -> None:
    reply = guard(
        "ctx.log(f'{guard} {ctx.log!r} {mail=} {len}', '%s %r' % (guard, str), [guard], {1: mail}, ctx.original)"
    )
    assert reply["outcome"] == "ok"
    assert "0x" not in reply["log"][0]
    assert "<mail>" in reply["log"][0]


def test_globals_start_fresh_at_each_call(jailed: Any) -> None:
    text = "SEEN = []\ndef guard(mail, ctx, more=[]):\n    SEEN.append(1)\n    more.append(1)\n    ctx.log(len(SEEN), len(more))\n"
    assert {jailed(text).log for _ in range(3)} == {("1 1",)}


def test_misspelt_names_come_with_a_suggestion(guard: Any, activity: Any) -> None:
    assert "did you mean 'subject'" in guard("mail.sbject")["error"]["message"]
    assert "did you mean 'priority'" in activity("item.prority = 1")["error"]["message"]
    assert (
        "did you mean 'customers'" in guard("ctx.lookup('custmers', 1)", lookups={"customers": {}})["error"]["message"]
    )


def test_a_script_that_exists_twice_in_one_call_is_found_by_its_name(guard: Any) -> None:
    reply = guard("return True", option="trace")
    assert reply["lines"] == {"script.py": {"2": 1, "3": 1}}


LATE = {
    "all directives": "from datetime import datetime, timezone, timedelta\nd = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1), 'X'))\nctx.log(d.strftime('%a %A %w %d %b %B %m %y %Y %H %I %p %M %S %f %z %Z %j %U %W %G %u %V %c %x %X'))",
    "local times": "from datetime import datetime\nctx.log(datetime(2026, 1, 1).timestamp(), datetime.fromtimestamp(0), datetime.now().astimezone(), mail.date.astimezone())",
    "parsing dates": "from datetime import datetime\nctx.log(datetime.strptime('Thu 01 Jan 2026 10:00 +0100 PM', '%a %d %b %Y %I:%M %z %p'), datetime.strptime('2026 5 1 UTC', '%G %V %u %Z'))",
    "codecs": "for c in ('utf-8', 'ascii', 'latin-1', 'iso-8859-15', 'cp1252', 'utf-8-sig'):\n    ctx.log('x'.encode(c).decode(c))\ntry:\n    b'\\xff'.decode('utf-8')\nexcept UnicodeDecodeError as e:\n    ctx.log(e)",
    "addresses": "from email.utils import formataddr, parsedate_to_datetime\nctx.log(formataddr(('Müller, Jörg', 'a@b.example')))\ntry:\n    parsedate_to_datetime('never')\nexcept ValueError as e:\n    ctx.log(e)",
    "backtracking": "import re\nctx.log(re.sub(r'(?<=a)(b)(?=c)', r'<\\1>', 'abc'), re.findall(r'\\bübung\\b', 'übung'), re.split(r'\\b', 'a b'))",
    "unusual patterns": "import re\nctx.log(re.search(r'\\N{LATIN SMALL LETTER A}', 'a'), re.findall(r'[[:alpha:]]', 'a:]'), re.search('(?x) a # b', 'a'))",
    "errors of patterns": "import re\ntry:\n    re.compile('(')\nexcept re.error as e:\n    ctx.log(e)",
    "unicode names": "import unicodedata\nctx.log(unicodedata.name('a'), unicodedata.lookup('SNOWMAN'), '\\N{SNOWMAN}', 'ß'.casefold(), 'ǆ'.title())",
    "floats": "ctx.log(f'{1e300:.3e} {1 / 3:.50f}', float('1e-300'), round(2.5), 1e16, 0.1 + 0.2, 3.0.is_integer())",
    "deep errors": "def f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError as e:\n    ctx.log(e)",
    "deep JSON": "import json\ntry:\n    json.loads('[' * 90_000)\nexcept ValueError as e:\n    ctx.log(e)\nctx.log(json.dumps({'a': [1, 2]}, indent=2), json.dumps(float('inf')))",
    "warnings": "ctx.log('a' is 'a', '\\d', 1 is 1)",
    "generators left open": "def g():\n    try:\n        yield 1\n    finally:\n        ctx.log('closed')\nnext(g())",
    "exceptions while closing": "def g():\n    try:\n        yield 1\n    finally:\n        1 / 0\nnext(g())",
}  # fmt: skip


def test_everything_works_behind_the_fences_where_nothing_can_be_loaded_any_more(jailed: Any) -> None:
    bodies = [*(body for body, _ in WORKS.values()), *LATE.values()]
    functions = []
    for number, body in enumerate(bodies):
        lines = "\n".join(f"    {line}" for line in body.split("\n"))
        functions.append(f"def part{number}(mail, ctx):\n{lines}\n")
    calls = "".join(f"    part{number}(mail, ctx)\n" for number in range(len(bodies)))
    text = "SEEN = 1\n" + "".join(functions) + f"def guard(mail, ctx):\n{calls}    return True\n"
    result = jailed(text, hurry=False)
    assert result.outcome == "ok", (result, text.split("\n")[result.line - 1])
    assert len(result.log) > len(bodies)


def test_a_syntax_error_behind_the_fences_is_only_a_syntax_error(jailed: Any) -> None:
    for text in (
        "def guard(",
        "x = (1,\ny = 2\n",
        "'''",
        "f'{'",
        "\\",
        "def f():\nreturn",
        "x = 1 +\n",
        "\x0c",
        "0777",
        "a b",
    ):
        assert jailed(text, hurry=False).outcome in ("compile-error", "runtime-error"), text
