"""The frozen dataclasses of `rules.frozen` are those of the standard library, as far as anybody can tell."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import frozen


def twins(**options: Any) -> tuple[Any, Any]:
    """The same class, declared by either."""

    def declared(dataclass: Any) -> Any:
        @dataclass(frozen=True, slots=True, **options)
        class Thing:
            """Something."""

            name: str
            number: int = 0
            closed: bool = False
            names: dict[str, int] = dataclasses.field(default_factory=dict)
            secret: str = dataclasses.field(default="", repr=False)

            @property
            def double(self) -> int:
                return self.number * 2

        return Thing

    return declared(dataclasses.dataclass), declared(frozen.dataclass)


THEIRS, OURS = twins()


@frozen.dataclass(frozen=True, slots=True)
class Spot:
    """At the top of a module, where pickle finds it."""

    line: int
    column: int = 1


@given(
    st.dictionaries(st.sampled_from(["number", "closed", "secret"]), st.integers()),
    st.text(),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
def test_objects_are_made_shown_replaced_and_compared_alike(values: dict[str, Any], name: str, names: Any) -> None:
    made = [cls(name, names=names, **values) for cls in (THEIRS, OURS)]
    assert repr(made[1]) == repr(made[0])
    assert dataclasses.asdict(made[1]) == dataclasses.asdict(made[0])
    assert made[1] == OURS(name, names=names, **values)
    assert (made[1] == dataclasses.replace(made[1], number=5)) == (made[0] == dataclasses.replace(made[0], number=5))
    assert made[0] != made[1]
    assert made[1].double == made[0].double
    assert msgspec.json.encode(made[1]) == msgspec.json.encode(made[0])


def test_wrong_arguments_are_refused() -> None:
    for arguments, named in (((), {}), (("a", 1, True, {}, "", 1), {}), (("a",), {"other": 1})):
        with pytest.raises(TypeError):
            OURS(*arguments, **named)


def test_every_object_has_its_own_default_that_can_change() -> None:
    assert OURS("a").names is not OURS("b").names


def test_nothing_can_be_set_or_deleted_or_added() -> None:
    for thing in (OURS("a"), Spot(1)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.number = 1
        with pytest.raises(dataclasses.FrozenInstanceError):
            del thing.line
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.more = 1
        assert not hasattr(thing, "__dict__")


def test_equal_objects_have_equal_hashes() -> None:
    assert len({Spot(1), Spot(1, 1), Spot(2)}) == 2
    assert hash(Spot(3, 4)) == hash((3, 4))


def test_without_eq_an_object_equals_only_itself() -> None:
    _, ours = twins(eq=False)
    assert ours("a") != ours("a")
    assert len({ours("a"), ours("a")}) == 2


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda spot: pickle.loads(pickle.dumps(spot))])  # noqa: S301
def test_copies_are_equal_and_frozen(copied: Any) -> None:
    spot = copied(Spot(3, 4))
    assert spot == Spot(3, 4) and type(spot) is Spot
    with pytest.raises(dataclasses.FrozenInstanceError):
        spot.line = 1


def test_msgspec_reads_them() -> None:
    assert msgspec.json.decode(b'{"line": 3}', type=Spot) == Spot(3)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"line": "x"}', type=Spot)


def test_what_is_done_after_making_is_done_with_a_frozen_object() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class Checked:
        """Looks at itself."""

        number: int

        def __post_init__(self) -> None:
            with pytest.raises(dataclasses.FrozenInstanceError):
                self.number = 1  # type: ignore[misc]
            if self.number < 0:
                raise ValueError

    Checked(1)
    with pytest.raises(ValueError):
        Checked(-1)


def test_a_class_that_inherits_is_refused() -> None:
    with pytest.raises(TypeError, match="inherit"):

        @frozen.dataclass(frozen=True, slots=True)
        class Below(Spot):
            """Not here."""

            more: int = 0


@given(st.dictionaries(st.sampled_from(["name", "number", "closed", "names", "secret"]), st.integers()))
def test_replace_gives_what_the_standard_library_gives(changes: dict[str, Any]) -> None:
    thing = OURS("a", 1, names={"b": 2})
    assert frozen.replace(thing, **changes) == dataclasses.replace(thing, **changes)
    assert thing == OURS("a", 1, names={"b": 2})


def test_replace_refuses_what_is_no_field() -> None:
    with pytest.raises(AttributeError):
        frozen.replace(Spot(1), other=1)
