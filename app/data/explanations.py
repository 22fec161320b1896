"""How bots compare with backtests over the same time: found out in the background, kept for some minutes."""

from typing import TYPE_CHECKING

from app.data.background import Done, Failed, Key, Pending, background, peek
from app.data.connections import database_at, url_of
from app.data.strategies import strategies
from db import DatabaseOperations
from market.errors import InputError

if TYPE_CHECKING:
    from trading.bots.explain import Explanation
    from trading.registry import Registry


def explanation(bot: str) -> "Pending | Done[Explanation] | Failed":
    """Return how a bot compares with a backtest, or that this is being found out."""
    store, registry = database_at(url_of("database")), strategies()
    return background(key_of(bot), lambda: _explained(store, bot, registry))


def known(bot: str) -> Pending | Done[object] | Failed | None:
    """Return how far that is; None where nobody asked lately."""
    return peek(key_of(bot))


def key_of(bot: str) -> Key:
    """Return under which key it is kept."""
    return ("explain", url_of("database"), bot)


def _explained(store: DatabaseOperations, bot: str, registry: "Registry") -> "Explanation":
    """Return the comparison; whatever the code of a strategy raises becomes one sentence.

    Raises:
        InputError: If it cannot be compared.
    """
    from research.explained import compare_with_backtest  # noqa: PLC0415 - it compiles, and nobody may ask

    kind = registry.get(store.bots.get(bot).config["strategy"])
    try:
        return compare_with_backtest(store, bot, registry)
    except (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError, SystemExit) as error:
        if kind.file_text is None:
            raise
        raise InputError(f"strategy {kind.name} failed: {type(error).__name__}: {error}") from error
