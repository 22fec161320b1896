"""What a worker and a runner of bots tell on Redis, at one moment or moving on: forming candles, feeds, bots."""

import threading
from collections.abc import Mapping
from typing import Any, Self

import msgspec
import numpy as np
from redis import Redis

from db import Bus, DatabaseOperations
from db.bus import BOT_KEY, BOT_STATUS_CHANNEL, FEED_KEY
from market.candle import Candle
from market.clock import now_us
from market.rollup import roll_up
from market.timeframe import BASE, MINUTE_US, Timeframe
from tests.app.full.candles import PRICES, UNPROVABLE
from tests.app.full.records import FEEDS
from tests.app.samples import feed

WIDER = (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1)


class Mover:
    """Tells how all is at a moment; as a thread it goes on every half second, and stores the minutes that it closes.

    Args:
        database: With the candles.
        redis_url: Where it tells.
    """

    def __init__(self, database: DatabaseOperations, redis_url: str) -> None:
        self._database, self._redis, self._bus = database, Redis.from_url(redis_url), Bus(redis_url)
        self._dice = np.random.default_rng(1)
        self._ends, self._thread = threading.Event(), threading.Thread(target=self._run, name="mover", daemon=True)
        self._bots: Mapping[str, dict[str, Any]] = {}
        self._minutes = {symbol: self._begin(symbol) for symbol in PRICES}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(10)
        self._bus.close()
        self._redis.close()

    def start(self) -> None:
        """Go on by itself until the block ends."""
        self._thread.start()

    def tell(self, at_us: int, *, lifetime_seconds: int = 60) -> None:
        """Tell how all is: one more trade of each symbol, the candles with it, feeds, bots."""
        self._close_until(at_us)
        for symbol, state in zip(PRICES, FEEDS, strict=True):
            minute = self._minutes[symbol] = self._traded(self._minutes[symbol])
            self._bus.publish_candle(minute)
            for width in WIDER:
                self._bus.publish_candle(msgspec.structs.replace(roll_up([minute], width)[-1], final=False))
            told = feed(
                at_us, symbol=symbol, venue=symbol.partition(":")[0], state=state, price=minute.close, trade_us=at_us - 300_000,
                received_us=at_us - 250_000, last_id=minute.last_trade_id or 0, open_holes=1 if state == "healing" else 0,
                tape="synthetic" if symbol.startswith("SYNTHETIC") else "", provable=not symbol.startswith(UNPROVABLE),
                reason="" if state == "live" else "no trade for a minute", since_us=at_us - 3_600_000_000,
            )  # fmt: skip
            self._redis.set(FEED_KEY.format(symbol=symbol), msgspec.json.encode(told), ex=lifetime_seconds)
        self._tell_bots(at_us, lifetime_seconds)

    def _tell_bots(self, at_us: int, lifetime_seconds: int) -> None:
        if not self._bots:
            self._bots = {bot.id: _state(bot) for bot in self._database.bots.list() if bot.lease_owner is not None}
        states = {bot: {**state, "at_us": at_us} for bot, state in self._bots.items()}
        self._bus.tell(
            [(BOT_STATUS_CHANNEL.format(bot_id=bot), state) for bot, state in states.items()],
            {BOT_KEY.format(bot_id=bot): state for bot, state in states.items()},
            lifetime_seconds=lifetime_seconds,
        )

    def _run(self) -> None:
        while not self._ends.wait(0.5):
            self.tell(now_us())

    def _begin(self, symbol: str) -> Candle:
        last = self._database.market_data.get_latest_candle(symbol, BASE)
        assert last is not None
        return _next(last)

    def _close_until(self, at_us: int) -> None:
        closed = []
        for symbol, minute in self._minutes.items():
            while minute.timestamp_us <= at_us:
                closed.append(msgspec.structs.replace(minute, final=True))
                minute = _next(closed[-1])  # noqa: PLW2901 - the next one
            self._minutes[symbol] = minute
        if closed:  # first stored, then told, as the worker does
            self._database.market_data.upsert_candles(closed)
            for candle in closed[-len(PRICES) :]:
                self._bus.publish_candle(candle)

    def _traded(self, minute: Candle) -> Candle:
        price = round(minute.close * float(np.exp(self._dice.normal(0.0, 1e-4))), 2)
        return msgspec.structs.replace(
            minute, close=price, high=max(minute.high, price), low=min(minute.low, price), trades=(minute.trades or 0) + 1,
            volume=round(minute.volume + 0.01, 6), quote_volume=round((minute.quote_volume or 0.0) + 0.01 * price, 6),
            last_trade_id=(minute.last_trade_id or 0) + 1, first_trade_id=minute.first_trade_id or 1,
        )  # fmt: skip


def _next(last: Candle) -> Candle:
    return Candle(
        last.symbol, BASE, last.timestamp_us + MINUTE_US, open=last.close, high=last.close, low=last.close, close=last.close,
        volume=0.0, quote_volume=0.0, trades=0, taker_buy_volume=0.0, first_trade_id=None, last_trade_id=last.last_trade_id,
        final=False, complete=None if last.symbol.startswith(UNPROVABLE) else True,
    )  # fmt: skip


def _state(bot: Any) -> dict[str, Any]:
    return {
        "bot": bot.id, "state": bot.state, "reason": bot.reason, "acted_until_us": bot.acted_until_us,
        "equity": float(bot.equity or 0), "cash": str(bot.cash or 0), "exposure": bot.exposure or {},
    }  # fmt: skip
