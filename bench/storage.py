"""How near the store comes to what PostgreSQL can do at most: trades, candles, and the wider ones that are kept; as ratios."""

import io
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import sqlalchemy as sa

from bench.figures import figure, note
from db import rollups, schema
from db.embedded import PostgresServer
from db.engine import create_engine, transaction
from db.series import CandleSeries
from db.trade_rows import COLUMNS, encode_trades
from market.timeframe import Timeframe
from market.trade import Side, Trade

SYMBOL = "OKX:BTC-USDT"
START_US = 1_704_067_200_000_000  # 2024-01-01
MINUTE_US = 60_000_000
TRADES, BATCH = 200_000, 5_000
YEAR = 525_600
ROUNDS = 5

# What a reader who knows that nothing is null and every candle is live could ask for.
_BARE = (
    "copy (select timestamp, open, high, low, close, volume, quote_volume, trades, taker_buy_volume, first_trade_id, last_trade_id,"
    f" complete, origin, revision from {{table}} where symbol = '{SYMBOL}' order by timestamp) to stdout (format binary)"
)
_MINUTES, _HOURS = "(select * from market_data where timeframe = '1m') as minutes", "candles_1h"
_BARE_KINDS = (*[">i8"], *[">f8"] * 6, ">i8", ">f8", ">i8", ">i8", "?", "S4", ">i4")


def main() -> None:
    """Print one line a figure: what was measured, the target, and whether it holds."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder) / "data", durable=False)
        server.start()
        try:
            schema.upgrade(server.url)
            engine = create_engine(server.url)
            writing(engine)
            importing(engine)
            revising(engine)
            reading(engine)
            reading_wider(engine)
            refreshing(engine)
            engine.dispose()
        finally:
            server.stop()


def writing(engine: sa.Engine) -> None:
    """Compare `raw_trades.append` with bare COPY of rows that were encoded before."""
    trades = _trades()
    batches = [trades[first : first + BATCH] for first in range(0, TRADES, BATCH)]
    files = [b"".join(encode_trades(batch)) for batch in batches]
    with transaction(engine) as store:
        store.raw_trades.append(batches[0])

    def ours() -> None:
        for batch in batches:
            with transaction(engine) as store:
                store.raw_trades.append(batch)

    def bare() -> None:
        for file in files:
            _bare_copy(engine, "raw_trades", COLUMNS, file)

    seconds = _best({"ours": ours, "bare": bare}, before=lambda: _empty(engine, "raw_trades"))
    note("append, trades a second", TRADES / seconds["ours"], "/s")
    figure("append trades, share of the rate of a bare COPY", seconds["bare"] / seconds["ours"], 0.60)


def importing(engine: sa.Engine) -> None:
    """Compare `upsert_series` of new candles with bare COPY of rows that were encoded before."""
    series = _year()
    from db.candle_rows import COLUMNS as NAMES
    from db.candle_rows import encode_series

    file = b"".join(encode_series([series]))

    def ours() -> None:
        with transaction(engine) as store:
            store.market_data.upsert_series(series)

    ours()
    contenders = {"ours": ours, "bare": lambda: _bare_copy(engine, "market_data", NAMES, file)}
    seconds = _best(contenders, before=lambda: _empty(engine, "market_data"), rounds=4)
    figure("import a year of 1m candles, share of the rate of a bare COPY", seconds["bare"] / seconds["ours"], 0.80)


def revising(engine: sa.Engine) -> None:
    """Compare `upsert_series` over a year of stored candles, all of which change, with bare COPY into an empty table."""
    from db.candle_rows import COLUMNS as NAMES
    from db.candle_rows import encode_series

    revisions = iter(range(1, 1_000))
    file = b"".join(encode_series([_year()]))

    def stored() -> None:
        _empty(engine, "market_data")
        _bare_copy(engine, "market_data", NAMES, file)

    def ours() -> None:
        with transaction(engine) as store:
            assert store.market_data.upsert_series(_year(next(revisions))) == YEAR

    def again() -> None:
        with transaction(engine) as store:
            assert store.market_data.upsert_series(_year()) == 0

    bare = _best({"bare": lambda: _bare_copy(engine, "market_data", NAMES, file)}, lambda: _empty(engine, "market_data"), rounds=3)
    seconds = _best({"ours": ours, "again": again}, before=stored, rounds=3)
    figure("upsert a year of 1m candles over stored ones, share of the rate of a bare COPY", bare["bare"] / seconds["ours"], 0.25)
    note("the same with nothing changed, share of the rate of a bare COPY", bare["bare"] / seconds["again"], "")


def reading_wider(engine: sa.Engine) -> None:
    """Compare a year of 1h candles from the rollup, marks and changes looked at, with the bare query of it."""
    rollups.refresh(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze"))

    def ours() -> CandleSeries:
        with transaction(engine) as store:
            return store.market_data.get_series(SYMBOL, "1h")

    def as_table() -> pd.DataFrame:
        with transaction(engine) as store:
            return store.market_data.get_candles(SYMBOL, "1h")

    assert len(ours()) == len(as_table()) == len(_bare_read(engine, _HOURS)[0]) == YEAR // 60
    seconds = _best({"ours": ours, "table": as_table, "bare": lambda: _bare_read(engine, _HOURS)}, rounds=20)
    figure("read a year of 1h candles, time against the bare SQL", seconds["ours"] / seconds["bare"], 1.5, at_least=False)
    note("the same as a DataFrame", seconds["table"] / seconds["bare"], "")


def refreshing(engine: sa.Engine) -> None:
    """Print what a refresh touches after one healed minute: a row in each rollup, or it did too much."""
    with transaction(engine) as store:
        candle = next(store.market_data.get_series(SYMBOL, "1m", START_US + 777 * MINUTE_US, START_US + 777 * MINUTE_US).candles())
        store.market_data.upsert_candle(msgspec.structs.replace(candle, volume=candle.volume + 1, revision=candle.revision + 1))
    begun = time.perf_counter()
    done = rollups.refresh(engine)
    assert done is not None
    note("refresh after one healed minute", (time.perf_counter() - begun) * 1e3, "ms")
    most = max(done.rows.values())
    figure("rows of each rollup that it touches", most, 1, at_least=False)
    note("rows of all rollups that it touches", sum(done.rows.values()), "")


def reading(engine: sa.Engine) -> None:
    """Compare `get_candles` with bare COPY and numpy, and with what pandas offers."""
    _empty(engine, "market_data")
    with transaction(engine) as store:
        store.market_data.upsert_series(_year())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze market_data"))

    def ours() -> pd.DataFrame:
        with transaction(engine) as store:
            return store.market_data.get_candles(SYMBOL, "1m")

    def bare() -> list[Any]:
        return _bare_read(engine, _MINUTES)

    def by_pandas() -> pd.DataFrame:
        with engine.connect() as connection:
            return pd.read_sql(sa.text(f"select * from market_data where symbol = '{SYMBOL}' order by timestamp"), connection)

    assert len(ours()) == len(bare()[0]) == YEAR
    seconds = _best({"ours": ours, "bare": bare})
    figure("read a year of 1m candles, time against a bare COPY and numpy", seconds["ours"] / seconds["bare"], 1.5, at_least=False)
    seconds |= _best({"pandas": by_pandas}, rounds=2)
    figure("read a year of 1m candles, times faster than pandas.read_sql", seconds["pandas"] / seconds["ours"], 5)


def _trades() -> list[Trade]:
    dice = random.Random(1)
    return [
        Trade(
            SYMBOL,
            1_000_000 + number,
            round(30_000 + dice.gauss(0, 100), 1),
            round(dice.expovariate(10) + 1e-8, 8),
            dice.choice(list(Side)),
            START_US + number * 10_000,
            START_US + number * 10_000 + 30_000,
        )
        for number in range(TRADES)
    ]


def _year(revision: int = 0) -> CandleSeries:
    dice = np.random.default_rng(1)
    close = np.round(30_000 + np.cumsum(dice.normal(0, 5, YEAR)), 1)
    rows = np.arange(YEAR, dtype=np.int64)
    columns = {
        "timestamp": START_US + (rows + 1) * MINUTE_US,
        "open": close,
        "high": close + 5,
        "low": close - 5,
        "close": close,
        "volume": np.round(dice.exponential(10, YEAR), 8),
        "quote_volume": np.round(dice.exponential(300_000, YEAR), 8),
        "trades": dice.integers(1, 1_000, YEAR),
        "taker_buy_volume": np.round(dice.exponential(5, YEAR), 8),
        "first_trade_id": rows * 1_000,
        "last_trade_id": rows * 1_000 + 999,
        "complete": np.ones(YEAR),
        "origin": np.zeros(YEAR),
        "revision": np.full(YEAR, revision),
    }
    return CandleSeries.of(SYMBOL, Timeframe.M1, columns)


def _bare_read(engine: sa.Engine, table: str) -> list[Any]:
    sink = io.BytesIO()
    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(_BARE.format(table=table), sink, 1 << 20)
    return _bare_columns(sink.getvalue())


def _bare_columns(data: bytes) -> list[Any]:
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    for number, kind in enumerate(_BARE_KINDS):
        fields += [(f"length {number}", ">i4"), (f"value {number}", kind)]
    rows = np.frombuffer(data, np.dtype(fields), offset=19, count=(len(data) - 21) // np.dtype(fields).itemsize)
    return [rows[f"value {number}"].astype(kind.lstrip(">")) for number, kind in enumerate(_BARE_KINDS)]


def _bare_copy(engine: sa.Engine, table: str, columns: tuple[str, ...], file: bytes) -> None:
    with engine.begin() as connection, closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin (format binary)", io.BytesIO(file), 1 << 20)


def _empty(engine: sa.Engine, table: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"truncate {table}")


def _best(
    contenders: Mapping[str, Callable[[], object]], before: Callable[[], None] = lambda: None, rounds: int = ROUNDS
) -> dict[str, float]:
    """Return the best time of each contender in seconds; they take turns, so that a slow moment of the machine hits all."""
    seconds = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, run in contenders.items():
            before()
            begun = time.perf_counter()
            run()
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
    return seconds


if __name__ == "__main__":
    main()
