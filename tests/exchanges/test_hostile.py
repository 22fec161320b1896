"""Frames and bodies that no honest venue sends."""

import pytest

from exchanges import OKX, VENUES, Binance
from market.errors import WireError

NESTED = b'{"x":' + b"[" * 100_000
OKX_TRADE = (
    '{"arg":{"channel":"trades-all","instId":"BTC-USDT"},'
    '"data":[{"instId":"BTC-USDT","tradeId":"1","px":"%s","sz":"%s","side":"buy","ts":"1700000000000"}]}'
)
BINANCE_TRADE = (
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"%s","q":"%s","T":1700000000000,"m":true}}'
)


@pytest.mark.parametrize("venue", VENUES.values(), ids=list(VENUES))
def test_brackets_without_end_are_a_wire_error_everywhere(venue):
    provider = venue([f"{venue.name}:BTC-USDT"])

    with pytest.raises(WireError):
        provider.parse(NESTED, 0)
    with pytest.raises(WireError):
        provider.parse_server_time(NESTED)
    assert len(provider.parse_all([NESTED, NESTED], 0).refused) == 2
    assert provider.refusal(500, {}, NESTED).transient


@pytest.mark.parametrize(("price", "size"), [("1e154", "1"), ("1", "1e154"), ("1e18", "1"), ("1e-400", "1"), ("1", "-0.0")])
@pytest.mark.parametrize(
    ("provider", "frame"), [(OKX(["OKX:BTC-USDT"]), OKX_TRADE), (Binance(["BINANCE:BTC-USDT"]), BINANCE_TRADE)]
)
def test_numbers_whose_sums_would_overflow_are_refused(provider, frame: str, price: str, size: str):
    parsed = provider.parse_all([(frame % ("1", "1")).encode(), (frame % (price, size)).encode()], 0)

    assert (len(parsed.trades), len(parsed.refused)) == (1, 1)


def test_a_wait_that_is_no_number_is_no_wait():
    assert OKX().refusal(429, {"retry-after": "²"}, b"").retry_after_seconds is None
