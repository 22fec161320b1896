"""Candles become columns and candles again, and nothing is lost."""

import msgspec
import numpy as np
import pytest
from hypothesis import given

from db.series import CandleSeries, series_of
from market.candle import Candle
from market.timeframe import Timeframe
from tests.db.candles import SYMBOL, candle, stored_candles


@given(stored_candles())
def test_candles_survive_the_way_through_columns(candles):
    (series,) = series_of(candles)

    assert list(series.candles()) == candles


def test_each_symbol_and_timeframe_is_a_series():
    other = msgspec.structs.replace(candle(1), symbol="OKX:ETH-USDT")
    wider = msgspec.structs.replace(candle(5), timeframe=Timeframe.M5)

    parts = series_of([candle(1), other, candle(2), wider])

    assert [(part.symbol, part.timeframe, len(part)) for part in parts] == [
        (SYMBOL, Timeframe.M1, 2),
        ("OKX:ETH-USDT", Timeframe.M1, 1),
        (SYMBOL, Timeframe.M5, 1),
    ]


def test_a_forming_candle_is_refused():
    forming = msgspec.structs.replace(candle(1), final=False)

    with pytest.raises(ValueError, match="only final candles"):
        series_of([candle(0), forming])


def test_of_a_repeated_candle_the_highest_revision_counts():
    candles = [candle(2, revision=1), candle(1), candle(2, revision=3), candle(2, revision=2)]

    (series,) = series_of(candles)

    assert list(series.candles()) == [candle(1), candle(2, revision=3)]


def test_two_series_become_one_and_the_first_counts():
    (mine,) = series_of([candle(2, revision=9), candle(4)])
    (other,) = series_of([candle(1), candle(2), candle(3)])

    assert list(mine.before(other).candles()) == [candle(1), candle(2, revision=9), candle(3), candle(4)]


def test_nothing_before_something_is_something():
    (something,) = series_of([candle(1)])
    nothing = CandleSeries.empty(SYMBOL, Timeframe.M1)

    assert nothing.before(something) is something
    assert something.before(nothing) is something
    assert len(nothing.before(nothing)) == 0


def test_columns_that_are_missing_are_null():
    prices = {name: np.ones(2) for name in ("open", "high", "low", "close", "volume")}

    series = CandleSeries.of(SYMBOL, Timeframe.M1, {"timestamp": [60_000_000, 120_000_000], **prices})

    first = next(iter(series.candles()))
    expected = Candle(
        SYMBOL, Timeframe.M1, 60_000_000, 1.0, 1.0, 1.0, 1.0, 1.0, None, None, None, None, None, True, None, "exchange", 0
    )
    assert first == expected
