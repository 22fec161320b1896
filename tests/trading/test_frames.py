import numpy as np
import pandas as pd
import pytest

from market.errors import InputError
from tests.trading.bars import bars, walk
from trading.frames import column, last_us, symbol_of, timeframe_of, timestamps_us, to_bars

CLOSE_US = 1_723_161_660_000_000  # 2024-08-09T00:01:00Z


def stored(data: pd.DataFrame) -> pd.DataFrame:
    """Return bars as the store gives them: more columns, the closes as one of them."""
    candles = data.reset_index()
    candles.insert(0, "symbol", "OKX:BTC-USDT")
    candles.insert(1, "timeframe", "1m")
    return candles.assign(trades=pd.array([1] * len(data), dtype="Int64"), origin="live")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_closes_are_microseconds_whatever_the_index_counts(unit: str):
    data = bars([1.0, 2.0])
    data.index = data.index.as_unit(unit)

    assert timestamps_us(data).tolist() == [CLOSE_US, CLOSE_US + 60_000_000]
    assert last_us(data) == CLOSE_US + 60_000_000


def test_closes_come_from_the_column_of_stored_candles():
    assert timestamps_us(stored(bars([1.0, 2.0]))).tolist() == [CLOSE_US, CLOSE_US + 60_000_000]
    assert last_us(stored(bars([1.0, 2.0]))) == CLOSE_US + 60_000_000


def test_a_table_without_times_is_refused_where_they_are_needed():
    data = bars([1.0, 2.0]).reset_index(drop=True)

    assert last_us(data) == 0
    with pytest.raises(InputError, match="the column timestamp"):
        timestamps_us(data)


def test_a_column_is_read_the_same_from_any_table():
    data = walk(50)
    mixed, whole = stored(data), (data * 100).round().astype(np.int64)

    for _ in range(2):
        np.testing.assert_array_equal(column(data.iloc[10:20], "close"), data["close"].to_numpy()[10:20])
        np.testing.assert_array_equal(column(mixed, "close"), data["close"].to_numpy())
        assert column(whole, "low").dtype == np.float64


def test_columns_that_became_objects_are_still_read_as_numbers():
    data = bars([1.0, 2.0])
    column(data, "close")

    found = column(data.astype(object), "close")

    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0]


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="no column 'close'; it has open, high"):
        column(bars([1.0]).drop(columns="close"), "close")


def test_stored_candles_become_bars():
    data = walk(30)

    made = to_bars(stored(data))

    pd.testing.assert_frame_equal(made, data, check_freq=False)


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_bars_in_disorder_are_refused(order: list[int]):
    with pytest.raises(InputError, match="oldest first"):
        to_bars(bars([1.0, 2.0]).iloc[order])


def test_symbol_and_timeframe_are_what_the_data_names():
    data = bars([1.0])
    named = data.copy()
    named.attrs["symbol"] = "KRAKEN:BTC-USD"

    assert (symbol_of(data), symbol_of(named), symbol_of(stored(data))) == ("", "KRAKEN:BTC-USD", "OKX:BTC-USDT")
    assert timeframe_of(stored(data)) == "1m"
