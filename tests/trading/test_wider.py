import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.candle import Candle
from market.errors import InputError, TimeframeError
from market.rollup import roll_up
from market.timeframe import Timeframe
from tests.trading.bars import bars, candle_frames, strategies, walk
from trading import BaseStrategy
from trading.checks import check_look_ahead, check_lookback
from trading.frames import column, timestamps_us
from trading.indicators import sma
from trading.strategies.decisions import long_while
from trading.wider import narrower_bars, widen

START_US = 1_723_161_660_000_000  # 2024-08-09T00:01:00Z, the first close
MINUTE = 60_000_000
nan = np.nan


class WiderTrend(BaseStrategy):
    """Long while the close is above the average of wider closes: how a higher timeframe is used in a strategy."""

    def __init__(self, parameters):
        super().__init__(parameters)
        self.narrow = self.choice("narrow", "1m", choices=("1m",))
        self.wide = self.choice("wide", "5m", choices=("5m", "15m"))
        self.bars = self.whole("bars", 3, low=1, high=20)

    @property
    def lookback(self) -> int:
        return narrower_bars(self.narrow, self.wide, self.bars)

    def targets(self, data):
        wider = widen(data, self.wide)
        average = wider.seen(sma(wider.close, self.bars))
        self.show(data, average=average)
        return long_while(column(data, "close"), average)


def as_candles(data: pd.DataFrame) -> list[Candle]:
    rows = zip(timestamps_us(data).tolist(), *(data[name].tolist() for name in data.columns), strict=True)
    return [Candle("OKX:BTC-USDT", Timeframe.M1, *row) for row in rows]


def test_wider_bars_by_hand():
    # Closes 00:01 to 00:12: the first span, to 00:05, is left out; 00:06 to 00:10 is over; the one to 00:15 is not.
    closes = [1, 2, 3, 4, 5, 6, 9, 4, 7, 8, 11, 12]
    wider = widen(bars(closes), "5m")

    assert wider.timestamp_us.tolist() == [START_US + 9 * MINUTE]
    assert (wider.open[0], wider.high[0], wider.low[0], wider.close[0], wider.volume[0]) == (5, 9, 4, 8, 5)
    assert wider.last.tolist() == [-1] * 9 + [0, 0, 0]
    np.testing.assert_array_equal(wider.seen(wider.close), [nan] * 9 + [8, 8, 8])


def test_a_wider_bar_whose_last_minute_is_missing_is_seen_from_the_next_one_on():
    # Closes 00:05, 00:06, then nothing until 00:11: at 00:06 nobody knows that no more will come.
    wider = widen(bars([1, 2, 3], steps=[1, 1, 5]).set_axis(pd.to_datetime(
        ["2024-08-09T00:05Z", "2024-08-09T00:06Z", "2024-08-09T00:11Z"]
    )), "5m")  # fmt: skip

    assert wider.close.tolist() == [2]
    assert wider.last.tolist() == [-1, -1, 0]


def test_prices_of_minutes_without_trades_are_no_prices():
    # 00:06 to 00:10: flat at 5, then traded at 3 and 4.
    data = bars([9, 9, 9, 9, 5, 5, 3, 4, 4, 4], volumes=[1, 1, 1, 1, 1, 0, 1, 1, 0, 0])
    data.loc[data["volume"] == 0, ["open", "high", "low"]] = data["close"]
    data.loc[data.index[6], ["open", "high"]] = 3.0
    wider = widen(data, "5m")

    assert (wider.open[0], wider.high[0], wider.low[0], wider.close[0], wider.volume[0]) == (3, 4, 3, 4, 2)


def test_weeks_begin_on_monday():
    index = pd.date_range("2024-08-01", periods=20, freq="1D", tz="UTC")  # 2024-08-05 and 12 are Mondays
    wider = widen(bars(np.arange(20.0)).set_axis(index), "1w")

    assert pd.to_datetime(wider.timestamp_us, unit="us").strftime("%F").tolist() == ["2024-08-12", "2024-08-19"]
    assert wider.close.tolist() == [11, 18]


@settings(max_examples=200)
@given(frame=candle_frames(), width=st.sampled_from(["3m", "5m", "15m", "1h"]).filter(lambda text: text != "3m"))
def test_wider_bars_are_those_of_the_roll_up(frame: pd.DataFrame, width: str):
    wider = widen(frame, width)
    rolled = [candle for candle in roll_up(as_candles(frame), width)[1:] if candle.final]

    assert wider.timestamp_us.tolist() == [candle.timestamp_us for candle in rolled]
    for name in ("open", "high", "low", "close"):
        assert getattr(wider, name).tolist() == [getattr(candle, name) for candle in rolled]
    np.testing.assert_allclose(wider.volume, [candle.volume for candle in rolled], atol=1e-8)


@settings(max_examples=200)
@given(frame=candle_frames(), width=st.sampled_from(["5m", "15m", "1h"]), end=st.integers(1, 600))
def test_what_is_seen_at_a_bar_is_seen_without_the_bars_after_it(frame: pd.DataFrame, width: str, end: int):
    whole, part = widen(frame, width), widen(frame.iloc[:end], width)

    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(part.seen(getattr(part, name)), whole.seen(getattr(whole, name))[:end])


@settings(max_examples=200)
@given(frame=candle_frames(), strategy=strategies(WiderTrend), end=st.integers(1, 600))
def test_a_strategy_of_a_wider_timeframe_decides_with_its_lookback(frame: pd.DataFrame, strategy: WiderTrend, end: int):
    whole, recent = frame.iloc[:end], frame.iloc[:end].iloc[-strategy.lookback :]

    np.testing.assert_equal(strategy.process_data(recent).target, strategy.targets(whole)[-1])


def test_a_strategy_of_a_wider_timeframe_passes_the_checks():
    data = walk(1500)

    assert check_look_ahead(WiderTrend(), data).passed
    assert check_lookback(WiderTrend(), data).passed


def test_no_bars_make_no_wider_ones():
    wider = widen(bars([]), "5m")

    assert wider.close.shape == wider.last.shape == (0,)


def test_bars_inside_the_first_span_make_none():
    wider = widen(bars([1, 2, 3]), "5m")

    np.testing.assert_array_equal(wider.seen(wider.close), [nan] * 3)


def test_an_unknown_timeframe_is_refused():
    with pytest.raises(TimeframeError):
        widen(bars([1.0]), "7m")


def test_bars_wider_than_those_to_be_made_are_refused_where_the_data_says_so():
    data = bars([1.0, 2.0])
    data.attrs["timeframe"] = "1h"

    with pytest.raises(InputError, match="5m bars cannot be made of 1h bars"):
        widen(data, "5m")


def test_bars_in_disorder_are_refused():
    with pytest.raises(InputError, match="oldest first"):
        widen(bars([1.0, 2.0]).iloc[::-1], "5m")


def test_a_series_of_another_length_is_refused():
    with pytest.raises(InputError, match="each of 1 wider bars"):
        widen(walk(12), "5m").seen(np.ones(12))


def test_lookback_in_narrow_bars_by_hand():
    # One span at the begin that is left out, one at the end that is not over, three between; twelve bars each.
    assert narrower_bars("5m", "1h", 3) == 60
    with pytest.raises(InputError, match="1h bars cannot be made of 4h bars"):
        narrower_bars("4h", "1h", 3)
