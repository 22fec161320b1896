"""What the account of a bot holds, and whether its ledger adds up; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trading.bots.ledger import Ledger, LedgerError

if TYPE_CHECKING:
    from db.bot_rows import StoredBot


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is held of a symbol.

    Attributes:
        size: In the base currency, below 0 for short.
        entry: Average price.
        mark: Last price known.
        value: Size at the mark.
        profit: What it gained that is not realised yet, before fees.
    """

    symbol: str
    size: Decimal
    entry: float
    mark: float
    value: Decimal
    profit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Whether the ledger adds up.

    Attributes:
        entries: How many were posted.
        problems: What does not add up, in sentences; empty where all does.
        accounts: Amounts by account, as the bot goes on with them.
    """

    entries: int
    problems: list[str]
    accounts: dict[str, Decimal]


def holdings_of(account: Mapping[str, Any]) -> list[Holding]:
    """Return what an account holds, by symbol in its order."""
    ledger, found = account["ledger"], []
    for symbol, position in zip(account["listings"], account["broker"]["positions"], strict=True):
        size = Decimal(ledger["sizes"].get(symbol, "0"))
        if size:
            value = size * Decimal(repr(float(position["mark"])))
            cost = Decimal(ledger["accounts"].get(f"position {symbol}", "0"))
            found.append(
                Holding(
                    symbol=symbol, size=size, entry=float(position["entry"]), mark=float(position["mark"]), value=value,
                    profit=value - cost,
                )
            )  # fmt: skip
    return found


def audit(bot: "StoredBot", posted: Mapping[str, Decimal], entries: int, unbalanced: Sequence[int]) -> Audit:
    """Return whether the ledger that a bot goes on with adds up, is what was posted, and is worth its equity.

    Args:
        bot: With its account.
        posted: What all postings add up to, by account.
        entries: How many entries were posted.
        unbalanced: Numbers of those that do not add up to 0.
    """
    state = (bot.account or {})["ledger"]
    accounts = {name: Decimal(amount) for name, amount in state["accounts"].items()}
    problems = [f"entry {entry} does not add up to 0" for entry in unbalanced]
    for name in dict.fromkeys([*accounts, *posted]):
        here, there = accounts.get(name, Decimal(0)), posted.get(name, Decimal(0))
        if here != there:
            problems.append(f"account {name!r} is {here:f}, but its postings add up to {there:f}")
    try:
        worth = Ledger.restored(state).equity(_marks(bot.account or {}))
    except LedgerError as error:
        problems.append(str(error))
    else:
        if bot.equity is not None and worth != bot.equity:
            problems.append(f"cash and positions are worth {worth:f}, but the equity that was noted is {bot.equity:f}")
    return Audit(entries=entries, problems=problems, accounts=accounts)


def _marks(account: Mapping[str, Any]) -> dict[str, float]:
    pairs = zip(account["listings"], account["broker"]["positions"], strict=True)
    return {symbol: float(position["mark"]) for symbol, position in pairs}
