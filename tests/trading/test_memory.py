import gc
import threading
import weakref

import numpy as np
import pytest

from tests.trading.bars import walk
from trading import indicators, memory
from trading.strategies import SmaCross

CLOSE = walk(1000)["close"].to_numpy()


def test_the_same_indicator_is_computed_once_inside():
    with indicators.remembered():
        assert indicators.sma(CLOSE, 5) is indicators.sma(CLOSE, 5)
        assert indicators.macd(CLOSE, 3, 6, 4)[1] is indicators.macd(CLOSE, 3, 6, 4)[1]
        assert indicators.donchian(CLOSE, CLOSE, 5)[0] is indicators.donchian(CLOSE, CLOSE, 5)[0]


def test_a_view_of_the_same_numbers_is_the_same_array():
    data = walk(20_000)

    with indicators.remembered():
        SmaCross().targets(data)
        again = SmaCross()
        again.targets(data)
        assert again.get_indicators()["slow"].to_numpy().base is not None
        assert indicators.sma(data["close"].to_numpy(), 30) is indicators.sma(data["close"].to_numpy(), 30)


def test_nothing_is_remembered_outside():
    with indicators.remembered():
        inside = indicators.sma(CLOSE, 5)

    assert indicators.sma(CLOSE, 5) is not inside


def test_what_differs_is_told_apart():
    with indicators.remembered():
        found = [
            indicators.sma(CLOSE, 5),
            indicators.sma(CLOSE, 6),
            indicators.ema(CLOSE, 5),
            indicators.sma(CLOSE[:900], 5),
            indicators.sma(CLOSE[100:], 5),
            indicators.bollinger(CLOSE, 5, 2.0)[1],
        ]

    assert len({id(each) for each in found}) == len(found)
    np.testing.assert_array_equal(found[3], indicators.sma(CLOSE[:900], 5))
    np.testing.assert_array_equal(found[4], indicators.sma(CLOSE[100:], 5))


def test_arrays_that_come_to_the_same_place_are_told_apart():
    with indicators.remembered():
        for number in range(200):
            assert indicators.sma(np.full(50, float(number)), 5)[-1] == pytest.approx(number)


def test_what_is_remembered_cannot_be_written_to():
    with indicators.remembered():
        found = indicators.sma(CLOSE, 5)

    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1.0


def test_the_longest_unused_is_forgotten():
    with indicators.remembered(limit_bytes=2 * CLOSE.nbytes):
        first, second = indicators.sma(CLOSE, 5), indicators.sma(CLOSE, 6)
        assert indicators.sma(CLOSE, 5) is first
        indicators.sma(CLOSE, 7)

        assert indicators.sma(CLOSE, 5) is first
        assert indicators.sma(CLOSE, 6) is not second


def test_what_is_larger_than_the_memory_is_still_computed():
    with indicators.remembered(limit_bytes=10):
        np.testing.assert_array_equal(indicators.sma(CLOSE, 5), indicators.sma(CLOSE, 5))


def test_many_small_results_are_bounded_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "_ENTRIES", 3)
    with indicators.remembered():
        first = indicators.sma(CLOSE, 5)
        for period in range(6, 9):
            indicators.sma(CLOSE, period)

        assert indicators.sma(CLOSE, 5) is not first


def test_a_block_inside_another_shares_its_memory():
    with indicators.remembered():
        first = indicators.sma(CLOSE, 5)
        with indicators.remembered():
            assert indicators.sma(CLOSE, 5) is first
        assert indicators.sma(CLOSE, 5) is first


def test_memory_is_let_go_at_the_end_also_after_an_error():
    values = np.arange(100.0)
    held = weakref.ref(values)
    with pytest.raises(ZeroDivisionError), indicators.remembered():
        indicators.sma(values, 5)
        raise ZeroDivisionError

    del values
    gc.collect()
    assert held() is None


def test_other_threads_have_no_part_in_it():
    found = []
    with indicators.remembered():
        inside = indicators.sma(CLOSE, 5)
        thread = threading.Thread(target=lambda: found.append(indicators.sma(CLOSE, 5)))
        thread.start()
        thread.join()

    assert found[0] is not inside
