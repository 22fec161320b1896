"""How a bot that was taken becomes one that runs: its plan, its account, and its windows from stored candles."""

from typing import TYPE_CHECKING

from db.bot_rows import StoredBot
from market.clock import monotonic
from market.errors import InputError
from market.timeframe import Timeframe
from trading.bots.account import Account
from trading.bots.bot import Bot, Plan
from trading.bots.config import BotConfig, from_dict
from trading.bots.minutes import WIDTH_US, Minutes
from trading.bots.windows import Window
from trading.listings import listings_of
from trading.position import Bar
from trading.rules import Listing

if TYPE_CHECKING:
    from db.operations import DatabaseOperations
    from db.series import CandleSeries


class Loader:
    """Makes bots of rows; what several of them need of the store is read once.

    Args:
        db: The store.
        minutes: Where their minutes come from.
    """

    def __init__(self, db: "DatabaseOperations", minutes: Minutes) -> None:
        self._db, self._minutes = db, minutes
        self._series: dict[tuple[str, Timeframe, int, int], CandleSeries] = {}

    def forget(self) -> None:
        """Read anew what is needed from now on."""
        self._series.clear()

    def load(self, stored: StoredBot, lookback: int, *, begins_us: int | None = None) -> Bot | None:
        """Return the bot, where it goes on; None while it cannot.

        A new one needs a minute of each of its symbols; one that acted already needs those of the candle that forms.

        Args:
            stored: As it was taken.
            lookback: Of its strategy.
            begins_us: Where one goes on that is new, or that is to skip what it missed; None for the newest minute.

        Raises:
            InputError: If its stored configuration cannot be used.
            LedgerError: If its ledger does not add up.
        """
        config = from_dict(stored.config)
        plan = plan_of(config, lookback)
        new = [symbol for symbol in plan.symbols if self._minutes.follow(symbol)]
        if new:
            self._minutes.poll(monotonic())  # what is not read yet would be missing from windows
        at_us, begins_us = self._goes_on(stored, plan, begins_us)
        windows = [] if at_us is None else self._windows(plan, at_us)
        if at_us is None or windows is None:
            return None
        if stored.account is None:
            known = listings_of(self._db, plan.symbols)
            listings = {symbol: known.get(symbol, Listing()) for symbol in plan.symbols}
            account = Account(plan.rules, listings, config.balance, at_us=begins_us)
        else:
            _refuse_others(stored, plan)
            account = Account.restored(stored.account, plan.rules)
        return Bot(stored, plan, self._minutes, windows=windows, account=account, at_us=at_us, begins_us=begins_us)

    def _goes_on(self, stored: StoredBot, plan: Plan, begins_us: int | None) -> tuple[int | None, int]:
        """Return the close of the last minute before those that it acts on, and where its account begins: where a candle opens."""
        begun = None if stored.account is None else int(stored.account["begins_us"])
        if begun is not None and stored.acted_until_us is not None and not stored.from_now:
            return stored.acted_until_us, begun
        if begins_us is not None:
            at_us = max(begins_us, stored.acted_until_us or 0)
            return at_us, at_us if begun is None else begun
        settled = [self._minutes.settled_us(symbol) for symbol in plan.symbols]
        known = [moment for moment in settled if moment is not None]
        if len(known) < len(settled):
            return None, 0
        newest_us = max(known)
        begins_us = newest_us if plan.timeframe.is_close(newest_us) else plan.timeframe.close_of(newest_us)
        return max(min(known), stored.acted_until_us or 0), begins_us if begun is None else begun

    def _windows(self, plan: Plan, at_us: int) -> list[Window] | None:
        found = [self._window(symbol, plan, at_us) for symbol in plan.symbols]
        known = [window for window in found if window is not None]
        return known if len(known) == len(found) else None

    def _window(self, symbol: str, plan: Plan, at_us: int) -> Window | None:
        """Return the window of a symbol as it is behind a minute: stored candles, and the minutes of the one that forms.

        None while one of these minutes is not settled.
        """
        timeframe, window = plan.timeframe, Window(plan.timeframe, plan.kept)
        opened_us = timeframe.open_of(at_us)
        series = self._stored(symbol, timeframe, opened_us - (plan.kept - 1) * timeframe.width_us, opened_us)
        whole = series.columns["complete"] != 0
        prices = zip(*(series.columns[name][whole].tolist() for name in ("open", "high", "low", "close", "volume")), strict=True)
        window.warm(series.columns["timestamp"][whole].tolist(), map(Bar._make, prices))
        for moment_us in range(opened_us, at_us, WIDTH_US):
            minute = self._minutes.next(symbol, moment_us)
            if minute is None:
                return None
            window.add(minute)
        return window

    def _stored(self, symbol: str, timeframe: Timeframe, start_us: int, end_us: int) -> "CandleSeries":
        place = (symbol, timeframe, start_us, end_us)
        if place not in self._series:
            self._series[place] = self._db.market_data.get_series(symbol, timeframe, start_us, end_us)
        return self._series[place]


def _refuse_others(stored: StoredBot, plan: Plan) -> None:
    """Refuse an account of other symbols or another timeframe than the configuration has.

    Raises:
        InputError: If it is one; it says what to do.
    """
    account = stored.account or {}
    known = (tuple(account["listings"]), account["timeframe"])
    if known != (plan.symbols, str(plan.timeframe)):
        bot = stored.id
        raise InputError(
            f"its account is of {', '.join(known[0])} at {known[1]}, its file now says {', '.join(plan.symbols)} at "
            f"{plan.timeframe}; `tcpdash bots stop {bot}`, `tcpdash bots reset {bot}` and `tcpdash bots start {bot}` "
            "end that account and begin another"
        )


def plan_of(config: BotConfig, lookback: int) -> Plan:
    """Return what a configuration says, for a strategy that looks so many candles back."""
    return Plan(
        strategy=config.strategy, parameters=dict(config.parameters), symbols=tuple(config.symbols), timeframe=config.width,
        lookback=lookback, rules=config.rules(),
    )  # fmt: skip
