"""How a feed is doing is known without Redis too: the last word of its worker."""

import msgspec
import pytest
import sqlalchemy as sa

from db.repositories.feeds import Feed

pytestmark = pytest.mark.postgres
BTC = Feed("OKX:BTC-USDT", "live", "", 1_723_161_240_000_001, 7, 1_723_161_240_000_000)
ETH = Feed("BINANCE:ETH-USDT", "down", "connecting", 1_723_161_240_000_002)


class TestFeedRepository:
    def test_without_a_worker_there_is_none(self, database):
        assert database.feeds.list() == []

    def test_feeds_are_read_as_they_were_set_in_the_order_of_the_alphabet(self, database):
        database.feeds.set(BTC)
        database.feeds.set(ETH)

        assert database.feeds.list() == [ETH, BTC]

    def test_the_last_word_counts(self, database):
        database.feeds.set(BTC)
        stopped = Feed(BTC.symbol, "down", "the worker stopped", BTC.since_us + 1)

        database.feeds.set(stopped)

        assert database.feeds.list() == [stopped]

    def test_the_moment_of_the_last_word_is_kept(self, database, engine):
        database.feeds.set(BTC)
        with engine.begin() as connection:
            connection.execute(sa.text("update feeds set updated_at = now() - interval '1 hour'"))

        database.feeds.set(BTC)

        with engine.connect() as connection:
            assert connection.scalar(sa.text("select now() - updated_at < interval '1 minute' from feeds"))

    @pytest.mark.parametrize("state", ["live", "quiet", "stale", "healing", "down"])
    def test_a_feed_may_be_in_each_of_the_states(self, database, state):
        database.feeds.set(msgspec.structs.replace(BTC, state=state))

        assert [feed.state for feed in database.feeds.list()] == [state]

    @pytest.mark.parametrize("state", ["", "connected", "LIVE"])
    def test_another_state_is_refused(self, database, state):
        with pytest.raises(sa.exc.IntegrityError, match="feeds_state"):
            database.feeds.set(msgspec.structs.replace(BTC, state=state))
