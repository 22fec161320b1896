"""History of candles and trades: out of files, from venues, and how good it is."""
