"""Orders inside bars, each case worked out by hand."""

import numpy as np
import pytest

from tests.trading.accounts import CHANGED, ENTRY, FREE, PROFIT, STOP, TIME, TRAIL, flat, run, run_two, told
from trading.broker import Broker
from trading.fills import Slippage
from trading.position import Bar
from trading.rules import FillAt, Listing, Rules, Sizing


class TestMarketOrders:
    def test_one_is_filled_at_the_open_of_the_next_bar(self):
        broker = run([flat(10.0), Bar(20.0, 30.0, 15.0, 25.0, 1.0)], [1.0, 1.0])

        assert told(broker) == [(1, ENTRY, 20.0, 50.0)]
        assert broker.equity == 1_250.0

    def test_or_at_the_close_that_it_was_decided_at(self):
        broker = run([flat(10.0), flat(20.0)], [1.0, 1.0], fill_at=FillAt.CLOSE)

        assert told(broker) == [(0, ENTRY, 10.0, 100.0)]
        assert broker.equity == 2_000.0

    def test_a_bar_in_which_nobody_traded_fills_nothing(self):
        broker = run([flat(10.0), flat(10.0, 0.0), flat(11.0)], [1.0, 1.0, 1.0])

        assert told(broker) == [(2, ENTRY, 11.0, 1_000.0 / 11.0)]

    def test_fees_are_paid_on_the_way_in_and_out_and_the_cash_is_enough(self):
        broker = run([flat(10.0)] * 3, [1.0, 0.0, 0.0], taker_fee=0.0625)

        size = 1_000.0 / 10.625
        assert told(broker) == [(1, ENTRY, 10.0, size), (2, CHANGED, 10.0, -size)]
        assert [fill.fee for fill in broker.fills] == [0.625 * size] * 2
        assert broker.cash == pytest.approx(1_000.0 - 1.25 * size, rel=1e-15)

    def test_a_turn_leaves_one_side_and_enters_the_other(self):
        broker = run([flat(10.0), flat(10.0), flat(20.0), flat(10.0)], [1.0, -1.0, -1.0, -1.0], short=True)

        assert told(broker) == [(1, ENTRY, 10.0, 100.0), (2, CHANGED, 20.0, -100.0), (2, ENTRY, 20.0, -100.0)]
        assert broker.equity == 3_000.0

    def test_without_short_a_negative_target_leaves(self):
        assert told(run([flat(10.0)] * 3, [1.0, -1.0, -1.0]))[1:] == [(2, CHANGED, 10.0, -100.0)]

    def test_half_a_target_sells_half(self):
        assert told(run([flat(10.0)] * 3, [1.0, 0.5, 0.5])) == [(1, ENTRY, 10.0, 100.0), (2, CHANGED, 10.0, -50.0)]

    @pytest.mark.parametrize(
        ("kind", "amount", "bought", "sold"),
        [(Slippage.BASIS_POINTS, 100.0, 10.1, 9.9), (Slippage.SPREAD, 1.0, 10.5, 9.5), (Slippage.NONE, 7.0, 10.0, 10.0)],
    )
    def test_slippage_is_against_both_sides(self, kind, amount, bought, sold):
        broker = run([flat(10.0)] * 3, [1.0, 0.0, 0.0], slippage=kind, slippage_amount=amount)

        assert [fill.price for fill in broker.fills] == pytest.approx([bought, sold], rel=1e-15)

    def test_impact_grows_with_the_square_of_the_share_of_the_volume(self):
        bars = [flat(10.0, 40.0)] * 2
        broker = run(
            bars, [1.0, 1.0], sizing=Sizing.VALUE, size=100.0, slippage=Slippage.IMPACT, slippage_amount=0.1, volume_share=0.5
        )

        size = 100.0 / (10.0 * (1.0 + 0.1 * 0.25))
        assert told(broker) == [(1, ENTRY, 10.0 * (1.0 + 0.1 * (size / 40.0) ** 2), size)]

    def test_prices_are_on_the_tick_and_never_better(self):
        broker = run([flat(10.0)] * 3, [1.0, 0.0, 0.0], Listing(tick=0.25), slippage=Slippage.BASIS_POINTS, slippage_amount=10.0)

        assert [fill.price for fill in broker.fills] == [10.25, 9.75]

    @pytest.mark.parametrize("fill_at", FillAt)
    @pytest.mark.parametrize("sold", [0.0, 0.25])
    @pytest.mark.parametrize("first", [0, 1])
    def test_what_one_symbol_frees_another_may_use_at_the_same_moment_whichever_comes_first(self, fill_at, sold, first):
        rows = [[1.0, 0.0], [sold, 1.0 - sold], [sold, 1.0 - sold]]
        broker = run_two([[flat(10.0)] * 2] * 3, rows if first == 0 else [row[::-1] for row in rows], fill_at=fill_at)

        assert [position.size for position in broker.positions][:: 1 if first == 0 else -1] == [100.0 * sold, 100.0 * (1.0 - sold)]
        assert broker.refused == 0

    def test_a_sale_gets_nothing_at_worst(self):
        broker = run([flat(10.0)] * 3, [1.0, 0.0, 0.0], slippage=Slippage.SPREAD, slippage_amount=50.0)

        assert [fill.price for fill in broker.fills] == [35.0, 0.0]

    @pytest.mark.parametrize("worse", [{"slippage": Slippage.SPREAD, "slippage_amount": 50.0}, {}])
    def test_a_price_of_nothing_sells_nothing_short(self, worse):
        broker = run([flat(10.0)] * 3, [-1.0] * 3, Listing(tick=0.0 if worse else 20.0), short=True, **worse)

        assert (broker.fills, broker.refused) == ([], 1)


class TestSizes:
    def test_only_a_share_of_the_volume_is_filled_and_the_rest_follows(self):
        bars = [flat(10.0), flat(10.0, 60.0), flat(10.0, 40.0), flat(10.0, 1_000.0)]

        assert told(run(bars, [1.0] * 4, volume_share=0.5)) == [
            (1, ENTRY, 10.0, 30.0),
            (2, ENTRY, 10.0, 20.0),
            (3, ENTRY, 10.0, 50.0),
        ]

    def test_what_follows_of_an_order_is_no_more_than_can_be_paid_by_then(self):
        broker = run([flat(10.0), flat(10.0, 60.0), flat(16.0), flat(16.0)], [1.0] * 4, volume_share=1.0)

        assert told(broker) == [(1, ENTRY, 10.0, 60.0), (2, ENTRY, 16.0, 25.0)]
        assert (broker.cash, broker.refused) == (0.0, 0)

    def test_sizes_are_whole_lots_rounded_down(self):
        assert told(run([flat(30.0)] * 2, [1.0, 1.0], Listing(lot=0.1)))[0][3] == 33.3

    @pytest.mark.parametrize(("lot", "size"), [(0.4, 33.2), (0.3, 33.3), (0.75, 33.0), (0.25, 33.25), (2.5, 32.5), (7.0, 28.0)])
    def test_a_lot_may_be_any_number(self, lot, size):
        assert told(run([flat(30.0)] * 2, [1.0, 1.0], Listing(lot=lot)))[0][3] == pytest.approx(size, rel=1e-12)

    def test_an_order_that_waits_keeps_the_scale_it_was_decided_with(self):
        broker = Broker(Rules(**FREE, sizing=Sizing.VOLATILITY), [Listing()], 1_000.0)
        for bar, scale in [(flat(10.0), 0.5), (flat(10.0, 0.0), np.nan), (flat(10.0), np.nan)]:
            broker.trade([bar])
            broker.close([bar])
            broker.decide([bar], [1.0], scales=[scale])

        assert told(broker) == [(2, ENTRY, 10.0, 50.0)]

    def test_an_order_below_the_smallest_is_refused_and_counted(self):
        broker = run([flat(10.0)] * 3, [0.01, 0.01, 0.01], Listing(least_value=20.0))

        assert (broker.fills, broker.refused) == ([], 1)

    def test_one_of_just_the_smallest_is_filled(self):
        assert told(run([flat(10.0)] * 2, [0.5, 0.5], Listing(least_value=500.0))) == [(1, ENTRY, 10.0, 50.0)]

    def test_a_fixed_value_does_not_grow_with_the_account(self):
        assert told(run([flat(10.0)] * 2, [1.0, 1.0], sizing=Sizing.VALUE, size=50.0)) == [(1, ENTRY, 10.0, 5.0)]

    def test_leverage_bounds_what_is_held(self):
        assert told(run([flat(10.0)] * 2, [5.0, 5.0], leverage=2.0)) == [(1, ENTRY, 10.0, 200.0)]


class TestExits:
    def test_a_stop_is_filled_at_its_price(self):
        bars = [flat(10.0), flat(10.0), Bar(10.0, 10.0, 8.0, 9.5, 1.0)]

        assert told(run(bars, [1.0] * 3, stop_loss=0.1))[1:] == [(2, STOP, 9.0, -100.0)]

    def test_a_gap_through_the_stop_is_filled_at_the_open(self):
        bars = [flat(10.0), flat(10.0), Bar(7.0, 12.0, 6.0, 11.0, 1.0)]

        assert told(run(bars, [1.0] * 3, stop_loss=0.1))[1:] == [(2, STOP, 7.0, -100.0)]

    def test_of_stop_and_target_in_one_bar_the_stop_counts(self):
        bars = [flat(10.0), flat(10.0), Bar(10.0, 12.0, 8.0, 10.0, 1.0)]
        broker = run(bars, [1.0] * 3, stop_loss=0.1, take_profit=0.1)

        assert (told(broker)[1:], broker.both) == ([(2, STOP, 9.0, -100.0)], 1)

    def test_a_target_is_a_limit_order_that_takes_a_better_open(self):
        bars = [flat(10.0), flat(10.0), Bar(13.0, 14.0, 12.0, 12.0, 1.0)]
        broker = run(bars, [1.0] * 3, take_profit=0.2, maker_fee=0.01, taker_fee=0.0)

        assert told(broker)[1:] == [(2, PROFIT, 13.0, -100.0)]
        assert broker.fills[1].fee == 13.0

    def test_an_average_of_two_entries_is_what_a_stop_is_measured_from(self):
        bars = [flat(10.0), flat(10.0), flat(20.0), Bar(20.0, 20.0, 12.0, 12.0, 1_000.0)]
        broker = run(bars, [1.0] * 4, sizing=Sizing.VALUE, size=800.0, stop_loss=0.1, volume_share=0.04)  # 40 a bar

        assert told(broker)[:3] == [(1, ENTRY, 10.0, 40.0), (2, ENTRY, 20.0, 30.0), (3, STOP, pytest.approx(90.0 / 7.0), -40.0)]

    def test_of_the_bar_of_a_limit_only_the_close_counts_for_the_trailing_stop(self):
        bars = [flat(10.0), Bar(10.0, 20.0, 9.0, 12.0, 1.0), Bar(12.0, 12.0, 10.5, 11.0, 1.0), Bar(11.0, 11.0, 9.0, 9.0, 1.0)]

        assert told(run(bars, [1.0] * 4, limit_offset=0.1, trailing_stop=0.2))[1:] == [
            (3, TRAIL, pytest.approx(9.6), -1_000.0 / 9.0)
        ]

    def test_an_order_that_a_stop_overtook_is_taken_back(self):
        bars = [flat(10.0), flat(10.0, 50.0), flat(8.0, 500.0), flat(8.0)]
        broker = run(bars, [1.0] * 4, stop_loss=0.1, volume_share=1.0, sizing=Sizing.VALUE, size=600.0)

        assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (2, ENTRY), (2, STOP)]

    def test_a_trailing_stop_follows_the_best_price_of_the_bars_before(self):
        bars = [flat(10.0), Bar(10.0, 20.0, 10.0, 19.0, 1.0), Bar(19.0, 25.0, 18.5, 24.0, 1.0), Bar(24.0, 24.0, 10.0, 11.0, 1.0)]

        assert told(run(bars, [1.0] * 4, trailing_stop=0.2))[1:] == [(3, TRAIL, 20.0, -100.0)]

    def test_short_positions_are_stopped_above(self):
        bars = [flat(10.0), flat(10.0), Bar(10.0, 12.0, 10.0, 12.0, 1.0)]

        assert told(run(bars, [-1.0] * 3, stop_loss=0.1, short=True))[1:] == [(2, STOP, 11.0, 100.0)]

    def test_after_so_many_bars_a_position_is_left(self):
        assert told(run([flat(10.0)] * 5, [1.0] * 5, time_exit=2))[1:] == [(3, TIME, 10.0, -100.0)]

    def test_time_runs_out_though_the_volume_has_not_let_all_in(self):
        broker = run([flat(10.0, 10.0)] * 6, [1.0] * 6, time_exit=2, volume_share=0.5)

        assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (2, ENTRY), (3, TIME), (4, TIME)]

    def test_bars_are_counted_from_the_close_that_a_position_was_entered_at(self):
        found = told(run([flat(10.0)] * 5, [1.0] * 5, time_exit=2, fill_at=FillAt.CLOSE))

        assert [(bar, why) for bar, why, _, _ in found] == [(0, ENTRY), (2, TIME)]

    def test_after_a_stop_the_same_target_enters_nothing_and_another_does(self):
        bars = [flat(10.0), flat(10.0), flat(8.0), flat(8.0), flat(8.0), flat(8.0)]
        broker = run(bars, [1.0, 1.0, 1.0, 0.0, 1.0, 1.0], stop_loss=0.1)

        assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (2, STOP), (5, ENTRY)]

    def test_what_the_volume_leaves_of_a_stop_goes_at_the_next_open(self):
        bars = [flat(10.0), flat(10.0), flat(8.0, 60.0), flat(7.0)]

        assert told(run(bars, [1.0] * 4, stop_loss=0.1, volume_share=1.0))[1:] == [(2, STOP, 8.0, -60.0), (3, STOP, 7.0, -40.0)]


class TestLimitOrders:
    def test_an_entry_waits_for_its_price(self):
        bars = [flat(10.0), Bar(10.0, 10.0, 9.5, 10.0, 1.0), Bar(10.0, 10.0, 8.5, 10.0, 1.0)]
        broker = run(bars, [1.0] * 3, limit_offset=0.1, limit_bars=5, maker_fee=0.0625)

        assert told(broker) == [(2, ENTRY, 9.0, 1_000.0 / (9.0 * 1.0625))]

    def test_a_better_open_is_taken(self):
        assert told(run([flat(10.0), flat(8.0)], [1.0, 1.0], limit_offset=0.1)) == [(1, ENTRY, 8.0, 125.0)]

    def test_it_is_given_up_after_its_bars(self):
        assert told(run([flat(10.0), flat(10.0), flat(8.0)], [1.0] * 3, limit_offset=0.1, limit_bars=1)) == []

    def test_what_it_entered_may_be_stopped_in_the_same_bar_but_takes_no_profit(self):
        stopped = run([flat(10.0), Bar(10.0, 20.0, 5.0, 15.0, 1.0)], [1.0] * 2, limit_offset=0.1, stop_loss=0.2, take_profit=0.1)
        kept = run([flat(10.0), Bar(10.0, 20.0, 9.0, 15.0, 1.0)], [1.0] * 2, limit_offset=0.1, stop_loss=0.2, take_profit=0.1)

        assert [(fill.reason, fill.price) for fill in stopped.fills] == [(ENTRY, 9.0), (STOP, pytest.approx(7.2))]
        assert (stopped.both, [fill.reason for fill in kept.fills]) == (0, [ENTRY])

    def test_a_smaller_target_sells_at_market(self):
        bars = [flat(10.0), flat(9.0), flat(9.0), flat(12.0)]

        assert told(run(bars, [1.0, 1.0, 0.5, 0.5], limit_offset=0.1)) == [
            (1, ENTRY, 9.0, 1_000.0 / 9.0),
            (3, CHANGED, 12.0, pytest.approx(-500.0 / 9.0)),
        ]

    def test_what_is_held_is_not_sold_at_an_open_before_more_of_it_was_bought(self):
        bars = [flat(10.0), flat(9.0), Bar(11.0, 12.0, 8.0, 8.0, 1_000.0)]
        broker = run(bars, [0.5, 1.0, 1.0], limit_offset=0.1, limit_bars=3, take_profit=0.2)

        assert told(broker) == [(1, ENTRY, 9.0, 500.0 / 9.0), (2, PROFIT, 11.0, -500.0 / 9.0)]

    def test_more_that_is_bought_takes_no_profit_in_its_bar(self):
        bars = [flat(10.0), flat(9.0), Bar(9.0, 10.0, 8.0, 8.0, 1_000.0)]  # 9.9 would be 10 % above 9, 9.4 above the average
        broker = run(bars, [0.5, 1.0, 1.0], limit_offset=0.1, limit_bars=3, take_profit=0.1)

        assert [(fill.bar, fill.reason) for fill in broker.fills] == [(1, ENTRY), (2, ENTRY)]

    def test_a_gap_through_the_stop_leaves_before_more_is_bought_and_takes_the_order_back(self):
        bars = [flat(10.0), flat(9.0), Bar(8.0, 8.5, 8.0, 8.0, 1_000.0), flat(8.0)]
        broker = run(bars, [0.5, 1.0, 1.0, 1.0], limit_offset=0.01, limit_bars=3, stop_loss=0.1)

        assert told(broker) == [(1, ENTRY, 9.0, 500.0 / 9.0), (2, STOP, 8.0, -500.0 / 9.0)]


def test_rules_out_of_their_bounds_are_refused_by_name():
    with pytest.raises(Exception, match=r"rule stop_loss is 1\.5; expected was a number from 0 to 0\.999"):
        Rules(stop_loss=1.5)
    with pytest.raises(Exception, match="rule taker_fee is nan"):
        Rules(taker_fee=np.nan)
