"""Holes that two workers noted at the same time share no id when they are taken up again."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from market.builder import CandleBuilder
from market.candle import Candle
from market.trade import Side, Trade
from streaming.batch import Batch
from streaming.ledger import Cause, Hole, Progress, State
from streaming.pipeline import Pipeline
from streaming.resume import KnownHole, Resume
from tests.generators import MINUTE_US, START_US, SYMBOL


def trade(number: int, at_us: int | None = None) -> Trade:
    moment_us = START_US + (number if at_us is None else at_us)
    return Trade(SYMBOL, number, 100.0, 1.0, Side.BUY, moment_us, moment_us)


def known(first_id: int, last_id: int, missing=None, recovered: int = 0, end_us: int | None = None) -> KnownHole:
    start_us, behind_us = START_US + first_id - 1, START_US + (last_id + 1 if end_us is None else end_us)
    return KnownHole(Hole(SYMBOL, first_id, last_id, start_us, behind_us, Cause.DISCONNECT), State.OPEN, missing, recovered)


def resumed(*holes: KnownHole, **point) -> tuple[Pipeline, Batch]:
    pipeline = Pipeline([SYMBOL])
    batch = pipeline.resume(SYMBOL, Resume(100, START_US + 100, START_US - 1, holes=list(holes), **point))
    return pipeline, batch


def missing(pipeline: Pipeline) -> list[tuple]:
    return [opened.missing for opened in pipeline.open_holes()]


def steps(batch: Batch) -> list[tuple]:
    return [(each.hole.first_id, each.state, each.recovered, each.missing) for each in batch.progress]


def test_ids_that_two_holes_lack_are_left_to_the_first_one_and_the_ledger_is_told():
    pipeline, batch = resumed(known(2, 6), known(4, 9))

    assert missing(pipeline) == [((2, 6),), ((7, 9),)]
    assert steps(batch) == [(4, State.OPEN, 0, ((7, 9),))]


def test_a_hole_around_another_one_keeps_what_lies_on_both_sides():
    pipeline, batch = resumed(known(4, 6), known(2, 9))

    assert missing(pipeline) == [((4, 6),), ((2, 3), (7, 9))]
    assert steps(batch) == [(2, State.OPEN, 0, ((2, 3), (7, 9)))]


def test_trades_of_holes_that_lie_in_one_another_are_counted_once():
    pipeline, _ = resumed(known(4, 6), known(2, 9))
    trades = [trade(number) for number in range(2, 10)]

    first = pipeline.recover(SYMBOL, trades)
    again = pipeline.recover(SYMBOL, trades)

    assert ([each.trade_id for each in first.trades], again.trades) == (list(range(2, 10)), [])
    assert {(each.hole.first_id, each.state, each.recovered) for each in first.progress} == {
        (4, State.FILLED, 3), (2, State.FILLED, 5),
    }  # fmt: skip
    assert missing(pipeline) == []


def test_a_hole_of_which_nothing_is_left_ends_and_says_where_its_ids_are():
    pipeline, batch = resumed(known(2, 9), known(4, 6))

    [step] = batch.progress
    assert (step.hole.first_id, step.state, step.missing) == (4, State.FILLED, ())
    assert step.evidence == {"reason": "its ids are in other holes", "holes": [[2, 9]]}
    assert missing(pipeline) == [((2, 9),)]


def test_ids_that_came_into_one_hole_are_not_fetched_for_another_one():
    pipeline, batch = resumed(known(2, 9, missing=((4, 4),), recovered=7), known(3, 12))

    assert missing(pipeline) == [((4, 4),), ((10, 12),)]
    assert steps(batch) == [(3, State.OPEN, 6, ((10, 12),))]


def test_a_hole_all_of_which_came_into_a_later_one_ends():
    pipeline, batch = resumed(known(3, 5), known(2, 9, missing=((8, 8),), recovered=7))

    assert steps(batch) == [(3, State.FILLED, 3, ())]
    assert batch.progress[0].evidence["holes"] == [[2, 9]]
    assert missing(pipeline) == [((8, 8),)]


def test_ids_that_a_hole_left_to_another_one_did_not_come_into_it():
    pipeline, batch = resumed(known(5, 9), known(7, 20, missing=((13, 20),), recovered=3))

    assert missing(pipeline) == [((5, 9),), ((13, 20),)]
    assert batch.progress == []


def test_minutes_that_only_the_ended_hole_touched_are_complete_again():
    minute = incomplete_minute(MINUTE_US + 20)
    early, wide = known(2, 9), known(4, 6, end_us=MINUTE_US + 5)

    _, batch = resumed(early, wide, candle=minute)

    assert [(each.timestamp_us, each.complete, each.revision) for each in batch.candles] == [(minute.timestamp_us, True, 1)]


def test_minutes_in_the_hole_that_is_left_are_not_complete():
    _, batch = resumed(known(2, 9), known(4, 6), candle=incomplete_minute(20))

    assert batch.candles == []


def test_holes_that_share_nothing_are_taken_up_as_they_are():
    holes = [known(40, 50), known(2, 9, missing=((3, 3), (8, 9)), recovered=5), known(10, 12)]

    pipeline, batch = resumed(*holes)

    assert missing(pipeline) == [((40, 50),), ((3, 3), (8, 9)), ((10, 12),)]
    assert batch.progress == []


ranges = st.tuples(st.integers(1, 40), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(ranges, unique=True, min_size=1, max_size=8))
def test_whatever_holes_there_are_each_of_their_ids_is_missing_in_one_of_them(found: list[tuple[int, int]]):
    pipeline, batch = resumed(*(known(*each) for each in found))
    left = [set(ids_in(opened.missing)) for opened in pipeline.open_holes()]
    wanted = sorted(set(ids_in(found)))
    again = resumed(*(noted(pair, batch) for pair in found if noted(pair, batch).state is State.OPEN))

    assert sorted(number for each in left for number in each) == wanted
    assert all(first.isdisjoint(second) for first, second in combinations(left, 2))
    assert (missing(again[0]), again[1].progress) == (missing(pipeline), [])
    assert [each.trade_id for each in pipeline.recover(SYMBOL, map(trade, wanted)).trades] == wanted
    assert missing(pipeline) == []


def test_what_came_into_a_hole_of_the_forming_minute_is_missing_again_where_trades_are_not_kept():
    builder = CandleBuilder(SYMBOL)
    [candle] = [each for number, at in ((4, 0), (20, MINUTE_US)) for each in builder.add(trade(number, at))]
    hole = Hole(SYMBOL, 5, 9, START_US, START_US + MINUTE_US, Cause.STALL)
    pipeline = Pipeline([SYMBOL])

    partly = KnownHole(hole, State.OPEN, ((5, 6), (9, 9)), 2)
    pipeline.resume(SYMBOL, Resume(20, START_US + MINUTE_US, START_US - 1, candle, trades=None, holes=[partly]))

    assert sorted(number for pairs in missing(pipeline) for number in ids_in(pairs)) == list(range(5, 21))


def test_a_trade_of_a_hole_that_ended_before_the_restart_is_taken_when_it_comes_after_all():
    hole = KnownHole(Hole(SYMBOL, 40, 41, START_US + 39, START_US + 42, Cause.STALL), State.UNRECOVERABLE, ((41, 41),), 1)
    pipeline, _ = resumed(hole)

    batch = pipeline.take([trade(41)])

    assert [each.trade_id for each in batch.trades] == [41]
    assert steps(batch) == [(40, State.FILLED, 2, ())]


def noted(pair: tuple[int, int], batch: Batch) -> KnownHole:
    """Return a hole as the ledger has it once the batch is stored."""
    step: Progress | None = next((each for each in batch.progress if (each.hole.first_id, each.hole.last_id) == pair), None)
    if step is None:
        return known(*pair)
    return KnownHole(step.hole, step.state, step.missing, step.recovered)


def incomplete_minute(at_us: int) -> Candle:
    builder = CandleBuilder(SYMBOL)
    builder.add(trade(100, at_us))
    [minute] = builder.close_until(START_US + at_us + MINUTE_US)
    return minute


def ids_in(pairs) -> list[int]:
    return [number for low, high in pairs for number in range(low, high + 1)]
