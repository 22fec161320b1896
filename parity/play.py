"""How a tape is played: bots are started, one runner takes over from another, and all of it is waited for to the end."""

from collections.abc import Callable

from db import child
from db.bot_rows import StoredBot
from market.clock import isoformat, monotonic
from market.timeframe import BASE, parse_timeframe
from parity.chain import Chain, ChainBroken
from parity.tapes import Played
from simulation.truth import is_reached, true_trades

FIRST, SECOND = "first", "second"
_SECOND_AT, _LATE_AT, _KILL_AT = 0.3, 0.4, 0.5
_BOTS_SECONDS, _AFTER_SECONDS = 120.0, 150.0


def play(chain: Chain, played: Played, bots: int) -> None:
    """Play a tape until every bot acted on all of it.

    Args:
        chain: Its processes, none started yet; the files of the bots are in their folder.
        played: The tape.
        bots: How many there are.

    Raises:
        ChainBroken: If a process ended, or something was not reached in time; it says what.
    """
    chain.start_runner(FIRST)
    _wait(chain, lambda: len(chain.db.bots.list()) == bots, _BOTS_SECONDS, lambda: "not all files of bots were read")
    chain.start_feed()
    begun = monotonic()
    _pause(chain, begun + _SECOND_AT * played.seconds)
    if played.kill:
        chain.start_runner(SECOND)
    _pause(chain, begun + _LATE_AT * played.seconds)
    late = [bot.id for bot in chain.db.bots.list() if bot.wanted != "running"]
    chain.db.bots.wish("running", late, by="parity")
    if played.kill:
        _pause(chain, begun + _KILL_AT * played.seconds)
        chain.kill(FIRST)
    patience = played.seconds + _AFTER_SECONDS
    _wait(chain, chain.is_over, patience, lambda: "the tape did not come to its end")
    _wait(chain, lambda: not _lacking(chain, played), _AFTER_SECONDS, lambda: "; ".join(_lacking(chain, played)))
    _wait(chain, lambda: not _behind(chain), _AFTER_SECONDS, lambda: "; ".join(_behind(chain)))
    for runner in (FIRST, SECOND):
        chain.stop(runner)


def _lacking(chain: Chain, played: Played) -> list[str]:
    """Return in words what of the tape is not stored yet."""
    found = []
    for symbol in played.symbols:
        last, mark = true_trades(played.source, symbol, played.source.channel)[-1], chain.db.watermarks.get(symbol)
        if mark is None or not is_reached(mark, last):
            found.append(f"trade {last.trade_id} of {symbol} is not stored")
    holes = chain.db.gaps.list(state="open")
    return found + [f"a hole of {hole.symbol} from {isoformat(hole.start_us)} on is open" for hole in holes]


def _behind(chain: Chain) -> list[str]:
    """Return in words which bots did not act on all that is settled."""
    return [
        f"bot {bot.id} is {bot.state} ({bot.reason or 'without a reason'}), acted until "
        f"{bot.acted_until_us and isoformat(bot.acted_until_us)}, wanted is {isoformat(wanted)}"
        for bot in chain.db.bots.list()
        if (bot.acted_until_us or 0) < (wanted := _settled(chain, bot))
    ]


def _settled(chain: Chain, bot: StoredBot) -> int:
    """Return the last close of a candle behind which a bot has to have acted."""
    closes = []
    for symbol in bot.config["symbols"]:
        stored = chain.db.market_data.get_series(symbol, BASE).columns
        closes.append(int(stored["timestamp"][stored["complete"] != 0].max(initial=0)))
    return parse_timeframe(bot.config["timeframe"]).open_of(min(closes))


def _pause(chain: Chain, until: float) -> None:
    _wait(chain, lambda: monotonic() >= until or chain.is_over(), until - monotonic() + 1.0, lambda: "time does not pass")


def _wait(chain: Chain, condition: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
    """Wait for a condition while all processes run.

    Raises:
        ChainBroken: If it does not come.
    """

    def look() -> bool:
        chain.check()
        return condition()

    if not child.wait_until(look, max(seconds, 0.0)):
        said = "\n".join(chain.log(name) for name in (FIRST, SECOND, "worker"))
        raise ChainBroken(f"after {seconds:.0f} s {why()}\n{said}")
