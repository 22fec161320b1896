import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from market.aggregation import aggregate_to_timeframe
from market.builder import CandleBuilder
from market.errors import InputError
from market.rollup import roll_up
from market.timeframe import Timeframe
from market.trade import Trade
from tests.generators import MINUTE_US, START_US, SYMBOL, trade_runs


def ticks(rows: list[tuple[str, float, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["timestamp", "price", "size"])
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"], utc=True, format="ISO8601"))


def as_ticks(trades: list[Trade]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "timestamp": [trade.timestamp_us for trade in trades],
            "price": [trade.price for trade in trades],
            "size": [trade.size for trade in trades],
            "side": [str(trade.side) for trade in trades],
            "trade_id": [trade.trade_id for trade in trades],
        }
    )


def test_a_five_minute_candle_is_made_of_the_seconds_before_its_label():
    frame = aggregate_to_timeframe(
        ticks([("2024-01-01 09:00:00", 1.0, 1.0), ("2024-01-01 09:04:59.999999", 2.0, 1.0), ("2024-01-01 09:05:00", 3.0, 1.0)]),
        "5m",
    )

    assert frame["timestamp"].tolist() == [pd.Timestamp("2024-01-01 09:05", tz="UTC"), pd.Timestamp("2024-01-01 09:10", tz="UTC")]
    assert frame["close"].tolist() == [2.0, 3.0]


def test_spans_without_ticks_repeat_the_last_close():
    frame = aggregate_to_timeframe(ticks([("2024-01-01 09:00:00", 1.0, 1.0), ("2024-01-01 09:03:00", 2.0, 1.0)]), Timeframe.M1)

    assert frame[["open", "high", "low", "close"]].iloc[1].tolist() == [1.0] * 4
    assert frame["volume"].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert frame["trades"].tolist() == [1, 0, 0, 1]


def test_weeks_begin_on_monday_and_days_at_midnight_utc():
    sunday_and_monday = ticks([("2024-08-11 23:59:59", 1.0, 1.0), ("2024-08-12 00:00:00", 2.0, 1.0)])

    assert aggregate_to_timeframe(sunday_and_monday, "1w")["timestamp"].dt.strftime("%a %F %T").tolist() == [
        "Mon 2024-08-12 00:00:00",
        "Mon 2024-08-19 00:00:00",
    ]
    assert aggregate_to_timeframe(sunday_and_monday, "1d")["timestamp"].dt.strftime("%F %T").tolist() == [
        "2024-08-12 00:00:00",
        "2024-08-13 00:00:00",
    ]


def test_rows_in_any_order_and_any_unit_give_the_same_candles():
    frame = ticks([("2024-01-01 09:00:01", 1.0, 1.0), ("2024-01-01 09:00:02", 2.0, 0.5), ("2024-01-01 09:01:02", 3.0, 0.5)])
    shuffled = frame.iloc[[2, 0, 1]].assign(timestamp=lambda rows: rows["timestamp"].astype("int64"))
    indexed = frame.rename(columns={"size": "volume"}).set_index("timestamp")

    expected = aggregate_to_timeframe(frame, "1m")

    pd.testing.assert_frame_equal(aggregate_to_timeframe(shuffled, "1m"), expected)
    pd.testing.assert_frame_equal(aggregate_to_timeframe(indexed, "1m"), expected)


def test_several_symbols_are_kept_apart():
    frame = pd.concat([ticks([("2024-01-01 09:00:01", 1.0, 1.0)]).assign(symbol=symbol) for symbol in ("OKX:B-USDT", "OKX:A-USDT")])

    assert aggregate_to_timeframe(frame, "1m")["symbol"].tolist() == ["OKX:A-USDT", "OKX:B-USDT"]


def test_no_ticks_give_no_candles():
    frame = aggregate_to_timeframe(ticks([]), "1m")

    assert len(frame) == 0
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_impossible_prices_are_refused_with_their_row(bad: float):
    with pytest.raises(InputError, match=r"price has to be a finite number above zero; row 0"):
        aggregate_to_timeframe(ticks([("2024-01-01", bad, 1.0)]), "1m")


def test_missing_columns_are_named():
    with pytest.raises(InputError, match=r"need the columns timestamp, price and size; found timestamp, price"):
        aggregate_to_timeframe(ticks([]).drop(columns="size"), "1m")


@given(trade_runs())
def test_the_batch_equals_the_builder(trades: list[Trade]):
    builder = CandleBuilder(SYMBOL)
    candles = [candle for trade in trades for candle in builder.add(trade)] + [builder.forming()]

    frame = aggregate_to_timeframe(as_ticks(trades), "1m")

    for name in ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume"):
        assert frame[name].tolist() == [getattr(candle, name) for candle in candles], name
    assert frame["timestamp"].astype("int64").tolist() == [candle.timestamp_us for candle in candles]
    assert frame["last_trade_id"].fillna(-1).tolist() == [-1 if c.last_trade_id is None else c.last_trade_id for c in candles]


@given(trade_runs(longest_pause_us=30 * MINUTE_US))
def test_rolled_up_minutes_equal_the_batch_of_wider_ones(trades: list[Trade]):
    builder = CandleBuilder(SYMBOL)
    minutes = [candle for trade in trades for candle in builder.add(trade)] + [builder.forming()]

    for timeframe in (Timeframe.M5, Timeframe.H1, Timeframe.W1):
        rolled = roll_up(minutes, timeframe)
        frame = aggregate_to_timeframe(as_ticks(trades), timeframe)
        for name in ("open", "high", "low", "close", "trades"):
            assert frame[name].tolist() == [getattr(candle, name) for candle in rolled], name
        assert frame["volume"].tolist() == pytest.approx([candle.volume for candle in rolled], abs=2e-8)


def test_a_wider_candle_is_complete_only_with_all_its_members():
    builder = CandleBuilder(SYMBOL)
    start = START_US + MINUTE_US  # 23:55, a five-minute border
    trades = [Trade(SYMBOL, n, 100.0, 1.0, "buy", start + n * MINUTE_US, 0) for n in range(-1, 16)]
    minutes = [candle for trade in trades for candle in builder.add(trade)]

    rolled = roll_up([minute for minute in minutes if minute.timestamp_us != start + 7 * MINUTE_US], "5m")

    assert [(candle.complete, candle.final) for candle in rolled] == [(False, True), (True, True), (False, True), (True, True)]
    assert roll_up(minutes[:4], "5m")[-1].final is False


def test_narrower_candles_cannot_be_made_of_wider_ones():
    builder = CandleBuilder(SYMBOL, Timeframe.H1)
    builder.add(Trade(SYMBOL, 1, 1.0, 1.0, "buy", START_US, 0))

    with pytest.raises(InputError, match="5m candles cannot be made of 1h candles"):
        roll_up([builder.forming()], "5m")
