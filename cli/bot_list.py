"""Prints the bots, each in a line, and the files of their folder that cannot be used."""

from typing import TYPE_CHECKING, Any

import click

from cli.bot_words import NOTHING, age, amount, counted, fields_of, gain, moment, percent, shortened, state_of, why_of
from market.errors import InputError, did_you_mean
from market.timeframe import DAY_US

if TYPE_CHECKING:
    from decimal import Decimal

    from cli.bot_files import Files
    from db.bot_rows import StoredBot
    from db.operations import DatabaseOperations

STATES = ("stopped", "starting", "catching-up", "running", "waiting", "crashed", "parked")
_HEADER = (
    *("id", "name", "strategy", "symbols", "candles", "wanted", "state", "heartbeat", "equity", "return", "today"),
    *("acted until (UTC)", "why"),
)
_NUMBERS = ("heartbeat", "equity", "return", "today")
_LONGEST_NAME = 24


class Listing:
    """What is told of all bots, read as of one moment.

    Args:
        db: The store.
        files: Of their folder.
        state: Only bots in this one.

    Raises:
        InputError: If there is no such state.
    """

    def __init__(self, db: "DatabaseOperations", files: "Files", state: str | None = None) -> None:
        if state is not None and state not in STATES:
            raise InputError(f"--state {state!r} is not one of {', '.join(STATES)}{did_you_mean(state, list(STATES))}")
        from trading.bots.rescue import judge

        with db.transaction() as store:
            store.bots.snapshot()
            self._clock_us, self._all = store.bots.clock_us(), store.bots.list()
            self._begun = store.bots.begun_with()
            self._today = store.bots.traded_since(_day_of(self._all, self._clock_us))
            self._health = {each.bot.id: each.verdict for each in judge(store, self._all)}
        self._files, self._state = files, state
        self._shown = [bot for bot in self._all if state in (None, bot.state)]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        from cli.bot_files import problems_of

        return {
            "bots": [
                {
                    **fields_of(bot, self._clock_us, begun_with=self._begun_with(bot), trades_today=self._today.get(bot.id, 0)),
                    "health": str(self._health[bot.id].state), "health_reason": self._health[bot.id].reason,
                }
                for bot in self._shown
            ],
            "new": [{"id": each.config.id, "file": each.file} for each in self._new()],
            "problems": [
                {"file": each.file, "id": each.id, "message": str(each.error), "problems": problems_of(each.error)}
                for each in self._files.broken
            ],
        }  # fmt: skip

    def print(self) -> None:
        """Print it."""
        from cli.table import print_table

        if self._shown:
            print_table(_HEADER, [self._cells(bot) for bot in self._shown], right=_NUMBERS)
            click.echo()
        click.echo(self._summary())
        for each in self._new():
            click.echo(
                f"new: {each.config.id} ({each.file}) is known to no runner yet; `tcpdash bots start {each.config.id}` starts it"
            )
        self._print_problems()

    def _cells(self, bot: "StoredBot") -> list[str]:
        config, beats = bot.config, bot.heartbeat_us is not None and bot.state not in {"stopped", "parked"}
        return [
            bot.id,
            shortened(config.get("name", ""), _LONGEST_NAME) or NOTHING,
            config["strategy"],
            ",".join(config["symbols"]),
            config.get("timeframe", "1h"),
            bot.wanted,
            state_of(bot, self._health[bot.id]),
            age(self._clock_us - (bot.heartbeat_us or 0)) if beats else NOTHING,
            amount(bot.equity),
            percent(gain(bot.equity, self._begun_with(bot))),
            f"{self._today.get(bot.id, 0):,}",
            moment(bot.acted_until_us)[:16],
            shortened(why_of(bot, self._health[bot.id], self._clock_us)) or NOTHING,
        ]

    def _summary(self) -> str:
        if not self._all:
            return f"there are no bots yet; each is a file of {self._files.folder}, and `tcpdash bots schema` says what is in one"
        counts = {state: sum(bot.state == state for bot in self._all) for state in STATES}
        told = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)
        shown = "" if len(self._shown) == len(self._all) else f"{len(self._shown):,} shown; "
        return f"{shown}{counted(len(self._all), 'bot')}: {told}"

    def _print_problems(self) -> None:
        told = {each.id for each in self._files.broken} | {str(each.error) for each in self._files.broken}
        for each in self._files.broken:
            bots = [each.id] if each.id else [bot.id for bot in self._all if bot.problem == str(each.error)]
            click.echo(f"cannot be used: {each.error}" + (f" (bot {bots[0]})" if bots else ""))
        for bot in self._all:
            if bot.problem is not None and not {bot.id, bot.problem} & told:
                click.echo(f"bot {bot.id}: {bot.problem}")
            elif bot.wanted == "running" and self._files.folder.exists() and self._files.of(bot.id) is None and not bot.problem:
                click.echo(f"bot {bot.id}: no file of {self._files.folder} is its own; it does what {bot.config_file} said last")

    def _new(self) -> list[Any]:
        known = {bot.id for bot in self._all}
        return [each for each in self._files.found if each.config.id not in known]

    def _begun_with(self, bot: "StoredBot") -> "Decimal | None":
        return self._begun.get(bot.id)


def _day_of(bots: "list[StoredBot]", clock_us: int) -> int:
    """Return when the UTC day began in which the bots trade: that of their market, which is that of a tape where one is played."""
    running = [bot.acted_until_us for bot in bots if bot.wanted == "running" and bot.acted_until_us is not None]
    newest_us = max(running, default=clock_us)
    return (newest_us - 1) // DAY_US * DAY_US
