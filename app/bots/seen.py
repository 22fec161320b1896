"""A bot as the page sees it: what is stored of it, and what its runner said last; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.words import Feed, tape_label
from db.repositories.bot_pages import BotLine
from market.timeframe import DAY_US
from trading.bots.health import Verdict, facts_of, verdict
from trading.bots.rescue import excuse
from trading.bots.words import gain, has_runner, state_of, why_of

Live = Mapping[str, Any]
"""What a runner says of a bot, see `db.bus.BOT_STATUS_CHANNEL`."""

_SILENT = {"stale", "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A bot at one moment; amounts are in its quote currency.

    Attributes:
        line: What is stored of it.
        live: What its runner says; None where none has it, or nobody could be asked.
        verdict: How it is.
        label: `SYNTHETIC` or `REPLAY` where it trades no venue's live prices.
        at_us: When it was looked at, by the clock of this computer.
    """

    line: BotLine
    live: Live | None
    verdict: Verdict
    label: str | None
    at_us: int

    @property
    def id(self) -> str:
        """Its id."""
        return self.line.bot.id

    @property
    def config(self) -> dict[str, Any]:
        """What it does, as its file said last when it could be used."""
        return self.line.bot.config

    @property
    def symbols(self) -> list[str]:
        """What it trades."""
        return list(self.config.get("symbols", ()))

    @property
    def quote(self) -> str:
        """The quote currency of all its symbols."""
        return next((each.partition("-")[2].partition("-")[0] for each in self.symbols), "")

    @property
    def state(self) -> str:
        """What it does, and how it is where that is something else: `running (late)`."""
        return state_of(self._told(), self.verdict)

    @property
    def why(self) -> str:
        """Why; empty where the state says it all."""
        return why_of(self._told(), self.verdict, self.line.clock_us)

    @property
    def acted_until_us(self) -> int | None:
        """Close of the last minute that it acted on."""
        stored = self.line.bot.acted_until_us
        return int(self.live["acted_until_us"]) if self._is_newer and self.live is not None else stored

    @property
    def equity(self) -> Decimal | None:
        """What its account is worth."""
        if self._is_newer and self.live is not None:
            return Decimal(repr(float(self.live["equity"])))
        return self.line.bot.equity

    @property
    def profit(self) -> Decimal | None:
        """What its account gained since it began."""
        return _minus(self.equity, self.line.begun_with)

    @property
    def gain(self) -> float | None:
        """The same as a fraction."""
        return gain(self.equity, self.line.begun_with)

    @property
    def today(self) -> Decimal | None:
        """What its account gained in the UTC day, by the market's time, in which it acted last; None of one that is over."""
        acted_us = self.line.bot.acted_until_us
        is_now = acted_us is not None and (self.line.bot.wanted == "running" or day_of(acted_us) == day_of(self.line.clock_us))
        begun = self.line.begun_with if self.line.day_equity is None else self.line.day_equity
        return _minus(self.equity, begun) if is_now else None

    @property
    def exposure(self) -> dict[str, float]:
        """Value of what is held by symbol, below 0 for short."""
        if self._is_newer and self.live is not None:
            return {symbol: float(value) for symbol, value in self.live["exposure"].items()}
        return self.line.bot.exposure or {}

    @property
    def silent_us(self) -> int | None:
        """For how long its runner has said nothing of it; None where none has it."""
        if self.live is not None:
            return max(0, self.at_us - int(self.live["at_us"]))
        beats = self.line.bot.heartbeat_us is not None and has_runner(self.line.bot, self.line.clock_us)
        return max(0, self.line.clock_us - (self.line.bot.heartbeat_us or 0)) if beats else None

    @property
    def _is_newer(self) -> bool:
        stored = self.line.bot.acted_until_us
        return self.live is not None and int(self.live["acted_until_us"]) >= (stored or 0)

    def _told(self) -> Any:
        bot = self.line.bot
        return bot if self.live is None else replace(bot, state=self.live["state"], reason=self.live["reason"])


def seen(line: BotLine, live: Live | None, feeds: Mapping[str, Feed], *, at_us: int) -> Seen:
    """Return a bot as it is.

    Args:
        line: What is stored of it, read a while ago.
        live: What Redis has of it; None for nothing.
        feeds: Those that are known, by symbol.
        at_us: Now, by the clock of this computer.
    """
    bot = line.bot
    live = live if bot.wanted == "running" and bot.state != "parked" and has_runner(bot, line.clock_us) else None
    labels = [tape_label(symbol, feeds.get(symbol)) for symbol in bot.config.get("symbols", ())]
    label = next((each for each in labels if each is not None), None)
    return Seen(line=line, live=live, verdict=_verdict(line, live, feeds), label=label, at_us=at_us)


def day_of(moment_us: int) -> int:
    """Return the number of the UTC day of a minute by its close; midnight closes the day before."""
    return (moment_us - 1) // DAY_US


def _verdict(line: BotLine, live: Live | None, feeds: Mapping[str, Feed]) -> Verdict:
    bot, now_us = line.bot, line.clock_us
    silent = [symbol for symbol in bot.config.get("symbols", ()) if feeds.get(symbol, {}).get("state") in _SILENT]
    trouble = f"the feed of {silent[0]} is {feeds[silent[0]]['state']}" if silent else ""
    facts = facts_of(bot, owed_us=line.owed_us, trouble=trouble, blocked=excuse(bot, now_us))
    if live is not None:  # who speaks is alive, and what it acted on it does not owe
        owed_us = facts.owed_us if int(live["acted_until_us"]) <= (bot.acted_until_us or 0) else None
        facts = replace(facts, state=live["state"], reason=live["reason"], heartbeat_us=now_us, owed_us=owed_us)
    return verdict(facts, now_us)


def _minus(value: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if value is None or before is None else value - before
