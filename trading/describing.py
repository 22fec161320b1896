"""What strategies there are and what they declare, as values: told by a process apart, for the files of a user are code."""

from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from market.errors import InputError
from trading.apart import answer, ask_apart
from trading.parameters import Parameter

if TYPE_CHECKING:
    import pandas as pd

    from trading.frames import Floats
    from trading.registry import Registry
    from trading.strategy import BaseStrategy

_MEMORY_MB = 512


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy without its code.

    Attributes:
        name: How it is called in configurations.
        about: The first sentence of what it says of itself.
        parameters: What it declares, in its order.
        relations: Pairs (smaller, larger) of parameters.
        own: Whether it is of a user's file.
    """

    name: str
    about: str
    parameters: tuple[Parameter, ...]
    relations: tuple[tuple[str, str], ...] = ()
    own: bool = False

    def declared(self) -> tuple[Parameter, ...]:
        """Return what it declares, as the class itself does."""
        return self.parameters


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Strategies by the alphabet, and what is wrong with a user's files, in words."""

    strategies: list[Described]
    problems: list[str] = []


def catalogue(folder: Path | None = None) -> Catalogue:
    """Return the strategies that come with the program and, with a folder, a user's own, whose files are run for it."""
    from trading.registry import Registry, words_of  # noqa: PLC0415 - it imports a compiler, which who asks a process apart does not need

    registry = Registry(folder)
    found, problems = [], [str(problem) for problem in registry.problems]
    for name in registry.names():
        try:
            found.append(_described(registry.get(name)))
        except Exception as error:  # noqa: BLE001 - a user's constructor may raise what it likes
            problems.append(f"strategy {name}: {type(error).__name__}: {words_of(error)}")
    return Catalogue(strategies=found, problems=problems)


def catalogue_apart(folder: Path, *, limit_seconds: int = 20) -> Catalogue:
    """Return the same of a process of its own, so that a user's file that hangs or crashes harms nobody; it takes a second.

    Raises:
        InputError: If that process gives no answer within the limit.
    """
    said = ask_apart("trading.describing", str(folder).encode(), limit_seconds=limit_seconds, memory_mb=_MEMORY_MB)
    try:
        return msgspec.json.decode(said, type=Catalogue)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(
            f"the strategies in {folder} cannot be read: a file of it ends the process that reads it, takes longer than"
            f" {limit_seconds} seconds, or wants more than {_MEMORY_MB} MB"
        ) from None


def registry_of(found: Catalogue) -> "Registry":
    """Return a registry in which a user's own strategies have what they declare, and none of their code.

    It checks names and parameters as they would themselves, as far as that is declared; they cannot be asked for targets.
    """
    from trading.registry import Registry, StrategyFileError  # noqa: PLC0415 - see above

    shipped = Registry()
    made = Registry(strategies=[_stand_in(each) if each.own else shipped.get(each.name) for each in found.strategies])
    made.problems = [StrategyFileError(None, None, words) for words in found.problems]
    return made


def _stand_in(described: Described) -> "type[BaseStrategy]":
    from trading.strategy import BaseStrategy  # noqa: PLC0415 - see above

    class StandIn(BaseStrategy):
        __doc__ = described.about
        name = described.name
        file_text = b""
        lookback = 1

        def __init__(self, parameters: dict[str, Any]) -> None:
            super().__init__(parameters)
            for parameter in described.parameters:
                self.declare(parameter)
            for smaller, larger in described.relations:
                self.below(smaller, larger)

        def targets(self, data: "pd.DataFrame") -> "Floats":  # noqa: ARG002 - as it is called
            raise InputError(f"the code of {self.name} is not in this process, which knows only what it declares")

    return StandIn


def _described(kind: "type[BaseStrategy]") -> Described:
    made = kind({})
    about = cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    declared = kind.declared()
    return Described(name=kind.name, about=about, parameters=declared, relations=made.relations, own=kind.file_text is not None)


if __name__ == "__main__":
    answer(lambda folder: msgspec.json.encode(catalogue(Path(folder.decode()))))
