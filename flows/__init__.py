"""Prefect flows: the order of steps."""
