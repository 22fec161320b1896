"""OKX's codec against documented frames and answers, with trades computed by hand."""

import json

import pytest

from exchanges import OKX
from exchanges.base import Control, ControlKind, Instrument, Request
from market.candle import Candle, Origin
from market.errors import WireError
from market.timeframe import Timeframe
from market.trade import Side, Trade
from market.window import Window

BTC = "OKX:BTC-USDT"
CODEC = OKX([BTC, "OKX:ETH-USDT"])
NOW = 1_700_000_000_000_000

DOCUMENTED = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9",'
    b'"sz":"0.1206","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234}]}'
)


def row(**changes: object) -> dict[str, object]:
    return {"instId": "BTC-USDT", "tradeId": "7", "px": "42219.9", "sz": "0.12", "side": "buy", "ts": "1630048897897"} | changes


def push(*rows: dict[str, object], channel: str = "trades-all") -> bytes:
    return json.dumps({"arg": {"channel": channel, "instId": "BTC-USDT"}, "data": list(rows)}).encode()


def answer(*data: object, code: str = "0", message: str = "") -> bytes:
    return json.dumps({"code": code, "msg": message, "data": list(data)}).encode()


def test_a_merged_trade_stands_for_its_count_of_ids():
    [trade] = CODEC.parse(DOCUMENTED, NOW)

    assert trade == Trade(BTC, 130639474, 42219.9, 0.1206, Side.BUY, 1630048897897000, NOW, 3, 3)
    assert trade.first_id == 130639472


def test_a_single_fill_has_neither_count_nor_sequence():
    frame = (
        b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9",'
        b'"sz":"0.12060306","side":"sell","source":"0","ts":"1630048897897"}]}'
    )

    assert CODEC.parse(frame, NOW) == [Trade(BTC, 130639474, 42219.9, 0.12060306, Side.SELL, 1630048897897000, NOW)]


def test_every_trade_of_a_frame_is_read():
    frame = push(row(tradeId="7"), row(tradeId="8", instId="ETH-USDT"), row(tradeId="9"))

    assert [(trade.symbol, trade.trade_id) for trade in CODEC.parse(frame, NOW)] == [(BTC, 7), ("OKX:ETH-USDT", 8), (BTC, 9)]


@pytest.mark.parametrize(
    ("frame", "control"),
    [
        (b"pong", Control(ControlKind.PONG)),
        (
            b'{"id":"1512","event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
            Control(ControlKind.SUBSCRIBED, BTC),
        ),
        (b'{"event":"subscribe","arg":{"channel":"status"},"connId":"a4d3ae55"}', Control(ControlKind.SUBSCRIBED)),
        (b'{"event":"unsubscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"x"}', Control(ControlKind.OTHER, BTC)),
        (
            b'{"id":"1512","event":"error","code":"60012","msg":"Invalid request: {}","connId":"a4d3ae55"}',
            Control(ControlKind.REFUSED, None, "60012", "Invalid request: {}"),
        ),
        (
            b'{"event":"error","code":"60018","msg":"channel:trades,instId:ETH-USDT doesn\'t exist","connId":"x"}',
            Control(ControlKind.REFUSED, "OKX:ETH-USDT", "60018", "channel:trades,instId:ETH-USDT doesn't exist"),
        ),
        (
            b'{"event":"error","code":"60018","msg":"channel:trades,instId:DOGE-USDT doesn\'t exist","connId":"x"}',
            Control(ControlKind.REFUSED, None, "60018", "channel:trades,instId:DOGE-USDT doesn't exist"),
        ),
        (
            b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade.","connId":"x"}',
            Control(ControlKind.CLOSING, None, "64008", "The connection will soon be closed for a service upgrade."),
        ),
        (
            b'{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"abcd1234"}',
            Control(ControlKind.NOTICE),
        ),
        (
            b'{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[["1654154580000","29930.7","29936.3","29930.7","29936.3","0.01"]]}',
            Control(ControlKind.OTHER, BTC),
        ),
        (
            b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[],"bids":[]}]}',
            Control(ControlKind.OTHER, BTC),
        ),
        (b'{"arg":{"channel":"tickers","instId":"DOGE-USDT"},"data":[{"last":"1"}]}', Control(ControlKind.OTHER)),
    ],
)
def test_a_frame_without_trades_is_told_by_its_kind(frame, control):
    assert CODEC.parse(frame, NOW) == control


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"ping", b"{}", b"[]", b"null", b'"pong"', b'{"event":"moods"}', b"\xff\xfe", DOCUMENTED[:-1], DOCUMENTED + b"x",
        b'{"arg":{"channel":"trades"}}',
    ],
)  # fmt: skip
def test_what_is_not_documented_is_refused(frame):
    with pytest.raises(WireError) as error:
        CODEC.parse(frame, NOW)

    assert (error.value.venue, error.value.frame) == ("OKX", frame)


@pytest.mark.parametrize(
    "changes",
    [
        {"px": "0"}, {"px": "-1"}, {"px": "NaN"}, {"px": "inf"}, {"px": "1e999"}, {"px": ""}, {"px": "1,5"}, {"px": None},
        {"sz": "0"}, {"sz": "-0.1"}, {"sz": "nan"}, {"side": "BUY"}, {"side": "hold"}, {"tradeId": "-1"}, {"tradeId": "1.5"},
        {"tradeId": str(2**63)}, {"tradeId": ""}, {"ts": "-1"}, {"ts": "soon"}, {"ts": str(10**18)}, {"count": "0"},
        {"count": "-3"},
        {"instId": "DOGE-USDT"}, {"instId": ""},
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_refused_with_its_frame(changes):
    frame = push(row(), row(**changes))

    with pytest.raises(WireError):
        CODEC.parse(frame, NOW)


@pytest.mark.parametrize("name", ["instId", "tradeId", "px", "sz", "side", "ts"])
def test_a_trade_without_one_of_its_fields_is_refused(name):
    with pytest.raises(WireError):
        CODEC.parse(push({key: value for key, value in row().items() if key != name}), NOW)


def test_fields_that_the_venue_adds_are_no_trouble():
    assert len(CODEC.parse(push(row(mood="good", px=42219.9)), NOW)) == 1


def test_each_channel_has_its_address():
    assert [OKX(channel=channel).stream_path() for channel in ("trades-all", "trades")] == ["/ws/v5/business", "/ws/v5/public"]


def test_symbols_are_subscribed_a_hundred_at_a_time():
    frames = [json.loads(frame) for frame in OKX([f"C{number}-USDT" for number in range(250)]).subscribe()]

    assert [len(frame["args"]) for frame in frames] == [100, 100, 50]
    assert frames[0]["op"] == "subscribe"
    assert frames[0]["args"][0] == {"channel": "trades-all", "instId": "C0-USDT"}


def test_nothing_is_subscribed_without_symbols():
    assert list(OKX().subscribe()) == []


def test_the_clock_is_read_in_microseconds():
    assert CODEC.parse_server_time(answer({"ts": "1597026383085"})) == 1597026383085000


@pytest.mark.parametrize("body", [b"", b"{}", answer(), answer({}), answer({"ts": "soon"})])
def test_an_answer_without_a_clock_is_refused(body):
    with pytest.raises(WireError):
        CODEC.parse_server_time(body)


def test_instruments_are_read_and_what_is_no_symbol_is_left_out():
    listed = {"instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "tickSz": "0.1", "lotSz": "0.00000001", "state": "live"}
    body = answer(listed, listed | {"baseCcy": "", "quoteCcy": "", "instId": "X"}, listed | {"baseCcy": "ETH", "state": "suspend"})

    assert CODEC.parse_instruments(body) == [
        Instrument(BTC, "0.1", "0.00000001", "live"), Instrument("OKX:ETH-USDT", "0.1", "0.00000001", "suspend"),
    ]  # fmt: skip


def test_the_newest_trades_are_handed_on_oldest_first():
    pages = CODEC.newest_trades(BTC, NOW)
    request = next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(answer(row(tradeId="9"), row(tradeId="8", side="sell")))

    assert request == Request("/api/v5/market/trades", (("instId", "BTC-USDT"), ("limit", "100")), budget="trades")
    assert [(trade.trade_id, trade.side, trade.received_us) for trade in done.value.value] == [
        (8, Side.SELL, NOW),
        (9, Side.BUY, NOW),
    ]


def test_a_range_of_ids_is_asked_for_from_its_end():
    pages = CODEC.trades(BTC, 100, 249, NOW)
    afters = [dict(next(pages).params)["after"]]
    afters.append(dict(pages.send(answer(*(row(tradeId=str(number)) for number in range(249, 149, -1)))).params)["after"])
    with pytest.raises(StopIteration) as done:
        pages.send(answer(*(row(tradeId=str(number)) for number in range(149, 49, -1))))

    assert afters == ["250", "150"]
    assert [trade.trade_id for trade in done.value.value] == list(range(100, 250))


@pytest.mark.parametrize("body", [answer(), answer(row(tradeId="99"))], ids=["nothing", "the same again"])
def test_paging_ends_when_the_venue_has_no_more(body):
    pages = CODEC.trades(BTC, 10, 98, NOW)
    next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(body)

    assert done.value.value == []


def test_ids_that_the_venue_does_not_have_are_absent():
    pages = CODEC.trades(BTC, 5, 8, NOW)
    next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(answer(row(tradeId="8"), row(tradeId="6"), row(tradeId="4")))

    assert [trade.trade_id for trade in done.value.value] == [6, 8]


def bar(open_ms: int, confirm: str = "1") -> list[str]:
    return [str(open_ms), "3.721", "3.743", "3.677", "3.708", "8422410", "22698348.04828491", "12698348.04828491", confirm]


def test_candles_are_labelled_by_their_close_and_come_oldest_first():
    start = 1_597_026_360_000
    pages = CODEC.candles(BTC, Timeframe.M1, Window(start * 1000, (start + 180_000) * 1000))
    request = next(pages)
    with pytest.raises(StopIteration) as done:
        pages.send(answer(bar(start + 120_000, "0"), bar(start + 60_000), bar(start), bar(start - 60_000)))

    assert dict(request.params) == {"instId": "BTC-USDT", "bar": "1m", "after": str(start + 180_000), "limit": "300"}
    assert done.value.value == [
        Candle(
            BTC, Timeframe.M1, (open_ms + 60_000) * 1000, 3.721, 3.743, 3.677, 3.708, 8422410.0, 12698348.04828491,
            trades=None, taker_buy_volume=None, origin=Origin.EXCHANGE,
        )
        for open_ms in (start, start + 60_000)
    ]  # fmt: skip


def test_candles_are_paged_by_the_times_received():
    start = 1_597_026_360_000
    pages = CODEC.candles(BTC, Timeframe.M1, Window(start * 1000, (start + 240_000) * 1000))
    afters = [dict(next(pages).params)["after"]]
    afters.append(dict(pages.send(answer(bar(start + 180_000), bar(start + 120_000))).params)["after"])
    with pytest.raises(StopIteration) as done:
        pages.send(answer(bar(start + 60_000), bar(start)))

    assert afters == [str(start + 240_000), str(start + 120_000)]
    assert [candle.open_us // 1000 - start for candle in done.value.value] == [0, 60_000, 120_000, 180_000]


@pytest.mark.parametrize(
    ("timeframe", "bar_name"), [("1s", "1s"), ("5m", "5m"), ("1h", "1H"), ("4h", "4H"), ("1d", "1Dutc"), ("1w", "1Wutc")]
)
def test_days_are_asked_for_in_utc(timeframe, bar_name):
    request = next(CODEC.candles(BTC, Timeframe(timeframe), Window(0, NOW)))

    assert dict(request.params)["bar"] == bar_name


@pytest.mark.parametrize(
    ("status", "body", "transient", "words"),
    [
        (200, answer(code="50011", message="Too Many Requests"), True, "50011 Too Many Requests"),
        (429, answer(code="50011", message="Too Many Requests"), True, "50011 Too Many Requests"),
        (200, answer(code="51001", message="Instrument ID doesn't exist"), False, "51001 Instrument ID doesn't exist"),
        (400, answer(code="50014", message="Parameter instId can not be empty."), False, "50014"),
        (503, answer(code="50001", message="Service temporarily unavailable"), True, "50001"),
        (200, answer(code="50026", message="System error"), True, "50026"),
        (502, b"<html>Bad gateway</html>", True, "HTTP 502"),
        (403, b"Forbidden", False, "HTTP 403"),
        (500, answer({"ts": "1"}), True, "HTTP 500"),
    ],
)
def test_a_refusal_is_judged_by_its_code_and_status(status, body, transient, words):
    refusal = CODEC.refusal(status, {}, body)

    assert refusal.transient is transient
    assert words in str(refusal)


@pytest.mark.parametrize("body", [answer(), answer({"ts": "1"})])
def test_a_good_answer_is_no_refusal(body):
    assert CODEC.refusal(200, {}, body) is None
