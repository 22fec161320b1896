"""What all sets of a sweep have in common: candles, strategy, rules; and how one set is tried on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError
from trading.backtest.market import Market, market_of
from trading.backtest.simulate import Outcome, Sums, simulate, summarise
from trading.backtest.volatility import runs_of, volatility_scales
from trading.parameters import Value
from trading.rules import Listing, Rules, Sizing

if TYPE_CHECKING:
    import pandas as pd

    from trading.backtest.backtest import Backtest
    from trading.strategy import BaseStrategy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_BY_BAR = ("closes_us", "open", "high", "low", "close", "volume", "there", "ends")
_LARGEST = 1e6


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The candles and rules on which parameter sets of one strategy are tried.

    Attributes:
        market: The candles.
        strategy: Its class.
        rules: How orders are made and filled.
        listings: What the venue says of each symbol; None for nothing.
        balance: In the quote currency.
        scales: What targets are multiplied with, shape (bars, symbols); None for 1.
    """

    market: Market
    strategy: "type[BaseStrategy]"
    rules: Rules
    listings: tuple[Listing, ...] | None = None
    balance: float = 10_000.0
    scales: Floats | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what makes it again elsewhere: not the tables, which are made of the arrays."""
        return {name: value for name, value in self.__dict__.items() if name != "pieces"}

    @cached_property
    def pieces(self) -> "tuple[Piece, ...]":
        """The candles of each symbol between its holes, as strategies are handed them."""
        return tuple(_pieces(self.market))

    def part(self, first: int, last: int) -> "Ground":
        """Return the ground of the bars from `first` up to but without `last`."""
        rows, market = slice(first, last), self.market
        cut = replace(market, **{name: getattr(market, name)[rows] for name in _BY_BAR})
        return replace(self, market=cut, scales=None if self.scales is None else self.scales[rows])

    def targets(self, parameters: Mapping[str, Value]) -> Floats:
        """Return the wanted positions of a set, shape (bars, symbols); a strategy sees no price across a hole.

        Raises:
            InputError: If the parameters are refused, or the strategy gives another shape than its bars have.
        """
        shape = self.market.there.shape
        if len(self.pieces) == 1 and shape == (len(self.pieces[0].rows), 1):
            wanted = _checked(self.strategy(dict(parameters)), self.pieces[0])[:, None]
        else:
            wanted = np.full(shape, np.nan)
            own = {piece.symbol: self.strategy(dict(parameters)) for piece in self.pieces}
            for piece in self.pieces:
                wanted[piece.rows, piece.symbol] = _checked(own[piece.symbol], piece)
        if self.scales is None:
            return wanted
        return np.where(np.isnan(self.scales) & (wanted != 0.0), np.nan, wanted)

    def sums(self, parameters: Mapping[str, Value]) -> Sums:
        """Return what came of a set, in sums."""
        return summarise(
            self.market, self.targets(parameters), self.rules, listings=self.listings, balance=self.balance, scales=self.scales
        )

    def outcome(self, targets: Floats) -> Outcome:
        """Return what comes of wanted positions, with equity and fills."""
        return simulate(self.market, targets, self.rules, listings=self.listings, balance=self.balance, scales=self.scales)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Candles of one symbol that touch each other.

    Attributes:
        symbol: Its place in the market; `name` is how it is called.
        rows: Where the candles stand in the market, shape (bars,).
        bars: The candles, as strategies are handed them.
    """

    symbol: int
    name: str
    rows: Integers
    bars: "pd.DataFrame"


def ground_of(test: "Backtest", frames: "Mapping[str, pd.DataFrame]") -> Ground:
    """Return the ground of a backtest whose parameters are to be tried, with the candles of its window.

    Args:
        test: Strategy, rules and window; the parameters of its strategy do not count.
        frames: Candles by symbol; see `Backtest.run`.

    Raises:
        InputError: If there is no candle, candles are not in their order, or finer ones or a warm-up are asked for.
        HolesError: If the window has holes that nobody allowed.
    """
    from trading.backtest.coverage import coverage_of, refuse_holes  # noqa: PLC0415 - they bring pandas along
    from trading.frames import timestamps_us  # noqa: PLC0415 - see above

    if test.inside is not None:
        raise InputError(
            f"a search fills orders inside the candles that decide; leave {test.inside} out, and try the best set with it"
        )
    if test.warm_up:
        raise InputError(f"a search has no bars before its window; leave the warm-up of {test.warm_up:,} out")
    if not test.allow_holes:
        refuse_holes(coverage_of(frames, test.timeframe, start_us=test.start_us, end_us=test.end_us))
    start_us, end_us = test.start_us or -(2**62), test.end_us or 2**62
    within = {}
    for symbol, frame in frames.items():
        stamps = timestamps_us(frame)
        within[symbol] = frame[(stamps > start_us) & (stamps <= end_us)]
    market = market_of(within, test.timeframe)
    scales = volatility_scales(market, test.rules) if test.rules.sizing is Sizing.VOLATILITY else None
    return Ground(
        market=market, strategy=type(test.strategy), rules=test.rules, balance=test.balance, scales=scales,
        listings=tuple(test.listings.get(symbol, Listing()) for symbol in market.symbols),
    )  # fmt: skip


def _checked(strategy: "BaseStrategy", piece: Piece) -> Floats:
    strategy.symbol = piece.name
    targets = np.asarray(strategy.targets(piece.bars), np.float64)
    if targets.shape != piece.rows.shape:
        raise InputError(f"{strategy.name} gives targets of shape {targets.shape} for {len(piece.rows)} bars")
    if (np.abs(targets) > _LARGEST).any():
        raise InputError(f"{strategy.name} wants an infinite position; a target is a fraction: 1 is long, 0 out, -1 short")
    return targets


def _pieces(market: Market) -> "Iterator[Piece]":
    from trading.backtest.backtest import bars_of  # noqa: PLC0415 - brings pandas along

    for number, name in enumerate(market.symbols):
        for rows in runs_of(market, number):
            yield Piece(symbol=number, name=name, rows=rows, bars=bars_of(market, number, rows))
