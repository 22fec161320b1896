"""Bots that the live path feeds, held equal to backtests over what it stored; not installed."""
