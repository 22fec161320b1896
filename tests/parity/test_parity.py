"""Bots that processes of their own feed and run, beside backtests over what these stored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from db.store import Store
from market.errors import InputError
from parity.bots import bots_of, write
from parity.chain import Chain, chain
from parity.check import Verdict, verdict_on
from parity.play import play
from parity.run import interruptions, proves_nothing
from parity.tapes import Played, generated, named
from trading.registry import Registry

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

STRATEGIES = ["donchian_breakout", "sma_cross"]
BOTS = [
    "donchian-breakout-limit-1m", "donchian-breakout-market-1m", "late-donchian-breakout-limit-1m", "late-sma-cross-market-1m",
    "sma-cross-limit-1m", "sma-cross-market-1m",
]  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Return a tape of some minutes, one of them quiet and one a burst, that is cut off once."""
    path = generated(tmp_path_factory.mktemp("tape") / "tape.jsonl.gz", seed=3, minutes=12)
    return Played(name="small", files=[path], speed=80, faults=["drop:at=3,for=0.6", "rest-down:at=3,for=4,seconds=0.2"])


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, played: Played) -> Iterator[Chain]:
    """Return the chain behind the end of that tape."""
    bots = bots_of(played, STRATEGIES)
    with chain(tmp_path_factory.mktemp("home"), played) as processes:
        write(bots, processes.folder)
        play(processes, played, len(bots))
        yield processes


def verdicts(ended: Chain) -> dict[str, Verdict]:
    """Return the verdicts by the ids of the bots."""
    return {bot.id: verdict_on(ended.db, bot.id, Registry()) for bot in ended.db.bots.list()}


def test_bots_on_the_live_path_do_what_backtests_do_to_the_last_digit(ended: Chain):
    found = verdicts(ended)

    assert sorted(found) == BOTS
    assert {bot: list(verdict.differences) for bot, verdict in found.items()} == {bot: [] for bot in BOTS}
    assert proves_nothing(list(found.values())) == ""
    assert {gap.state for gap in ended.db.gaps.list()} == {"filled"}, "the cut made a hole, and it was healed"
    assert {event.bot for event in ended.db.bots.events(kind="waiting")} & set(BOTS), "meanwhile bots waited"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("update trades set price = price + 1e-9 where bot = :bot and number = 1", "trade"),
        ("update trades set timestamp = timestamp + interval '1 minute' where bot = :bot and number = 1", "trade"),
        ("delete from orders where bot = :bot and number = 1", "order 1: None of the bot"),
        ("update orders set kind = 'stop' where bot = :bot and number = 1", "order 1: "),
        ("update orders set state = 'refused' where bot = :bot and number = 1", "order 1: "),
        (
            "delete from signals where bot = :bot and timestamp = (select min(timestamp) from signals where bot = :bot)",
            "signal ",
        ),
        ("update signals set target = 0.123, action = 'buy' where bot = :bot", "signal"),
        ("update signals set confidence = confidence - 1e-9 where bot = :bot and confidence > 0", "signal "),
        ("update signals set reason = 'because' where bot = :bot", "signal "),
        ("update signals set acted = not acted where bot = :bot", "signal "),
        ("update trades set profit = profit + 1e-12 where bot = :bot and profit is not null", "execution "),
        ("delete from postings where bot = :bot and account = 'fees'", "posting "),
        ("update bot_performance set equity = equity + 1e-12 where bot = :bot", "equity"),
        ("update bots set equity = equity + 1e-12 where id = :bot", "in the table of bots"),
    ],
)
def test_what_differs_in_the_least_is_named(ended: Chain, harm: str, said: str):
    with ended.db.engine.connect() as connection:  # never committed, so that the next case finds what was
        changed = connection.execute(sa.text(harm), {"bot": "sma-cross-market-1m"})
        verdict = verdict_on(Store(connection), "sma-cross-market-1m", Registry())
        connection.rollback()

    assert changed.rowcount >= 1
    assert any(said in sentence for sentence in verdict.differences), verdict.differences


@pytest.mark.parametrize(
    ("fills", "parts", "words"),
    [
        ([1, 1, 1, 1], [1, 1, 0, 0], ""),
        ([1, 1, 1, 0], [1, 1, 0, 0], ""),
        ([1, 1, 0, 0], [1, 1, 0, 0], "only 2 of 4 bots traded; take a longer tape"),
        ([1, 1, 1, 1], [1, 0, 1, 0], "no limit order was filled in part"),
        ([1, 1, 1, 1], [0, 0, 0, 0], "no market or limit order was filled in part"),
    ],
)
def test_a_tape_on_which_little_happened_proves_nothing(fills: list[int], parts: list[int], words: str):
    names = ["a-market-1m", "a-limit-1m", "b-market-1m", "b-limit-1m"]
    found = [Verdict(bot=name, fills=fill, parts=part) for name, fill, part in zip(names, fills, parts, strict=True)]

    assert proves_nothing(found) == words


def test_what_several_symbols_missed_at_one_time_counts_once(ended: Chain):
    gaps = ended.db.gaps.list()

    assert len({gap.symbol for gap in gaps}) == len(gaps) == 2
    assert interruptions(gaps) == 1
    assert interruptions([replace(gap, state="unrecoverable") for gap in gaps]) == 0


def test_a_generated_tape_has_a_quiet_minute_and_a_burst(played: Played):
    counts = {bar.open_us: bar.trades for bar in played.bars("BINANCE:BTC-USDT")}
    whole = range(min(counts), max(counts) + 1, 60_000_000)

    assert played.minutes == 12
    assert any(minute not in counts for minute in whole)
    assert max(counts.values()) > 400, "there are 180 in a middling one"


@pytest.mark.parametrize("minutes", [12, 90])
def test_every_shipped_strategy_trades_in_both_styles(tmp_path: Path, minutes: int):
    tape = Played(name="", files=[generated(tmp_path / "tape.jsonl.gz", seed=1, minutes=minutes)], speed=60)
    bots = bots_of(tape)

    for name in Registry().names():
        own = [bot for bot in bots if bot["strategy"] == name and bot["timeframe"] == "1m"]
        assert {"take_profit" in bot["stops"] for bot in own} == {True, False}
        assert {"trailing_stop" in bot["stops"] for bot in own} == {True, False}
    assert len({bot["id"] for bot in bots}) == len(bots)
    assert {len(bot["symbols"]) for bot in bots} == {1, 2}
    assert {bot["timeframe"] for bot in bots} == ({"1m", "5m"} if minutes == 90 else {"1m"})


def test_a_named_tape_takes_a_minute_unless_a_speed_is_named(played: Played):
    words = ",".join(map(str, played.files))

    assert named(words, speed=None, seed=1, kill=True).seconds == pytest.approx(60)
    assert named(words, speed=100, seed=1, kill=True).speed == 100


def test_a_tape_on_which_bots_cannot_trade_is_refused(tmp_path: Path):
    tape = generated(tmp_path / "tape.jsonl.gz", seed=1, minutes=3)

    with pytest.raises(InputError, match="has 3 whole minutes, 4 are the least"):
        named(str(tape), speed=None, seed=1, kill=True)
