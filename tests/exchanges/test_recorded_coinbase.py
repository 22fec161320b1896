"""Recorded frames and answers of Coinbase decode, with the counts of the collection's own table; mutilated ones are refused."""

import gzip
import json
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import Coinbase
from exchanges.base import Control, ControlKind
from market.errors import WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window
from tests.exchanges.coinbase_data import ADVANCED, ADVANCED_PRODUCTS, EXCHANGE, EXCHANGE_PRODUCTS, NOW
from tests.exchanges.hostile import json_values, mangled, read_or_refuse
from tests.recorded import frames_of, lines_of, recorded, tally

MINUTE_US = 60_000_000


def without_a_gap(trades: list[Trade]) -> dict[str, int]:
    """Return how many trades each symbol has, having seen that its ids rise by one."""
    ids: dict[str, list[int]] = {}
    for trade in trades:
        ids.setdefault(trade.symbol, []).append(trade.trade_id)
    for found in ids.values():
        assert found == list(range(found[0], found[0] + len(found)))
    return {symbol: len(found) for symbol, found in ids.items()}


def test_the_recorded_frames_of_advanced_trade_decode_whole():
    kinds, trades = tally(Coinbase(ADVANCED_PRODUCTS, channel="market_trades"), frames_of(ADVANCED), NOW)

    assert kinds == Counter({"trades": 40, "heartbeat": 12, "subscribed": 5, "other": 463})
    assert without_a_gap(trades) == {"COINBASE:BTC-USD": 134, "COINBASE:ETH-USD": 121}
    for symbol in {trade.symbol for trade in trades}:
        times = [trade.timestamp_us for trade in trades if trade.symbol == symbol]
        assert times == sorted(times)


def test_the_recorded_frames_of_advanced_trade_are_counted_without_a_gap():
    parsed = Coinbase(ADVANCED_PRODUCTS, channel="market_trades").parse_all(frames_of(ADVANCED), NOW)

    assert parsed.numbers == list(range(520))
    assert (len(parsed.trades), len(parsed.refused)) == (255, 0)


def test_a_lost_frame_shows_in_the_numbers():
    frames = list(frames_of(ADVANCED))
    parsed = Coinbase(ADVANCED_PRODUCTS, channel="market_trades").parse_all(frames[:100] + frames[101:], NOW)

    assert [number for number in range(520) if number not in parsed.numbers] == [100]


def test_the_recorded_frames_of_exchange_decode_whole():
    kinds, trades = tally(Coinbase(EXCHANGE_PRODUCTS), frames_of(EXCHANGE), NOW)

    assert kinds == Counter({"trades": 41, "subscribed": 3, "other": 4_820})
    assert sum(without_a_gap(trades).values()) == 41
    assert {trade.symbol for trade in trades} == {f"COINBASE:{product}" for product in EXCHANGE_PRODUCTS}


def test_the_printed_side_is_the_makers_since_buyers_meet_the_best_ask():
    codec = Coinbase(ADVANCED_PRODUCTS, channel="market_trades")
    best: dict[str, dict[Side, float]] = {}
    at_best = Counter[tuple[Side, bool]]()
    for frame in frames_of(ADVANCED):
        for event in json.loads(frame)["events"]:
            for ticker in event.get("tickers", ()):
                best[f"COINBASE:{ticker['product_id']}"] = {
                    Side.BUY: float(ticker["best_ask"]), Side.SELL: float(ticker["best_bid"]),
                }  # fmt: skip
        found = codec.parse(frame, NOW)
        for trade in [] if isinstance(found, Control) or b'"snapshot"' in frame else found:
            prices = best[trade.symbol]
            if trade.price in prices.values():
                at_best[trade.side, trade.price == prices[trade.side]] += 1

    assert at_best == Counter({(Side.BUY, True): 34, (Side.SELL, True): 12})


def test_matches_were_recorded_with_the_makers_side_too():
    side = {"buy": Side.SELL, "sell": Side.BUY}
    codec = Coinbase(EXCHANGE_PRODUCTS)
    matches = [json.loads(frame) for frame in frames_of(EXCHANGE) if b'match"' in frame]

    assert [codec.parse(json.dumps(match).encode(), NOW)[0].side for match in matches if "maker_order_id" in match] == [
        side[match["side"]] for match in matches if "maker_order_id" in match
    ]


def test_the_single_recorded_frames_are_a_trade_or_known():
    codec, kinds = Coinbase(["BTC-USD"]), Counter[str]()
    for sample in lines_of("ws/frames_crypto_msg_parser.jsonl.gz"):
        if sample["exchange"] == "coinbase_pro":
            found = codec.parse(sample["frame"].encode(), NOW)
            kinds[found.kind.value if isinstance(found, Control) else "trades"] += 1

    assert kinds == Counter({"trades": 1, "other": 2})


def test_recorded_products_are_read():
    [products] = [line["body"] for line in lines_of("rest/coinbase/cf_products_exchange_20210417.jsonl.gz")]
    found = Coinbase().parse_instruments(json.dumps(products).encode())

    assert [each.symbol for each in found] == [f"COINBASE:{product['id']}" for product in products]
    assert Counter(each.status for each in found) == Counter({"live": 162})
    assert (found[0].symbol, found[0].tick_size, found[0].lot_size) == ("COINBASE:SKL-EUR", "0.0001", "0.1")


def test_recorded_candles_are_those_that_were_closed():
    *_, line = lines_of("rest/coinbase/bbgo_candles_20250815.jsonl.gz")
    body = json.loads(line["body"])
    start_us, end_us = 1_755_227_268_000_000, 1_755_245_268_000_000  # the request's own; it ends within a minute
    pages = Coinbase().candles("COINBASE:BTC-USD", Timeframe.M1, Window(start_us, end_us))
    request = next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(line["body"].encode())
    found = done.value.value

    assert dict(request.params) == {"granularity": "60", "start": "1755227280", "end": "1755245160"}
    assert len(found) == 299
    assert [[each.open_us // 10**6, each.low, each.high, each.open, each.close, each.volume] for each in found] == body[:0:-1]
    assert found[-1].timestamp_us <= end_us < body[0][0] * 10**6 + MINUTE_US


def test_a_page_of_350_rows_is_read():
    line = next(lines_of("rest/coinbase/bbgo_candles_20250815.jsonl.gz"))
    opens = [row[0] for row in json.loads(line["body"])]
    window = Window(opens[-51] * 10**6, (opens[-51] + 300 * 60) * 10**6)
    pages = Coinbase().candles("COINBASE:BTC-USD", Timeframe.M1, window)
    next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(line["body"].encode())

    assert (len(opens), len(done.value.value)) == (350, 300)


def test_four_hour_candles_of_advanced_trade_have_no_place_in_the_interface_of_exchange():
    with gzip.open(recorded("ohlcv/coinbase/BTC-USD_4h_2016_2025.json.gz")) as file:
        first = json.load(file)["candles"][0]
    pages = Coinbase().candles("COINBASE:BTC-USD", Timeframe.H1, Window(1_463_544_000_000_000, 1_463_558_400_000_000))
    next(pages)
    with pytest.raises(WireError):
        pages.send(json.dumps([first]).encode())


FRAMES = [
    b'{"type":"match","trade_id":10,"sequence":50,"time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","size":"5","price":"4","side":"buy"}',
    b'{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}',
    b'{"type":"error","message":"Failed to subscribe","reason":"BTC-USD is not a valid product"}',
    (b'{"channel":"market_trades","timestamp":"2026-08-09T21:05:48.2Z","sequence_num":9,"events":[{"type":"update","trades":'
    b'[{"product_id":"BTC-USD","trade_id":"1","price":"65083.67","size":"0.01","time":"2026-08-09T21:05:48.16Z","side":"SELL"}]}]}'),
    b'{"channel":"heartbeats","timestamp":"2026-08-09T21:05:48.8Z","sequence_num":35,"events":[{"heartbeat_counter":41691}]}',
]  # fmt: skip
CODEC = Coinbase(["BTC-USD"])
NAMES = [
    "type",
    "channel",
    "sequence_num",
    "events",
    "trades",
    "trade_id",
    "product_id",
    "price",
    "size",
    "time",
    "side",
    "message",
]
JSON = json_values(NAMES, "match", "market_trades")


@given(value=st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_is_read_or_refused(value):
    read_or_refuse(CODEC, value)


@settings(max_examples=500)
@given(frame=st.sampled_from(FRAMES).flatmap(mangled))
def test_a_mutilated_frame_is_read_or_refused(frame):
    read_or_refuse(CODEC, frame)


@given(value=JSON)
def test_any_answer_is_read_or_refused(value):
    body = json.dumps(value).encode()
    with suppress(WireError):
        CODEC.parse_server_time(body)
    with suppress(WireError):
        CODEC.parse_instruments(body)
    pages = CODEC.newest_trades("COINBASE:BTC-USD", NOW)
    next(pages)
    with suppress(WireError, StopIteration):
        pages.send(body)
    CODEC.refusal(400, {}, body)


def test_brackets_without_end_are_a_wire_error_on_both_feeds():
    nested = b'{"x":' + b"[" * 100_000

    for frame in (nested, b'{"sequence_num":1,' + nested[1:]):
        with pytest.raises(WireError):
            CODEC.parse(frame, NOW)
    assert CODEC.parse(FRAMES[2], NOW).kind is ControlKind.REFUSED
