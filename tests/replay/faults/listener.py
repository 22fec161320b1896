"""A client of any venue on an exchange without sockets: a codec that listens, asks over REST, and lets time pass."""

from collections.abc import Sequence
from urllib.parse import urlencode

from exchanges import VENUES, DataProvider
from exchanges.base import Pages, Parsed
from market.errors import VenueError
from market.trade import Trade
from replay import ExchangeCore, Fault, FaultScript, SmallMarket
from replay.answer import Answer, read_question
from replay.deeds import Close, Cut, Deed, Freeze, HangUp, Ping, Reply, Send
from tests.replay.hands import Hands

CHANNELS = [(name, channel) for name, venue in VENUES.items() for channel in venue.channels]
SECONDS = 300.0


class Client:
    """One connection: what it was sent, and what became of it."""

    def __init__(self, core: ExchangeCore, provider: DataProvider) -> None:
        self.core, self.provider = core, provider
        self.frames: list[bytes] = []
        self.binary: list[bytes] = []
        self.end: Deed | None = None
        self.frozen = False
        opened = core.open(read_question(provider.stream_path()))
        self.refusal = opened if isinstance(opened, Reply) else None
        self.number = 0 if isinstance(opened, Reply) else opened

    @property
    def trades(self) -> list[Trade]:
        return self.parsed.trades

    @property
    def ids(self) -> list[int]:
        return [trade.trade_id for trade in self.trades]

    @property
    def parsed(self) -> Parsed:
        return self.provider.parse_all(self.frames, 0)


class Floor:
    """An exchange, its faults, the clients on it, and the time."""

    def __init__(
        self,
        hands: Hands,
        venue: str = "OKX",
        faults: Sequence[Fault | str] = (),
        *,
        channel: str | None = None,
        seed: int = 0,
        symbols: Sequence[str] = ("BTC-USDT",),
        rate: float = 1.0,
    ) -> None:
        self.hands = hands
        self.market = SmallMarket(venue, symbols, seconds=SECONDS, rate=rate)
        self.provider = VENUES[venue](self.market.symbols, channel=channel)
        self.script = FaultScript(faults, seed)
        self.core = ExchangeCore(self.market, faults=self.script)
        self.clients: list[Client] = []
        self.symbol = self.market.symbols[0]

    @property
    def true_ids(self) -> list[int]:
        """The ids that a client hears when all is well, of the first symbol."""
        aggregated = self.provider.channel in self.provider.merging
        series = self.market.aggregates(self.symbol) if aggregated else self.market.fills(self.symbol)
        if aggregated and self.provider.name == "BINANCEUSDM":
            return list(series.numbers(0, len(series.trades)))
        return [trade.trade_id for trade in series.trades]

    def open(self, provider: DataProvider | None = None) -> Client:
        """Open a connection and subscribe."""
        client = Client(self.core, provider or self.provider)
        self.clients.append(client)
        if client.refusal is None:
            for message in client.provider.subscribe():
                self._carry_out(self.core.receive(client.number, message))
        return client

    def say(self, client: Client, message: str) -> None:
        self._carry_out(self.core.receive(client.number, message))

    def play(self, seconds: float = SECONDS + 10, step: float = 0.25) -> None:
        """Let time pass; clients ping and answer pings as their venues want it."""
        for number in range(round(seconds / step)):
            self.hands.seconds += step
            self._carry_out(self.core.play())
            if number % max(1, round(10 / step)) == 0:
                for client in self.clients:
                    if client.provider.keep_alive.ping:
                        self.say(client, client.provider.keep_alive.ping)

    def ask(self, path: str, **params: str) -> Reply:
        return self.core.answer(read_question(f"{path}?{urlencode(params)}"))

    def fetch(self, first_id: int, last_id: int) -> list[int]:
        """Return the ids that REST has of a range."""
        before = [trade.timestamp_us for trade in self.market.trades(self.symbol) if trade.trade_id < first_id]
        since_us = before[-1] if before else None
        return [trade.trade_id for trade in self.run(self.provider.trades(self.symbol, first_id, last_id, 0, since_us))]

    def run(self, pages: Pages) -> list[Trade]:
        """Return what some questions over REST lead to."""
        try:
            request = next(pages)
            while True:
                request = pages.send(self.good(self.ask(request.path, **dict(request.params)).answer))
        except StopIteration as end:
            return end.value

    def good(self, answer: Answer | None) -> bytes:
        """Return the body of an answer that is no refusal."""
        if answer is None:
            raise ConnectionError
        headers = {name.lower(): value for name, value in answer.headers.items()}
        refusal: VenueError | None = self.provider.refusal(answer.status, headers, answer.body)
        if refusal is not None:
            raise refusal
        return answer.body

    def _carry_out(self, deeds: Sequence[Deed]) -> None:
        by_number = {client.number: client for client in self.clients}
        for deed in deeds:
            client = by_number[deed.client]
            assert client.end is None, "nothing happens to a client after its end"
            match deed:
                case Send(frames=frames, binary=binary):
                    (client.binary if binary else client.frames).extend(frames)
                case Ping():
                    self.core.ponged(deed.client)
                case Freeze():
                    client.frozen = True
                case Close() | Cut() | HangUp():
                    client.end = deed
