"""Paper bots: strategies that trade with virtual money on the candles that are stored."""
