"""Sweeps and walk-forwards of stored candles: kept in pieces, gone on with, and shown again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from db.claims import Claims, Purpose
from market.errors import InputError
from market.timeframe import Timeframe
from research.backtests import document_of, encoded, run_backtest
from research.searches import Stopped, Wanted, Windows, Workers, keep_sweep, keep_walk
from tests.research.stored import SYMBOL, fill
from trading.backtest.backtest import Backtest
from trading.backtest.sweep import Sampler
from trading.registry import Registry

pytestmark = pytest.mark.postgres
HERE = Workers(count=1)
HOUR_US = 3_600_000_000
WANTED = Wanted(
    test=Backtest(Registry().create("sma_cross"), Timeframe.M15), symbols=(SYMBOL,), ranges={"fast": "2:6:2", "slow": "5:20:5"}
)


class Pull(Exception):
    """What stands for the plug that is pulled."""


def pulled_after(pieces: int) -> Callable[[object], None]:
    """Return what raises once so many pieces are done."""
    told: list[object] = []

    def pull(progress: object) -> None:
        told.append(progress)
        if len(told) == pieces:
            raise Pull

    return pull


@pytest.fixture
def stored(database):
    fill(database)
    return database


def test_a_sweep_is_kept_and_comes_back_to_the_last_byte(stored):
    told = keep_sweep(stored, WANTED, HERE)
    found = stored.backtests.find(told["id"])

    assert encoded(document_of(stored, found)) == encoded(told)
    assert (found.kind, found.state, found.done, found.total) == ("sweep", "done", 11, 11)
    assert (told["sets"], told["left_out"], told["sampler"]) == (11, 1, "grid")


def test_the_best_sets_figures_are_those_of_its_own_backtest(stored):
    told = keep_sweep(stored, WANTED, HERE)
    strategy = Registry().create("sma_cross", told["results"][0]["parameters"])
    own = run_backtest(stored, replace(WANTED.test, strategy=strategy), [SYMBOL])

    assert told["results"][0]["metrics"]["final_value"] == own.final_value
    assert told["results"][0]["metrics"]["sharpe_ratio"] == pytest.approx(own.metrics["sharpe_ratio"], rel=1e-9)


@pytest.mark.parametrize("workers", [HERE, Workers(count=2)])
def test_a_sweep_that_was_stopped_goes_on_to_the_same_bytes(stored, workers):
    wanted = replace(WANTED, sampler=Sampler.OPTUNA, sets=11, ranges={"fast": "2:9", "slow": "10:20"})
    whole = keep_sweep(stored, wanted, HERE)
    with stored.transaction() as store:
        store.backtests.delete(whole["id"])
    with pytest.raises(Pull):
        keep_sweep(stored, wanted, workers, pulled_after(1))
    broken = stored.backtests.find(whole["id"])

    assert broken.state == "failed"
    assert broken.done in {1, 10}
    assert encoded(keep_sweep(stored, wanted, workers)) == encoded(whole)


def test_a_sweep_stopped_by_somebody_else_ends_and_says_so(stored):
    wanted = replace(WANTED, sampler=Sampler.OPTUNA, sets=20, ranges={"fast": "2:9", "slow": "10:20"})

    def cancel(progress) -> None:
        with stored.transaction() as store:
            store.backtests.cancel(store.backtests.list(kind="sweep")[0].id)

    with pytest.raises(Stopped, match=r"somebody stopped [0-9a-f]{12}; what is done is kept"):
        keep_sweep(stored, wanted, HERE, cancel)
    assert stored.backtests.list(kind="sweep")[0].state == "cancelled"


def test_ctrl_c_leaves_a_sweep_cancelled(stored):
    def interrupt(progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_sweep(stored, WANTED, HERE, interrupt)
    assert stored.backtests.list(kind="sweep")[0].state == "cancelled"


def test_two_processes_do_not_do_the_same(stored):
    told = keep_sweep(stored, WANTED, HERE)
    other = Claims(stored.engine, Purpose.RESEARCH)
    while other.claim([told["id"]]):  # the database has to notice first that the sweep let go of it
        pass

    with pytest.raises(Stopped, match=f"another process is at {told['id'][:12]}"):
        keep_sweep(stored, WANTED, HERE)
    other.close()
    assert stored.backtests.find(told["id"]).state == "done"


def test_what_makes_another_result_makes_another_sweep(stored):
    changes = [{}, {"metric": "total_return"}, {"ranges": {"fast": "2:6:2"}}, {"sampler": Sampler.RANDOM}, {"seed": 5}]
    ids = [keep_sweep(stored, replace(WANTED, **change), HERE)["id"] for change in changes]

    assert len(set(ids)) == len(ids)
    assert keep_sweep(stored, WANTED, HERE)["id"] == ids[0]


def test_a_walk_forward_is_kept_and_goes_on(stored):
    windows = Windows(train_us=24 * HOUR_US, test_us=12 * HOUR_US)
    with pytest.raises(Pull):
        keep_walk(stored, WANTED, windows, HERE, pulled_after(3))
    assert stored.backtests.list(kind="walk-forward")[0].done == 2
    told = keep_walk(stored, WANTED, windows, Workers(count=2))
    with stored.transaction() as store:
        store.backtests.delete(told["id"])

    assert encoded(keep_walk(stored, WANTED, windows, HERE)) == encoded(told)
    assert encoded(document_of(stored, stored.backtests.find(told["id"]))) == encoded(told)
    assert [window["number"] for window in told["windows"]] == [1, 2, 3, 4]
    assert told["windows"][0]["test_start"] == told["windows"][0]["train_end"]
    assert told["final_value"] == told["curve"]["equity"][-1]
    assert len(told["trades"]) == told["metrics"]["total_trades"] > 5


def test_nothing_is_begun_that_cannot_be(stored):
    with pytest.raises(InputError, match="has no parameter 'fats'"):
        keep_sweep(stored, replace(WANTED, ranges={"fats": "1:3"}), HERE)
    with pytest.raises(InputError, match="leave nothing behind"):
        keep_walk(stored, WANTED, Windows(train_us=24 * HOUR_US * 9, test_us=HOUR_US), HERE)

    assert stored.backtests.list() == []
