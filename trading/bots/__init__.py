"""Paper bots: a strategy that trades with virtual money on live candles, as its file says."""
