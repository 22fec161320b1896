"""What a run takes, and what it refuses by name."""

import numpy as np
import pytest

from market.errors import InputError
from tests.trading.backtest.metrics.worked import run_of, trips_of
from trading.backtest.metrics import RoundTrips, Run
from trading.backtest.metrics.run import bars_a_year, risk_free_a_bar


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["equity", "close", "exposure"])
def test_what_is_not_a_finite_number_is_refused_with_its_place(name: str, wrong: float):
    arrays = {"equity": np.ones(3), "close": np.ones(3), "exposure": np.ones(3)}
    arrays[name] = np.array([1.0, wrong, 1.0])

    with pytest.raises(InputError, match=f"{name} holds {wrong} at 1"):
        Run(balance=1.0, bar_seconds=60, **arrays)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"balance": 0.0}, "balance of a run is 0.0"),
        ({"balance": np.nan}, "balance of a run is nan"),
        ({"bar_seconds": -60}, "bar_seconds of a run is -60"),
        ({"risk_free": -1.0}, r"1 \+ risk_free of a run is 0.0"),
        ({"close": np.ones(2)}, r"close has the shape \(2,\), expected \(3,\)"),
        ({"close": np.array([1.0, 0.0, 1.0])}, "close of a run is 0.0 at bar 1"),
        ({"timestamps_us": np.array([1, 1, 2])}, "timestamps_us of a run have to rise"),
        ({"equity": np.ones((3, 1))}, "equity has the shape"),
    ],
)
def test_a_run_that_cannot_be_is_refused(given: dict, said: str):
    with pytest.raises(InputError, match=said):
        Run(**{"balance": 1.0, "equity": np.ones(3), "bar_seconds": 60, **given})


def test_round_trips_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="fees has the shape"):
        trips_of(1.0, 2.0, fees=np.zeros(3))


def test_round_trips_with_a_profit_that_is_no_number_are_refused():
    with pytest.raises(InputError, match="profit holds nan at 1"):
        trips_of(1.0, np.nan)


def test_round_trips_worth_nothing_at_the_entry_are_refused():
    with pytest.raises(InputError, match=r"value of a round trip is 0.0"):
        trips_of(1.0, value=np.zeros(1))


def test_round_trips_of_no_side_are_refused():
    with pytest.raises(InputError, match="side of a round trip is 0"):
        trips_of(1.0, 2.0, side=np.array([1, 0]))


def test_round_trips_out_of_the_order_of_their_exits_are_refused():
    with pytest.raises(InputError, match="order of their exits"):
        trips_of(1.0, 2.0, left_us=np.array([2, 1]))


def test_no_round_trips_are_the_default():
    assert len(run_of(1.0).trips) == len(RoundTrips()) == 0


def test_arrays_that_may_not_be_written_are_taken():
    equity = np.ones(6)[::2]
    equity.flags.writeable = False

    taken = run_of(*[1.0], equity=equity).equity

    assert taken.flags.writeable
    assert taken.flags.c_contiguous


def test_arrays_of_the_right_kind_are_not_copied():
    equity = np.ones(3)

    assert run_of(equity=equity).equity is equity


def test_a_year_has_365_days_without_a_pause():
    assert bars_a_year(60) == 525_600


def test_a_rate_a_bar_compounds_to_the_rate_a_year():
    assert (1 + risk_free_a_bar(0.05, 3_600)) ** 8_760 == pytest.approx(1.05, rel=1e-12)
