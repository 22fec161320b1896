"""Walk-forwards: the windows are searched by some workers, those that are kept left as they are, and their parts joined."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from market.clock import isoformat
from research.sweeps import Keep, Kept, or_none
from trading.backtest.backtest import Backtest
from trading.backtest.document import curve_of, histogram_of, monthly_of, trades_of
from trading.backtest.sweep import COLUMNS, Ground, Plan, Rows
from trading.backtest.sweep.chunks import pack, unpack
from trading.backtest.walk_forward import Split, Step, Walk, choose, joined

if TYPE_CHECKING:
    from research.jobs import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """A walk-forward that can be done in pieces, its windows.

    Attributes:
        id: Of the run; bytes of another one are not taken for its own.
        test: What is tried.
        ground: All candles.
        plan: Which sets are tried in each window.
        splits: The windows.
    """

    id: str
    test: Backtest
    ground: Ground
    plan: Plan
    splits: tuple[Split, ...]

    def do(self, piece: Split, stopped: Callable[[], bool]) -> bytes:
        """Return what was chosen in a window.

        Raises:
            Interrupted: If `stopped` said so.
        """
        return pack(choose(self.ground, self.plan, piece, stopped=stopped), self.id.encode())

    def read(self, piece: Split, payload: bytes) -> Rows | None:
        """Return what was chosen; None if the bytes are not what `do` gives."""
        rows = unpack(payload, self.id.encode(), piece.number)
        if rows is None or rows.values.shape[1:] != (len(COLUMNS),) or len(rows.numbers) > 1:
            return None
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far a walk-forward is: windows that are done, those of an earlier run among them, of how many."""

    done: int
    total: int


def run_walk(
    walk: WalkForward,
    pool: "Pool",
    *,
    kept: Kept = lambda _: None,
    keep: Keep = lambda *_: None,
    told: Callable[[Walked], None] = lambda _: None,
) -> Walk:
    """Return a walk-forward: the same, to the last bit, with any workers, and stopped and gone on with as often as you like.

    Args:
        walk: What is tried.
        pool: Workers that have it, started.
        kept: Gives the bytes of a window that was done before; None for one that was not.
        keep: Takes the number of a window that was done, how many it is (1), and its bytes.
        told: Takes how far it is, after each window.
    """
    choices: dict[int, Rows] = {}
    by_number = {split.number: split for split in walk.splits}
    for split in walk.splits:
        payload = kept(split.number)
        rows = None if payload is None else walk.read(split, payload)
        if rows is not None:
            choices[split.number] = rows
    told(Walked(done=len(choices), total=len(walk.splits)))
    for number, payload in pool.run([split for split in walk.splits if split.number not in choices]):
        rows = walk.read(by_number[number], payload)
        assert rows is not None, "a worker gave what no window is"
        keep(number, 1, payload)
        choices[number] = rows
        told(Walked(done=len(choices), total=len(walk.splits)))
    return joined(walk.test, walk.ground, walk.plan, walk.splits, choices)


def walk_document(walk: Walk, head: dict[str, Any]) -> dict[str, Any]:
    """Return what came of a walk-forward as values that JSON can say; what is not defined is None.

    Args:
        walk: What came of it.
        head: What decided it, as `trading.backtest.document.asked` says it, with its window and coverage.
    """
    results = [step.result for step in walk.steps if step.result is not None]
    trades = [trade for result in results for trade in trades_of(result)]
    sums = [result.outcome.sums for result in results]
    return {
        **head,
        "final_value": walk.final_value,
        "total_return": walk.total_return,
        "metrics": {name: or_none(value) for name, value in walk.metrics.items()},
        "efficiency": or_none(walk.efficiency),
        "windows": [_window(step) for step in walk.steps],
        "counts": {
            "both": sum(each.both for each in sums), "refused": sum(each.refused for each in sums),
            "fills": sum(each.fills for each in sums), "trades": len(trades),
            "touching_holes": sum(trade["touches_hole"] for trade in trades),
        },
        "signals": sum(len(result.signals) for result in results),
        "trades": [{**trade, "number": number} for number, trade in enumerate(trades, start=1)],
        "open": [],
        "monthly": monthly_of(walk.facts),
        "curve": curve_of(walk.market.closes_us[walk.rows], walk.equity, walk.test.balance, walk.benchmark, walk.exposure),
        "returns": histogram_of(walk.facts),
    }  # fmt: skip


def _window(step: Step) -> dict[str, Any]:
    moments = {"train": step.split.train_us, "test": step.split.test_us}
    return {
        "number": step.split.number + 1,
        **{
            f"{part}_{name}": isoformat(at)
            for part, span in moments.items()
            for name, at in zip(("start", "end"), span, strict=True)
        },
        "parameters": step.parameters or {},
        "balance": step.balance,
        "failed": step.failed,
        "error": step.error,
        "in_sample": {name: or_none(value) for name, value in step.in_sample.items()},
        "out_of_sample": {name: or_none(value) for name, value in step.out_of_sample.items()},
    }
