"""The mail as a script sees it: read only.

Here: `mail` and its attachments. Not here: how they are sent (`request.py`), the item, what a script may say.
Invariant: nothing a script does here changes anything but the list of attachments to drop.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from msgspec import UNSET

from hooks import limits
from hooks.attributes import DYNAMIC
from hooks.denied import Denied, DeniedAttribute, DeniedType, near
from hooks.facade import signed
from hooks.request import AttachmentData, MailData
from hooks.text import TITLES, as_text, kind_of, one_line

_VALUES = frozenset(MailData.__struct_fields__) - {"headers", "attachments"}
_FILE_VALUES = frozenset(AttachmentData.__struct_fields__)


class Attachment:
    """One attachment; `drop(reason)` leaves it out."""

    __slots__ = ("_data", "_drop", "_index")

    def __init__(self, index: int, data: AttachmentData, drop: Callable[[int, str], None]) -> None:
        self._index = index
        self._data = data
        self._drop = drop

    def drop(self, reason: Any = "") -> None:
        """Leave this attachment out of the item."""
        self._drop(self._index, one_line(as_text(reason), limits.DROP_CHARS))

    def read(self, name: str) -> Any:
        """Give an attribute. Raises DeniedAttribute for a name it does not have."""
        if name in _FILE_VALUES:
            return getattr(self._data, name)
        if name == "drop":
            return MethodType(_DROP, self)
        raise DeniedAttribute(f"an attachment has no {name!r}{near(name, (*_FILE_VALUES, 'drop'))}")


_DROP = signed(Attachment.drop, "attachment.drop(reason)")


class NotSent(Denied, RuntimeError):
    """A script asks for a field that the engine left out, believing that no script names it."""


class Mail:
    """The mail; its attributes are those of `MailData` and three of its own. `lacking` is set by what was not sent."""

    __slots__ = ("_attachments", "_data", "_dropped", "lacking")

    def __init__(self, data: MailData) -> None:
        self.lacking: NotSent | None = None
        self._data = data
        self._dropped: dict[int, str] = {}
        self._attachments: tuple[Attachment, ...] | None = None

    @property
    def dropped(self) -> dict[int, str]:
        """The attachments to leave out, and why."""
        return self._dropped

    def _drop(self, index: int, reason: str) -> None:
        self._dropped.setdefault(index, reason)

    def _sent(self, name: str) -> Any:
        value = getattr(self._data, name)
        if value is UNSET:
            self.lacking = NotSent(f"mail.{name} was not sent, because the source does not name it")
            raise self.lacking
        return value

    def header(self, name: Any, default: Any = "") -> Any:
        """Give the first value of a header, whatever its case; `default` if there is none."""
        wanted = _header_name(name)
        for key, value in self._sent("headers"):
            if key.lower() == wanted:
                return value
        return default

    def headers(self, name: Any) -> tuple[str, ...]:
        """Give all values of a header, top first."""
        wanted = _header_name(name)
        return tuple([value for key, value in self._sent("headers") if key.lower() == wanted])

    def read(self, name: str) -> Any:
        """Give an attribute. Raises DeniedAttribute for a name it does not have."""
        if name in _VALUES:
            return self._sent(name)
        if name == "attachments":
            if self._attachments is None:
                files = enumerate(self._sent("attachments"))
                self._attachments = tuple([Attachment(index, file, self._drop) for index, file in files])
            return self._attachments
        if name in _METHODS:
            return MethodType(_METHODS[name], self)
        raise DeniedAttribute(f"a mail has no {name!r}{near(name, (*_VALUES, 'attachments', *_METHODS))}")


_METHODS = {
    "header": signed(Mail.header, "mail.header(name, default)"),
    "headers": signed(Mail.headers, "mail.headers(name)"),
}


def _header_name(name: Any) -> str:
    if type(name) is not str:
        raise DeniedType(f"the name of a header is text, not {kind_of(name)}")
    return name.lower()


DYNAMIC[Mail] = Mail.read
DYNAMIC[Attachment] = Attachment.read
TITLES[Mail] = lambda mail: "<mail>"
TITLES[Attachment] = lambda attachment: f"<attachment {attachment._index + 1}>"
