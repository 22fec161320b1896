"""What one seed means: a venue, a market, faults of the exchange, and troubles of our own process and store."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from replay.faults import Fault
from streaming.switches import ALL_ON, Switches

CHANNELS = (
    ("OKX", "trades-all"), ("OKX", "trades"), ("BINANCE", "trade"), ("BINANCE", "aggTrade"), ("BINANCEUSDM", "aggTrade"),
    ("COINBASE", "matches"), ("COINBASE", "market_trades"), ("KRAKEN", "trade"), ("BYBIT", "publicTrade"),
    ("BYBITLINEAR", "publicTrade"),
)  # fmt: skip
_DOLLARS = {"COINBASE", "KRAKEN"}
_BASES = ("BTC", "ETH", "SOL", "XRP", "LTC", "ADA")
_PAGE = 8  # rows in an answer, where the exchange's pages are small
_HARMLESS = {"duplicate", "garbage", "conflict", "never-existed"}
# Where fills are merged, or ids prove nothing, two workers may each be right and both together wrong.
_ONE_FEED = {
    ("OKX", "trades"),
    ("BINANCE", "aggTrade"),
    ("BINANCEUSDM", "aggTrade"),
    ("BYBIT", "publicTrade"),
    ("BYBITLINEAR", "publicTrade"),
}
_ONE_WORKER = {"delist"}  # what a symbol's end does is hard enough to say of one

# How each fault is drawn: the chance, and when the market ends in seconds. None of them lasts for ever, so that all can heal.
_DRAWS: dict[str, Callable[[Random, float], Fault]] = {
    "drop": lambda c, end: Fault(kind="drop", at=_moment(c, end), lasts=c.uniform(1, 25)),
    "close-without-frame": lambda c, end: Fault(kind="close-without-frame", at=_moment(c, end)),
    "accept-then-drop": lambda c, end: Fault(
        kind="accept-then-drop", at=_moment(c, end), lasts=c.uniform(5, 25), after=c.uniform(0.1, 2)
    ),
    "ack-without-data": lambda c, _: Fault(kind="ack-without-data", at=0.0, lasts=c.uniform(5, 40)),
    "stall": lambda c, end: Fault(kind="stall", at=_moment(c, end), lasts=c.uniform(5, 50)),
    "freeze": lambda c, end: Fault(kind="freeze", at=_moment(c, end), lasts=c.uniform(5, 40)),
    "duplicate": lambda c, _: Fault(kind="duplicate", p=c.uniform(0.02, 0.3)),
    "reorder": lambda c, _: Fault(kind="reorder", p=c.uniform(0.02, 0.2)),
    "hole": lambda c, _: Fault(kind="hole", p=c.uniform(0.01, 0.08), frames=c.randint(1, 5)),
    "hole-late": lambda c, _: Fault(kind="hole-late", p=c.uniform(0.01, 0.04), frames=c.randint(1, 3), times=1),
    "never-existed": lambda c, end: Fault(kind="never-existed", at=_moment(c, end), ids=c.randint(1, 30)),
    "conflict": lambda c, _: Fault(kind="conflict", p=c.uniform(0.01, 0.05)),
    "zero-price": lambda c, _: Fault(kind="zero-price", p=c.uniform(0.01, 0.05), price=c.choice(["0", "nan"])),
    "garbage": lambda c, _: Fault(kind="garbage", p=c.uniform(0.02, 0.2)),
    "burst": lambda c, end: Fault(
        kind="burst", at=_moment(c, end), lasts=c.uniform(5, 30), frames=c.choice([20, 1000]), seconds=c.uniform(1, 5)
    ),
    "notice": lambda c, end: Fault(kind="notice", at=_moment(c, end), after=c.uniform(1, 10), close=c.choice([0, 1])),
    "rotation": lambda c, _: Fault(kind="rotation", life=c.uniform(20, 90)),
    "slow": lambda c, end: Fault(kind="slow", at=_moment(c, end), lasts=c.uniform(5, 30), seconds=c.uniform(0.3, 3)),
    "slow-consumer": lambda c, end: Fault(kind="slow-consumer", at=0.0, lasts=end, bytes=c.choice([1_500, 10_000])),
    "delist": lambda c, end: Fault(kind="delist", at=_moment(c, end)),
    "clock": lambda c, _: Fault(kind="clock", seconds=c.choice([-5.0, 5.0])),
    "rest-lag": lambda c, end: Fault(kind="rest-lag", at=_moment(c, end), lasts=c.uniform(5, 40), seconds=c.uniform(1, 10)),
    "rest-429": lambda c, end: Fault(kind="rest-429", at=_moment(c, end), lasts=c.uniform(2, 20), retry_after=c.randint(1, 6)),
    "rest-418": lambda c, end: Fault(kind="rest-418", at=_moment(c, end), lasts=c.uniform(2, 10), retry_after=c.randint(5, 30)),
    "rest-error": lambda c, end: Fault(kind="rest-error", at=_moment(c, end), lasts=c.uniform(2, 20)),
    "rest-down": lambda c, end: Fault(kind="rest-down", at=_moment(c, end), lasts=c.uniform(2, 20), seconds=c.choice([0.0, 3.0])),
}

FAULTS = tuple(_DRAWS)
OWN_TROUBLES = (
    "crash-between-writes", "kill", "restart", "store-away", "slow-store", "tiny-queue", "trades-not-kept", "two-workers",
    "small-pages", "many-symbols",
)  # fmt: skip


def _moment(chance: Random, end: float) -> float:
    return chance.uniform(0.0, 0.9 * end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that one seed decides before the run; chance goes on from the same seed in it.

    Attributes:
        seed: The seed.
        venue: Upper-case name; `channel` is one of its trade channels.
        symbols: What is followed.
        seconds: How long the market lasts; `rate` is its mean number of trades a second.
        offset_seconds: Where in a minute it begins.
        faults: What the exchange does wrong.
        crashes: Writes after which the process dies, one for each life.
        kills: Seconds after which the process is killed, in the order of its lives; negative for an orderly stop.
        away: When the store is away, in seconds from and to.
        slow_store: The longest time that a transaction takes, in seconds.
        queue: Trades that may wait for the store.
        keep_trades: Whether raw trades are stored.
        latency: The longest time under way, in seconds; `step` is how often the exchange plays at the least.
        life: How long the venue lets a line live, as far as the worker knows.
        switches: What is switched off.
        rates: Mean numbers of trades a second of the symbols, in their order; `rate` for all where empty.
        page: Most rows in an answer with trades, None for what the venue has.
        double: From when to when a second worker follows the same symbols into the same store, an operator's mistake.
    """

    seed: int
    venue: str
    channel: str
    symbols: tuple[str, ...]
    seconds: float
    rate: float
    offset_seconds: int
    faults: tuple[Fault, ...]
    crashes: tuple[int, ...]
    kills: tuple[float, ...]
    away: tuple[tuple[float, float], ...]
    slow_store: float
    queue: int
    keep_trades: bool
    latency: float
    step: float
    life: float | None
    switches: Switches = ALL_ON
    rates: tuple[float, ...] = ()
    page: int | None = None
    double: tuple[float, float] | None = None

    @property
    def kinds(self) -> set[str]:
        """The kinds of its faults."""
        return {fault.kind for fault in self.faults}

    @property
    def died(self) -> bool:
        """Whether there may be more than one life."""
        return bool(self.crashes or self.kills)

    def rate_of(self, symbol: str) -> float:
        """Return the mean number of trades a second of a symbol."""
        return self.rates[self.symbols.index(symbol)] if self.rates else self.rate


def scenario_of(seed: int, switches: Switches = ALL_ON) -> Scenario:
    """Return what a seed means; the same one always means the same."""
    chance = Random(f"scenario {seed}")
    venue, channel = CHANNELS[seed % len(CHANNELS)]
    quote = "USD" if venue in _DOLLARS else "USDT"
    symbols = tuple(f"{venue}:{base}-{quote}" for base in ("BTC", "ETH")[: chance.choice([1, 1, 2])])
    seconds = chance.uniform(80.0, 260.0)
    kinds = set(chance.sample(FAULTS, chance.randint(1, 5))) | {FAULTS[seed // len(CHANNELS) % len(FAULTS)]}
    if "conflict" in kinds:  # a wrong payload that comes first, or alone, is all that anybody can know
        kinds -= {"zero-price", "hole", "hole-late", "garbage", "reorder"}
    if "delist" in kinds:  # what a delisted symbol would have been numbered nobody can say
        kinds -= {"never-existed"}
    if "hole-late" in kinds:  # a frame struck twice is lacked twice, and a second answer is all the proof there is
        kinds -= {"duplicate"}
    faults = tuple(_DRAWS[kind](chance, seconds) for kind in sorted(kinds))
    troubled = chance.random() < 0.6
    crashes = [chance.randint(1, 90) for _ in range(chance.choice([0, 1, 1, 2, 3]))]
    kills = [chance.uniform(3.0, seconds) * chance.choice([1, 1, -1]) for _ in range(chance.choice([0, 0, 1, 2]))]
    begin = chance.uniform(0.0, seconds)
    rotation = next((fault.life for fault in faults if fault.life is not None), None)
    return _widened(Scenario(
        seed=seed, venue=venue, channel=channel, symbols=symbols, seconds=seconds,
        rate=min(400.0, 20.0 * 10 ** chance.uniform(0.3, 1.3)) / seconds,
        offset_seconds=chance.randint(0, 600),
        faults=faults,
        crashes=tuple(crashes) if troubled else (),
        kills=tuple(kills) if troubled else (),
        away=((begin, begin + chance.uniform(2, 40)),) if chance.random() < 0.25 else (),
        slow_store=chance.choice([0.0, 0.05, 0.5, 3.0]),
        queue=chance.choice([5, 100_000, 100_000, 100_000]),
        keep_trades=chance.random() < 0.85 or venue.startswith("BYBIT"),
        latency=chance.choice([0.01, 0.2, 1.0]),
        step=chance.choice([0.3, 0.6]),
        life=rotation if chance.random() < 0.7 else None,
        switches=switches,
    ))  # fmt: skip


def _widened(scenario: Scenario) -> Scenario:
    # Has a chance of its own, so that what is rare here leaves all other seeds what they were.
    chance = Random(f"wider {scenario.seed}")
    faults = tuple(_longer(fault, chance) for fault in scenario.faults)
    scenario = replace(scenario, faults=faults, page=_PAGE if chance.random() < 0.1 else None)
    if chance.random() < 0.2:
        scenario = _crowded(scenario, chance)
    elif "stall" in scenario.kinds and chance.random() < 0.5:
        scenario = _stalled(scenario, chance)
    if chance.random() < 0.07 and not scenario.kinds & _ONE_WORKER and (scenario.venue, scenario.channel) not in _ONE_FEED:
        scenario = _doubled(scenario, chance)
    return _calmed(scenario) if chance.random() < 0.07 else scenario


def _longer(fault: Fault, chance: Random) -> Fault:
    if fault.kind == "drop" and chance.random() < 0.3:
        return replace(fault, lasts=chance.uniform(25.0, 90.0))
    if fault.kind == "never-existed" and chance.random() < 0.5:
        return replace(fault, ids=int(30 * 10 ** chance.uniform(0.0, 2.2)))
    return fault


def _stalled(scenario: Scenario, chance: Random) -> Scenario:
    """Return the scenario with busy symbols and a long stall, and nothing that could be taken for it."""
    faults = tuple(
        replace(fault, lasts=chance.uniform(20.0, 50.0)) if fault.kind == "stall" else fault
        for fault in scenario.faults if fault.kind in _HARMLESS | {"stall"}
    )  # fmt: skip
    rates = tuple(chance.uniform(2.0, 4.0) for _ in scenario.symbols)
    return replace(scenario, faults=faults, rates=rates, crashes=(), kills=(), queue=100_000)


def _calmed(scenario: Scenario) -> Scenario:
    """Return the scenario with nothing that a line or a worker could suffer from: nobody may be alarmed."""
    faults = tuple(fault for fault in scenario.faults if fault.kind in _HARMLESS)
    return replace(scenario, faults=faults, crashes=(), kills=(), queue=100_000, double=None, life=None)


def _crowded(scenario: Scenario, chance: Random) -> Scenario:
    """Return the scenario with three to six symbols: one busy, one that hardly trades, and others between them."""
    count = chance.randint(3, len(_BASES))
    quote = scenario.symbols[0].partition("-")[2]
    rates = [chance.uniform(1.0, 3.0), 1 / chance.uniform(100.0, 300.0)]
    rates += [scenario.rate / chance.uniform(1.0, 10.0) for _ in range(count - 2)]
    chance.shuffle(rates)
    return replace(scenario, symbols=tuple(f"{scenario.venue}:{base}-{quote}" for base in _BASES[:count]), rates=tuple(rates))


def _doubled(scenario: Scenario, chance: Random) -> Scenario:
    """Return the scenario with a second worker, which is there when the first one starts again; in the end there is a new one."""
    first, second = sorted(chance.uniform(0.1, 0.9) * scenario.seconds for _ in range(2))
    begin, end = chance.uniform(0.0, first), chance.uniform(first, second)
    return replace(scenario, crashes=(), kills=(-first, first - second), double=(begin, end))
