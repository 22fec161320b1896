"""A backtest: a strategy, the rules of its account, and what comes of both on candles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from market.errors import InputError
from market.timeframe import Timeframe, parse_timeframe
from trading.backtest.coverage import Coverage, coverage_of, refuse_holes
from trading.backtest.finer import Finer, check_finer, finer_of
from trading.backtest.fingerprint import data_fingerprint
from trading.backtest.market import Floats, Market, market_of
from trading.backtest.metrics import Facts, Run, facts_of, measure_facts
from trading.backtest.round_trips import Trips, exposure_of, last_known, trips_of
from trading.backtest.simulate import Outcome, simulate
from trading.backtest.volatility import runs_of, volatility_scales
from trading.backtest.window import begin_of, check_warm_up, within
from trading.frames import to_bars
from trading.rules import Listing, Rules, Sizing
from trading.strategy import BaseStrategy, whole_targets

if TYPE_CHECKING:
    import pandas as pd


class Engine(StrEnum):
    """How a backtest is run; both give the same fills and the same equity to the last bit."""

    KERNEL = "kernel"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Backtest:
    """What is tried, and under which rules; `run` tries it.

    Attributes:
        strategy: Its class and parameters count; each symbol has one of its own.
        timeframe: Width of the candles that it decides on.
        rules: How orders are made and filled.
        balance: What the account begins with, in the quote currency.
        listings: What venues say of the symbols; no steps and no smallest order of those that are not in it.
        allow_holes: Whether a window that is not known from end to end may be used all the same.
        start_us: Where the window begins, UTC epoch microseconds; None for the first candle.
        end_us: Where it ends; None for the last candle.
        warm_up: How many bars before the window strategies and sizes by volatility may see, so that the first bar of it can
            decide; in them nothing is decided or traded. Where they are not stored there are fewer; they are no part of coverage.
            With them the window begins with the first candle that lies whole in it.
        inside: Width of the finer candles inside which orders are filled, where they are handed in; see
            `trading.backtest.finer`. None fills them inside the candles that decide.
        engine: Which of two ways that give the same; `Engine.EVENTS` asks the strategy bar by bar, as a bot does.

    Raises:
        InputError: If a timeframe is not known or does not fit, the balance is not above 0, or there is a warm-up without a begin.
    """

    strategy: BaseStrategy
    timeframe: Timeframe
    rules: Rules = field(default_factory=Rules, kw_only=True)
    balance: float = field(default=10_000.0, kw_only=True)
    listings: Mapping[str, Listing] = field(default_factory=dict, kw_only=True)
    allow_holes: bool = field(default=False, kw_only=True)
    start_us: int | None = field(default=None, kw_only=True)
    end_us: int | None = field(default=None, kw_only=True)
    warm_up: int = field(default=0, kw_only=True)
    inside: Timeframe | None = field(default=None, kw_only=True)
    engine: Engine = field(default=Engine.KERNEL, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timeframe", parse_timeframe(self.timeframe))
        if self.inside is not None:
            object.__setattr__(self, "inside", parse_timeframe(self.inside))
            check_finer(self.timeframe, self.inside)
        if not 0.0 < self.balance < 1e15:
            raise InputError(f"the balance is {self.balance:g}; expected was more than 0 and less than 1e15")
        check_warm_up(self.warm_up, self.start_us)

    def run(
        self, frames: "Mapping[str, pd.DataFrame] | pd.DataFrame", finer: "Mapping[str, pd.DataFrame] | None" = None
    ) -> "Result":
        """Return what comes of it.

        Args:
            frames: Candles by symbol, as `market_data.get_candles` gives them, or those of one symbol; at least timestamp (the
                close), open, high, low, close and volume. Without `complete` every candle counts as whole.
            finer: Candles of the width `inside`, likewise; what is not whole of them is not used.

        Raises:
            InputError: If there is no candle, or candles are not in their order.
            HolesError: If the window has holes that nobody allowed.
        """
        given, begin_us = by_symbol(frames), begin_of(self.start_us, self.timeframe, self.warm_up)
        named = within(given, begin_us, self.end_us)
        coverage = coverage_of(named, self.timeframe, start_us=self.start_us, end_us=self.end_us)
        if not self.allow_holes:
            refuse_holes(coverage)
        market, fine, prints = market_of(named, self.timeframe), None, dict(named)
        seen = market
        if begin_us is not None and self.warm_up:
            prints = within(given, begin_us - self.warm_up * self.timeframe.width_us, self.end_us)
            seen = market_of(prints, self.timeframe)
        if self.inside is not None and finer is not None:
            fine = finer_of(market, finer, self.inside)
            prints |= {f"{symbol} {self.inside}": frame for symbol, frame in finer.items()}
        wanted, outcome = self._outcome(market, seen, fine)
        return Result(
            test=self, market=market, targets=wanted, outcome=outcome, coverage=tuple(coverage), finer=fine,
            fingerprint=data_fingerprint(prints),
        )  # fmt: skip

    def _outcome(self, market: Market, seen: Market, finer: Finer | None) -> tuple[Floats, Outcome]:
        """Return what was wanted after each bar, and what came of it; strategies see the bars before the market, too."""
        volatile = self.rules.sizing is Sizing.VOLATILITY
        scales = volatility_scales(seen, self.rules)[-len(market) :] if volatile else None
        listings = [self.listings.get(symbol, Listing()) for symbol in market.symbols]
        if self.engine is Engine.EVENTS:
            from trading.backtest.events import run_events  # noqa: PLC0415 - only those who ask for it

            own = [strategy_for(self.strategy, symbol) for symbol in market.symbols]
            events = run_events(
                market,
                own,
                self.rules,
                listings=listings,
                balance=self.balance,
                scales=scales,
                finer=finer,
                only_turns=True,
                seen=seen,
            )
            return events.targets, events.outcome
        wanted = targets_of(self.strategy, seen)[-len(market) :]
        if scales is not None:
            wanted = unknown_left_out(wanted, scales)
        if finer is None:
            return wanted, simulate(market, wanted, self.rules, listings=listings, balance=self.balance, scales=scales)
        placed = finer.placed(wanted), None if scales is None else finer.placed(scales)
        return wanted, simulate(
            finer.market, placed[0], self.rules, listings=listings, balance=self.balance, scales=placed[1], decides=finer.decides
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What came of a backtest; what is only looked at sometimes is made when it is asked for.

    Attributes:
        test: What was tried.
        market: The candles.
        targets: Wanted positions after each bar, shape (bars, symbols).
        outcome: Equity, fills and sums.
        coverage: Of each symbol.
        finer: The finer candles inside which orders were filled; None where there were none.
        fingerprint: Of the candles.
    """

    test: Backtest
    market: Market
    targets: Floats
    outcome: Outcome
    coverage: tuple[Coverage, ...]
    finer: Finer | None = None
    fingerprint: str

    @property
    def final_value(self) -> float:
        """Value of the account at the last close, in the quote currency."""
        return self.outcome.sums.equity

    @property
    def total_return(self) -> float:
        """Final value / balance - 1."""
        return self.final_value / self.test.balance - 1.0

    @cached_property
    def trips(self) -> Trips:
        """Round trips, and what is still open."""
        return trips_of(self.market, self.outcome.table, self.test.rules, finer=self.finer)

    @cached_property
    def exposure(self) -> Floats:
        """Value of all that is held at each close, a fraction of equity, shape (bars,)."""
        return exposure_of(self.market, self.outcome.table, self.outcome.equity, finer=self.finer)

    @cached_property
    def benchmark(self) -> Floats:
        """What the balance would have become, bought in equal parts at each symbol's first close and held, shape (bars,)."""
        closes = [last_known(self.market.close[:, number]) for number in range(len(self.market.symbols))]
        return np.asarray(self.test.balance * np.mean([close / close[0] for close in closes], axis=0), np.float64)

    @cached_property
    def run(self) -> Run:
        """The run as metrics are computed from it."""
        return Run(
            balance=self.test.balance, equity=self.outcome.equity, bar_seconds=self.test.timeframe.width_us / 1e6,
            close=self.benchmark, timestamps_us=self.market.closes_us, exposure=self.exposure, trips=self.trips.closed,
            fees=self.outcome.sums.fees, traded=self.outcome.sums.turnover,
        )  # fmt: skip

    @cached_property
    def facts(self) -> Facts:
        """What metrics are computed from."""
        return facts_of(self.run)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """All metrics by name; NaN is what is not defined."""
        return measure_facts(self.facts)

    @cached_property
    def signals(self) -> tuple[tuple[int, int, float], ...]:
        """Each wish that differs from the one before it: number of the bar, number of the symbol, wanted position."""
        found = []
        for number in range(len(self.market.symbols)):
            wishes = np.flatnonzero(~np.isnan(self.targets[:, number]))
            values = self.targets[wishes, number]
            changed = np.flatnonzero(values != np.concatenate([[0.0], values[:-1]]))
            found += [(int(wishes[place]), number, float(values[place])) for place in changed]
        return tuple(sorted(found))


def by_symbol(frames: "Mapping[str, pd.DataFrame] | pd.DataFrame") -> "dict[str, pd.DataFrame]":
    """Return candles by symbol; those of a single table are named by its column `symbol`, or have no name.

    Raises:
        InputError: If one table holds candles of several symbols.
    """
    if isinstance(frames, Mapping):
        return dict(frames)
    names = [str(name) for name in frames["symbol"].unique()] if "symbol" in frames.columns else [""]
    if len(names) > 1:
        raise InputError(f"candles of {', '.join(names)} are in one table; hand them over by symbol: {{symbol: table}}")
    return {names[0] if names else "": frames}


def strategy_for(strategy: BaseStrategy, symbol: str) -> BaseStrategy:
    """Return a new strategy of the same class and parameters, for a symbol of its own."""
    own = type(strategy)(dict(strategy.parameters))
    own.symbol = symbol
    return own


def unknown_left_out(wanted: Floats, scales: Floats) -> Floats:
    """Return wanted positions without those of which nobody knows yet how large they would be: they are waited with."""
    return np.where(np.isnan(scales) & (wanted != 0.0), np.nan, wanted)


def targets_of(strategy: BaseStrategy, market: Market) -> Floats:
    """Return what a strategy wants after each bar, shape (bars, symbols); NaN wants nothing new.

    Each run of candles that touch is decided on its own: no indicator reaches over a hole, and behind one it warms up anew.
    """
    wanted = np.full(market.close.shape, np.nan)
    for number, symbol in enumerate(market.symbols):
        own = strategy_for(strategy, symbol)
        bars, end = bars_of(market, number, np.flatnonzero(market.there[:, number])), 0
        for run in runs_of(market, number):
            begin, end = end, end + len(run)
            wanted[run, number] = whole_targets(strategy.name, own.targets(bars.iloc[begin:end]), len(run))
    if np.isinf(wanted).any() or np.nanmax(np.abs(wanted), initial=0.0) > 1e6:
        raise InputError(f"{strategy.name} wants an infinite position; a target is a fraction: 1 is long, 0 out, -1 short")
    return wanted


def bars_of(market: Market, number: int, places: np.ndarray) -> "pd.DataFrame":
    """Return some bars of a symbol as strategies are handed them."""
    import pandas as pd  # noqa: PLC0415 - half a second that arrays need not pay

    stamps = market.closes_us[places].view("datetime64[us]")
    columns = {name: getattr(market, name)[places, number] for name in ("open", "high", "low", "close", "volume")}
    return to_bars(pd.DataFrame(columns, index=pd.DatetimeIndex(stamps, name="timestamp").tz_localize("UTC")))


def number_or_none(value: float) -> float | None:
    """Return a number as JSON can say it: NaN is null."""
    return None if isnan(value) else value
