"""Which reason a difference between a bot and a backtest has, and whether it only follows from an earlier one."""

from math import isclose
from typing import NamedTuple

from db.bot_rows import TradeRow
from market.clock import isoformat
from trading.bots.evidence import Cause, Evidence, Found
from trading.bots.executions import Execution
from trading.bots.sayings import Saying
from trading.fills import Reason, Slippage
from trading.rules import FillAt, Rules, word_of

_OF_THE_MARKET = {word_of(each) for each in (Reason.ENTRY, Reason.TARGET_CHANGED, Reason.TIME, Reason.PROTECTION)}
HOLE = word_of(Reason.HOLE)


class Pair(NamedTuple):
    """An execution of the bot beside that of the backtest; one of them may be None.

    Attributes:
        bot: What the bot filled.
        row: As it was written.
        backtest: What the backtest filled.
    """

    bot: Execution | None
    row: TradeRow | None
    backtest: Execution | None

    @property
    def kind(self) -> str:
        """`trade`."""
        return "trade"

    @property
    def either(self) -> Execution:
        """That of the backtest, else that of the bot."""
        found = self.backtest or self.bot
        assert found is not None
        return found

    @property
    def minute_us(self) -> int:
        """Close of its minute; the earlier one where they differ."""
        return self.either.minute_us

    @property
    def symbol(self) -> str:
        """`EXCHANGE:BASE-QUOTE`."""
        return self.either.symbol

    @property
    def same(self) -> bool:
        """Whether both are there, and the same to the last digit."""
        return self.bot == self.backtest


class Verdict(NamedTuple):
    """The reason of a difference, a sentence that says it, and whether it only follows from an earlier difference."""

    cause: Cause
    sentence: str
    follows: bool = False


class Judge:
    """Judges differences in the order in which they came about.

    What was seen to be otherwise there and then (a stop, a hole, a revision, another price or fee) is a reason of its own. All else
    follows from the first difference that made another account of it, if there was one.

    Args:
        evidence: What is known of the time.
        rules: Those of the backtest.
    """

    def __init__(self, evidence: Evidence, rules: Rules) -> None:
        self._evidence, self._rules = evidence, rules
        self._root: Verdict | None = None

    def order(self, each: Pair | Saying) -> tuple[int, bool]:
        """Return what sorts differences: signals come behind what was filled before the close, and before what is filled at it."""
        at_close = self._rules.fill_at is FillAt.CLOSE
        return each.minute_us, isinstance(each, Saying) is not at_close

    def verdict(self, each: Pair | Saying) -> Verdict:
        """Return why something differs; those before it have been asked for already."""
        if isinstance(each, Saying):
            verdict, counts = Verdict(*self._of_saying(each)), not each.same_wish
        else:
            verdict, counts = self._of_pair(each), True
        if counts and self._root is None:
            self._root = verdict
        return verdict

    def _of_saying(self, saying: Saying) -> Found:
        evidence, moment_us, row = self._evidence, saying.minute_us, saying.row
        direct = evidence.direct(saying.symbol, moment_us) or evidence.window(saying.symbol, moment_us)
        if direct is not None:
            return direct
        when = isoformat(moment_us)
        if saying.wanted is None:
            return Found(Cause.MISSING, f"the candle {when} of {saying.symbol} is not stored whole")
        if not saying.same_price and row is not None:
            return Found(Cause.PRICE, f"the candle {when} closed at {row.price!r} for the bot, stored is {saying.price!r}")
        if row is not None and row.action == "refused":
            return Found(Cause.RULE, f"what the strategy said was refused: {row.outcome}")
        configured = evidence.configured(moment_us, only_fee=False)
        if configured is not None and configured.cause is not Cause.FEE:
            return configured
        if row is None and evidence.caught_up(saying.symbol, moment_us):
            return Found(Cause.LATE, f"the candle {when} came late, and the bot was not asked after it")
        what = (
            "the bot was not asked after it"
            if row is None
            else "the strategy said something else then, as one that was edited since, or says too short a lookback"
        )
        return Found(Cause.RULE, f"nothing that is stored of the candle {when} is the reason: {what}")

    def _of_pair(self, pair: Pair) -> Verdict:
        alike = _Alike.of(pair)
        if alike.price and alike.fee and self._root is not None:
            return self._following("the size", self._root)
        direct = self._direct(pair)
        if direct is not None:
            return Verdict(*direct)
        own = (alike.both and not alike.fee) or (alike.both and not alike.price and self._is_of_the_market(pair))
        if self._root is not None and not own:
            return self._following("what was filled", self._root)
        return Verdict(*(self._evidence.configured(pair.minute_us, only_fee=alike.price) or self._last(pair, alike)))

    def _direct(self, pair: Pair) -> Found | None:
        revision = None if pair.row is None or pair.bot is None or pair.bot.minute_us != pair.minute_us else pair.row.revision
        found = self._evidence.direct(pair.symbol, pair.minute_us, revision=revision)
        if found is not None:
            return found
        if pair.bot is None or pair.backtest is None:
            if pair.either.reason == HOLE:
                return Found(Cause.MISSING, f"only one of them knew of a hole behind {isoformat(pair.minute_us)}")
            return None
        if pair.bot.minute_us != pair.backtest.minute_us:
            late, due = isoformat(pair.bot.minute_us), isoformat(pair.backtest.minute_us)
            return Found(Cause.LATE, f"a candle came late: what was due at {due} was filled at {late}")
        return None

    def _last(self, pair: Pair, alike: "_Alike") -> Found:
        bot, backtest, when = pair.bot, pair.backtest, isoformat(pair.minute_us)
        if bot is not None and backtest is not None:
            if not alike.price:
                return Found(
                    Cause.PRICE, f"in the same minute {when} the bot had {bot.price:f} and the backtest {backtest.price:f}"
                )
            if not alike.fee:
                return Found(Cause.FEE, f"the bot paid a fee of {bot.fee_rate:.6%}, the backtest one of {backtest.fee_rate:.6%}")
            return Found(Cause.RULE, f"at the same price the bot filled {bot.size:f} and the backtest {backtest.size:f}")
        if self._evidence.caught_up(pair.symbol, pair.minute_us) or (pair.row is not None and pair.row.caught_up):
            return Found(Cause.LATE, f"the bot acted on candles around {when} when newer ones were there")
        outcome = self._evidence.outcome(pair.symbol, pair.minute_us)
        if bot is None and outcome:
            return Found(Cause.RULE, f"nothing came of the signal before {when}: {outcome}")
        who = "only the backtest" if bot is None else "only the bot"
        return Found(Cause.RULE, f"{who} filled this, and nothing that is stored is the reason")

    def _is_of_the_market(self, pair: Pair) -> bool:
        """Return whether the price depends on the market alone, and not on what is held."""
        return pair.either.reason in _OF_THE_MARKET and self._rules.slippage is not Slippage.IMPACT

    @staticmethod
    def _following(what: str, root: Verdict) -> Verdict:
        return Verdict(root.cause, f"{what} follows from an earlier difference: {root.sentence}", follows=True)


class _Alike(NamedTuple):
    """Whether both were filled in the same minute, and if so at the same price and rate of the fee."""

    both: bool
    price: bool
    fee: bool

    @classmethod
    def of(cls, pair: Pair) -> "_Alike":
        one, other = pair.bot, pair.backtest
        if one is None or other is None or one.minute_us != other.minute_us:
            return cls(False, False, False)
        rates = isclose(one.fee_rate, other.fee_rate, rel_tol=1e-6, abs_tol=1e-12)
        same = one[4:6] == other[4:6]
        return cls(True, one.price == other.price, one.fee == other.fee if same else rates)
