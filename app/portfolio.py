"""All bots together: what they have, what they won today, and how that came about; pure.

An amount of one currency is never added to one of another, nor one that was made on an invented market to one that was not: each
is a purse of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app.words import tape_label
from db.repositories.bot_sums import BotGlance

Live = Mapping[str, Mapping[str, Any]]
"""What bots say on Redis, by id; see `db.bus.BOT_STATUS_CHANNEL`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What some accounts are worth.

    Attributes:
        equity: Of all that have begun.
        gain: What was won since the day began, accounts that ended by a reset since then included; below 0 for lost.
        base: What all had then, or began with since.
        accounts: How many have begun.
        day_us: When the day began, UTC epoch microseconds.
    """

    equity: float
    gain: float
    base: float
    accounts: int
    day_us: int

    @property
    def fraction(self) -> float | None:
        """The gain as a fraction of what there was; None where there was nothing."""
        return self.gain / self.base if self.base > 0 else None


def purses(bots: Sequence[BotGlance]) -> dict[str, list[BotGlance]]:
    """Return bots by what they reckon in, `USDT` or `USDT SYNTHETIC`; that of the most bots first."""
    found: dict[str, list[BotGlance]] = {}
    for each in bots:
        found.setdefault(purse_of(each.bot.config), []).append(each)
    return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))


def purse_of(config: Mapping[str, Any]) -> str:
    """Return what a bot reckons in, by its configuration: the quote currency, of spot and derivatives alike."""
    symbols = [str(symbol) for symbol in config.get("symbols", ())]
    quote = symbols[0].partition("-")[2].partition("-")[0] if symbols else ""
    label = next(filter(None, (tape_label(symbol, None) for symbol in symbols)), "")
    return f"{quote} {label}".strip()


def equity_of(each: BotGlance, live: Live) -> float | None:
    """Return what a bot has now: as it says on Redis, else as it was stored; None before its account has begun."""
    if each.base is None:
        return None
    said = live.get(each.bot.id, {}).get("equity")
    stored = each.base if each.bot.equity is None else float(each.bot.equity)
    return stored if said is None else float(said)


def gain_of(each: BotGlance, live: Live) -> float | None:
    """Return what a bot won since the day began; None where it had no account."""
    equity = equity_of(each, live)
    if equity is None or each.base is None:
        return each.ended or None
    return equity - each.base + each.ended


def worth_of(bots: Sequence[BotGlance], live: Live) -> Worth:
    """Return what the accounts of some bots, of one purse, are worth."""
    begun = [(each, equity) for each in bots if (equity := equity_of(each, live)) is not None]
    return Worth(
        equity=sum(equity for _, equity in begun),
        gain=sum(gain_of(each, live) or 0.0 for each in bots),
        base=sum(each.base or 0.0 for each, _ in begun),
        accounts=len(begun),
        day_us=max((each.day_us for each in bots), default=0),
    )


def portfolio_curve(worth: pd.DataFrame) -> pd.DataFrame:
    """Return what accounts were worth together at each moment, and what they won.

    `equity` is the plain sum of what each account was last known to be worth: one of a bot that is stopped is carried on, one that
    was reset is left out behind its last value. `gain` is what all of them, those that were reset too, won since the curve began:
    each counts from its first moment on it, or from what it began with where that was later. What is left, `put_in`, changes only
    where an account begins or ends. `level` is the curve to draw: the equity at the end, and before that so much more or less as
    was lost or won since. A new bot is no step in it and neither is a reset, for neither is a gain or a loss.

    Args:
        worth: As `BotSums.worth` returns it, of one purse.

    Returns:
        Columns timestamp, level, equity, put_in, gain and accounts (how many count), oldest first.
    """
    if worth.empty:
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in _COLUMNS})
    begin = worth["timestamp"].min()
    first = worth.groupby(["bot", "run"])["equity"].transform("first")
    base = first.where(worth["begun"] < begin, worth["amount"])
    counts = ~worth["over"].astype("bool")
    parts = worth.assign(gain=worth["equity"] - base, equity=worth["equity"].where(counts, 0.0), accounts=counts.astype("int64"))
    found = parts.groupby("timestamp", as_index=False)[["equity", "gain", "accounts"]].sum()
    last = found.iloc[-1]
    level = last["equity"] - last["gain"] + found["gain"]
    return found.assign(put_in=found["equity"] - found["gain"], level=level)[list(_COLUMNS)]


_COLUMNS = ("timestamp", "level", "equity", "put_in", "gain", "accounts")
