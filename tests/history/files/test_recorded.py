"""Files that others recorded: what is read from the store equals the files' own wider candles."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from db import rollups
from db.operations import DatabaseOperations
from history.files.load import load
from history.files.plan import Wish, plan
from market.clock import isoformat
from tests.history.files.samples import NOW_US

DATA = Path(__file__).parents[4] / "shared" / "data" / "ohlcv"
NEEDS_DATA = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded data is not here")
LATER_US = NOW_US + 365 * 86_400_000_000
NUMBERS = ["open", "high", "low", "close", "volume"]

pytestmark = NEEDS_DATA


@pytest.fixture(params=["plain", pytest.param("timescale", marks=pytest.mark.timescale)])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """Return an engine on an empty database: on the embedded server, and on a TimescaleDB."""
    found: sa.Engine = request.getfixturevalue("plain_engine" if request.param == "plain" else "timescale_engine")
    return found


def _load(engine: sa.Engine | None, name: str, exchange: str, symbol: str | None = None, timeframe: str | None = None):
    wish = Wish(symbol=symbol, exchange=None if symbol else exchange, timeframe=timeframe)
    return load(engine, plan(DATA / exchange / name, wish), now_us=LATER_US)


def _equal(made: pd.DataFrame, theirs: pd.DataFrame) -> int:
    """Return how many candles are in both, and fail where one is not the same."""
    both = made[["timestamp", *NUMBERS]].merge(theirs[["timestamp", *NUMBERS]], on="timestamp", suffixes=("", "_theirs"))
    assert both[NUMBERS[:4]].to_numpy().tolist() == both[[f"{name}_theirs" for name in NUMBERS[:4]]].to_numpy().tolist()
    # Kraken's own sums have ten digits and more behind the point where its trades have eight.
    assert both["volume"].tolist() == both["volume_theirs"].round(8).tolist()
    return len(both)


def _feather(name: str, width: str) -> pd.DataFrame:
    table = pd.read_feather(DATA / "binance" / name)
    return table.assign(timestamp=table["date"].dt.as_unit("us") + pd.Timedelta(width))


def _kraken(name: str, width: str) -> pd.DataFrame:
    table = pd.read_csv(DATA / "kraken" / name, names=["time", *NUMBERS, "trades"])
    return table.assign(timestamp=pd.to_datetime(table["time"], unit="s", utc=True).dt.as_unit("us") + pd.Timedelta(width))


@pytest.mark.postgres
def test_5m_made_of_the_loaded_minutes_equal_the_venues_own(database: DatabaseOperations):
    for name in ("BTC_USDT-1m_202407_202408.feather", "BTC_USDT-1m_202506.feather"):
        _load(database.engine, name, "binance")
    theirs = _feather("BTC_USDT-5m_202403_202507.feather", "5min")
    spans = {"2024-01-01": 8641, "2025-01-01": 8639}

    for _ in range(2):  # before and after the rollups are made
        for start, expected in spans.items():
            made = database.market_data.get_candles("BINANCE:BTC-USDT", "5m", start, start.replace("01-01", "12-31"))
            assert _equal(made[made["complete"].fillna(False)], theirs) == expected
        assert rollups.refresh(database.engine) is not None


@pytest.mark.postgres
def test_days_made_of_krakens_loaded_hours_equal_its_own(database: DatabaseOperations):
    loaded = _load(database.engine, "XBTUSD_60m_2013_2023.csv.gz", "kraken")
    theirs = _kraken("XBTUSD_1d_2013_2022.csv.gz", "1D")

    assert (loaded.stored, loaded.gap_count, loaded.missing) == (70_253, 3_254, 10_856)
    for _ in range(2):
        made = database.market_data.get_candles("KRAKEN:BTC-USD", "1d")
        assert _equal(made, theirs) == 3_178 == len(theirs)
        counts = made.set_index("timestamp")["trades"].reindex(theirs["timestamp"])
        assert counts.tolist() == theirs["trades"].tolist()
        assert rollups.refresh(database.engine) is not None


@pytest.mark.postgres
def test_loaded_5m_are_read_as_they_are_in_the_file(database: DatabaseOperations):
    loaded = _load(database.engine, "BTC_USDT-5m_202403_202507.feather", "binance")
    theirs = _feather("BTC_USDT-5m_202403_202507.feather", "5min")
    made = database.market_data.get_candles("BINANCE:BTC-USDT", "5m")

    assert (loaded.stored, loaded.gap_count) == (140_614, 0)
    assert _equal(made, theirs) == len(theirs) == len(made)


def test_the_28_outages_of_binance_are_found_exactly():
    loaded = _load(None, "BTC_USDT-1h_2017_2024.feather", "binance")
    opens = pd.read_feather(DATA / "binance" / "BTC_USDT-1h_2017_2024.feather")["date"]
    missing = pd.date_range(opens.iloc[0], opens.iloc[-1], freq="1h").difference(opens)
    named = [
        hour
        for gap in loaded.gaps
        for hour in pd.date_range(isoformat(gap.start_us), isoformat(gap.end_us), freq="1h", inclusive="left")
    ]

    assert (len(loaded.gaps), loaded.gap_count, loaded.missing) == (28, 28, 128)
    assert named == missing.tolist()


@pytest.mark.parametrize(
    ("path", "symbol", "timeframe", "counts"),
    [
        ("binance/BTC_USDT-15m_202304_202404.feather", "BINANCE:BTC-USDT", "15m", (35_999, 0, 0)),
        ("bybit/BTC_USDT_USDT-4h_202509_202607.feather", "BYBITLINEAR:BTC-USDT", "4h", (1_804, 0, 0)),
        ("bybit/BTC_USDT_USDT-5m_202509_202607.feather", "BYBITLINEAR:BTC-USDT", "5m", (86_604, 0, 0)),
        ("bybit/lean_btcusdt_minute_20221213_trade.zip", "BYBIT:BTC-USDT", "1m", (1_440, 0, 0)),
        ("coinbase/BTC-USD_4h_2016_2025.json.gz", "COINBASE:BTC-USD", "4h", (20_695, 3, 5)),
        ("coinbase/BTCUSD_1h_2017_2019.csv.gz", "COINBASE:BTC-USD", "1h", (20_111, 0, 0)),
        ("coinbase/lean_btcusd_daily_trade.zip", "COINBASE:BTC-USD", "1d", (1_318, 8, 34)),
        ("coinbase/lean_btcusd_minute_20180405_trade.zip", "COINBASE:BTC-USD", "1m", (1_440, 0, 0)),
        ("kraken/XBTUSD_1d_2013_2022.csv.gz", "KRAKEN:BTC-USD", "1d", (3_178, 11, 12)),
        ("okx/BTC-USDT-15m_202202.csv", "OKX:BTC-USDT", "15m", (300, 0, 0)),
        ("okx/BTC_USDT_USDT-5m_2022.feather", "OKX:BTC-USDT-SWAP", "5m", (70_499, 0, 0)),
        ("other/bitfinex_BTCUSD_1m_2015.csv.gz", "BITFINEX:BTC-USD", "1m", (366_710, 61_148, 158_890)),
        ("other/bitfinex_BTCUSD_1m_2016.csv.gz", "BITFINEX:BTC-USD", "1m", (293_230, 63_912, 233_809)),
        ("other/freqtrade_UNITTEST_BTC-1m.feather", "BINANCE:UNITTEST-BTC", "1m", (13_681, 538, 717)),
        ("other/freqtrade_XMR_BTC-5m.feather", "BINANCE:XMR-BTC", "5m", (5_758, 2, 2)),
    ],
)
def test_every_kind_of_file_is_read_as_a_whole(path: str, symbol: str, timeframe: str, counts: tuple[int, int, int]):
    folder, name = path.split("/")
    loaded = _load(None, name, folder, symbol, timeframe)

    assert (loaded.candles, loaded.gap_count, loaded.missing) == counts
    assert loaded.repeated == loaded.empty == loaded.forming == 0
