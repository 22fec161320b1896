import numpy as np
import pandas as pd
import pytest

from market.errors import InputError
from market.timeframe import Timeframe
from trading.generated import generated_bars


def test_bars_are_possible_and_something_happens_in_them():
    bars = generated_bars(5000, 3)
    quiet = bars["volume"] == 0

    assert (bars[["open", "close"]].max(axis=1) <= bars["high"]).all()
    assert (bars[["open", "close"]].min(axis=1) >= bars["low"]).all()
    assert (bars > 0).drop(columns="volume").all(axis=None)
    assert 0.01 < quiet.mean() < 0.06
    assert (bars["high"] == bars["low"])[quiet].all()
    assert (bars["open"] != bars["close"].shift()).mean() > 0.002  # jumps
    assert bars["close"].max() > 1.2 * bars["close"].min()


def test_the_same_seed_gives_the_same_bars_and_another_one_others():
    pd.testing.assert_frame_equal(generated_bars(50, 1), generated_bars(50, 1))
    assert not np.array_equal(generated_bars(50, 1)["close"], generated_bars(50, 2)["close"])


def test_bars_close_where_their_timeframe_says():
    bars = generated_bars(3, 0, Timeframe.M5)

    assert [str(moment) for moment in bars.index] == [f"2024-01-01 00:{minute:02}:00+00:00" for minute in (5, 10, 15)]
    assert bars.attrs == {"symbol": "GENERATED:BTC-USDT", "timeframe": "5m"}


@pytest.mark.parametrize(("bars", "seed"), [(0, 1), (10, -1)])
def test_what_cannot_be_generated_is_refused(bars: int, seed: int):
    with pytest.raises(InputError, match=f"found {bars} and {seed}"):
        generated_bars(bars, seed)
