"""What a venue lists is kept, the last word of it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from db.repositories.symbols import ListedSymbol

pytestmark = pytest.mark.postgres
BTC = ListedSymbol(
    symbol="OKX:BTC-USDT", exchange="OKX", base="BTC", quote="USDT", tick_size=Decimal("0.1"), lot_size=Decimal("1e-8")
)
ETH = ListedSymbol(symbol="BINANCE:ETH-USDT", exchange="BINANCE", base="ETH", quote="USDT")


class TestSymbolRepository:
    def test_symbols_are_read_as_they_were_stored(self, database):
        assert database.symbols.upsert([BTC, ETH]) == 2
        assert database.symbols.list() == [ETH, BTC]
        assert database.symbols.list("OKX") == [BTC]

    def test_only_what_changed_is_counted(self, database):
        database.symbols.upsert([BTC, ETH])

        assert database.symbols.upsert([BTC, replace(ETH, status="suspend")]) == 1
        assert database.symbols.list("BINANCE") == [replace(ETH, status="suspend")]

    def test_the_last_word_counts(self, database):
        assert database.symbols.upsert([ETH, replace(ETH, tick_size=Decimal(5))]) == 1
        assert database.symbols.list() == [replace(ETH, tick_size=Decimal(5))]

    def test_nothing_is_stored_without_symbols(self, database):
        assert database.symbols.upsert([]) == 0
