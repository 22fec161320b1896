"""Tables have the columns and types that notebooks rely on."""

import pandas as pd
from hypothesis import given

from db.frames import CANDLE_COLUMNS, candle_frame, series_from_frame
from db.series import CandleSeries, series_of
from market.clock import to_datetime
from market.timeframe import Timeframe
from tests.db.candles import START_US, SYMBOL, candle, stored_candles

TYPES = [
    *("str", "str", "datetime64[us, UTC]"),
    *(["float64"] * 6),
    *("Int64", "float64", "Int64", "Int64", "boolean", "str", "int32"),
]


def test_a_table_of_candles_has_these_columns_and_types():
    (series,) = series_of([candle(1), candle(2, complete=None)])

    table = candle_frame(series)

    assert tuple(table.columns) == CANDLE_COLUMNS
    assert [str(kind) for kind in table.dtypes] == TYPES
    assert table["timestamp"].tolist() == [pd.Timestamp(to_datetime(START_US + minutes * 60_000_000)) for minutes in (1, 2)]
    assert table["complete"].tolist() == [True, pd.NA]


def test_an_empty_table_has_the_same_types():
    table = candle_frame(CandleSeries.empty(SYMBOL, Timeframe.M1))

    assert [str(kind) for kind in table.dtypes] == TYPES


@given(stored_candles())
def test_candles_survive_the_way_through_a_table(candles):
    (series,) = series_of(candles)

    back = series_from_frame(SYMBOL, Timeframe.M1, candle_frame(series))

    assert list(back.candles()) == candles


def test_a_table_of_a_file_needs_only_prices_and_volume():
    table = pd.DataFrame({"timestamp": ["2024-08-09T00:00:00Z"], "open": [1], "high": [2], "low": [1], "close": [2], "volume": [5]})

    (made,) = series_from_frame(SYMBOL, Timeframe.H1, table).candles()

    assert (made.open, made.volume, made.trades, made.complete, made.origin) == (1.0, 5.0, None, None, "exchange")
