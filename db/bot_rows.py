"""What bots write, as values; times are UTC epoch microseconds, amounts of the ledger are Decimal in the quote currency."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBot:
    """A bot: what is wanted of it, and what it does.

    Attributes:
        id: Lower case letters, digits, `-` and `_`.
        config: As the file said it last when it could be used.
        config_digest: Of that.
        config_file: Its path.
        config_us: When that was taken over.
        problem: Why the file cannot be used as it is now; None where it can.
        wanted: `running` or `stopped`.
        from_now: Whether its start skips the candles that were missed.
        state: `stopped`, `starting`, `catching-up`, `running`, `waiting`, `crashed` or `parked`.
        reason: Why, in words; empty where the state says it all.
        state_us: Since when.
        run: Number of its account, from 1.
        acted_until_us: Close of the last minute that it acted on; None before the first.
        account: All that its account needs to go on; None before the first minute.
        equity: At that minute; None before.
        cash: Likewise.
        exposure: Value of what is held by symbol, below 0 for short.
        lease_owner: Which runner has it; None where none does.
        lease_epoch: Of its newest lease, 0 before the first.
        lease_until_us: When that ends unless it is renewed.
        heartbeat_us: When its runner last found it well.
        retry_us: Not to be started again before; None for at once.
        created_us: When it was registered: another one of the same id is another bot.
    """

    id: str
    config: dict[str, Any]
    config_digest: str
    config_file: str
    config_us: int = 0
    problem: str | None = None
    wanted: str = "stopped"
    from_now: bool = False
    state: str = "stopped"
    reason: str = ""
    state_us: int = 0
    run: int = 1
    acted_until_us: int | None = None
    account: dict[str, Any] | None = None
    equity: Decimal | None = None
    cash: Decimal | None = None
    exposure: dict[str, float] | None = None
    lease_owner: str | None = None
    lease_epoch: int = 0
    lease_until_us: int | None = None
    heartbeat_us: int | None = None
    retry_us: int | None = None
    created_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A bot that its runner still has.

    Attributes:
        id: Of the bot.
        wanted: `running` or `stopped`.
        config_digest: Of its configuration as it is now.
    """

    id: str
    wanted: str
    config_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotExposure:
    """What a bot holds, for limits across bots.

    Attributes:
        id: Of the bot.
        exposure: Value of what is held by symbol, in its quote currency, below 0 for short.
        equity: When it last acted; None before the first minute.
    """

    id: str
    exposure: dict[str, float]
    equity: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """What a strategy said after a candle, and what became of it.

    Attributes:
        symbol: `EXCHANGE:BASE-QUOTE`.
        timestamp_us: Close of the candle.
        action: `buy`, `sell`, `hold`, or `refused` for what is no signal.
        confidence: 0 to 1; None of what was refused.
        target: Wanted position; None where only the action speaks.
        price: Close of the candle.
        indicators: By name; None while one warms up.
        reason: What the strategy says.
        acted: Whether an order came of it.
        outcome: What came of it; why nothing, where nothing did.
        revision: Sum of the revisions of the minutes of its candle.
        caught_up: Whether newer candles were there when it was acted on.
    """

    symbol: str
    timestamp_us: int
    action: str
    confidence: float | None
    target: float | None
    price: float | None
    indicators: dict[str, float | None]
    reason: str
    acted: bool
    outcome: str
    revision: int
    caught_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order; one that comes again with the same number is newer.

    Attributes:
        number: From 1 in each account.
        symbol: `EXCHANGE:BASE-QUOTE`.
        kind: `market`, `limit`, `stop`, `take-profit` or `trailing-stop`.
        side: `buy` or `sell`.
        target: The position that it works towards; None of what only leaves one.
        price: Of a limit order.
        state: `working`, `filled`, `cancelled` or `refused`.
        reason: Why it was made, or how it ended.
        filled: So much of it, in the base currency.
        value: Of what was filled.
        made_us: Time of the market at which it was made.
        ended_us: At which it ended; None while it works.
        caught_up: As of signals.
    """

    number: int
    symbol: str
    kind: str
    side: str
    target: float | None
    price: Decimal | None
    state: str
    reason: str
    filled: Decimal
    value: Decimal
    made_us: int
    ended_us: int | None
    caught_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """A virtual execution.

    Attributes:
        number: From 1 in each account.
        order: Number of its order.
        symbol: `EXCHANGE:BASE-QUOTE`.
        timestamp_us: Close of the minute inside which it was filled.
        side: `buy` or `sell`.
        price: In the quote currency.
        size: In the base currency, above 0.
        value: Price times size.
        fee: In the quote currency; below 0 where the venue pays one.
        profit: What the part of a position that it closed gained, before fees; None where it closed nothing.
        position: Held afterwards, in the base currency, below 0 for short.
        cash: Afterwards.
        reason: `entry`, `target-changed`, `stop-loss`, `take-profit`, `trailing-stop`, `time`, `protection` or `hole`.
        revision: Of the minute.
        caught_up: As of signals.
    """

    number: int
    order: int
    symbol: str
    timestamp_us: int
    side: str
    price: Decimal
    size: Decimal
    value: Decimal
    fee: Decimal
    profit: Decimal | None
    position: Decimal
    cash: Decimal
    reason: str
    revision: int
    caught_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingRow:
    """A line of the ledger: those of one entry add up to 0.

    Attributes:
        entry: From 1 in each account.
        account: `capital`, `cash`, `position SYMBOL`, `fees` or `profit`.
        amount: In the quote currency; what an account has more is above 0.
        trade: Number of the execution; None of the capital.
        timestamp_us: Time of the market.
    """

    entry: int
    account: str
    amount: Decimal
    trade: int | None
    timestamp_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRow:
    """What an account was worth.

    Attributes:
        timestamp_us: Close of the minute.
        equity: Cash and what is held, at its last price.
        cash: What came for short positions is in it.
        exposure: Value of all that is held, without sign.
        fees: Paid so far.
        profit: Of all that was closed so far, before fees.
        drawdown: Fall from the highest equity, a fraction of it.
    """

    timestamp_us: int
    equity: Decimal
    cash: Decimal
    exposure: Decimal
    fees: Decimal
    profit: Decimal
    drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that happened to a bot.

    Attributes:
        kind: One word: `created`, `configured`, `leased`, `started`, `caught-up`, `waiting`, `going-on`, `stopped`, `crashed`,
            `restarted`, `parked`, `stop-hit`, `daily-loss`, `refused`, `hole`, `problem`, `reset`, `lost`.
        text: A sentence.
        details: What else there is to know.
        at_us: When, by the clock of the database; 0 in one that is to be written.
        bot: Whose; None for what concerns all.
        epoch: Of the lease, 0 without one.
        id: Its number; 0 in one that is to be written.
    """

    kind: str
    text: str
    details: dict[str, Any] = field(default_factory=dict)
    at_us: int = 0
    bot: str | None = None
    epoch: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one or more steps of a bot lead to; all of it is written in one transaction, or none.

    Attributes:
        bot: Whose.
        run: Of which account.
        epoch: Under which lease; a newer lease of the bot refuses it.
        account: All that the account needs to go on behind it.
        acted_until_us: Close of the last minute that was acted on.
        state: In which the bot is now.
        reason: Why.
        equity: At that minute.
        cash: Likewise.
        exposure: Value of what is held by symbol.
        signals: And so on: new rows, oldest first. An order replaces the one with its number.
    """

    bot: str
    run: int
    epoch: int
    account: dict[str, Any]
    acted_until_us: int
    state: str
    reason: str
    equity: Decimal
    cash: Decimal
    exposure: dict[str, float]
    signals: list[SignalRow] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    trades: list[TradeRow] = field(default_factory=list)
    postings: list[PostingRow] = field(default_factory=list)
    performance: list[PerformanceRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
