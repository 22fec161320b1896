"""What a file of a bot says, as values: each field with its meaning, its bounds and its default."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from exchanges.fees import Fees as FeesOfVenue
from exchanges.fees import fees_of
from market.timeframe import BASE, Timeframe, parse_timeframe
from trading.fills import Slippage
from trading.rules import FillAt, Rules, Sizing

TIMEFRAMES = tuple(str(each) for each in Timeframe if each.width_us >= BASE.width_us)
"""Those that are made of whole minutes."""
LARGEST_BALANCE = 10**15
_MOST = 10**18
_ID_WORDS = "1 to 63 lower-case letters, digits, - and _, a letter or digit first"
_SYMBOL_WORDS = "EXCHANGE:BASE-QUOTE in upper case, for example OKX:BTC-USDT"

Id = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9][a-z0-9_-]{0,62}$",
        description="What the bot is called everywhere: lower-case letters, digits, - and _. No two files have the same.",
        examples=["ema-btc"],
        extra_json_schema={"x-expected": _ID_WORDS},
    ),
]
SymbolText = Annotated[
    str,
    Meta(
        pattern=r"^[^:\s-]+:[^:\s-]+(-[^:\s-]+)+$",
        description="EXCHANGE:BASE-QUOTE.",
        examples=["OKX:BTC-USDT"],
        extra_json_schema={"x-expected": _SYMBOL_WORDS},
    ),
]
Bars = Annotated[int, Meta(ge=0, le=_MOST)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Sizing_(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):  # noqa: N801 - Sizing is that of the rules
    """How large positions are."""

    kind: Annotated[
        Literal["fraction", "value", "volatility"],
        Meta(description="What `size` is: a fraction of equity, a value in the quote currency, or a yearly volatility to aim at."),
    ] = "fraction"
    size: Annotated[
        float, Meta(ge=0, le=_MOST, description="How large a position of target 1 is, as `kind` says.", examples=[0.5])
    ] = 1.0
    volatility_bars: Annotated[
        int, Meta(ge=2, le=10**6, description="Bars over which volatility is measured, where `kind` is volatility.")
    ] = 20
    short: Annotated[bool, Meta(description="Whether targets below 0 are sold short; else they are 0.")] = False
    leverage: Annotated[
        float, Meta(ge=0.01, le=100, description="Largest value of all positions together, as a multiple of equity.")
    ] = 1.0


class Orders(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How orders are made."""

    fill_at: Annotated[
        Literal["next-open", "close"],
        Meta(description="Where market orders are filled: at the open behind the candle that decided, or at its close."),
    ] = "next-open"
    limit_offset: Annotated[
        float,
        Meta(
            ge=0,
            le=0.99,
            description="Entries are limit orders so far from the close, a fraction of it; 0 for market orders.",
            examples=[0.001],
        ),
    ] = 0.0
    limit_bars: Annotated[int, Meta(ge=1, le=10**9, description="Bars after which an entry that was not filled is given up.")] = 1
    volume_share: Annotated[
        float,
        Meta(gt=0, le=1, description="Largest part of what was traded that orders may have; 1 is all of it, more is never filled."),
    ] = 1.0


class Fees(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an execution costs, as fractions of its value: 0.001 is 0.1 %."""

    maker: Annotated[
        float, Meta(ge=-0.01, le=0.1, description="Fee of limit orders; below 0 where the venue pays.", examples=[0.0008])
    ]
    taker: Annotated[float, Meta(ge=0, le=0.1, description="Fee of market and stop orders.", examples=[0.001])]


class Slippage_(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):  # noqa: N801 - Slippage is that of the fills
    """How much worse than the price of the candle market and stop orders are filled."""

    kind: Annotated[
        Literal["none", "basis-points", "spread", "impact"],
        Meta(
            description="What `amount` is: basis points, a spread in the quote currency, or the factor of an impact on the price."
        ),
    ] = "none"
    amount: Annotated[float, Meta(ge=0, le=_MOST, description="How much, as `kind` says.", examples=[2])] = 0.0


class Stops(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ends a position; 0 switches one off."""

    stop_loss: Annotated[
        float, Meta(ge=0, le=0.999, description="Loss from the average entry price, a fraction of it.", examples=[0.05])
    ] = 0.0
    take_profit: Annotated[
        float, Meta(ge=0, le=1_000, description="Gain from the average entry price, a fraction of it.", examples=[0.1])
    ] = 0.0
    trailing_stop: Annotated[
        float, Meta(ge=0, le=0.999, description="Loss from the best price since the entry, a fraction of it.", examples=[0.03])
    ] = 0.0
    time_exit: Annotated[Bars, Meta(description="Bars after which a position is ended.", examples=[48])] = 0


class Protections_(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):  # noqa: N801 - Protections are those of the broker
    """When the bot pauses; 0 switches one off."""

    cooldown_bars: Annotated[Bars, Meta(description="Bars without a new position after one was left.")] = 0
    guard_stops: Annotated[
        Bars, Meta(description="After so many stops within `guard_within_bars` there is no new position for `guard_pause_bars`.")
    ] = 0
    guard_within_bars: Annotated[Bars, Meta(description="See `guard_stops`.")] = 0
    guard_pause_bars: Annotated[Bars, Meta(description="See `guard_stops`.")] = 0
    max_drawdown: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="A loss of this fraction from the highest equity leaves all positions, for `drawdown_pause_bars`.",
            examples=[0.2],
        ),
    ] = 0.0
    drawdown_pause_bars: Annotated[Bars, Meta(description="See `max_drawdown`; 0 is for good.")] = 0
    daily_loss: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="A loss of this fraction since the UTC day began leaves all positions until it ends.",
            examples=[0.05],
        ),
    ] = 0.0


class Limits(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the strategy may use up before it is stopped."""

    time_limit_seconds: Annotated[float, Meta(ge=0.05, le=600, description="Seconds that the strategy has for one answer.")] = 5.0
    memory_limit_mb: Annotated[int, Meta(ge=64, le=1_048_576, description="Megabytes that its process may have.")] = 1024


class BotConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper bot: a strategy that trades with virtual money on live candles."""

    id: Id
    name: Annotated[
        str, Meta(max_length=100, description="What people call it; the id where it is empty.", examples=["EMA cross on Bitcoin"])
    ] = ""
    strategy: Annotated[
        str,
        Meta(
            min_length=1,
            description="Name of a strategy, as `tcpdash strategies` lists it.",
            examples=["ema_cross"],
            extra_json_schema={"x-expected": "the name of a strategy"},
        ),
    ]
    parameters: Annotated[
        dict[str, Any],
        Meta(
            description="Parameters of the strategy by name; its own defaults for the others.",
            examples=[{"fast": 12, "slow": 26}],
            extra_json_schema={
                "x-expected": "an object of names and values",
                "additionalProperties": {
                    "type": ["number", "string", "boolean"],
                    "description": "Value of the parameter.",
                    "x-expected": "a number, a text, true or false",
                },
            },
        ),
    ] = {}
    symbols: Annotated[
        list[SymbolText],
        Meta(
            min_length=1,
            description="What is traded; all in one quote currency, as they share the cash. Each has a strategy of its own.",
            examples=[["OKX:BTC-USDT", "OKX:ETH-USDT"]],
            extra_json_schema={"uniqueItems": True, "x-expected": "a list of one symbol or more"},
        ),
    ]
    timeframe: Annotated[
        str,
        Meta(
            description="Width of the candles that the strategy decides on.",
            examples=["1h"],
            extra_json_schema={"enum": list(TIMEFRAMES)},
        ),
    ] = "1h"
    balance: Annotated[
        Decimal,
        Meta(description="What the account begins with, in the quote currency; a number or a text.", examples=[10_000, "10000.50"]),
    ]
    mode: Annotated[Literal["paper"], Meta(description="With what it trades: `paper` is virtual money.")] = "paper"
    autostart: Annotated[
        bool,
        Meta(description="Whether it is started when its file is first seen; so are bots of the venues of bots.start_new."),
    ] = False
    sizing: Annotated[Sizing_, Meta(description="How large positions are.")] = Sizing_()
    orders: Annotated[Orders, Meta(description="How orders are made.")] = Orders()
    fees: Annotated[
        Fees | None, Meta(description="What an execution costs; null for the fees of the venue, of several the highest.")
    ] = None
    slippage: Annotated[Slippage_, Meta(description="How much worse than the candle says market orders are filled.")] = Slippage_()
    stops: Annotated[Stops, Meta(description="What ends a position.")] = Stops()
    protections: Annotated[Protections_, Meta(description="When the bot pauses.")] = Protections_()
    limits: Annotated[Limits, Meta(description="What the strategy may use up.")] = Limits()

    @property
    def width(self) -> Timeframe:
        """The timeframe as one."""
        return parse_timeframe(self.timeframe)

    @property
    def quote(self) -> str:
        """The quote currency of all its symbols."""
        return self.symbols[0].partition("-")[2].partition("-")[0]

    def rules(self) -> Rules:
        """Return the rules that its orders are made and filled by; where it names no fees they are those of its venues.

        Raises:
            InputError: If a number is out of its bounds.
        """
        fees = FeesOfVenue(self.fees.maker, self.fees.taker) if self.fees is not None else fees_of(self.symbols)
        sections = (self.stops, self.protections)
        return Rules(
            fill_at=FillAt(self.orders.fill_at), limit_offset=self.orders.limit_offset, limit_bars=self.orders.limit_bars,
            volume_share=self.orders.volume_share, maker_fee=fees.maker, taker_fee=fees.taker,
            slippage=Slippage[self.slippage.kind.upper().replace("-", "_")], slippage_amount=self.slippage.amount,
            sizing=Sizing[self.sizing.kind.upper()], size=self.sizing.size, volatility_bars=self.sizing.volatility_bars,
            short=self.sizing.short, leverage=self.sizing.leverage,
            **{name: value for section in sections for name, value in msgspec.structs.asdict(section).items()},
        )  # fmt: skip
