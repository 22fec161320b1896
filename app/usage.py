"""What is stored as tables, and how much room it takes in a day; pure."""

from dataclasses import dataclass

import pandas as pd

from app.charts.zone import UTC, Zone
from app.words import NOTHING, size
from db.usage import Table, Usage

_ROLLUPS = "candles_"
_LEAST_ROWS = 1_000  # of fewer, the size says nothing of a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What comes in a day at the rate of the last seven, in bytes; 0 where nothing came."""

    candles: float
    trades: float

    @property
    def whole(self) -> float:
        """Both."""
        return self.candles + self.trades


def growth(found: Usage) -> Growth:
    """Return how much room is taken up in a day: rows that came, by the size of those that are there."""
    tables = {each.name: each for each in found.tables}
    minutes, trades = (sum(getattr(each, name) for each in found.symbols) for name in ("minutes_a_day", "rows_a_day"))
    candles, raw = tables.get("market_data"), tables.get("raw_trades")
    kept = sum(each.bytes for each in found.tables if each.name.startswith(_ROLLUPS) or each is candles)
    return Growth(
        candles=minutes * kept / candles.rows if candles and candles.rows else 0.0,
        trades=trades * raw.bytes / raw.rows if raw and raw.rows else 0.0,
    )


def usage_table(tables: tuple[Table, ...]) -> pd.DataFrame:
    """Return one row for each table, the largest first."""
    return pd.DataFrame(
        [
            {
                "table": each.name,
                "size": size(each.bytes),
                "rows (about)": f"{each.rows:,}",
                "bytes a row": f"{each.bytes / each.rows:,.0f}" if each.rows >= _LEAST_ROWS else NOTHING,
                "chunks": NOTHING if each.parts is None else f"{each.compressed_parts:,} of {each.parts:,} compressed",
                "compression": NOTHING if each.ratio is None else f"{each.ratio:.1f} times smaller",
            }
            for each in tables
        ]
    )


def symbol_table(found: Usage, *, zone: Zone = UTC) -> pd.DataFrame:
    """Return one row for each symbol: from when to when it is stored, and what comes in a day."""

    def told(at_us: int | None) -> str:
        return NOTHING if at_us is None else zone.told(at_us, "%Y-%m-%d %H:%M")

    return pd.DataFrame(
        [
            {
                "symbol": each.symbol,
                f"oldest minute ({zone.name})": told(each.first_us),
                f"newest minute ({zone.name})": told(each.last_us),
                f"oldest trade ({zone.name})": told(each.first_trade_us),
                f"newest trade ({zone.name})": told(each.last_trade_us),
                "minutes a day": f"{each.minutes_a_day:,.0f}",
                "trades a day": f"{each.trades_a_day:,.0f}",
            }
            for each in found.symbols
        ]
    )
