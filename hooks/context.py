"""`ctx`: what a script knows besides the mail, and what it can say.

Here: parameters, tables, user, clock, refusals, errors, log and `print`. Not here: the mail and the item.
Invariant: what was said stays said: no exception, limit or end of the process takes back a refusal. What is too long
is cut, and the log says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType, MethodType
from typing import Any

from hooks import limits
from hooks.attributes import DYNAMIC
from hooks.denied import DeniedAttribute, DeniedType, DeniedValue, UnknownName, near
from hooks.facade import signed
from hooks.item import Original
from hooks.marks import Page
from hooks.request import ContextData, ItemData, UserData
from hooks.text import TITLES, as_text, kind_of, one_line

Table = MappingProxyType[str, Any]


class Voice:
    """Everything the scripts of one call have said."""

    __slots__ = ("_page", "_pending", "errors", "log", "reason", "refusal")

    def __init__(self, page: Page) -> None:
        self._page = page
        self.refusal = ""
        self.reason = ""
        self.errors: list[list[str]] = []
        self.log: list[str] = []
        self._pending = ""

    def refuse(self, verdict: str, reason: Any) -> None:
        """Refuse the mail; the first refusal stands."""
        if not self.refusal:
            self.refusal = verdict
            self._page.refused(verdict, "")
            self.reason = self._short(reason)
            self._page.refused(verdict, self.reason)
        if type(reason) is str and len(reason) > limits.REASON_WHOLE:
            raise DeniedValue(f"a reason of more than {limits.REASON_WHOLE:,} characters")

    def complain(self, field: Any, message: Any) -> None:
        """Add an error for a field ("" for the item)."""
        if len(self.errors) >= limits.ERRORS:
            raise DeniedValue(f"more than {limits.ERRORS} errors")
        self.errors.append([one_line(_written(field), 200), self._short(message)])
        if not self.refusal and len(self.errors) == 1:
            self._page.refused("hold", self.errors[0][1])

    def against(self) -> tuple[str, str]:
        """Give what stands after a failure: the refusal and its reason; an error holds; "" where nothing was said."""
        if self.refusal or not self.errors:
            return self.refusal, self.reason
        return "hold", self.errors[0][1]

    def _short(self, value: Any) -> str:
        """Cut a reason or message; the log says so."""
        whole = _written(value)
        text = " ".join(whole[: limits.REASON_WHOLE].split())
        if len(text) > limits.REASON_CHARS:
            self.say(f"cut to {limits.REASON_CHARS:,} of {len(whole):,} characters: {text[:40]}…")
        return one_line(text, limits.REASON_CHARS)

    def say(self, text: str) -> None:
        """Add a line to the log; the last one says that more is left out."""
        if len(self.log) < limits.LOG_LINES:
            self.log.append(one_line(text, limits.LOG_CHARS))
        else:
            self.log[-1] = f"… the log of a hook has at most {limits.LOG_LINES} lines"

    def print(self, values: Iterable[Any], sep: Any, end: Any) -> None:
        """Do what `print` does, into the log."""
        text = self._pending + _line(values, " " if sep is None else _written(sep))
        end = "\n" if end is None else _written(end)
        if end.endswith("\n"):
            self._pending = ""
            self.say(text + end[:-1])
        else:
            self._pending = one_line(text[: limits.LOG_CHARS] + end[: limits.LOG_CHARS], limits.LOG_CHARS)

    def flush(self) -> None:
        """Log what `print(..., end="")` left over."""
        if self._pending:
            self.say(self._pending)
            self._pending = ""


def _written(value: Any) -> str:
    """Write a value down for people: what cannot be written as text does not keep a script from saying the rest."""
    try:
        return as_text(value)
    except DeniedValue as error:
        return f"({error})"


def _line(values: Iterable[Any], between: str = " ") -> str:
    """Write values behind each other, as far as the log shows them."""
    text, between = "", between[: limits.LOG_CHARS]
    for number, value in enumerate(values):
        text += (between if number else "") + _written(value)[: limits.LOG_CHARS]
        if len(text) > limits.LOG_CHARS:
            break
    return text


class User:
    """The account behind the sender; all empty for a stranger."""

    __slots__ = ("_data",)

    def __init__(self, data: UserData) -> None:
        self._data = data

    def __bool__(self) -> bool:
        return bool(self._data.login)

    def read(self, name: str) -> Any:
        """Give an attribute. Raises DeniedAttribute for a name it does not have."""
        if name in _USER_VALUES:
            return getattr(self._data, name)
        raise DeniedAttribute(f"a user has no {name!r}{near(name, _USER_VALUES)}")


_USER_VALUES = frozenset(UserData.__struct_fields__)
_STRANGER = UserData()


class Context:
    """The third argument of an activity script, the second of a guard."""

    __slots__ = ("_data", "_item", "_params", "_tables", "_voice")

    def __init__(self, voice: Voice, params: Table, tables: Table, data: ContextData, item: ItemData) -> None:
        self._voice = voice
        self._params = params
        self._tables = tables
        self._data = data
        self._item = item

    def accept(self) -> bool:
        """Let the mail in."""
        return True

    def reject(self, reason: Any = "") -> bool:
        """Reject the mail; the sender may be told why."""
        self._voice.refuse("reject", reason)
        return False

    def hold(self, reason: Any = "") -> bool:
        """Keep the mail for a person."""
        self._voice.refuse("hold", reason)
        return False

    def error(self, field: Any, message: Any = None) -> None:
        """Say what is wrong with a field, or with the item; the item is not saved then."""
        if message is None:
            field, message = "", field
        self._voice.complain(field, message)

    def log(self, *values: Any) -> None:
        """Write a line to the log of this run."""
        self._voice.say(_line(values))

    def lookup(self, table: Any, key: Any, *default: Any) -> Any:
        """Give the entry of a lookup table. Without a default an unknown table is an error, an unknown key None."""
        if type(table) is not str or len(default) > 1:
            raise DeniedType("lookup takes the name of a table, a key and a default")
        rows = self._tables.get(table)
        if rows is None:
            message = f"there is no lookup table {table[:80]!r}{near(table, self._tables)}"
            if not default:
                raise UnknownName(message)
            self._voice.say(message)
            return default[0]
        fallback = default[0] if default else None
        if type(key) is str:
            return rows.get(key, fallback)
        if type(key) in (int, bool, float):
            return rows.get(as_text(key), fallback)
        if key is None:
            return fallback
        raise DeniedType(f"the key of a lookup is text, not {kind_of(key)}")

    def read(self, name: str) -> Any:
        """Give an attribute. Raises DeniedAttribute for a name it does not have."""
        if name in _METHODS:
            return MethodType(_METHODS[name], self)
        if name in _VALUES:
            return _VALUES[name](self)
        raise DeniedAttribute(f"ctx has no {name!r}{near(name, (*_VALUES, *_METHODS))}")


_VALUES: dict[str, Callable[[Context], Any]] = {
    "params": lambda ctx: ctx._params,
    "now": lambda ctx: ctx._data.now,
    "user": lambda ctx: User(ctx._data.user or _STRANGER),
    "locale": lambda ctx: ctx._data.locale,
    "original": lambda ctx: Original(ctx._item),
}
_METHODS: dict[str, Callable[..., Any]] = {
    "accept": signed(Context.accept, "ctx.accept()"),
    "reject": signed(Context.reject, "ctx.reject(reason)"),
    "hold": signed(Context.hold, "ctx.hold(reason)"),
    "error": signed(Context.error, "ctx.error(field, message), or ctx.error(message)"),
    "log": signed(Context.log, "ctx.log(value, ...)"),
    "warn": signed(Context.log, "ctx.warn(value, ...)"),
    "lookup": signed(Context.lookup, "ctx.lookup(table, key, default)"),
}


def frozen(value: Any) -> Any:
    """Make parameters read only, all the way down."""
    if type(value) is dict:
        return MappingProxyType({str(key): frozen(each) for key, each in value.items()})
    if type(value) is list:
        return tuple([frozen(each) for each in value])
    return value


DYNAMIC[Context] = Context.read
DYNAMIC[User] = User.read
TITLES[Context] = lambda context: "<ctx>"
TITLES[User] = lambda user: f"<user {user._data.login!r}>"
