"""Recorded frames and answers decode, with the counts of the collection's own table; mutilated ones raise WireError only."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import OKX, Binance, DataProvider
from exchanges.base import Control, ControlKind
from market.errors import WireError
from market.timeframe import Timeframe
from market.trade import Trade
from market.window import Window

DATA = Path(__file__).parents[3] / "shared" / "data"
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


def recorded(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"the recorded data is not at {DATA}")
    return DATA / name


def lines_of(name: str) -> Iterator[bytes]:
    with gzip.open(recorded(name)) as file:
        for line in file:
            if line.startswith(b"{"):
                recording = json.loads(line)
                if recording.get("dir") == "recv":
                    yield recording["data"].encode()
            else:
                yield line.split(b" ", 1)[1].rstrip(b"\n")


def read(venue: type[DataProvider], name: str, symbols: list[str]) -> tuple[Counter[str], list[Trade]]:
    """Return how many frames of a file are trades, of another kind, and refused; and the trades."""
    codec, kinds, trades = venue(symbols), Counter[str](), list[Trade]()
    for frame in lines_of(name):
        try:
            found = codec.parse(frame, NOW)
        except WireError:
            kinds["refused"] += 1
            continue
        if isinstance(found, Control):
            kinds[found.kind.value] += 1
        else:
            kinds["trades"] += 1
            trades += found
    return kinds, trades


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
    spot = {symbol for frame in lines_of(name) for symbol in re.findall(r'"instId":"(\w+-\w+)"', frame.decode())}
    of_all, all_trades = read(OKX, name, sorted(spot))

    assert kinds.total() == of_all.total()
    assert of_all["trades"] + of_all["refused"] == 36
    assert (of_all["trades"], len(all_trades)) == (27, 27)
    assert {trade.symbol for trade in found} <= {"OKX:BTC-USDT"}
    assert_no_gap(all_trades)


def test_every_single_frame_of_the_collection_is_a_trade_or_known_or_refused():
    kinds = Counter[tuple[str, str]]()
    codecs = {"okx": OKX(["BTC-USDT"]), "binance": Binance(["BTC-USDT"])}
    with gzip.open(recorded("ws/frames_crypto_msg_parser.jsonl.gz")) as file:
        samples = [json.loads(line) for line in file]
    for sample in samples:
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
    with gzip.open(recorded("rest/binance/gct_klines_1h_two_pages.jsonl.gz")) as file:
        answers = [json.loads(line)["body"] for line in file]
    start, end = answers[0][0][0], answers[-1][-1][0] + HOUR_MS
    pages = Binance().candles("BINANCE:BTC-USDT", Timeframe.H1, Window(start * 1000, end * 1000))
    next(pages)
    pages.send(json.dumps(answers[0]).encode())
    with pytest.raises(StopIteration) as done:
        pages.send(json.dumps(answers[1]).encode())
    opens = [candle.open_us // 1000 for candle in done.value.value]

    assert len(opens) == 1468
    assert [time for time in range(start, end, HOUR_MS) if time not in opens] == [1593309600000 + n * HOUR_MS for n in range(3)]


def test_recorded_trades_over_rest_are_read():
    okx = json.loads(recorded("rest/okx/nautilus_http_get_trades.json").read_bytes())
    pages = OKX().newest_trades("OKX:BTC-USDT", NOW)
    next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(json.dumps(okx).encode())

    assert [trade.trade_id for trade in done.value.value] == [734864332, 734864333]


def test_recorded_instruments_are_read():
    with gzip.open(recorded("rest/okx/cf_instruments_20210722.jsonl.gz")) as file:
        spot = json.loads(next(iter(file)))["body"]
    with gzip.open(recorded("rest/binance/cf_exchangeInfo_spot_a.jsonl.gz")) as file:
        binance = json.loads(next(iter(file)))["body"]
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
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)


def trade_or_control(codec: DataProvider, frame: bytes) -> None:
    """Assert that a frame gives values that may be stored, or WireError, and nothing else."""
    try:
        found = codec.parse(frame, NOW)
    except WireError:
        return
    for trade in [] if isinstance(found, Control) else found:
        assert 0 < trade.price < float("inf")
        assert 0 < trade.size < float("inf")
        assert 0 <= trade.first_id <= trade.trade_id < 2**62
        assert trade.symbol in codec.symbols


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(frame=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(codec, frame):
    trade_or_control(codec, frame)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(value=JSON)
def test_any_json_is_read_or_refused(codec, value):
    trade_or_control(codec, json.dumps(value).encode())


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@settings(max_examples=500)
@given(frame=st.sampled_from(FRAMES), data=st.data())
def test_a_mutilated_frame_is_read_or_refused(codec, frame, data):
    position = data.draw(st.integers(0, len(frame)))
    length = data.draw(st.integers(0, 12))
    inserted = data.draw(
        st.sampled_from([b"", b"0", b"-", b"1e400", b'"', b"}", b"null", b"NaN", b",", b"9" * 25]) | st.binary(max_size=4)
    )

    trade_or_control(codec, frame[:position] + inserted + frame[position + length :])


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(frame=st.sampled_from(FRAMES), value=JSON, data=st.data())
def test_a_frame_with_a_strange_value_is_read_or_refused(codec, frame, value, data):
    outer = json.loads(frame)
    inner = outer
    while isinstance(inner, dict):
        name = data.draw(st.sampled_from(sorted(inner)))
        holder, inner = inner, inner[name]
        inner = inner[0] if isinstance(inner, list) and inner and data.draw(st.booleans()) else inner
        if data.draw(st.booleans()) or not isinstance(inner, dict):
            holder[name] = value
            break

    trade_or_control(codec, json.dumps(outer).encode())


ANSWERS = ["parse_server_time", "parse_instruments"]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("method", ANSWERS)
@given(value=JSON)
def test_any_answer_is_read_or_refused(codec, method, value):
    with suppress(WireError):
        getattr(codec, method)(json.dumps(value).encode())
