"""What Kraken's websocket pushes, one session at a time: trades, snapshots, heartbeats and candles."""

import json
from decimal import Decimal

import pytest

from market.clock import parse_time
from replay.bars import Bar
from replay.kraken import KrakenSession, average_text, number_text, time_text
from replay.source import Market
from tests.replay.kraken_asking import MINUTE, ask, trades_of
from tests.replay.played import NOW, SYMBOL, bare, push
from tests.replay.tapes import recorded


def test_trades_are_the_single_fills(source, market):
    session = KrakenSession()
    ask(session, market)
    frames = push(session, source, NOW, NOW + 10 * MINUTE)
    fills = source.fills(SYMBOL)

    assert [bare(each) for each in trades_of(frames)] == [
        bare(each) for each in fills.slice(fills.at(NOW), fills.at(NOW + 10 * MINUTE))
    ]
    assert list(json.loads(frames[0])["data"][0]) == ["symbol", "side", "price", "qty", "ord_type", "trade_id", "timestamp"]


def test_what_was_traded_at_one_moment_comes_in_one_frame(source, market):
    session = KrakenSession()
    ask(session, market)
    frames = push(session, source, NOW, NOW + 10 * MINUTE)
    moments = [{row["timestamp"] for row in json.loads(frame)["data"]} for frame in frames]

    assert all(len(each) == 1 for each in moments)
    assert len(set.union(*moments)) == len(frames)
    assert any(len(json.loads(frame)["data"]) > 1 for frame in frames)


def test_spans_that_touch_give_every_trade_once(source, market):
    sessions = [KrakenSession(), KrakenSession()]
    for session in sessions:
        ask(session, market)
    whole = push(sessions[0], source, NOW, NOW + MINUTE)
    pieces = [frame for start in range(NOW, NOW + MINUTE, 7_000) for frame in push(sessions[1], source, start, start + 7_000)]

    assert pieces[: len(whole)] == whole


def test_several_symbols_are_interleaved_in_time(source, market):
    session = KrakenSession()
    ask(session, market, symbol=["BTC/USDT", "ETH/USDT"])
    trades = trades_of(push(session, source, NOW, NOW + MINUTE))

    assert [trade.timestamp_us for trade in trades] == sorted(trade.timestamp_us for trade in trades)
    assert len({trade.symbol for trade in trades}) == 2


def test_a_snapshot_has_the_last_fifty_trades_and_the_next_frame_goes_on(source, market):
    session = KrakenSession()
    acknowledgement, snapshot = ask(session, market, snapshot=True)
    fills = source.fills(SYMBOL)
    told = trades_of([json.dumps(snapshot).encode()])
    following = trades_of(push(session, source, NOW, NOW + MINUTE))

    assert (acknowledgement["result"]["snapshot"], snapshot["type"]) == (True, "snapshot")
    assert [bare(each) for each in told] == [bare(each) for each in fills.newest(fills.at(NOW), 50)]
    assert following[0].trade_id == told[-1].trade_id + 1


def test_heartbeats_come_each_second_of_silence_and_only_while_subscribed(market):
    session = KrakenSession()
    ask(session, market, "unsubscribe")
    silent = [session.beat(market, second / 10) for second in range(50)]
    ask(session, market)
    beats = [second for second in range(50, 101) if session.beat(market, second / 10)]

    assert silent == [[]] * 50
    assert beats == [60, 70, 80, 90, 100]


def test_a_trade_puts_the_heartbeat_off(source, market):
    session = KrakenSession()
    ask(session, market)
    session.beat(market, 0.0)
    pushed = push(session, source, NOW, NOW + MINUTE)
    beats = [second for second in (0.75, 1.0, 1.5, 1.75, 2.0) if session.beat(market, second) == [b'{"channel":"heartbeat"}']]

    assert pushed
    assert beats == [1.75]


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (83744.3, 1, "83744.3"),
        (77400.0, 1, "77400.0"),
        (0.0004478, 8, "0.00044780"),
        (1e-8, 8, "0.00000001"),
        (60123.0, 0, "60123"),
    ],
)
def test_numbers_are_printed_to_the_precision_of_the_instrument(number, digits, text):
    assert number_text(number, digits) == text


def test_times_are_printed_to_the_microsecond():
    assert time_text(parse_time("2026-03-25T07:49:37.708706")) == "2026-03-25T07:49:37.708706Z"
    assert time_text(parse_time("2023-10-04T16:25:00"), digits=9) == "2023-10-04T16:25:00.000000000Z"


def candle(session: KrakenSession, market: Market, **params: object) -> list[dict]:
    return ask(session, market, **{"channel": "ohlc", "interval": 1, "snapshot": False} | params)


def test_a_candle_is_told_of_while_it_forms_and_stands_as_it_was_when_the_next_begins(source, market):
    session = KrakenSession()
    candle(session, market)
    rows: list[dict] = []
    for start in range(NOW, NOW + 91_000_000, 250_000):
        for frame in push(session, source, start, start + 250_000):
            assert json.loads(frame)["channel"] == "ohlc"
            rows += json.loads(frame)["data"]
    opens = list(dict.fromkeys(row["interval_begin"] for row in rows))
    last = {row["interval_begin"]: row for row in rows}
    minute = NOW // MINUTE * MINUTE
    [bar] = source.minutes(SYMBOL, minute, minute + MINUTE)
    found = last[opens[0]]

    assert opens[0] == "2025-06-15T04:10:00.000000000Z"
    assert [found[name] for name in ("open", "high", "low", "close", "volume", "trades")] == [
        bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades,
    ]  # fmt: skip
    assert (found["interval"], found["timestamp"]) == (1, "2025-06-15T04:11:00.000000Z")
    assert all(row["trades"] for row in rows)


def test_a_snapshot_of_candles_comes_unless_it_is_not_wanted(market):
    acknowledgement, snapshot = candle(KrakenSession(), market, interval=5, snapshot=None)
    [alone] = candle(KrakenSession(), market)

    assert (acknowledgement["result"]["interval"], acknowledgement["result"]["snapshot"]) == (5, True)
    assert (snapshot["type"], snapshot["data"][-1]["interval_begin"]) == ("snapshot", "2025-06-15T04:10:00.000000000Z")
    assert alone["result"]["snapshot"] is False


def test_the_average_price_is_cut_not_rounded():
    whole = Bar(0, 106038.3, 106038.3, 106038.3, 106038.3, 0.00032101, round(106038.3 * 0.00032101, 8), 1)
    mixed = Bar(0, 1.0, 1.2, 1.0, 1.2, 3.0, 3.26, 2)
    empty = Bar(0, 1.0, 1.0, 1.0, 1.0)

    assert [average_text(bar, 1) for bar in (whole, mixed, empty)] == ["106038.3", "1.0", "0.0"]


def test_recorded_averages_are_met():
    rows = json.loads(recorded("../pairs/kraken_XBTUSDT_20251110_part1_ohlc.json").read_bytes())["result"]["XBTUSDT"]
    listed = json.loads(recorded("../pairs/kraken_XBTUSDT_20251110_part1_trades.json").read_bytes())["result"]["XBTUSDT"]
    sums: dict[int, tuple[Decimal, Decimal]] = {}
    for price, size, time, *_ in listed:
        value, volume = sums.get(int(time // 60) * 60, (Decimal(0), Decimal(0)))
        sums[int(time // 60) * 60] = value + Decimal(price) * Decimal(size), volume + Decimal(size)
    traded = [row for row in rows if row[0] in sums and row[0] > min(sums)]
    bars = [
        Bar(0, *map(float, row[1:5]), float(row[6]), float(round(sums[row[0]][0], 8)), row[7]) for row in traded
    ]  # fmt: skip

    assert len(traded) == 139
    assert [average_text(bar, 1) for bar in bars] == [row[5] for row in traded]
