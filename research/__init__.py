"""Research over the store: backtests, sweeps and walk-forwards of stored candles, kept with all that decided them."""
