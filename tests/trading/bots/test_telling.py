import msgspec
import pytest

from db.bus import Bus, encode_candle
from tests.db.candles import candle
from trading.bots.telling import Teller
from trading.bots.waking import Waker, _is_closed_minute


def test_a_teller_without_redis_tells_nobody_and_ends():
    teller = Teller(None)
    teller.signal("a", {})
    teller.state("a", {})
    teller.close()


def test_a_redis_that_is_away_keeps_nobody_from_ending():
    teller = Teller("redis://127.0.0.1:1/0")  # nobody listens there
    teller.state("a", {"state": "running"})
    teller.close()

    assert not teller._thread.is_alive()


@pytest.mark.redis
def test_what_is_told_goes_over_the_channels_of_the_bot_and_the_newest_state_is_kept(redis_url):
    bus = Bus(redis_url)
    heard = bus.subscribe("signals:a", "status:a", quiet_seconds=10.0)
    assert next(heard) is None
    teller = Teller(redis_url)
    teller.signal("a", {"event": "signal"})
    teller.state("a", {"state": "running"})
    teller.close()

    assert [(each.channel, msgspec.json.decode(each.data)) for each in (next(heard), next(heard))] == [
        ("signals:a", {"event": "signal"}), ("status:a", {"state": "running"}),
    ]  # fmt: skip
    assert bus.bot("a") == {"state": "running"}
    assert bus.bot("b") is None
    heard.close()
    bus.close()


def test_only_minutes_that_closed_wake():
    closed = candle(1)
    forming = msgspec.structs.replace(closed, final=False)

    assert _is_closed_minute(encode_candle(closed))
    assert not _is_closed_minute(encode_candle(forming))


@pytest.mark.redis
def test_a_waker_wakes_at_first_and_ends(redis_url):
    import threading

    woken = threading.Event()
    waker = Waker(redis_url, lambda: {"OKX:BTC-USDT"}, woken.set)
    waker.start()

    assert woken.wait(30.0)
    waker.close()
    assert not waker._thread.is_alive()
