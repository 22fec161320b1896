"""When a bot that crashed is started again, and when it is not any more."""

from typing import TYPE_CHECKING

from db.bot_rows import EventRow

if TYPE_CHECKING:
    from db.store import Store

BUDGET = 3
"""So often within an hour."""
WITHIN_SECONDS = 3_600.0
_PAUSES = (2.0, 10.0, 30.0)


def pause_after(crashes: int) -> float | None:
    """Return after how many seconds a bot is started again that crashed so often within an hour; None parks it.

    Args:
        crashes: The newest one counts.
    """
    return _PAUSES[crashes - 1] if 1 <= crashes <= BUDGET else None


def charge(store: "Store", bot: str, epoch: int, why: str) -> str:
    """End the lease of a bot that crashed: it is started again after a pause, or parked where it crashed too often.

    Args:
        store: In the transaction of which all of it is done.
        bot: Its id.
        epoch: Of the lease; where that is another one by now, nothing is done.
        why: What happened.

    Returns:
        What was done, in words; empty for nothing.
    """
    count = store.bots.crashes(bot, within_seconds=WITHIN_SECONDS) + 1
    pause, event = pause_after(count), EventRow(kind="crashed", text=why, details={"within_an_hour": count})
    if pause is not None:
        done = f"restart {count} of {BUDGET} within an hour"
        reason = f"{why}; {done}"
        return done if store.bots.release(bot, epoch, state="crashed", reason=reason, retry_seconds=pause, event=event) else ""
    if not store.bots.release(bot, epoch, state="parked", reason=why, event=event):
        return ""
    text = f"crashed {count} times within an hour, the last time: {why}; `tcpdash bots start {bot}` starts it again"
    store.bots.add_event(EventRow(kind="parked", text=text, bot=bot))
    return "parked"
