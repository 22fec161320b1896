"""Strategies, backtests and paper bots."""
