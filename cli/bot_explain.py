"""Prints how a bot compares with a backtest over the same time."""

from typing import TYPE_CHECKING, Any

import click

from cli.bot_words import NOTHING, counted, exact, iso, moment
from market.errors import InputError, PlatformError

if TYPE_CHECKING:
    from db.operations import DatabaseOperations
    from settings import Settings
    from trading.bots.explain import Difference, Explanation

_DIFFERENCES = ("minute (UTC)", "symbol", "what", "bot", "backtest", "reason")
_LINES = ("minute (UTC)", "symbol", "bot", "backtest", "verdict")


class NotCompared(PlatformError):
    """Raised when a bot cannot be compared with a backtest; its text says why."""


def explained(db: "DatabaseOperations", bot_id: str, settings: "Settings") -> "Explanation":
    """Return how a bot compares with a backtest over the same time.

    Raises:
        InputError: If there is no such bot.
        NotCompared: If it has not come far enough yet, its candles are gone, or its strategy is.
    """
    from cli.strategy_check import blaming
    from research.explained import compare_with_backtest
    from trading.registry import Registry

    strategy = db.bots.get(bot_id).config["strategy"]
    registry = Registry(settings.strategies)
    try:
        with blaming(registry.get(strategy), other_code=True):
            return compare_with_backtest(db, bot_id, registry)
    except InputError as error:  # what was asked for is right; it cannot be done
        raise NotCompared(str(error)) from error


def print_explanation(bot_id: str, found: "Explanation", *, all_: bool) -> None:
    """Print differences with their reasons, what is the same, and with `all_` each execution of both."""
    from cli.table import print_table

    if found.differences:
        print_table(_DIFFERENCES, [_cells(each) for each in found.differences])
        click.echo()
    if all_ and found.lines:
        told = {(each.minute_us, each.symbol): each for each in found.differences if each.kind == "trade"}
        rows = [
            (moment(line.minute_us), line.symbol, line.bot or NOTHING, line.backtest or NOTHING, _verdict(line, told))
            for line in found.lines
        ]
        print_table(_LINES, rows)
        click.echo()
    click.echo(_summary(bot_id, found))


def as_json(found: "Explanation") -> dict[str, Any]:
    """Return it as JSON has it."""
    return {
        "until": iso(found.until_us),
        "same": not found.differences,
        "trades": found.trades,
        "signals": found.signals,
        "later": found.later,
        "equity": {"bot": found.bot, "backtest": found.backtest},
        "differences": [
            {
                "minute": iso(each.minute_us), "symbol": each.symbol or None, "kind": each.kind, "bot": each.bot,
                "backtest": each.backtest, "cause": str(each.cause), "reason": each.sentence, "follows": each.follows,
                "candles": each.candles,
            }
            for each in found.differences
        ],
        "lines": [
            {"minute": iso(each.minute_us), "symbol": each.symbol, "bot": each.bot, "backtest": each.backtest, "same": each.same}
            for each in found.lines
        ],
    }  # fmt: skip


def _cells(each: "Difference") -> tuple[str, ...]:
    what = each.kind if each.candles == 1 else f"{each.kind} of {each.candles:,} candles"
    reason = f"{each.cause}: {each.sentence}" + (" (it follows from that)" if each.follows else "")
    return moment(each.minute_us), each.symbol or NOTHING, what, each.bot, each.backtest, reason


def _verdict(line: Any, told: "dict[tuple[int, str], Difference]") -> str:
    if line.same:
        return "same"
    difference = told.get((line.minute_us, line.symbol))
    return "differs" if difference is None else str(difference.cause)


def _summary(bot_id: str, found: "Explanation") -> str:
    until = f"{bot_id} until {moment(found.until_us)} UTC: "
    sums = f"{counted(found.trades, 'execution')}, {counted(found.signals, 'signal')}, equity {exact(found.bot)}"
    later = (
        "" if not found.later else f"; {counted(found.later, 'execution')} of the bot came after that, and will be compared later"
    )
    if not found.differences:
        return f"{until}no difference: {sums} = {exact(found.backtest)}{later}"
    sign = "=" if found.bot == found.backtest else "and not"
    own = sum(not each.follows for each in found.differences)
    follow = len(found.differences) - own
    rest = f", {follow:,} of them only {'follows' if follow == 1 else 'follow'} from others" if follow else ""
    return f"{until}{counted(len(found.differences), 'difference')}{rest}; {sums} {sign} {exact(found.backtest)}{later}"
