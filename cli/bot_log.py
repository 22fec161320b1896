"""Prints what happened to a bot, in the order in which it was written, and goes on as more is."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from cli.bot_words import event_text, exact, iso, moment, shortened
from db.bot_rows import EventRow, SignalRow, TradeRow
from market.errors import InputError, StoreUnreachable, did_you_mean

if TYPE_CHECKING:
    from db.operations import DatabaseOperations
    from db.repositories.bot_reports import Happened
    from settings import Settings

EVENTS = (
    *("created", "configured", "problem", "started", "stopped", "leased", "caught-up", "skipped", "waiting", "going-on", "crashed"),
    *("restarted", "parked", "stop-hit", "daily-loss", "refused", "hole", "reset", "lost"),
)
KINDS = ("event", "signal", "trade", *EVENTS)
_AGAIN_US = 30_000_000  # what was written late in a long transaction has an earlier time
_ENOUGH, _LOOK_SECONDS = 1_000_000, 1.0


def refuse_unknown(kinds: Sequence[str]) -> None:
    """Refuse kinds that there are not.

    Raises:
        InputError: If one is none; it says which was meant.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"--kind {kind!r} is not one of {', '.join(KINDS)}{did_you_mean(kind, list(KINDS))}")


class Log:
    """What happened to one bot.

    Args:
        db: The store.
        bot: Which bot.
        kinds: Only what is of these; empty for all.

    Raises:
        InputError: If there is no such bot.
    """

    def __init__(self, db: "DatabaseOperations", bot: str, kinds: Sequence[str]) -> None:
        db.bots.get(bot)
        self._db, self._bot, self._kinds = db, bot, set(kinds)
        self._seen: dict[tuple[object, ...], int] = {}
        self._newest_us: int | None = None

    def newest(self, count: int) -> "list[Happened]":
        """Return the newest so many, oldest first; what was written before them is left out of `more`, too."""
        with self._db.transaction() as store:
            store.bots.snapshot()
            asked, read = count, store.bots.happened(self._bot, newest=count)
            while len(read) == asked < _ENOUGH and len(self._of_kinds(read)) < count:
                asked *= 8  # most of them are of other kinds
                read = store.bots.happened(self._bot, newest=asked)
            self._newest_us = max((each.at_us for each in read), default=None)
            if self._newest_us is not None:
                lately = store.bots.happened(self._bot, after_us=self._newest_us - _AGAIN_US)
                self._seen = {each.key: each.at_us for each in lately}
        return self._of_kinds(read)[-count:]

    def more(self) -> "list[Happened]":
        """Return what was written since the last call, oldest first."""
        after_us = None if self._newest_us is None else self._newest_us - _AGAIN_US
        fresh = [each for each in self._db.bots.happened(self._bot, after_us=after_us) if each.key not in self._seen]
        if fresh:
            self._newest_us = max(self._newest_us or 0, *(each.at_us for each in fresh))
            self._seen |= {each.key: each.at_us for each in fresh}
            self._seen = {key: at_us for key, at_us in self._seen.items() if at_us > self._newest_us - 2 * _AGAIN_US}
        return self._of_kinds(fresh)

    def _of_kinds(self, found: "Sequence[Happened]") -> "list[Happened]":
        return [each for each in found if not self._kinds or self._kinds.intersection(kinds_of(each))]


def follow(log: Log, wake: Iterator[object], say: "Callable[[Sequence[Happened]], None]") -> None:
    """Say what is written from now on, until Ctrl-C; while the database is away it is waited for.

    Args:
        log: Of the bot.
        wake: Yields when there may be something new.
        say: Prints it.
    """
    away = False
    with suppress(KeyboardInterrupt):
        for _ in wake:
            try:
                say(log.more())
            except StoreUnreachable as error:
                if not away:
                    click.echo(f"tcpdash: {error}; it is waited for", err=True)
                away = True
            else:
                away = False


def waking(settings: "Settings", bot: str) -> Iterator[object]:
    """Yield once a second, and as soon as Redis says that a bot did something; without Redis only the former."""
    from db.bus import BOT_SIGNALS_CHANNEL, BOT_STATUS_CHANNEL, Bus
    from db.home import running_state

    running = (running_state(settings.home) or {}).get("redis", {}).get("url")
    url = running if settings.redis.url is None else settings.redis.url.get_secret_value()
    if url is None:
        while True:
            yield None
            time.sleep(_LOOK_SECONDS)
    channels = [channel.format(bot_id=bot) for channel in (BOT_SIGNALS_CHANNEL, BOT_STATUS_CHANNEL)]
    yield from Bus(url).subscribe(*channels, quiet_seconds=_LOOK_SECONDS)


def lines(found: "Sequence[Happened]") -> None:
    """Print it for people, a line each."""
    for each in found:
        click.echo(line_of(each))


def lines_as_json(found: "Sequence[Happened]") -> None:
    """Print it as JSON, an object a line."""
    import msgspec

    for each in found:
        click.echo(msgspec.json.encode(fields_of(each)))


def kinds_of(each: "Happened") -> tuple[str, ...]:
    """Return the kinds under which something is found."""
    if isinstance(each.row, SignalRow):
        return ("signal",)
    return ("trade",) if isinstance(each.row, TradeRow) else ("event", each.row.kind)


def line_of(each: "Happened") -> str:
    """Return it for people: when it was written, what it is, and what it says."""
    return f"{moment(each.at_us)}  {kinds_of(each)[-1]:<10}  {_words(each.row)}"


def fields_of(each: "Happened") -> dict[str, Any]:
    """Return it as JSON has it."""
    from cli.bot_show import row

    return {"written_at": iso(each.at_us), **row(each.row), "kind": kinds_of(each)[-1]}


def _words(row: EventRow | SignalRow | TradeRow) -> str:
    if isinstance(row, EventRow):
        return shortened(event_text(row), 300)
    late = ", caught up" if row.caught_up else ""
    if isinstance(row, TradeRow):
        profit = "" if row.profit is None else f", profit {exact(row.profit)}"
        what = f"{row.side} {exact(row.size)} at {exact(row.price)}, fee {exact(row.fee)}{profit} ({row.reason}{late})"
        return f"{row.symbol} {moment(row.timestamp_us)}: number {row.number}, {what}"
    wants = "" if row.target is None else f", wants {row.target:g}"
    reason = f" ({shortened(row.reason, 80)})" if row.reason else ""
    price = "" if row.price is None else f" at {row.price:.8g}"
    outcome = row.outcome or "nothing to do"
    return f"{row.symbol} {moment(row.timestamp_us)}: {row.action}{price}{wants}{reason}: {outcome}{late}"
