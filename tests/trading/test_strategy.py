import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import InputError
from tests.trading.bars import bars, candle_frames, walk
from trading import Action, BaseStrategy, Signal
from trading.frames import column
from trading.strategies import EmaCross, SmaCross


class Rising(BaseStrategy):
    """Says with targets: long after a rise, out after a fall, no wish otherwise."""

    @property
    def lookback(self) -> int:
        return 2

    def targets(self, data):
        change = np.diff(column(data, "close"), prepend=np.nan)
        self.show(data, change=change)
        return np.where(change > 0, 1.0, np.where(change < 0, 0.0, np.nan))


class RisingBarByBar(BaseStrategy):
    """Says the same with signals."""

    @property
    def lookback(self) -> int:
        return 2

    def process_data(self, data):
        close = data["close"]
        if len(close) < 2 or close.iloc[-1] == close.iloc[-2]:
            return self.signal(data, Action.HOLD, confidence=0.0)
        return self.signal(data, Action.BUY if close.iloc[-1] > close.iloc[-2] else Action.SELL, reason="the close moved")


class Half(RisingBarByBar):
    def process_data(self, data):
        return self.signal(data, Action.BUY, target=0.5)


@given(candle_frames())
def test_either_form_makes_the_other(data: pd.DataFrame):
    data = data.iloc[:60]

    np.testing.assert_array_equal(RisingBarByBar().targets(data), Rising().targets(data))
    for end in range(1, len(data) + 1):
        first, second = Rising().process_data(data.iloc[:end]), RisingBarByBar().process_data(data.iloc[max(0, end - 2) : end])
        assert first.action is second.action


def test_targets_of_signals_are_theirs_where_they_have_one():
    assert Half().targets(bars([1.0, 2.0])).tolist() == [0.5, 0.5]


def test_what_is_asked_bar_by_bar_sees_its_lookback_and_no_more():
    seen = []

    class Watching(Half):
        def process_data(self, data):
            seen.append(len(data))
            return super().process_data(data)

    Watching().targets(bars([1.0, 2.0, 3.0, 4.0]))

    assert seen == [1, 2, 2, 2]


def test_a_signal_says_what_and_why():
    data = bars([10.0] * 29 + [40.0])
    data.attrs["symbol"] = "OKX:BTC-USDT"

    signal = SmaCross({"fast": 2, "slow": 4}).process_data(data)

    # (10 + 40) / 2 and (10 + 10 + 10 + 40) / 4
    assert signal == Signal(
        action=Action.BUY,
        confidence=1.0,
        price=40.0,
        timestamp_us=1_723_161_660_000_000 + 29 * 60_000_000,
        symbol="OKX:BTC-USDT",
        indicators={"fast": 25.0, "slow": 17.5},
        reason="the average of 2 closes, 25, is above that of 4, 17.5",
        target=1.0,
    )


def test_a_signal_in_the_warm_up_holds():
    signal = SmaCross().process_data(bars([1.0, 2.0]))

    assert (signal.action, signal.confidence) == (Action.HOLD, 0.0)
    assert signal.reason == "warming up: fast nan, slow nan"


def test_who_runs_a_strategy_may_name_the_symbol():
    strategy = SmaCross()
    strategy.symbol = "KRAKEN:BTC-USD"

    assert strategy.process_data(bars([1.0])).symbol == "KRAKEN:BTC-USD"


def test_no_bar_is_refused():
    with pytest.raises(InputError, match="at least one bar"):
        SmaCross().process_data(bars([]))


@pytest.mark.parametrize("targets", [[1.0], [[1.0], [1.0]], 1.0, "hello", None])
def test_targets_that_are_not_one_a_bar_are_refused_after_each_bar_too(targets: object):
    class Odd(Rising):
        def targets(self, data):
            return targets

    with pytest.raises(InputError, match="expected was one a bar"):
        Odd().process_data(bars([1.0, 2.0]))


def test_targets_of_no_bars_are_none():
    assert SmaCross().targets(bars([])).shape == (0,)


def test_indicators_are_series_of_the_data_given_last():
    strategy, data = EmaCross({"fast": 2, "slow": 3}), walk(40)
    strategy.targets(data)
    strategy.process_data(data.iloc[-20:])

    found = strategy.get_indicators()

    assert list(found) == ["fast", "slow"]
    assert found["slow"].index.equals(data.index[-20:])
    assert found["slow"].isna().sum() == 2


def test_a_strategy_that_was_asked_nothing_has_no_indicators():
    assert SmaCross().get_indicators() == {}


def test_a_class_that_cannot_decide_is_refused_when_it_is_defined():
    with pytest.raises(InputError, match="strategy Undecided needs targets"):

        class Undecided(BaseStrategy):
            @property
            def lookback(self) -> int:
                return 1


def test_a_class_without_a_lookback_is_refused_when_it_is_defined():
    with pytest.raises(InputError, match="strategy Endless needs the property lookback"):

        class Endless(BaseStrategy):
            def targets(self, data):
                return np.ones(len(data))


def test_a_class_may_inherit_its_rule():
    class Faster(SmaCross):
        pass

    assert (Faster.name, Faster({"fast": 3}).fast) == ("faster", 3)


@given(st.dictionaries(st.text(), st.integers(), max_size=3))
def test_a_strategy_without_parameters_takes_none(given_: dict):
    if given_:
        with pytest.raises(InputError, match=r"rising has no parameter .*; it has none"):
            Rising(given_)
    else:
        assert Rising(given_).parameters == {}


def test_stored_candles_can_be_handed_in_as_they_are():
    data = walk(40)
    candles = data.reset_index().assign(symbol="OKX:BTC-USDT", trades=1)

    signal = SmaCross().process_data(candles)

    assert signal.target == SmaCross().process_data(data).target
    assert (signal.symbol, signal.timestamp_us) == ("OKX:BTC-USDT", SmaCross().process_data(data).timestamp_us)
