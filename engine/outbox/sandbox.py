"""The sandbox that templates run in, and how much of one is read and rendered.

Here: the environment, what a template may raise, reading a file, rendering piece by piece. Not here: which template is
which (`templates.py`), HTML (`layout.py`).
Invariant: a template sees plain values, and what it makes is no template again; rendering stops where a mail is long
enough. Who writes templates is trusted with the time and the memory that one takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILE_LIMIT_BYTES = 256 << 10
MOST_CHARS = 200_000
"""Characters of a rendered mail; rendering stops there, whatever a template does."""


class Unreadable(ValueError):
    """A template file that is not read. The message is for people."""


@cache
def environment() -> Any:
    """The sandbox that templates run in."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """Products stay as small as a mail."""

        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            sizes = [each if isinstance(each, int | float) else len(each) for each in (left, right)]
            if operator == "**" or sizes[0] * sizes[1] > MOST_CHARS:
                raise OverflowError(f"the result of {operator} is too big")
            return super().call_binop(context, operator, left, right)

    return Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def failures() -> tuple[type[Exception], ...]:
    """What may be raised by a template: whatever its author can do wrong."""
    from jinja2 import TemplateError

    return (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError,
            MemoryError)  # fmt: skip


def bounded(template: Any, values: Mapping[str, object]) -> str:
    """Render piece by piece and stop where a mail is long enough."""
    made, size = [], 0
    for piece in template.generate(values):
        made.append(piece)
        size += len(piece)
        if size > MOST_CHARS:
            break
    return "".join(made)[:MOST_CHARS]


def line_of(error: BaseException) -> int:
    """The line of a template that an error came from; 0 where nobody knows."""
    line = int(getattr(error, "lineno", 0) or 0)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def said_of(name: str, error: BaseException) -> str:
    """Say in which template something went wrong, and on which line, where that is known."""
    at = line_of(error)
    return f"template {name}{f', line {at}' if at else ''}: {error}"


def read(file: Path) -> str:
    """The text of a template file. Raises: Unreadable."""
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_LIMIT_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"the file is not UTF-8 at byte {error.start}") from None
    if len(content) > FILE_LIMIT_BYTES:
        raise Unreadable("the file is longer than 256 kB")
    return text.replace("\r\n", "\n")
