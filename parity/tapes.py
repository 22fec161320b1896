"""The tapes on which bots are held equal to backtests: a generated one, recorded ones, and one that is cut off again and again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import merge
from pathlib import Path

import numpy as np

from market.errors import InputError
from market.timeframe import MINUTE_US, SECOND_US
from market.trade import Side, Trade
from replay import SyntheticMarket, Tape, TapeWriter, read_tape
from replay.bars import Bar

SHARED = Path(__file__).parents[2] / "shared" / "data" / "ws" / "binance"
PAIR = ("hft_spot_btcusdt_20240808.gz", "hft_spot_btcusdt_20240809.gz")
MINUTES_A_YEAR = 365 * 24 * 60

_MIDNIGHT_US = 1_767_225_600_000_000  # 2026-01-01
_BEGIN_US = 13 * SECOND_US  # so long before a minute, so that the first one is not whole
_ADDRESS = "wss://stream.binance.com:9443/stream"
_MOST_SYMBOLS = 2
_DAY_MINUTES, _SHORT_MINUTES, _LEAST_MINUTES = 1_440, 60, 4
_BURST = 3.0
_CUTS, _FIRST_CUT, _APART = 20, 6, 14  # the last two in local seconds
_MINUTE, _FASTEST = 60.0, 60.0  # local seconds that a named tape takes, and its highest speed


@dataclass(frozen=True, kw_only=True)
class Played:
    """A tape and how it is played.

    Attributes:
        name: In words.
        files: Played one after the other.
        speed: How many seconds of it pass in one.
        faults: Of the local exchange, as `tcpdash replay --fault` takes them.
        kill: Whether the first runner of bots is killed, when a second one is there.
        seed: Of the chance of faults.
        optional: Whether it is left out where its files are not there.
        holes: How often something has to be missed, waited for by bots, and healed, or nothing is proven.
    """

    name: str
    files: Sequence[Path]
    speed: float
    faults: Sequence[str] = ()
    kill: bool = False
    seed: int = 0
    optional: bool = False
    holes: int = 0

    @cached_property
    def source(self) -> Tape:
        """What is on it.

        Raises:
            TapeError: If a file cannot be read.
        """
        return read_tape(*self.files)

    @cached_property
    def symbols(self) -> list[str]:
        """What bots trade on it: of one quote currency, and of these what was traded in most minutes."""
        counts = Counter({symbol: len(self.bars(symbol)) for symbol in self.source.symbols})
        quote = counts.most_common(1)[0][0].partition("-")[2]
        return [symbol for symbol, _ in counts.most_common() if symbol.partition("-")[2] == quote][:_MOST_SYMBOLS]

    @property
    def span_us(self) -> tuple[int, int]:
        """Times of its first and of its last trade, UTC epoch microseconds."""
        return self.source.first_us or 0, self.source.last_us or 0

    @property
    def seconds(self) -> float:
        """How long it is played."""
        first_us, last_us = self.span_us
        return (last_us - first_us) / self.speed / SECOND_US

    @property
    def minutes(self) -> int:
        """How many whole minutes it has."""
        first_us, last_us = self.span_us
        return last_us // MINUTE_US + -first_us // MINUTE_US

    def bars(self, symbol: str) -> list[Bar]:
        """Return the minutes of a symbol that had trades."""
        first_us, last_us = (moment // MINUTE_US * MINUTE_US for moment in self.span_us)
        return self.source.minutes(symbol, first_us, last_us + MINUTE_US)

    def value(self, symbol: str) -> float:
        """Return what is traded in a middling minute, in the quote currency."""
        return float(np.median([bar.quote_volume for bar in self.bars(symbol)]))

    def move(self, symbol: str) -> float:
        """Return how far a price goes in a middling minute, a fraction of it."""
        return float(np.median([bar.high / bar.low - 1.0 for bar in self.bars(symbol)])) or 1e-4

    def volatility(self, symbol: str) -> float:
        """Return the standard deviation of the price's change in a year, by the changes from minute to minute."""
        closes = np.array([bar.close for bar in self.bars(symbol)])
        return float(np.std(closes[1:] / closes[:-1] - 1.0)) * MINUTES_A_YEAR**0.5 or 0.1


def defaults(folder: Path, seed: int) -> list[Played]:
    """Return the three tapes that are played unless others are named; of the recorded one the files may not be there.

    Args:
        folder: Where those that are generated are written.
        seed: Of the market and of chance.
    """
    # A line that held for ten seconds is dialled again soon after the cut; a cut in a quiet minute may cost
    # nothing, so there are two more. REST does not answer at first, so that bots come to the hole before it is healed.
    moments = range(_FIRST_CUT, _FIRST_CUT + _APART * (_CUTS + 2), _APART)
    cuts = [f"drop:at={at},for=0.6" for at in moments] + [f"rest-down:at={_FIRST_CUT},every={_APART},for=4,seconds=0.2"]
    quiet = generated(folder / "bursts.jsonl.gz", seed=seed, minutes=70)
    long = generated(folder / "disconnects.jsonl.gz", seed=seed + 1, minutes=130)
    return [
        Played(
            name="bursts and quiet minutes", files=[quiet], speed=60, faults=["burst:every=10,frames=200"], kill=True, seed=seed
        ),
        Played(name="the recorded Binance pair", files=[SHARED / name for name in PAIR], speed=20, seed=seed, optional=True),
        Played(name=f"{_CUTS} disconnects", files=[long], speed=24, faults=cuts, seed=seed, holes=_CUTS),
    ]


def named(words: str, *, speed: float | None, seed: int, kill: bool) -> Played:
    """Return a tape that somebody named: files one after the other, A,B; None for a speed at which it takes a minute.

    Raises:
        InputError: If it has too few minutes.
        TapeError: If a file cannot be read.
    """
    files = [Path(word) for word in words.split(",")]
    played = Played(name=words, files=files, speed=speed or 1.0, kill=kill, seed=seed)
    if played.minutes < _LEAST_MINUTES:
        raise InputError(
            f"the tape {words} has {max(played.minutes, 0)} whole minutes, {_LEAST_MINUTES} are the least on which bots trade"
        )
    return played if speed is not None else replace(played, speed=min(max(played.seconds / _MINUTE, 1.0), _FASTEST))


def generated(path: Path, *, seed: int, minutes: int, pairs: Sequence[str] = ("BTC-USDT", "ETH-USDT")) -> Path:
    """Write so many minutes of the generated market as Binance's frames, and return the file.

    Where few minutes are asked for they are such that one has no trades and one has many.
    """
    market = SyntheticMarket(seed=seed, pairs=pairs)
    start_us = _start(market, f"{market.venue}:{pairs[0]}", minutes) - _BEGIN_US
    series = [market.fills(symbol) for symbol in market.symbols]
    end_us = start_us + minutes * MINUTE_US + 2 * _BEGIN_US
    trades = merge(*(each.slice(each.at(start_us), each.at(end_us)) for each in series), key=lambda trade: trade.timestamp_us)
    path.unlink(missing_ok=True)
    with TapeWriter(path) as tape:
        tape.write("connect", _ADDRESS, "", start_us * 1_000)
        for frame, at_us in _frames(trades):
            tape.write("recv", _ADDRESS, frame, at_us * 1_000)
    return path


def _start(market: SyntheticMarket, symbol: str, minutes: int) -> int:
    """Return the first whole minute of a span in which a minute is quiet and one a burst."""
    bars = {bar.open_us: bar.trades for bar in market.minutes(symbol, _MIDNIGHT_US, _MIDNIGHT_US + _DAY_MINUTES * MINUTE_US)}
    counts = np.array([bars.get(_MIDNIGHT_US + minute * MINUTE_US, 0) for minute in range(_DAY_MINUTES)])
    for first in range(_DAY_MINUTES - minutes):
        inside = counts[first + 2 : first + minutes - 1]
        if minutes >= _SHORT_MINUTES or (inside.min(initial=1) == 0 and inside.max(initial=0) > _BURST * np.median(counts)):
            return _MIDNIGHT_US + first * MINUTE_US
    return _MIDNIGHT_US


def _frames(trades: Iterator[Trade]) -> Iterator[tuple[str, int]]:
    """Yield each trade as Binance's combined stream has it, and when."""
    for trade in trades:
        ms, maker = trade.timestamp_us // 1_000, "true" if trade.side is Side.SELL else "false"
        pair = trade.symbol.partition(":")[2].replace("-", "")
        what = f'"t":{trade.trade_id},"p":"{trade.price:.8f}","q":"{trade.size:.8f}","T":{ms},"m":{maker},"M":true'
        yield f'{{"stream":"{pair.lower()}@trade","data":{{"e":"trade","E":{ms},"s":"{pair}",{what}}}}}', trade.timestamp_us
