"""How bots compare with backtests over the same time: found out in the background by a process apart, kept for some minutes."""

from pathlib import Path
from typing import TYPE_CHECKING

from app.data.background import LIMIT_SECONDS, Done, Failed, Key, Pending, background, peek
from app.data.connections import known, settings, url_of
from db.bot_rows import StoredBot

if TYPE_CHECKING:
    from trading.bots.explain import Explanation

_LIMIT_SECONDS = int(LIMIT_SECONDS) - 5  # so that it says itself why there is no answer


def explanation(bot: StoredBot) -> "Pending | Done[Explanation] | Failed":
    """Return how a bot compares with a backtest, or that this is being found out."""
    url, folder = known(url_of("database")), settings().strategies
    return background(key_of(bot), lambda: _explained(url, bot.id, folder))


def under_way(bot: StoredBot) -> Pending | Done[object] | Failed | None:
    """Return how far that is; None where nobody asked lately."""
    return peek(key_of(bot))


def key_of(bot: StoredBot) -> Key:
    """Return under which key it is kept: that of its account, and of what it is told to do."""
    return ("explain", url_of("database"), bot.id, bot.created_us, bot.run, bot.config_digest)


def _explained(url: str, bot: str, folder: Path) -> "Explanation":
    """Return the comparison.

    Raises:
        InputError: If it cannot be compared.
    """
    from research.explained_apart import compare_apart  # noqa: PLC0415 - nobody may ask

    return compare_apart(url, bot, folder, limit_seconds=_LIMIT_SECONDS)
