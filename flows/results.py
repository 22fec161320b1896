"""What a flow leaves behind for a person: a table among the artifacts of its run."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import acreate_table_artifact

from tasks.keys import artifact_key


async def show_table(topic: str, rows: Sequence[Mapping[str, Any]], sentence: str, *, symbol: str | None = None) -> None:
    """Keep a table as an artifact; without rows the sentence stands alone."""
    await acreate_table_artifact([dict(row) for row in rows], key=artifact_key(topic, symbol), description=sentence)
