"""Accounts of 1,000 that trade a few bars, for cases worked out by hand."""

from collections.abc import Sequence

from trading.broker import Broker
from trading.fills import Reason
from trading.position import Bar
from trading.rules import Listing, Rules

FREE = {"maker_fee": 0.0, "taker_fee": 0.0}
ENTRY, CHANGED, STOP, PROFIT, TRAIL, TIME, PROTECTION = list(Reason)[:7]


def flat(price: float, volume: float = 1_000.0) -> Bar:
    return Bar(price, price, price, price, volume)


def run(
    bars: Sequence[Bar], targets: Sequence[float], listing: Listing | None = None, *, days: Sequence[int] | None = None, **rules
) -> Broker:
    """Return a broker that began with 1,000 and traded one symbol bar by bar."""
    broker = Broker(Rules(**{**FREE, **rules}), [listing or Listing()], 1_000.0)
    for number, (bar, target) in enumerate(zip(bars, targets, strict=True)):
        broker.trade([bar])
        broker.close([bar])
        broker.decide([bar], [target], day=days[number] if days else 0)
    return broker


def run_two(bars: Sequence[Sequence[Bar]], targets: Sequence[Sequence[float]], **rules) -> Broker:
    """Return a broker that began with 1,000 and traded two symbols bar by bar."""
    broker = Broker(Rules(**{**FREE, **rules}), [Listing(), Listing()], 1_000.0)
    for row, wanted in zip(bars, targets, strict=True):
        broker.trade(row)
        broker.close(row)
        broker.decide(row, wanted)
    return broker


def told(broker: Broker) -> list[tuple[int, Reason, float, float]]:
    return [(fill.bar, fill.reason, fill.price, fill.size) for fill in broker.fills]
