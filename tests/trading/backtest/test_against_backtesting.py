"""Another program, `backtesting`, makes the same trades at the same prices and ends with the same money."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from market.timeframe import Timeframe
from tests.recorded import recorded
from trading.backtest.market import Market, market_of
from trading.backtest.simulate import simulate
from trading.rules import Listing, Rules

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    backtesting = pytest.importorskip("backtesting", reason="a development dependency")

FAST, SLOW, FEE, CASH, SHARE = 20, 50, 0.001, 10_000_000.0, 0.99
COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]


def kraken() -> tuple[pd.DataFrame, Timeframe]:
    frame = pd.read_csv(recorded("ohlcv/kraken/XBTUSD_60m_2013_2023.csv.gz"), names=[*COLUMNS, "trades"])
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"], unit="s", utc=True)), Timeframe.H1


def binance() -> tuple[pd.DataFrame, Timeframe]:
    frame = pd.read_feather(recorded("ohlcv/binance/BTC_USDT-5m_202403_202507.feather"))
    return frame.rename(columns={"date": "timestamp"}), Timeframe.M5


@pytest.fixture(params=[kraken, binance], ids=["Kraken 1h", "Binance 5m"])
def market(request: pytest.FixtureRequest) -> Market:
    """Return recorded candles as if there were no holes between them: the other program knows of none."""
    frame, timeframe = request.param()
    found = market_of({"OKX:BTC-USDT": frame.drop_duplicates("timestamp").sort_values("timestamp")}, timeframe)
    return replace(found, ends=np.zeros_like(found.ends))


def average(close: np.ndarray, bars: int) -> np.ndarray:
    return pd.Series(close).rolling(bars).mean().to_numpy()


def theirs(market: Market) -> "pd.Series":
    wanted = targets_of(market)[:, 0]

    class Cross(backtesting.Strategy):
        def init(self) -> None:
            self.wanted = self.I(lambda: wanted)

        def next(self) -> None:
            if self.wanted[-1] == 1.0 and not self.position:
                self.buy(size=SHARE)
            elif self.wanted[-1] == 0.0 and self.position:
                self.position.close()

    columns = {name.capitalize(): getattr(market, name)[:, 0] for name in COLUMNS[1:]}
    frame = pd.DataFrame(columns, index=pd.to_datetime(market.closes_us, unit="us"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return backtesting.Backtest(frame, Cross, cash=CASH, commission=FEE).run()


def targets_of(market: Market) -> np.ndarray:
    fast, slow = (average(market.close[:, 0], bars) for bars in (FAST, SLOW))
    return np.where(np.isnan(slow), np.nan, (fast > slow).astype(float))[:, None]


def test_an_average_cross_is_the_same_trade_by_trade(market):
    expected = theirs(market)
    rules, targets = Rules(taker_fee=FEE, size=SHARE), targets_of(market)
    targets[SLOW - 1] = np.nan  # the other program does not act on the first bar at which all is known
    ours = simulate(market, targets, rules, listings=[Listing(lot=1.0)], balance=CASH)

    trades = expected["_trades"]
    into, out = ours.fills[: 2 * len(trades) : 2], ours.fills[1 : 2 * len(trades) : 2]
    assert len(trades) > 300
    assert [fill.bar for fill in into] == trades["EntryBar"].tolist()
    assert [fill.bar for fill in out] == trades["ExitBar"].tolist()
    assert [fill.size for fill in into] == trades["Size"].tolist()
    assert [fill.price for fill in into] == trades["EntryPrice"].tolist()
    assert [fill.price for fill in out] == trades["ExitPrice"].tolist()
    assert ours.equity[-1] == pytest.approx(expected["Equity Final [$]"], rel=1e-9)
    assert ours.equity.tolist() == pytest.approx(expected["_equity_curve"]["Equity"].tolist(), rel=1e-9)
    assert ours.sums.drawdown == pytest.approx(-expected["Max. Drawdown [%]"] / 100, rel=1e-9)
