"""Fifty bots in every state, with accounts that traded on the stored candles: real brokers and ledgers, bar by bar."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import sqlalchemy as sa

from db import DatabaseOperations
from db.bot_rows import EventRow, SignalRow, StoredBot, Written
from market.timeframe import DAY_US
from tests.app.full.candles import PRICES, TICK
from trading.bots.account import Account
from trading.bots.config import as_dict, digest, from_dict
from trading.bots.loading import plan_of
from trading.bots.orders import Moment
from trading.position import Bar
from trading.registry import Registry
from trading.rules import Listing

BOTS, RUNNER = 50, "full"
LEASE_SECONDS = 30 * 86_400
STRATEGIES: dict[str, dict[str, Any]] = {
    "sma_cross": {"fast": 5, "slow": 20},
    "ema_cross": {"fast": 4, "slow": 12},
    "rsi": {"period": 7},
    "bollinger_reversion": {"period": 14},
    "donchian_breakout": {"enter": 12, "leave": 6},
}
WIDTHS = ("1m",) * 4 + ("5m",) * 16 + ("15m",) * 15 + ("1h",) * 15
AT_ONCE = 5

# How some of them are; all others run.
LEFT = {
    3: ("crashed", "ValueError: no such price", 600.0),
    13: ("crashed", "the strategy took longer than 5 s", 60.0),
    23: ("parked", "crashed 3 times within an hour", None),
    33: ("parked", "an account that is worth nothing", None),
}
SAID = {
    7: ("catching-up", "1,440 minutes behind"),
    17: ("catching-up", "30 minutes behind"),
    27: ("waiting", "a hole in OKX:BTC-USDT is open"),
    37: ("waiting", "no new minute of KRAKEN:BTC-USD"),
}
STOPPED, NEVER, BROKEN = (5, 15, 25), (45, 46, 47), (2, 12)


def fill_bots(database: DatabaseOperations, start_us: int, end_us: int) -> None:
    """Store the bots and what they did between two moments."""
    configs = [config_of(number) for number in range(BOTS)]
    for number, config in enumerate(configs):
        values, same = as_dict(from_dict(config)), digest(from_dict(config))
        file = f"config/bots/{config['id']}.json"
        database.bots.put_config(config["id"], values, digest=same, file=file, autostart=number not in NEVER)
    taken = {bot.id: bot for bot in database.bots.take(RUNNER, most=BOTS, seconds=LEASE_SECONDS)}
    steps = [step_of(database, taken[config["id"]], start_us, end_us) for config in configs if config["id"] in taken]
    for number in range(0, len(steps), AT_ONCE):
        written = database.bots.write(steps[number : number + AT_ONCE])
        assert len(written) == len(steps[number : number + AT_ONCE])
    _settle(database, [config["id"] for config in configs], taken)
    with database.engine.begin() as connection:  # as if they had happened one after another
        connection.execute(
            sa.text(
                "update bot_events set at = at - (select max(id) from bot_events) * :apart + id * :apart",
            ),
            {"apart": _apart(connection, end_us - start_us)},
        )


def config_of(number: int) -> dict[str, Any]:
    """Return the configuration of a bot."""
    strategy, symbol = list(STRATEGIES)[number % len(STRATEGIES)], list(PRICES)[number % len(PRICES)]
    name = symbol.lower().replace(":", "-")
    stops = {"stop_loss": 0.03} if number % 2 else {"trailing_stop": 0.02}
    return {
        "id": f"{strategy.replace('_', '-')}-{name}-{number:02}", "name": f"{strategy} on {symbol}", "strategy": strategy,
        "parameters": STRATEGIES[strategy], "symbols": [symbol], "timeframe": WIDTHS[number], "balance": "10000",
        "sizing": {"kind": "fraction", "size": 0.5}, "stops": stops if number % 4 else {},
    }  # fmt: skip


def step_of(database: DatabaseOperations, bot: StoredBot, start_us: int, end_us: int) -> Written:
    """Return what a bot did between two moments, as one step of it."""
    config = from_dict(bot.config)
    strategy = Registry().create(config.strategy, config.parameters)
    plan, symbol = plan_of(config, strategy.lookback), config.symbols[0]
    data = database.market_data.get_candles(symbol, plan.timeframe, start_us, end_us)
    targets = strategy.targets(data.set_index("timestamp"))
    account = Account(plan.rules, {symbol: Listing(tick=TICK)}, config.balance, at_us=start_us)
    performance, signals = [account.value(start_us)], []
    for row, target in zip(_bars(data), targets.tolist(), strict=True):
        at_us, bar, revision = row
        moment = Moment(at_us, caught_up=False)
        account.trade([bar], [revision], moment)
        acted = account.decide([bar], [target], None, moment, day=(at_us - 1) // DAY_US)[0]
        signals.append(_signal(symbol, row, target, acted=acted))
        performance.append(account.value(at_us))
    rows, value = account.take_rows(), performance[-1]
    state = {**account.state(), "begins_us": start_us, "timeframe": config.timeframe, "cut": [False]}
    return Written(
        bot=bot.id, run=bot.run, epoch=bot.lease_epoch, account=state, acted_until_us=value.timestamp_us, state="running",
        reason="", equity=value.equity, cash=value.cash, exposure=account.exposure,
        **{**rows._asdict(), "signals": signals, "performance": performance},
    )  # fmt: skip


def _bars(data: Any) -> Iterator[tuple[int, Bar, int]]:
    stamps = data["timestamp"].astype("int64").tolist()
    columns = [data[name].tolist() for name in ("open", "high", "low", "close", "volume")]
    for at_us, revision, *bar in zip(stamps, data["revision"].tolist(), *columns, strict=True):
        yield at_us, Bar(*bar), revision


def _signal(symbol: str, row: tuple[int, Bar, int], target: float, *, acted: bool) -> SignalRow:
    at_us, bar, revision = row
    wanted = None if np.isnan(target) else target
    action = "buy" if acted and wanted else "sell" if acted else "hold"
    return SignalRow(
        symbol=symbol, timestamp_us=at_us, action=action, confidence=0.0 if wanted is None else 1.0, target=wanted,
        price=bar.close, indicators={"close": bar.close, "target": wanted}, reason="", acted=acted,
        outcome="acted on" if acted else "the strategy warms up" if wanted is None else "nothing to do", revision=revision,
        caught_up=False,
    )  # fmt: skip


def _settle(database: DatabaseOperations, ids: list[str], taken: dict[str, StoredBot]) -> None:
    """Bring bots into the states that they are in."""
    for number, (state, reason, retry_seconds) in LEFT.items():
        bot = ids[number]
        event = EventRow(kind=state, text=f"{state}: {reason}", details={"reason": reason})
        database.bots.release(
            bot, taken[bot].lease_epoch, state=state, reason=reason, retry_seconds=retry_seconds, event=event
        )  # fmt: skip
    database.bots.set_states({ids[number]: (taken[ids[number]].lease_epoch, *said) for number, said in SAID.items()})
    for number in STOPPED:
        database.bots.release(ids[number], taken[ids[number]].lease_epoch, state="stopped", reason="")
    database.bots.wish("stopped", [ids[number] for number in STOPPED], by="the page")
    for number in BROKEN:
        database.bots.note_problem(ids[number], f"{ids[number]}.json: line 3: parameters.fast is 'x'; expected was a whole number")


def _apart(connection: sa.Connection, span_us: int) -> Any:
    """Return how far apart events are, so that all of them fit into a span."""
    events = connection.scalar(sa.text("select max(id) from bot_events")) or 1
    return connection.scalar(sa.text("select :us * interval '1 microsecond'"), {"us": Decimal(span_us // events)})
