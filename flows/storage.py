"""The flow that keeps the database small and fast: columnstore, retention, partitions, vacuum."""

from typing import Any

import msgspec
from prefect import flow

from flows.results import show_table
from tasks.storage import tidy_up


@flow
async def maintain_storage() -> dict[str, Any]:
    """Compress, drop trades and signals that are older than the settings keep them, make partitions ahead, vacuum; repeatable."""
    done: dict[str, Any] = msgspec.to_builtins(await tidy_up())
    rows = [{"what": name, "result": ", ".join(value) if isinstance(value, list) else value} for name, value in done.items()]
    await show_table("storage", rows, f"{done['rows_deleted']:,} old trades gone, {done['compressed']:,} chunks compressed")
    return done
