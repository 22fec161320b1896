"""Strategies by name: those that come with the program, and a user's own from a folder of files."""

import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

from market.errors import InputError, did_you_mean
from trading.parameters import snake_case
from trading.strategies import SHIPPED
from trading.strategy import BaseStrategy


class StrategyFileError(InputError):
    """Raised when a user's file of strategies cannot be used.

    Attributes:
        path: The file; None where nobody knows which.
        line: Where in it, from 1; None where no line is to blame.
    """

    def __init__(self, path: Path | None, line: int | None, reason: str) -> None:
        place = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(f"{place}{reason}")
        self.path, self.line = path, line


class Registry:
    """What strategies there are, each by one name; `SmaCross`, `sma-cross` and `sma_cross` are the same name.

    A file of a user holds one strategy or more; one whose name begins with an underscore is left alone. A file that cannot be read
    is a problem, and does not keep the others from being used.

    Args:
        folder: Where a user's own files are; None, and a folder that is not there, for none.
        strategies: What there is besides.

    Attributes:
        problems: What is wrong with the files of the folder, in their order.
    """

    def __init__(self, folder: Path | None = None, *, strategies: Iterable[type[BaseStrategy]] = SHIPPED) -> None:
        self.problems: list[StrategyFileError] = []
        self._found: dict[str, list[type[BaseStrategy]]] = {}
        for strategy in strategies:
            self._add(strategy)
        for path in sorted(folder.glob("*.py")) if folder is not None else []:
            if not path.name.startswith("_"):
                self._read(path)

    def names(self) -> list[str]:
        """Return the names that can be created, in the order of the alphabet."""
        return sorted(name for name, classes in self._found.items() if len(classes) == 1)

    def get(self, name: str) -> type[BaseStrategy]:
        """Return the class of a name.

        Raises:
            InputError: If there is none, with the one that was meant; or if there are several.
        """
        classes = self._found.get(snake_case(name), [])
        if len(classes) == 1:
            return classes[0]
        if classes:
            raise InputError(
                f"strategy {name!r} is refused: there are several, in {' and '.join(map(_place, classes))}; rename one"
            )
        known = self.names()
        broken = "".join(f"; not read: {problem}" for problem in self.problems)
        raise InputError(f"strategy {name!r} is not one of {', '.join(known)}{did_you_mean(snake_case(name), known)}{broken}")

    def create(self, name: str, parameters: Mapping[str, Any] | None = None) -> BaseStrategy:
        """Return a new strategy of a name.

        Raises:
            InputError: If there is no such strategy, or a parameter is wrong or unknown.
        """
        return self.get(name)(dict(parameters or {}))

    def _add(self, strategy: type[BaseStrategy]) -> list[type[BaseStrategy]]:
        several = self._found.setdefault(snake_case(strategy.name), [])
        several.append(strategy)
        return several

    def _read(self, path: Path) -> None:
        try:
            found = _strategies_of(path)
        except StrategyFileError as problem:
            self.problems.append(problem)
            return
        for strategy in found:
            several = self._add(strategy)
            if len(several) > 1:
                places = " and ".join(map(_place, several[:-1]))
                self.problems.append(StrategyFileError(path, None, f"strategy {strategy.name} is refused: it is in {places}, too"))


def _place(strategy: type[BaseStrategy]) -> str:
    return str(getattr(sys.modules.get(strategy.__module__), "__file__", strategy.__module__))


def _strategies_of(path: Path) -> list[type[BaseStrategy]]:
    """Return the strategies that a file defines, each with its declared parameters tried.

    Raises:
        StrategyFileError: If the file cannot be read, fails, or defines none.
    """
    module, text = _module_of(path)
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    found = [each for each in own if issubclass(each, BaseStrategy) and not each.__name__.startswith("_")]
    if not found:
        raise StrategyFileError(path, None, "defines no strategy: a class that inherits from trading.BaseStrategy")
    for strategy in found:
        strategy.file_text = text
        try:
            strategy.declared()
        except Exception as error:
            raise blamed(path, error) from error
    return found


def _module_of(path: Path) -> tuple[ModuleType, bytes]:
    """Run a file as a module of its own; nothing is written beside it, and what it says now counts, not what was compiled."""
    name = f"strategies_{crc32(str(path.resolve().parent).encode()):08x}_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # pickle, dataclasses and numba look for it there
    try:
        text = path.read_bytes()
        exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102 - a user's own strategy
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise blamed(path, error) from error
    return module, text


def blamed(path: Path, error: BaseException) -> StrategyFileError:
    """Return what went wrong in a user's file as an error that names the file and the line at which it came up."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return StrategyFileError(path, error.lineno, f"{type(error).__name__}: {error.msg}")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {words_of(error)}"
    return StrategyFileError(path, lines[-1] if lines else None, said)


def words_of(error: BaseException) -> str:
    """Return what an error says, also one of memory, which says nothing."""
    return str(error) or ("it wants more memory than it may have" if isinstance(error, MemoryError) else "")
