"""Lines a bot up with a backtest over the same time: what each filled and said, and the reason of every difference."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from db.bot_rows import EventRow, PerformanceRow, SignalRow, TradeRow
from market.clock import isoformat
from trading.backtest.backtest import Result
from trading.bots.evidence import Cause, Evidence, Minutes
from trading.bots.executions import Execution, marks_of, of_backtest, of_bot
from trading.bots.judgement import HOLE, Judge, Pair
from trading.bots.sayings import Saying, sayings, wanted_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a bot wrote of one account.

    Attributes:
        balance: What it began with.
        trades: Its executions, oldest first.
        signals: What its strategy said, as far as it is still kept.
        events: What happened to it, oldest first; see `trading.bots.evidence.Evidence`.
        performance: What it was worth; where the moment of the comparison is not in it that is reckoned from the executions.
        forgotten_us: Before which close signals that were not acted on are not kept any more; None where all are.
    """

    balance: Decimal
    trades: Sequence[TradeRow] = ()
    signals: Sequence[SignalRow] = ()
    events: Sequence[EventRow] = ()
    performance: Sequence[PerformanceRow] = ()
    forgotten_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An execution of either, or the same one of both.

    Attributes:
        minute_us: Close of the minute inside which it was.
        symbol: `EXCHANGE:BASE-QUOTE`.
        bot: What the bot did, in words; None for nothing.
        backtest: What the backtest did.
        same: Whether they did the same, to the last digit.
    """

    minute_us: int
    symbol: str
    bot: str | None
    backtest: str | None
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something in which the two differ.

    Attributes:
        minute_us: Close of the minute, or of the candle after which something was said.
        symbol: `EXCHANGE:BASE-QUOTE`; empty where it concerns the whole account.
        kind: `trade`, `signal` or `equity`.
        bot: What the bot did, in words.
        backtest: What the backtest did.
        cause: The reason.
        sentence: That says it.
        follows: Whether it only follows from an earlier difference, whose reason it has.
        candles: Of a signal, behind how many candles in a row something else was said for that reason; 1 of all others.
    """

    minute_us: int
    symbol: str
    kind: str
    bot: str
    backtest: str
    cause: Cause
    sentence: str
    follows: bool = False
    candles: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a bot and a backtest compare.

    Attributes:
        until_us: Up to which close they were compared: the last one that is decided on.
        lines: All executions of both, oldest first.
        differences: Oldest first; none where all is the same to the last digit.
        trades: How many executions of the bot were compared.
        signals: How many candles were, after which the bot had been asked.
        later: Executions of the bot behind `until_us`, which no backtest can show yet.
        bot: Equity of the bot at `until_us`, in the quote currency.
        backtest: That of the backtest.
    """

    until_us: int
    lines: tuple[Line, ...]
    differences: tuple[Difference, ...]
    trades: int
    signals: int
    later: int
    bot: Decimal
    backtest: Decimal


def explain(told: Told, result: Result, minutes: Mapping[str, Minutes]) -> Explanation:
    """Return how what a bot wrote compares with a backtest over the same time, and why they differ.

    Args:
        told: What the bot wrote.
        result: Of a backtest over the stored candles from the begin of its account, under its rules, inside minutes.
        minutes: What is stored of each symbol, from a candle before the begin.
    """
    until_us = int(result.market.closes_us[-1])
    trades = [row for row in told.trades if is_compared(row, until_us)]
    signals = [row for row in told.signals if row.timestamp_us <= until_us]
    ours, books = of_bot(trades, told.balance)
    theirs, virtual = of_backtest(result, told.balance)
    marks = marks_of(result)
    said = {row.timestamp_us: row.equity for row in told.performance}
    bot, backtest = said.get(until_us, books.equity(marks)), virtual.equity(marks)
    pairs, compared = _paired(ours, trades, theirs), list(sayings(signals, result, forgotten_us=told.forgotten_us))
    evidence = Evidence(
        result.test.timeframe, lookback=result.test.strategy.lookback, until_us=until_us, minutes=minutes, signals=signals,
        events=told.events,
    )  # fmt: skip
    differences = _differences(pairs, compared, Judge(evidence, result.test.rules))
    if bot != backtest and not any(each.kind == "trade" for each in differences):
        differences.append(_valued(evidence, until_us, bot, backtest, symbols=result.market.symbols))
    return Explanation(
        until_us=until_us, lines=tuple(map(_line, pairs)), differences=tuple(differences), trades=len(trades),
        signals=len(compared), later=len(told.trades) - len(trades), bot=bot, backtest=backtest,
    )  # fmt: skip


def is_compared(row: TradeRow, until_us: int) -> bool:
    """Return whether a backtest up to a moment shows an execution; of a hole behind its last candle it knows nothing yet."""
    return row.timestamp_us < until_us or (row.timestamp_us == until_us and row.reason != HOLE)


def _paired(ours: Sequence[Execution], rows: Sequence[TradeRow], theirs: Sequence[Execution]) -> list[Pair]:
    """Return executions of both beside each other: those of the same minute, and those that the bot made up for later."""
    one, other = _keyed(ours), _keyed(theirs)
    pairs = [Pair(bot, row, other.get(key)) for (key, bot), row in zip(one.items(), rows, strict=True)]
    missing = [each for key, each in other.items() if key not in one]
    for place, pair in enumerate(pairs):
        if pair.backtest is None and pair.row is not None and pair.row.caught_up:
            earlier = [each for each in missing if pair.bot is not None and _made_up(pair.bot, each)]
            if earlier:
                pairs[place] = pair._replace(backtest=earlier[0])
                missing.remove(earlier[0])
    return sorted([*pairs, *(Pair(None, None, each) for each in missing)], key=lambda pair: pair.minute_us)


def _made_up(bot: Execution, backtest: Execution) -> bool:
    return bot[1:4] == backtest[1:4] and backtest.minute_us < bot.minute_us


def _keyed(executions: Iterable[Execution]) -> dict[tuple[object, ...], Execution]:
    """Return each by what tells it apart: minute, symbol, side and reason, and which one it is of those that have them all."""
    counts: Counter[tuple[object, ...]] = Counter()
    found: dict[tuple[object, ...], Execution] = {}
    for execution in executions:
        key = execution[:4]
        counts[key] += 1
        found[*key, counts[key]] = execution
    return found


def _differences(pairs: Iterable[Pair], compared: Iterable[Saying], judge: Judge) -> list[Difference]:
    """Return what differs in the order in which it came about, for what comes later may follow from it."""
    different: list[Pair | Saying] = [*(pair for pair in pairs if not pair.same), *(each for each in compared if not each.same)]
    found: list[Difference] = []
    before: dict[str, tuple[int, int]] = {}
    for each in sorted(different, key=judge.order):
        verdict = judge.verdict(each)
        difference = Difference(
            minute_us=each.minute_us, symbol=each.symbol, kind=each.kind, bot=_of_bot(each), backtest=_of_backtest(each),
            cause=verdict.cause, sentence=verdict.sentence, follows=verdict.follows,
        )  # fmt: skip
        if isinstance(each, Saying):
            place, index = before.get(each.symbol, (-2, 0))
            touching = place == each.place - 1 and found[index].cause is verdict.cause
            before[each.symbol] = (each.place, index if touching else len(found))
            if touching:
                found[index] = replace(found[index], candles=found[index].candles + 1)
                continue
        found.append(difference)
    return found


def _of_bot(each: Pair | Saying) -> str:
    if isinstance(each, Pair):
        return _told(each.bot) or "nothing"
    return "nothing" if each.row is None else f"{each.row.action}, wants {wanted_of(each.row):g} at {each.row.price!r}"


def _of_backtest(each: Pair | Saying) -> str:
    if isinstance(each, Pair):
        return _told(each.backtest) or "nothing"
    return "nothing" if each.wanted is None else f"wants {each.wanted:g} at {each.price!r}"


def _line(pair: Pair) -> Line:
    return Line(
        minute_us=pair.minute_us, symbol=pair.symbol, bot=_told(pair.bot), backtest=_told(pair.backtest), same=pair.same
    )  # fmt: skip


def _told(execution: Execution | None) -> str | None:
    if execution is None:
        return None
    price, size, fee = (format(number, "f") for number in (execution.price, execution.size, execution.fee))
    return f"{execution.side} {size} at {price}, fee {fee} ({execution.reason})"


def _valued(evidence: Evidence, until_us: int, bot: Decimal, backtest: Decimal, *, symbols: Sequence[str]) -> Difference:
    """Return why two accounts that did the same are worth something else."""
    found = next(filter(None, (evidence.direct(symbol, until_us) for symbol in symbols)), None)
    cause = Cause.PRICE if found is None else found.cause
    sentence = f"at {isoformat(until_us)} what is held was valued at another price" if found is None else found.sentence
    return Difference(
        minute_us=until_us, symbol="", kind="equity", bot=format(bot, "f"), backtest=format(backtest, "f"), cause=cause,
        sentence=sentence,
    )  # fmt: skip
