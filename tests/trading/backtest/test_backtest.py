"""A strategy on candles, under rules: what comes of it, what is refused, and what holes do to it."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from market.errors import InputError
from market.timeframe import Timeframe
from tests.recorded import recorded
from tests.trading.bars import bars, walk
from trading.backtest.backtest import Backtest, Engine, by_symbol, targets_of
from trading.backtest.coverage import HolesError
from trading.backtest.document import document, trades_of
from trading.backtest.market import market_of
from trading.fills import Reason
from trading.registry import Registry
from trading.rules import Listing, Rules, Sizing
from trading.strategies import SHIPPED
from trading.strategy import BaseStrategy

NAME = "OKX:BTC-USDT"
HOLD, CROSS = Registry().create("buy_and_hold"), Registry().create("sma_cross", {"fast": 5, "slow": 20})


class Seen(BaseStrategy):
    """Wants what the count of bars says that it was handed: for looking at what strategies are handed."""

    lengths: ClassVar[list[int]] = []
    symbols: ClassVar[list[str]] = []
    lookback = 1

    def targets(self, data: pd.DataFrame) -> np.ndarray:
        """Note what was handed over."""
        self.lengths.append(len(data))
        self.symbols.append(self.symbol)
        return np.ones(len(data))


class Wrong(BaseStrategy):
    """Says something else than one target a bar."""

    lookback = 1

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.what = self.choice("what", "shape", choices=["shape", "infinite"])

    def targets(self, data: pd.DataFrame) -> np.ndarray:
        """Return what no position is."""
        return np.ones(len(data) - 1) if self.what == "shape" else np.full(len(data), np.inf)


def test_buying_and_holding_wins_what_the_market_does():
    frame = bars([100.0, 100.0, 120.0, 150.0])

    found = Backtest(HOLD, Timeframe.M1, rules=Rules(taker_fee=0.0)).run({NAME: frame})

    assert (found.final_value, found.total_return) == (15_000.0, 0.5)
    assert found.benchmark.tolist() == [10_000.0, 10_000.0, 12_000.0, 15_000.0]
    assert found.exposure.tolist() == [0.0, 1.0, 1.0, 1.0]
    assert found.trips.open[0].profit == pytest.approx(5_000.0)
    assert found.signals == ((0, 0, 1.0),)
    assert found.metrics["total_return"] == pytest.approx(0.5)


def test_a_width_can_be_given_as_a_text():
    assert Backtest(HOLD, "5m").timeframe is Timeframe.M5


@pytest.mark.parametrize("balance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_balance_is_a_number_above_0(balance):
    with pytest.raises(InputError, match="the balance is"):
        Backtest(HOLD, Timeframe.M1, balance=balance)


def test_only_the_window_is_tried():
    frame = walk(100)
    within = frame.iloc[20:60]
    test = Backtest(CROSS, Timeframe.M1, start_us=int(frame.index[19].value // 1000), end_us=int(frame.index[59].value // 1000))

    found, alone = test.run({NAME: frame}), Backtest(CROSS, Timeframe.M1).run({NAME: within})

    assert len(found.market) == 40
    assert found.outcome.equity.tolist() == alone.outcome.equity.tolist()
    assert found.fingerprint == alone.fingerprint


def test_holes_are_refused_unless_they_are_allowed():
    frame = walk(100).drop(walk(100).index[40:50])

    with pytest.raises(HolesError, match="lacks 10 of 100"):
        Backtest(CROSS, Timeframe.M1).run({NAME: frame})

    assert len(Backtest(CROSS, Timeframe.M1, allow_holes=True).run({NAME: frame}).market) == 90


def test_a_candle_that_lacks_trades_counts_as_missing():
    frame = walk(100).assign(complete=[True] * 50 + [False] + [True] * 49)

    with pytest.raises(HolesError, match="lacks 1 of 100"):
        Backtest(HOLD, Timeframe.M1).run({NAME: frame})
    found = Backtest(HOLD, Timeframe.M1, allow_holes=True).run({NAME: frame})

    assert len(found.market) == 99
    assert [trade["reason"] for trade in trades_of(found)] == ["hole"]


def test_no_strategy_is_handed_prices_from_both_sides_of_a_hole():
    Seen.lengths.clear()
    Seen.symbols.clear()
    frame = walk(100).drop(walk(100).index[40:50])

    Backtest(Seen({}), Timeframe.M1, allow_holes=True).run({NAME: frame})

    assert (Seen.lengths, set(Seen.symbols)) == ([40, 50], {NAME})


@pytest.mark.parametrize("strategy", SHIPPED, ids=lambda each: each.name)
def test_what_is_decided_behind_a_hole_does_not_depend_on_what_was_before_it(strategy):
    whole = walk(600, seed=3)
    behind, frame = whole.iloc[310:], whole.drop(whole.index[300:310])

    both = targets_of(strategy({}), market_of({NAME: frame}, Timeframe.M1))
    alone = targets_of(strategy({}), market_of({NAME: behind}, Timeframe.M1))

    np.testing.assert_array_equal(both[300:], alone)


@pytest.mark.parametrize("what", ["shape", "infinite"])
def test_a_strategy_that_gives_no_targets_is_refused(what):
    with pytest.raises(InputError, match=r"gives targets of shape|wants an infinite position"):
        Backtest(Wrong({"what": what}), Timeframe.M1).run({NAME: walk(10)})


def test_prices_that_are_none_are_refused_by_name_and_time():
    frame = walk(10)
    frame.iloc[3, frame.columns.get_loc("low")] = 0.0

    with pytest.raises(InputError, match=r"the low of OKX:BTC-USDT at 2024-08-09T00:04:00Z is 0; a price is a number above 0"):
        Backtest(HOLD, Timeframe.M1).run({NAME: frame})


def test_a_volume_below_nothing_is_refused_by_name_and_time():
    frame = walk(10)
    frame.iloc[3, frame.columns.get_loc("volume")] = -1.0

    with pytest.raises(InputError, match=r"the volume of OKX:BTC-USDT at 2024-08-09T00:04:00Z is -1; expected was 0, more, or NaN"):
        Backtest(HOLD, Timeframe.M1).run({NAME: frame})


@pytest.mark.parametrize("engine", Engine)
def test_what_has_no_more_candles_while_others_go_on_is_left_at_its_last_close(engine):
    frames = {NAME: bars([100.0] * 6), "OKX:ETH-USDT": bars([10.0, 10.0, 20.0])}

    test = Backtest(HOLD, Timeframe.M1, rules=Rules(taker_fee=0.0, size=0.5), engine=engine, allow_holes=True)
    found = test.run(frames)

    assert [(fill.bar, fill.symbol, fill.reason) for fill in found.outcome.fills][2:] == [(2, 1, Reason.HOLE)]
    assert (found.trips.touches_hole.tolist(), found.exposure[-1], found.final_value) == ([True], pytest.approx(1 / 3), 15_000.0)


def test_two_symbols_share_the_cash_and_are_compared_with_both():
    rising, flat = bars([100.0, 100.0, 200.0]), bars([10.0, 10.0, 10.0])

    found = Backtest(HOLD, Timeframe.M1, rules=Rules(taker_fee=0.0, size=0.5)).run({NAME: rising, "OKX:ETH-USDT": flat})

    assert found.final_value == pytest.approx(15_000.0)
    assert found.benchmark[-1] == pytest.approx(15_000.0)
    assert found.exposure[-1] == pytest.approx(1.0)


def test_one_table_of_one_symbol_may_be_given_without_its_name():
    assert list(by_symbol(walk(3))) == [""]
    assert list(by_symbol(walk(3).assign(symbol=NAME))) == [NAME]
    with pytest.raises(InputError, match="hand them over by symbol"):
        by_symbol(walk(2).assign(symbol=[NAME, "OKX:ETH-USDT"]))


def test_what_a_venue_lists_is_kept_to():
    test = Backtest(HOLD, Timeframe.M1, rules=Rules(taker_fee=0.0), listings={NAME: Listing(lot=1.0)})

    found = test.run({NAME: bars([70.0, 70.0, 70.0])})

    assert found.outcome.fills[0].size == 142.0


def test_a_position_sized_by_volatility_waits_until_it_is_known():
    rules = Rules(taker_fee=0.0, sizing=Sizing.VOLATILITY, size=0.1, volatility_bars=30)

    found = Backtest(HOLD, Timeframe.M1, rules=rules).run({NAME: walk(200)})

    fill = found.outcome.fills[0]
    closes = walk(200)["close"].to_numpy()[:31]
    yearly = (closes[1:] / closes[:-1] - 1.0).std(ddof=1) * np.sqrt(365 * 24 * 60)
    assert (fill.bar, len(found.outcome.fills)) == (31, 1)
    assert fill.size * fill.price == pytest.approx(10_000.0 * 0.1 / yearly)


# -- ten days without data -----------------------------------------------------------------------------------------------


def kraken() -> pd.DataFrame:
    """Return two years of recorded hours, made whole: an hour without trades is flat."""
    names = ["timestamp", "open", "high", "low", "close", "volume", "trades"]
    frame = pd.read_csv(recorded("ohlcv/kraken/XBTUSD_60m_2013_2023.csv.gz"), names=names)
    stamps = pd.to_datetime(frame.pop("timestamp") + 3_600, unit="s", utc=True).astype("datetime64[us, UTC]")
    frame = frame.set_index(stamps).loc["2020-01-01T01:00":"2022-01-01T00:00"]
    whole = frame.reindex(pd.date_range(frame.index[0], frame.index[-1], freq="h", unit="us"))
    quiet = whole["close"].isna()
    close = whole["close"].ffill()
    flat = whole.assign(close=close, **{name: whole[name].fillna(close) for name in ("open", "high", "low")})
    assert quiet.mean() < 0.01
    return flat.fillna({"volume": 0.0})


def test_ten_days_removed_are_refused_or_listed_and_nothing_is_won_by_their_jump():
    frame = kraken()
    begin = frame.index.get_loc(pd.Timestamp("2020-12-28T00:00Z"))  # the price rose by a third over these ten days
    frame, name = frame.drop(frame.index[begin : begin + 240]), "KRAKEN:BTC-USD"
    jump = frame["open"].iloc[begin] / frame["close"].iloc[begin - 1]

    with pytest.raises(HolesError, match=r"2020-12-27T23:00:00Z to 2021-01-06T23:00:00Z \(240\)"):
        Backtest(HOLD, Timeframe.H1).run({name: frame})
    found = Backtest(HOLD, Timeframe.H1, allow_holes=True, rules=Rules(taker_fee=0.0)).run({name: frame})
    told = document(found)

    assert jump > 1.3
    assert told["counts"]["touching_holes"] == 1
    trade = told["trades"][0]
    assert (trade["reason"], trade["left"], trade["touches_hole"]) == ("hole", "2020-12-27T23:00:00Z", True)
    assert trade["exit_price"] == pytest.approx(frame["close"].iloc[begin - 1])
    before, behind = found.outcome.equity[begin - 1], found.outcome.equity[begin : begin + 2]
    assert behind[0] == before  # flat in the first bar behind it: its open is no longer the price of the last decision
    assert [each["holes"][0]["bars"] for each in told["coverage"]] == [240]
    assert told["open"][0]["entered"] > "2021-01-06T23:00:00Z"


# -- two engines, and finer candles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [Rules(), Rules(stop_loss=0.002, take_profit=0.003, sizing=Sizing.VOLATILITY, size=0.5)])
@pytest.mark.parametrize("name", ["sma_cross", "bollinger_reversion"])
def test_both_engines_give_the_same_document(rules, name):
    frames = {NAME: walk(600).drop(walk(600).index[300:310]), "OKX:ETH-USDT": walk(600, seed=2)}
    test = Backtest(Registry().create(name), Timeframe.M1, rules=rules, allow_holes=True)

    by_kernel, by_events = (document(replace(test, engine=engine).run(frames)) for engine in Engine)

    differing = {name for name in by_kernel if by_kernel[name] != by_events[name]}
    assert differing == {"id", "engine"}
    assert len(by_kernel["trades"]) > 5


def test_finer_candles_say_whether_stop_or_target_came_first():
    coarse = bars([100.0, 100.0, 100.0, 100.0], steps=5).assign(high=[100, 100, 111, 100], low=[100, 100, 94, 100])
    close = [100.0] * 10 + [110.5, 100.0, 95.0, 100.0, 100.0] + [100.0] * 5
    fine = bars(close).set_index(coarse.index[0] + pd.to_timedelta(np.arange(-4, 16), "min"))
    test = Backtest(HOLD, Timeframe.M5, rules=Rules(taker_fee=0.0, maker_fee=0.0, stop_loss=0.05, take_profit=0.1))

    guessed = document(test.run({NAME: coarse}))
    seen = document(replace(test, inside=Timeframe.M1).run({NAME: coarse}, finer={NAME: fine}))

    assert (guessed["trades"][0]["reason"], guessed["counts"]["both"]) == ("stop-loss", 1)
    assert (seen["trades"][0]["reason"], seen["counts"]["both"], seen["counts"]["taken_apart"]) == ("take-profit", 0, 4)
    assert (seen["trades"][0]["entered"], seen["trades"][0]["left"]) == ("2024-08-09T00:01:00Z", "2024-08-09T00:07:00Z")
    assert seen["trades"][0]["bars"] == 1
    assert seen["curve"]["exposure"] == [0.0, 1.0, 0.0, 0.0]
    assert guessed["fingerprint"] != seen["fingerprint"]


@pytest.mark.parametrize("inside", ["5m", "15m", "3s"])
def test_finer_candles_have_to_fit(inside):
    with pytest.raises(InputError, match=r"divides 5m|is not one of"):
        Backtest(HOLD, Timeframe.M5, inside=inside)
