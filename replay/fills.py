"""Fills and aggregates of fills: each made from the other, and the venues' decimal texts."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import fsum

import msgspec

from market.trade import Trade

_DECIMALS = 8


def merged(fills: Iterable[Trade]) -> Iterator[Trade]:
    """Yield fills merged where they follow each other with consecutive ids and the same millisecond, side and price."""
    group: list[Trade] = []
    for fill in fills:
        if group and not _continues(group[-1], fill):
            yield _merge(group)
            group = []
        group.append(fill)
    if group:
        yield _merge(group)


def expanded(aggregate: Trade) -> list[Trade]:
    """Return the fills that an aggregate stands for, oldest first.

    How its size was divided is not on the wire; it is divided evenly in steps of its last digit, the rest goes to the last fill.
    """
    count = aggregate.id_span
    if count == 1:
        return [aggregate]
    size = decimal_of(aggregate.size)
    step = min(Decimal(finest_step([aggregate.size])), size / count)
    each = size / count // step * step
    sizes = [each] * (count - 1) + [size - each * (count - 1)]
    return [
        msgspec.structs.replace(aggregate, trade_id=aggregate.first_id + number, size=float(part), count=1, id_span=1)
        for number, part in enumerate(sizes)
    ]


def decimal_of(number: float) -> Decimal:
    """Return the decimal number that a venue printed and that was read as a float."""
    return Decimal(repr(number))


def plain_text(number: float) -> str:
    """Return a number as OKX prints it: no exponent, no zeros at its end."""
    text = repr(number)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def padded_text(number: float) -> str:
    """Return a number as Binance prints it: eight digits after the point."""
    return f"{number:.8f}"


def finest_step(numbers: Iterable[float]) -> str:
    """Return the smallest decimal step that all the numbers stand on, as text: `0.01`, or `1` for whole numbers."""
    finest = min((int(decimal_of(number).normalize().as_tuple().exponent) for number in set(numbers)), default=0)
    return format(Decimal(1).scaleb(min(0, finest)), "f")


def _continues(last: Trade, fill: Trade) -> bool:
    return (
        fill.timestamp_us == last.timestamp_us
        and fill.price == last.price
        and fill.side is last.side
        and fill.first_id == last.trade_id + 1
        and fill.symbol == last.symbol
    )


def _merge(group: list[Trade]) -> Trade:
    if len(group) == 1:
        return group[0]
    count = sum(fill.count for fill in group)
    size = round(fsum(fill.size for fill in group), _DECIMALS)
    return msgspec.structs.replace(group[-1], size=size, count=count, id_span=group[-1].trade_id - group[0].first_id + 1)
