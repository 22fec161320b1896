"""Fills of bots as marks on a candle chart, and as a table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.bots.tables import amount
from app.charts.parts import minute
from app.charts.zone import UTC, Zone
from db.bot_rows import TradeRow
from market.symbol import Symbol

Fill = tuple[str, TradeRow]
"""The id of a bot, and what it did."""

_HALF_MINUTE = pd.Timedelta(30, unit="s")
_COLUMNS = ("begin", "price", "side", "bot", "told", "at", "why", "result", "late")


def fill_rows(fills: Sequence[Fill], *, zone: Zone = UTC) -> pd.DataFrame:
    """Return one row a fill: begin (the middle of its minute, as the zone shows it), price, side and words.

    The words are bot, told (side, size, symbol and price), at (close of its minute), why, result (P&L) and late (caught up).
    """
    moments = [fill.timestamp_us for _, fill in fills]
    shown = zone.moved(pd.Series(pd.DatetimeIndex(np.array(moments, "datetime64[us]"), tz="UTC")))
    rows = [_words(bot, fill) for bot, fill in fills]
    words = pd.DataFrame(rows, columns=["side", "bot", "told", "why", "result", "late"], dtype="str")
    return words.assign(
        begin=shown - _HALF_MINUTE, price=[float(fill.price) for _, fill in fills], at=minute(shown) + f" {zone.name}"
    )[list(_COLUMNS)]  # fmt: skip


def fill_table(fills: Sequence[Fill], *, zone: Zone = UTC) -> pd.DataFrame:
    """Return one row a fill for people, newest first."""
    return pd.DataFrame(
        [
            {
                f"minute ({zone.name})": zone.told(fill.timestamp_us, "%Y-%m-%d %H:%M"),
                "bot": bot,
                "trade": fill.number,
                "order": fill.order,
                "side": fill.side,
                "price": f"{fill.price.normalize():f}",
                "size": f"{fill.size.normalize():f}",
                "P&L": amount(fill.profit, sign=True),
                "fee": f"{fill.fee.normalize():f}",
                "reason": fill.reason,
                "caught up": "yes" if fill.caught_up else "no",
            }
            for bot, fill in reversed(fills)
        ]
    )


def _words(bot: str, fill: TradeRow) -> tuple[str, ...]:
    symbol = Symbol.parse(fill.symbol)
    told = f"{fill.side} {fill.size.normalize():f} {symbol.base} at {fill.price.normalize():f} {symbol.quote} (trade {fill.number})"
    result = "opened, nothing yet" if fill.profit is None else f"{amount(fill.profit, sign=True)} {symbol.quote} before fees"
    late = "yes: newer candles were there when it was filled" if fill.caught_up else "no: filled as its minute closed"
    return fill.side, bot, told, fill.reason, result, late
