"""A recorded market: tapes of one venue, merged into one and played byte for byte."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from os import PathLike
from pathlib import Path

from msgspec.structs import replace

from exchanges import VENUES
from exchanges.base import Instrument
from exchanges.bybit import Bybit, BybitLinear
from exchanges.okx import OKX
from market.timeframe import MINUTE_US
from market.trade import Trade
from replay.bars import Bar, bars_of_trades
from replay.fills import expanded, finest_step, merged
from replay.source import Frame, Series, Source
from replay.wire import Push, TapeReport, read_pushes

_MILLISECOND_US = 1000
_STALE_US = 10_000_000
_UNORDERED = {Bybit.name, BybitLinear.name}  # venues whose ids do not tell which trade came first


class RecordedSeries(Series):
    """Trades in memory, in the order of their numbers."""

    def __init__(self, trades: Sequence[Trade], numbers: Sequence[int]) -> None:
        self.trades, self._numbers = trades, numbers
        self._times = list(accumulate((trade.timestamp_us for trade in trades), max))

    def at(self, moment_us: int) -> int:
        """Return the position of the first trade at or after a moment."""
        return bisect_left(self._times, moment_us)

    def find(self, number: int) -> int:
        """Return the position of the first trade with this number or a higher one."""
        return bisect_left(self._numbers, number)

    def slice(self, start: int, stop: int) -> list[Trade]:
        """Return the trades at positions from `start` to before `stop`."""
        return list(self.trades[max(0, start) : max(0, stop)])

    def numbers(self, start: int, stop: int) -> Sequence[int]:
        """Return the numbers of the trades that `slice` returns."""
        return self._numbers[max(0, start) : max(0, stop)]

    def shifted(self, offset_us: int) -> "RecordedSeries":
        """Return the same trades at other times."""
        return RecordedSeries([replace(each, timestamp_us=each.timestamp_us + offset_us) for each in self.trades], self._numbers)


class Reel:
    """The recorded frames of one channel of one symbol, in the order of play."""

    def __init__(self, pushes: Sequence[Push], start_us: int) -> None:
        times = accumulate((push.trades[-1].timestamp_us for push in pushes), max, initial=start_us)
        self._times = list(times)[1:]
        self._frames = [(time, push.place, push.frame) for time, push in zip(self._times, pushes, strict=True)]

    def between(self, start_us: int, end_us: int) -> list[Frame]:
        """Return the frames that are played in [start, end)."""
        return self._frames[bisect_left(self._times, start_us) : bisect_left(self._times, end_us)]


class Tape(Source):
    """A recorded market.

    The position of a frame in time is its trade's venue time; the recorder's clock is used for the order only. A last
    trade from before the tape, as OKX once pushed on subscribing, is played at the start with its own old time.

    Attributes:
        report: What was found on the tape.
    """

    def __init__(
        self,
        venue: str,
        label: str,
        instruments: Sequence[Instrument],
        *,
        fills: Mapping[str, RecordedSeries],
        aggregates: Mapping[str, RecordedSeries],
        reels: Mapping[tuple[str, str], Reel],
        first_us: int,
        last_us: int,
        report: TapeReport,
    ) -> None:
        super().__init__(venue, label, instruments, first_us, last_us)
        self.report = report
        self._fills, self._aggregates, self._reels = fills, aggregates, reels
        self._minutes: dict[str, list[Bar]] = {}

    @property
    def channel(self) -> str:
        """The trade channel that was recorded of most symbols; the venue's default where several were."""
        recorded = [channel for _, channel in self._reels]
        return max(VENUES[self.venue].channels, key=recorded.count)

    def fills(self, symbol: str) -> RecordedSeries:
        """Return the single fills; an aggregate on the tape is divided into its fills."""
        return self._fills[symbol]

    def aggregates(self, symbol: str) -> RecordedSeries:
        """Return the aggregates as recorded, or else merged from the fills and numbered from 1."""
        return self._aggregates[symbol]

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:
        """Return the recorded frames of a channel that are played in [start, end); None when none were recorded."""
        reel = self._reels.get((symbol, channel))
        return reel.between(start_us, end_us) if reel else None

    def minutes(self, symbol: str, start_us: int, end_us: int) -> list[Bar]:
        """Return the one-minute bars of whole minutes in [start, end); a late trade counts in its own minute."""
        if symbol not in self._minutes:
            self._minutes[symbol] = bars_of_trades(self._fills[symbol].trades, MINUTE_US)
        minutes = self._minutes[symbol]
        first, last = (bisect_left(minutes, moment, key=lambda bar: bar.open_us) for moment in (start_us, end_us))
        return minutes[first:last]

    def shifted(self, offset_us: int) -> "Tape":
        """Return this tape with all its times moved; its frames have to be made anew, so none are recorded."""
        return Tape(
            self.venue, "shifted", list(self.instruments.values()),
            fills={symbol: series.shifted(offset_us) for symbol, series in self._fills.items()},
            aggregates={symbol: series.shifted(offset_us) for symbol, series in self._aggregates.items()},
            reels={}, first_us=(self.first_us or 0) + offset_us, last_us=(self.last_us or 0) + offset_us, report=self.report,
        )  # fmt: skip

    def blank(self) -> "Tape":
        """Return a tape of the same symbols on which nothing happened: what is known before the shifted tape starts."""
        empty = {symbol: RecordedSeries([], []) for symbol in self.instruments}
        return Tape(
            self.venue, "shifted", list(self.instruments.values()), fills=empty, aggregates=empty, reels={},
            first_us=self.first_us or 0, last_us=self.last_us or 0, report=self.report,
        )  # fmt: skip


def read_tape(*paths: str | PathLike[str], venue: str | None = None) -> Tape:
    """Return the recorded market of one or several files; several are played one after the other as one tape.

    Args:
        paths: The files.
        venue: Which venue is played where the files hold several; if None, of one company's markets the one with most frames.

    Raises:
        TapeError: If a file is no tape, or the files hold no spot trades of one venue.
    """
    report = TapeReport()
    venue, pushes = read_pushes([Path(path) for path in paths], report, venue.upper() if venue else None)
    channels: dict[str, dict[str, list[Push]]] = {}
    for push in pushes:
        channels.setdefault(push.trades[0].symbol, {}).setdefault(push.channel, []).append(push)
    start_us = _start_of(venue, pushes)
    merging = VENUES[venue].merging
    fills = {symbol: _fills_of(by_channel, merging, by_id=venue not in _UNORDERED) for symbol, by_channel in channels.items()}
    return Tape(
        venue, "recorded", [_instrument(symbol, series.trades) for symbol, series in fills.items()],
        fills=fills,
        aggregates={symbol: _aggregates_of(by_channel, merging, fills[symbol].trades) for symbol, by_channel in channels.items()},
        reels={
            (symbol, channel): Reel(of_channel, start_us)
            for symbol, by_channel in channels.items()
            for channel, of_channel in by_channel.items()
        },
        first_us=start_us,
        last_us=max(trade.timestamp_us for push in pushes for trade in push.trades) + _MILLISECOND_US,
        report=report,
    )  # fmt: skip


def _start_of(venue: str, pushes: Sequence[Push]) -> int:
    """Return the time of the first trade that happened while the tape was recorded.

    The first push of a connection may be hours old; it is told by its lag, compared with the least lag on the tape.
    """
    lags = [push.received_us - push.trades[-1].timestamp_us for push in pushes]
    begun: set[tuple[str, str, str]] = set()
    fresh = []
    for push, lag in zip(pushes, lags, strict=True):
        key = (push.conn, push.channel, push.trades[0].symbol)
        if not push.past and (venue != OKX.name or key in begun or lag - min(lags) <= _STALE_US):
            fresh.append(push.trades[0].timestamp_us)
        begun.add(key)
    return min(fresh, default=max(push.trades[-1].timestamp_us for push in pushes))


def _fills_of(channels: Mapping[str, Sequence[Push]], merging: frozenset[str], *, by_id: bool) -> RecordedSeries:
    finest = sorted(channels, key=lambda channel: channel in merging)[0]
    fills = {fill.trade_id: fill for push in channels[finest] for trade in push.trades for fill in expanded(trade)}
    if not by_id:  # the order is the tape's own, and a place on it is the number
        return RecordedSeries(list(fills.values()), range(1, len(fills) + 1))
    return RecordedSeries([fills[number] for number in sorted(fills)], sorted(fills))


def _aggregates_of(channels: Mapping[str, Sequence[Push]], merging: frozenset[str], fills: Iterable[Trade]) -> RecordedSeries:
    recorded = [channel for channel in channels if channel in merging]
    if not recorded:
        aggregates = list(merged(fill for fill in fills if fill.count))
        return RecordedSeries(aggregates, range(1, len(aggregates) + 1))
    found = {trade.trade_id: (push.number, trade) for push in channels[recorded[0]] for trade in push.trades}
    ordered = [found[last_id] for last_id in sorted(found)]
    numbers: Sequence[int] = [number for number, _ in ordered]
    if not all(numbers):
        numbers = range(1, len(ordered) + 1)
    return RecordedSeries([trade for _, trade in ordered], numbers)


def _instrument(symbol: str, trades: Sequence[Trade]) -> Instrument:
    tick, lot = finest_step(trade.price for trade in trades), finest_step(trade.size for trade in trades)
    return Instrument(symbol, tick, lot, "live")
