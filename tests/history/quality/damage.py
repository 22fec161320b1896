"""A store that is whole, and forty-some ways to damage it, each with the rules that have to notice."""

from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from db import rollups
from db.operations import DatabaseOperations
from db.repositories.feeds import Feed
from db.series import CandleSeries
from market.timeframe import MINUTE_US, Timeframe
from market.trade import Side, Trade

SYMBOL, LOOSE = "OKX:BTC-USDT", "BYBIT:BTC-USDT"
START_US = 1_722_816_000_000_000  # 2024-08-05, a Monday
MINUTES, TRADES = 3 * 1440, 3_000
END_US = START_US + MINUTES * MINUTE_US
NOW_US = END_US + 20_000_000


def minutes(symbol: str = SYMBOL, *, count: int = MINUTES, seed: int = 1) -> CandleSeries:
    """Return candles of a random walk; one of fifty has no trade."""
    dice = np.random.default_rng(seed)
    quiet = dice.random(count) < 0.02
    quiet[0] = False
    close = np.round(60_000 * np.exp(np.cumsum(np.where(quiet, 0.0, dice.normal(0, 4e-4, count)))), 1)
    open_ = np.concatenate([[60_000.0], close[:-1]])
    spread = np.where(quiet, 0.0, 1.0)
    volume = np.where(quiet, 0.0, np.round(dice.exponential(10, count) + 1e-8, 8))
    traded = np.where(quiet, 0, dice.integers(1, 10, count))
    last_ids = np.cumsum(traded)
    no_id = np.iinfo(np.int64).min
    columns = {
        "timestamp": START_US + (np.arange(count) + 1) * MINUTE_US,
        "open": open_, "close": close,
        "high": np.round(np.maximum(open_, close) + spread * dice.exponential(10, count), 1),
        "low": np.round(np.minimum(open_, close) - spread * dice.exponential(10, count), 1),
        "volume": volume, "quote_volume": np.round(volume * close, 8), "trades": traded,
        "taker_buy_volume": np.round(volume / 3, 8),
        "first_trade_id": np.where(quiet, no_id, last_ids - traded + 1), "last_trade_id": np.where(quiet, no_id, last_ids),
        "complete": np.ones(count), "origin": np.zeros(count),
    }  # fmt: skip
    return CandleSeries.of(symbol, Timeframe.M1, columns)


def trades(symbol: str = SYMBOL, *, count: int = TRADES) -> list[Trade]:
    """Return trades with ids that rise by one, about three a minute; some stand for three."""
    dice = np.random.default_rng(2)
    moments = START_US + np.sort(dice.integers(0, count * 20_000_000, count))
    spans = np.where(dice.random(count) < 0.1, 3, 1)
    ids = 1_000 + np.cumsum(spans)
    prices = np.round(60_000 + dice.normal(0, 5, count), 1)
    return [
        Trade(
            symbol, int(ids[n]), float(prices[n]), 0.5, Side.BUY, int(moments[n]), int(moments[n]), count=1, id_span=int(spans[n])
        )
        for n in range(count)
    ]


def fill(database: DatabaseOperations) -> None:
    """Store candles with their rollups, and trades, and a worker that follows the symbol."""
    with database.transaction() as store:
        store.market_data.upsert_series(minutes())
        store.raw_trades.append(trades())
        store.feeds.set(Feed(SYMBOL, "live", "", NOW_US))
    assert rollups.refresh(database.engine) is not None


def minute(number: int) -> str:
    """Return the label of a minute as SQL."""
    return f"to_timestamp({(START_US + number * MINUTE_US) // 1_000_000})"


class Damage(NamedTuple):
    """A way to damage a store.

    Attributes:
        name: In words.
        sql: What does it; statements are parted by semicolons.
        rules: Of the suite for candles, or for trades, which of them have to notice; no other may.
    """

    name: str
    sql: str
    rules: set[str]


_AT = f"where timeframe = '1m' and timestamp = {minute(1000)}"
_AT_TEN = f"where timestamp = {minute(600)}"
_UNMADE = "delete from rollup_marks; delete from rollup_changes;"  # so that the damage is one of minutes only
_PRICE = f"(select close from market_data where timeframe = '1m' and timestamp = {minute(500)})"
_DROP_NOT_NULL = "alter table market_data alter column {0} drop not null;"


def row(sets: str, number: int = 1000) -> str:
    """Return what changes one minute, and takes away what is made of it."""
    return f"{_UNMADE} update market_data set {sets} where timeframe = '1m' and timestamp = {minute(number)}"


CANDLES = (
    Damage("a column has another type", "alter table market_data alter column volume type numeric", {"schema"}),
    Damage("a column is gone", "alter table market_data drop column quote_volume cascade", {"schema"}),
    Damage("a column is new", "alter table market_data add column note text", {"schema"}),
    Damage("a column may be null", _DROP_NOT_NULL.format("close"), {"schema"}),
    Damage("a close is absent", _DROP_NOT_NULL.format("close") + row("close = null"), {"schema", "present"}),
    Damage("a volume is no number", row("volume = 'NaN'"), {"present"}),
    Damage("a high is infinite", row("high = 'Infinity'"), {"present"}),
    Damage(
        "a candle is stored twice",
        f"{_UNMADE} alter table market_data drop constraint market_data_key; "
        f"insert into market_data select * from market_data {_AT}",
        {"schema", "unique"},
    ),
    Damage(
        "a candle is stored twice with other prices",
        f"{_UNMADE} alter table market_data drop constraint market_data_key; "
        "insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision) "
        f"select symbol, timeframe, timestamp, open + 1, high + 2, low, close, 1, 'exchange', 5 from market_data {_AT}",
        {"schema", "unique"},
    ),
    Damage("the high is below the open", row("high = close, open = close + 5, low = close - 5"), {"high"}),
    Damage("the high is below the close", row("high = open, close = open + 5, low = open - 5"), {"high"}),
    Damage("high and low are swapped", row("high = low, low = high"), {"high", "low"}),
    Damage("the low is above the open", row("low = close, open = close - 5, high = close + 5"), {"low"}),
    Damage("the low is above the close", row("low = open, close = open - 5, high = open + 5"), {"low"}),
    Damage("the low is zero", row("low = 0"), {"positive"}),
    Damage("the low is negative", row("low = -low"), {"positive"}),
    Damage("the volume is negative", row("volume = -1, taker_buy_volume = null"), {"volume"}),
    Damage("takers bought more than was traded", row("taker_buy_volume = volume + 1"), {"volume"}),
    Damage("the number of trades is negative", row("trades = -5"), {"volume"}),
    Damage("the quote volume is negative", row("quote_volume = -0.01"), {"volume"}),
    Damage("a candle is labelled by seconds off", row("timestamp = timestamp + interval '7 seconds'"), {"aligned", "spacing"}),
    Damage(
        "a candle too many lies between two",
        f"{_UNMADE} insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision) "
        f"select symbol, timeframe, timestamp + interval '30 seconds', close, close, close, close, 0, 'exchange', 0 "
        f"from market_data {_AT}",
        {"aligned"},
    ),
    Damage("a minute is absent", f"{_UNMADE} delete from market_data {_AT}", {"spacing"}),
    Damage(
        "two hours are absent",
        f"{_UNMADE} delete from market_data where timestamp > {minute(500)} and timestamp <= {minute(620)}", {"spacing"},
    ),
    Damage(
        "a minute is absent beside a hole of the ledger",
        f"""{_UNMADE} insert into gaps (symbol, start, "end", cause)
        values ('{SYMBOL}', {minute(997)}, {minute(999)}, 'disconnect');
        delete from market_data where timestamp > {minute(997)} and timestamp <= {minute(1000)}""",
        {"spacing"},
    ),
    Damage(
        "a minute is absent of a hole that is filled",
        f"""{_UNMADE} insert into gaps (symbol, start, "end", cause, state)
        values ('{SYMBOL}', {minute(999)}, {minute(1000)}, 'disconnect', 'filled'); delete from market_data {_AT}""",
        {"spacing"},
    ),
    Damage("the newest hour is absent", f"delete from market_data where timestamp > {minute(MINUTES - 60)}", {"fresh"}),
    Damage(
        "the newest candle lies in the future",
        "insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision, complete) "
        f"select symbol, timeframe, timestamp + interval '1 minute', close, close, close, close, 0, 'live', 0, true "
        f"from market_data where timestamp = {minute(MINUTES)} and timeframe = '1m'",
        {"fresh"},
    ),
    Damage("a price lost a digit", row("low = low / 10"), {"jumps"}),
    Damage("a high has a digit too many", row("high = high * 10"), {"jumps"}),
    Damage(
        "prices are twice what they were from one candle on",
        f"{_UNMADE} update market_data set open = 2 * open, high = 2 * high, low = 2 * low, close = 2 * close "
        f"where timestamp > {minute(2000)}",
        {"jumps"},
    ),
    Damage(
        "one price for three hours",
        f"{_UNMADE} update market_data set open = 60000, high = 60000, low = 60000, close = 60000, volume = 0, trades = 0, "
        f"quote_volume = 0, taker_buy_volume = 0, complete = null, first_trade_id = null, last_trade_id = null "
        f"where timestamp > {minute(500)} and timestamp <= {minute(680)}",
        {"flat"},
    ),
    Damage(
        "the same candle for twenty minutes",
        f"{_UNMADE} update market_data set open = 60000, high = 60001, low = 59999, close = 60000, volume = 3, "
        f"taker_buy_volume = 1 where timestamp > {minute(500)} and timestamp <= {minute(520)}",
        {"flat"},
    ),
    Damage("a stored hour has another close", f"update candles_1h set close = close + 1 {_AT_TEN}", {"wider"}),
    Damage(
        "a stored day has another volume", f"update candles_1d set volume = volume + 0.001 where timestamp = {minute(1440)}",
        {"wider"},
    ),
    Damage("a stored quarter of an hour is absent", "delete from candles_15m where timestamp = " + minute(600), {"wider"}),
    Damage("a minute was changed behind the rollups", f"update market_data set close = high {_AT}", {"wider"}),
    Damage("a quote volume is infinite", row("quote_volume = 'Infinity'"), {"present"}),
    Damage("a quote volume is no number", row("quote_volume = 'NaN'"), {"present"}),
    Damage("a low is zero below zero", row("low = '-0'"), {"positive"}),
    Damage("the high is below the close by the last bit", row("high = greatest(open, close) - 7.3e-12"), {"high"}),
    Damage("there is volume and nobody traded", row("trades = 0"), {"volume"}),
    Damage("somebody traded and there is no volume", row("volume = 0, taker_buy_volume = 0"), {"volume"}),
    Damage(
        "an origin is none", "alter table market_data drop constraint market_data_origin;" + row("origin = 'étrange'"), {"standing"}
    ),
    Damage(
        "an origin is absent", _DROP_NOT_NULL.format("origin") + row("origin = null"), {"schema", "standing"}
    ),
    Damage("a revision is negative", row("revision = -1"), {"standing"}),
    Damage("the last id is below the first", row("last_trade_id = first_trade_id - 1, complete = null"), {"standing"}),
    Damage("a candle is called complete and an id is left out before it", row("first_trade_id = first_trade_id + 1"), {"standing"}),
    Damage("the first candle closes after its minute", row("timestamp = timestamp - interval '5 seconds'", 1),
           {"aligned", "spacing"}),
    Damage(
        "nothing but one price is stored",
        f"{_UNMADE} update market_data set open = 60000, high = 60000, low = 60000, close = 60000, volume = 0, trades = 0, "
        "quote_volume = 0, taker_buy_volume = 0, complete = null",
        {"flat"},
    ),
    Damage(
        "the feed is stuck up to the end, with volume",
        f"{_UNMADE} update market_data set close = {_PRICE}, open = {_PRICE}, high = {_PRICE}, low = {_PRICE}, volume = 5, "
        f"taker_buy_volume = 1, trades = 1 where timestamp > {minute(500)}",
        {"flat"},
    ),
    *(
        Damage(f"a stored hour has other {name}", f"update candles_1h set {name} = {value} {_AT_TEN}", {"wider"})
        for name, value in (
            ("trades", "trades + 1"), ("quote_volume", "quote_volume + 1"), ("taker_buy_volume", "'NaN'"), ("complete", "false"),
            ("last_trade_id", "null"),
        )
    ),
    Damage(
        "a stored hour has no close",
        f"alter table candles_1h alter close drop not null; update candles_1h set close = null {_AT_TEN}", {"wider"},
    ),
    Damage("a rollup is gone", "drop table candles_4h", {"wider"}),
    Damage("a rollup has another column", "alter table candles_15m rename column volume to turnover", {"wider"}),
    Damage(
        "an imported candle is not what the minutes make",
        "insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision) "
        f"select symbol, '1h', timestamp, open, high, low - 1, close, volume, 'exchange', 0 from candles_1h "
        f"where timestamp = {minute(600)}",
        {"wider"},
    ),
)  # fmt: skip

_THIRD = "(select trade_id from raw_trades order by trade_id offset 1000 limit 1)"

TRADES_DAMAGED = (
    Damage("a column has another type", "alter table raw_trades alter column size type numeric", {"schema"}),
    Damage("the key is gone", "alter table raw_trades drop constraint raw_trades_key", {"schema"}),
    Damage("a trade is absent", f"delete from raw_trades where trade_id = {_THIRD}", {"contiguous"}),
    Damage(
        "a hundred trades are absent", f"delete from raw_trades where trade_id >= {_THIRD} and trade_id < {_THIRD} + 100",
        {"contiguous"},
    ),
    Damage(
        "half of a hole is in the ledger",
        f"""insert into gaps (symbol, first_id, last_id, start, "end", cause)
        select '{SYMBOL}', id, id + 49, now(), now(), 'sequence'
        from (select {_THIRD} as id) as third; delete from raw_trades where trade_id >= {_THIRD} and trade_id < {_THIRD} + 100""",
        {"contiguous"},
    ),
    Damage(
        "a trade is stored twice, at two times",
        f"insert into raw_trades select symbol, trade_id, timestamp + interval '1 second', price, size, taker_buy, count, id_span, "
        f"received_at from raw_trades where trade_id = {_THIRD}",
        {"unique"},
    ),
    Damage(
        "a trade says that it stands for more ids than it does",
        f"update raw_trades set id_span = id_span + 2 where trade_id = {_THIRD}", {"unique"},
    ),
    Damage(
        "a side is absent",
        f"alter table raw_trades alter taker_buy drop not null; update raw_trades set taker_buy = null where trade_id = {_THIRD}",
        {"schema", "present"},
    ),
    Damage("a trade counts for none", f"update raw_trades set count = 0 where trade_id = {_THIRD}", {"positive"}),
    Damage(
        "the last trade lies in the future",
        "create table raw_trades_later partition of raw_trades for values from ('2031-01-01') to ('2031-02-01'); "
        "update raw_trades set timestamp = '2031-01-05' where trade_id = (select max(trade_id) from raw_trades)", {"order"},
    ),
    Damage(
        "the second trade is absent",
        "delete from raw_trades where trade_id = (select trade_id from raw_trades order by 1 offset 1 limit 1)", {"contiguous"},
    ),
    Damage("a price is zero", f"update raw_trades set price = 0 where trade_id = {_THIRD}", {"positive"}),
    Damage("a size is negative", f"update raw_trades set size = -1 where trade_id = {_THIRD}", {"positive"}),
    Damage("a price is no number", f"update raw_trades set price = 'NaN' where trade_id = {_THIRD}", {"present"}),
    Damage("a size is infinite", f"update raw_trades set size = 'Infinity' where trade_id = {_THIRD}", {"present"}),
    Damage(
        "a trade happened an hour after its neighbours",
        f"update raw_trades set timestamp = timestamp + interval '1 hour' where trade_id = {_THIRD}", {"order"},
    ),
    Damage(
        "a trade happened a day before its neighbours",
        f"update raw_trades set timestamp = timestamp - interval '1 day' where trade_id = {_THIRD}", {"order"},
    ),
)  # fmt: skip

CONTROLS: tuple[tuple[str, str], ...] = (
    ("nothing was done", "select 1"),
    ("the rollups were never made", _UNMADE + "delete from candles_5m"),
    (
        "absent minutes are in an open hole",
        f"""{_UNMADE} insert into gaps (symbol, start, "end", cause)
        values ('{SYMBOL}', {minute(999)}, {minute(1002)}, 'disconnect');
        delete from market_data where timestamp > {minute(999)} and timestamp <= {minute(1002)}""",
    ),
    (
        "absent minutes are in a hole that cannot be filled",
        f"""{_UNMADE} insert into gaps (symbol, start, "end", cause, state) values
        ('{SYMBOL}', {minute(999)} + interval '3 seconds', {minute(1001)} + interval '2 seconds', 'crash', 'unrecoverable');
        delete from market_data where timestamp > {minute(999)} and timestamp <= {minute(1002)}""",
    ),
    (
        "the venue said that it has none",
        f"""{_UNMADE} insert into backfill_spans (symbol, timeframe, start, "end")
        values ('{SYMBOL}', '1m', {minute(900)}, {minute(1100)}); delete from market_data {_AT}""",
    ),
    (
        "nobody traded for five hours, and that is proven",
        (
            f"{_UNMADE} update market_data set open = {_PRICE}, high = {_PRICE}, low = {_PRICE}, close = {_PRICE}, "
            f"volume = 0, trades = 0, "
            f"quote_volume = 0, taker_buy_volume = 0 where timestamp > {minute(500)} and timestamp <= {minute(800)}; "
            f"update market_data set open = {_PRICE}, high = greatest(high, {_PRICE}), low = least(low, {_PRICE}) "
            f"where timestamp = {minute(801)}"
        ),
    ),
    ("what the source did not say is null", row("quote_volume = null, trades = null, taker_buy_volume = null, complete = null")),
    ("a minute of which not all is known", row("complete = false")),
    ("an id is left out beside a minute that is not called complete", row("complete = false, first_trade_id = first_trade_id + 1")),
    (
        "an id that never existed is left out of complete candles",
        f"""insert into gaps (symbol, first_id, last_id, start, "end", cause, state, evidence)
        select symbol, first_trade_id, last_trade_id, timestamp, timestamp, 'sequence', 'filled',
        jsonb_build_object('never_existed', jsonb_build_array(jsonb_build_object(
        'ids', jsonb_build_array(first_trade_id, first_trade_id)))) from market_data {_AT};
        {row("first_trade_id = first_trade_id + 1")}""",
    ),
    (
        "ids of two neighbours crossed the border of a minute",
        f"{row('last_trade_id = last_trade_id + 1')}; {row('first_trade_id = first_trade_id - 1', 1001)}",
    ),
    (
        "a market is quiet nine minutes of ten, says the venue",
        f"""{_UNMADE} update market_data set origin = 'exchange', complete = null;
        update market_data as one set open = last.close, high = last.close, low = last.close, close = last.close, volume = 0,
        trades = 0, quote_volume = 0, taker_buy_volume = 0 from market_data as last
        where extract(minute from one.timestamp)::integer % 10 <> 0
        and last.timestamp = date_bin('10 minutes', one.timestamp, '2024-01-01');
        update market_data as one set open = last.close, high = greatest(one.high, last.close), low = least(one.low, last.close)
        from market_data as last where extract(minute from one.timestamp)::integer % 10 = 0
        and last.timestamp = one.timestamp - interval '1 minute'""",
    ),
    (
        "prices fall by three percent within a minute",
        f"{_UNMADE} update market_data set low = 0.97 * low {_AT}",
    ),
    (
        "an imported candle is what the minutes make",
        (
            "insert into market_data (symbol, timeframe, timestamp, open, high, low, close, volume, origin, revision) "
            "select symbol, '1h', timestamp, open, high, low, close, volume, 'exchange', 0 from candles_1h"
        ),
    ),
    (
        "absent ids are in the ledger",
        f"""insert into gaps (symbol, first_id, last_id, start, "end", cause, state)
        select '{SYMBOL}', id - 2, id + 9, now(), now(), 'sequence', 'never_existed' from (select {_THIRD} as id) as third;
        delete from raw_trades where trade_id >= {_THIRD} and trade_id < {_THIRD} + 8""",
    ),
    (
        "trades of one moment are stored in another order",
        f"update raw_trades set timestamp = timestamp - interval '2 seconds' where trade_id = {_THIRD}",
    ),
)


def apply(database: DatabaseOperations, sql: str) -> None:
    """Run the statements of a damage in one transaction."""
    with database.engine.begin() as connection:
        for statement in filter(str.strip, sql.split(";")):
            connection.execute(sa.text(statement))
