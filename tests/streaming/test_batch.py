"""A batch takes the room of all that waits in it."""

from market.candle import Candle
from market.timeframe import BASE
from market.trade import Side, Trade
from streaming.batch import Batch
from tests.generators import START_US, SYMBOL

TRADE = Trade(SYMBOL, 1, 100.0, 1.0, Side.BUY, START_US, START_US)
CANDLE = Candle(SYMBOL, BASE, START_US, 1.0, 1.0, 1.0, 1.0, volume=1.0, trades=1)


def test_what_came_twice_and_what_was_closed_takes_room_like_a_trade():
    batch = Batch(trades=[TRADE] * 2, duplicates=[TRADE] * 3, candles=[CANDLE] * 4)

    assert batch.size == 9


def test_the_size_of_two_batches_is_the_sum_of_both():
    first, second = Batch(trades=[TRADE], duplicates=[TRADE]), Batch(candles=[CANDLE], duplicates=[TRADE])

    first.add(second)

    assert first.size == 4
