"""What `up` follows: the venue of the settings, or what is on a tape."""

from pathlib import Path

import pytest

from cli.feed import choose_feed
from cli.options import VENUES as HELP
from exchanges import VENUES
from market.errors import InputError
from settings import Settings
from settings.load import load_settings
from tests.replay.tapes import RECORDED, START_MS, binance_fill, json_lines, okx_trade

BYBIT = '{"topic":"publicTrade.BTCUSDT","ts":1,"data":[{"T":%d,"s":"BTCUSDT","S":"Buy","v":"1","p":"2","i":"%s","seq":1}]}'
UUID = "2a455c01-4ba0-5a1f-b9f6-b7cfac1a3bc7"


def settings_of(**variables: str) -> Settings:
    return load_settings(None, {f"TCPDASH_{name}": text for name, text in variables.items()})


def tape_of(path: Path, *frames: str) -> str:
    path.write_bytes(json_lines([(START_MS + number, frame) for number, frame in enumerate(frames)]))
    return str(path)


def choose(tape: str | None, exchange: str | None = None, symbols: str | None = None, **variables: str):
    named = {"STREAM__EXCHANGE": exchange, "STREAM__SYMBOLS": symbols}
    settings = settings_of(**variables, **{name: text for name, text in named.items() if text is not None})
    return choose_feed(settings, tape, exchange=exchange, symbols=symbols)


def test_the_help_names_every_venue():
    assert HELP.upper().split(", ") == list(VENUES)


@pytest.mark.parametrize("name", list(VENUES))
def test_every_venue_can_be_followed(name: str):
    feed = choose(None, name.lower(), "BTC-USDT")

    assert (feed.provider.name, feed.provider.symbols, feed.warnings) == (name, (f"{name}:BTC-USDT",), ())


class TestTape:
    def test_venue_and_symbols_are_those_of_the_tape_whatever_the_settings_say(self, tmp_path: Path):
        tape = tape_of(tmp_path / "tape", binance_fill(1, START_MS))

        feed = choose(tape, STREAM__EXCHANGE="kraken", STREAM__SYMBOLS="ETH-USD")

        assert (feed.provider.name, feed.provider.symbols) == ("BINANCE", ("BINANCE:BTC-USDT",))

    def test_the_recorded_channel_is_followed(self, tmp_path: Path):
        tape = tape_of(tmp_path / "tape", okx_trade(1, START_MS, channel="trades"))

        assert choose(tape).provider.channel == "trades"
        assert choose(tape, VENUES__OKX__CHANNEL="trades-all").provider.channel == "trades-all"

    def test_of_several_markets_the_one_that_is_asked_for_is_played(self, tmp_path: Path):
        tape = tape_of(tmp_path / "tape", BYBIT % (START_MS, "7"), BYBIT % (START_MS, "8"), BYBIT % (START_MS, UUID))

        assert [choose(tape, name).provider.name for name in (None, "bybit", "BybitLinear")] == ["BYBIT", "BYBIT", "BYBITLINEAR"]
        [warning] = choose(tape).warnings
        assert "2 frames of BYBIT are played and 1 of BYBITLINEAR left out; --exchange bybitlinear plays those" in warning
        assert choose(tape, "bybitlinear").warnings == []

    def test_what_is_left_out_is_told(self, tmp_path: Path):
        swaps = [okx_trade(1, START_MS, wire=f"{name}-USDT-SWAP") for name in ("A", "B", "C", "D", "E", "F", "A")]
        tape = tape_of(tmp_path / "tape", *swaps, okx_trade(1, START_MS), okx_trade(2, START_MS).replace("42219.9", "0"))

        contracts, damaged = choose(tape).warnings
        assert contracts.startswith("left out: trade frames of A-USDT-SWAP (2), B-USDT-SWAP (1), C-USDT-SWAP (1), ")
        assert contracts.endswith("E-USDT-SWAP (1), 1 more: contracts, or pairs whose quote currency is unknown")
        assert damaged == "left out: lines or frames that cannot be read: 1"

    def test_some_of_its_symbols_can_be_followed(self, tmp_path: Path):
        tape = tape_of(tmp_path / "tape", *(okx_trade(1, START_MS, wire=wire) for wire in ("BTC-USDT", "ETH-USDT")))

        assert choose(tape, None, "eth-usdt").provider.symbols == ("OKX:ETH-USDT",)

    @pytest.mark.parametrize(
        ("exchange", "symbols", "sentence"),
        [
            ("kraken", None, "the files hold trades of OKX, none of KRAKEN"),
            (
                "okxx",
                None,
                "exchange 'okxx' is not one of okx, binance, binanceusdm, bybit, bybitlinear, coinbase, kraken, synthetic",
            ),
            (None, "BTC-USD", "OKX:BTC-USD is not on the tape; it holds OKX:BTC-USDT; did you mean 'OKX:BTC-USDT'?"),
            (None, "KRAKEN:BTC-USDT", "symbol 'KRAKEN:BTC-USDT' is of another venue than OKX; --exchange chooses the venue"),
        ],
    )
    def test_what_it_does_not_hold_is_refused(self, tmp_path: Path, exchange: str | None, symbols: str | None, sentence: str):
        tape = tape_of(tmp_path / "tape", okx_trade(1, START_MS))

        with pytest.raises(InputError) as error:
            choose(tape, exchange, symbols)

        assert str(error.value).startswith(sentence)

    def test_of_many_symbols_some_are_named(self, tmp_path: Path):
        tape = tape_of(tmp_path / "tape", *(okx_trade(1, START_MS, wire=f"A{number}-USDT") for number in range(12)))

        with pytest.raises(InputError, match=r"OKX:A9-USDT and 2 more"):
            choose(tape, None, "ZRX-BTC")


class TestGenerated:
    def test_it_is_synthetic_whatever_the_settings_say(self):
        feed = choose("synthetic", STREAM__EXCHANGE="kraken", STREAM__SYMBOLS="A-B")

        assert (feed.provider.name, feed.provider.symbols[0]) == ("SYNTHETIC", "SYNTHETIC:BTC-USDT")
        assert choose("synthetic", "Synthetic", "ETH-USDT").provider.symbols == ("SYNTHETIC:ETH-USDT",)

    def test_it_is_no_venues(self):
        with pytest.raises(InputError, match="--exchange kraken cannot be had of the generated market"):
            choose("synthetic", "kraken")


def test_every_recorded_tape_of_a_known_venue_is_followed_over_its_own_channel():
    if not RECORDED.exists():
        pytest.skip(f"the recorded data is not at {RECORDED}")
    found = {}
    for file in sorted(RECORDED.rglob("*.gz")):
        try:
            feed = choose(str(file))
        except InputError:
            continue
        found[file.name.split(".")[0]] = (feed.provider.name, feed.provider.channel, len(feed.provider.symbols), len(feed.warnings))

    assert found == {
        "cf_binance_futures_20210722": ("BINANCEUSDM", "aggTrade", 4, 0),
        "cf_binance_spot_20210405": ("BINANCE", "aggTrade", 8, 0),
        "cf_binance_spot_20210814": ("BINANCE", "aggTrade", 3, 0),
        "hft_spot_btcusdt_20230405": ("BINANCE", "trade", 1, 0),
        "hft_spot_btcusdt_20240808": ("BINANCE", "trade", 1, 0),
        "hft_spot_btcusdt_20240809": ("BINANCE", "trade", 1, 0),
        "hft_usdm_btcusdt_20230404": ("BINANCEUSDM", "trade", 1, 0),
        "hft_usdm_btcusdt_20230405": ("BINANCEUSDM", "trade", 1, 0),
        "cf_bybit_v5_20260809_BTC_SOL": ("BYBITLINEAR", "publicTrade", 2, 1),
        "cf_coinbase_advanced_20260809_part1": ("COINBASE", "market_trades", 2, 0),
        "cf_coinbase_exchange_20210417_part1": ("COINBASE", "matches", 10, 0),
        "cf_okcoin_v5_20230527": ("OKX", "trades", 4, 0),
        "cf_okx_v5_20210722_conn1": ("OKX", "trades", 6, 1),
        "cf_okx_v5_20210722_conn2": ("OKX", "trades", 6, 1),
        "cf_okx_v5_20210722_conn3": ("OKX", "trades", 6, 1),
        "cf_okx_v5_20220227": ("OKX", "trades", 3, 1),
    }
