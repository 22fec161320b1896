"""The event engine: a backtest in plain Python that asks strategies bar by bar, as a bot does, and feeds the virtual broker.

It is the reference of the compiled way (`targets` of whole runs of candles, then `simulate`): both make the same fills and the same
equity to the last bit. It is also what to take for a strategy that cannot say its targets for many bars at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import pandas as pd

from market.errors import InputError
from trading.backtest.finer import Finer
from trading.backtest.market import Flags, Floats, Market
from trading.backtest.simulate import Outcome, Sums
from trading.broker import DUST, Broker
from trading.frames import PRICES
from trading.position import Bar, Fill
from trading.rules import Listing, Rules
from trading.signal import Signal
from trading.strategy import BaseStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What came of a backtest bar by bar.

    Attributes:
        outcome: As `simulate` gives it.
        signals: What was said after each bar, symbol by symbol within a bar; or only what was new, see `run_events`.
        targets: What was wanted, shape (bars, symbols); NaN where nothing was, or no bar is.
    """

    outcome: Outcome
    signals: list[Signal]
    targets: Floats


def run_events(
    market: Market,
    strategies: Sequence[BaseStrategy],
    rules: Rules,
    *,
    listings: Sequence[Listing] | None = None,
    balance: float = 10_000.0,
    scales: Floats | None = None,
    finer: Finer | None = None,
    only_turns: bool = False,
    seen: Market | None = None,
) -> Events:
    """Return what comes of strategies that are asked after each bar.

    A strategy is handed the newest `lookback` bars of the run of touching candles that it is in, or the fewer there are.

    Args:
        market: The candles.
        strategies: One for each symbol, each an object of its own, for it remembers what it showed; its `symbol` is set.
        rules: How orders are made and filled.
        listings: What the venue says of each symbol; no steps and no smallest order if None.
        balance: In the quote currency.
        scales: What targets are multiplied with, shape (bars, symbols), NaN where it is not known; 1 if None.
        finer: Finer candles of the same market, inside which orders are filled.
        only_turns: Keep only signals that want another position than a bar before; a year of minutes has half a million
            signals, which take 300 MB.
        seen: The same candles with others before them, for strategies to see; None for none.

    Raises:
        InputError: If there is not one strategy a symbol.
    """
    _check(market, strategies)
    broker = Broker(rules, [Listing()] * len(market.symbols) if listings is None else list(listings), balance)
    traded = _trade(broker, market, None) if finer is None else _trade(broker, finer.market, finer.decides)
    streams = [_said(seen or market, number, strategy, bars=len(market)) for number, strategy in enumerate(strategies)]
    inside, equity, targets, signals = _decide(broker, market, traded, streams, scales=scales, only_turns=only_turns)
    outcome = _outcome(np.array(equity), balance, broker, inside)
    return Events(outcome=outcome, signals=signals, targets=np.reshape(targets, market.close.shape))


def _decide(
    broker: Broker,
    market: Market,
    traded: Iterable[list[Bar | None]],
    streams: Sequence[Iterable[Signal | None]],
    *,
    scales: Floats | None,
    only_turns: bool,
) -> tuple[int, list[float], list[float], list[Signal]]:
    """Decide at each close; return at how many something was held, the equity and the targets at each, and the signals."""
    inside, equity, signals, targets = 0, [], [], [0.0] * len(streams)  # flat: small lists would be work for the collector
    positions, days = broker.positions, market.days.tolist()
    for bar, (left, *said) in enumerate(zip(traded, *streams, strict=True)):
        equity.append(broker.equity)
        wanted = [nan if signal is None else signal.wanted for signal in said]
        sizes = None if scales is None else scales[bar].tolist()
        if sizes is not None:  # a position whose size is not known yet is not wanted
            wanted = [nan if isnan(size) and target != 0.0 else target for target, size in zip(wanted, sizes, strict=True)]
        broker.decide(left, wanted, scales=sizes, day=days[bar])
        inside += any([position.size for position in positions])  # noqa: C419 - a generator takes three times as long
        signals += _told(said, targets[-len(wanted) :] if only_turns else None)
        targets += wanted
    return inside, equity, targets[len(streams) :], signals


def _check(market: Market, strategies: Sequence[BaseStrategy]) -> None:
    """Refuse strategies that are not one object for each symbol.

    Raises:
        InputError: If they are not.
    """
    found = len({id(strategy) for strategy in strategies})
    if not found == len(strategies) == len(market.symbols):
        raise InputError(f"expected {len(market.symbols)} strategies, an object of its own for each symbol, found {found}")


def _told(said: Sequence[Signal | None], before: list[float] | None) -> list[Signal]:
    """Return the signals there are; where what was wanted a bar before is handed in, only those that want something else."""
    if before is None:
        return [signal for signal in said if signal is not None]
    pairs = zip(said, before, strict=True)
    return [each for each, old in pairs if each is not None and not isnan(each.wanted) and each.wanted != old]


def _said(market: Market, number: int, strategy: BaseStrategy, *, bars: int) -> Iterator[Signal | None]:
    """Yield what a strategy says after each of the last so many bars of a symbol, None where there is no bar."""
    strategy.symbol, there, lookback = market.symbols[number], market.there[:, number], strategy.lookback
    columns = (market.open, market.high, market.low, market.close, market.volume)
    block = np.array([column[there, number] for column in columns])  # a row a column: pandas keeps it so, and slices it fast
    index = pd.DatetimeIndex(market.closes_us[there].view("datetime64[us]"), name="timestamp").tz_localize("UTC")
    data = pd.DataFrame(block.T, index=index, columns=pd.Index(PRICES), copy=False)
    windows, process_data = data.iloc, strategy.process_data
    anew = np.r_[True, market.ends[there, number][:-1]]
    begin, row = np.maximum.accumulate(np.where(anew, np.arange(len(data)), 0)).tolist(), int(there[:-bars].sum())
    for known in there[-bars:].tolist():
        if known:
            row += 1
            yield process_data(windows[max(begin[row - 1], row - lookback) : row])
        else:
            yield None


def _trade(broker: Broker, market: Market, decides: Flags | None) -> Iterator[list[Bar | None]]:
    """Trade bar after bar; yield at each close that decides the bars behind which the market is still known."""
    ended = set(np.flatnonzero(market.ends.any(axis=1)).tolist())
    deciding = [True] * len(market) if decides is None else decides.tolist()
    for place, row in enumerate(zip(*(_bars(market, number) for number in range(len(market.symbols))), strict=True)):
        bars = list(row)
        broker.trade(bars)
        broker.close(bars)
        if place in ended:
            for number in np.flatnonzero(market.ends[place]).tolist():
                broker.close_out(number, float(market.close[place, number]))
                bars[number] = None
        if deciding[place]:
            yield bars


def _bars(market: Market, number: int) -> Iterator[Bar | None]:
    columns = (market.open, market.high, market.low, market.close, market.volume)
    rows = map(Bar._make, zip(*(column[:, number].tolist() for column in columns), strict=True))
    return (bar if known else None for bar, known in zip(rows, market.there[:, number].tolist(), strict=True))


def _outcome(equity: Floats, balance: float, broker: Broker, inside: int) -> Outcome:
    before = np.r_[balance, equity[:-1]]
    ruined = np.minimum.accumulate(np.r_[balance, equity])[:-1] <= 0.0  # who once lost all has no returns any more
    change = np.divide(equity, before, out=np.ones(len(equity)), where=~ruined) - 1.0
    falls = 1.0 - equity / np.maximum.accumulate(np.r_[balance, equity])[1:]
    square = change * change
    powers = (change, square, square * change, square * square, np.where(change < 0.0, square, 0.0))
    first, second, third, fourth, below = (float(np.cumsum(power)[-1]) for power in powers)  # one after the other, as a loop adds
    gains = _round_trips(broker.fills)
    sums = Sums(
        bars=len(equity), first=first, second=second, third=third, fourth=fourth, below=below,
        drawdown=max(0.0, float(falls.max())), inside=inside, equity=float(equity[-1]),
        fees=_added(fill.fee for fill in broker.fills),
        turnover=_added(abs(fill.size * fill.price) for fill in broker.fills), trips=len(gains),
        wins=sum(gain > 0.0 for gain in gains), gains=_added(max(gain, 0.0) for gain in gains),
        losses=_added(min(gain, 0.0) for gain in gains), both=broker.both, refused=broker.refused, fills=len(broker.fills),
    )  # fmt: skip
    return Outcome(equity=equity, table=np.array(broker.fills, np.float64).reshape(-1, 6), sums=sums)


def _round_trips(fills: Sequence[Fill]) -> list[float]:
    """Return what each round trip that is over gained after fees, in the quote currency, in the order of their ends."""
    held: dict[int, float] = {}
    flows: dict[int, float] = {}
    gains = []
    for fill in fills:
        value = fill.size * fill.price
        size = held.get(fill.symbol, 0.0) + fill.size
        held[fill.symbol] = size = 0.0 if abs(size) < DUST else size
        flows[fill.symbol] = flows.get(fill.symbol, 0.0) - (value + fill.fee)
        if size == 0.0:
            gains.append(flows.pop(fill.symbol))
    return gains


def _added(values: Iterable[float]) -> float:
    """Return a sum in the order of its parts; Python's own is exact since 3.12."""
    total = 0.0
    for value in values:
        total += value
    return total
