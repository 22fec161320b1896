"""The orders of a backtest: its candles and wishes through an account, once, in one go and without a store."""

from decimal import Decimal

from db.bot_rows import OrderRow
from research.explained import Beside
from trading.backtest.finer import Finer
from trading.backtest.market import Market
from trading.backtest.volatility import volatility_scales
from trading.bots.account import Account
from trading.bots.orders import Moment
from trading.position import Bar
from trading.rules import Sizing


def orders_of(test: Beside) -> tuple[list[OrderRow], Decimal]:
    """Return the orders that the wishes of a backtest come to, and the equity behind its last candle."""
    result, rules = test.result, test.result.test.rules
    coarse, finer = result.market, result.finer
    market = coarse if finer is None else finer.market
    closes = market.closes_us.tolist()
    account = Account(rules, test.listings, test.balance, at_us=int(coarse.closes_us[0]) - coarse.timeframe.width_us)
    scales = volatility_scales(test.seen, rules)[-len(coarse) :] if rules.sizing is Sizing.VOLATILITY else None
    decided = 0
    for row, at_us in enumerate(closes):
        moment, bars = Moment(at_us, False), _bars(market, row)
        account.trade(bars, [0] * len(bars), moment)
        for number, ends in enumerate(market.ends[row].tolist()):
            if ends:
                account.leave(number, moment)
                bars[number] = None
        if _decides(finer, row):
            own = None if scales is None else scales[decided].tolist()
            account.decide(bars, result.targets[decided].tolist(), own, moment, day=int(coarse.days[decided]))
            decided += 1
    return account.take_rows().orders, account.value(closes[-1]).equity


def _decides(finer: Finer | None, row: int) -> bool:
    return finer is None or bool(finer.decides[row])


def _bars(market: Market, row: int) -> list[Bar | None]:
    columns = (market.open, market.high, market.low, market.close, market.volume)
    known = market.there[row].tolist()
    return [Bar(*(float(column[row, number]) for column in columns)) if there else None for number, there in enumerate(known)]
