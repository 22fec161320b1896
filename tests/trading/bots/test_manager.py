"""Bots from scripts: wishes, signals that are handed to them, and restarts; on a real database, with stored minutes."""

import json
from math import inf, nan
from pathlib import Path

import pytest

from market.errors import InputError
from market.timeframe import MINUTE_US
from tests.db.bots import end_leases, forget_waiting
from tests.history.quality.damage import START_US
from tests.research.stored import SYMBOL
from tests.trading.bots.running import FIRST, LAST, config_of, fill_to, put, running
from tests.trading.bots.users import write
from trading import BotManager
from trading.bots.config import ConfigError
from trading.bots.health import Health
from trading.bots.portfolio import PortfolioLimits
from trading.signal import Action, Signal

pytestmark = pytest.mark.postgres
ETH = "OKX:ETH-USDT"
BOT = config_of("mine", "buy_and_hold")


def close_us(minute: int) -> int:
    return START_US + minute * MINUTE_US


def signal(minute: int, action: Action = Action.BUY, **changes) -> Signal:
    return Signal(**{"action": action, "price": 60_000.0, "timestamp_us": close_us(minute), "symbol": SYMBOL, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def manager(database, folder) -> BotManager:
    return BotManager(database, folder=folder, strategies=folder)


@pytest.fixture
def begun(database) -> None:
    """Store a bot that is wanted to run, and the first minutes."""
    put(database, BOT)
    fill_to(database, FIRST)


# -- configurations and wishes ---------------------------------------------------------------------------------------------


def test_a_configuration_is_that_of_the_file_and_else_the_stored_one(manager, database, folder):
    put(database, BOT)
    assert manager.load_bot_config("mine").symbols == [SYMBOL]

    (folder / "x.json").write_text(json.dumps({**BOT, "symbols": [ETH]}))

    assert manager.load_bot_config("mine").symbols == [ETH]


def test_a_file_that_cannot_be_used_is_refused_with_what_is_wrong(manager, folder):
    (folder / "x.json").write_text(json.dumps({**BOT, "timeframe": "7m"}))

    with pytest.raises(ConfigError, match="timeframe"):
        manager.load_bot_config("mine")
    with pytest.raises(ConfigError, match="timeframe"):
        manager.start_bot("mine")


def test_a_bot_that_nobody_knows_is_refused(manager, database):
    put(database, BOT)

    for call in (manager.load_bot_config, manager.start_bot, manager.stop_bot, manager.update_bot_heartbeat):
        with pytest.raises(InputError, match="did you mean 'mine'"):
            call("mime")
    with pytest.raises(InputError, match="did you mean 'mine'"):
        manager.process_signal("mime", signal(FIRST))


def test_a_start_takes_the_file_over_and_a_stop_counts_at_once(manager, database, folder):
    (folder / "x.json").write_text(json.dumps(BOT))

    assert manager.start_bot("mine") is True
    assert manager.start_bot("mine") is False
    assert (database.bots.get("mine").wanted, database.bots.get("mine").config) == ("running", BOT)
    assert manager.stop_bot("mine") is True
    assert [event.kind for event in database.bots.events("mine")] == ["created", "started", "stopped"]


# -- signals ---------------------------------------------------------------------------------------------------------------


def test_a_signal_is_acted_on_once_as_if_the_strategy_had_said_it(manager, database, begun):
    first = manager.process_signal("mine", signal(FIRST))
    again = manager.process_signal("mine", signal(FIRST))
    fill_to(database, LAST)
    sold = manager.process_signal("mine", signal(LAST, Action.SELL))

    assert (first.acted, first.outcome) == (True, "acted on")
    assert (again.acted, again.outcome, again.signal) == (False, "already acted on: acted on", first.signal)
    assert sold.acted
    signals = database.bots.signals("mine")
    assert [each.action for each in signals] == ["buy", *["hold"] * 7, "sell"]
    assert [each.timestamp_us for each in signals] == [close_us(minute) for minute in range(FIRST, LAST + 1, 5)]
    [trade] = database.bots.trades("mine")
    assert (trade.side, trade.timestamp_us) == ("buy", close_us(FIRST + 1))
    assert sum(posting.amount for posting in database.bots.postings("mine")) == 0


def test_a_runner_goes_on_behind_a_signal(manager, database, begun, folder):
    manager.process_signal("mine", signal(FIRST))
    stored = database.bots.get("mine")
    assert (stored.lease_owner, stored.state, stored.acted_until_us) == (None, "stopped", close_us(FIRST))
    fill_to(database, LAST)

    with running(database, None) as work:
        work(lambda: len(database.bots.signals("mine")) == 9)
        with pytest.raises(InputError, match="one runs it"):
            manager.process_signal("mine", signal(LAST))

    assert {each.action for each in database.bots.signals("mine")} == {"buy"}
    assert len(database.bots.trades("mine")) == 1


def test_a_signal_without_symbol_and_time_is_of_the_newest_candle(manager, database, begun):
    fill_to(database, FIRST + 3)

    found = manager.process_signal("mine", Signal(action=Action.BUY))

    assert (found.signal.symbol, found.signal.timestamp_us, found.acted) == (SYMBOL, close_us(FIRST), True)
    assert database.bots.get("mine").acted_until_us == close_us(FIRST)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (signal(FIRST, symbol="OKX:SOL-USDT"), f"expected the symbol {SYMBOL}, found 'OKX:SOL-USDT'"),
        (signal(FIRST + 5), "a signal from the future"),
        (signal(FIRST - 1), "a signal from the past"),
        (signal(FIRST, price=nan), "expected a price above 0, found nan"),
        (signal(FIRST, target=inf), "expected a target"),
        (signal(FIRST, timestamp_us="noon"), "expected the timestamp in whole microseconds"),
        (nan, "expected a Signal, found nan"),
        (None, "expected a Signal, found None"),
    ],
)
def test_a_signal_that_cannot_be_acted_on_is_refused_and_kept(manager, database, begun, said, why):
    first, again = manager.process_signal("mine", said), manager.process_signal("mine", said)

    [kept] = database.bots.signals("mine")
    assert (kept.action, kept.acted, kept.timestamp_us) == ("refused", False, close_us(FIRST))
    assert why in kept.outcome
    assert (first.acted, first.outcome, first.signal) == (False, kept.outcome, kept)
    assert (again.acted, again.signal) == (False, None)
    [event] = database.bots.events("mine", kind="refused")
    assert event.text == f"a signal was refused: {again.outcome}"
    assert database.bots.trades("mine") == []


def test_a_signal_of_a_candle_that_is_over_is_refused_and_told(manager, database, begun):
    manager.process_signal("mine", signal(FIRST))

    late = manager.process_signal("mine", signal(FIRST - 5))

    assert (late.acted, late.signal) == (False, None)
    assert "is over" in late.outcome
    assert len(database.bots.signals("mine")) == len(database.bots.events("mine", kind="refused")) == 1


def test_a_signal_of_one_symbol_holds_the_other(manager, database):
    put(database, config_of("mine", "buy_and_hold", symbols=[SYMBOL, ETH]))
    fill_to(database, FIRST, SYMBOL, ETH)

    manager.process_signal("mine", signal(FIRST, symbol=ETH))

    assert {each.symbol: each.action for each in database.bots.signals("mine")} == {SYMBOL: "hold", ETH: "buy"}


def test_limits_of_all_bots_count_for_a_signal(database, begun, folder):
    found = BotManager(database, folder=folder, limits=PortfolioLimits(exposure=10.0)).process_signal("mine", signal(FIRST))

    assert not found.acted
    assert "bots.max_exposure" in found.outcome
    assert database.bots.trades("mine") == []


def test_without_minutes_a_signal_is_refused_and_the_bot_is_free_again(manager, database):
    put(database, BOT)

    with pytest.raises(InputError, match=f"no minute of {SYMBOL} is stored yet"):
        manager.process_signal("mine", signal(FIRST))

    assert database.bots.get("mine").lease_owner is None


def test_a_bot_that_is_stopped_or_parked_takes_no_signal(manager, database, begun):
    [taken] = database.bots.take("one", most=1, seconds=60)
    database.bots.release("mine", taken.lease_epoch, state="parked", reason="it raised")
    with pytest.raises(InputError, match="it is parked: it raised"):
        manager.process_signal("mine", signal(FIRST))
    manager.stop_bot("mine")

    with pytest.raises(InputError, match="it is stopped; start it first: `tcpdash bots start mine`"):
        manager.process_signal("mine", signal(FIRST))


def test_a_users_strategy_says_how_many_candles_it_needs(manager, database, folder):
    write(folder, "Own", "pass")
    put(database, config_of("mine", "own"))
    fill_to(database, FIRST)

    assert manager.process_signal("mine", signal(FIRST)).acted


# -- health ----------------------------------------------------------------------------------------------------------------


def test_a_heartbeat_is_noted_of_a_bot_that_a_runner_has(manager, database, begun, engine):
    assert manager.update_bot_heartbeat("mine").state is Health.STARTING
    assert database.bots.get("mine").heartbeat_us is None
    [taken] = database.bots.take("one", most=1, seconds=60)

    assert manager.update_bot_heartbeat("mine").state is Health.STARTING

    after = database.bots.get("mine")
    assert after.heartbeat_us > taken.heartbeat_us
    assert after.lease_until_us == taken.lease_until_us
    end_leases(engine)
    assert manager.update_bot_heartbeat("mine").state is Health.CRASHED
    assert database.bots.get("mine").heartbeat_us == after.heartbeat_us


def test_bots_that_crashed_are_restarted_three_times_an_hour_and_then_parked(manager, database, engine, folder):
    write(folder, "Raises", "raise ValueError('no such price')")
    put(database, config_of("mine", "raises"))
    fill_to(database, FIRST)
    with running(database, folder) as work:
        work(lambda: database.bots.get("mine").state == "running")
        fill_to(database, FIRST + 5)
        restarted = []
        for number in range(1, 5):
            work(lambda number=number: len(database.bots.events("mine", kind="crashed")) == number)
            early = manager.restart_crashed_bots()
            forget_waiting(engine)
            restarted.append((early, manager.restart_crashed_bots()))

    assert restarted == [([], ["mine"])] * 3 + [([], [])]
    assert database.bots.get("mine").state == "parked"
    assert manager.start_bot("mine") is True
    assert database.bots.crashes("mine", within_seconds=3_600.0) == 0


def test_bots_of_a_dead_process_are_restored(manager, database, begun):
    import os
    import socket

    database.bots.take(f"{socket.gethostname()}-{os.getpid()}", most=1, seconds=60)

    assert manager.restore_active_bots_on_startup() == ["mine"]
    assert manager.process_signal("mine", signal(FIRST)).acted
