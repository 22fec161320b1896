"""Backtests: what a strategy would have done on stored candles, and how well."""
