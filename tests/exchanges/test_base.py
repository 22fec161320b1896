"""What the venues share: symbols, channels, pages of answers and refusals."""

import pytest

from exchanges import OKX, VENUES, Binance, BinanceUsdm, Bybit, BybitLinear, Coinbase, Kraken, Synthetic, find_venue
from exchanges.base import Control, ControlKind, http_refusal, plain_decimal
from market.errors import InputError, SymbolError

NAMES = ["OKX", "BINANCE", "BINANCEUSDM", "BYBIT", "BYBITLINEAR", "COINBASE", "KRAKEN", "SYNTHETIC"]
ALL = list(VENUES.values())


def test_these_are_the_venues():
    assert list(VENUES) == NAMES
    assert [OKX, Binance, BinanceUsdm, Bybit, BybitLinear, Coinbase, Kraken, Synthetic] == ALL


@pytest.mark.parametrize(
    ("venue", "channels", "unproven", "merging"),
    [
        (OKX, ("trades-all", "trades"), set(), {"trades"}),
        (Binance, ("trade", "aggTrade"), set(), {"aggTrade"}),
        (BinanceUsdm, ("aggTrade", "trade"), {"trade"}, {"aggTrade"}),
        (Bybit, ("publicTrade",), {"publicTrade"}, set()),
        (BybitLinear, ("publicTrade",), {"publicTrade"}, set()),
        (Coinbase, ("matches", "market_trades"), set(), set()),
        (Kraken, ("trade",), set(), set()),
        (Synthetic, ("trades-all", "trades"), set(), {"trades"}),
    ],
)
def test_these_are_their_channels_and_what_their_ids_prove(venue, channels, unproven, merging):
    assert (venue.channels, venue.unproven, venue.merging) == (channels, unproven, merging)
    assert [venue(channel=channel).provable for channel in channels] == [channel not in unproven for channel in channels]


@pytest.mark.parametrize("venue", ALL)
def test_symbols_are_completed_and_named_once(venue):
    codec = venue(["btc-usdt", f"{venue.name}:BTC-USDT", "ETH-USDT"])

    assert codec.symbols == (f"{venue.name}:BTC-USDT", f"{venue.name}:ETH-USDT")


@pytest.mark.parametrize("venue", ALL)
@pytest.mark.parametrize("text", ["BTCUSDT", "DERIBIT:BTC-USDT", "", "-", "BTC-USDT;"])
def test_what_is_no_symbol_of_the_venue_is_refused(venue, text):
    with pytest.raises(SymbolError):
        venue([text])


@pytest.mark.parametrize("venue", ALL)
def test_contracts_are_refused(venue):
    with pytest.raises(
        InputError, match=rf"{venue.name}:BTC-USDT-SWAP is .*of {venue.name} only .* supported.* {venue.name}:BTC-USDT"
    ):
        venue(["BTC-USDT-SWAP"])


@pytest.mark.parametrize("venue", ALL)
def test_a_symbol_of_another_venue_is_told_with_the_way_out(venue):
    with pytest.raises(SymbolError, match=f"symbol 'DERIBIT:BTC-USDT' is of another venue than {venue.name}; --exchange chooses"):
        venue(["DERIBIT:BTC-USDT"])


@pytest.mark.parametrize("venue", ALL)
def test_the_first_channel_is_the_default_and_unknown_ones_are_refused(venue):
    assert venue().channel == venue.channels[0]
    assert venue(channel=venue.channels[-1]).channel == venue.channels[-1]
    with pytest.raises(InputError, match=f"{venue.name} has no trade channel 'moods'; it has {venue.channels[0]}"):
        venue(channel="moods")


def test_venues_are_found_in_either_case():
    assert (find_venue("okx"), find_venue("BINANCE"), find_venue("Synthetic")) == (OKX, Binance, Synthetic)
    assert [find_venue(name.lower()) for name in NAMES] == ALL


def test_an_unknown_venue_is_refused_with_the_likely_one():
    known = ", ".join(name.lower() for name in NAMES)
    with pytest.raises(InputError, match=rf"exchange 'binanse' is not one of {known}; did you mean 'binance'\?"):
        find_venue("binanse")


def test_the_generated_market_speaks_okx_under_its_own_name():
    row = b'{"instId":"BTC-USDT","tradeId":"1","px":"2","sz":"3","side":"buy","ts":"4"}'
    frame = b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[%s]}' % row

    assert Synthetic(["BTC-USDT"]).parse(frame, 0)[0].symbol == "SYNTHETIC:BTC-USDT"
    assert Synthetic(["BTC-USDT"]).subscribe() == OKX(["BTC-USDT"]).subscribe()


@pytest.mark.parametrize("venue", ALL)
def test_the_same_venue_can_follow_other_symbols(venue):
    codec = venue(["BTC-USDT"], channel=venue.channels[-1]).following(["ETH-USDT"])

    assert (type(codec), codec.symbols, codec.channel) == (venue, (f"{venue.name}:ETH-USDT",), venue.channels[-1])


def test_one_bad_frame_does_not_cost_the_good_ones():
    row = '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":%d,"p":"1","q":"2","T":3,"m":true,"M":true}}'
    frames = [(row % 1).encode(), b"{", b'{"result":null,"id":1}', (row % 2).encode()]
    parsed = Binance(["BTC-USDT"]).parse_all(frames, 9)

    assert [trade.trade_id for trade in parsed.trades] == [1, 2]
    assert parsed.controls == [Control(ControlKind.SUBSCRIBED)]
    assert [error.frame for error in parsed.refused] == [b"{"]


@pytest.mark.parametrize(
    ("status", "transient"),
    [
        (400, False),
        (403, False),
        (404, False),
        (408, True),
        (418, True),
        (425, True),
        (429, True),
        (451, False),
        (500, True),
        (503, True),
    ],
)
def test_limits_and_outages_may_be_tried_again(status, transient):
    assert http_refusal("OKX", status, {}, "").transient is transient


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("1.5", 1.5), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
def test_the_wait_that_a_venue_asks_for_is_kept(header, seconds):
    assert http_refusal("OKX", 429, {"retry-after": header}, "").retry_after_seconds == seconds


@pytest.mark.parametrize(("text", "plain"), [("0.00001000", "0.00001"), ("1.00000000", "1"), ("100", "100"), ("0.1", "0.1")])
def test_decimals_lose_the_zeros_at_their_end(text, plain):
    assert plain_decimal(text) == plain
