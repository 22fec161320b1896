"""Prefect for the pages and the command line, over REST: its server, what runs by itself, and a run in words."""
