"""Recorded frames and answers decode, with the counts of the collection's own table; mutilated ones raise WireError only."""

import json
import re
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import OKX, Binance, DataProvider
from exchanges.base import Control, ControlKind
from market.errors import WireError
from market.timeframe import Timeframe
from market.trade import Trade
from market.window import Window
from tests.exchanges.asking import answered
from tests.exchanges.hostile import json_values, mangled, read_or_refuse, strangely_filled
from tests.recorded import content_of, frames_of, lines_of, recorded, tally

NOW = 1_700_000_000_000_000
HOUR_MS = 3_600_000

FRAMES = [
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"9","px":"42.1","sz":"1","side":"buy","ts":"16","count":"3"}]}',
    b'{"id":"1512","event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
    b'{"event":"error","code":"60018","msg":"channel:trades,instId:BTC-USDT doesn\'t exist","connId":"a4d3ae55"}',
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":35,"p":"61837.63","q":"0.02","T":172316125,"m":true}}',
    b'{"e":"aggTrade","E":1672515782136,"s":"BTCUSDT","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":true}',
    b'{"error":{"code":3,"msg":"Invalid JSON"},"id":null}',
    b'{"e":"serverShutdown","E":1770123456789}',
]  # fmt: skip
CODECS = [OKX(["BTC-USDT"]), Binance(["BTC-USDT"])]


def read(venue: type[DataProvider], name: str, symbols: list[str]) -> tuple[Counter[str], list[Trade]]:
    """Return how many frames of a file are trades, of another kind, and refused; and the trades."""
    return tally(venue(symbols), frames_of(name), NOW)


def assert_no_gap(trades: list[Trade]) -> None:
    last: dict[str, int] = {}
    for trade in trades:
        assert trade.first_id == last.get(trade.symbol, trade.first_id - 1) + 1
        last[trade.symbol] = trade.trade_id


@pytest.mark.parametrize(
    ("day", "frames", "trades", "snapshots"),
    [("20230405", 15_088, 3_144, 0), ("20240808", 41_249, 9_757, 1), ("20240809", 58_325, 10_147, 0)],
)
def test_a_recorded_night_of_binance_decodes_whole(day, frames, trades, snapshots):
    kinds, found = read(Binance, f"ws/binance/hft_spot_btcusdt_{day}.gz", ["BTC-USDT"])

    assert kinds == Counter({"trades": trades, "other": frames - trades - snapshots, "refused": snapshots})
    assert [trade.trade_id for trade in found] == list(range(found[0].trade_id, found[0].trade_id + trades))


SPOT_2021 = [
    "BTC-AUD",
    "MANA-USDT",
    "ETH-BRL",
    "DENT-USDT",
    "ZIL-USDT",
    "RENBTC-ETH",
    "BTCST-USDT",
    "QTUM-ETH",
    "AXS-BNB",
    "NEO-USDC",
]


@pytest.mark.parametrize(
    ("name", "symbols", "frames", "trades"),
    [
        ("cf_binance_spot_20210405", SPOT_2021, 11_357, 1_240),
        ("cf_binance_spot_20210814", ["FTM-USDT", "SXP-BTC", "BADGER-BTC", "XMR-BTC"], 1_003, 28),
    ],
)
def test_recorded_aggregates_of_binance_have_no_gap(name, symbols, frames, trades):
    kinds, found = read(Binance, f"ws/binance/{name}.jsonl.gz", symbols)

    assert kinds == Counter({"trades": trades, "other": frames - trades})
    assert_no_gap(found)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_recorded_trades_of_okx_decode_where_they_are_spot(number):
    name = f"ws/okx/cf_okx_v5_20210722_conn{number}.jsonl.gz"
    kinds, found = read(OKX, name, ["BTC-USDT"])
    spot = {symbol for frame in frames_of(name) for symbol in re.findall(r'"instId":"(\w+-\w+)"', frame.decode())}
    of_all, all_trades = read(OKX, name, sorted(spot))

    assert kinds.total() == of_all.total()
    assert of_all["trades"] + of_all["refused"] == 36
    assert (of_all["trades"], len(all_trades)) == (27, 27)
    assert {trade.symbol for trade in found} <= {"OKX:BTC-USDT"}
    assert_no_gap(all_trades)


def test_every_single_frame_of_the_collection_is_a_trade_or_known_or_refused():
    kinds = Counter[tuple[str, str]]()
    codecs = {"okx": OKX(["BTC-USDT"]), "binance": Binance(["BTC-USDT"])}
    for sample in lines_of("ws/frames_crypto_msg_parser.jsonl.gz"):
        if sample["exchange"] not in codecs:
            continue
        try:
            found = codecs[sample["exchange"]].parse(sample["frame"].encode(), NOW)
        except WireError:
            continue
        kind = found.kind.value if isinstance(found, Control) else "trades"
        kinds[sample["exchange"], kind] += 1
        assert kind in {"trades", ControlKind.OTHER}
        assert (kind == "trades") == (sample["kind"] == "trade")

    assert kinds["okx", "trades"] == 1
    assert kinds["okx", "other"] == 17


def test_recorded_klines_of_binance_page_without_a_gap_but_the_outage():
    answers = [line["body"] for line in lines_of("rest/binance/gct_klines_1h_two_pages.jsonl.gz")]
    start, end = answers[0][0][0], answers[-1][-1][0] + HOUR_MS
    pages = Binance().candles("BINANCE:BTC-USDT", Timeframe.H1, Window(start * 1000, end * 1000))
    candles, _ = answered(pages, *(json.dumps(answer).encode() for answer in answers))
    opens = [candle.open_us // 1000 for candle in candles]

    assert len(opens) == 1468
    assert [time for time in range(start, end, HOUR_MS) if time not in opens] == [1593309600000 + n * HOUR_MS for n in range(3)]


def test_recorded_trades_over_rest_are_read():
    okx = json.loads(recorded("rest/okx/nautilus_http_get_trades.json").read_bytes())
    trades, _ = answered(OKX().newest_trades("OKX:BTC-USDT", NOW), json.dumps(okx).encode())

    assert [trade.trade_id for trade in trades] == [734864332, 734864333]


def test_recorded_instruments_are_read():
    names = ("rest/okx/cf_instruments_20210722.jsonl.gz", "rest/binance/cf_exchangeInfo_spot_a.jsonl.gz")
    spot, binance = (json.loads(content_of(name).splitlines()[0])["body"] for name in names)
    found = OKX().parse_instruments(json.dumps(spot).encode()), Binance().parse_instruments(json.dumps(binance).encode())

    assert (len(found[0]), found[0][0].symbol) == (len(spot["data"]), "OKX:BTC-USDT")
    assert (len(found[1]), found[1][0].symbol) == (len(binance["symbols"]), "BINANCE:ETH-BTC")


NAMES = [
    "e",
    "s",
    "t",
    "p",
    "q",
    "T",
    "m",
    "data",
    "arg",
    "stream",
    "event",
    "channel",
    "instId",
    "code",
    "msg",
    "error",
    "id",
    "result",
]
JSON = json_values(NAMES)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(frame=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(codec, frame):
    read_or_refuse(codec, frame)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(value=JSON)
def test_any_json_is_read_or_refused(codec, value):
    read_or_refuse(codec, json.dumps(value).encode())


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@settings(max_examples=500)
@given(frame=st.sampled_from(FRAMES).flatmap(mangled))
def test_a_mutilated_frame_is_read_or_refused(codec, frame):
    read_or_refuse(codec, frame)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(frame=st.sampled_from(FRAMES).flatmap(lambda good: strangely_filled(good, JSON)))
def test_a_frame_with_a_strange_value_is_read_or_refused(codec, frame):
    read_or_refuse(codec, frame)


ANSWERS = ["parse_server_time", "parse_instruments"]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("method", ANSWERS)
@given(value=JSON)
def test_any_answer_is_read_or_refused(codec, method, value):
    with suppress(WireError):
        getattr(codec, method)(json.dumps(value).encode())
