"""A bot: acts on each settled minute once, asks its strategy where a candle closes, and says what there is to write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan
from typing import Any

from db.bot_rows import EventRow, SignalRow, StoredBot, Written
from market.timeframe import DAY_US, Timeframe
from trading.bots.account import Account
from trading.bots.hosts import Answer, Question
from trading.bots.minutes import WIDTH_US, Minute, Minutes
from trading.bots.orders import Moment
from trading.bots.outcomes import HALTED, LEFT, makes_larger, why_nothing
from trading.bots.windows import Window
from trading.position import Bar
from trading.rules import Rules, Sizing
from trading.signal import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a bot does, as its configuration says it.

    Attributes:
        strategy: Its name.
        parameters: Of the strategy.
        symbols: `EXCHANGE:BASE-QUOTE` each.
        timeframe: Width of the candles after which is decided.
        lookback: How many of them a strategy is handed.
        rules: How orders are made and filled.
    """

    strategy: str
    parameters: dict[str, Any]
    symbols: tuple[str, ...]
    timeframe: Timeframe
    lookback: int
    rules: Rules

    @property
    def kept(self) -> int:
        """How many candles have to be remembered."""
        volatile = self.rules.sizing is Sizing.VOLATILITY
        return max(self.lookback, self.rules.volatility_bars + 1 if volatile else 1)


Gate = Callable[["Bot", int, float], str]
"""Why a bot may not open a position in one of its symbols; empty where it may. Asked with the target times its scale."""


class Bot:
    """One bot under one lease. It is the same function of stored minutes as a backtest, whoever runs it and however often.

    Args:
        stored: As it was taken.
        plan: What it does.
        minutes: Where minutes come from.
        windows: One a symbol, warmed up to where the bot goes on.
        account: With which it goes on.
        at_us: Close of the last minute that it acted on.
        begins_us: Where its account begins; minutes before are for its windows alone.
    """

    def __init__(
        self, stored: StoredBot, plan: Plan, minutes: Minutes, *, windows: Sequence[Window], account: Account, at_us: int,
        begins_us: int,
    ) -> None:  # fmt: skip
        self.id, self.run, self.epoch, self.plan = stored.id, stored.run, stored.lease_epoch, plan
        self.account, self.at_us, self.begins_us = account, at_us, begins_us
        self._minutes, self._windows = minutes, list(windows)
        state = stored.account or {}
        self._cut: list[bool] = list(state.get("cut", [False] * len(plan.symbols)))
        self._bars: list[Bar | None] = []
        self._asked: dict[int, Question] = {}
        self._said: dict[int, Answer] = {}
        self._written_us = None if stored.account is None else at_us  # where a new one begins is kept at once

    @property
    def is_asking(self) -> bool:
        """Whether its strategy has not answered yet."""
        return bool(self._asked)

    @property
    def progress(self) -> tuple[int, int]:
        """How far it is: the last minute that it acted on, and how many answers it has about the next one."""
        return self.at_us, len(self._said)

    @property
    def trouble(self) -> str:
        """What keeps its next minute from coming; empty where nothing is known to."""
        lacking = [symbol for symbol in self.plan.symbols if self._minutes.next(symbol, self.at_us) is None]
        return next((text for text in map(self._minutes.trouble, lacking) if text), "")

    @property
    def is_behind(self) -> bool:
        """Whether there are settled minutes that it did not act on."""
        return all(self._minutes.next(symbol, self.at_us) is not None for symbol in self.plan.symbols)

    def advance(self, most: int) -> list[Question]:
        """Act on the minutes that are there, at most so many; return what its strategy is to be asked, which it waits for."""
        for _ in range(most):
            if self._asked:
                break
            found = [self._minutes.next(symbol, self.at_us) for symbol in self.plan.symbols]
            minutes = [minute for minute in found if minute is not None]
            if len(minutes) < len(found):
                break
            self._act(minutes)
        return list(self._asked.values())

    def answered(self, answer: Answer, gate: Gate) -> None:
        """Take what its strategy said of one symbol, unless it was asked something else; decide when it was said of all."""
        number = self.plan.symbols.index(answer.symbol)
        asked = self._asked.get(number)
        if asked is None or answer.timestamp_us != asked.timestamps_us[-1]:
            return
        self._said[number] = answer
        if len(self._said) == len(self._asked):
            self._decide(gate)

    def take_written(self, state: str, reason: str, *, always: bool = False) -> Written | None:
        """Return what there is to write since the last call; None where nothing is, or an answer is waited for.

        Args:
            state: In which the bot is.
            reason: Why.
            always: Whether to write how far it is where nothing else is to be said.
        """
        if self._asked or self.at_us == self._written_us:
            return None
        rows = self.account.take_rows()
        if not always and not any(rows):
            return None
        if any(rows):
            rows.performance.append(self.account.value(max(self.at_us, self.begins_us)))
        self._written_us, value = self.at_us, self.account.value(self.at_us)
        return Written(
            bot=self.id, run=self.run, epoch=self.epoch, account=self.state(), acted_until_us=self.at_us, state=state,
            reason=reason, equity=value.equity, cash=value.cash, exposure=self.account.exposure, **rows._asdict(),
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return all that its account needs to go on, as plain values."""
        timeframe = str(self.plan.timeframe)
        return {**self.account.state(), "begins_us": self.begins_us, "timeframe": timeframe, "cut": self._cut}

    def _act(self, minutes: Sequence[Minute]) -> None:
        moment = self._moment(self.at_us + WIDTH_US)
        if moment.at_us <= self.begins_us:
            for window, minute in zip(self._windows, minutes, strict=True):
                window.add(minute)
            self.at_us = moment.at_us
            return
        for number, minute in enumerate(minutes):
            if minute.bar is None and not self._cut[number]:
                self._leave(number, Moment(self.at_us, moment.caught_up))
            self._cut[number] = minute.bar is None
        self._bars = [minute.bar for minute in minutes]
        self.account.trade(self._bars, [minute.revision for minute in minutes], moment)
        closed = [number for number, minute in enumerate(minutes) if self._windows[number].add(minute)]
        if closed:
            self._asked = {number: self._question(number) for number in closed}
        else:
            self.at_us = moment.at_us

    def _leave(self, number: int, moment: Moment) -> None:
        symbol = self.plan.symbols[number]
        self.account.leave(number, moment)
        text = f"{symbol} has a hole from here on; what was held is left at the last known price"
        self.account.rows.events.append(EventRow(kind="hole", text=text, details={"symbol": symbol, "from_us": self.at_us}))

    def _moment(self, at_us: int) -> Moment:
        newest = [self._minutes.newest_us(symbol) or 0 for symbol in self.plan.symbols]
        return Moment(at_us, max(newest) > at_us)

    def _question(self, number: int) -> Question:
        stamps, prices = self._windows[number].newest(self.plan.lookback)
        plan = self.plan
        return Question(
            bot=self.id, strategy=plan.strategy, parameters=plan.parameters, symbol=plan.symbols[number], timestamps_us=stamps,
            prices=prices,
        )  # fmt: skip

    def _decide(self, gate: Gate) -> None:
        moment, broker = self._moment(self.at_us + WIDTH_US), self.account.broker
        bars = [bar if number in self._asked else None for number, bar in enumerate(self._bars)]
        scales = self._scales()
        targets, outcomes = [nan] * len(bars), [""] * len(bars)
        for number, answer in self._said.items():
            targets[number], outcomes[number] = self._target(number, answer, scales, gate)
        if scales is not None:
            targets = [nan if isnan(scale) and target != 0.0 else target for target, scale in zip(targets, scales, strict=True)]
        refused = [position.refused for position in broker.positions]
        acted = self.account.decide(bars, targets, scales, moment, day=(moment.at_us - 1) // DAY_US)
        for number, answer in sorted(self._said.items()):
            too_small = broker.positions[number].refused > refused[number]
            outcome = _came(outcomes[number], acted=acted[number], refused=too_small)
            self.account.rows.signals.append(self._signal_row(number, answer, moment, acted=acted[number], outcome=outcome))
        self._asked, self._said, self.at_us = {}, {}, moment.at_us

    def _target(self, number: int, answer: Answer, scales: list[float] | None, gate: Gate) -> tuple[float, str]:
        """Return what is wanted, and why nothing comes of it where nothing does."""
        if answer.signal is None:
            return nan, answer.error or "refused"
        broker, target, scale = self.account.broker, answer.signal.wanted, None if scales is None else scales[number]
        position = broker.positions[number]
        why = why_nothing(broker, position, target, scale)
        if why != HALTED or not makes_larger(broker, position, target):
            return target, why
        refusal = gate(self, number, target if scale is None else target * scale)
        if refusal and target * position.size < 0.0:
            return 0.0, f"{refusal}{LEFT}"  # nothing keeps a bot from leaving
        return (nan, refusal) if refusal else (target, why)

    def _scales(self) -> list[float] | None:
        if self.plan.rules.sizing is not Sizing.VOLATILITY:
            return None
        from trading.backtest.volatility import scale_of  # noqa: PLC0415 - pandas, for those who size so

        rules, timeframe = self.plan.rules, self.plan.timeframe
        closes = [window.newest(rules.volatility_bars + 1)[1][:, 3] for window in self._windows]
        return [scale_of(each, rules, timeframe) for each in closes]

    def _signal_row(self, number: int, answer: Answer, moment: Moment, *, acted: bool, outcome: str) -> SignalRow:
        signal, bar = answer.signal, self._windows[number].newest(1)[1][0]
        said = signal or Signal(action="hold", confidence=0.0)  # type: ignore[arg-type]
        return SignalRow(
            symbol=self.plan.symbols[number], timestamp_us=moment.at_us, action="refused" if signal is None else str(signal.action),
            confidence=None if signal is None else signal.confidence, target=_known(said.target),
            price=float(bar[3]), indicators={name: _known(value) for name, value in said.indicators.items()},
            reason=said.reason, acted=acted, outcome=outcome, revision=self._windows[number].revision, caught_up=moment.caught_up,
        )  # fmt: skip


def _came(why: str, *, acted: bool, refused: bool) -> str:
    if acted and not why.endswith(LEFT):
        return "refused: too small an order, or nothing to pay it with" if refused else "acted on"
    return why


def _known(value: float) -> float | None:
    """Return a number as JSON can have it: what is none, or infinite, is None."""
    return float(value) if isfinite(value) else None
