import pandas as pd
import pytest

from app.held import HeldCandles
from market.candle import Candle
from market.errors import StoreUnreachable
from market.timeframe import MINUTE_US, Timeframe
from tests.app.samples import START_US, SYMBOL, candle, frame

M1 = Timeframe.M1


class CountingStore:
    """Candles in memory that count how often they are asked for."""

    def __init__(self, *candles: Candle) -> None:
        self.candles = list(candles)
        self.queries = 0
        self.away = False

    def get_bars(self, _symbol: str, _timeframe: str, start: int | None = None, *, newest: int | None = None) -> pd.DataFrame:
        self._answer()
        since = self.candles[-1].timestamp_us - newest * MINUTE_US if newest and self.candles else -1
        wanted = [one for one in self.candles if one.timestamp_us > since and (start is None or one.timestamp_us >= start)]
        return frame(*wanted).drop(columns="final") if wanted else frame(candle(0)).head(0).drop(columns="final")

    def _answer(self) -> None:
        if self.away:
            raise StoreUnreachable("away")
        self.queries += 1


def label(minute: int) -> int:
    return START_US + minute * MINUTE_US


def labels(held: HeldCandles, bars: int = 100) -> list[int]:
    return [(moment.value // 1_000 - START_US) // MINUTE_US for moment in held.frame(bars)["timestamp"]]


def forming(minute: int, **changes: object) -> Candle:
    return candle(minute, final=False, **changes)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(*(candle(minute) for minute in range(1, 6)))


@pytest.fixture
def held(store: CountingStore) -> HeldCandles:
    held = HeldCandles(SYMBOL, M1)
    held.take(forming(6), due_us=label(5))
    held.refresh(store, bars=100, holes=0, at_seconds=0.0)
    store.queries = 0
    return held


def test_closed_candles_and_the_forming_one_make_one_table(held: HeldCandles) -> None:
    assert labels(held) == [1, 2, 3, 4, 5, 6]
    assert list(held.frame(100)["final"]) == [True] * 5 + [False]


def test_ticks_cost_no_query(held: HeldCandles, store: CountingStore) -> None:
    for tick in range(50):
        held.take(forming(6, close=100.0 + tick), due_us=label(5))
        held.refresh(store, bars=100, holes=0, at_seconds=float(tick))

    assert store.queries == 0
    assert held.frame(100)["close"].iloc[-1] == 149.0


def test_a_jump_is_one_query(held: HeldCandles, store: CountingStore) -> None:
    store.candles.append(candle(6))

    for tick in range(3):
        held.take(forming(7), due_us=label(6))
        held.refresh(store, bars=100, holes=0, at_seconds=float(tick))

    assert store.queries == 1
    assert list(held.frame(100)["final"]) == [True] * 6 + [False]


def test_a_revision_near_the_edge_is_seen_with_the_next_jump(held: HeldCandles, store: CountingStore) -> None:
    store.candles[-1] = candle(5, close=101.5, revision=1)
    store.candles.append(candle(6))

    held.take(forming(7), due_us=label(6))
    held.refresh(store, bars=100, holes=0, at_seconds=1.0)

    assert held.frame(100)["revision"].tolist()[4] == 1


def test_a_hole_is_not_asked_for_again_and_again(held: HeldCandles, store: CountingStore) -> None:
    for tick in range(50):
        held.take(forming(9), due_us=label(8))
        held.refresh(store, bars=100, holes=0, at_seconds=float(tick))

    assert store.queries == 5


def test_a_healed_hole_is_read_at_once(held: HeldCandles, store: CountingStore) -> None:
    store.candles[0] = candle(1, revision=3)

    held.refresh(store, bars=100, holes=1, at_seconds=1.0)

    assert held.frame(100)["revision"].iloc[0] == 3


def test_what_was_seen_stays_while_the_store_is_away(held: HeldCandles, store: CountingStore) -> None:
    store.away = True

    for minute in (7, 8):
        held.take(forming(minute), due_us=label(minute - 1))
        with pytest.raises(StoreUnreachable):
            held.refresh(store, bars=100, holes=0, at_seconds=float(minute))

    assert labels(held) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(held.frame(100)["final"]) == [True] * 5 + [False] * 3


def test_the_store_takes_over_when_it_is_back(held: HeldCandles, store: CountingStore) -> None:
    held.take(forming(7), due_us=label(6))
    store.candles.append(candle(6, close=102.75))

    held.refresh(store, bars=100, holes=0, at_seconds=9.0)

    closed = held.frame(100).iloc[5]
    assert (closed["close"], closed["final"]) == (102.75, True)


def test_without_a_live_edge_the_store_is_asked_now_and_then(held: HeldCandles, store: CountingStore) -> None:
    store.candles.append(candle(6))

    for second in range(20):
        held.take(None, due_us=None)
        held.refresh(store, bars=100, holes=0, at_seconds=float(second))

    assert store.queries == 1
    assert labels(held) == [1, 2, 3, 4, 5, 6]


def test_everything_is_read_again_after_a_while(held: HeldCandles, store: CountingStore) -> None:
    store.candles.insert(0, candle(0))

    held.refresh(store, bars=100, holes=0, at_seconds=300.0)

    assert labels(held) == [0, 1, 2, 3, 4, 5, 6]


def test_only_as_many_are_shown_as_are_wanted(held: HeldCandles) -> None:
    assert labels(held, bars=3) == [4, 5, 6]


def test_an_empty_store_shows_what_is_forming() -> None:
    held = HeldCandles(SYMBOL, M1)
    held.take(forming(1), due_us=label(0))
    held.refresh(CountingStore(), bars=100, holes=0, at_seconds=0.0)

    assert labels(held) == [1]


def test_nothing_at_all_is_an_empty_table() -> None:
    held = HeldCandles(SYMBOL, M1)
    held.take(None, due_us=None)
    held.refresh(CountingStore(), bars=100, holes=None, at_seconds=0.0)

    assert held.frame(100).empty
    assert held.frame(100)["final"].dtype == bool
