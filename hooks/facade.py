"""Stand-ins for modules and types: what a script holds instead of the real thing.

Here: the two kinds of stand-in, and methods that say how they are called. Not here: what each offers (`facades/`,
`names.py`).
Invariant: a stand-in has no attribute that leads to a real module or class, and nothing can be written on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from hooks.denied import DeniedAttribute, DeniedType, near
from hooks.text import TITLES


def signed(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    """Make a function say how it is written where it is called with other arguments."""

    def method(*args: Any, **named: Any) -> Any:
        try:
            return function(*args, **named)
        except TypeError as error:
            inside = error.__traceback__ is not None and error.__traceback__.tb_next is not None
            if inside:
                raise
            raise DeniedType(f"write {signature}") from None

    return method


class Module:
    """A module as scripts see it: a name and the members it was given."""

    __slots__ = ("_members", "_name")
    _members: Mapping[str, Any]
    _name: str

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_members", MappingProxyType(dict(members)))

    def __getattr__(self, name: str) -> Any:
        """Serve `from module import name`, which the interpreter does without asking the fence."""
        try:
            return self._members[name]
        except KeyError:
            raise DeniedAttribute(f"hooks have no {self._name}.{name}{near(name, self._members)}") from None

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise DeniedAttribute(f"the module {self._name} is read only")

    def __delattr__(self, name: str) -> NoReturn:
        raise DeniedAttribute(f"the module {self._name} is read only")


class TypeFacade:
    """A type as scripts see it: callable, good for `isinstance`, with the class methods it was given.

    `real` are the types it stands for, the first one lends its methods (`str.lower` as a sort key).
    """

    __slots__ = ("_make", "_members", "_name", "_real")
    _make: Callable[..., Any] | None
    _members: Mapping[str, Any]
    _name: str
    _real: tuple[type, ...]

    def __init__(
        self,
        name: str,
        real: tuple[type, ...],
        make: Callable[..., Any] | None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        for slot, value in (
            ("_name", name),
            ("_real", real),
            ("_make", make),
            ("_members", MappingProxyType(dict(members or {}))),
        ):
            object.__setattr__(self, slot, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._make is None:
            raise DeniedType(f"a {self._name} cannot be made by hand")
        return self._make(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise DeniedAttribute(f"the type {self._name} is read only")

    def __delattr__(self, name: str) -> NoReturn:
        raise DeniedAttribute(f"the type {self._name} is read only")


def module_member(module: Module, name: str) -> Any:
    """Give a member of a module stand-in. Raises DeniedAttribute for any other name."""
    return Module.__getattr__(module, name)


TITLES[Module] = lambda module: f"<module {module._name!r}>"
TITLES[TypeFacade] = lambda facade: f"<class {facade._name!r}>"
