import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.bots.ledger import EXACT, Ledger, LedgerError, exact

BTC = "OKX:BTC-USDT"
POSITION = f"position {BTC}"


def booked(*executions):
    """Return a ledger of 1,000 with executions (size, price, fee), and as what they were booked."""
    ledger = Ledger(Decimal(1000))
    return ledger, [ledger.book(BTC, *each) for each in executions]


def test_what_is_bought_and_sold_again_leaves_its_gain_and_its_fees():
    ledger, (bought, sold) = booked((2.0, 10.0, 0.25), (-2.0, 15.0, 0.5))

    assert bought.postings == {"cash": Decimal("-20.25"), POSITION: Decimal(20), "fees": Decimal("0.25")}
    assert sold.postings == {"cash": Decimal("29.5"), POSITION: Decimal(-20), "fees": Decimal("0.5"), "profit": Decimal(-10)}
    assert (bought.profit, sold.profit, ledger.profit, ledger.fees, ledger.cash) == (
        None,
        10,
        10,
        Decimal("0.75"),
        Decimal("1009.25"),
    )


def test_a_part_that_is_sold_had_its_share_of_the_average_cost():
    _, (*_, sold) = booked((1.0, 10.0, 0.0), (3.0, 20.0, 0.0), (-1.0, 20.0, 0.0))

    assert (sold.profit, sold.position) == (Decimal("2.5"), 3)  # 70 / 4 = 17.5 was its cost


def test_a_short_position_gains_where_the_price_falls():
    ledger, (sold, bought) = booked((-2.0, 10.0, 0.0), (2.0, 7.0, 0.0))

    assert (sold.position, sold.cash, bought.profit, ledger.accounts[POSITION]) == (-2, 1020, 6, 0)


def test_an_execution_that_turns_a_position_gains_on_what_it_closes_only():
    ledger, (_, turned) = booked((2.0, 10.0, 0.0), (-5.0, 12.0, 0.0))

    assert (turned.profit, turned.position, ledger.accounts[POSITION]) == (4, -3, -36)


def test_what_closes_a_position_leaves_nothing_of_it_whatever_the_floats_say():
    ledger, (*_, sold) = booked((0.1, 1.0, 0.0), (0.2, 1.0, 0.0), (-(0.1 + 0.2), 1.0, 0.0))

    assert (sold.size, sold.position, ledger.accounts[POSITION]) == (Decimal("-0.3"), 0, 0)


def test_a_fee_that_is_next_to_nothing_is_booked_exactly():
    ledger, (bought,) = booked((1.0, 10.0, 1e-300))

    assert (ledger.fees, bought.cash) == (exact(1e-300), EXACT.subtract(Decimal(990), exact(1e-300)))
    ledger.check()


def test_a_venue_may_pay_a_fee():
    ledger, _ = booked((1.0, 10.0, -0.5))

    assert (ledger.fees, ledger.cash) == (Decimal("-0.5"), Decimal("990.5"))


def test_a_ledger_that_does_not_add_up_is_refused():
    state = booked((1.0, 10.0, 0.0))[0].state()
    state["accounts"]["cash"] = "990.01"

    with pytest.raises(LedgerError, match=r"add up to 0\.01, and not to 0"):
        Ledger.restored(state)


_sizes = st.floats(1e-9, 1e9) | st.sampled_from([0.1, 0.2, 0.3, 1e-12, 5e-324, 1e300])
_executions = st.tuples(
    _sizes.map(abs) | _sizes.map(lambda size: -size), st.floats(1e-9, 1e9), st.floats(-1.0, 1e3) | st.just(5e-324)
)


@given(st.lists(_executions, max_size=12))
def test_every_entry_adds_up_to_nothing_and_a_restored_ledger_is_the_same(executions):
    ledger = Ledger(Decimal("1000.01"))
    for each in executions:
        before, entry = dict(ledger.accounts), ledger.book(BTC, *each)
        assert added_up(entry.postings.values()) == 0
        assert ledger.accounts == {
            name: EXACT.add(before.get(name, Decimal(0)), entry.postings.get(name, Decimal(0))) for name in ledger.accounts
        }
        ledger.check()
        ledger = Ledger.restored(json.loads(json.dumps(ledger.state())))
    assert ledger.equity({BTC: 3.7}) == EXACT.add(ledger.cash, EXACT.multiply(ledger.sizes.get(BTC, Decimal(0)), Decimal("3.7")))


def added_up(amounts):
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
