"""A bot on the page is what is stored of it, and what its runner said since."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.bots.seen import day_of, seen
from app.bots.tables import BOARD, board_table
from db.bot_rows import StoredBot
from db.repositories.bot_pages import BotLine
from market.timeframe import DAY_US, MINUTE_US
from tests.app.bots import TREE
from tests.app.samples import START_US, SYMBOL, feed

NOW_US = START_US + 100 * MINUTE_US
BOT = StoredBot(
    id="ema-btc", config=TREE, config_digest="d", config_file="ema-btc.json", wanted="running", state="running",
    acted_until_us=START_US, equity=Decimal(10_100), cash=Decimal(1), exposure={SYMBOL: 50.0}, lease_owner="one", lease_epoch=3,
    lease_until_us=NOW_US + 10_000_000, heartbeat_us=NOW_US - 2_000_000,
)  # fmt: skip
LINE = BotLine(bot=BOT, clock_us=NOW_US, begun_with=Decimal(10_000), day_equity=Decimal(10_050), owed_us=None)
LIVE = {
    "bot": "ema-btc", "state": "running", "reason": "", "acted_until_us": START_US + MINUTE_US, "at_us": NOW_US + 1_000_000,
    "equity": 10_200.5, "cash": "2", "exposure": {SYMBOL: -70.0},
}  # fmt: skip


def look(line=LINE, live=LIVE, feeds=None):
    return seen(line, live, feeds or {}, at_us=NOW_US + 3_000_000)


def stored(**changes):
    return replace(LINE, bot=replace(BOT, **changes))


def test_what_the_runner_said_last_counts():
    bot = look()

    assert (bot.equity, bot.profit, bot.today) == (Decimal("10200.5"), Decimal("200.5"), Decimal("150.5"))
    assert bot.gain == pytest.approx(0.02005)
    assert bot.exposure == {SYMBOL: -70.0}
    assert bot.acted_until_us == START_US + MINUTE_US
    assert bot.silent_us == 2_000_000


def test_without_it_what_is_stored_does():
    bot = look(live=None)

    assert (bot.equity, bot.profit, bot.exposure) == (Decimal(10_100), Decimal(100), {SYMBOL: 50.0})
    assert bot.silent_us == 2_000_000


def test_an_older_word_than_what_is_stored_is_not_believed():
    bot = look(live={**LIVE, "acted_until_us": START_US - 1})

    assert bot.equity == Decimal(10_100)


@pytest.mark.parametrize("changes", [{"wanted": "stopped"}, {"state": "parked"}, {"lease_owner": None}])
def test_a_bot_that_no_runner_has_any_more_says_nothing(changes):
    assert look(stored(**changes)).live is None


def test_an_account_that_is_younger_than_the_day_began_with_its_balance():
    assert look(replace(LINE, day_equity=None)).today == Decimal("200.5")


def test_the_day_of_a_bot_that_stopped_on_another_is_over():
    bot = look(stored(wanted="stopped", acted_until_us=NOW_US - 3 * DAY_US), None)

    assert bot.today is None


def test_midnight_closes_the_day_before():
    assert day_of(DAY_US) == 0
    assert day_of(DAY_US + 1) == 1


def test_it_waits_where_the_feed_of_what_it_trades_is_down():
    bot = look(feeds={SYMBOL: feed(NOW_US, state="down")})

    assert (bot.state, bot.why) == ("running (waiting)", f"the feed of {SYMBOL} is down")


def test_a_runner_that_speaks_is_alive_however_old_the_row_is():
    old = replace(LINE, bot=replace(BOT, heartbeat_us=NOW_US - 60_000_000), owed_us=NOW_US - 600_000_000)

    assert look(old, None).state == "running (stuck)"
    assert look(old).state == "running"


@pytest.mark.parametrize(
    ("symbol", "told", "label"),
    [("SYNTHETIC:BTC-USDT", {}, "SYNTHETIC"), (SYMBOL, {"tape": "monday.jsonl"}, "REPLAY"), (SYMBOL, {}, None)],
)
def test_what_is_no_live_price_of_a_venue_is_labelled(symbol, told, label):
    line = stored(config={**TREE, "symbols": [symbol]})

    assert look(line, feeds={symbol: feed(NOW_US, **told)}).label == label


def test_a_row_of_the_list_is_in_words():
    row = board_table([look()]).iloc[0]

    assert row.loc[["bot", "state", "equity", "P&L today", "P&L", "return", "exposure"]].tolist() == [
        "ema-btc", "running", "10,200.50", "+150.50", "+200.50", "+2.00%", "70.0000",
    ]  # fmt: skip
    assert row["strategy"] == "ema_cross fast=5 slow=12"
    assert tuple(row.index) == BOARD


def test_a_bot_that_never_ran_has_no_numbers():
    line = BotLine(
        bot=StoredBot(id="b", config=TREE, config_digest="", config_file=""),
        clock_us=NOW_US,
        begun_with=None,
        day_equity=None,
        owed_us=None,
    )
    row = board_table([look(line, None)]).iloc[0]

    assert set(row.loc[["equity", "P&L today", "P&L", "return", "exposure", "heartbeat", "why"]]) == {"–"}
    assert row["state"] == "stopped"
