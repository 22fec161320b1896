"""The worker as the settings put it together: every venue, at addresses of one's own."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from cli.worker import collect
from exchanges import VENUES
from market.errors import InputError
from market.timeframe import BASE as MINUTE
from replay import LocalExchange, SmallMarket
from settings import Settings
from settings.load import load_settings
from tasks.resources import provider_from


def settings_of(**variables: str) -> Settings:
    return load_settings(None, {f"TCPDASH_{name}": text for name, text in variables.items()})


@pytest.mark.parametrize("name", list(VENUES))
class TestSettings:
    def test_without_any_a_venue_is_at_its_own_address_and_its_limits_in_the_home(self, name: str):
        provider = provider_from(settings_of(HOME="/home/somebody/data"), name)

        expected = msgspec.structs.replace(VENUES[name].home, limits="/home/somebody/data/limits")
        assert (provider.endpoints, provider.channel) == (expected, VENUES[name].channels[0])

    def test_addresses_and_channel_can_be_set(self, name: str):
        channel, prefix = VENUES[name].channels[-1], f"VENUES__{name}__"
        variables = {"STREAM_URL": "ws://127.0.0.1:1", "REST_URL": "http://127.0.0.1:2", "CHANNEL": channel}

        provider = provider_from(settings_of(**{prefix + key: value for key, value in variables.items()}), name.lower())

        assert (provider.endpoints.stream, provider.endpoints.rest) == ("ws://127.0.0.1:1", "http://127.0.0.1:2")
        assert provider.channel == channel

    def test_an_unknown_channel_is_refused_with_those_there_are(self, name: str):
        with pytest.raises(InputError, match=f"{name} has no trade channel 'moods'; it has {', '.join(VENUES[name].channels)}"):
            provider_from(settings_of(**{f"VENUES__{name}__CHANNEL": "moods"}), name)


def test_a_channel_that_lives_elsewhere_takes_its_address_along():
    only_channel = provider_from(settings_of(VENUES__COINBASE__CHANNEL="market_trades"), "coinbase")
    with_history = provider_from(
        settings_of(VENUES__COINBASE__CHANNEL="market_trades", VENUES__COINBASE__REST_URL="http://127.0.0.1:2"), "coinbase"
    )

    assert only_channel.endpoints.stream == "wss://advanced-trade-ws.coinbase.com"
    assert (with_history.endpoints.stream, with_history.endpoints.rest) == (only_channel.endpoints.stream, "http://127.0.0.1:2")


def test_the_settings_win_over_the_channel_of_a_tape():
    assert provider_from(settings_of(), "okx", channel="trades").channel == "trades"
    assert provider_from(settings_of(VENUES__OKX__CHANNEL="trades-all"), "okx", channel="trades").channel == "trades-all"


def test_settings_of_no_venue_are_refused_with_those_there_are():
    with pytest.raises(InputError) as error:
        provider_from(settings_of(VENUES__KRAKENN__CHANNEL="trade"), "okx")

    assert str(error.value) == (
        "setting 'venues.krakenn' is of no venue; there are okx, binance, binanceusdm, bybit, bybitlinear, coinbase, kraken, "
        "synthetic; did you mean 'kraken'?"
    )


def test_a_venue_in_the_file_may_be_written_in_upper_case(tmp_path: Path):
    file = tmp_path / "t.toml"
    file.write_text('[venues.KRAKEN]\nrest_url = "http://127.0.0.1:2"\n')

    assert provider_from(load_settings(file, {}), "kraken").endpoints.rest == "http://127.0.0.1:2"


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("name", list(VENUES))
async def test_every_venue_is_followed_at_the_address_of_the_settings(database, redis_url: str, name: str):
    market = SmallMarket(name, ["BTC-USDT"], seconds=110, rate=3)
    symbol, traded = f"{name}:BTC-USDT", market.trades(f"{name}:BTC-USDT")
    async with LocalExchange(market, speed=60) as exchange, asyncio.timeout(40):
        settings = settings_of(
            STREAM__EXCHANGE=name.lower(),
            STREAM__SYMBOLS="BTC-USDT",
            DATABASE__URL=database.engine.url.render_as_string(hide_password=False),
            REDIS__URL=redis_url,
            **{f"VENUES__{name}__STREAM_URL": exchange.ws_url, f"VENUES__{name}__REST_URL": exchange.rest_url},
        )
        working = asyncio.create_task(collect(settings))
        stored = []
        while sum(trade.count for trade in stored) < len(traded) and not working.done():
            stored = await asyncio.to_thread(database.raw_trades.get_trades, symbol, market.first_us, market.last_us)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    open_us = MINUTE.open_of(traded[-1].timestamp_us)  # the minute of the last trade may be closed by the clock, or not yet
    candles = database.market_data.get_candles(symbol, "1m", None, open_us)
    closed = sum(trade.size for trade in traded if trade.timestamp_us < open_us)
    assert closed > 0
    assert sum(trade.size for trade in stored) == pytest.approx(sum(trade.size for trade in traded))
    assert candles["volume"].sum() == pytest.approx(closed)
    assert database.gaps.counts() == {}
