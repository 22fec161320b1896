"""One backtest of wanted positions: what was filled, what the account was worth, and what came of it in sums."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.backtest import account, kernel
from trading.backtest.market import Market
from trading.fills import Reason
from trading.position import Fill
from trading.rules import Listing, Rules

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_MOST_FILLS = 4_096
_NO_DAYS = np.zeros(0, np.int64)
_ALL = np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What is known of a run without its equity curve; returns are those from close to close.

    Attributes:
        bars: How many.
        first: Sum of the returns; `second` to `fourth` are those of their powers.
        second: See `first`.
        third: See `first`.
        fourth: See `first`.
        below: Sum of the squares of the negative ones.
        drawdown: Deepest fall from the highest equity, a fraction of it.
        inside: Bars at whose end something was held.
        equity: At the last close, in the quote currency.
        fees: In the quote currency.
        turnover: Value of all fills.
        trips: Round trips that are over.
        wins: Those that gained.
        gains: What they gained, after fees.
        losses: What the others lost, not positive.
        both: Bars that reached stop and target.
        refused: Orders that were too small, or that nothing could pay.
        fills: How many.
    """

    bars: int
    first: float
    second: float
    third: float
    fourth: float
    below: float
    drawdown: float
    inside: int
    equity: float
    fees: float
    turnover: float
    trips: int
    wins: int
    gains: float
    losses: float
    both: int
    refused: int
    fills: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What came of a backtest.

    Attributes:
        equity: At each close that decides, shape (bars,).
        table: What was filled, oldest first, shape (fills, 6): the fields of `Fill` as numbers.
        sums: See there.
    """

    equity: Floats
    table: Floats
    sums: Sums

    @property
    def fills(self) -> tuple[Fill, ...]:
        """What was filled, oldest first; made when it is asked for."""
        return tuple(Fill(int(row[0]), int(row[1]), Reason(int(row[2])), *row[3:]) for row in self.table.tolist())


def simulate(
    market: Market,
    targets: Floats,
    rules: Rules,
    *,
    listings: Sequence[Listing] | None = None,
    balance: float = 10_000.0,
    scales: Floats | None = None,
    decides: Flags | None = None,
) -> Outcome:
    """Return what comes of wanted positions under some rules.

    Args:
        market: The candles.
        targets: Wanted positions after each close, shape (bars, symbols); NaN wants nothing new.
        rules: How orders are made and filled.
        listings: What the venue says of each symbol; no steps and no smallest order if None.
        balance: In the quote currency.
        scales: What targets are multiplied with, shape (bars, symbols); 1 if None.
        decides: Bars at whose close something is wanted and the account is valued, shape (bars,); all if None. Rows of
            `targets` and `scales` at others are not looked at. See `trading.backtest.finer`.
    """
    room = _MOST_FILLS
    while True:
        equity, out = np.zeros(len(market) if decides is None else int(decides.sum())), np.zeros((room, 6))
        sums = _run(market, targets, rules, listings, balance=balance, scales=scales, decides=decides, equity=equity, out=out)
        if sums.fills <= room:
            return Outcome(equity=equity, table=out[: sums.fills], sums=sums)
        room = sums.fills


def summarise(
    market: Market,
    targets: Floats,
    rules: Rules,
    *,
    listings: Sequence[Listing] | None = None,
    balance: float = 10_000.0,
    scales: Floats | None = None,
    decides: Flags | None = None,
) -> Sums:
    """Return the sums of what `simulate` returns, and keep nothing else: for sweeps."""
    none, nothing = np.zeros(0), np.zeros((0, 6))
    return _run(market, targets, rules, listings, balance=balance, scales=scales, decides=decides, equity=none, out=nothing)


def _run(
    market: Market,
    targets: Floats,
    rules: Rules,
    listings: Sequence[Listing] | None,
    *,
    balance: float,
    scales: Floats | None,
    decides: Flags | None,
    equity: Floats,
    out: Floats,
) -> Sums:
    guarded = rules.daily_loss > 0.0 or rules.max_drawdown > 0.0
    known = list(listings) if listings is not None else [Listing()] * len(market.symbols)
    rows, totals, sums = account.symbols_of(known), account.totals_of(balance, rules), np.zeros(9)
    kernel.run(
        market.open, market.high, market.low, market.close, market.volume, market.there,
        market.ends if market.ends.any() else market.ends[:0], _ALL if decides is None else decides,
        market.days if guarded else _NO_DAYS, np.ascontiguousarray(targets, np.float64),
        np.zeros((0, len(known))) if scales is None else scales, rows, totals, account.numbers_of(rules), equity, out, sums,
    )  # fmt: skip
    bars, first, second, third, fourth, below, drawdown, inside, worth = sums.tolist()
    return Sums(
        bars=int(bars), first=first, second=second, third=third, fourth=fourth, below=below, drawdown=drawdown, inside=int(inside),
        equity=worth, fees=float(totals[account.FEES]), turnover=float(totals[account.TURNOVER]),
        trips=int(totals[account.TRIPS]), wins=int(totals[account.WINS]), gains=float(totals[account.GAINS]),
        losses=float(totals[account.LOSSES]), both=int(totals[account.BOTH_REACHED]), refused=int(totals[account.REFUSED]),
        fills=int(totals[account.FILLS]),
    )  # fmt: skip
