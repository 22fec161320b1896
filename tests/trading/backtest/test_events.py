"""Strategies asked bar by bar make the trades of their targets in the kernel, to the last bit, whatever is ordered how."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InputError
from tests.trading.bars import strategies
from tests.trading.markets import listings, market_from, order_styles, random_market
from trading.backtest.backtest import targets_of
from trading.backtest.events import run_events
from trading.backtest.market import Market
from trading.backtest.simulate import simulate
from trading.fills import Reason
from trading.registry import Registry
from trading.rules import Listing, Rules, Sizing
from trading.signal import Action, Signal
from trading.strategies import SHIPPED, BuyAndHold, SmaCross
from trading.strategy import BaseStrategy

STYLES = order_styles()
EXAMPLES = settings(max_examples=500)
CALM, FAR = (100.0, 100.0, 100.0, 100.0, 10.0), (300.0, 300.0, 300.0, 300.0, 10.0)


@st.composite
def markets(draw: st.DrawFn, symbols: int) -> Market:
    """Return short markets with gaps, flat minutes, jumps, and sometimes holes."""
    quiet, missing = draw(st.sampled_from([(0.0, 0.0), (0.2, 0.0), (0.6, 0.0), (0.1, 0.1)]))
    return random_market(draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 40)), symbols, quiet=quiet, missing=missing)


def hold_equal(market: Market, strategy: BaseStrategy, rules: Rules, listed: list[Listing]) -> None:
    """Compare what the kernel makes of targets with what comes of asking bar by bar."""
    each = [type(strategy)(strategy.parameters) for _ in listed]
    targets = targets_of(strategy, market)
    scales = np.resize([0.5, 1.5, 1.0], targets.shape) if rules.sizing is Sizing.VOLATILITY else None

    expected = simulate(market, targets, rules, listings=listed, scales=scales)
    found = run_events(market, each, rules, listings=listed, scales=scales)

    np.testing.assert_array_equal(found.targets, targets)
    assert tuple(found.outcome.fills) == tuple(expected.fills)
    assert found.outcome.equity.tolist() == expected.equity.tolist()
    np.testing.assert_equal(found.outcome.sums, expected.sums)
    assert len(found.signals) == market.there.sum()


@pytest.mark.parametrize("kind", SHIPPED, ids=lambda kind: kind.name)
@EXAMPLES
@given(data=st.data(), rules=st.one_of(*STYLES.values()), listed=listings())
def test_each_strategy_trades_bar_by_bar_as_in_the_kernel(kind, data, rules, listed):
    hold_equal(data.draw(markets(len(listed[:2]))), data.draw(strategies(kind)), rules, listed[:2])


@pytest.mark.parametrize("style", STYLES)
@EXAMPLES
@given(data=st.data(), kind=st.sampled_from(SHIPPED))
def test_each_kind_of_order_is_filled_bar_by_bar_as_in_the_kernel(style, data, kind):
    hold_equal(data.draw(markets(1)), data.draw(strategies(kind)), data.draw(STYLES[style]), [Listing()])


def test_a_strategy_begins_anew_behind_a_hole_and_sees_its_lookback_at_most():
    seen = []

    class Watching(SmaCross):
        def process_data(self, data: pd.DataFrame) -> Signal:
            seen.append(data["close"].tolist())
            return super().process_data(data)

    bars = [(price, price, price, price, 1.0) for price in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)]
    run_events(market_from([*bars[:4], None, *bars[4:]]), [Watching({"fast": 1, "slow": 3})], Rules())

    assert seen == [[1.0], [1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [5.0], [5.0, 6.0]]


def test_signals_say_when_and_for_which_symbol():
    market = market_from([CALM, FAR], [FAR, None])

    found = run_events(market, [BuyAndHold(), BuyAndHold()], Rules())

    assert [(each.symbol, each.timestamp_us, each.price) for each in found.signals] == [
        ("OKX:C0-USDT", market.closes_us[0], 100.0),
        ("OKX:C1-USDT", market.closes_us[0], 300.0),
        ("OKX:C0-USDT", market.closes_us[1], 300.0),
    ]
    assert {(each.action, each.reason) for each in found.signals} == {(Action.BUY, "buy and hold is always long")}


def test_only_signals_that_want_something_else_are_kept_where_that_is_asked():
    found = run_events(market_from([CALM] * 4), [BuyAndHold()], Rules(), only_turns=True)

    assert [each.action for each in found.signals] == [Action.BUY]
    assert found.targets.tolist() == [[1.0]] * 4


def test_a_position_of_a_size_that_is_not_known_yet_is_not_wanted():
    scales = np.array([[np.nan], [0.5], [0.5]])

    found = run_events(market_from([CALM] * 3), [BuyAndHold()], Rules(sizing=Sizing.VOLATILITY, taker_fee=0.0), scales=scales)

    assert [(fill.bar, fill.size) for fill in found.outcome.fills] == [(2, 50.0)]


def test_nothing_is_held_over_a_hole():
    found = run_events(market_from([CALM, CALM, CALM, None, FAR, FAR, FAR]), [BuyAndHold()], Rules(taker_fee=0.0))

    assert [(fill.bar, fill.reason, fill.price) for fill in found.outcome.fills] == [
        (1, Reason.ENTRY, 100.0), (2, Reason.HOLE, 100.0), (5, Reason.ENTRY, 300.0),
    ]  # fmt: skip
    assert set(found.outcome.equity.tolist()) == {10_000.0}


def test_one_strategy_object_for_two_symbols_is_refused():
    one = Registry().create("buy_and_hold", {})

    with pytest.raises(InputError, match="expected 2 strategies, an object of its own for each symbol, found 1"):
        run_events(market_from([CALM], [CALM]), [one, one], Rules())


class Short(BaseStrategy):
    """Always short."""

    lookback = 1

    def targets(self, data: pd.DataFrame) -> np.ndarray:
        """Return the wanted position after each bar."""
        return np.full(len(data), -1.0)


def test_a_ruined_account_sums_up_alike_in_both_engines():
    # Short of all at 100: ruined at 210, and nobody's gains and losses behind it.
    market = market_from([(price, price, price, price, 10.0) for price in (100.0, 100.0, 150.0, 210.0, 300.0, 280.0, 90.0, 80.0)])
    rules, targets = Rules(short=True, taker_fee=0.0), -np.ones((len(market), 1))

    found = run_events(market, [Short({})], rules).outcome

    assert found.equity.min() < 0.0
    assert found.sums == simulate(market, targets, rules).sums
