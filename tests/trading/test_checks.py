"""Strategies that cheat, each in its own way, and honest ones."""

from itertools import count

import numpy as np
import pandas as pd
import pytest

from market.errors import InputError
from tests.trading.bars import bars, walk
from trading import Action, BaseStrategy
from trading.checks import Check, check_determinism, check_look_ahead, check_lookback, check_strategy
from trading.frames import column
from trading.indicators import ema, sma
from trading.registry import Registry
from trading.strategies import SmaCross
from trading.strategies.decisions import long_while

DATA = walk(1500, volatility=5e-3)
_asked = count()


def above(close: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(other), np.nan, (close > other).astype(float))


class OfClose(BaseStrategy):
    @property
    def lookback(self) -> int:
        return 25

    def targets(self, data):
        return self.of(column(data, "close"))

    def of(self, close):
        return above(close, sma(close, 25))


class Peeks(OfClose):
    """Knows the next close."""

    def of(self, close):
        return (np.append(close[1:], close[-1:]) > close).astype(float)


class PeeksRarely(OfClose):
    """Knows the next close, and uses it at one bar in five hundred."""

    def of(self, close):
        honest, peeked = super().of(close), (np.append(close[1:], close[-1:]) > close).astype(float)
        return np.where(np.arange(len(close)) % 500 == 499, 2.0 + peeked, honest)


class Normalises(OfClose):
    """Knows mean and deviation of the whole series."""

    def of(self, close):
        return (close - close.mean() > 0.5 * close.std()).astype(float)


class Centres(OfClose):
    """Smooths with a window around the bar."""

    def of(self, close):
        return above(close, pd.Series(close).rolling(9, center=True, min_periods=1).mean().to_numpy())


class FillsBack(OfClose):
    """Fills the warm-up with what comes after it."""

    def of(self, close):
        return pd.Series(super().of(close)).bfill().to_numpy()


class TooShort(OfClose):
    """Says 24 bars where 25 are needed."""

    @property
    def lookback(self) -> int:
        return 24


class Forgetful(OfClose):
    """Says that an exponential average forgets after its period."""

    @property
    def lookback(self) -> int:
        return 20

    def of(self, close):
        return long_while(close, ema(close, 20))


class RemembersAll(OfClose):
    """Compares with the mean of all bars so far."""

    def of(self, close):
        return (close > np.cumsum(close) / np.arange(1, len(close) + 1)).astype(float)


class CountsCalls(OfClose):
    """Changes its mind each time."""

    def of(self, close):
        return np.full(len(close), float(next(_asked) % 2))


class CountsOwnCalls(OfClose):
    """Changes its mind after three times."""

    calls = 0

    def of(self, close):
        self.calls += 1
        return np.full(len(close), float(self.calls > 3))


class Extends(OfClose):
    """Takes longer data for a continuation of what it was given last."""

    last = np.array([])

    def of(self, close):
        known = self.last if len(self.last) < len(close) else np.array([])
        self.last = np.append(known, super().of(close)[len(known) :] * (0.5 if len(known) else 1.0))
        return self.last


class ThrowsDice(OfClose):
    def of(self, close):
        return np.random.default_rng().integers(0, 2, len(close)).astype(float)


class CarriesOver(BaseStrategy):
    """Decides bar by bar, with what it remembers of the calls before."""

    held = 0.0

    @property
    def lookback(self) -> int:
        return 2

    def process_data(self, data):
        close = column(data, "close")
        if close[-1] > 1.004 * close[0]:
            self.held = 1.0
        elif close[-1] < 0.996 * close[0]:
            self.held = 0.0
        return self.signal(data, Action.BUY if self.held else Action.SELL, target=self.held)


class SaysOneThingAndDoesAnother(OfClose):
    """Its signals are not its targets."""

    def process_data(self, data):
        return self.signal(data, Action.SELL)


class Spoils(OfClose):
    """Writes into the data."""

    def targets(self, data):
        data.loc[:, "close"] = 1.0
        return np.ones(len(data))


class Misshapen(OfClose):
    def of(self, close):
        return close[1:]


@pytest.mark.parametrize("name", Registry().names())
def test_what_is_shipped_passes_all_checks(name: str):
    findings = check_strategy(Registry().create(name), walk(2500, volatility=5e-3), cuts=200)

    assert [finding.message for finding in findings if not finding.passed] == []
    assert [finding.check for finding in findings] == [Check.DETERMINISM, Check.LOOK_AHEAD, Check.LOOKBACK]


@pytest.mark.parametrize("cheat", [Peeks, PeeksRarely, Normalises, Centres, FillsBack])
def test_what_looks_ahead_is_caught(cheat: type[BaseStrategy]):
    finding = check_look_ahead(cheat(), DATA)

    assert not finding.passed
    assert finding.expected != finding.found
    assert finding.message.startswith(f"it looks ahead: the target after bar {finding.row} (2024-08-")


def test_the_first_bar_that_changes_is_named():
    # The first bar whose target needs the bar after it is the last of the flat ones; there the cut shows 0 for 1.
    data = bars([10.0] * 30 + [11.0] + [10.0] * 30)

    finding = check_look_ahead(Peeks(), data)

    assert (finding.row, finding.expected, finding.found) == (29, 1.0, 0.0)
    assert finding.timestamp_us == 1_723_161_660_000_000 + 29 * 60_000_000
    assert "bar 29 (2024-08-09T00:30:00Z) is 1 with all of the data, and 0 when the data ends with bar 29" in finding.message


@pytest.mark.parametrize("honest", [OfClose, TooShort, Forgetful, RemembersAll, SmaCross])
def test_what_does_not_look_ahead_is_not_accused_of_it(honest: type[BaseStrategy]):
    assert check_look_ahead(honest(), DATA).passed


@pytest.mark.parametrize(("cheat", "enough"), [(TooShort, 25), (RemembersAll, None)])
def test_too_short_a_lookback_is_caught_and_the_right_one_named(cheat: type[BaseStrategy], enough: int | None):
    finding = check_lookback(cheat(), DATA)

    assert not finding.passed
    assert finding.enough == enough
    assert finding.message.startswith(f"a lookback of {cheat().lookback} is too short: the target after bar {finding.row} ")
    assert ("25 would do" if enough else "no lookback up to 750 would do") in finding.message


def test_what_never_forgets_needs_many_bars():
    finding = check_lookback(Forgetful(), DATA)

    assert not finding.passed
    assert finding.enough is not None
    assert 40 < finding.enough < 500


def test_a_lookback_that_is_long_enough_passes_and_says_what_would_do():
    finding = check_lookback(SmaCross({"fast": 3, "slow": 12}), DATA)

    assert (finding.passed, finding.enough) == (True, 12)


def test_signals_that_are_not_the_targets_are_caught():
    assert not check_lookback(SaysOneThingAndDoesAnother(), DATA).passed


@pytest.mark.parametrize("cheat", [CountsCalls, CountsOwnCalls, Extends, ThrowsDice, CarriesOver])
def test_what_depends_on_something_else_than_the_data_is_caught(cheat: type[BaseStrategy]):
    finding = check_determinism(cheat(), DATA)

    assert not finding.passed
    assert finding.message.endswith("it depends on something else than the data")


@pytest.mark.parametrize("honest", [OfClose, Peeks, RemembersAll, SmaCross])
def test_what_depends_on_the_data_alone_is_deterministic(honest: type[BaseStrategy]):
    assert check_determinism(honest(), DATA).passed


def test_what_a_strategy_does_to_the_data_does_not_come_back():
    data = walk(100)
    check_determinism(Spoils(), data)

    pd.testing.assert_frame_equal(data, walk(100))


@pytest.mark.parametrize("lookback", [0, 100])
def test_a_lookback_that_cannot_be_checked_is_refused(lookback: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(OfClose, "lookback", lookback)

    with pytest.raises(InputError, match=f"the lookback of of_close is {lookback}"):
        check_lookback(OfClose(), walk(100))


def test_targets_of_another_length_are_refused():
    with pytest.raises(InputError, match=r"shape \(99,\) for 100 bars"):
        check_look_ahead(Misshapen(), walk(100))


def test_the_checked_strategy_itself_is_asked_nothing():
    strategy = CountsOwnCalls()
    check_determinism(strategy, DATA)

    assert strategy.calls == 0
