"""Walk-forward: the best set of each window is tried on what comes after it, and these parts are joined to one run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan

import numpy as np

from market.clock import isoformat
from market.errors import InputError
from trading.backtest.backtest import Backtest, Result
from trading.backtest.market import Flags, Floats, Market
from trading.backtest.metrics import Facts, RoundTrips, Run, facts_of, measure_facts
from trading.backtest.round_trips import last_known
from trading.backtest.simulate import Outcome
from trading.backtest.sweep import COLUMNS, Ground, Plan, Rows, search_here
from trading.backtest.sweep.evaluation import figures_of_run
from trading.fills import Reason
from trading.parameters import Value

_BAR, _WHY = 0, 2  # columns of `Outcome.table`


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A window in which a set is chosen, and the one behind it on which it is tried; times are UTC epoch microseconds.

    Attributes:
        number: From 0.
        train: Rows of the market, [first, last).
        test: See `train`.
        train_us: Begin and end.
        test_us: See `train_us`; the last one may be cut short by the end of the candles.
    """

    number: int
    train: tuple[int, int]
    test: tuple[int, int]
    train_us: tuple[int, int]
    test_us: tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """What came of one window.

    Attributes:
        split: Which.
        parameters: The set that was best in sample; None where none had a figure, and nothing is held then.
        in_sample: Its figures there, by name.
        result: Of what comes behind; None without a set, or without candles.
        balance: What that began with.
        failed: How many sets raised in sample.
        error: What the first of them said; None where none did.
    """

    split: Split
    parameters: dict[str, Value] | None
    in_sample: dict[str, float]
    result: Result | None
    balance: float
    failed: int = 0
    error: str | None = None

    @cached_property
    def out_of_sample(self) -> dict[str, float]:
        """Figures of what comes behind, by name; empty where there is nothing."""
        if self.result is None:
            return {}
        return figures_of_run(self.result.outcome.sums, self.balance, self.result.market)


@dataclass(frozen=True, kw_only=True, eq=False)
class Walk:
    """A walk-forward: its steps, and the run that their out-of-sample parts make one behind the other.

    Attributes:
        test: What was tried; the parameters of its strategy did not count.
        steps: Oldest first.
        market: All candles.
    """

    test: Backtest
    steps: tuple[Step, ...]
    market: Market

    @property
    def final_value(self) -> float:
        """Value of the account at the end of the last part."""
        return float(self.equity[-1]) if len(self.equity) else self.test.balance

    @property
    def total_return(self) -> float:
        """Final value / balance - 1."""
        return self.final_value / self.test.balance - 1.0

    @cached_property
    def rows(self) -> np.ndarray:
        """Which bars of the market are out of sample, shape (bars,)."""
        return np.concatenate([np.arange(*step.split.test) for step in self.steps])

    @cached_property
    def equity(self) -> Floats:
        """Value of the account at each of them; each part begins with what the one before ended with."""
        return np.concatenate([
            np.full(step.split.test[1] - step.split.test[0], step.balance) if step.result is None else step.result.outcome.equity
            for step in self.steps
        ])  # fmt: skip

    @cached_property
    def exposure(self) -> Floats:
        """Value of all that is held at each of them, a fraction of equity."""
        return np.concatenate([
            np.zeros(step.split.test[1] - step.split.test[0]) if step.result is None else step.result.exposure
            for step in self.steps
        ])  # fmt: skip

    @cached_property
    def benchmark(self) -> Floats:
        """What the balance would have become, bought in equal parts at the first close out of sample and held."""
        closes = [last_known(self.market.close[:, number])[self.rows] for number in range(len(self.market.symbols))]
        return np.asarray(self.test.balance * np.mean([close / close[0] for close in closes], axis=0), np.float64)

    @cached_property
    def facts(self) -> Facts:
        """What the metrics of the joined run are computed from."""
        results = [step.result for step in self.steps if step.result is not None]
        run = Run(
            balance=self.test.balance, equity=self.equity, bar_seconds=self.test.timeframe.width_us / 1e6, close=self.benchmark,
            timestamps_us=self.market.closes_us[self.rows], exposure=self.exposure,
            trips=_joined([result.trips.closed for result in results]),
            fees=sum(result.outcome.sums.fees for result in results),
            traded=sum(result.outcome.sums.turnover for result in results),
        )  # fmt: skip
        return facts_of(run)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """All metrics of the joined run by name; NaN is what is not defined."""
        return measure_facts(self.facts)

    @property
    def efficiency(self) -> float:
        """Walk-forward efficiency: return a bar out of sample / return a bar in sample; NaN where nothing was won in sample.

        Of both the returns of all windows are added up and divided by all their bars. Source: Pardo 2008, The Evaluation and
        Optimization of Trading Strategies, 2nd edition, where both are annualised, which changes nothing.
        """
        chosen = [step for step in self.steps if step.parameters is not None]
        inside = sum(step.in_sample["total_return"] for step in chosen)
        outside = sum(step.out_of_sample.get("total_return", 0.0) for step in chosen)
        bars = [
            sum(last - first for first, last in spans)
            for spans in zip(*((s.split.train, s.split.test) for s in chosen), strict=True)
        ]
        return nan if not inside > 0.0 or not bars[1] else (outside / bars[1]) / (inside / bars[0])


def splits_of(
    market: Market, *, train_us: int, test_us: int, step_us: int | None = None, anchored: bool = False
) -> tuple[Split, ...]:
    """Return the windows of a walk, oldest first.

    Args:
        market: The candles.
        train_us: Length of what sets are chosen in, of the first window where they are anchored.
        test_us: Length of what they are tried on.
        step_us: From one window to the next; None for the length of a test, so that tests touch each other.
        anchored: Whether all windows begin with the first candle and grow, else they move on.

    Raises:
        InputError: If a length is less than a candle, tests would overlap, or there is no room for one.
    """
    width, step = market.timeframe.width_us, test_us if step_us is None else step_us
    for name, length in (("train", train_us), ("test", test_us), ("step", step)):
        if length < width or length % width:
            raise InputError(f"--{name} has to be a whole number of candles of {market.timeframe}, one or more")
    if step < test_us:
        raise InputError("--step is shorter than --test, so that tests would overlap and could not be joined; make it as long")
    begin, end = int(market.closes_us[0]) - width, int(market.closes_us[-1])
    found: list[Split] = []
    while begin + train_us + len(found) * step < end:
        middle = begin + train_us + len(found) * step
        train, test = (begin if anchored else middle - train_us, middle), (middle, min(middle + test_us, end))
        found.append(Split(number=len(found), train=_rows(market, train), test=_rows(market, test), train_us=train, test_us=test))
    if not found:
        raise InputError(
            f"candles from {isoformat(begin)} to {isoformat(end)} leave nothing behind a --train of {train_us / 86_400e6:g} days; "
            "shorten it, or choose a longer window"
        )
    return tuple(found)


def choose(ground: Ground, plan: Plan, split: Split, *, stopped: Callable[[], bool] = lambda: False) -> Rows:
    """Return the best set of a window as its only row, none if no set has a figure: a function of that window's candles alone.

    Raises:
        Interrupted: If `stopped` said so.
    """
    if split.train[0] == split.train[1]:
        return Rows(chunk=split.number, sets=0, failed=0, sharpes=0, mean=0.0, spread=0.0, numbers=np.empty(0, np.int64),
                    values=np.empty((0, len(COLUMNS))), errors={})  # fmt: skip
    found = search_here(ground.part(*split.train), plan, stopped=stopped)
    best = 1 if len(found.values) and not np.isnan(plan.figure(found.values[:1])[0]) else 0
    return Rows(
        chunk=split.number, sets=found.sets, failed=found.failed, sharpes=found.trials.count if found.trials else 0, mean=0.0,
        spread=0.0, numbers=found.numbers[:best], values=found.values[:best], errors=found.errors,
    )  # fmt: skip


def joined(test: Backtest, ground: Ground, plan: Plan, splits: Sequence[Split], choices: Mapping[int, Rows]) -> Walk:
    """Return the walk that some choices make.

    Args:
        test: What is tried.
        ground: All candles.
        plan: Of which the choices were made.
        splits: The windows.
        choices: By the number of the window.
    """
    steps, balance = [], test.balance
    for split in splits:
        rows = choices[split.number]
        chosen = plan.space.set(int(rows.numbers[0])) if len(rows.numbers) else None
        result = None if chosen is None or split.test[0] == split.test[1] or balance <= 0.0 else try_behind(
            replace(test, balance=balance), ground, split, chosen
        )  # fmt: skip
        figures = dict(zip(COLUMNS, rows.values[0].tolist(), strict=True)) if chosen is not None else {}
        error = next(iter(rows.errors.values()), None)
        steps.append(Step(
            split=split, parameters=chosen, in_sample=figures, result=result, balance=balance, failed=rows.failed, error=error
        ))  # fmt: skip
        balance = balance if result is None else result.final_value
    return Walk(test=test, steps=tuple(steps), market=ground.market)


def try_behind(test: Backtest, ground: Ground, split: Split, parameters: Mapping[str, Value]) -> Result:
    """Return what comes of a set behind its window: indicators know the bars before, nothing is held at the begin and the end."""
    strategy = ground.strategy(dict(parameters))
    first, last = split.test
    begin = _warm_from(ground.market.there[:first], strategy.lookback)
    targets = ground.part(begin, last).targets(parameters)[first - begin :]
    part = ground.part(first, last)
    market = replace(part.market, ends=_ended(part.market))
    outcome = replace(part, market=market, balance=test.balance).outcome(targets)
    table = outcome.table.copy()
    table[(table[:, _BAR] == last - first - 1) & (table[:, _WHY] == Reason.HOLE), _WHY] = Reason.END
    return Result(
        test=replace(test, strategy=strategy), market=part.market, targets=targets, coverage=(), finer=None, fingerprint="",
        outcome=Outcome(equity=outcome.equity, table=table, sums=outcome.sums),
    )  # fmt: skip


def walk_forward(
    test: Backtest, ground: Ground, plan: Plan, splits: Sequence[Split], *, told: Callable[[Split], None] = lambda _: None
) -> Walk:
    """Return a walk-forward, window after window; `told` takes each that is done."""
    choices = {}
    for split in splits:
        choices[split.number] = choose(ground, plan, split)
        told(split)
    return joined(test, ground, plan, splits, choices)


def _rows(market: Market, span: tuple[int, int]) -> tuple[int, int]:
    """Return the rows of the candles that lie in a span."""
    first, last = np.searchsorted(market.closes_us, span, side="right").tolist()
    return first, last


def _warm_from(there: Flags, bars: int) -> int:
    """Return the row from which on each symbol has so many candles, or all that there are."""
    rows = [np.flatnonzero(there[:, number]) for number in range(there.shape[1])]
    return min(int(own[-bars]) if len(own) >= bars > 0 else 0 for own in rows)


def _ended(market: Market) -> Flags:
    """Return where nothing is held beyond a bar: before holes, and at the last candle of each symbol."""
    ends = market.ends.copy()
    for number in range(ends.shape[1]):
        there = np.flatnonzero(market.there[:, number])
        ends[there[-1:], number] = True
    return ends


def _joined(trips: Sequence[RoundTrips]) -> RoundTrips:
    names = RoundTrips.__dataclass_fields__
    return (
        RoundTrips(**{name: np.concatenate([getattr(each, name) for each in trips]) for name in names}) if trips else RoundTrips()
    )
