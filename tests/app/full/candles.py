"""Minutes of ten symbols: they wander, pause, and have holes as the ledger says."""

import numpy as np

from db import DatabaseOperations
from db.repositories.gaps import Gap
from db.series import NO_ID, ORIGINS, CandleSeries
from market.candle import Origin
from market.timeframe import BASE, DAY_US, MINUTE_US
from market.trade import Side, Trade

PRICES = {
    "BINANCE:BTC-USDT": 60_000.0,
    "BINANCE:ETH-USDT": 3_000.0,
    "BYBIT:BTC-USDT": 60_010.0,
    "COINBASE:BTC-USD": 60_020.0,
    "COINBASE:ETH-USD": 3_001.0,
    "KRAKEN:BTC-USD": 60_030.0,
    "OKX:BTC-USDT": 60_005.0,
    "OKX:ETH-USDT": 3_000.5,
    "OKX:SOL-USDT": 150.0,
    "SYNTHETIC:LTC-USDT": 80.0,
}
"""Where the price of each symbol begins, in its quote currency."""

UNPROVABLE = "BYBIT"
STATES = ("filled", "never_existed", "unrecoverable", "open", "alarm")
CAUSES = ("sequence", "disconnect", "stall", "crash", "overload", "reset", "conflict")
TICK = 0.01


def fill_candles(database: DatabaseOperations, start_us: int, end_us: int) -> None:
    """Store the minutes from a moment to another, with their holes; of a symbol that has some only those behind them."""
    for number, symbol in enumerate(PRICES):
        _, last_us = database.market_data.span(symbol, BASE)
        if last_us is None:
            holes = holes_of(number, symbol, start_us, end_us)
            series = with_holes(minutes(number, symbol, start_us, end_us), holes)
            for hole in holes:
                database.gaps.open(hole)
        else:
            candle = database.market_data.get_candle(symbol, BASE, last_us)
            series = minutes(number, symbol, last_us, end_us, price=candle.close, first_id=(candle.last_trade_id or 0) + 1)
        if len(series):
            database.market_data.upsert_series(series)


def minutes(
    number: int, symbol: str, start_us: int, end_us: int, *, price: float | None = None, first_id: int = 1
) -> CandleSeries:  # fmt: skip
    """Return the minutes of a symbol between two moments, without holes.

    Args:
        number: Of the symbol; another one is another walk.
        symbol: Its name.
        start_us: Open of the first.
        end_us: Close of the last.
        price: Close before the first; None for that of `PRICES`.
        first_id: Of the first trade.
    """
    rows = (end_us - start_us) // MINUTE_US
    dice = np.random.default_rng((number, start_us // MINUTE_US))
    quiet = dice.random(rows) < 0.01
    steps = np.where(quiet, 0.0, dice.normal(0.0, 4e-4, rows))
    close = _rounded((price or PRICES[symbol]) * np.exp(np.cumsum(steps)))
    opens = np.concatenate([[price or PRICES[symbol]], close[:-1]])
    close = np.where(quiet, opens, close)
    reach = np.where(quiet, 0.0, 1.0) * dice.exponential(2e-4, (2, rows))
    trades = np.where(quiet, 0, dice.integers(1, 120, rows))
    last = first_id + np.cumsum(trades) - 1
    volume = np.where(quiet, 0.0, np.round(dice.exponential(3.0, rows) + 1e-4, 6))
    columns = {
        "timestamp": start_us + np.arange(1, rows + 1) * MINUTE_US, "open": opens, "close": close,
        "high": _rounded(np.maximum(opens, close) * (1 + reach[0])), "low": _rounded(np.minimum(opens, close) * (1 - reach[1])),
        "volume": volume, "quote_volume": np.round(volume * close, 6), "trades": trades,
        "taker_buy_volume": np.round(volume * dice.random(rows), 6),
        "first_trade_id": np.where(quiet, NO_ID, last - trades + 1), "last_trade_id": np.where(quiet, NO_ID, last),
        "complete": np.full(rows, -1 if symbol.startswith(UNPROVABLE) else 1), "origin": _origins(rows), "revision": np.zeros(rows),
    }  # fmt: skip
    return CandleSeries.of(symbol, BASE, columns)


def holes_of(number: int, symbol: str, start_us: int, end_us: int) -> list[Gap]:
    """Return the holes of a symbol: eight, or one in nine days, of all states and causes, and an open one an hour ago."""
    count = max(8, (end_us - start_us) // (9 * DAY_US))
    apart = (end_us - start_us) // count // MINUTE_US * MINUTE_US
    provable = not symbol.startswith(UNPROVABLE)
    found = []
    for each in range(count):
        begins_us = end_us - 60 * MINUTE_US - each * apart - number * MINUTE_US
        state = "open" if each == 0 and number % 3 == 0 else STATES[(each + number) % len(STATES)]
        width, ids = 3 + (7 * each + number) % 30, 40 + each
        done = {"filled": ids, "unrecoverable": ids // 2, "open": 0}.get(state, 0)
        low = 1_000_000 * (number + 1) + 1_000 * each
        missing = ((low + done, low + ids - 1),) if done < ids and state != "alarm" else ()
        found.append(
            Gap(
                symbol=symbol, first_id=low if provable else None, last_id=low + ids - 1 if provable else None, start_us=begins_us,
                end_us=begins_us + width * MINUTE_US, cause=CAUSES[(each + number) % len(CAUSES)], state=state, recovered=done,
                missing=missing if provable else None,
                evidence={"asked": "REST", "pages": each + 1, "answers": f"{done} of {ids} ids"},
            )
        )  # fmt: skip
    return [each for each in found if each.start_us > start_us]


def with_holes(series: CandleSeries, holes: list[Gap]) -> CandleSeries:
    """Return a series as holes leave it: rows are gone or incomplete, and those of filled ones are healed."""
    stamps, kept = series.columns["timestamp"], np.ones(len(series), bool)
    for hole in holes:
        inside = (stamps > hole.start_us) & (stamps <= hole.end_us)
        if hole.state in {"open", "unrecoverable"}:
            kept &= ~inside
            edges = (stamps == hole.start_us) | (stamps == hole.end_us + MINUTE_US)
            series.columns["complete"][edges] = 0
        elif hole.state == "filled":
            series.columns["origin"][inside], series.columns["revision"][inside] = ORIGINS.index(Origin.HEALED), 1
    return series.take(kept)


def fill_trades(database: DatabaseOperations, end_us: int) -> None:
    """Store the last trades of each symbol: 300 within three minutes."""
    dice = np.random.default_rng(end_us // MINUTE_US)
    for symbol in PRICES:
        candle = database.market_data.get_latest_candle(symbol, BASE)
        walk = _rounded(candle.close * np.exp(np.cumsum(dice.normal(0.0, 5e-5, 300))))
        first = (candle.last_trade_id or 10_000_000) - 299
        trades = [
            Trade(
                symbol, first + each, float(walk[each]), round(float(dice.exponential(0.05)) + 1e-4, 6),
                Side.BUY if dice.random() < 0.5 else Side.SELL, end_us - (300 - each) * 600_000,
                end_us - (300 - each) * 600_000 + int(dice.exponential(40_000)),
            )
            for each in range(300)
        ]  # fmt: skip
        database.raw_trades.insert_trades(trades)
        database.watermarks.set(symbol, trades[-1].trade_id, trades[-1].timestamp_us, since_us=end_us - DAY_US)


def _origins(rows: int) -> np.ndarray:
    """Return where candles come from: the older third was fetched from the venue."""
    place = np.full(rows, ORIGINS.index(Origin.LIVE))
    place[: rows // 3] = ORIGINS.index(Origin.EXCHANGE)
    return place


def _rounded(prices: np.ndarray) -> np.ndarray:
    return np.round(np.maximum(prices, TICK), 2)
