"""What the repository of trades promises; the fixture `database` says on which server."""

from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.bulk import RowsExist
from db.engine import transaction
from db.repositories.raw_trades import Contiguity
from market.clock import parse_time, to_datetime
from market.timeframe import DAY_US
from market.trade import MarketDataPoint, Side, Trade
from tests.generators import trade_runs

pytestmark = pytest.mark.postgres
SYMBOL, OTHER = "OKX:BTC-USDT", "OKX:ETH-USDT"
START_US = parse_time("2024-08-08T23:54:00Z")
_numbers = count()
FOR_EVER_US = parse_time("2100-01-01")


def trade(trade_id: int, *, symbol: str = SYMBOL, at_us: int = START_US, **other) -> Trade:
    return Trade(symbol, trade_id, 100.5, 0.25, Side.BUY, at_us + trade_id, at_us + trade_id + 7, **other)


def read(database, symbol=SYMBOL):
    return database.raw_trades.get_trades(symbol, 0, FOR_EVER_US)


class TestAppend:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
    @given(trade_runs(), st.integers(1, 2**31 - 1))
    def test_trades_are_stored_as_they_are(self, engine, trades, merged):
        symbol = f"OKX:T{next(_numbers)}-USDT"  # a database for all examples
        trades = [msgspec.structs.replace(one, symbol=symbol, count=merged, id_span=place + 1) for place, one in enumerate(trades)]

        with transaction(engine) as store:
            assert store.raw_trades.append(trades) == len(trades)
            assert store.raw_trades.get_trades(symbol, 0, FOR_EVER_US) == trades

    def test_nothing_is_appended_without_trades(self, database):
        assert database.raw_trades.append([]) == 0

    def test_several_symbols_go_in_one_batch(self, database):
        database.raw_trades.append([trade(1), trade(1, symbol=OTHER), trade(2)])

        assert read(database) == [trade(1), trade(2)]
        assert read(database, OTHER) == [trade(1, symbol=OTHER)]

    def test_a_collision_stores_nothing_and_the_rest_can_be_inserted_in_the_same_transaction(self, database):
        database.raw_trades.append([trade(2)])

        with database.transaction() as store:
            with pytest.raises(RowsExist, match="raw_trades has some of these rows already"):
                store.raw_trades.append([trade(1), trade(2), trade(3)])
            assert store.raw_trades.insert_trades([trade(1), trade(2), trade(3)]) == 2

        assert read(database) == [trade(1), trade(2), trade(3)]

    def test_a_trade_that_comes_twice_in_a_batch_is_a_collision(self, database):
        with pytest.raises(RowsExist):
            database.raw_trades.append([trade(1), trade(1)])

        assert read(database) == []

    def test_a_batch_over_the_border_of_a_month_is_stored(self, database):
        border = parse_time("2024-09-01")
        batch = [trade(number, at_us=border - 3) for number in range(6)]

        database.raw_trades.append(batch)

        assert read(database) == batch


class TestInsertTrades:
    def test_only_new_ones_are_stored(self, database):
        assert database.raw_trades.insert_trades([trade(1), trade(2), trade(2)]) == 2
        assert database.raw_trades.insert_trades([trade(2), trade(3), trade(3, symbol=OTHER)]) == 2
        assert database.raw_trades.insert_trades([]) == 0
        assert read(database) == [trade(1), trade(2), trade(3)]


class TestDiffering:
    @pytest.mark.parametrize("change", [{"price": 100.6}, {"size": 0.26}, {"side": Side.SELL}])
    def test_another_payload_of_the_same_id_is_found_with_the_stored_one(self, database, change):
        database.raw_trades.append([trade(1), trade(2)])
        other = msgspec.structs.replace(trade(2), **change)

        assert database.raw_trades.differing([trade(1), other]) == [(trade(2), other)]
        assert read(database) == [trade(1), trade(2)]

    def test_what_says_the_same_does_not_differ(self, database):
        database.raw_trades.append([trade(1)])
        later = msgspec.structs.replace(trade(1), received_us=START_US + 10**6, timestamp_us=START_US + 9)

        assert database.raw_trades.differing([later]) == []
        assert database.raw_trades.differing([]) == []

    def test_trades_that_are_not_stored_do_not_differ(self, database):
        database.raw_trades.append([trade(1)])

        assert database.raw_trades.differing([trade(2), trade(1, symbol=OTHER)]) == []

    def test_trades_that_stand_for_other_ids_are_not_compared(self, database):
        database.raw_trades.append([trade(3, id_span=2)])
        one_fill = msgspec.structs.replace(trade(3), size=0.1)

        assert database.raw_trades.differing([one_fill]) == []

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_the_same_id_at_a_far_away_time_is_another_trade(self, database, sign):
        database.raw_trades.append([trade(1)])
        far, near = (
            msgspec.structs.replace(trade(1), price=7.0, timestamp_us=trade(1).timestamp_us + sign * away_us)
            for away_us in (DAY_US + 1, DAY_US - 1)
        )

        assert database.raw_trades.differing([far]) == []
        assert database.raw_trades.differing([near]) == [(trade(1), near)]

    def test_symbols_are_compared_apart(self, database):
        database.raw_trades.append([trade(1), trade(1, symbol=OTHER)])
        others = [msgspec.structs.replace(trade(1, symbol=symbol), price=7.0) for symbol in (SYMBOL, OTHER)]

        found = database.raw_trades.differing(others)

        assert found == [(trade(1), others[0]), (trade(1, symbol=OTHER), others[1])]


class TestReading:
    def test_the_window_is_half_open(self, database):
        database.raw_trades.append([trade(1), trade(2), trade(3)])

        assert database.raw_trades.get_trades(SYMBOL, START_US + 1, START_US + 3) == [trade(1), trade(2)]

    def test_the_order_is_that_of_time_and_id(self, database):
        same = [msgspec.structs.replace(trade(number), timestamp_us=START_US) for number in (10, 9)]
        database.raw_trades.append([trade(1), *same])

        assert read(database) == [same[1], same[0], trade(1)]

    def test_the_newest_come_first(self, database):
        database.raw_trades.insert_trades(
            [trade(1), trade(3, at_us=START_US + 2), trade(2, at_us=START_US + 2), trade(9, symbol="X:A-B")]
        )

        assert database.raw_trades.get_newest(SYMBOL, 2)["trade_id"].tolist() == [3, 2]
        assert database.raw_trades.get_newest(SYMBOL, 9)["trade_id"].tolist() == [3, 2, 1]
        assert database.raw_trades.get_newest("OKX:NO-SUCH", 9)["trade_id"].tolist() == []

    def test_a_table_holds_trades_and_points(self, database):
        database.raw_trades.append([trade(1), msgspec.structs.replace(trade(2), side=Side.SELL, count=3)])
        database.raw_trades.insert_market_data_point(MarketDataPoint(SYMBOL, "trade", START_US + 1, {"px": "1"}))
        database.raw_trades.insert_market_data_point(MarketDataPoint(SYMBOL, "ticker", START_US, {"last": "1"}))

        table = database.raw_trades.get_raw_trades(SYMBOL, "trade", START_US, to_datetime(START_US + 3))

        names = ["symbol", "data_type", "timestamp", "trade_id", "price", "size", "side", "count", "received_at", "payload"]
        assert table.columns.tolist() == names
        assert table["side"].tolist()[::2] == ["buy", "sell"]
        assert table["trade_id"].isna().tolist() == [False, True, False]
        assert table["count"].tolist()[::2] == [1, 3]
        assert table["payload"].tolist() == [None, {"px": "1"}, None]
        assert table["timestamp"].tolist() == [to_datetime(START_US + microseconds) for microseconds in (1, 1, 2)]

    def test_other_types_are_points_only(self, database):
        database.raw_trades.append([trade(1)])
        database.raw_trades.insert_market_data_point(MarketDataPoint(SYMBOL, "ticker", START_US, [1, None]))

        table = database.raw_trades.get_raw_trades(SYMBOL, "ticker", None, None)

        assert table["payload"].tolist() == [[1, None]]
        assert table["data_type"].tolist() == ["ticker"]

    @pytest.mark.parametrize("data_type", ["trade", "ticker"])
    def test_an_empty_table_has_its_types(self, database, data_type):
        table = database.raw_trades.get_raw_trades(SYMBOL, data_type, None, None)

        kinds = [
            "str",
            "str",
            "datetime64[us, UTC]",
            "Int64",
            "float64",
            "float64",
            "str",
            "Int64",
            "datetime64[us, UTC]",
            "object",
        ]
        assert [str(kind) for kind in table.dtypes] == kinds

    def test_the_neighbours_of_a_moment_are_found(self, database):
        database.raw_trades.append([trade(1), trade(5)])

        with database.transaction() as store:
            assert store.raw_trades.last_us(SYMBOL) == START_US + 5
            assert store.raw_trades.last_us(SYMBOL, before_us=START_US + 5) == START_US + 1
            assert store.raw_trades.last_us(SYMBOL, before_us=START_US + 1) is None
            assert store.raw_trades.first_us(SYMBOL, from_us=START_US + 2) == START_US + 5
            assert store.raw_trades.first_us(SYMBOL, from_us=START_US + 6) is None


class TestPoints:
    def test_the_same_point_is_stored_once(self, database):
        point = MarketDataPoint(SYMBOL, "book", START_US, {"bids": [["1", "2"]], "asks": []})
        turned = MarketDataPoint(SYMBOL, "book", START_US, {"asks": [], "bids": [["1", "2"]]})

        assert database.raw_trades.insert_market_data_point(point)
        assert not database.raw_trades.insert_market_data_point(turned)

    def test_another_payload_of_the_same_moment_is_another_point(self, database):
        assert database.raw_trades.insert_market_data_point(MarketDataPoint(SYMBOL, "book", START_US, 1))
        assert database.raw_trades.insert_market_data_point(MarketDataPoint(SYMBOL, "book", START_US, 2))
        assert database.raw_trades.insert_market_data_point(MarketDataPoint(SYMBOL, "book", START_US, None))


class TestContiguity:
    def test_without_trades_there_is_none(self, database):
        assert database.raw_trades.contiguity(SYMBOL) is None

    def test_merged_trades_stand_for_all_of_their_ids(self, database):
        database.raw_trades.append([trade(12, id_span=3), trade(13), trade(17, id_span=2)])

        found = database.raw_trades.contiguity(SYMBOL)

        assert found == Contiguity(first_id=10, last_id=17, rows=3, ids=6)
        assert found.missing == 2
