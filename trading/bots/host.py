"""A process that asks strategies of bots, one question at a time; forked by `trading.bots.nursery`."""

import mmap
import os
import resource
import socket
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
import pandas as pd

from market.errors import InputError
from trading.bots.answers import completed, plain, refusal, whole_series
from trading.bots.config import ConfigError, as_dict, read_config
from trading.bots.process import SLATE
from trading.bots.surroundings import Dice, Surroundings, dice, go_on_throwing, throw_anew
from trading.bots.wire import Asked, Kind, Read, Said, asked_decoder, encode, receive, send, setup_decoder
from trading.frames import PRICES, last_us
from trading.parameters import snake_case
from trading.registry import Registry, blamed
from trading.signal import SignalError
from trading.strategy import BaseStrategy

LONGEST_ERROR = 2_000

_MOST_KEPT = 5_000
_PAGE = resource.getpagesize()
_COLUMNS = pd.Index(PRICES)


class Host:
    """Strategies by bot and symbol, and the user's files that they come from.

    Args:
        folder: Of a user's own strategies.
        early: Whether to read that folder at once, so that no bot's time is spent on it.
    """

    def __init__(self, folder: Path | None, *, early: bool) -> None:
        self._surroundings = Surroundings()
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._registry = Registry()
        self._unread = folder
        if early:
            self._read_folder()
        self._memory = Memory()

    def answer(self, asked: Asked) -> Said:
        """Return what a strategy says to a question; whatever else it does is an answer too."""
        begun, before_mb = perf_counter(), self._memory.used_mb()
        said = self._said(asked)
        said.seconds = perf_counter() - begun
        if said.kind not in {"signal", "reading", "refused"}:
            self._kept.pop((asked.bot, asked.symbol), None)  # it may have stopped half-way
        used_mb = self._memory.used_mb()
        threads = self._surroundings.more_threads
        said.worn = threads or used_mb - self._memory.first_mb > asked.memory_mb
        said.guilty = threads or used_mb - before_mb > asked.memory_mb / 4
        return said

    def _said(self, asked: Asked) -> Said:
        kind: Kind
        try:
            with self._memory.limited(asked.memory_mb):
                return self._read(asked) if asked.file else self._ask(asked)
        except SignalError as error:
            kind, why = "refused", self._told(error, asked)
        except MemoryError as error:
            kind, why = "memory", f"wanted more than the {asked.memory_mb} MB that it may have: {self._told(error, asked)}"
        except BaseException as error:  # noqa: BLE001 - also sys.exit() and KeyboardInterrupt of a user's code
            kind, why = "raised", self._told(error, asked)
        return Said(number=asked.number, kind=kind, error=why)

    def _ask(self, asked: Asked) -> Said:
        kept = self._strategy(asked)
        data = window(asked)
        timestamp_us = last_us(data)
        with nullcontext() if kept.shipped else self._alone(kept):
            signal = kept.strategy.process_data(data)
            error = refusal(signal, symbol=asked.symbol, timestamp_us=timestamp_us)
            if error is not None:
                return Said(number=asked.number, kind="refused", error=error)
            close = float(np.frombuffer(asked.prices, np.float64)[4 * len(data) - 1])
            whole = completed(signal, symbol=asked.symbol, timestamp_us=timestamp_us, close=close)
            said = Said(number=asked.number, signal=whole)
            if asked.series:
                said.lookback = int(kept.strategy.lookback)
                said.series = whole_series(kept.strategy.get_indicators(), len(data), warm_up=said.lookback - 1)
            return said

    def _read(self, asked: Asked) -> Said:
        if self._unread is not None:
            self._read_folder()
        with self._surroundings.kept():
            try:
                config = read_config(asked.data, self._registry, file=asked.file)
                lookback = int(self._registry.create(config.strategy, config.parameters).lookback)
            except ConfigError as error:
                problems = [(each.field, each.expected, each.found, each.hint) for each in error.problems]
                return Said(number=asked.number, kind="reading", read=Read(problems=problems, id=error.id), error=str(error))
        return Said(number=asked.number, kind="reading", read=Read(config=as_dict(config), lookback=lookback))

    def _strategy(self, asked: Asked) -> "_Kept":
        """Return the strategy of a bot and a symbol, made anew where its name or its parameters are others than before."""
        place, recipe = (asked.bot, asked.symbol), (asked.strategy, asked.parameters)
        kept = self._kept.get(place)
        if kept is None or kept.recipe != recipe:
            if self._unread is not None and snake_case(asked.strategy) not in self._registry.names():
                self._read_folder()
            shipped = self._registry.get(asked.strategy).file_text is None
            if not shipped:
                throw_anew()
            with self._surroundings.kept():
                strategy = self._registry.create(asked.strategy, msgspec.json.decode(asked.parameters))
                strategy.symbol = asked.symbol
                kept = _Kept(strategy=strategy, recipe=recipe, shipped=shipped, dice=dice())
            self._kept[place] = kept
        self._kept.move_to_end(place)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return kept

    @contextmanager
    def _alone(self, kept: "_Kept") -> Iterator[None]:
        """Let a user's strategy find the process as if it were alone in it."""
        go_on_throwing(kept.dice)
        with self._surroundings.kept():
            yield
        kept.dice = dice()

    def _read_folder(self) -> None:
        folder, self._unread = self._unread, None
        with self._surroundings.kept():
            self._registry = Registry(folder)

    def _told(self, error: BaseException, asked: Asked) -> str:
        """Return an error in words, with file and line where it comes from a user's file."""
        try:
            path = _file_of(self._registry.get(asked.strategy))
        except InputError:
            path = None
        try:
            if path is not None:
                return plain(str(blamed(path, error)), LONGEST_ERROR)
            return plain(str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}", LONGEST_ERROR)
        except BaseException:  # noqa: BLE001 - a user's exception may fail to say what it is
            return plain(type(error).__name__)


@dataclass(slots=True, kw_only=True)
class _Kept:
    strategy: BaseStrategy
    recipe: tuple[str, bytes]
    shipped: bool
    dice: Dice


class Memory:
    """How much memory this process may have; known and kept to on Linux only.

    What counts is what is private and can be written to (`RLIMIT_DATA`), reserved or used.

    Attributes:
        first_mb: What it had when this was made.
    """

    def __init__(self) -> None:
        self._statm = os.open("/proc/self/statm", os.O_RDONLY) if sys.platform == "linux" else -1
        self.first_mb = self.used_mb()

    def used_mb(self) -> float:
        """Return what it has."""
        if self._statm < 0:
            return 0.0
        return int(os.pread(self._statm, 128, 0).split()[5]) * _PAGE / 2**20

    @contextmanager
    def limited(self, more_mb: float) -> Iterator[None]:
        """Refuse more than so much on top of what there is inside this block."""
        if self._statm < 0:
            yield
            return
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = int((self.used_mb() + more_mb) * 2**20)
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def window(asked: Asked) -> pd.DataFrame:
    """Return the candles of a question as the event engine hands them to a strategy."""
    closes = np.frombuffer(asked.closes, "datetime64[us]")
    block = np.frombuffer(asked.prices, np.float64).reshape(5, -1).copy()  # to be written to, as those of a backtest are
    index = pd.DatetimeIndex(closes, tz="UTC", name="timestamp", copy=False)
    return pd.DataFrame(block.T, index=index, columns=_COLUMNS, copy=False)


def main(end: int, slate: int) -> None:
    """Answer questions until the parent is gone.

    Args:
        end: Descriptor of the socket to the parent.
        slate: Of the memory shared with it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel, begun = socket.socket(fileno=end), mmap.mmap(slate, SLATE)
    os.close(slate)
    os.dup2(1, 2)  # what goes wrong until here is said where the parent says its own; a user's code has nobody to talk to
    throw_anew()
    send(channel, encode(Said(number=-os.getpid())))
    told = receive(channel)
    if told is None:
        return
    setup = setup_decoder.decode(told)
    host = Host(None if setup.folder is None else Path(setup.folder), early=setup.early)
    send(channel, encode(Said(number=0)))
    while (message := receive(channel)) is not None:
        asked = asked_decoder.decode(message)
        begun[:] = asked.number.to_bytes(SLATE, "little")
        send(channel, encode(host.answer(asked)))


def _file_of(kind: type[BaseStrategy]) -> Path | None:
    """Return the user's file that a class comes from."""
    named = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return Path(named) if kind.file_text is not None and named is not None else None
