"""The document of a backtest says all that came of it, the same to the last byte for the same run."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from market.errors import InputError
from market.timeframe import Timeframe
from tests.trading.bars import bars, walk
from trading.backtest.backtest import Backtest
from trading.backtest.document import MOST_POINTS, asked, curve_of, document
from trading.registry import Registry
from trading.rules import Listing, Rules, Sizing
from trading.strategy import BaseStrategy

NAME = "OKX:BTC-USDT"


def strategy(**parameters: int) -> BaseStrategy:
    return Registry().create("sma_cross", {"fast": 5, "slow": 20, **parameters})


def test_the_same_run_gives_the_same_bytes():
    frame = walk(3_000)
    one, other = (json.dumps(document(Backtest(strategy(), Timeframe.M1).run({NAME: frame}))) for _ in range(2))

    assert one == other
    assert json.dumps(json.loads(one), allow_nan=False) == one


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": strategy(fast=6)}, {"rules": Rules(taker_fee=0.002)}, {"balance": 20_000.0}, {"allow_holes": True},
        {"listings": {NAME: Listing(tick=0.1)}}, {"start_us": 0}, {"rules": Rules(sizing=Sizing.VALUE)},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_another_run_has_another_name(change):
    test = Backtest(strategy(), Timeframe.M1)

    assert _name(test) != _name(replace(test, **change))


def test_other_candles_or_symbols_have_another_name():
    test = Backtest(strategy(), Timeframe.M1)

    assert len({_name(test), _name(test, fingerprint="b"), _name(test, symbols=["OKX:ETH-USDT"])}) == 3


def _name(test: Backtest, *, symbols: list[str] | None = None, fingerprint: str = "a") -> str:
    return str(asked(test, symbols=symbols or [NAME], fingerprint=fingerprint)["id"])


def test_a_document_says_what_was_asked_for_and_what_came_of_it():
    frame = bars([100.0, 100.0, 110.0, 110.0], volumes=[1, 1, 1, 0])
    test = Backtest(Registry().create("buy_and_hold"), Timeframe.M1, rules=Rules(taker_fee=0.0, stop_loss=0.5))
    told = document(test.run({NAME: frame}))

    assert (told["kind"], told["strategy"], told["symbols"], told["timeframe"]) == ("backtest", "buy_and_hold", [NAME], "1m")
    assert (told["start"], told["end"]) == ("2024-08-09T00:00:00Z", "2024-08-09T00:04:00Z")
    assert (told["rules"]["stop_loss"], told["rules"]["fill_at"], told["rules"]["slippage"]) == (0.5, "next-open", "none")
    assert told["coverage"] == [
        {
            "symbol": NAME, "expected": 4, "present": 4, "missing": 0, "incomplete": 0, "unproven": 4, "without_trades": 1,
            "holes": [],
        }
    ]  # fmt: skip
    assert (told["final_value"], told["signals"], told["counts"]["fills"]) == (11_000.0, 1, 1)
    assert told["metrics"]["profit_factor"] is None  # there is no round trip
    assert told["trades"] == []
    assert told["open"] == [
        {
            "symbol": NAME, "side": "long", "entered": "2024-08-09T00:01:00Z", "size": 100.0, "entry_price": 100.0, "price": 110.0,
            "profit": 1_000.0,
        }
    ]  # fmt: skip
    assert told["monthly"] == {"2024-08": pytest.approx(0.1)}
    assert told["curve"]["equity"] == [10_000.0, 10_000.0, 11_000.0, 11_000.0]
    assert sum(told["returns"]["counts"]) == 1
    assert len(told["id"]) == len(told["fingerprint"]) == 32
    assert told["code_version"].count("+") == 1


def test_trades_carry_what_their_names_say():
    told = document(Backtest(strategy(), Timeframe.M1).run({NAME: walk(1_000)}))
    trades = told["trades"]

    assert [trade["number"] for trade in trades] == list(range(1, len(trades) + 1))
    assert told["counts"]["trades"] == len(trades) > 10
    for trade in trades:
        gross = trade["size"] * (trade["exit_price"] - trade["entry_price"])
        assert trade["profit"] == pytest.approx(gross - trade["fees"])
        assert trade["return"] == pytest.approx(trade["profit"] / trade["value"])
        assert trade["entered"] < trade["left"]


def test_a_long_curve_is_thinned_and_loses_no_depth():
    equity = 10_000.0 + np.cumsum(np.random.default_rng(1).normal(0, 30, 20_001))
    closes = np.arange(20_001) * 60_000_000

    found = curve_of(closes, equity, 10_000.0, equity, equity)
    fall = 1.0 - equity / np.maximum.accumulate(np.maximum(equity, 10_000.0))

    assert len(found["timestamp"]) == len(found["equity"]) == MOST_POINTS
    assert (found["equity"][0], found["equity"][-1]) == (equity[0], equity[-1])
    assert max(found["drawdown"]) == fall.max()


def test_what_is_drawn_of_a_run_is_annualised_as_its_metrics_are():
    frame = walk(4_000)
    result = Backtest(strategy(), Timeframe.M1, allow_holes=True).run({NAME: frame.drop(frame.index[1_000:2_500])})
    profits = result.trips.closed.profit
    steps = profits / (10_000.0 + np.concatenate([[0.0], profits.cumsum()[:-1]]))

    shuffles, trades, returns = document(result, resamples=3, seed=1)["monte_carlo"]

    assert [each["method"] for each in (shuffles, trades, returns)] == ["trade-shuffle", "trade-bootstrap", "return-bootstrap"]
    a_year = 365 * result.metrics["trades_a_day"]
    for drawn in (shuffles, trades):
        sharpe = drawn["distributions"]["sharpe_ratio"]["actual"]
        assert sharpe == pytest.approx(steps.mean() / steps.std(ddof=1) * np.sqrt(a_year))
    assert returns["distributions"]["sharpe_ratio"]["actual"] == pytest.approx(result.metrics["sharpe_ratio"])
    assert returns["distributions"]["max_drawdown"]["actual"] == pytest.approx(result.metrics["max_drawdown"])


class Pair(BaseStrategy):
    """Short of one symbol for three bars and long of the other for four."""

    lookback = 1

    def targets(self, data: pd.DataFrame) -> np.ndarray:
        """Return the wanted position after each bar."""
        side, held = (-1.0, 3) if self.symbol == NAME else (1.0, 4)
        return np.where(np.arange(len(data)) < held, side, 0.0)


def test_trades_that_have_no_equity_of_their_own_to_be_a_fraction_of_are_drawn_as_money():
    # Short of 10,000 at 100 and out at 250: closed trades have lost 15,000, while the other one is 20,000 up.
    frames = {NAME: bars([100.0, 100, 250, 250, 250, 250]), "OKX:ETH-USDT": bars([100.0, 100, 300, 300, 300, 300])}
    rules = Rules(short=True, leverage=2.0, taker_fee=0.0)
    result = Backtest(Pair({}), Timeframe.M1, rules=rules).run(frames)

    shuffles, trades, _ = document(result, resamples=50, seed=1)["monte_carlo"]

    assert result.trips.closed.profit.tolist() == [-15_000.0, 20_000.0]
    assert (shuffles["compounded"], trades["compounded"]) == (False, False)
    assert shuffles["distributions"]["final_value"]["quantiles"]["50"] == pytest.approx(result.final_value)


class Nothing(BaseStrategy):
    """Never says a word that is a number."""

    lookback = 1

    def targets(self, data: pd.DataFrame) -> np.ndarray:
        """Return words."""
        return ["long"] * len(data)


def test_targets_that_are_not_numbers_are_refused_in_words():
    with pytest.raises(InputError, match="nothing gives targets that are not numbers, but list; expected was one a bar"):
        Backtest(Nothing({}), Timeframe.M1).run({NAME: walk(10)})


def test_fees_of_what_is_still_held_are_among_the_fees():
    found = document(Backtest(Registry().create("buy_and_hold"), Timeframe.M1, rules=Rules(taker_fee=0.01)).run({NAME: walk(50)}))

    assert (found["trades"], len(found["open"]), found["lookback"]) == ([], 1, 1)
    assert found["metrics"]["fees"] == pytest.approx(10_000 / 1.01 * 0.01)


@pytest.mark.parametrize(("short", "left_out"), [(False, True), (True, False)])
def test_wishes_to_be_short_that_the_rules_leave_out_are_counted(short, left_out):
    crossing = Registry().create("sma_cross", {"fast": 5, "slow": 20, "short": True})
    found = document(Backtest(crossing, Timeframe.M1, rules=Rules(short=short)).run({NAME: walk(500)}))

    assert (found["counts"]["short_left_out"] > 0) is left_out
