from dataclasses import replace

import pytest
import sqlalchemy as sa

from db.repositories.gaps import Gap
from tests.db.candles import MINUTE_US, START_US, candle
from trading.bots.minutes import Minute, Minutes

pytestmark = pytest.mark.postgres
BTC, ETH = "OKX:BTC-USDT", "OKX:ETH-USDT"
DAY = 1_440


def at(minute):
    return START_US + minute * MINUTE_US


def store(database, *minutes, symbol=BTC, **changed):
    database.market_data.upsert_candles([replace_symbol(candle(minute, **changed), symbol) for minute in minutes])


def replace_symbol(one, symbol):
    import msgspec

    return msgspec.structs.replace(one, symbol=symbol)


def gap(database, first, last, state="open", symbol=BTC):
    """Note a hole inside some minutes."""
    hole = Gap(symbol=symbol, first_id=5, last_id=6, start_us=at(first - 1) + 1, end_us=at(last) - 1, cause="ids")
    database.gaps.open(hole)
    if state != "open":
        database.gaps.progress(replace(hole, state=state))


def followed(database, *symbols, now=0.0):
    minutes = Minutes(database)
    for symbol in symbols or (BTC,):
        minutes.follow(symbol)
    minutes.poll(now)
    return minutes


def known(minutes, first, last, symbol=BTC):
    """Return of each minute whether it is a candle, a hole, or not settled."""
    found = [minutes.next(symbol, at(minute - 1)) for minute in range(first, last + 1)]
    return ["?" if one is None else "-" if one.bar is None else "x" for one in found]


def test_whole_minutes_are_settled_as_they_come_each_once(database):
    store(database, 1, 2)
    minutes = followed(database)

    assert known(minutes, 1, 3) == ["x", "x", "?"]
    store(database, 3, complete=None)  # its venue proves nothing
    assert (minutes.poll(0.0), minutes.poll(0.0)) == (True, False)
    assert known(minutes, 1, 3) == ["x", "x", "x"]


def test_a_revision_of_a_settled_minute_changes_nothing(database):
    store(database, 1)
    minutes = followed(database)
    store(database, 1, revision=1, close=2.5)
    minutes.poll(10.0)

    assert minutes.next(BTC, at(0)) == Minute(at(1), candle_bar(), 0)


def candle_bar():
    from trading.position import Bar

    return Bar(2.0, 3.0, 1.0, 2.0, 0.5)


def test_an_open_hole_is_waited_for_and_what_heals_it_is_acted_on(database):
    store(database, 1)
    minutes = followed(database)
    store(database, 3)
    gap(database, 2, 2)
    minutes.poll(0.0)
    minutes.poll(1_000.0)

    assert known(minutes, 1, 3) == ["x", "?", "?"]
    assert minutes.trouble(BTC) == "a hole of OKX:BTC-USDT before 2024-08-08T23:56:00Z is being filled"
    minutes.poll(1_000.1)
    assert minutes.trouble(BTC) == "a hole of OKX:BTC-USDT before 2024-08-08T23:56:00Z is being filled"
    store(database, 2)
    minutes.poll(1_000.2)
    assert (known(minutes, 1, 3), minutes.trouble(BTC)) == (["x", "x", "x"], "")


def test_what_is_unrecoverable_is_a_hole_at_once(database):
    store(database, 1)
    minutes = followed(database)
    store(database, 2, complete=False)
    store(database, 3)
    gap(database, 2, 2, "unrecoverable")
    minutes.poll(0.0)

    assert known(minutes, 1, 3) == ["x", "-", "x"]


@pytest.mark.parametrize(("lacks", "patience"), [(False, 120.0), (True, 1_800.0)])
def test_what_nobody_knows_of_is_waited_for_a_while(database, lacks, patience):
    store(database, 1)
    minutes = followed(database)
    if lacks:
        store(database, 2, complete=False)
    store(database, 3)
    minutes.poll(5.0)
    minutes.poll(5.0 + patience - 0.1)
    what = "is not proven whole yet" if lacks else "is missing"

    assert (known(minutes, 2, 3), minutes.trouble(BTC)) == (["?", "?"], f"OKX:BTC-USDT 2024-08-08T23:56:00Z {what}")
    minutes.poll(5.0 + patience + 1.0)
    assert known(minutes, 2, 3) == ["-", "x"]


def test_what_is_long_ago_is_not_waited_for(database):
    store(database, 1, 3, 62, 63, 64)
    minutes = followed(database)

    assert known(minutes, 1, 3) == ["x", "-", "x"]


def test_the_newest_minute_may_lack_trades_for_now(database):
    store(database, 1)
    store(database, 2, complete=False)
    minutes = followed(database)

    assert minutes.trouble(BTC) == "OKX:BTC-USDT 2024-08-08T23:56:00Z is not proven whole yet"
    assert (minutes.settled_us(BTC), minutes.newest_us(BTC)) == (at(1), at(2))


def test_symbols_have_edges_of_their_own(database):
    store(database, 1, 2, 3)
    store(database, 3, symbol=ETH)
    minutes = followed(database, BTC, ETH)

    assert (known(minutes, 1, 3), known(minutes, 1, 3, ETH)) == (["x", "x", "x"], ["-", "-", "x"])


def test_a_symbol_of_which_nothing_is_stored_has_no_minutes(database):
    minutes = followed(database)

    assert (minutes.settled_us(BTC), minutes.newest_us(BTC), known(minutes, 1, 1)) == (None, None, ["?"])


def test_older_minutes_are_read_in_pages(database):
    store(database, *range(1, 2 * DAY), 2 * DAY + 5)
    gap(database, 2 * DAY + 1, 2 * DAY + 1, "unrecoverable")
    minutes = followed(database)

    assert set(known(minutes, 1, 2 * DAY - 1)) == {"x"}


def test_an_open_hole_holds_up_a_page_too(database):
    store(database, 1, 3, 2 * DAY)
    gap(database, 2, 2)
    minutes = followed(database)

    assert known(minutes, 1, 3) == ["x", "?", "?"]
    assert minutes.trouble(BTC) == "a hole of OKX:BTC-USDT at 2024-08-08T23:56:00Z is being filled"


def test_what_memory_forgets_is_read_again_from_the_store(database):
    store(database, *range(1, 2 * DAY))
    minutes = followed(database)
    assert "?" not in known(minutes, 1, DAY)  # the page of the day in which memory begins is read as far as that
    for day in range(2, 6):
        store(database, *range(day * DAY, (day + 1) * DAY))
        minutes.poll(float(day))

    assert set(known(minutes, 1, 6 * DAY - 1)) == {"x"}
    assert len(minutes._edges[BTC].minutes) <= 3 * DAY


def test_more_minutes_without_proof_than_are_read_at_once_are_passed_over(database):
    store(database, 1)
    minutes = followed(database)
    store(database, *range(2, 3_100), complete=False)
    store(database, 3_100)
    gap(database, 2, 3_099, "unrecoverable")
    minutes.poll(0.0)
    minutes.poll(10.0)

    assert known(minutes, 3_098, 3_100) == ["-", "-", "x"]


def test_a_page_with_an_open_hole_is_read_once_a_second_however_many_ask(database):
    store(database, *(minute for minute in range(1, 3 * DAY) if minute != 5))
    gap(database, 5, 5)
    minutes, reads = followed(database), []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *given: reads.append(given[2]))
    for _ in range(100):
        assert known(minutes, 4, 5) == ["x", "?"]
    assert len(reads) <= 2

    store(database, 5)
    database.gaps.progress(replace(database.gaps.list(BTC)[0], state="filled"))
    minutes.poll(1.0)
    assert known(minutes, 4, 6) == ["x", "x", "x"]
