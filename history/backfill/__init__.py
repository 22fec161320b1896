"""Fills what is missing of the past from the venues themselves: their candles, or their trades, which prove them whole."""

from history.backfill.order import Order, Outcome, OutOfReach, Progress, Standing
from history.backfill.run import run_backfill
from history.backfill.venue import CandleVenue, NativeVenue

__all__ = ["CandleVenue", "NativeVenue", "Order", "OutOfReach", "Outcome", "Progress", "Standing", "run_backfill"]
