"""Compares a bot with a backtest in a process of its own, for the pages: there a strategy may hang, crash or eat memory."""

from pathlib import Path
from typing import Any

import msgspec

from market.errors import InputError, PlatformError
from trading.apart import answer, ask_apart
from trading.bots.explain import Explanation

_MEMORY_MB = 1024


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which bot, of which database, with strategies of which folder."""

    bot: str
    url: str
    folder: str


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: an explanation, or why there is none."""

    explanation: Explanation | None = None
    problem: str = ""


def compare_apart(url: str, bot: str, folder: Path, *, limit_seconds: int) -> Explanation:
    """Return how a bot compares with a backtest; like `research.explained.compare_with_backtest`, but for where it runs.

    Args:
        url: Of the database.
        bot: Its id.
        folder: Of a user's own strategies.
        limit_seconds: How long it may take.

    Raises:
        InputError: If it cannot be compared, or there is no answer within the limit.
    """
    wanted = msgspec.json.encode(_Wanted(bot=bot, url=url, folder=str(folder)))
    said = ask_apart("research.explained_apart", wanted, limit_seconds=limit_seconds, memory_mb=_MEMORY_MB)
    try:
        told = msgspec.json.decode(said, type=_Told)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(
            f"its strategy ended the process that compares it, took longer than {limit_seconds} seconds, or wanted more than "
            f"{_MEMORY_MB:,} MB"
        ) from None
    if told.explanation is None:
        raise InputError(told.problem)
    return told.explanation


def _compared(wanted: _Wanted) -> _Told:
    from db import DatabaseOperations  # noqa: PLC0415 - who only asks does without all that a backtest needs
    from db.engine import create_engine  # noqa: PLC0415 - see above
    from research.explained import compare_with_backtest  # noqa: PLC0415 - see above
    from trading.registry import Registry, words_of  # noqa: PLC0415 - see above

    store = DatabaseOperations(create_engine(wanted.url, application_name="tcpdash explain"))
    try:
        return _Told(explanation=compare_with_backtest(store, wanted.bot, Registry(Path(wanted.folder))))
    except PlatformError as error:
        return _Told(problem=str(error))
    except MemoryError as error:
        return _Told(problem=f"it takes more than the {_MEMORY_MB:,} MB that it may have: {words_of(error)}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a user's code raises
        return _Told(problem=f"its strategy failed: {type(error).__name__}: {error}")


def _answer(wanted: bytes) -> bytes:
    said: Any = _compared(msgspec.json.decode(wanted, type=_Wanted))
    return msgspec.json.encode(said)


if __name__ == "__main__":
    answer(_answer)
