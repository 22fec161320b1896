"""All repositories on one connection."""

import sqlalchemy as sa

from db.repositories.alerts import AlertRepository
from db.repositories.backfills import BackfillRepository
from db.repositories.backtests import BacktestRepository
from db.repositories.bots import BotRepository
from db.repositories.feeds import FeedRepository
from db.repositories.gaps import GapRepository
from db.repositories.happenings import HappeningRepository
from db.repositories.market_data import MarketDataRepository
from db.repositories.quality import QualityRepository
from db.repositories.raw_trades import RawTradeRepository
from db.repositories.rollups import RollupRepository
from db.repositories.symbols import SymbolRepository
from db.repositories.watermarks import WatermarkRepository
from db.repositories.wishes import WishRepository


class Store:
    """What is written and read in one transaction; who opened the connection commits.

    Attributes:
        market_data: Candles.
        raw_trades: Trades and points as the venue sent them.
        watermarks: Up to which trade each symbol is stored.
        gaps: Holes in the tape.
        symbols: What the venues list.
        feeds: How the feed of each symbol is doing.
        rollups: How far the wider candles are that are kept.
        backfills: What was asked of the venues, and how far each backfill came.
        quality: Runs of checks and what came of them.
        backtests: Backtests and searches, what came of them, and their trades.
        bots: Paper bots: what is wanted of each, what it does, and all that it wrote.
        alerts: What people are told of, and how far the telling is.
        happenings: What happened lately that they may want to be told of.
        wishes: What people asked of the system on the page.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.market_data = MarketDataRepository(connection)
        self.raw_trades = RawTradeRepository(connection)
        self.watermarks = WatermarkRepository(connection)
        self.gaps = GapRepository(connection)
        self.symbols = SymbolRepository(connection)
        self.feeds = FeedRepository(connection)
        self.rollups = RollupRepository(connection)
        self.backfills = BackfillRepository(connection)
        self.quality = QualityRepository(connection)
        self.backtests = BacktestRepository(connection)
        self.bots = BotRepository(connection)
        self.alerts = AlertRepository(connection)
        self.happenings = HappeningRepository(connection)
        self.wishes = WishRepository(connection)
