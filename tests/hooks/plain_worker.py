"""A worker without the language fence: plain Python, all modules loaded, inside the process fence.

Scripts arrive in the HTML of the mail and are executed as they are; `mail`, `item` and `ctx` are the real objects.
"""

from __future__ import annotations

import atexit  # noqa: F401
import builtins
import calendar  # noqa: F401
import ctypes  # noqa: F401
import importlib
import operator  # noqa: F401
import pickle  # noqa: F401
import resource  # noqa: F401
import socket  # noqa: F401
import subprocess  # noqa: F401
import sys
import threading  # noqa: F401
import types
import uuid  # noqa: F401
from typing import Any

from hooks import context, item, mail, runner, worker

TRAMPOLINE = """
def guard(mail, ctx):
    return run("guard", mail, ctx)
"""


def _opened(kind: Any) -> None:
    kind.__getattr__ = kind.read


def _run(hook: str, given: Any, ctx: Any) -> Any:
    scope: dict[str, Any] = {"__name__": "script", "__builtins__": builtins}
    exec(compile(given._data.html, "script", "exec"), scope)  # noqa: S102
    if "activity" in scope:
        return scope["activity"](given, item.Item(ctx._item), ctx)
    return scope["guard"](given, ctx)


def main() -> None:
    """Be a worker whose scripts are plain Python."""
    for kind in (mail.Mail, mail.Attachment, context.Context, context.User):
        _opened(kind)
    runner.bring = importlib.__import__  # type: ignore[assignment]
    real = dict(vars(builtins))
    sys.modules["__main__"] = types.ModuleType("__main__")
    worker.main(lambda text, name: (compile(text, name, "exec"), ()), {**real, "run": _run})
