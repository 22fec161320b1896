"""What the worker writes to PostgreSQL and reads back when it starts again; called in threads."""

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation

import psycopg2
import sqlalchemy as sa

from db.bulk import RowsExist
from db.engine import is_transient, transaction
from db.repositories.gaps import Gap
from db.repositories.symbols import ListedSymbol
from db.store import Store
from exchanges.base import Instrument
from market.errors import StoreUnreachable
from market.symbol import Symbol
from market.timeframe import BASE, MINUTE_US, Timeframe
from market.trade import Trade
from streaming.pipeline import Batch, Hole, Resume

# Times may go back a little while ids go up; a trade below the watermark may be younger than the one that set it.
_SLACK_US = 5 * MINUTE_US


class Persistence:
    """The worker's side of the database.

    Args:
        engine: Connections.
        keep_trades: Whether raw trades are stored; without them only candles, holes and watermarks are.
        widest: The widest live timeframe; its minutes are read back at the start.
    """

    def __init__(self, engine: sa.Engine, *, keep_trades: bool = True, widest: Timeframe = Timeframe.D1) -> None:
        self._engine, self._keep_trades, self._widest = engine, keep_trades, widest

    def write(self, batch: Batch) -> None:
        """Store trades, candles, holes and watermarks in one transaction; the same batch may come again.

        Raises:
            StoreUnreachable: If waiting may help; nothing was stored.
        """
        try:
            try:
                self._write(batch, lambda store: store.raw_trades.append)
            except RowsExist:  # a batch whose commit was not answered, or a trade stored by someone else
                self._write(batch, lambda store: store.raw_trades.insert_trades)
        except (sa.exc.SQLAlchemyError, psycopg2.Error) as error:
            if is_transient(error):
                raise StoreUnreachable(str(error)) from error
            raise

    def resume(self, symbol: str) -> Resume | None:
        """Return where a symbol goes on, None when nothing of it is stored."""
        with transaction(self._engine) as store:
            mark = store.watermarks.get(symbol)
            if mark is None:
                return None
            candle = store.market_data.get_last_traded(symbol, BASE)
            since_us = candle.open_us - _SLACK_US if candle else BASE.open_of(mark.timestamp_us)
            trades = store.raw_trades.get_trades(symbol, since_us, mark.timestamp_us + _SLACK_US)
            flats = store.market_data.get_series(symbol, BASE, candle.timestamp_us + 1).candles() if candle else ()
            minutes = store.market_data.get_series(symbol, BASE, self._widest.open_of(mark.timestamp_us) + 1).candles()
            return Resume(mark.trade_id, mark.timestamp_us, candle, list(flats), trades, list(minutes))

    def keep_instruments(self, instruments: list[Instrument]) -> None:
        """Store the venue's lines about some symbols."""
        with transaction(self._engine) as store:
            store.symbols.upsert([_listed(instrument) for instrument in instruments])

    def _write(self, batch: Batch, how: Callable[[Store], Callable[[list[Trade]], int]]) -> None:
        with transaction(self._engine) as store:
            if batch.trades:
                if self._keep_trades:
                    how(store)(batch.trades)
                for trade in _highest(batch.trades):
                    store.watermarks.set(trade.symbol, trade.trade_id, trade.timestamp_us)
            if batch.candles:
                store.market_data.upsert_candles(batch.candles)
            for hole in batch.holes:
                store.gaps.open(_gap(hole))


def _gap(hole: Hole) -> Gap:
    return Gap(
        symbol=hole.symbol,
        first_id=hole.first_id,
        last_id=hole.last_id,
        start_us=hole.start_us,
        end_us=hole.end_us,
        cause=str(hole.cause),
    )


def _listed(instrument: Instrument) -> ListedSymbol:
    symbol = Symbol.parse(instrument.symbol)
    return ListedSymbol(
        symbol=instrument.symbol,
        exchange=symbol.exchange,
        base=symbol.base,
        quote=symbol.quote,
        tick_size=_step(instrument.tick_size),
        lot_size=_step(instrument.lot_size),
        status=instrument.status,
    )


def _step(text: str) -> Decimal | None:
    try:
        step = Decimal(text)
    except InvalidOperation:
        return None
    return step if step.is_finite() else None


def _highest(trades: list[Trade]) -> Iterable[Trade]:
    # A late trade may stand behind a higher one.
    found: dict[str, Trade] = {}
    for trade in trades:
        known = found.get(trade.symbol)
        if known is None or trade.trade_id > known.trade_id:
            found[trade.symbol] = trade
    return found.values()
