"""The collector: venues registered by name, followed together. The one way in for `tcpdash stream` and for scripts."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from db.bus import AsyncBus, Bus
from db.claims import Claims, Purpose
from db.operations import DatabaseOperations
from exchanges.base import DataProvider
from exchanges.rest import HistoryClient
from market.candle import Candle
from market.clock import now_us
from market.errors import InputError, StoreUnreachable
from market.timeframe import BASE, Timeframe, parse_timeframe
from market.trade import MarketDataPoint, Trade
from streaming.connection import Connection
from streaming.errands import end_tasks
from streaming.persistence import Persistence
from streaming.pipeline import Pipeline
from streaming.publish import PublishSink
from streaming.reads import Reads
from streaming.store import StoreSink
from streaming.worker import Worker

logger = logging.getLogger(__name__)

_MOST = 1e18  # as on the wire
_HOLD_SECONDS = 10.0


class DataCollector:
    """Collects market data of the registered venues into one database and one Redis.

    Args:
        db: Where candles and trades are kept.
        redis_url: Where they are published.
        store_raw_data: Whether every trade is kept, not only the candles.
        queue_trades: Trades that may wait for the database before the socket has to wait.
        linger_seconds: Time in which small writes are gathered.
    """

    def __init__(
        self,
        db: DatabaseOperations,
        redis_url: str,
        *,
        store_raw_data: bool = True,
        queue_trades: int = 100_000,
        linger_seconds: float = 0.1,
    ) -> None:
        self._db, self._redis_url = db, redis_url
        self._queue_trades, self._linger = queue_trades, linger_seconds
        self._bus: Bus | None = None
        self._pipelines: dict[str, Pipeline] = {}
        self._workers: list[Worker] = []
        self._stopped = False
        self.store_raw_data = store_raw_data
        self.providers: dict[str, DataProvider] = {}

    def register_provider(self, name: str, provider: DataProvider) -> None:
        """Add a venue, or put another provider in its place; its symbols are chosen by `start_collection`."""
        self.providers[name.lower()] = provider

    async def start_collection(self, symbols: Iterable[str], timeframes: Iterable[Timeframe | str] = ()) -> None:
        """Follow symbols until `stop` is called or the task is cancelled.

        Args:
            symbols: `EXCHANGE:BASE-QUOTE` of registered venues; a bare pair is followed on all of them.
            timeframes: Candles to publish besides the minute.

        Raises:
            InputError: If a symbol is of a venue that is not registered, or there is nothing to follow.
        """
        wanted = [parse_timeframe(timeframe) for timeframe in timeframes] or [BASE]
        shares = self._share(list(symbols))
        try:
            async with asyncio.TaskGroup() as group:
                for provider in shares:
                    group.create_task(self._follow(provider, wanted), name=provider.name)
        finally:
            self._workers, self._stopped = [], False

    def stop(self) -> None:
        """Ask for an orderly stop: everything received is stored before `start_collection` returns."""
        self._stopped = True
        for worker in self._workers:
            worker.stop()

    def process_raw_trades(self, raw_trades: Iterable[Trade | Mapping[str, Any]]) -> list[Candle]:
        """Return the minutes that these trades closed or revised; the forming one is kept for the next call.

        Args:
            raw_trades: In the order of their ids, as Trade or as mappings with its fields; duplicates are dropped.

        Raises:
            InputError: If one lacks a field, or its value cannot be.
        """
        trades = [_as_trade(raw) for raw in raw_trades]
        candles: list[Candle] = []
        for symbol in dict.fromkeys(trade.symbol for trade in trades):
            pipeline = self._pipelines.setdefault(symbol, Pipeline([symbol], provable=self._proves(symbol)))
            candles += pipeline.take([trade for trade in trades if trade.symbol == symbol]).candles
        return candles

    def store_ohlcv_data(self, candles: Sequence[Candle]) -> int:
        """Store final candles; return how many were new or changed."""
        return self._db.market_data.upsert_candles(candles)

    def send_market_update(self, symbol: str, candle: Candle) -> None:
        """Publish a candle on `market:{symbol}` and keep it as the latest.

        Raises:
            InputError: If the candle is another symbol's.
            StoreUnreachable: If Redis does not answer.
        """
        if candle.symbol != symbol:
            raise InputError(f"a candle of {candle.symbol} cannot be sent as {symbol}")
        self._bus = self._bus or Bus(self._redis_url)
        self._bus.publish_candle(candle)

    def store_raw_data_optional(self, points: Iterable[MarketDataPoint]) -> int:
        """Store points as the venue sent them if `store_raw_data` is on; return how many were new."""
        if not self.store_raw_data:
            return 0
        return sum(self._db.raw_trades.insert_market_data_point(point) for point in points)

    def _proves(self, symbol: str) -> bool:
        venue = symbol.partition(":")[0].lower()
        return all(provider.provable for provider in self.providers.values() if provider.name.lower() == venue)

    def _share(self, symbols: list[str]) -> list[DataProvider]:
        if not self.providers:
            raise InputError("no venue is registered; call register_provider('okx', OKX()) first")
        for symbol in symbols:
            venue, colon, _ = symbol.partition(":")
            if colon and venue.lower() not in {provider.name.lower() for provider in self.providers.values()}:
                raise InputError(f"{symbol}: the venue is not registered; registered are {', '.join(self.providers)}")
        shares = []
        for provider in self.providers.values():
            own = [symbol for symbol in symbols if ":" not in symbol or symbol.upper().startswith(f"{provider.name}:")]
            if own:
                shares.append(provider.following(own))
        if not shares:
            raise InputError("no symbol to follow; give some, for example OKX:BTC-USDT")
        return shares

    async def _follow(self, provider: DataProvider, timeframes: list[Timeframe]) -> None:
        persistence = Persistence(self._db.transaction, provider, keep_trades=self.store_raw_data, timeframes=timeframes)
        owner = Claims(self._db.engine, Purpose.FOLLOW)
        async with HistoryClient(provider) as history, _bus(self._redis_url) as bus:
            worker = Worker(
                provider,
                Connection(provider),
                history,
                Reads(persistence, owner=owner),
                StoreSink(persistence.write, limit=self._queue_trades, linger=self._linger),
                PublishSink(bus),
                timeframes=timeframes,
            )
            self._workers.append(worker)
            if self._stopped:
                worker.stop()
            holding = asyncio.create_task(_hold(owner, worker), name="hold")
            try:
                await worker.run()
            finally:
                await end_tasks(holding)
                await asyncio.to_thread(owner.close)


async def _hold(owner: Claims, worker: Worker) -> None:
    """Keep the symbols of a worker, also over a restart of the database; end it when somebody else took one meanwhile."""
    while True:
        await asyncio.sleep(_HOLD_SECONDS)
        with suppress(StoreUnreachable):  # the store sink says so
            if lost := await asyncio.to_thread(owner.renew):
                logger.error("symbols lost symbols=%s: another worker follows them", ",".join(lost))
                worker.stop()
                return


@asynccontextmanager
async def _bus(url: str) -> AsyncIterator[AsyncBus]:
    bus = AsyncBus(url)
    try:
        yield bus
    finally:
        await bus.close()


def _as_trade(raw: Trade | Mapping[str, Any]) -> Trade:
    if isinstance(raw, Trade):
        return raw
    fields = {"received_us": now_us(), **raw}
    try:
        trade = msgspec.convert(fields, Trade, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"not a trade: {error}; it needs symbol, trade_id, price, size, side, timestamp_us") from error
    if not (0 < trade.price < _MOST and 0 < trade.size < _MOST):
        raise InputError(f"not a trade: price {trade.price} and size {trade.size} have to be above zero and below {_MOST:g}")
    return trade
