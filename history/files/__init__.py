"""Candles out of files that others made: exchanges' public dumps, freqtrade's data, csv, parquet, feather and json."""
