"""Runs small enough to be measured by hand, and makers of others."""

import numpy as np

from trading.backtest.metrics import RoundTrips, Run

DAY = 86_400
FEBRUARY_US = 1_706_745_600_000_000  # 2024-02-01T00:00:00Z


def days_until(last_us: int, bars: int) -> np.ndarray:
    """Return the closes of daily bars up to one."""
    return last_us - DAY * 1_000_000 * np.arange(bars - 1, -1, -1)


# Four days, closing at midnight on 31 January, 1, 2 and 3 February: so they are 30 and 31 January, 1 and 2 February.
# Returns: 0.1, -0.1, 0.2, -0.05; those of the market from the second day on: 0.1, -0.05, 0.1.
TRIPS = RoundTrips(
    side=[1, 1, -1, 1, -1],
    entered_us=[0, 1, 2, 3, 4],
    left_us=[1, 2, 3, 4, 5],
    bars=[1, 2, 3, 1, 2],
    size=[2.0, 2.0, 1.0, 2.0, 1.0],
    entry_price=[50.0, 50.0, 50.0, 50.0, 60.0],
    exit_price=[60.5, 46.0, 44.0, 50.5, 62.0],
    profit=[20.0, -10.0, 5.0, 0.0, -3.0],
    fees=[1.0, 2.0, 1.0, 1.0, 3.0],
    value=[100.0, 100.0, 50.0, 100.0, 60.0],
    reason=[0, 1, 0, 0, 1],
    best=[0.22, 0.05, 0.12, 0.02, 0.01],
    worst=[-0.01, -0.12, -0.02, -0.03, -0.07],
)
RUN = Run(
    balance=100.0,
    equity=np.array([110.0, 99.0, 118.8, 112.86]),
    bar_seconds=DAY,
    close=np.array([50.0, 55.0, 52.25, 57.475]),
    timestamps_us=days_until(FEBRUARY_US + 2 * DAY * 1_000_000, 4),
    exposure=np.array([0.0, 1.0, -0.5, 0.25]),
    trips=TRIPS,
)


def run_of(*equity: float, balance: float = 100.0, **others: object) -> Run:
    """Return a run of daily bars without a market, times or trades, unless given."""
    return Run(**{"balance": balance, "equity": np.array(equity, np.float64), "bar_seconds": DAY, **others})


def trips_of(*profit: float, **others: object) -> RoundTrips:
    """Return long round trips of one bar, worth 100 at the entry, with these profits."""
    ones = np.ones(len(profit))
    whole = ones.astype(np.int64)
    return RoundTrips(
        **{
            "side": whole, "entered_us": whole, "left_us": whole, "bars": whole, "size": ones, "entry_price": ones * 100,
            "exit_price": ones * 100, "profit": np.array(profit, np.float64), "fees": ones * 0, "value": ones * 100,
            "reason": whole, "best": ones * 0, "worst": ones * 0, **others,
        }
    )  # fmt: skip
