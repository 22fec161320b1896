"""What the tests of the pages need: a worker that leaves data in the stores, and what is read off a page."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa
from redis import Redis
from streamlit.testing.v1 import AppTest

from app.data import connections
from db import DatabaseOperations
from db.bus import FEED_KEY, LATEST_KEY, encode_candle
from db.repositories.gaps import Gap
from market.candle import Candle
from market.clock import now_us
from tests.app.samples import SYMBOL, feed

Opener = Callable[..., AppTest]


class Worker:
    """What a worker leaves in the stores."""

    def __init__(self, database: DatabaseOperations, redis_url: str) -> None:
        self._database, self._redis = database, Redis.from_url(redis_url)

    def stores(self, *candles: Candle) -> None:
        self._database.market_data.upsert_candles(candles)

    def misses(self, *gaps: Gap) -> None:
        for gap in gaps:
            self._database.gaps.open(gap)

    def publishes(self, one: Candle) -> None:
        self._redis.set(LATEST_KEY.format(symbol=one.symbol, timeframe=one.timeframe), encode_candle(one))

    def tells(self, symbol: str = SYMBOL, **changes: object) -> None:
        state = feed(now_us(), **{"symbol": symbol, **changes})
        self._redis.set(FEED_KEY.format(symbol=symbol), msgspec.json.encode(state))

    def close(self) -> None:
        self._redis.close()


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that the app sends to its database."""
    sent: list[str] = []
    engine = connections.database_at(connections.url_of("database")).engine

    def note(*told: object) -> None:
        sent.append(str(told[2]))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def chart_spec(page: AppTest) -> dict:
    return json.loads(page.get("vega_lite_chart")[0].proto.spec)


def words(page: AppTest) -> str:
    return "\n".join(
        block.value for block in (*page.markdown, *page.subheader, *page.caption, *page.info, *page.warning, *page.error)
    )
