"""Orders inside coarse bars are filled by finer candles where they are stored, and all is still the broker's."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InputError
from market.timeframe import Timeframe
from tests.trading.markets import (
    START_US,
    by_broker,
    frame_of,
    listings,
    market_from,
    random_market,
    random_targets,
    rules,
)
from trading.backtest.backtest import targets_of
from trading.backtest.events import run_events
from trading.backtest.finer import Finer, finer_of
from trading.backtest.market import Market, market_of
from trading.backtest.simulate import simulate, summarise
from trading.broker import Broker
from trading.fills import Reason
from trading.rules import Rules, Sizing
from trading.strategies import BuyAndHold, SmaCross

PARTS = 5
FREE = {"maker_fee": 0.0, "taker_fee": 0.0}


def rolled_up(fine: pd.DataFrame) -> pd.DataFrame:
    """Return the five-minute candles of minutes of which none is missing."""
    minutes = fine.groupby(np.arange(len(fine)) // PARTS)
    return minutes.agg({"timestamp": "last", "open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})


def taken_apart(fine: Market, *, without: dict[int, set[int]], coarse_without: dict[int, set[int]]) -> tuple[Market, Finer]:
    """Return coarse candles of minutes, and them taken apart by what is left of the minutes; both by symbol, by number."""
    frames = {symbol: frame_of(fine, number) for number, symbol in enumerate(fine.symbols)}
    coarse = {
        symbol: rolled_up(frame).drop(index=list(coarse_without.get(number, ())))
        for number, (symbol, frame) in enumerate(frames.items())
    }
    market = market_of(coarse, Timeframe.M5)
    left = {symbol: frame.drop(index=list(without.get(number, ()))) for number, (symbol, frame) in enumerate(frames.items())}
    return market, finer_of(market, left, Timeframe.M1)


def minutes_of(market: Market) -> Market:
    """Return a market without its first minute, so that it begins where a five-minute candle does."""
    assert market.closes_us[0] % Timeframe.M5.width_us == 0
    columns = {name: getattr(market, name) for name in Market.__slots__}
    return Market(**{name: each[1:] if isinstance(each, np.ndarray) else each for name, each in columns.items()})


@st.composite
def pairs(draw: st.DrawFn, symbols: int) -> tuple[Market, Finer, int]:
    """Return coarse candles, and them taken apart where no minute is missing, by chance."""
    bars, seed = draw(st.integers(2, 12)), draw(st.integers(0, 2**32 - 1))
    fine = random_market(seed, bars * PARTS + 1, symbols, quiet=draw(st.sampled_from([0.0, 0.3, 0.8])))
    holes = st.dictionaries(st.integers(0, symbols - 1), st.sets(st.integers(0, bars * PARTS - 1), max_size=3))
    gone = st.dictionaries(st.integers(0, symbols - 1), st.sets(st.integers(0, bars - 1), max_size=bars - 1))
    return (*taken_apart(minutes_of(fine), without=draw(holes), coarse_without=draw(gone)), seed)


@settings(max_examples=500)
@given(data=st.data(), rules=rules(), listed=listings())
def test_the_kernel_is_the_broker_inside_coarse_bars(data, rules, listed):
    coarse, finer, seed = data.draw(pairs(len(listed)))
    targets, broker = random_targets(seed, coarse, 0.6), Broker(rules, listed, 10_000.0)
    scales = np.random.default_rng(seed).uniform(0.2, 1.5, targets.shape) if rules.sizing is Sizing.VOLATILITY else None
    placed, sizes = finer.placed(targets), None if scales is None else finer.placed(scales)

    expected = by_broker(finer.market, placed, broker, sizes, decides=finer.decides)
    found = simulate(finer.market, placed, rules, listings=listed, scales=sizes, decides=finer.decides)

    assert tuple(found.fills) == tuple(broker.fills)
    assert found.equity.tolist() == expected
    assert (found.sums.both, found.sums.refused, found.sums.bars) == (broker.both, broker.refused, len(coarse))
    np.testing.assert_equal(
        summarise(finer.market, placed, rules, listings=listed, scales=sizes, decides=finer.decides), found.sums
    )


@settings(max_examples=500)
@given(data=st.data(), rules=rules(), listed=listings())
def test_asked_bar_by_bar_it_is_the_same(data, rules, listed):
    coarse, finer, _ = data.draw(pairs(len(listed)))
    each = [SmaCross({"fast": 1, "slow": 2, "short": True}) for _ in listed]
    targets = targets_of(each[0], coarse)

    found = run_events(coarse, each, rules, listings=listed, finer=finer)
    expected = simulate(finer.market, finer.placed(targets), rules, listings=listed, decides=finer.decides)

    assert tuple(found.outcome.fills) == tuple(expected.fills)
    assert found.outcome.equity.tolist() == expected.equity.tolist()
    np.testing.assert_equal(found.outcome.sums, expected.sums)


@settings(max_examples=100)
@given(data=st.data(), symbols=st.integers(1, 2))
def test_rows_are_of_the_bars_that_they_are_in(data, symbols):
    coarse, finer, _ = data.draw(pairs(symbols))

    assert finer.market.closes_us[finer.decides].tolist() == coarse.closes_us.tolist()
    assert finer.bars[finer.decides].tolist() == list(range(len(coarse)))
    assert (np.diff(finer.market.closes_us) > 0).all()
    assert (finer.market.closes_us > (coarse.closes_us - coarse.timeframe.width_us)[finer.bars]).all()
    np.testing.assert_array_equal(finer.market.close[finer.decides], coarse.close)
    np.testing.assert_array_equal(finer.market.there[finer.decides], coarse.there)
    np.testing.assert_array_equal(finer.market.ends[finer.decides], coarse.ends)
    assert finer.market.ends.sum() == coarse.ends.sum()
    np.testing.assert_array_equal(
        np.maximum.reduceat(finer.market.high, np.flatnonzero(np.r_[True, finer.decides[:-1]])), coarse.high
    )


RISES_THEN_FALLS = [(10.0, 10.0, 10.0, 10.0)] * 6 + [(10.0, 12.0, 10.0, 12.0), (12.0, 12.0, 8.0, 8.0)] + [(8.0, 8.0, 8.0, 8.0)] * 2


def apart(rows: list[tuple[float, float, float, float]], *, without: set[int] = frozenset()) -> tuple[Market, Finer]:
    """Return five-minute candles of minutes (open, high, low, close), and them taken apart without some of the minutes."""
    market = market_from([(*row, 100.0) for row in (rows[0], *rows)])
    return taken_apart(minutes_of(market), without={0: without}, coarse_without={})


def test_which_of_stop_and_target_came_first_is_seen():
    coarse, finer = apart(RISES_THEN_FALLS)
    exits = Rules(stop_loss=0.1, take_profit=0.1, **FREE)
    targets = np.ones((2, 1))

    guessed = simulate(coarse, targets, exits)
    seen = simulate(finer.market, finer.placed(targets), exits, decides=finer.decides)

    # At the first close 1,000 are bought for 10 each at the next open: stop at 9, target at 11, the bar reaches both.
    assert [(fill.reason, fill.price) for fill in guessed.fills] == [(Reason.ENTRY, 10.0), (Reason.STOP_LOSS, 9.0)]
    assert [(fill.reason, fill.price) for fill in seen.fills] == [(Reason.ENTRY, 10.0), (Reason.TAKE_PROFIT, 11.0)]
    assert (guessed.sums.both, seen.sums.both) == (1, 0)
    assert (guessed.equity.tolist(), seen.equity.tolist()) == ([10_000.0, 9_000.0], [10_000.0, 11_000.0])


def test_a_fill_knows_its_coarse_bar_and_its_minute():
    _, finer = apart(RISES_THEN_FALLS)

    found = simulate(finer.market, finer.placed(np.ones((2, 1))), Rules(take_profit=0.1, **FREE), decides=finer.decides)

    rows = [fill.bar for fill in found.fills]
    assert finer.bars[rows].tolist() == [1, 1]
    assert ((finer.market.closes_us[rows] - START_US) // 60_000_000).tolist() == [7, 8]


@pytest.mark.parametrize("without", [{0}, {2}, {4}])
def test_a_bar_with_a_minute_missing_is_left_whole(without):
    coarse, finer = apart(RISES_THEN_FALLS, without=without)

    assert finer.decides.tolist() == [True] + [False] * 4 + [True]
    assert finer.apart == 1
    assert finer.market.high[0, 0] == coarse.high[0, 0]
    assert finer.market.closes_us[0] == coarse.closes_us[0]


def test_minutes_that_end_at_another_price_are_not_of_the_bar():
    market, _ = apart(RISES_THEN_FALLS)
    other = market_from([(8.5, 8.5, 8.5, 8.5, 1.0)] * 11)

    assert finer_of(market, {"OKX:C0-USDT": frame_of(other, 0)}, Timeframe.M1).apart == 0


def test_without_finer_candles_nothing_is_taken_apart():
    coarse, _ = apart(RISES_THEN_FALLS)

    finer = finer_of(coarse, {}, Timeframe.M1)

    assert (finer.apart, finer.decides.tolist()) == (0, [True, True])
    np.testing.assert_array_equal(finer.market.close, coarse.close)


def test_time_exits_count_decisions():
    coarse, finer = apart([(10.0, 10.0, 10.0, 10.0)] * 25)

    found = run_events(coarse, [BuyAndHold()], Rules(time_exit=2, **FREE), finer=finer).outcome

    assert [(finer.bars[fill.bar], fill.reason) for fill in found.fills] == [(1, Reason.ENTRY), (3, Reason.TIME)]
    assert len(found.equity) == 5


@pytest.mark.parametrize("timeframe", [Timeframe.M5, Timeframe.M15, Timeframe.H1])
def test_finer_means_finer(timeframe):
    coarse, _ = apart(RISES_THEN_FALLS)

    with pytest.raises(InputError, match=f"finer candles are of a timeframe that divides 5m, found {timeframe}"):
        finer_of(coarse, {}, timeframe)
