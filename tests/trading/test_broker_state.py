import json
from math import isnan, nan

from tests.trading.accounts import flat, run
from trading import broker_state
from trading.broker import Broker
from trading.position import Bar
from trading.rules import Listing, Rules


def again(broker, **rules):
    """Return a new broker that goes on where one was, behind JSON."""
    other = Broker(Rules(**rules), [Listing()], 5.0)
    broker_state.restore(other, json.loads(json.dumps(broker_state.state_of(broker), allow_nan=False)))
    return other


def test_a_restored_broker_is_what_it_was_to_the_last_digit():
    broker = run([flat(0.1), flat(0.3), Bar(0.3, 0.31, 0.2, 0.21, 0.7)], [1.0, 0.5, 1.0], stop_loss=0.5, volume_share=0.1)

    assert again(broker, stop_loss=0.5, volume_share=0.1).positions == broker.positions
    assert broker_state.state_of(again(broker)) == broker_state.state_of(broker)


def test_what_nobody_knows_stays_unknown():
    broker = run([flat(10.0), flat(10.0, nan)], [1.0, nan])

    assert isnan(again(broker).positions[0].volume)


def test_a_restored_broker_goes_on_under_other_rules():
    broker = again(run([flat(10.0), flat(10.0)], [1.0, 1.0]), stop_loss=0.1, taker_fee=0.0)
    broker.trade([flat(8.0)])

    assert [(fill.price, fill.size) for fill in broker.fills] == [(8.0, -100.0)]


def test_a_pause_lasts_over_a_restart():
    rules = {"stop_loss": 0.1, "guard_stops": 1, "guard_within_bars": 5, "guard_pause_bars": 3, "taker_fee": 0.0}
    broker = again(run([flat(10.0), flat(10.0), flat(8.0)], [1.0, 1.0, 0.0], **rules), **rules)
    for _ in range(4):
        broker.trade([flat(8.0)])
        broker.close([flat(8.0)])
        broker.decide([flat(8.0)], [1.0])

    assert [fill.bar for fill in broker.fills] == [6]
