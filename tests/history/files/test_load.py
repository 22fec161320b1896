"""A file is stored as a whole or not at all; what the store has stays."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from db.child import wait_until
from db.claims import Claims, Purpose
from db.engine import create_engine, transaction
from db.operations import DatabaseOperations
from db.repositories.market_data import MarketDataRepository
from history.files.errors import BadRows, FileRefused
from history.files.load import load
from history.files.plan import Wish, plan
from market.candle import Candle, Origin
from market.errors import StoreError
from market.timeframe import Timeframe
from market.window import Window
from tests.history.files.samples import MINUTE_US, NOW_US, START_US, frame, lines, prices, written

HEADER = "timestamp,open,high,low,close,volume"
SYMBOL = "BINANCE:BTC-USDT"
WISH = Wish(symbol=SYMBOL, timeframe="1m")


@pytest.fixture(params=["plain", pytest.param("timescale", marks=pytest.mark.timescale)])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """Return an engine on an empty database: on the embedded server, and on a TimescaleDB."""
    found: sa.Engine = request.getfixturevalue("plain_engine" if request.param == "plain" else "timescale_engine")
    return found


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a file of a few hundred lines come in many batches."""
    monkeypatch.setattr("history.files.text._BLOCK_BYTES", 1_000)
    return


def _load(engine: sa.Engine, file: Path, wish: Wish = WISH, *, now_us: int = NOW_US):
    return load(engine, plan(file, wish), now_us=now_us)


@pytest.mark.postgres
def test_many_batches_are_one_file(tmp_path: Path, database: DatabaseOperations, small_blocks: None):
    loaded = _load(database.engine, written(tmp_path / "x.csv", lines(500), header=HEADER))
    series = database.market_data.get_series(SYMBOL, "1m")

    assert (loaded.rows, loaded.candles, loaded.stored, loaded.gap_count) == (500, 500, 500, 0)
    assert loaded.span == Window(START_US, START_US + 500 * MINUTE_US)
    assert series.columns["close"].tolist() == [prices(number)[3] for number in range(500)]


@pytest.mark.postgres
def test_a_bad_row_at_the_end_leaves_nothing_stored(tmp_path: Path, database: DatabaseOperations, small_blocks: None):
    file = written(tmp_path / "x.csv", [*lines(500), "1704099000000,1,2"], header=HEADER)

    with pytest.raises(BadRows):
        _load(database.engine, file)
    assert database.market_data.count(SYMBOL, "1m") == 0


@pytest.mark.postgres
def test_a_contradiction_at_the_end_leaves_nothing_stored(tmp_path: Path, database: DatabaseOperations, small_blocks: None):
    file = written(tmp_path / "x.csv", [*lines(500), lines()[0] + "1"], header=HEADER)

    with pytest.raises(BadRows, match="lines 2 and 502"):
        _load(database.engine, file)
    assert database.market_data.count(SYMBOL, "1m") == 0


@pytest.mark.postgres
def test_a_file_of_another_width_leaves_nothing_stored(tmp_path: Path, database: DatabaseOperations):
    file = written(tmp_path / "x.csv", lines(50, width_us=60 * MINUTE_US), header=HEADER)

    with pytest.raises(FileRefused, match="all whole 1h apart"):
        _load(database.engine, file)
    assert database.market_data.count(SYMBOL, "1m") == 0


@pytest.mark.postgres
@pytest.mark.parametrize("timeframe", ["1m", "1h"])
def test_loading_again_changes_nothing(timeframe: str, tmp_path: Path, database: DatabaseOperations, small_blocks: None):
    file = written(tmp_path / "x.csv", lines(200, width_us=Timeframe(timeframe).width_us), header=HEADER)
    wish = replace(WISH, timeframe=timeframe)
    _load(database.engine, file, wish)
    again = _load(database.engine, file, wish)

    assert (again.stored, again.unchanged, again.different) == (0, 200, 0)


@pytest.mark.postgres
@pytest.mark.parametrize("timeframe", ["1m", "1h"])
def test_files_that_overlap_add_what_is_new(timeframe: str, tmp_path: Path, database: DatabaseOperations, small_blocks: None):
    rows = lines(300, width_us=Timeframe(timeframe).width_us)
    wish = replace(WISH, timeframe=timeframe)
    _load(database.engine, written(tmp_path / "x.csv", rows[100:200], header=HEADER), wish)
    loaded = _load(database.engine, written(tmp_path / "y.csv", rows, header=HEADER), wish)

    assert (loaded.stored, loaded.unchanged) == (200, 100)
    assert database.market_data.count(SYMBOL, timeframe) == 300


@pytest.mark.postgres
@pytest.mark.parametrize("timeframe", ["1m", "1h"])
def test_a_candle_of_our_own_stays_and_the_difference_is_told(timeframe: str, tmp_path: Path, database: DatabaseOperations):
    width = Timeframe(timeframe)
    ours = Candle(SYMBOL, width, START_US + 3 * width.width_us, 1.0, 2.0, 0.5, 1.5, 7.0, origin=Origin.LIVE)
    database.market_data.upsert_candle(ours)
    loaded = _load(
        database.engine,
        written(tmp_path / "x.csv", lines(width_us=width.width_us), header=HEADER),
        replace(WISH, timeframe=timeframe),
    )
    [difference] = loaded.differences

    assert (loaded.stored, loaded.unchanged, loaded.different) == (4, 1, 1)
    assert (difference.timestamp_us, difference.stored) == (ours.timestamp_us, (1.0, 2.0, 0.5, 1.5, 7.0))
    assert difference.read == prices(2)
    assert database.market_data.get_candle(SYMBOL, width, ours.timestamp_us) == ours


@pytest.mark.postgres
def test_candles_made_of_stored_minutes_are_not_taken_for_stored_ones(tmp_path: Path, database: DatabaseOperations):
    _load(database.engine, written(tmp_path / "x.csv", lines(60), header=HEADER))
    loaded = _load(
        database.engine,
        written(tmp_path / "y.csv", lines(12, width_us=5 * MINUTE_US), header=HEADER),
        replace(WISH, timeframe="5m"),
    )  # fmt: skip

    assert (loaded.stored, database.market_data.count(SYMBOL, "5m")) == (12, 12)


@pytest.mark.postgres
def test_rows_that_come_twice_alike_are_counted(tmp_path: Path, database: DatabaseOperations, small_blocks: None):
    rows = lines(100)
    loaded = _load(database.engine, written(tmp_path / "x.csv", [*rows, *rows[:30], rows[0]], header=HEADER))

    assert (loaded.rows, loaded.candles, loaded.repeated, loaded.stored) == (131, 100, 31, 100)


def test_gaps_are_named_and_counted(tmp_path: Path):
    rows = lines(20)
    loaded = load(None, plan(written(tmp_path / "x.csv", [*rows[:5], *rows[6:10], *rows[15:]], header=HEADER), WISH), now_us=NOW_US)

    assert (loaded.gap_count, loaded.missing, loaded.stored, loaded.unchanged) == (2, 6, None, None)
    assert loaded.gaps == [
        Window(START_US + 5 * MINUTE_US, START_US + 6 * MINUTE_US),
        Window(START_US + 10 * MINUTE_US, START_US + 15 * MINUTE_US),
    ]


def test_gaps_of_a_file_out_of_order_are_the_same(tmp_path: Path, small_blocks: None):
    rows = np.random.default_rng(3).permutation(np.delete(lines(300), [7, 8, 200])).tolist()
    loaded = load(None, plan(written(tmp_path / "x.csv", rows, header=HEADER), WISH), now_us=NOW_US)

    assert [(gap.start_us - START_US) // MINUTE_US for gap in loaded.gaps] == [7, 200]
    assert loaded.missing == 3


@pytest.mark.postgres
def test_a_candle_that_is_not_over_is_left_out(tmp_path: Path, database: DatabaseOperations):
    file = written(tmp_path / "x.csv", lines(5), header=HEADER)
    loaded = _load(database.engine, file, now_us=START_US + 5 * MINUTE_US - 1)

    assert (loaded.rows, loaded.forming, loaded.stored) == (5, 1, 4)
    assert database.market_data.get_latest_candle(SYMBOL, "1m").timestamp_us == START_US + 4 * MINUTE_US


def test_a_candle_that_is_just_over_is_loaded(tmp_path: Path):
    file = written(tmp_path / "x.csv", lines(5), header=HEADER)
    loaded = load(None, plan(file, WISH), now_us=START_US + 5 * MINUTE_US)

    assert (loaded.forming, loaded.candles) == (0, 5)


def test_rows_without_any_price_are_left_out_as_gaps(tmp_path: Path):
    rows = lines(6)
    rows[2] = rows[2].split(",")[0] + ",NaN,NaN,NaN,NaN,NaN"
    rows[3] = rows[3].split(",")[0] + ",,,,,"
    loaded = load(None, plan(written(tmp_path / "x.csv", rows, header=HEADER), WISH), now_us=NOW_US)

    assert (loaded.rows, loaded.empty, loaded.candles, loaded.missing) == (6, 2, 4, 2)


def test_a_weekly_candle_opens_on_monday(tmp_path: Path):
    file = written(tmp_path / "x.csv", lines(5, width_us=Timeframe.W1.width_us), header=HEADER)

    assert load(None, plan(file, replace(WISH, timeframe="1w")), now_us=NOW_US).candles == 5


def test_reading_tells_how_far_it_is(tmp_path: Path, small_blocks: None):
    told: list[float] = []
    load(None, plan(written(tmp_path / "x.csv.gz", lines(500), header=HEADER), WISH), now_us=NOW_US, progress=told.append)

    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("kind", ["feather", "parquet"])
def test_reading_a_table_tells_how_far_it_is(kind: str, tmp_path: Path):
    getattr(frame(70_000), f"to_{kind}")(tmp_path / "x")
    told: list[float] = []
    load(None, plan(tmp_path / "x", WISH), now_us=NOW_US, progress=told.append)

    assert told[0] < told[-1] == 1.0


@pytest.mark.postgres
def test_a_row_stored_by_another_meanwhile_stays(tmp_path: Path, database: DatabaseOperations, monkeypatch: pytest.MonkeyPatch):
    ours = Candle(SYMBOL, Timeframe.M1, START_US + MINUTE_US, 1.0, 2.0, 0.5, 1.5, 7.0, origin=Origin.LIVE)
    read = MarketDataRepository.get_series

    def late(self: MarketDataRepository, *arguments: object):
        seen = read(self, *arguments)
        monkeypatch.undo()
        self.upsert_candle(ours)
        return seen

    file = plan(written(tmp_path / "x.csv", lines(2_000), header=HEADER), WISH)
    monkeypatch.setattr(MarketDataRepository, "get_series", late)
    loaded = load(database.engine, file, now_us=NOW_US)

    assert (loaded.stored, loaded.unchanged, loaded.different) == (1_999, 1, 1)
    assert database.market_data.get_candle(SYMBOL, "1m", ours.timestamp_us) == ours


@pytest.mark.postgres
def test_who_fills_the_same_candles_is_waited_for_and_nothing_is_stored(tmp_path: Path, plain_engine: sa.Engine):
    file = plan(written(tmp_path / "x.csv", lines(), header=HEADER), WISH)
    claims = Claims(plain_engine, Purpose.BACKFILL)
    claims.claim([f"{SYMBOL} 1m"])

    with pytest.raises(StoreError, match="BINANCE:BTC-USDT 1m is being filled by another import or backfill"):
        load(plain_engine, file, now_us=NOW_US, wait_seconds=0.0)
    claims.close()
    assert load(plain_engine, file, now_us=NOW_US).stored == 5  # none of them was there


@pytest.mark.postgres
def test_a_file_that_had_to_give_way_is_loaded_again(tmp_path: Path, plain_engine: sa.Engine):
    file = plan(written(tmp_path / "x.csv", lines(2_000)[::-1], header=HEADER), WISH)
    early, late = (Candle(SYMBOL, Timeframe.M1, START_US + number * MINUTE_US, 1.0, 2.0, 0.5, 1.5, 7.0) for number in (1, 1_999))
    # Who looks first that both wait is who gives way.
    loader, worker_engine = _noticing(plain_engine, "4s"), _noticing(plain_engine, "10min")

    with ThreadPoolExecutor(1) as pool:
        with transaction(worker_engine) as worker:
            worker.market_data.upsert_candle(late)
            loading = pool.submit(load, loader, file, now_us=NOW_US)
            assert wait_until(lambda: _waits(plain_engine), 10)
            worker.market_data.upsert_candle(early)
        loaded = loading.result()
    loader.dispose()
    worker_engine.dispose()

    assert (loaded.stored, loaded.unchanged, loaded.different) == (1_998, 2, 2)


def _noticing(engine: sa.Engine, after: str) -> sa.Engine:
    """Return another engine on a database, whose connections look so late whether they and another wait for each other."""
    found = create_engine(engine.url.render_as_string(hide_password=False))
    sa.event.listen(found, "connect", lambda connection, _: _run(connection, f"set deadlock_timeout = '{after}'"))
    return found


def _run(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.commit()


def _waits(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        waiting = "from pg_stat_activity where datname = current_database() and wait_event = 'transactionid'"
        return bool(connection.scalar(sa.text(f"select count(*) {waiting}")))
