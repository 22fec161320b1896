"""What no honest venue sends, and what has to come of it: values that may be stored, or an error."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from exchanges import DataProvider
from exchanges.base import Control
from market.errors import WireError
from market.trade import Trade

NOW = 1_800_000_000_000_000
_INSERTED = [b"", b"0", b"-", b"1e400", b'"', b"}", b"null", b"NaN", b",", b"\\ud800", b"9" * 25]


def json_values(names: Sequence[str], *words: str) -> st.SearchStrategy[Any]:
    """Return JSON values whose objects have a venue's own names, and some words of its own among their texts."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    return st.recursive(
        leaves | st.sampled_from(words) if words else leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(names), inner, max_size=6),
        max_leaves=12,
    )


@st.composite
def mangled(draw: st.DrawFn, good: bytes) -> bytes:
    """Return a text with other bytes in one place of it."""
    start, length = draw(st.integers(0, len(good))), draw(st.integers(0, 12))
    return good[:start] + draw(st.sampled_from(_INSERTED) | st.binary(max_size=4)) + good[start + length :]


@st.composite
def strangely_filled(draw: st.DrawFn, good: bytes, values: st.SearchStrategy[Any]) -> bytes:
    """Return an object of JSON in which one value, at any depth, is another."""
    outer = json.loads(good)
    inner = outer
    while isinstance(inner, dict):
        name = draw(st.sampled_from(sorted(inner)))
        holder, inner = inner, inner[name]
        inner = inner[0] if isinstance(inner, list) and inner and draw(st.booleans()) else inner
        if draw(st.booleans()) or not isinstance(inner, dict):
            holder[name] = draw(values)
            break
    return json.dumps(outer).encode()


def read_or_refuse(provider: DataProvider, frame: bytes) -> None:
    """Assert that a frame gives values that may be stored, or WireError, and nothing else; alone and among others alike."""
    try:
        found = provider.parse(frame, NOW)
    except WireError:
        found = None
    trades = found if isinstance(found, list) else []
    _assert_may_be_stored(trades, provider)

    parsed = provider.parse_all([frame], NOW)

    assert parsed.trades == trades
    assert parsed.controls == ([found] if isinstance(found, Control) else [])
    assert len(parsed.refused) == (found is None)
    assert all(0 <= number < 2**62 for number in parsed.numbers)


def _assert_may_be_stored(trades: list[Trade], provider: DataProvider) -> None:
    for trade in trades:
        assert 0 < trade.price < 1e18
        assert 0 < trade.size < 1e18
        assert 0 <= trade.first_id <= trade.trade_id < 2**62
        assert 0 <= trade.count < 2**31
        assert 1 <= trade.id_span < 2**31
        assert 0 <= trade.timestamp_us < 253_402_300_800_000_000
        assert trade.symbol in provider.symbols
