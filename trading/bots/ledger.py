"""The ledger of a virtual account: double entry, exact decimals, in the quote currency."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Any

from market.errors import PlatformError
from trading.broker import DUST

CAPITAL, CASH, FEES, PROFIT = "capital", "cash", "fees", "profit"
EXACT = Context(prec=4_000, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Room for any sum of products of two floats, 1e-648 to 1e617: a fee may be as small as it likes. Refuses to round."""
_SHARES = Context(prec=700, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
_ZERO, _FINEST = Decimal(0), Decimal(1).scaleb(-18)


class LedgerError(PlatformError):
    """Raised when the accounts of a ledger do not add up to 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What an execution was booked as.

    Attributes:
        size: In the base currency, below 0 for what was sold: exact, so that what closes a position leaves nothing of it.
        price: In the quote currency.
        value: Price times size, not below 0.
        fee: What the venue took.
        profit: What the part of the position that it closed gained, before fees; None where it closed nothing.
        position: Held afterwards, in the base currency.
        cash: Afterwards.
        postings: Amounts by account; they add up to 0.
    """

    size: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    profit: Decimal | None
    position: Decimal
    cash: Decimal
    postings: dict[str, Decimal]


class Ledger:
    """Accounts that add up to 0: capital, cash, one position a symbol at what it cost on average, fees, and profit.

    Executions come as the broker's floats and are booked as the decimals that print the same. All sums and products are exact; only
    what a part of a position had cost is rounded, to 18 places, and the rest stays with the other part.

    Args:
        capital: What the account begins with.

    Attributes:
        accounts: Amounts by account; what there is more of is above 0, capital and profit stand below 0.
        sizes: Held of each symbol, in the base currency, below 0 for short.
    """

    def __init__(self, capital: Decimal) -> None:
        self.accounts: dict[str, Decimal] = {CAPITAL: capital.copy_negate(), CASH: capital, FEES: _ZERO, PROFIT: _ZERO}
        self.sizes: dict[str, Decimal] = {}
        self._held: dict[str, float] = {}

    @property
    def cash(self) -> Decimal:
        """What is there of the quote currency; what came for short positions is in it."""
        return self.accounts[CASH]

    @property
    def fees(self) -> Decimal:
        """Paid so far."""
        return self.accounts[FEES]

    @property
    def profit(self) -> Decimal:
        """Of all that was closed so far, before fees."""
        return self.accounts[PROFIT].copy_negate()

    def equity(self, marks: Mapping[str, float]) -> Decimal:
        """Return cash and the value of what is held, each symbol at its mark."""
        equity = self.cash
        for symbol, size in self.sizes.items():
            if size:
                equity = EXACT.add(equity, EXACT.multiply(size, exact(marks[symbol])))
        return equity

    def book(self, symbol: str, size: float, price: float, fee: float) -> Booked:
        """Book an execution.

        Args:
            symbol: `EXCHANGE:BASE-QUOTE`.
            size: In the base currency, below 0 for what was sold.
            price: In the quote currency.
            fee: In the quote currency.
        """
        held, before = self._held.get(symbol, 0.0), self.sizes.get(symbol, _ZERO)
        after = held + size
        after = 0.0 if abs(after) < DUST else after  # as the broker has it
        whole = after == 0.0
        amount, paid, charged = before.copy_negate() if whole else exact(size), exact(price), exact(fee)
        closed = _closed(before, amount)
        cost = self._cost(symbol, before, closed)
        value = EXACT.multiply(amount, paid)
        gained = EXACT.subtract(EXACT.multiply(closed.copy_negate(), paid), cost) if closed else _ZERO
        postings = {
            CASH: EXACT.subtract(value.copy_negate(), charged), f"position {symbol}": EXACT.add(value, gained), FEES: charged,
            PROFIT: gained.copy_negate(),
        }  # fmt: skip
        for account, posted in postings.items():
            self.accounts[account] = EXACT.add(self.accounts.get(account, _ZERO), posted)
        self.sizes[symbol], self._held[symbol] = EXACT.add(before, amount), after
        kept = {account: posted for account, posted in postings.items() if posted}
        return Booked(
            size=amount,
            price=paid,
            value=value.copy_abs(),
            fee=charged,
            profit=gained if closed else None,
            position=self.sizes[symbol],
            cash=self.cash,
            postings=kept,
        )

    def check(self) -> None:
        """Refuse a ledger that does not add up.

        Raises:
            LedgerError: If it does not; it says by how much.
        """
        left = _ZERO
        for amount in self.accounts.values():
            left = EXACT.add(left, amount)
        if left:
            raise LedgerError(f"the accounts of the ledger add up to {left}, and not to 0: {self.accounts}")

    def state(self) -> dict[str, Any]:
        """Return all that `restored` needs, as plain values."""
        return {
            "accounts": {name: str(amount) for name, amount in self.accounts.items()},
            "sizes": {symbol: str(size) for symbol, size in self.sizes.items()},
            "held": dict(self._held),
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Ledger":
        """Return the ledger that a state is of.

        Raises:
            LedgerError: If it does not add up.
        """
        ledger = cls(_ZERO)
        ledger.accounts = {name: Decimal(amount) for name, amount in state["accounts"].items()}
        ledger.sizes = {symbol: Decimal(size) for symbol, size in state["sizes"].items()}
        ledger._held = {symbol: float(size) for symbol, size in state["held"].items()}
        ledger.check()
        return ledger

    def _cost(self, symbol: str, before: Decimal, closed: Decimal) -> Decimal:
        """Return what the part of a position that is closed had cost; of what was sold short it is below 0."""
        cost = self.accounts.get(f"position {symbol}", _ZERO)
        if not closed or closed.copy_negate() == before:
            return cost if closed else _ZERO
        share = _SHARES.divide(_SHARES.multiply(cost, closed.copy_negate()), before)
        return share.quantize(_FINEST, context=_SHARES)


def exact(number: float) -> Decimal:
    """Return the decimal that prints as a float does."""
    return Decimal(repr(number))


def added(first: Decimal, second: Decimal) -> Decimal:
    """Return an exact sum; `+` rounds to 28 digits."""
    return EXACT.add(first, second)


def _closed(before: Decimal, size: Decimal) -> Decimal:
    """Return which part of an execution closes a position, with the sign of the execution."""
    if not before or before.is_signed() == size.is_signed():
        return _ZERO
    return size if size.copy_abs() <= before.copy_abs() else before.copy_negate()
