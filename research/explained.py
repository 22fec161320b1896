"""A bot beside a backtest over the same time: what is stored of both is loaded, and every difference named with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from market.clock import isoformat
from market.errors import InputError
from market.timeframe import BASE
from research.candles import candles_of
from trading.backtest.backtest import Backtest, Result
from trading.backtest.market import Market, market_of
from trading.bots.config import BotConfig, from_dict
from trading.bots.evidence import Minutes, minutes_of
from trading.bots.explain import Explanation, Told, explain
from trading.registry import Registry
from trading.rules import Listing, Sizing

if TYPE_CHECKING:
    from db.bot_rows import StoredBot
    from db.operations import DatabaseOperations


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The backtest that does what a bot does, over the stored candles since its account began.

    Attributes:
        result: What came of it.
        seen: Its candles with those before them that decide with them.
        minutes: What is stored of each symbol, from a candle before the begin.
        balance: What the account began with.
        listings: What the venues said of the symbols then, in the order in which they share the cash.
    """

    result: Result
    seen: Market
    minutes: Mapping[str, Minutes]
    balance: Decimal
    listings: Mapping[str, Listing]


def compare_with_backtest(db: "DatabaseOperations", bot_id: str, registry: Registry) -> Explanation:
    """Return how a bot compares with a backtest over the stored candles since its account began, under the rules it has now.

    Args:
        db: The store.
        bot_id: Which bot.
        registry: Where its strategy is found.

    Raises:
        InputError: If there is no such bot, it has not come to the close of a candle yet, or its configuration cannot be used.
        NothingStored: If there is no candle of one of its symbols any more.
    """
    stored = db.bots.get(bot_id)
    test = beside(db, stored, registry)
    return explain(told_by(db, stored), test.result, test.minutes)


def beside(db: "DatabaseOperations", stored: "StoredBot", registry: Registry) -> Beside:
    """Return the backtest that a bot is compared with.

    Raises:
        InputError: If the bot has not come to the close of a candle yet, or its configuration cannot be used.
        NothingStored: If there is no candle of one of its symbols any more.
    """
    config = from_dict(stored.config)
    test, symbols = _test_of(stored, config, registry)
    begin_us, width_us = test.start_us or 0, test.timeframe.width_us
    frames = candles_of(db, symbols, test.timeframe, start_us=test.start_us, end_us=test.end_us, warm_up=test.warm_up)
    minutes = candles_of(db, symbols, BASE, start_us=begin_us, end_us=test.end_us, warm_up=width_us // BASE.width_us)
    return Beside(
        result=test.run(frames, finer=minutes), seen=market_of(frames, test.timeframe),
        minutes={symbol: minutes_of(frame) for symbol, frame in minutes.items()}, balance=_capital(stored.account or {}),
        listings=test.listings,
    )  # fmt: skip


def told_by(db: "DatabaseOperations", stored: "StoredBot") -> Told:
    """Return what a bot wrote of the account that it has now."""
    bot, run = stored.id, stored.run
    return Told(
        balance=_capital(stored.account or {}), trades=db.bots.trades(bot, run=run), signals=db.bots.signals(bot, run=run),
        events=sorted(db.bots.events(bot), key=lambda event: event.id), performance=db.bots.performance(bot, run=run),
        forgotten_us=db.bots.forgotten_us(),
    )  # fmt: skip


def _test_of(stored: "StoredBot", config: BotConfig, registry: Registry) -> tuple[Backtest, list[str]]:
    """Return the backtest that does what a bot does, and its symbols in the order in which they share the cash."""
    account, until_us, width = stored.account, stored.acted_until_us, config.width
    begins_us = None if account is None else int(account["begins_us"])
    if account is None or begins_us is None or until_us is None or width.open_of(until_us) <= begins_us:
        raise InputError(
            f"bot {stored.id} has not come to the close of a candle of {width} yet, so there is nothing to compare; its state is "
            f"{stored.state}" + ("" if until_us is None else f", and it acted until {isoformat(until_us)}")
        )
    rules, strategy = config.rules(), registry.create(config.strategy, config.parameters)
    seen = max(strategy.lookback, rules.volatility_bars + 1 if rules.sizing is Sizing.VOLATILITY else 1)
    test = Backtest(
        strategy, width, rules=rules, balance=float(_capital(account)), listings=_listings(account), allow_holes=True,
        start_us=width.open_of(begins_us), end_us=width.open_of(until_us), warm_up=seen, inside=BASE if width is not BASE else None,
    )  # fmt: skip
    return test, list(account["listings"])


def _listings(account: dict[str, Any]) -> dict[str, Listing]:
    return {
        symbol: Listing(tick=tick, lot=lot, least_value=least) for symbol, (tick, lot, least) in account["listings"].items()
    }  # fmt: skip


def _capital(account: dict[str, Any]) -> Decimal:
    """Return what an account began with, whatever the configuration says by now."""
    return Decimal(account["ledger"]["accounts"]["capital"]).copy_negate()
