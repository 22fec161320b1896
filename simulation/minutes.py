"""Whether minutes that are called complete are: looked at whenever some are stored, not only in the end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from market.candle import Candle
from market.timeframe import BASE
from market.trade import Trade
from simulation.scenario import Scenario
from simulation.truth import true_minutes

# A venue whose answers are old or lack something at first, whose clock is wrong or who says one thing twice is believed, and
# proves what is not so.
UNPROVEN = {"rest-lag", "hole-late", "clock", "conflict"}


class Minutes:
    """The true minutes of a run.

    Args:
        scenario: What is run.
        truth: All the trades that will be, by symbol; their numbers do not matter.
    """

    def __init__(self, scenario: Scenario, truth: Mapping[str, Sequence[Trade]]) -> None:
        unproven = (
            bool(UNPROVEN & scenario.kinds) or scenario.double is not None
        )  # of two workers one may count what the other stored
        self._off = scenario.venue.startswith("BYBIT") or not scenario.keep_trades or unproven
        gone = scenario.symbols[-1:] if "delist" in scenario.kinds else ()
        self._true = {} if self._off else {symbol: true_minutes(truth[symbol]) for symbol in truth if symbol not in gone}

    def wrong(self, candles: Iterable[Candle]) -> Iterator[str]:
        """Yield what is wrong with some stored candles: a complete one has all the trades there were."""
        for candle in candles:
            if self._off or candle.complete is not True or candle.timeframe is not BASE or candle.symbol not in self._true:
                continue
            bar = self._true[candle.symbol].get(candle.timestamp_us)
            ours = (candle.high, candle.low, candle.volume, candle.trades) if candle.trades else None
            theirs = None if bar is None else (bar.high, bar.low, bar.volume, bar.trades)
            if ours != theirs:
                yield f"called complete, which it was not: {candle} is not {bar}"
