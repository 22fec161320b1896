"""Frames and bodies that no honest venue sends, at every venue and over every channel."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges import OKX, VENUES, Binance
from market.errors import VenueError, WireError
from market.timeframe import Timeframe
from market.window import Window
from replay import SmallMarket
from replay.answer import read_question
from replay.routes import answer_to, session_of
from replay.source import Market, Slice
from tests.exchanges.hostile import NOW, mangled, read_or_refuse

CHANNELS = [(name, channel) for name, venue in VENUES.items() for channel in venue.channels]
NESTED = b'{"x":' + b"[" * 100_000
OKX_TRADE = (
    '{"arg":{"channel":"trades-all","instId":"BTC-USDT"},'
    '"data":[{"instId":"BTC-USDT","tradeId":"1","px":"%s","sz":"%s","side":"buy","ts":"1700000000000"}]}'
)
BINANCE_TRADE = (
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"%s","q":"%s","T":1700000000000,"m":true}}'
)
STRANGE = [
    None,
    True,
    -1,
    0,
    1.5,
    1e308,
    2**62,
    2**63,
    10**25,
    "",
    "0",
    "-1",
    "1e400",
    "NaN",
    "Infinity",
    "²",
    "x",
    [],
    {},
    [[]],
    [{}],
]


class Samples:
    """What a venue says of a small market, over its stream and over REST.

    Attributes:
        frames: Acknowledgements, trades and heartbeats.
        bodies: Answers, each with what reads it.
    """

    def __init__(self, name: str, channel: str) -> None:
        market = SmallMarket(name, ["BTC-USDT", "ETH-USDT"], seconds=100, rate=0.3)
        self.provider = VENUES[name](market.symbols, channel=channel)
        before, behind = (Market(market, moment) for moment in (market.first_us, market.last_us))
        session = session_of(read_question(self.provider.stream_path()))
        self.frames = [frame for request in self.provider.subscribe() for frame in session.receive(request, before)]
        self.frames += session.push(Slice(market, market.last_us, market.first_us, {}))
        self.frames += [frame for now in (1.0, 3.0) for frame in session.beat(behind, now)]
        asked = market.symbols[0]
        ask = partial(self.provider.newest_trades, asked, NOW)
        newest = self._answer(next(ask()), behind)
        page = self.provider.parse_all(self.frames, NOW).trades
        first, *_, last = [trade for trade in page if trade.symbol == asked]
        pages: list[Callable[[], Any]] = [
            partial(self.provider.trades, asked, first.trade_id, last.trade_id, NOW, first.timestamp_us),
            partial(self.provider.candles, asked, Timeframe.M1, Window(market.first_us - 60_000_000, market.last_us)),
        ]
        self.bodies = [(partial(read_page, ask), newest)]
        self.bodies += [(partial(read_page, ask), self._answer(next(ask()), behind)) for ask in pages]
        self.bodies += [
            (self.provider.parse_server_time, self._answer(self.provider.server_time(), behind)),
            (self.provider.parse_instruments, self._answer(self.provider.instruments(), behind)),
        ]

    def _answer(self, request: Any, market: Market) -> bytes:
        query = "&".join(f"{name}={value}" for name, value in request.params)
        return answer_to(read_question(f"{request.path}?{query}"), market).body


samples = cache(Samples)


def read_page(ask: Callable[[], Any], body: bytes) -> Any:
    """Return what the first answer to a question says; None where it leads to another question."""
    pages = ask()
    next(pages)
    try:
        pages.send(body)
    except StopIteration as end:
        return end.value
    return None


@st.composite
def mutilated(draw: st.DrawFn, good: bytes) -> bytes:
    """Return a text with other bytes in one place of it, or with one value of its JSON exchanged or missing."""
    if draw(st.booleans()):
        return draw(mangled(good))
    whole = json.loads(good)
    holder, key = draw(st.sampled_from(list(places(whole))))
    if draw(st.booleans()):
        holder[key] = draw(st.sampled_from(STRANGE))
    else:
        del holder[key]
    return json.dumps(whole).encode()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield where the parts of a JSON value stand, of long lists only those of the first few elements."""
    keys: list[Any] = list(value)[:30] if isinstance(value, dict) else []
    keys += range(min(3, len(value))) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places(value[key])


@pytest.mark.parametrize(("name", "channel"), CHANNELS)
def test_what_an_honest_venue_says_is_read(name: str, channel: str):
    said = samples(name, channel)

    parsed = said.provider.parse_all(said.frames, NOW)

    assert parsed.trades
    assert parsed.controls
    assert parsed.refused == []
    newest, _, _, time_us, listed = (read(body) for read, body in said.bodies)  # between them are pages that lead to others
    assert newest[-1].trade_id > 0
    assert time_us > 0
    assert {"BTC-USDT", "ETH-USDT"} <= {instrument.symbol.partition(":")[2] for instrument in listed}


@pytest.mark.parametrize(("name", "channel"), CHANNELS)
@given(frame=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(name: str, channel: str, frame: bytes):
    read_or_refuse(samples(name, channel).provider, frame)


@pytest.mark.parametrize(("name", "channel"), CHANNELS)
@settings(max_examples=200)
@given(data=st.data())
def test_a_mutilated_frame_is_read_or_refused(name: str, channel: str, data: st.DataObject):
    said = samples(name, channel)

    read_or_refuse(said.provider, data.draw(st.sampled_from(said.frames).flatmap(mutilated)))


@pytest.mark.parametrize(("name", "channel"), CHANNELS)
@settings(max_examples=200)
@given(data=st.data())
def test_a_mutilated_answer_is_read_or_refused(name: str, channel: str, data: st.DataObject):
    said = samples(name, channel)
    read, body = data.draw(st.sampled_from(said.bodies))
    strange = data.draw(mutilated(body))

    with suppress(WireError, VenueError):
        read(strange)
    said.provider.refusal(data.draw(st.sampled_from([200, 400, 429, 500])), {}, strange)


@pytest.mark.parametrize("name", list(VENUES))
@given(body=st.binary(max_size=80))
def test_any_answer_is_read_or_refused(name: str, body: bytes):
    for read, _ in samples(name, VENUES[name].channels[0]).bodies:
        with suppress(WireError):
            read(body)


@pytest.mark.parametrize("venue", VENUES.values(), ids=list(VENUES))
def test_brackets_without_end_are_a_wire_error_everywhere(venue):
    provider = venue([f"{venue.name}:BTC-USDT"])

    with pytest.raises(WireError):
        provider.parse(NESTED, 0)
    with pytest.raises(WireError):
        provider.parse_server_time(NESTED)
    assert len(provider.parse_all([NESTED, NESTED], 0).refused) == 2
    assert provider.refusal(500, {}, NESTED).transient


@pytest.mark.parametrize(("trade_id", "count"), [("0", "2"), ("3", "5")])
def test_more_fills_than_there_are_ids_up_to_theirs_are_refused(trade_id: str, count: str):
    frame = (OKX_TRADE % ("1", "1")).replace('"tradeId":"1"', f'"tradeId":"{trade_id}","count":"{count}"').encode()

    assert len(OKX(["OKX:BTC-USDT"], channel="trades").parse_all([frame], 0).refused) == 1


@pytest.mark.parametrize(("price", "size"), [("1e154", "1"), ("1", "1e154"), ("1e18", "1"), ("1e-400", "1"), ("1", "-0.0")])
@pytest.mark.parametrize(
    ("provider", "frame"), [(OKX(["OKX:BTC-USDT"]), OKX_TRADE), (Binance(["BINANCE:BTC-USDT"]), BINANCE_TRADE)]
)
def test_numbers_whose_sums_would_overflow_are_refused(provider, frame: str, price: str, size: str):
    parsed = provider.parse_all([(frame % ("1", "1")).encode(), (frame % (price, size)).encode()], 0)

    assert (len(parsed.trades), len(parsed.refused)) == (1, 1)


def test_a_wait_that_is_no_number_is_no_wait():
    assert OKX().refusal(429, {"retry-after": "²"}, b"").retry_after_seconds is None
