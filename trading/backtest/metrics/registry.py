"""What explains a metric: its title, its unit, which way is better, its formula and where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from inspect import cleandoc
from types import ModuleType
from typing import Any, TypeVar

from trading.backtest.metrics.facts import Basics


class Unit(StrEnum):
    """What the number of a metric counts."""

    FRACTION = "fraction"  # 0.05 is 5 %
    QUOTE = "quote"  # money, in the currency of the account
    BARS = "bars"
    SECONDS = "seconds"
    RATIO = "ratio"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure of a run, and how to explain it.

    Attributes:
        name: Its key in results.
        title: What a person reads.
        higher_is_better: None where neither is.
        summary: The first sentence of its docstring; `formula` is what its docstring gives as such.
        source: Who defined it, or that the word is in common use.
        from_sums: Whether sums are enough, so that a sweep can have it without an equity curve.
        compute: From the facts of a run to the figure; NaN where it is not defined.
    """

    name: str
    title: str
    unit: Unit
    higher_is_better: bool | None
    summary: str
    formula: str
    source: str
    from_sums: bool
    compute: Callable[[Any], Any]


_MARK = "metric"
_F = TypeVar("_F", bound=Callable[..., Any])


def metric(title: str, unit: Unit, *, higher_is_better: bool | None = None, source: str = "common use") -> Callable[[_F], _F]:
    """Return a decorator that makes a metric of a function of facts; its docstring has to have a part `Formula:`."""

    def explain(function: _F) -> _F:
        summary, _, formula = cleandoc(function.__doc__ or "").partition("Formula:")
        explained = Metric(
            name=function.__name__, title=title, unit=unit, higher_is_better=higher_is_better, source=source,
            summary=summary.partition("\n\n")[0].strip(), formula=" ".join(formula.split()),
            from_sums=function.__annotations__["facts"] is Basics, compute=function,
        )  # fmt: skip
        function.__dict__[_MARK] = explained
        return function

    return explain


def metrics_in(module: ModuleType) -> list[Metric]:
    """Return the metrics that a module defines, in the order of their definitions."""
    found = [vars(each)[_MARK] for each in vars(module).values() if _MARK in getattr(each, "__dict__", {})]
    return [each for each in found if each.compute.__module__ == module.__name__]
