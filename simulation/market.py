"""What a scenario plays, and who follows it: symbols of different rates, and a venue whose pages may be small."""

from collections.abc import Sequence

from exchanges import find_venue
from exchanges.base import DataProvider, Endpoints
from market.trade import Trade
from replay.small import START_US, SmallMarket
from replay.source import Frame, Series, Source
from simulation.scenario import Scenario


def market_of(scenario: Scenario) -> Source:
    """Return the market of a scenario, without what its faults do to it."""
    start_us = START_US + scenario.offset_seconds * 1_000_000
    return _Mixed([
        SmallMarket(
            scenario.venue, [symbol], seed=scenario.seed, start_us=start_us, seconds=scenario.seconds,
            rate=scenario.rate_of(symbol),
        )
        for symbol in scenario.symbols
    ])  # fmt: skip


def provider_of(scenario: Scenario, endpoints: Endpoints) -> DataProvider:
    """Return the venue of a scenario, with its symbols to follow."""
    venue = find_venue(scenario.venue)
    if scenario.page is not None:
        venue = type(venue.__name__, (venue,), {"page": scenario.page})
    return venue(scenario.symbols, channel=scenario.channel, endpoints=endpoints)


def page_of(scenario: Scenario) -> int:
    """Return how many trades the venue of a scenario has in one answer."""
    return find_venue(scenario.venue).page if scenario.page is None else scenario.page


class _Mixed(Source):
    """Markets of one symbol each, side by side."""

    def __init__(self, parts: Sequence[SmallMarket]) -> None:
        self._markets = {symbol: part for part in parts for symbol in part.symbols}
        instruments = [instrument for part in parts for instrument in part.instruments.values()]
        super().__init__(parts[0].venue, parts[0].label, instruments, parts[0].first_us, parts[0].last_us)

    def fills(self, symbol: str) -> Series:
        return self._markets[symbol].fills(symbol)

    def aggregates(self, symbol: str) -> Series:
        return self._markets[symbol].aggregates(symbol)

    def frames(self, symbol: str, channel: str, start_us: int, end_us: int) -> list[Frame] | None:
        return self._markets[symbol].frames(symbol, channel, start_us, end_us)

    def trades(self, symbol: str) -> Sequence[Trade]:
        return self._markets[symbol].trades(symbol)
