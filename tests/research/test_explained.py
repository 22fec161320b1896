"""A bot on stored minutes beside the backtest over the same time: no difference, until something is changed behind its back."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from db import DatabaseOperations
from market.errors import InputError
from market.timeframe import MINUTE_US, Timeframe
from research.explained import compare_with_backtest
from research.explained_apart import compare_apart
from tests.history.quality.damage import START_US
from tests.research.stored import DAY, SYMBOL, fill
from tests.trading.bots.users import write
from trading.bots.bot import Bot
from trading.bots.config import as_dict, digest, from_dict
from trading.bots.evidence import Cause
from trading.bots.loading import Loader
from trading.bots.minutes import Minutes
from trading.bots.wire import Answer, Question
from trading.frames import PRICES
from trading.registry import Registry

pytestmark = pytest.mark.postgres
BEGUN = DAY + 37  # so many minutes are stored when the bot starts, in the middle of a candle
CONFIG = {
    "id": "cross", "strategy": "sma_cross", "parameters": {"fast": 3, "slow": 8}, "symbols": [SYMBOL, "OKX:ETH-USDT"],
    "timeframe": "15m", "balance": "10000.50", "sizing": {"size": 0.5},
}  # fmt: skip


def run_bot(db: Any, *, without: int | None = None, **changes: Any) -> None:
    """Run a bot from the second day of three to their end, as a runner does, but for its processes; a minute may be lost."""
    config = from_dict({**CONFIG, **changes})
    fill(db, *config.symbols, without=range(BEGUN, 3 * DAY))
    with db.transaction() as store:
        store.bots.put_config("cross", as_dict(config), digest=digest(config), file="cross.json", autostart=True)
    minutes, strategy = Minutes(db), Registry().create(config.strategy, config.parameters)
    loader, (taken,) = Loader(db, minutes), db.bots.take("here", most=1, seconds=60.0)
    for symbol in config.symbols:
        minutes.follow(symbol)
    minutes.poll(0.0)
    bot = loader.load(taken, strategy.lookback)
    assert bot is not None
    fill(db, *config.symbols, without=[] if without is None else [without])
    while minutes.poll(1.0):
        _catch_up(db, bot, strategy)


def _catch_up(db: Any, bot: Bot, strategy: Any) -> None:
    while questions := bot.advance(10_000):
        for question in questions:
            bot.answered(_answer(question, strategy), lambda *_: "")
    written = bot.take_written("running", "", always=True)
    assert written is None or db.bots.write([written]) == {"cross"}


def _answer(question: Question, strategy: Any) -> Answer:
    import pandas as pd

    index = pd.DatetimeIndex(question.timestamps_us.view("datetime64[us]"), name="timestamp").tz_localize("UTC")
    signal = strategy.process_data(pd.DataFrame(question.prices, index=index, columns=list(PRICES)))
    return Answer(
        bot=question.bot, symbol=question.symbol, timestamp_us=int(question.timestamps_us[-1]), signal=signal, error=None,
        kind="signal", seconds=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"timeframe": "1m", "symbols": [SYMBOL]}, {"orders": {"fill_at": "close"}},
        {"orders": {"limit_offset": 0.0005, "limit_bars": 2, "volume_share": 0.01}, "stops": {"trailing_stop": 0.004}},
        {
            "sizing": {"kind": "volatility", "volatility_bars": 30, "short": True},
            "parameters": {"fast": 3, "slow": 8, "short": True},
        },
    ],
    ids=["usual", "minutes", "at-close", "limit", "volatility"],
)  # fmt: skip
def test_a_bot_does_what_a_backtest_does_over_the_same_time(database, changes):
    run_bot(database, **changes)

    found = compare_with_backtest(database, "cross", Registry())

    assert found.differences == ()
    assert found.bot == found.backtest
    assert found.until_us == START_US + 3 * DAY * MINUTE_US
    assert found.trades == len(database.bots.trades("cross")) > 10
    assert found.signals == len(database.bots.signals("cross"))
    first = BEGUN + 1 if "timeframe" in changes else DAY + 60  # the first candle that opens once it runs closes then
    assert min(row.timestamp_us for row in database.bots.signals("cross")) == START_US + first * MINUTE_US


def test_a_minute_that_is_revised_later_is_the_reason_of_what_differs(database):
    run_bot(database)
    traded = database.bots.trades("cross")[2]
    candle = database.market_data.get_candle(traded.symbol, Timeframe.M1, traded.timestamp_us)
    database.market_data.upsert_candle(
        msgspec.structs.replace(candle, open=candle.open + 5.0, high=candle.high + 5.0, revision=1), force_update=True
    )

    found = compare_with_backtest(database, "cross", Registry())

    assert found.differences[0].cause is Cause.REVISED
    assert (found.differences[0].minute_us, found.differences[0].symbol) == (traded.timestamp_us, traded.symbol)
    assert {(each.cause, each.follows) for each in found.differences[1:]} == {(Cause.REVISED, True)}


@pytest.mark.parametrize("healed", [True, False])
def test_a_minute_that_the_bot_did_not_have_is_missing_data(database, healed):
    run_bot(database, without=DAY + 640, strategy="buy_and_hold", parameters={})  # within a candle
    assert [row.reason for row in database.bots.trades("cross")].count("hole") == 2
    if healed:
        fill(database, SYMBOL, "OKX:ETH-USDT")

    found = compare_with_backtest(database, "cross", Registry())

    assert found.differences[0].cause is Cause.MISSING
    assert {each.cause for each in found.differences} == {Cause.MISSING}
    assert not {each.kind for each in found.differences} - {"trade", "signal"}


def test_minutes_that_stay_missing_are_left_behind_alike(database):
    run_bot(database, without=DAY + 640, timeframe="1m", strategy="buy_and_hold", parameters={})

    found = compare_with_backtest(database, "cross", Registry())

    left = [row for row in database.bots.trades("cross") if row.reason == "hole"]
    assert found.differences == ()
    assert [row.timestamp_us for row in left] == [START_US + (DAY + 640) * MINUTE_US] * 2, "the last minute that was there"


def test_what_was_left_behind_the_last_candle_of_a_comparison_comes_later(database):
    run_bot(database, without=3 * DAY - 240, strategy="buy_and_hold", parameters={}, timeframe="4h")

    found = compare_with_backtest(database, "cross", Registry())

    assert found.until_us == START_US + (3 * DAY - 240) * MINUTE_US
    assert found.differences == ()
    assert found.later == 2


def test_a_bot_whose_file_says_another_stop_by_now_is_told_so(database):
    run_bot(database, symbols=[SYMBOL])
    config = from_dict({**CONFIG, "symbols": [SYMBOL], "stops": {"stop_loss": 0.002}})
    with database.transaction() as store:
        store.bots.put_config("cross", as_dict(config), digest=digest(config), file="cross.json", autostart=True)

    found = compare_with_backtest(database, "cross", Registry())

    assert found.differences[0].cause is Cause.RULE
    assert found.differences[0].sentence.startswith("the bot ran with stops.stop_loss 0.0, which is 0.002 now")


def test_a_bot_that_has_not_acted_has_nothing_to_compare(database):
    with database.transaction() as store:
        config = from_dict(CONFIG)
        store.bots.put_config("cross", as_dict(config), digest=digest(config), file="cross.json", autostart=False)

    with pytest.raises(InputError, match="bot cross has not come to the close of a candle of 15m yet"):
        compare_with_backtest(database, "cross", Registry())
    with pytest.raises(InputError, match=r"did you mean 'cross'\?"):
        compare_with_backtest(database, "cros", Registry())


class TestApart:
    """The same, in a process of its own."""

    def test_it_says_the_same(self, database, tmp_path):
        run_bot(database, without=DAY + 640, strategy="buy_and_hold", parameters={})

        assert compare_apart(url_of(database), "cross", tmp_path, limit_seconds=100) == compare_with_backtest(
            database, "cross", Registry()
        )

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("raise ValueError('no such price')", "its strategy failed: ValueError: no such price"),
            ("sys.exit('gone')", "its strategy failed: SystemExit: gone"),
            ("os._exit(3)", "its strategy ended the process that compares it, took longer than 20 seconds, or"),
            ("print('nonsense', flush=True); os.close(1); os.kill(os.getpid(), 9)", "its strategy ended the process"),
            pytest.param(
                "x = bytearray(1_500_000_000)",
                "it takes more than the 1,024 MB that it may have",
                marks=pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only"),
            ),
        ],
        ids=["raises", "exits", "ends", "killed", "greedy"],
    )
    def test_a_users_strategy_that_fails_is_told(self, database, tmp_path, body, said):
        keep_that_fails(database, tmp_path, body)

        with pytest.raises(InputError, match=said):
            compare_apart(url_of(database), "cross", tmp_path, limit_seconds=20)

    def test_one_that_does_not_end_is_ended(self, database, tmp_path):
        keep_that_fails(database, tmp_path, "while True: pass")

        with pytest.raises(InputError, match="took longer than 2 seconds"):
            compare_apart(url_of(database), "cross", tmp_path, limit_seconds=2)

    def test_what_cannot_be_compared_says_why(self, database, tmp_path):
        with pytest.raises(InputError, match="cros"):
            compare_apart(url_of(database), "cros", tmp_path, limit_seconds=100)


def keep_that_fails(database: DatabaseOperations, folder: Path, body: str) -> None:
    """Keep a bot that has run, with a strategy of its user's by now; this is what it does with prices."""
    run_bot(database, symbols=[SYMBOL])
    write(folder, "Fails", body)
    config = from_dict({**CONFIG, "symbols": [SYMBOL], "strategy": "fails", "parameters": {}})
    with database.transaction() as store:
        store.bots.put_config("cross", as_dict(config), digest=digest(config), file="cross.json", autostart=True)


def url_of(database: DatabaseOperations) -> str:
    return database.engine.url.render_as_string(hide_password=False)
