"""Any request and any question to the local exchange's Coinbase has an answer."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from exchanges import Coinbase
from replay.answer import Question
from replay.coinbase import CoinbaseSession
from replay.coinbase_rest import answer
from replay.source import Slice
from tests.replay.played import NOW

SECOND = NOW // 1_000_000


WORDS = st.sampled_from(["subscribe", "unsubscribe", "matches", "heartbeat", "market_trades", "heartbeats", "BTC-USDT", "", "full"])
VALUES = st.recursive(
    st.none() | st.integers() | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=2)
)


@given(
    requests=st.lists(
        st.fixed_dictionaries(
            {"type": WORDS}, optional={"product_ids": st.lists(WORDS, max_size=3) | VALUES, "channel": WORDS,
                                       "channels": st.lists(WORDS, max_size=3) | VALUES}
        ),
        max_size=4,
    )
)  # fmt: skip
def test_any_request_is_answered_and_the_feed_stays_readable(market, requests):
    session = CoinbaseSession()
    frames = [frame for request in requests for frame in session.receive(json.dumps(request), market)]
    frames += session.beat(market, 0.0) + session.push(Slice(market.source, NOW + 1_000_000, NOW, {}))

    assert len(frames) >= len(requests)
    assert not Coinbase(["BTC-USDT"]).parse_all(frames, 0).refused


NUMBERS = st.sampled_from(["0", "1", "60", "-1", "1e9", "", "x", "²", str(SECOND), str(SECOND + 60), "9" * 20, "9" * 30]) | st.text(
    max_size=4
)
TIMES = NUMBERS | st.sampled_from(["2025-06-15T04:10:30Z", "2025-06-15", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"])


@given(
    what=st.sampled_from(["trades", "candles", "ticker", ""]),
    params=st.fixed_dictionaries(
        {}, optional={**dict.fromkeys(("limit", "after", "before", "granularity"), NUMBERS), "start": TIMES, "end": TIMES}
    ),
)
@example(what="candles", params={"limit": "0", "end": "0", "start": "9" * 30})
def test_any_question_has_an_answer(market, what, params):
    reply = answer(Question(f"/products/BTC-USDT/{what}".rstrip("/"), params), market)

    assert reply.status in {200, 400}
    assert json.loads(reply.body) is not None
