"""Known escapes from RestrictedPython and its like: each stays closed."""
# ruff: noqa: E501 - a script a line

from __future__ import annotations

from typing import Any

import pytest

ADVISORIES = {
    "CVE-2023-37271: the frame of a generator": "g = (f for f in [1])\nctx.log(g.gi_frame.f_back.f_globals)",
    "CVE-2023-41039: str.format with attributes": "'{0.__class__}'.format(mail)",
    "CVE-2023-41039: format_map": "'{a.__class__}'.format_map({'a': mail})",
    "CVE-2023-41039: format through the type": "str.format('{0.__class__}', mail)",
    "CVE-2024-47532: the object of an AttributeError": "try:\n    ctx.nothing\nexcept AttributeError as e:\n    ctx.log(e.obj)",
    "CVE-2024-47532: through the string module": "import string\nctx.log(string.Formatter)",
    "CVE-2025-22153: except* with a type of one's own": "try:\n    raise ValueError\nexcept* ValueError:\n    pass",
    "2026: string.Formatter": "import string\nstring.Formatter().get_field('0.__class__', [mail], {})",
    "2026: guards shadowed by positional-only arguments": "def f(o, _getattr_=lambda o, n: o, /):\n    return o.x\nf(mail)",
    "2026: print shadowed by positional-only arguments": "def f(_print_=(lambda g: g), /):\n    print('x')\n    return printed\nf()",
    "frames of asynchronous generators": "g = (x for y in [1] async for x in mail)\ng.ag_frame",
    "names bound by match": "match 1:\n    case _getattr_:\n        pass",
    "classes with methods of their own": "class A:\n    def __getattr__(self, n):\n        return 1",
    "type with three arguments": "type('A', (), {})",
    "modules behind modules": "import re\nre.enum.sys",
    "modules behind modules, by import": "from json import codecs",
    "the mro of a type": "str.mro()",
    "subclasses": "object.__subclasses__()",
    "globals of a function": "guard.__globals__",
    "code of a function": "guard.__code__",
    "the traceback of an exception": "try:\n    1 / 0\nexcept Exception as e:\n    e.__traceback__",
    "cells of a closure": "(lambda: mail).__closure__",
    "annotations that run": "def f(a: open('/etc/passwd')):\n    pass\nreturn f.__annotations__",
    "decorators of guards": "@_getattr_\ndef f():\n    pass",
    "star imports": "from math import *",
    "reading through itemgetter": "import operator\noperator.attrgetter('__class__')(mail)",
    "percent with an object": "'%(__class__)s' % mail",
    "getattr with a name that lies": "getattr(mail, ['_data'])",
    "getattr with bytes": "getattr(mail, b'_data')",
    "private attributes by getattr": "getattr(mail, '_data')",
    "private attributes of patterns": "import re\ngetattr(re.compile('a'), '_plain')",
    "private attributes of types": "getattr(str, '_real')",
    "private attributes of modules": "import json\ngetattr(json, '_members')",
    "private attributes of the item": "getattr(ctx.original, '_data')",
}


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_stays_closed(advisory: str, guard: Any) -> None:
    reply = guard(ADVISORIES[advisory])
    assert reply["outcome"] in ("compile-error", "runtime-denied", "runtime-error"), reply
    assert not any("class" in line or "frame" in line for line in reply.get("log", ()))
