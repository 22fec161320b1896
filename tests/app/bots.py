"""Bots for the tests of the page: their files, and what a runner would have left of them in the stores."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
from redis import Redis

from app.bots.text import Tree, text_of
from db import DatabaseOperations
from db.bot_rows import SignalRow, Written
from db.bus import BOT_KEY
from market.clock import now_us
from market.timeframe import DAY_US, MINUTE_US
from tests.app.samples import START_US, SYMBOL
from trading.bots.account import Account
from trading.bots.config import BotConfig, as_dict, digest, from_dict
from trading.bots.orders import Moment
from trading.position import Bar
from trading.rules import Listing

TREE: Tree = {
    "id": "ema-btc", "name": "EMA cross", "strategy": "ema_cross", "parameters": {"fast": 5, "slow": 12}, "symbols": [SYMBOL],
    "timeframe": "1m", "balance": 10_000,
}  # fmt: skip
SIGNAL = SignalRow(
    symbol=SYMBOL, timestamp_us=START_US, action="buy", confidence=0.75, target=1.0, price=101.5,
    indicators={"fast": 101.25, "slow": 100.5, "rsi": 71.0}, reason="fast over slow", acted=True, outcome="order 1", revision=0,
    caught_up=False,
)  # fmt: skip


def config(**changes: object) -> BotConfig:
    return from_dict({**TREE, **changes})


class Bots:
    """What runners leave of bots."""

    def __init__(self, database: DatabaseOperations, redis_url: str, folder: Path) -> None:
        self._database, self._redis, self.folder = database, Redis.from_url(redis_url), folder

    def file(self, **changes: object) -> Path:
        tree = {**TREE, **changes}
        path = self.folder / f"{tree['id']}.json"
        path.write_text(text_of(tree))
        return path

    def known(self, *, run: bool = False, **changes: object) -> BotConfig:
        """Store a bot as a runner does that saw its file."""
        one = config(**changes)
        path = self.file(**changes)
        self._database.bots.put_config(one.id, as_dict(one), digest=digest(one), file=str(path), autostart=run)
        return one

    def traded(self, *, minutes: int = 5, **changes: object) -> BotConfig:
        """Store a bot that bought in the second minute of its account, and what it wrote until the last one."""
        one = self.known(run=True, **changes)
        account = Account(one.rules(), {SYMBOL: Listing(tick=0.1, lot=0.001)}, one.balance, at_us=START_US)
        rows = account.take_rows()
        for minute in range(minutes):
            moment = Moment(START_US + (minute + 1) * MINUTE_US, False)
            bar = Bar(100.0 + minute, 101.0 + minute, 99.0 + minute, 100.5 + minute, 1e6)
            account.trade([bar], [0], moment)
            account.decide([bar], [1.0], None, moment, day=moment.at_us // DAY_US)
            account.rows.performance.append(account.value(moment.at_us))
            signal = replace(SIGNAL, timestamp_us=moment.at_us, acted=minute == 0, action="buy" if minute % 2 == 0 else "sell")
            account.rows.signals.append(signal)
        rows = type(rows)(*(before + after for before, after in zip(rows, account.take_rows(), strict=True)))
        self.write(one, account, rows._asdict(), START_US + minutes * MINUTE_US)
        return one

    def write(self, one: BotConfig, account: Account, rows: dict[str, list], until_us: int) -> None:
        [stored] = self._database.bots.take("a runner", most=1, seconds=60, only=[one.id])
        equity, cash = account.ledger.equity(account.marks), account.ledger.cash
        state = {**account.state(), "begins_us": START_US}
        step = Written(
            bot=one.id, run=1, epoch=stored.lease_epoch, account=state, acted_until_us=until_us, state="running",
            reason="", equity=equity, cash=cash, exposure=account.exposure, **rows,
        )  # fmt: skip
        assert self._database.bots.write([step]) == {one.id}

    def tells(self, bot: str, **changes: object) -> None:
        """Let the runner of a bot say what it does."""
        state = {
            "bot": bot, "state": "running", "reason": "", "acted_until_us": START_US + 9 * MINUTE_US, "at_us": now_us(),
            "equity": 12_345.5, "cash": "1.5", "exposure": {SYMBOL: 12_344.0}, **changes,
        }  # fmt: skip
        self._redis.set(BOT_KEY.format(bot_id=bot), msgspec.json.encode(state))

    def close(self) -> None:
        self._redis.close()


def balance_of(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))
