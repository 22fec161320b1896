"""Links from what is said of the data to its candles on the page of the market."""

from app import ranges
from app.data.connections import settings
from app.views.navigation import link
from app.views.sidebar import zone
from market.timeframe import MINUTE_US

_AROUND_US = 15 * MINUTE_US


def link_to_candles(symbol: str, label: str, *, start_us: int, end_us: int) -> None:
    """Show a link to the minutes from `start_us` to `end_us` (UTC epoch microseconds) and a little around them."""
    name = zone(end_us).name
    ends = (ranges.on_the_wall(at_us, name) for at_us in (start_us - _AROUND_US, end_us + _AROUND_US))
    between = ranges.window_words(ends, name)
    selection = {"symbol": symbol, "timeframe": "1m", "range": "window", "between": between}
    zoned = {} if name == settings().app.time_zone else {"tz": name}
    link("market", label, icon=":material/candlestick_chart:", **selection, **zoned)
