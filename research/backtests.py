"""Backtests of stored candles: loaded, run, and kept as documents that come back as they were."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from market.clock import isoformat, parse_time
from research.candles import candles_of
from trading.backtest.backtest import Backtest, Result
from trading.backtest.document import TRADE
from trading.frames import timestamps_us
from trading.listings import listings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from db.backtest_runs import StoredBacktest
    from db.operations import DatabaseOperations
    from db.store import Store

_SETTINGS = ("balance", "rules", "listings", "allow_holes", "inside", "engine", "resamples", "strategy_code", "warm_up")
_COLUMNS = (
    "id", "kind", "strategy", "parameters", "symbols", "timeframe", "fingerprint", "code_version", "seed", "coverage", "metrics",
    "final_value", "total_return", "start", "end", "trades",
)  # fmt: skip
_MOMENTS = {"entered": "entered_at", "left": "left_at"}


def prepared(db: "DatabaseOperations", test: Backtest, symbols: "Sequence[str]") -> "tuple[Backtest, dict[str, pd.DataFrame]]":
    """Return a backtest with the venues' steps of prices and sizes where it names none, and its candles by symbol.

    Raises:
        NothingStored: If there is no candle of a symbol.
    """
    frames = candles_of(db, symbols, test.timeframe, start_us=test.start_us, end_us=test.end_us, warm_up=test.warm_up)
    listings = {**listings_of(db, list(frames)), **test.listings}
    return replace(test, listings=listings, end_us=_common_end(test, frames)), frames


def _common_end(test: Backtest, frames: "dict[str, pd.DataFrame]") -> int | None:
    """Return where the window ends: of symbols that are followed live one may have its newest candle a moment before the others."""
    lasts = [int(timestamps_us(frame)[-1]) for frame in frames.values()]
    apart = max(lasts) - min(lasts)
    return min(lasts) if test.end_us is None and 0 < apart <= test.timeframe.width_us else test.end_us


def run_backtest(db: "DatabaseOperations", test: Backtest, symbols: "Sequence[str]") -> Result:
    """Return what comes of a backtest on stored candles, and inside finer ones where it asks for them.

    Raises:
        NothingStored: If there is no candle of a symbol.
        HolesError: If the window has holes that were not allowed.
    """
    ready, frames = prepared(db, test, symbols)
    if ready.inside is None:
        return ready.run(frames)
    finer = candles_of(db, list(frames), ready.inside, start_us=ready.start_us, end_us=ready.end_us)
    return ready.run(frames, finer=finer)


def keep(db: "DatabaseOperations", told: dict[str, Any], *, flow_run: str | None = None) -> None:
    """Keep the document of a backtest; the one of the same id is replaced. `flow_run` is the run of Prefect that made it."""
    with db.transaction() as store:
        store.backtests.begin(stored_of(told, flow_run=flow_run))
        finish(store, told)


def finish(store: "Store", told: dict[str, Any]) -> None:
    """Keep what came of a run that has begun."""
    store.backtests.finish(
        told["id"], metrics=told["metrics"], report={name: told[name] for name in told if _is_reported(name)},
        final_value=told["final_value"], total_return=told["total_return"],
        trades=_trade_columns(told["trades"]) if told["trades"] else None,
    )  # fmt: skip


def stored_of(told: dict[str, Any], *, total: int = 1, parent: str | None = None, flow_run: str | None = None) -> "StoredBacktest":
    """Return what decides a run, as the row that is kept of it."""
    from db.backtest_runs import StoredBacktest  # noqa: PLC0415 - it needs SQLAlchemy

    return StoredBacktest(
        id=told["id"], kind=told["kind"], strategy=told["strategy"], parameters=told["parameters"],
        symbols=tuple(told["symbols"]), timeframe=told["timeframe"], start_us=parse_time(told["start"]),
        end_us=parse_time(told["end"]), fingerprint=told["fingerprint"],
        settings={name: told[name] for name in _SETTINGS if name in told},
        code_version=told["code_version"], seed=told["seed"], coverage=told["coverage"], total=total, parent=parent,
        flow_run=flow_run,
    )  # fmt: skip


def document_of(db: "DatabaseOperations", kept: "StoredBacktest") -> dict[str, Any]:
    """Return the document of a backtest that is kept, as it was when it was run."""
    frame, _ = db.backtests.trades(kept.id)
    report = kept.report or {}
    return {
        "id": kept.id, "kind": kept.kind, "strategy": kept.strategy, "parameters": kept.parameters, "symbols": list(kept.symbols),
        "timeframe": kept.timeframe, **kept.settings, "seed": kept.seed, "code_version": kept.code_version,
        "fingerprint": kept.fingerprint, "start": isoformat(kept.start_us), "end": isoformat(kept.end_us),
        "coverage": kept.coverage, "final_value": kept.final_value, "total_return": kept.total_return, "metrics": kept.metrics,
        **report, "trades": _trade_rows(frame),
    }  # fmt: skip


def encoded(told: dict[str, Any]) -> bytes:
    """Return a document as JSON: the same bytes for the same document, whether it was just made or kept before."""
    import msgspec  # noqa: PLC0415 - it is only needed where something is printed

    return msgspec.json.encode(told, order="sorted")


def _trade_columns(trades: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = list(trades[0]) if trades else []
    columns = {name: [trade[name] for trade in trades] for name in names}
    return {
        _MOMENTS.get(name, name): list(map(parse_time, values)) if name in _MOMENTS else values for name, values in columns.items()
    }


def _trade_rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    columns = {name: frame[_MOMENTS.get(name, name)] for name in TRADE}
    lists = [
        [isoformat(moment) for moment in values.to_numpy("datetime64[us]").astype("int64").tolist()] if name in _MOMENTS
        else values.tolist()
        for name, values in columns.items()
    ]  # fmt: skip
    return [dict(zip(TRADE, row, strict=True)) for row in zip(*lists, strict=True)]


def _is_reported(name: str) -> bool:
    return name not in _COLUMNS and name not in _SETTINGS
