"""`math` for scripts: what ends quickly as it is, what can explode with a bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hooks import limits
from hooks.denied import DeniedValue
from hooks.facade import Module
from hooks.guards import iterable, times

_MOST = 1_000


def _small(name: str) -> Callable[..., int]:
    function = getattr(math, name)

    def bounded(*numbers: Any) -> int:
        if any(isinstance(number, int) and number > _MOST for number in numbers):
            raise DeniedValue(f"math.{name} of more than {_MOST:,}")
        return function(*numbers)  # type: ignore[no-any-return]

    return bounded


def _prod(numbers: Any, *, start: Any = 1) -> Any:
    result = start
    for number in iterable(numbers):
        result = times(result, number)
    return result


def _lcm(*numbers: int) -> int:
    result = 1
    for number in numbers:
        result = math.lcm(result, number)
        if result.bit_length() > limits.INT_BITS:
            raise DeniedValue("this number would have more than 4,200 digits")
    return result


_PLAIN = (
    "ceil floor trunc fabs sqrt cbrt isqrt exp exp2 expm1 log log2 log10 log1p pow sin cos tan asin acos atan atan2 "
    "sinh cosh tanh degrees radians hypot fmod modf remainder gcd isclose isfinite isinf isnan copysign fsum pi e tau "
    "inf nan"
)
MODULE = Module(
    "math",
    {name: getattr(math, name) for name in _PLAIN.split()}
    | {name: _small(name) for name in ("factorial", "comb", "perm")}
    | {"prod": _prod, "lcm": _lcm},
)
