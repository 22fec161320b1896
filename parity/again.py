"""A backtest told as a bot tells what it does: signals of a strategy asked bar by bar, and an account that trades in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isnan
from typing import NamedTuple

from db.bot_rows import OrderRow, PostingRow, SignalRow, TradeRow
from research.explained import Beside
from trading.backtest.backtest import strategy_for
from trading.backtest.events import run_events
from trading.backtest.finer import Finer
from trading.backtest.market import Floats, Market
from trading.backtest.volatility import volatility_scales
from trading.bots.account import Account
from trading.bots.orders import Moment
from trading.position import Bar
from trading.rules import Sizing
from trading.signal import Signal


class Said(NamedTuple):
    """What of a signal does not depend on when it was acted on."""

    symbol: str
    timestamp_us: int
    action: str
    confidence: float | None
    target: float | None
    price: float | None
    indicators: dict[str, float | None]
    reason: str
    acted: bool


@dataclass(frozen=True, kw_only=True)
class Again:
    """What a bot would have written that was there from the begin to the end, and never waited.

    Attributes:
        signals: Oldest first, and in the order of symbols; so are the others.
        orders: As they are at the end.
        trades: Executions.
        postings: Of the ledger.
        equity: Behind the last candle, in the quote currency, by the ledger.
        whole: Whether the compiled backtest, the one that asks bar by bar and the account are worth the same, to the last bit.
    """

    signals: Sequence[Said]
    orders: Sequence[OrderRow]
    trades: Sequence[TradeRow]
    postings: Sequence[PostingRow]
    equity: Decimal
    whole: bool


def again(test: Beside) -> Again:
    """Return what a bot would have written that did what a backtest does."""
    result, rules = test.result, test.result.test.rules
    market, closes = result.market, result.market.closes_us.tolist()
    scales = volatility_scales(test.seen, rules)[-len(market) :] if rules.sizing is Sizing.VOLATILITY else None
    listings = [test.listings[symbol] for symbol in market.symbols]
    own = [strategy_for(result.test.strategy, symbol) for symbol in market.symbols]
    events = run_events(
        market, own, rules, listings=listings, balance=float(test.balance), scales=scales, finer=result.finer, seen=test.seen
    )  # fmt: skip
    account = Account(rules, test.listings, test.balance, at_us=closes[0] - market.timeframe.width_us)
    acted = _trade(account, test, scales)
    rows, broker = account.take_rows(), account.broker
    return Again(
        signals=[_said(signal, acted=acted[signal.symbol, signal.timestamp_us]) for signal in events.signals],
        orders=rows.orders, trades=rows.trades, postings=rows.postings, equity=account.value(closes[-1]).equity,
        whole=broker.equity == result.outcome.sums.equity == events.outcome.sums.equity,
    )  # fmt: skip


def said_of(row: SignalRow) -> Said:
    """Return what a bot said."""
    return Said(*(getattr(row, name) for name in Said._fields))


def _trade(account: Account, test: Beside, scales: Floats | None) -> dict[tuple[str, int], bool]:
    """Trade all candles, and return behind which of them something came of what was wanted."""
    result, acted, decided = test.result, dict[tuple[str, int], bool](), 0
    market = result.market if result.finer is None else result.finer.market
    for row, at_us in enumerate(market.closes_us.tolist()):
        moment, bars = Moment(at_us, False), _bars(market, row)
        account.trade(bars, [0] * len(bars), moment)
        for number, ends in enumerate(market.ends[row].tolist()):
            if ends:
                account.leave(number, moment)
                bars[number] = None
        if _decides(result.finer, row):
            own = None if scales is None else scales[decided].tolist()
            wanted, day = result.targets[decided].tolist(), int(result.market.days[decided])
            told = account.decide(bars, wanted, own, moment, day=day)
            acted |= {(symbol, at_us): each for symbol, each in zip(market.symbols, told, strict=True)}
            decided += 1
    return acted


def _decides(finer: Finer | None, row: int) -> bool:
    return finer is None or bool(finer.decides[row])


def _bars(market: Market, row: int) -> list[Bar | None]:
    columns = (market.open, market.high, market.low, market.close, market.volume)
    known = market.there[row].tolist()
    return [Bar(*(float(column[row, number]) for column in columns)) if there else None for number, there in enumerate(known)]


def _said(signal: Signal, *, acted: bool) -> Said:
    indicators = {name: _known(value) for name, value in signal.indicators.items()}
    return Said(
        signal.symbol, signal.timestamp_us, str(signal.action), signal.confidence, _known(signal.target), signal.price, indicators,
        signal.reason, acted,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)
