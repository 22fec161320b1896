"""Parameters that a strategy declares: type, bounds, default, sweep range; wrong ones are refused by name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from math import isfinite
from typing import Any, ClassVar, cast

from market.errors import InputError, did_you_mean

Value = int | float | str | bool

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def snake_case(name: str) -> str:
    """Return a name in snake case, from camel case, kebab case or words: `SmaCross`, `sma-cross`, `SMA cross` are `sma_cross`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[\s_-]+", "_", parted).strip("_").lower()


class Kind(StrEnum):
    """What a parameter's values are."""

    WHOLE = "whole"
    NUMBER = "number"
    CHOICE = "choice"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a strategy declares of one parameter.

    Attributes:
        name: How it is written in configurations and on the command line.
        kind: What its values are.
        default: Its value where none is given.
        low: Lowest value of a number, included; None for any.
        high: Highest value of a number, included; None for any.
        choices: All values of a choice.
        sweep: Values that a sweep tries where it is not told others; the default alone where none are declared.
        about: One line for people.
    """

    name: str
    kind: Kind
    default: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    sweep: tuple[Value, ...] = ()
    about: str = ""

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        if self.kind is Kind.CHOICE:
            return f"one of {', '.join(self.choices)}"
        if self.kind is Kind.FLAG:
            return "true or false"
        words = "a whole number" if self.kind is Kind.WHOLE else "a number"
        words += f" from {self.low:g}" if self.low is not None else ""
        return words + (f" {'up ' if self.low is None else ''}to {self.high:g}" if self.high is not None else "")

    def checked(self, value: object, owner: str) -> Value:
        """Return a value as its kind; a text is read as a person would type it.

        Raises:
            InputError: If the value is not what was declared; `owner` names the strategy in the message.
        """
        found = self._read(value)
        if found is None or not self._within(found):
            hint = did_you_mean(str(value), list(self.choices)) if self.choices else ""
            raise InputError(f"parameter {self.name} of {owner}: expected {self.expected}, found {value!r}{hint}")
        return found

    def _read(self, value: object) -> Value | None:
        if self.kind is Kind.CHOICE:
            return str(value) if isinstance(value, str) and value in self.choices else None
        if self.kind is Kind.FLAG:
            return _FLAGS.get(str(value).strip().lower()) if isinstance(value, bool | str) else None
        number = _number(value)
        if number is None or self.kind is Kind.NUMBER:
            return number
        return int(number) if number == int(number) else None

    def _within(self, value: Value) -> bool:
        if isinstance(value, bool | str):
            return True
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def _number(value: object) -> float | None:
    """Return a finite number, also of a text or of numpy; None for anything else, a bool among it."""
    if isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}:
        return None
    try:
        number = float(cast("str", value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


class _Complete(type):
    """Makes an object whose constructor declares, then refuses what was given and not declared."""

    def __call__(cls, parameters: Mapping[str, Any] | None = None) -> Any:
        made = super().__call__({} if parameters is None else parameters)
        made.refuse_unknown()
        return made


class Parameters(metaclass=_Complete):
    """What has named parameters, declared one by one in its constructor.

    Attributes:
        name: How a class is called in configurations: its name in snake case.
        parameters: The values of all declared parameters, defaults among them.
        relations: Pairs (smaller, larger) of parameters declared with `below`.
    """

    name: ClassVar[str] = ""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        if not isinstance(parameters, Mapping):
            raise InputError(f"the parameters of {self.name} are a mapping of names to values, found {parameters!r}")
        self._given = dict(parameters)
        self._declared: dict[str, Parameter] = {}
        self.parameters: dict[str, Value] = {}
        self.relations: tuple[tuple[str, str], ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = snake_case(cls.__name__)

    @classmethod
    def declared(cls) -> tuple[Parameter, ...]:
        """Return what the class declares, in its order, without any data."""
        return tuple(cls({})._declared.values())  # noqa: SLF001 - its own

    def whole(
        self,
        name: str,
        default: int,
        *,
        low: int | None = None,
        high: int | None = None,
        sweep: Iterable[int] = (),
        about: str = "",
    ) -> int:
        """Declare a whole number and return its value; `low` and `high` are included."""
        parameter = _declaration(self.name, name, Kind.WHOLE, default, low=low, high=high, sweep=tuple(sweep), about=about)
        return cast("int", self.declare(parameter))

    def number(
        self,
        name: str,
        default: float,
        *,
        low: float | None = None,
        high: float | None = None,
        sweep: Iterable[float] = (),
        about: str = "",
    ) -> float:
        """Declare a finite number and return its value; `low` and `high` are included."""
        parameter = _declaration(self.name, name, Kind.NUMBER, default, low=low, high=high, sweep=tuple(sweep), about=about)
        return cast("float", self.declare(parameter))

    def choice(self, name: str, default: str, *, choices: Iterable[str], sweep: Iterable[str] = (), about: str = "") -> str:
        """Declare one word out of several and return its value."""
        words = tuple(map(str, choices))
        parameter = _declaration(self.name, name, Kind.CHOICE, default, choices=words, sweep=tuple(sweep), about=about)
        return cast("str", self.declare(parameter))

    def flag(self, name: str, default: bool, *, sweep: Iterable[bool] = (), about: str = "") -> bool:
        """Declare a yes or no and return its value."""
        parameter = _declaration(self.name, name, Kind.FLAG, default, sweep=tuple(sweep), about=about)
        return cast("bool", self.declare(parameter))

    def declare(self, parameter: Parameter) -> Value:
        """Declare a parameter that is there as a whole, and return its value.

        Raises:
            InputError: If its name is declared already, or the value that was given is not what it expects.
        """
        if parameter.name in self._declared:
            raise InputError(f"parameter {parameter.name} of {self.name} is declared twice")
        self._declared[parameter.name] = parameter
        value = parameter.default
        if parameter.name in self._given:
            value = parameter.checked(self._given[parameter.name], self.name)
        self.parameters[parameter.name] = value
        return value

    def below(self, smaller: str, larger: str) -> None:
        """Declare that one parameter has to be smaller than another one.

        Raises:
            InputError: If it is not.
        """
        self.relations += ((smaller, larger),)
        low, high = cast("float", self.parameters[smaller]), cast("float", self.parameters[larger])
        if not low < high:
            raise InputError(f"parameter {smaller} of {self.name}: expected less than {larger}, which is {high}, found {low}")

    def refuse_unknown(self) -> None:
        """Refuse what was given and never declared.

        Raises:
            InputError: With the name that was meant, where one is close.
        """
        known = list(self._declared)
        for name in self._given:
            if name not in self._declared:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise InputError(f"{self.name} has no parameter {name!r}; {has}{did_you_mean(str(name), known)}")


@lru_cache(maxsize=4096)
def _declaration(
    owner: str,
    name: str,
    kind: Kind,
    default: Value,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    sweep: tuple[Value, ...],
    about: str,
) -> Parameter:
    """Return a parameter whose default and sweep are checked; a class declares the same ones for each of its objects."""
    bare = Parameter(name=name, kind=kind, default=default, low=low, high=high, choices=choices, about=about)
    default = bare.checked(default, owner)
    tried = tuple(bare.checked(value, owner) for value in sweep) or (default,)
    return replace(bare, default=default, sweep=tried)
