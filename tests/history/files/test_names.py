"""What names of files say, and what they do not."""

import pytest

from history.files.names import agrees, read_name, timeframe_named
from market.errors import InputError
from market.symbol import Symbol


@pytest.mark.parametrize(
    ("name", "pair", "timeframe"),
    [
        ("BTC_USDT-5m.feather", "BTC-USDT", "5m"),
        ("BTC_USDT_USDT-1h-futures.feather", "BTC-USDT", "1h"),
        ("BTC_USDT-1m_202407_202408.feather", "BTC-USDT", "1m"),
        ("freqtrade_ETH_BTC-5m.feather", "ETH-BTC", "5m"),
        ("1INCH_USDT-1d.json", "1INCH-USDT", "1d"),
        ("BTC-USD_4h_2016_2025.json.gz", "BTC-USD", "4h"),
        ("BTCUSDT-1m-2024-01.zip", "BTC-USDT", "1m"),
        ("1000PEPEUSDT-5m-2024-01-15.csv", "1000PEPE-USDT", "5m"),
        ("XBTUSD_60.csv", "BTC-USD", "1h"),
        ("XDGEUR_1440.csv", "DOGE-EUR", "1d"),
        ("ETHXBT_15.csv", "ETH-BTC", "15m"),
        ("BTCUSD_1h_2017_2019.csv.gz", "BTC-USD", "1h"),
    ],
)
def test_a_name_says_pair_and_timeframe(name: str, pair: str, timeframe: str):
    found = read_name([name])

    assert (found.pair, timeframe_named(found.width)) == (pair, timeframe)
    assert agrees(found.letters, Symbol.parse(f"X:{pair}"))


@pytest.mark.parametrize(
    "name", ["data.csv", "my BTC candles.csv", "2024-01-05_data.csv", "20180404_btcusd_minute_trade.csv", "XBTUSD_20190701_00h.csv"]
)
def test_a_name_that_says_nothing_says_nothing(name: str):
    assert read_name([name]).letters == ""


def test_the_name_inside_an_archive_comes_first():
    assert read_name(["ETHUSDT-1h-2024-01.csv", "BTCUSDT-1m-2024-01.zip"]).pair == "ETH-USDT"


def test_a_name_that_can_be_cut_in_two_ways_is_not_cut():
    found = read_name(["BTCBUSD-1m-2024-01.zip"])

    assert (found.letters, found.pair) == ("BTCBUSD", "")


@pytest.mark.parametrize("name", ["BTCUSD_PERP-1m-2024-01.zip", "BTCUSD_240927-1m-2024-01.zip"])
def test_the_name_of_a_future_is_no_pair_but_can_be_compared(name: str):
    found = read_name([name])
    suffix = "-PERP" if "PERP" in name else "-240927"

    assert found.pair == ""
    assert agrees(found.letters, Symbol.parse(f"X:BTC-USD{suffix}"))


@pytest.mark.parametrize(
    ("name", "pair", "future"),
    [
        ("BTC_USDT_USDT-1h-futures.feather", "BTC-USDT", True),
        ("BTC_USDT_USDT-4h_202509_202607.feather", "BTC-USDT", True),
        ("BTC_USD_BTC-1h-futures.feather", "BTC-USD", True),
        ("BTC_USDT_USDT-240927-1h-futures.feather", "", True),
        ("BTCUSDT_240927-1m-2024-01.zip", "", True),
        ("BTC_USDT-1h.feather", "BTC-USDT", False),
        ("KRAKEN_BTC_USD-1h.csv", "BTC-USD", False),
    ],
)
def test_the_name_of_a_future_says_that_it_is_one(name: str, pair: str, future: bool):
    found = read_name([name])

    assert (found.pair, found.future) == (pair, future)


@pytest.mark.parametrize("kind", ["mark", "index", "premiumIndex", "funding_rate"])
def test_prices_that_nobody_traded_at_are_named(kind: str):
    assert read_name([f"BTC_USDT_USDT-1h-{kind}.feather"]).prices == kind.lower()


@pytest.mark.parametrize("letters", ["ETHUSDT", "BTCUSD", "BTCUSDC", "USDTBTC"])
def test_another_pair_does_not_agree(letters: str):
    assert not agrees(letters, Symbol.parse("BINANCE:BTC-USDT"))


@pytest.mark.parametrize("text", ["BTC/USDT", "btc_usdt", "BTC/USDT:USDT", "XBT/USDT", "BTC-USDT"])
def test_other_spellings_agree(text: str):
    assert agrees(text, Symbol.parse("BINANCE:BTC-USDT"))


@pytest.mark.parametrize("width", ["3m", "2h", "1mo", "1M", "1y"])
def test_a_width_that_is_not_kept_is_refused(width: str):
    with pytest.raises(InputError, match=f"the name says {width}, and candles of {width} are not kept"):
        timeframe_named(width)
