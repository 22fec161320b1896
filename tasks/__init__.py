"""Prefect tasks: one retryable step each."""
